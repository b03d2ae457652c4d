package api

import (
	"context"
	"slices"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// deploymentScope is the input of a call about one deployment.
type deploymentScope struct {
	AppScope
	ID string `path:"id" doc:"The deployment."`
}

func (a *API) deployments(ctx context.Context, in *AppScope) (*body[wire.Deployments], error) {
	ref, err := in.ref()
	if err != nil {
		return nil, err
	}
	list, err := a.Store.Deployments(ctx, ref, listed)
	if err != nil {
		return nil, err
	}
	for i := range list {
		list[i] = presentDeployment(list[i])
	}
	return &body[wire.Deployments]{wire.Deployments{Items: items(list)}}, nil
}

func (a *API) deployment(ctx context.Context, in *deploymentScope) (*body[paas.Deployment], error) {
	ref, err := in.ref()
	if err != nil {
		return nil, err
	}
	d, err := a.Store.Deployment(ctx, ref, in.ID)
	if err != nil {
		return nil, err
	}
	return &body[paas.Deployment]{presentDeployment(d)}, nil
}

func (a *API) abort(ctx context.Context, in *deploymentScope) (*body[paas.Deployment], error) {
	return a.editDeployment(ctx, in, a.Deployer.Abort)
}

func (a *API) promote(ctx context.Context, in *deploymentScope) (*body[paas.Deployment], error) {
	return a.editDeployment(ctx, in, a.Deployer.Promote)
}

func (a *API) resume(ctx context.Context, in *deploymentScope) (*body[paas.Deployment], error) {
	return a.editDeployment(ctx, in, a.Deployer.Resume)
}

func (a *API) pause(ctx context.Context, in *struct {
	AppScope
	ID   string      `path:"id" doc:"The deployment."`
	Body *wire.Pause // may be left out
},
) (*body[paas.Deployment], error) {
	why := ""
	if in.Body != nil {
		why = in.Body.Reason
	}
	return a.editDeployment(ctx, &deploymentScope{in.AppScope, in.ID}, func(ctx context.Context, ref paas.AppRef, id, by string) error {
		return a.Deployer.Pause(ctx, ref, id, why, by)
	})
}

// editDeployment makes one wish for a deployment, and answers with it as it is then.
func (a *API) editDeployment(ctx context.Context, in *deploymentScope, edit func(ctx context.Context, ref paas.AppRef, id, by string) error) (*body[paas.Deployment], error) {
	ref, err := in.ref()
	if err != nil {
		return nil, err
	}
	if err := edit(ctx, ref, in.ID, caller(ctx)); err != nil {
		return nil, err
	}
	return a.deployment(ctx, in)
}

// presentDeployment fills what JSON would show as null.
func presentDeployment(d paas.Deployment) paas.Deployment {
	d.Wanted = counts(d.Wanted)
	d.Steps = items(slices.Clone(d.Steps))
	for i := range d.Steps {
		d.Steps[i].New = counts(d.Steps[i].New)
		d.Steps[i].Old = counts(d.Steps[i].Old)
	}
	return d
}

func counts(m map[string]int) map[string]int {
	if m == nil {
		return map[string]int{}
	}
	return m
}
