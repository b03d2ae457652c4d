package api

import (
	"cmp"
	"context"
	"fmt"
	"net/http"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/spec"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// listed bounds the lists of releases and deployments: newest first, nobody pages through them yet.
const listed = 50

func (a *API) createRelease(ctx context.Context, in *struct {
	AppScope
	Body wire.CreateRelease
},
) (*reply[wire.Deployed], error) {
	ref, err := in.ref()
	if err != nil {
		return nil, err
	}
	parsed, diags := spec.Parse([]byte(in.Body.Spec), cmp.Or(in.Body.Filename, spec.FileName))
	if parsed == nil {
		return nil, spec.Err(diags)
	}
	if parsed.App != ref.App {
		return nil, invalid("body.spec", fmt.Sprintf("The spec is of app %q, the call is about app %q. Make them the same.", parsed.App, ref.App))
	}
	result, err := a.Deployer.Deploy(ctx, paas.DeployRequest{
		Team: ref.Team, App: ref.App, Spec: *parsed,
		Artifact: in.Body.Artifact, Runtime: in.Body.Runtime, By: caller(ctx),
		Force: in.Body.Force, Supersede: in.Body.Supersede, Wait: in.Body.Wait,
	})
	if err != nil {
		return nil, err
	}
	return a.deployed(result), nil
}

// deployed answers 202 with the deployment to watch, or 200 if nothing changed.
func (a *API) deployed(result paas.DeployResult) *reply[wire.Deployed] {
	answer := wire.Deployed{Changed: result.Changed, Release: result.Release, URLs: []string{}}
	if result.Deployment != nil {
		d := presentDeployment(*result.Deployment)
		answer.Deployment = &d
	}
	for _, route := range result.Release.Spec.Routes() {
		answer.URLs = append(answer.URLs, a.RouteURL(route))
	}
	status := http.StatusAccepted
	if !result.Changed {
		status = http.StatusOK
	}
	return &reply[wire.Deployed]{status, answer}
}

func (a *API) releases(ctx context.Context, in *AppScope) (*body[wire.Releases], error) {
	ref, err := in.ref()
	if err != nil {
		return nil, err
	}
	list, err := a.Store.Releases(ctx, ref, listed)
	if err != nil {
		return nil, err
	}
	return &body[wire.Releases]{wire.Releases{Items: items(list)}}, nil
}

func (a *API) release(ctx context.Context, in *struct {
	AppScope
	Number int `path:"number" minimum:"1" doc:"Counts from 1 within the app."`
},
) (*body[paas.Release], error) {
	ref, err := in.ref()
	if err != nil {
		return nil, err
	}
	release, err := a.Store.Release(ctx, ref, in.Number)
	if err != nil {
		return nil, err
	}
	return &body[paas.Release]{release}, nil
}
