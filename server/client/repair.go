package client

import (
	"context"
	"net/url"

	"github.com/crumpet-paas/crumpet/server/wire"
)

// Drift lists what on the cluster is not as it is wished, of one app of the client's team or, with "",
// of every app of every team.
func (c *Client) Drift(ctx context.Context, app string) (list wire.Drift, err error) {
	return list, c.call(ctx, always, "GET", "/v1/drift", ofApp(app), nil, &list)
}

// Repair begins to heal what Drift gave.
func (c *Client) Repair(ctx context.Context, app string, in wire.Repair) (list wire.Drift, err error) {
	return list, c.call(ctx, always, "POST", "/v1/repair", ofApp(app), in, &list)
}

func ofApp(app string) url.Values {
	query := url.Values{}
	if app != "" {
		query.Set("app", app)
	}
	return query
}
