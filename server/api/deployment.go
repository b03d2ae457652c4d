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

func (a *API) cancel(ctx context.Context, in *deploymentScope) (*body[paas.Deployment], error) {
	ref, err := in.ref()
	if err != nil {
		return nil, err
	}
	if err := a.Deployer.Cancel(ctx, ref, in.ID, caller(ctx)); err != nil {
		return nil, err
	}
	return a.deployment(ctx, in)
}

func (a *API) promote(ctx context.Context, in *deploymentScope) (*body[paas.Deployment], error) {
	ref, err := in.ref()
	if err != nil {
		return nil, err
	}
	if err := a.Deployer.Promote(ctx, ref, in.ID, caller(ctx)); err != nil {
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
