package nomad

import (
	"context"
	"errors"
	"fmt"
	"maps"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Variable gives the items of a variable and the index to write it with, nil and 0 if there is none.
func (c *Client) Variable(ctx context.Context, team, path string) (items map[string]string, index uint64, err error) {
	q, cancel := c.query(ctx, team)
	defer cancel()
	v, _, err := c.api.Variables().Peek(path, q)
	if err != nil {
		return nil, 0, c.fail(ctx, err, fmt.Sprintf("read variable %q", path))
	}
	if v == nil {
		return nil, 0, nil
	}
	return maps.Clone(map[string]string(v.Items)), v.ModifyIndex, nil
}

// PutVariable writes a variable if its index is still index; 0 demands that there is none. The code is
// conflict if it moved.
func (c *Client) PutVariable(ctx context.Context, team, path string, items map[string]string, index uint64) error {
	w, cancel := c.write(ctx, team)
	defer cancel()
	v := &nomadapi.Variable{Namespace: team, Path: path, ModifyIndex: index, Items: maps.Clone(items)}
	_, _, err := c.api.Variables().CheckedUpdate(v, w)
	if err == nil {
		return nil
	}
	return c.unwritten(ctx, err, fmt.Sprintf("write variable %q", path), path, index)
}

// DeleteVariable takes a variable away if its index is still index. The code is conflict if it moved.
func (c *Client) DeleteVariable(ctx context.Context, team, path string, index uint64) error {
	w, cancel := c.write(ctx, team)
	defer cancel()
	_, err := c.api.Variables().CheckedDelete(path, index, w)
	if err == nil {
		return nil
	}
	return c.unwritten(ctx, err, fmt.Sprintf("delete variable %q", path), path, index)
}

// unwritten tells of a variable that could not be written or deleted.
func (c *Client) unwritten(ctx context.Context, err error, does, path string, index uint64) error {
	if errors.As(err, new(nomadapi.ErrCASConflict)) {
		// The error's own text holds what stands there.
		return paas.Wrap(paas.Conflict, fmt.Errorf("%s: not at index %d", does, index), "Somebody else changed the Nomad variable %s meanwhile. Try again.", path)
	}
	return c.fail(ctx, err, does)
}
