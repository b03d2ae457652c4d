package client

import (
	"context"
	"net/url"
	"strconv"

	"github.com/crumpet-paas/crumpet/server/wire"
)

// Plan says what CreateRelease of the same would do, and changes nothing.
func (c *Client) Plan(ctx context.Context, app string, in wire.CreateRelease) (plan wire.Plan, err error) {
	return plan, c.call(ctx, always, "POST", appPath(app, "/plan"), nil, in, &plan)
}

// Diff compares two releases of an app; to is 0 for the one that serves.
func (c *Client) Diff(ctx context.Context, app string, from, to int) (diff wire.Diff, err error) {
	query := url.Values{"from": {strconv.Itoa(from)}}
	if to > 0 {
		query.Set("to", strconv.Itoa(to))
	}
	return diff, c.call(ctx, always, "GET", appPath(app, "/diff"), query, nil, &diff)
}
