package client

import (
	"context"
	"net/url"

	"github.com/crumpet-paas/crumpet/server/wire"
)

// CreateRun runs a task or cron of the serving release once. Twice is once too often, so it is
// repeated only if the server can't have heard it.
func (c *Client) CreateRun(ctx context.Context, app string, r wire.CreateRun) (run wire.Run, err error) {
	return run, c.call(ctx, unsent, "POST", appPath(app, "/runs"), nil, r, &run)
}

// Runs lists an app's runs, newest first.
func (c *Client) Runs(ctx context.Context, app string) (list wire.Runs, err error) {
	return list, c.call(ctx, always, "GET", appPath(app, "/runs"), nil, nil, &list)
}

// Run shows one run, by its id or the beginning of it.
func (c *Client) Run(ctx context.Context, app, id string) (run wire.Run, err error) {
	return run, c.call(ctx, always, "GET", appPath(app, "/runs/"+url.PathEscape(id)), nil, nil, &run)
}

// StopRun begins to end a run. One that has ended is left alone.
func (c *Client) StopRun(ctx context.Context, app, id string) (run wire.Run, err error) {
	return run, c.call(ctx, always, "DELETE", appPath(app, "/runs/"+url.PathEscape(id)), nil, nil, &run)
}

// Crons lists the crons of an app's serving release.
func (c *Client) Crons(ctx context.Context, app string) (list wire.Crons, err error) {
	return list, c.call(ctx, always, "GET", appPath(app, "/crons"), nil, nil, &list)
}
