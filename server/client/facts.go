package client

import (
	"context"
	"fmt"
	"net/url"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// Usage shows what each instance of an app takes of its node now.
func (c *Client) Usage(ctx context.Context, app string) (usage wire.Usage, err error) {
	return usage, c.call(ctx, always, "GET", appPath(app, "/usage"), nil, nil, &usage)
}

// Timeline shows a deployment's milestones.
func (c *Client) Timeline(ctx context.Context, app, id string) (t wire.Timeline, err error) {
	return t, c.call(ctx, always, "GET", appPath(app, "/deployments/"+url.PathEscape(id)+"/timeline"), nil, nil, &t)
}

// ReleaseSpec shows the app spec of a release as it was written.
func (c *Client) ReleaseSpec(ctx context.Context, app string, number int) (s wire.ReleaseSpec, err error) {
	return s, c.call(ctx, always, "GET", appPath(app, fmt.Sprintf("/releases/%d/spec", number)), nil, nil, &s)
}

// Platform shows how the machinery under all apps is. Only admins may ask.
func (c *Client) Platform(ctx context.Context) (p paas.Platform, err error) {
	return p, c.call(ctx, always, "GET", "/v1/platform", nil, nil, &p)
}

// Findings looks at the cluster as a doctor does. Only admins may ask.
func (c *Client) Findings(ctx context.Context) (found paas.Checkup, err error) {
	return found, c.call(ctx, always, "GET", "/v1/platform/findings", nil, nil, &found)
}

// Templates lists the apps to begin with.
func (c *Client) Templates(ctx context.Context) (list wire.Templates, err error) {
	return list, c.call(ctx, always, "GET", "/v1/templates", nil, nil, &list)
}

// CreateFromTemplate begins a new app: Launch says what became of it. Asked again meanwhile, it gives the same.
func (c *Client) CreateFromTemplate(ctx context.Context, app, template string) (l paas.Launch, err error) {
	return l, c.call(ctx, always, "POST", "/v1/apps", nil, wire.CreateFromTemplate{App: app, Template: template}, &l)
}

// Launch shows how far an app is on its way from a template.
func (c *Client) Launch(ctx context.Context, app string) (l paas.Launch, err error) {
	return l, c.call(ctx, always, "GET", appPath(app, "/launch"), nil, nil, &l)
}
