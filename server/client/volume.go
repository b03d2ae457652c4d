package client

import (
	"context"
	"net/url"

	"github.com/crumpet-paas/crumpet/server/wire"
)

// Volumes lists the volumes of one app of the client's team or, with "", of all, those of apps that are no more
// among them.
func (c *Client) Volumes(ctx context.Context, app string) (list wire.HostVolumes, err error) {
	return list, c.call(ctx, always, "GET", "/v1/volumes", ofApp(app), nil, &list)
}

// DeleteVolume deletes a volume of an app with all that is in it. Code conflict while an instance uses it.
func (c *Client) DeleteVolume(ctx context.Context, app, name string) (deleted wire.HostVolume, err error) {
	return deleted, c.call(ctx, unsent, "DELETE", appPath(app, "/volumes/"+url.PathEscape(name)), nil, nil, &deleted)
}
