package nomad

import (
	"context"
	"fmt"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"
)

// drainDeadline is how long Nomad waits for what it moves off a node to be well elsewhere, before it
// stops the rest.
const drainDeadline = time.Hour

// SetEligible says whether Nomad may place instances on a node.
func (c *Client) SetEligible(ctx context.Context, node string, eligible bool) error {
	w, cancel := c.write(ctx, "")
	defer cancel()
	if _, err := c.api.Nodes().ToggleEligibility(node, eligible, w); err != nil {
		return c.fail(ctx, err, fmt.Sprintf("make node %s eligible: %t", node, eligible))
	}
	return nil
}

// Drain has Nomad move everything off a node.
func (c *Client) Drain(ctx context.Context, node string) error {
	w, cancel := c.write(ctx, "")
	defer cancel()
	if _, err := c.api.Nodes().UpdateDrain(node, &nomadapi.DrainSpec{Deadline: drainDeadline}, false, w); err != nil {
		return c.fail(ctx, err, "drain node "+node)
	}
	return nil
}

// EndDrain ends a drain, if there is one; the node is eligible again.
func (c *Client) EndDrain(ctx context.Context, node string) error {
	w, cancel := c.write(ctx, "")
	defer cancel()
	if _, err := c.api.Nodes().UpdateDrain(node, nil, true, w); err != nil {
		return c.fail(ctx, err, "end drain of node "+node)
	}
	return nil
}
