package client

import (
	"context"

	"github.com/crumpet-paas/crumpet/server/wire"
)

// AppMetrics shows what the routers answered for an app within the last ten minutes.
func (c *Client) AppMetrics(ctx context.Context, app string) (m wire.Metrics, err error) {
	return m, c.call(ctx, always, "GET", appPath(app, "/metrics"), nil, nil, &m)
}
