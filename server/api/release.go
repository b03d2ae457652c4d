package api

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/spec"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// listed bounds the list of deployments: newest first, nobody pages through them yet.
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
	request, err := a.request(ctx, ref, in.Body)
	if err != nil {
		return nil, err
	}
	result, err := a.Deployer.Deploy(ctx, request)
	if err != nil {
		a.refused(ctx, ref, err)
		return nil, err
	}
	noteRelease(ctx, result)
	return a.deployed(result), nil
}

// noteRelease says for the audit which release was to follow which.
func noteRelease(ctx context.Context, result paas.DeployResult) {
	var before any
	if d := result.Deployment; d != nil && d.Previous > 0 {
		before = releaseNote(d.Previous)
	}
	noteAudit(ctx, "", before, releaseNote(result.Release.Number))
}

func releaseNote(number int) map[string]int { return map[string]int{"release": number} }

// request is what createRelease and plan both ask of the deployer.
func (a *API) request(ctx context.Context, ref paas.AppRef, in wire.CreateRelease) (paas.DeployRequest, error) {
	parsed, err := parse(in.Source, ref)
	if err != nil {
		return paas.DeployRequest{}, err
	}
	return paas.DeployRequest{
		Team: ref.Team, App: ref.App, Spec: *parsed, Source: sourceOf(in.Source), Artifact: in.Artifact, Runtime: in.Runtime, By: caller(ctx), Sight: teamsSeen(ctx),
		Force: in.Force, Supersede: in.Supersede, Wait: in.Wait, Base: in.Base,
		Commit: in.Commit, Dirty: in.Dirty, Note: in.Note,
	}, nil
}

func sourceOf(in wire.Source) *paas.SpecText {
	return &paas.SpecText{Filename: cmp.Or(in.Filename, spec.FileName), Environment: in.Environment, Text: in.Spec}
}

