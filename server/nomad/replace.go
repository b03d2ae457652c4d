package nomad

import (
	"context"

	nomadapi "github.com/hashicorp/nomad/api"
)

// Replace has an allocation stopped and another placed instead, at once, as `nomad alloc stop` does: its services leave
// Consul, its group's shutdown_delay passes, and only then its tasks are told to stop. Code not_found for one that Nomad
// does not know.
func (c *Client) Replace(ctx context.Context, team, alloc string) error {
	q, cancel := c.query(ctx, team)
	defer cancel()
	if _, err := c.api.Allocations().Stop(&nomadapi.Allocation{ID: alloc, Namespace: team}, q); err != nil {
		return c.fail(ctx, err, "stop allocation "+alloc)
	}
	return nil
}
