package api

import (
	"context"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

func (a *API) createBuild(ctx context.Context, in *struct {
	AppScope
	Body wire.CreateBuild
},
) (*body[paas.BuildJob], error) {
	ref, err := in.ref()
	if err != nil {
		return nil, err
	}
	job, err := a.Builds.Start(ctx, paas.BuildJob{
		Team: ref.Team, App: ref.App, Source: in.Body.Source,
		Build: paas.Build{Builder: paas.Builder(in.Body.Builder), Main: in.Body.Main, Dir: in.Body.Dir},
	})
	if err != nil {
		return nil, err
	}
	return &body[paas.BuildJob]{job}, nil
}

func (a *API) build(ctx context.Context, in *struct {
	Scope
	ID string `path:"id" doc:"The build."`
},
) (*body[paas.BuildJob], error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	job, err := a.Builds.Build(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if job.Team != in.Team || !a.sightOf(ctx).app(job.Ref()) {
		return nil, paas.Errorf(paas.NotFound, "There is no build %q in team %q.", in.ID, in.Team)
	}
	return &body[paas.BuildJob]{job}, nil
}
