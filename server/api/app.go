package api

import (
	"context"
	"net/http"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

func (a *API) apps(ctx context.Context, in *struct {
	Team  string `query:"team" default:"default" doc:"The team; * for all."`
	After string `query:"after" doc:"The next of the page before."`
	Limit int    `query:"limit" default:"50" minimum:"1" maximum:"5000" doc:"Apps on a page."`
},
) (*body[wire.Apps], error) {
	filter := paas.AppFilter{Team: in.Team, After: in.After, Limit: in.Limit + 1} // one more tells whether there is a next page
	if in.Team == anyTeam {
		filter.Team = ""
	} else if err := checkTeam(in.Team); err != nil {
		return nil, err
	}
	list, err := a.Store.Overviews(ctx, filter)
	if err != nil {
		return nil, err
	}
	page := wire.Apps{Items: []wire.App{}}
	if len(list) > in.Limit {
		list = list[:in.Limit]
		page.Next = list[in.Limit-1].App.Ref().String()
	}
	if err := a.learn(ctx, filter, list); err != nil {
		return nil, err
	}
	for _, overview := range list {
		if line, ok := a.plain(overview); ok {
			page.Items = append(page.Items, line)
			continue
		}
		snapshot, err := a.Store.Snapshot(ctx, overview.App.Ref())
		if paas.CodeOf(err) == paas.NotFound {
			a.urls.forget(overview.App.Ref())
			continue // destroyed since the list was read
		}
		if err != nil {
			return nil, err
		}
		page.Items = append(page.Items, a.summary(ctx, snapshot))
	}
	return &body[wire.Apps]{page}, nil
}

// summary is an app in one line.
func (a *API) summary(ctx context.Context, s paas.Snapshot) wire.App {
	status := a.statusOf(ctx, s)
	line := wire.App{
		App: status.App, Team: status.Team, Status: status.Status, Health: status.Health, Reason: status.Reason,
		Release: status.Release, Slot: status.Slot, URLs: []string{}, CreatedAt: s.App.CreatedAt,
	}
	for _, r := range status.Routes {
		line.URLs = append(line.URLs, r.URL)
	}
	return line
}

func (a *API) app(ctx context.Context, in *AppScope) (*body[wire.App], error) {
	s, err := a.snapshot(ctx, in)
	if err != nil {
		return nil, err
	}
	return &body[wire.App]{a.summary(ctx, s)}, nil
}

func (a *API) status(ctx context.Context, in *AppScope) (*body[wire.Status], error) {
	s, err := a.snapshot(ctx, in)
	if err != nil {
		return nil, err
	}
	return &body[wire.Status]{a.statusOf(ctx, s)}, nil
}

// statusOf is the status with the reason, also where only a deployment that has ended knows it.
func (a *API) statusOf(ctx context.Context, s paas.Snapshot) wire.Status {
	status := statusOf(s, a.RouteURL)
	if status.Reason == "" && (status.Status == wire.AppFailing || status.Status == wire.AppPending) {
		status.Reason = a.lastReason(ctx, s.App.Ref())
	}
	return status
}

// lastReason is why the newest deployment ended as it did: a snapshot has only those under way. What
// it can't find out is left out of the status.
func (a *API) lastReason(ctx context.Context, ref paas.AppRef) string {
	list, err := a.Store.Deployments(ctx, ref, 1)
	if err != nil || len(list) == 0 {
		return ""
	}
	return list[0].Reason
}

func (a *API) snapshot(ctx context.Context, in *AppScope) (paas.Snapshot, error) {
	ref, err := in.ref()
	if err != nil {
		return paas.Snapshot{}, err
	}
	return a.Store.Snapshot(ctx, ref)
}

func (a *API) scale(ctx context.Context, in *struct {
	AppScope
	Body wire.Scale
},
) (*reply[wire.Deployed], error) {
	ref, err := in.ref()
	if err != nil {
		return nil, err
	}
	result, err := a.Deployer.Scale(ctx, ref, in.Body.Counts, caller(ctx))
	if err != nil {
		return nil, err
	}
	return a.deployed(result), nil
}

func (a *API) restart(ctx context.Context, in *AppScope) (*reply[wire.Deployed], error) {
	ref, err := in.ref()
	if err != nil {
		return nil, err
	}
	result, err := a.Deployer.Restart(ctx, ref, caller(ctx))
	if err != nil {
		return nil, err
	}
	return a.deployed(result), nil
}

func (a *API) start(ctx context.Context, in *AppScope) (*reply[wire.Deployed], error) {
	ref, err := in.ref()
	if err != nil {
		return nil, err
	}
	result, err := a.Deployer.Start(ctx, ref, caller(ctx))
	if err != nil {
		return nil, err
	}
	return a.deployed(result), nil
}

func (a *API) stop(ctx context.Context, in *AppScope) (*body[wire.App], error) {
	ref, err := in.ref()
	if err != nil {
		return nil, err
	}
	if err := a.Deployer.Stop(ctx, ref, caller(ctx)); err != nil {
		return nil, err
	}
	return a.app(ctx, in)
}

// destroy answers 202: the app's instances stop first, then its rows go. GET of the app answers 404
// once it is done.
func (a *API) destroy(ctx context.Context, in *AppScope) (*reply[wire.App], error) {
	s, err := a.snapshot(ctx, in)
	if err != nil {
		return nil, err
	}
	if err := a.Deployer.Destroy(ctx, s.App.Ref(), caller(ctx)); err != nil {
		return nil, err
	}
	s.App.Deleting = true
	return &reply[wire.App]{http.StatusAccepted, a.summary(ctx, s)}, nil
}