// parse reads a spec that must be of the app the call is about.
func parse(source wire.Source, ref paas.AppRef) (*paas.Spec, error) {
	options := spec.Options{Filename: cmp.Or(source.Filename, spec.FileName), Environment: source.Environment}
	for _, v := range source.Variables {
		options.Variables = append(options.Variables, spec.Variable(v))
	}
	for _, f := range source.VarFiles {
		options.VarFiles = append(options.VarFiles, spec.VarFile(f))
	}
	parsed, diags := spec.ParseWith([]byte(source.Spec), options)
	if parsed == nil {
		return nil, spec.Err(diags)
	}
	if parsed.App != ref.App {
		return nil, invalid("body.spec", fmt.Sprintf("The spec is of app %q, the call is about app %q. Make them the same.", parsed.App, ref.App))
	}
	return parsed, nil
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

func (a *API) releases(ctx context.Context, in *struct {
	AppScope
	Limit  int `query:"limit" minimum:"1" maximum:"1000" default:"50" doc:"How many at most."`
	Before int `query:"before" minimum:"0" doc:"Only releases below this number; 0 for the newest."`
},
) (*body[wire.Releases], error) {
	ref, err := in.ref()
	if err != nil {
		return nil, err
	}
	list, err := a.Store.Releases(ctx, ref, in.Before, in.Limit)
	if err != nil {
		return nil, err
	}
	presented, err := a.presentReleases(ctx, ref, list)
	if err != nil {
		return nil, err
	}
	page := wire.Releases{Items: presented}
	if len(list) == in.Limit {
		page.Next = strconv.Itoa(list[len(list)-1].Number)
	}
	return &body[wire.Releases]{page}, nil
}

func (a *API) release(ctx context.Context, in *struct {
	AppScope
	Number int `path:"number" minimum:"1" doc:"Counts from 1 within the app."`
},
) (*body[wire.KeptRelease], error) {
	ref, err := in.ref()
	if err != nil {
		return nil, err
	}
	release, err := a.known(ctx, ref, in.Number)
	if err != nil {
		return nil, err
	}
	presented, err := a.presentReleases(ctx, ref, []paas.Release{release})
	if err != nil {
		return nil, err
	}
	return &body[wire.KeptRelease]{presented[0]}, nil
}

// releaseSpec gives the text that a release was pushed with. One that restored another has that one's.
func (a *API) releaseSpec(ctx context.Context, in *struct {
	AppScope
	Number int `path:"number" minimum:"1" doc:"Counts from 1 within the app."`
},
) (*body[wire.ReleaseSpec], error) {
	ref, err := in.ref()
	if err != nil {
		return nil, err
	}
	release, err := a.known(ctx, ref, in.Number)
	if err != nil {
		return nil, err
	}
	answer := wire.ReleaseSpec{Release: release.Number, Filename: spec.FileName, Reason: "The release was made before Crumpet kept the text of specs; what it says is in the release."}
	text, err := a.Store.SpecText(ctx, release)
	switch {
	case paas.CodeOf(err) == paas.NotFound:
	case err != nil:
		return nil, err
	default:
		answer.Stored, answer.Reason = true, ""
		answer.Text, answer.Filename, answer.Environment = text.Text, cmp.Or(text.Filename, spec.FileName), text.Environment
	}
	return &body[wire.ReleaseSpec]{answer}, nil
}

// known gives a release of an app. Code not_found: there is no such app, or it has no such release.
func (a *API) known(ctx context.Context, ref paas.AppRef, number int) (paas.Release, error) {
	release, err := a.Store.Release(ctx, ref, number)
	if paas.CodeOf(err) != paas.NotFound {
		return release, err
	}
	snap, err := a.Store.Snapshot(ctx, ref)
	if err != nil {
		return paas.Release{}, err
	}
	return paas.Release{}, paas.Errorf(paas.NotFound, "App %q has no release %d; its newest is %d. `crumpet releases %s` lists those there are.", ref.App, number, snap.Newest, ref.App)
}

// presentReleases adds to releases of an app what became of each. Code: not_found.
func (a *API) presentReleases(ctx context.Context, ref paas.AppRef, list []paas.Release) ([]wire.KeptRelease, error) {
	snap, err := a.Store.Snapshot(ctx, ref)
	if err != nil {
		return nil, err
	}
	endings, err := a.Store.Endings(ctx, ref)
	if err != nil {
		return nil, err
	}
	presented := make([]wire.KeptRelease, len(list))
	for i, r := range list {
		presented[i] = wire.KeptRelease{Release: r, Outcome: paas.OutcomeOf(r.Number, snap.App.Release, endings)}
	}
	a.markGone(ctx, ref, presented)
	return presented, nil
}

// markGone marks the releases that can't be restored, as Vault has let their configuration go. While Vault
// does not answer, nothing is known against any.
func (a *API) markGone(ctx context.Context, ref paas.AppRef, list []wire.KeptRelease) {
	var pinned []int
	for _, r := range list {
		if r.Config > 0 {
			pinned = append(pinned, r.Config)
		}
	}
	if len(pinned) == 0 {
		return
	}
	gone, err := a.Configs.Gone(ctx, ref, pinned)
	if err != nil {
		return
	}
	for i := range list {
		list[i].ConfigGone = slices.Contains(gone, list[i].Config)
	}
}

// rollbackScope is the input of the calls about going back.
type rollbackScope struct {
	AppScope
	Body wire.Rollback
}

func (in *rollbackScope) request(ctx context.Context) (paas.RollbackRequest, error) {
	ref, err := in.ref()
	return paas.RollbackRequest{
		Ref: ref, To: in.Body.Release, By: caller(ctx), Sight: teamsSeen(ctx), Note: in.Body.Note,
		Supersede: in.Body.Supersede, Wait: in.Body.Wait, Base: in.Body.Base,
	}, err
}

func (a *API) rollback(ctx context.Context, in *rollbackScope) (*reply[wire.Deployed], error) {
	request, err := in.request(ctx)
	if err != nil {
		return nil, err
	}
	result, err := a.Deployer.Rollback(ctx, request)
	if err != nil {
		return nil, err
	}
	noteRelease(ctx, result)
	return a.deployed(result), nil
}

// planRollback says what rollback would do with the same body. It changes nothing.
func (a *API) planRollback(ctx context.Context, in *rollbackScope) (*body[wire.Plan], error) {
	request, err := in.request(ctx)
	if err != nil {
		return nil, err
	}
	plan, err := a.Deployer.PlanRollback(ctx, request)
	if err != nil {
		return nil, err
	}
	return &body[wire.Plan]{plan}, nil
}
