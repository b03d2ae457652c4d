package client

import (
	"context"

	"github.com/crumpet-paas/crumpet/server/wire"
)

// Config shows what an app's configuration holds, without the values.
func (c *Client) Config(ctx context.Context, app string) (config wire.Config, err error) {
	return config, c.call(ctx, always, "GET", appPath(app, "/config"), nil, nil, &config)
}

// ChangeConfig sets and unsets keys, and deploys what comes of it unless it is staged. Asked again to set the
// same, the server gives the deployment that is under way; what was unset can't be again, and a base has moved.
func (c *Client) ChangeConfig(ctx context.Context, app string, in wire.ChangeConfig) (done wire.ChangedConfig, err error) {
	return done, c.call(ctx, repeat(len(in.Unset) == 0 && in.Base == nil), "PATCH", appPath(app, "/config"), nil, in, &done)
}

// ConfigVersions lists the versions of an app's configuration, newest first.
func (c *Client) ConfigVersions(ctx context.Context, app string) (list wire.ConfigVersions, err error) {
	return list, c.call(ctx, always, "GET", appPath(app, "/config/versions"), nil, nil, &list)
}

// RevealConfig shows values. It is told in the app's events who asked for which.
func (c *Client) RevealConfig(ctx context.Context, app string, in wire.RevealConfig) (shown wire.RevealedConfig, err error) {
	return shown, c.call(ctx, always, "POST", appPath(app, "/config/reveal"), nil, in, &shown)
}
