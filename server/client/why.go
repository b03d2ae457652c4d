package client

import (
	"context"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Why says why an app does not serve, or what else is wrong with it.
func (c *Client) Why(ctx context.Context, app string) (w paas.Why, err error) {
	return w, c.call(ctx, always, "GET", appPath(app, "/why"), nil, nil, &w)
}
