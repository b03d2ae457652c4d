package api

import (
	"context"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// plan says what createRelease would do with the same body. It changes nothing.
func (a *API) plan(ctx context.Context, in *struct {
	AppScope
	Body wire.CreateRelease
},
) (*body[wire.Plan], error) {
	ref, err := in.ref()
	if err != nil {
		return nil, err
	}
	request, err := a.request(ctx, ref, in.Body)
	if err != nil {
		return nil, err
	}
	plan, err := a.Deployer.Plan(ctx, request)
	if err != nil {
		return nil, err
	}
	return &body[wire.Plan]{plan}, nil
}

// diff compares two releases, the later with the one that serves unless said.
func (a *API) diff(ctx context.Context, in *struct {
	AppScope
	From int `query:"from" required:"true" minimum:"1" doc:"The release to compare with."`
	To   int `query:"to" minimum:"0" doc:"The release to compare; the one that serves unless said."`
},
) (*body[wire.Diff], error) {
	ref, err := in.ref()
	if err != nil {
		return nil, err
	}
	if in.To == 0 {
		snap, err := a.Store.Snapshot(ctx, ref)
		if err != nil {
			return nil, err
		}
		if in.To = snap.App.Release; in.To == 0 {
			return nil, paas.Errorf(paas.Conflict, "App %q has no release that ever served. Name the release to compare.", ref.App)
		}
	}
	from, err := a.known(ctx, ref, in.From)
	if err != nil {
		return nil, err
	}
	to, err := a.known(ctx, ref, in.To)
	if err != nil {
		return nil, err
	}
	return &body[wire.Diff]{wire.Diff{App: ref.App, From: from.Number, To: to.Number, Changes: paas.DiffReleases(from, to)}}, nil
}
