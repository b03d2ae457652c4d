package client

import (
	"context"
	"net/url"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// Nodes lists the machines that run instances.
func (c *Client) Nodes(ctx context.Context) (list wire.Nodes, err error) {
	return list, c.call(ctx, always, "GET", "/v1/nodes", nil, nil, &list)
}

// Node shows one, by its name or id.
func (c *Client) Node(ctx context.Context, name string) (view paas.NodeView, err error) {
	return view, c.call(ctx, always, "GET", nodePath(name, ""), nil, nil, &view)
}

// DrainNode wishes a node to be empty; Node shows how far it is.
func (c *Client) DrainNode(ctx context.Context, name string) (view paas.NodeView, err error) {
	return view, c.call(ctx, always, "PUT", nodePath(name, "/drain"), nil, nil, &view)
}

// UndoDrain lets a node take instances again.
func (c *Client) UndoDrain(ctx context.Context, name string) (view paas.NodeView, err error) {
	return view, c.call(ctx, always, "DELETE", nodePath(name, "/drain"), nil, nil, &view)
}

func nodePath(name, rest string) string { return "/v1/nodes/" + url.PathEscape(name) + rest }
