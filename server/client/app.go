package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/crumpet-paas/crumpet/server/wire"
)

// AppsQuery narrows the list of apps.
type AppsQuery struct {
	Team  string // "" for the client's, * for all
	After string // the Next of the page before
	Limit int    // 0 for the server's default
	Name  string // a part of the apps' names; "" for all
}

// Apps lists one page of apps.
func (c *Client) Apps(ctx context.Context, q AppsQuery) (page wire.Apps, err error) {
	query := url.Values{}
	if q.Team != "" {
		query.Set("team", q.Team)
	}
	if q.After != "" {
		query.Set("after", q.After)
	}
	if q.Name != "" {
		query.Set("q", q.Name)
	}
	if q.Limit > 0 {
		query.Set("limit", strconv.Itoa(q.Limit))
	}
	return page, c.call(ctx, always, "GET", "/v1/apps", query, nil, &page)
}

// App shows an app in one line.
func (c *Client) App(ctx context.Context, app string) (line wire.App, err error) {
	return line, c.call(ctx, always, "GET", appPath(app, ""), nil, nil, &line)
}

// Status shows an app in full.
func (c *Client) Status(ctx context.Context, app string) (status wire.Status, err error) {
	return status, c.call(ctx, always, "GET", appPath(app, "/status"), nil, nil, &status)
}

// Scale changes how many instances of some processes are wanted.
func (c *Client) Scale(ctx context.Context, app string, counts map[string]int) (d wire.Deployed, err error) {
	return d, c.call(ctx, always, "POST", appPath(app, "/scale"), nil, wire.Scale{Counts: counts}, &d)
}

// Restart replaces every instance. Twice is once too often, so it is repeated only if the server
// can't have heard it.
func (c *Client) Restart(ctx context.Context, app string) (d wire.Deployed, err error) {
	return d, c.call(ctx, unsent, "POST", appPath(app, "/restart"), nil, nil, &d)
}

// Stop stops every instance; the app and its releases stay.
func (c *Client) Stop(ctx context.Context, app string) (line wire.App, err error) {
	return line, c.call(ctx, always, "POST", appPath(app, "/stop"), nil, nil, &line)
}

// Start starts a stopped app.
func (c *Client) Start(ctx context.Context, app string) (d wire.Deployed, err error) {
	return d, c.call(ctx, always, "POST", appPath(app, "/start"), nil, nil, &d)
}

// Destroy begins to take an app away. It is gone when App gives not_found.
func (c *Client) Destroy(ctx context.Context, app string) (line wire.App, err error) {
	return line, c.call(ctx, unsent, "DELETE", appPath(app, ""), nil, nil, &line)
}

// RestartInstance has one instance, by its number, its id or the beginning of that, replaced. Codes: not_found, invalid
// (several may be meant), conflict (it is the only one that serves, and force is not given; or a deployment is under way).
func (c *Client) RestartInstance(ctx context.Context, app, instance, process string, force bool) (i wire.Instance, err error) {
	query := url.Values{"force": {strconv.FormatBool(force)}}
	if process != "" {
		query.Set("process", process)
	}
	err = c.call(ctx, unsent, http.MethodPost, appPath(app, "/instances/"+url.PathEscape(instance)+"/restart"), query, nil, &i)
	return i, err
}
