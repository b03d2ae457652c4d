package consul

import (
	"context"
	"io"
	"time"

	consulapi "github.com/hashicorp/consul/api"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// snapshotLimit bounds the copy of a whole state, or its way back.
const snapshotLimit = time.Hour

// Snapshot writes the state of Consul's servers, which holds ACL tokens: it is a secret. An error of w ends it. Needs
// a management token.
func (c *Client) Snapshot(ctx context.Context, w io.Writer) error {
	const does = "copy Consul's state"
	limited, cancel := context.WithTimeout(ctx, snapshotLimit)
	defer cancel()
	r, _, err := c.api.Snapshot().Save((&consulapi.QueryOptions{}).WithContext(limited))
	if err != nil {
		return c.fail(ctx, err, does)
	}
	defer r.Close() //nolint:errcheck // it was read
	if _, err := io.Copy(w, r); err != nil {
		return c.fail(ctx, err, does)
	}
	return nil
}

// RestoreSnapshot puts a state in place of the one there is: keys, tokens and the catalog are those of the snapshot.
func (c *Client) RestoreSnapshot(ctx context.Context, r io.Reader) error {
	limited, cancel := context.WithTimeout(ctx, snapshotLimit)
	defer cancel()
	if err := c.api.Snapshot().Restore((&consulapi.WriteOptions{}).WithContext(limited), r); err != nil {
		return c.fail(ctx, err, "restore Consul's state")
	}
	return nil
}

// Version gives the version of the agent.
func (c *Client) Version(ctx context.Context) (string, error) {
	q, cancel := c.query(ctx)
	defer cancel()
	var self struct{ Config struct{ Version string } }
	if _, err := c.api.Raw().Query("/v1/agent/self", &self, q); err != nil {
		return "", c.fail(ctx, err, "ask Consul for its version")
	}
	return self.Config.Version, nil
}

// HasRules says whether rules of apps stand in the KV.
func (c *Client) HasRules(ctx context.Context) (bool, error) {
	q, cancel := c.query(ctx)
	defer cancel()
	keys, _, err := c.api.KV().Keys(c.prefix, "", q)
	if err != nil {
		return false, c.fail(ctx, err, "list rules")
	}
	return len(keys) > 0, nil
}

// DropStrangers takes nodes out of the catalog that are no members of the cluster, with all that is registered there:
// after a restore these are the machines that are gone, and routers would lead requests to them. A node of the same
// name as a member, but with another id, is a stranger as well. External nodes, without an id, stay. It gives their
// names.
func (c *Client) DropStrangers(ctx context.Context) ([]string, error) {
	q, cancel := c.query(ctx)
	defer cancel()
	var members []struct {
		Name string
		Tags map[string]string
	}
	if _, err := c.api.Raw().Query("/v1/agent/members", &members, q); err != nil {
		return nil, c.fail(ctx, err, "list Consul's members")
	}
	ids := map[string]bool{}
	for _, m := range members {
		ids[m.Tags["id"]] = true
	}
	if len(members) == 0 {
		return nil, paas.Errorf(paas.Forbidden, "Consul at %s shows no member to this token. Use a management token.", c.address)
	}
	nodes, _, err := c.api.Catalog().Nodes(q)
	if err != nil {
		return nil, c.fail(ctx, err, "list Consul's nodes")
	}
	var dropped []string
	for _, n := range nodes {
		if n.ID == "" || ids[n.ID] {
			continue
		}
		w, cancel := c.write(ctx)
		_, err := c.api.Catalog().Deregister(&consulapi.CatalogDeregistration{Node: n.Node}, w)
		cancel()
		if err != nil {
			return dropped, c.fail(ctx, err, "deregister node "+n.Node)
		}
		dropped = append(dropped, n.Node)
	}
	return dropped, nil
}
