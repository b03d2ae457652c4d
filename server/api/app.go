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
	Q     string `query:"q" maxLength:"64" doc:"A part of the name: only apps that have it."`
},
) (*body[wire.Apps], error) {
	filter := paas.AppFilter{Team: in.Team, After: in.After, Limit: in.Limit}
	if in.Team == anyTeam {
		filter.Team = ""
	} else if err := checkTeam(in.Team); err != nil {
		return nil, err
	}
	list, rates, err := a.list(ctx)
	if err != nil {
		return nil, err
	}
	page := pageOf(seen(a.sightOf(ctx), named(list, in.Q), appOf), filter)
	page.Items = rates.onto(page.Items)
	return &body[wire.Apps]{page}, nil
}

// summary is an app in one line.
func (a *API) summary(ctx context.Context, s paas.Snapshot) (wire.App, error) {
	status, err := a.statusOf(ctx, s)
	line := wire.App{
		App: status.App, Team: status.Team, Status: status.Status, Health: status.Health, Reason: status.Reason,
		Release: status.Release, Slot: status.Slot, URLs: []string{}, CreatedAt: s.App.CreatedAt,
	}
	for _, r := range status.Routes {
		line.URLs = append(line.URLs, r.URL)
	}
	for _, p := range status.Processes {
		line.Wanted += p.Wanted
		line.Healthy += min(p.Healthy, p.Wanted)
	}
	if status.Origin != nil {
		line.DeployedAt, line.DeployedBy = &status.Origin.CreatedAt, status.Origin.CreatedBy
	}
	return line, err
}

// busy is a summary with what the app answers now.
func (a *API) busy(ctx context.Context, s paas.Snapshot) (wire.App, error) {
	line, err := a.summary(ctx, s)
	if err != nil {
		return line, err
	}
	rates, err := a.rates(ctx)
	return rates.onto([]wire.App{line})[0], err
}

func (a *API) app(ctx context.Context, in *AppScope) (*body[wire.App], error) {
	s, err := a.snapshot(ctx, in)
	if err != nil {
		return nil, err
	}
	line, err := a.busy(ctx, s)
	if err != nil {
		return nil, err
	}
	return &body[wire.App]{line}, nil
}

func (a *API) status(ctx context.Context, in *AppScope) (*body[wire.Status], error) {
	s, err := a.snapshot(ctx, in)
	if err != nil {
		return nil, err
	}
	status, err := a.statusOf(ctx, s)
	if err != nil {
		return nil, err
	}
	return &body[wire.Status]{status}, nil
}

// statusOf is the status with the reason, also where only a deployment that has ended knows it.
func (a *API) statusOf(ctx context.Context, s paas.Snapshot) (wire.Status, error) {
	status := statusOf(s, a.RouteURL)
	if status.Reason != "" || (status.Status != wire.AppFailing && status.Status != wire.AppPending) {
		return status, nil
	}
	list, err := a.Store.Deployments(ctx, s.App.Ref(), 1) // a snapshot has only those under way
	if err == nil && len(list) > 0 {
		status.Reason = list[0].Reason
	}
	return status, err
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
	before, err := a.Store.Snapshot(ctx, ref)
	if err != nil {
		return nil, err
	}
	noteAudit(ctx, "", countsOf(before.App.Counts, in.Body.Counts), in.Body.Counts)
	result, err := a.Deployer.Scale(ctx, ref, in.Body.Counts, caller(ctx))
	if err != nil {
		return nil, err
	}
	return a.deployed(result), nil
}

// countsOf gives those of the processes that others have.
func countsOf(all, of map[string]int) map[string]int {
	some := map[string]int{}
	for process := range of {
		some[process] = all[process]
	}
	return some
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
	noteAudit(ctx, "", releaseNote(s.App.Release), nil)
	s.App.Deleting = true
	line, err := a.busy(ctx, s)
	if err != nil {
		return nil, err
	}
	return &reply[wire.App]{http.StatusAccepted, line}, nil
}
