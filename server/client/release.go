package client

import (
	"context"
	"net/url"
	"strconv"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// CreateRelease makes an app run a spec with an artifact. Asked again for the same, the server gives
// the deployment that is under way; with Force it would walk again, and with the Base of a plan it
// would be refused, as the first time moved the world.
func (c *Client) CreateRelease(ctx context.Context, app string, in wire.CreateRelease) (d wire.Deployed, err error) {
	return d, c.call(ctx, repeat(!in.Force && in.Base == nil), "POST", appPath(app, "/releases"), nil, in, &d)
}

// ReleasesQuery narrows a list of releases.
type ReleasesQuery struct {
	Limit  int    // 0 for the server's default
	Before string // the Next of the page before
}

// Releases lists an app's releases, newest first.
func (c *Client) Releases(ctx context.Context, app string, q ReleasesQuery) (list wire.Releases, err error) {
	query := url.Values{}
	if q.Limit > 0 {
		query.Set("limit", strconv.Itoa(q.Limit))
	}
	if q.Before != "" {
		query.Set("before", q.Before)
	}
	return list, c.call(ctx, always, "GET", appPath(app, "/releases"), query, nil, &list)
}

// Rollback restores an earlier release as a new one. Twice might go back twice, so it is repeated only
// if the server can't have heard it, or if it names the release.
func (c *Client) Rollback(ctx context.Context, app string, in wire.Rollback) (d wire.Deployed, err error) {
	return d, c.call(ctx, repeat(in.Release > 0 && in.Base == nil), "POST", appPath(app, "/rollback"), nil, in, &d)
}

// PlanRollback says what Rollback of the same would do, and changes nothing.
func (c *Client) PlanRollback(ctx context.Context, app string, in wire.Rollback) (plan wire.Plan, err error) {
	return plan, c.call(ctx, always, "POST", appPath(app, "/rollback/plan"), nil, in, &plan)
}

// Release shows a release.
func (c *Client) Release(ctx context.Context, app string, number int) (r wire.KeptRelease, err error) {
	return r, c.call(ctx, always, "GET", appPath(app, "/releases/"+strconv.Itoa(number)), nil, nil, &r)
}

// Deployments lists an app's deployments, newest first.
func (c *Client) Deployments(ctx context.Context, app string) (list wire.Deployments, err error) {
	return list, c.call(ctx, always, "GET", appPath(app, "/deployments"), nil, nil, &list)
}

// Deployment shows a deployment.
func (c *Client) Deployment(ctx context.Context, app, id string) (d paas.Deployment, err error) {
	return d, c.call(ctx, always, "GET", appPath(app, "/deployments/"+url.PathEscape(id)), nil, nil, &d)
}

// Promote ends what a deployment waits for. Twice might end the next hold as well, so it is repeated
// only if the server can't have heard it.
func (c *Client) Promote(ctx context.Context, app, id string) (d paas.Deployment, err error) {
	return d, c.call(ctx, unsent, "POST", appPath(app, "/deployments/"+url.PathEscape(id)+"/promote"), nil, nil, &d)
}

// Pause has a deployment stay where it is; reason may be "". One that is paused already refuses it, so
// it is repeated only if the server can't have heard it.
func (c *Client) Pause(ctx context.Context, app, id, reason string) (d paas.Deployment, err error) {
	return d, c.call(ctx, unsent, "POST", appPath(app, "/deployments/"+url.PathEscape(id)+"/pause"), nil, wire.Pause{Reason: reason}, &d)
}

// Resume lets a paused deployment go on.
func (c *Client) Resume(ctx context.Context, app, id string) (d paas.Deployment, err error) {
	return d, c.call(ctx, unsent, "POST", appPath(app, "/deployments/"+url.PathEscape(id)+"/resume"), nil, nil, &d)
}

// Abort makes a deployment walk back.
func (c *Client) Abort(ctx context.Context, app, id string) (d paas.Deployment, err error) {
	return d, c.call(ctx, always, "POST", appPath(app, "/deployments/"+url.PathEscape(id)+"/abort"), nil, nil, &d)
}

// Cancel is Abort under its old name, which servers of before know.
func (c *Client) Cancel(ctx context.Context, app, id string) (d paas.Deployment, err error) {
	return d, c.call(ctx, always, "POST", appPath(app, "/deployments/"+url.PathEscape(id)+"/cancel"), nil, nil, &d)
}
