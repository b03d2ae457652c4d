package client

import (
	"context"

	"github.com/crumpet-paas/crumpet/server/wire"
)

// Self tells who the token makes the caller.
func (c *Client) Self(ctx context.Context) (t wire.Token, err error) {
	return t, c.call(ctx, always, "GET", "/v1/tokens/self", nil, nil, &t)
}

// Servers lists Crumpet's servers, and which of them leads.
func (c *Client) Servers(ctx context.Context) (list wire.Servers, err error) {
	return list, c.call(ctx, always, "GET", "/v1/servers", nil, nil, &list)
}
