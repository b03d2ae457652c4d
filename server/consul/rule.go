package consul

import (
	"context"
	"fmt"
	"strings"

	consulapi "github.com/hashicorp/consul/api"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Rule gives the text of an app's rule and the index to write it with; "" and 0 if there is none.
// The read asks Consul's leader, so that a rule just written is seen.
func (c *Client) Rule(ctx context.Context, ref paas.AppRef) (text string, index uint64, err error) {
	q, cancel := c.query(ctx)
	defer cancel()
	q.RequireConsistent = true
	pair, _, err := c.api.KV().Get(c.key(ref), q)
	if err != nil {
		return "", 0, c.fail(ctx, err, fmt.Sprintf("read the rule of %s", ref))
	}
	if pair == nil {
		return "", 0, nil
	}
	return string(pair.Value), pair.ModifyIndex, nil
}

// PutRule writes the rule of an app if its index is still index; 0 demands that there is none. The
// code is conflict if it moved.
func (c *Client) PutRule(ctx context.Context, ref paas.AppRef, text string, index uint64) error {
	w, cancel := c.write(ctx)
	defer cancel()
	done, _, err := c.api.KV().CAS(&consulapi.KVPair{Key: c.key(ref), Value: []byte(text), ModifyIndex: index}, w)
	if err != nil {
		return c.fail(ctx, err, fmt.Sprintf("write the rule of %s", ref))
	}
	if !done {
		return moved(ref)
	}
	return nil
}

// DeleteRule deletes the rule of an app if its index is still index. A rule that is not there is no
// error; the code is conflict if it moved.
func (c *Client) DeleteRule(ctx context.Context, ref paas.AppRef, index uint64) error {
	if index > 0 { // Consul takes a delete with index 0 as one without condition
		w, cancel := c.write(ctx)
		defer cancel()
		done, _, err := c.api.KV().DeleteCAS(&consulapi.KVPair{Key: c.key(ref), ModifyIndex: index}, w)
		if err != nil {
			return c.fail(ctx, err, fmt.Sprintf("delete the rule of %s", ref))
		}
		if done {
			return nil
		}
	}
	_, now, err := c.Rule(ctx, ref)
	if err != nil {
		return err
	}
	if now != 0 {
		return moved(ref)
	}
	return nil
}

// Rules gives the rules of all apps. Keys below the prefix that are not TEAM/APP are left out.
func (c *Client) Rules(ctx context.Context) (map[paas.AppRef]paas.Rule, error) {
	q, cancel := c.query(ctx)
	defer cancel()
	q.RequireConsistent = true
	pairs, _, err := c.api.KV().List(c.prefix, q)
	if err != nil {
		return nil, c.fail(ctx, err, "list the rules of apps")
	}
	rules := make(map[paas.AppRef]paas.Rule, len(pairs))
	for _, pair := range pairs {
		team, app, ok := strings.Cut(strings.TrimPrefix(pair.Key, c.prefix), "/")
		if !ok || team == "" || app == "" || strings.Contains(app, "/") {
			continue
		}
		rules[paas.AppRef{Team: team, App: app}] = paas.Rule{Text: string(pair.Value), Index: pair.ModifyIndex}
	}
	return rules, nil
}

func (c *Client) key(ref paas.AppRef) string { return c.prefix + ref.String() }

func moved(ref paas.AppRef) error {
	return paas.Errorf(paas.Conflict, "Somebody else changed the routing rule of %s meanwhile. Try again.", ref)
}
