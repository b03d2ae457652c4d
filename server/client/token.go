package client

import (
	"context"

	"github.com/crumpet-paas/crumpet/server/wire"
)

// Self tells who the token makes the caller.
func (c *Client) Self(ctx context.Context) (t wire.Token, err error) {
	return t, c.call(ctx, always, "GET", "/v1/tokens/self", nil, nil, &t)
}
