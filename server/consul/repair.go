package consul

import (
	"context"
	"fmt"
	"maps"
	"net"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	consulapi "github.com/hashicorp/consul/api"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// RuleKeys gives the keys that routers read, by name, once something among them has changed since index,
// or after wait: those of the folder that Crumpet's prefix stands in, as routers are told to read it. 0
// asks for the keys as they are now.
func (c *Client) RuleKeys(ctx context.Context, index uint64, wait time.Duration) (keys []paas.RuleKey, next uint64, err error) {
	// Consul adds up to a sixteenth to the wait, so the deadline does too.
	callCtx, cancel := context.WithTimeout(ctx, wait+wait/16+c.timeout)
	defer cancel()
	q := (&consulapi.QueryOptions{WaitIndex: index, WaitTime: wait}).WithContext(callCtx)
	if index == 0 {
		q.WaitTime, q.RequireConsistent = 0, true
	}
	folder := c.prefix
	if parent := path.Dir(strings.Trim(c.prefix, "/")); parent != "." {
		folder = parent + "/"
	}
	pairs, meta, err := c.api.KV().List(folder, q)
	if err != nil {
		return nil, 0, c.fail(ctx, err, "list the keys that routers read")
	}
	for _, pair := range pairs {
		k := paas.RuleKey{Key: pair.Key, Text: string(pair.Value), Index: pair.ModifyIndex}
		rest, own := strings.CutPrefix(pair.Key, c.prefix)
		if team, app, ok := strings.Cut(rest, "/"); own && ok && !strings.Contains(app, "/") {
			k.Ref = paas.AppRef{Team: team, App: app}
		}
		k.Own = own
		keys = append(keys, k)
	}
	return keys, max(meta.LastIndex, 1), nil
}

// MoveKey puts the text of a key into another place, where one with the same name is overwritten, and
// then deletes it if its index is still that of the key; the code is conflict if it moved.
func (c *Client) MoveKey(ctx context.Context, key paas.RuleKey, to string) error {
	w, cancel := c.write(ctx)
	defer cancel()
	if _, err := c.api.KV().Put(&consulapi.KVPair{Key: to, Value: []byte(key.Text)}, w); err != nil {
		return c.fail(ctx, err, fmt.Sprintf("write key %q", to))
	}
	done, _, err := c.api.KV().DeleteCAS(&consulapi.KVPair{Key: key.Key, ModifyIndex: key.Index}, w)
	if err != nil {
		return c.fail(ctx, err, fmt.Sprintf("delete key %q", key.Key))
	}
	if !done {
		return paas.Errorf(paas.Conflict, "Somebody else changed Consul's key %s meanwhile. Try again.", key.Key)
	}
	return nil
}

// Instances gives every instance of a service whose name is one of an app's, by name and id.
func (c *Client) Instances(ctx context.Context) ([]paas.Registered, error) {
	q, cancel := c.query(ctx)
	defer cancel()
	names, _, err := c.api.Catalog().Services(q)
	if err != nil {
		return nil, c.fail(ctx, err, "list services")
	}
	here, err := c.api.Agent().ServicesWithFilterOpts("", q)
	if err != nil {
		return nil, c.fail(ctx, err, "list the agent's services")
	}
	var list []paas.Registered
	for _, name := range slices.Sorted(maps.Keys(names)) {
		service, ours := paas.ParseService(name)
		if !ours {
			continue
		}
		one, cancelOne := c.query(ctx)
		found, _, err := c.api.Catalog().Service(name, "", one)
		cancelOne()
		if err != nil {
			return nil, c.fail(ctx, err, fmt.Sprintf("list instances of service %q", name))
		}
		for _, s := range found {
			host := s.ServiceAddress
			if host == "" {
				host = s.Address
			}
			_, ofAgent := here[s.ServiceID]
			list = append(list, paas.Registered{
				ID: s.ServiceID, Service: service, Node: s.Node, Address: net.JoinHostPort(host, strconv.Itoa(s.ServicePort)), Here: ofAgent,
			})
		}
	}
	return list, nil
}
