package nomad

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"
)

// snapshotLimit bounds the copy of a whole state, or its way back.
const snapshotLimit = time.Hour

// Snapshot writes the state of Nomad's servers, which holds the keys that sign identities: it is a secret. An error of
// w ends it. Needs a management token.
func (c *Client) Snapshot(ctx context.Context, w io.Writer) error {
	const does = "copy Nomad's state"
	limited, cancel := context.WithTimeout(ctx, snapshotLimit)
	defer cancel()
	r, err := c.api.Operator().Snapshot((&nomadapi.QueryOptions{}).WithContext(limited))
	if err != nil {
		return c.fail(ctx, err, does)
	}
	defer r.Close() //nolint:errcheck // it was read
	if _, err := io.Copy(w, r); err != nil {
		return c.fail(ctx, err, does)
	}
	return nil
}

// RestoreSnapshot puts a state in place of the one there is: jobs, tokens, keys and nodes are those of the snapshot.
func (c *Client) RestoreSnapshot(ctx context.Context, r io.Reader) error {
	limited, cancel := context.WithTimeout(ctx, snapshotLimit)
	defer cancel()
	if _, err := c.api.Operator().SnapshotRestore(r, (&nomadapi.WriteOptions{}).WithContext(limited)); err != nil {
		return c.fail(ctx, err, "restore Nomad's state")
	}
	return nil
}

// NodeIndexes gives the index of the last change of every node, by the node's id.
func (c *Client) NodeIndexes(ctx context.Context) (map[string]uint64, error) {
	q, cancel := c.query(ctx, "")
	defer cancel()
	nodes, _, err := c.api.Nodes().List(q)
	if err != nil {
		return nil, c.fail(ctx, err, "list nodes")
	}
	all := map[string]uint64{}
	for _, n := range nodes {
		all[n.ID] = n.ModifyIndex
	}
	return all, nil
}

// PurgeNode takes a node out of the state, so that what ran there is placed anew at once. A node that lives registers
// again by itself.
func (c *Client) PurgeNode(ctx context.Context, id string) error {
	q, cancel := c.query(ctx, "")
	defer cancel()
	if _, _, err := c.api.Nodes().Purge(id, q); err != nil {
		if answer, ok := err.(nomadapi.UnexpectedResponseError); ok && answer.HasStatusCode() && answer.StatusCode() == http.StatusNotFound { //nolint:errorlint // as the client gives it
			return nil
		}
		return c.fail(ctx, err, fmt.Sprintf("purge node %s", id))
	}
	return nil
}

// JobIDs gives the ids of all jobs that are not stopped, of whoever made them, as NAMESPACE/ID.
func (c *Client) JobIDs(ctx context.Context) ([]string, error) {
	q, cancel := c.query(ctx, nomadapi.AllNamespacesNamespace)
	defer cancel()
	list, _, err := c.api.Jobs().List(q)
	if err != nil {
		return nil, c.fail(ctx, err, "list jobs")
	}
	var ids []string
	for _, j := range list {
		if !j.Stop {
			ids = append(ids, j.Namespace+"/"+j.ID)
		}
	}
	return ids, nil
}
