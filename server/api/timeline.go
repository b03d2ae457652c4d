package api

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

const (
	longestBuild = time.Hour // how long before its release a build is looked for
	mostTold     = 1000      // events of one kind that a timeline is made of
)

func (a *API) timeline(ctx context.Context, in *deploymentScope) (*body[wire.Timeline], error) {
	ref, err := in.ref()
	if err != nil {
		return nil, err
	}
	d, err := a.Store.Deployment(ctx, ref, in.ID)
	if err != nil {
		return nil, err
	}
	story, err := a.story(ctx, d)
	if err != nil {
		return nil, err
	}
	return &body[wire.Timeline]{wire.Timeline{
		App: d.App, Team: d.Team, Deployment: d.ID, Release: d.Release, State: d.State, At: time.Now().UTC(), Items: paas.TimelineOf(d, story),
	}}, nil
}

// story reads what led to a deployment, and what happened in it.
func (a *API) story(ctx context.Context, d paas.Deployment) (story paas.Story, err error) {
	if d.Cause == "push" {
		if story.Build, story.Maker, err = a.madeBy(ctx, d); err != nil {
			return story, err
		}
	}
	for _, kinds := range [][]paas.EventKind{
		{
			paas.EventDeploymentStarted, paas.EventDeploymentStep, paas.EventDeploymentHeld, paas.EventDeploymentAborting, paas.EventDeploymentEnded,
		},
		{paas.EventInstanceState, paas.EventInstanceHealth}, // of a busy app the first ones: those are asked for
	} {
		list, err := a.Store.Events(ctx, paas.EventFilter{Team: d.Team, App: d.App, Since: d.CreatedAt, Limit: mostTold, Kinds: kinds})
		if err != nil {
			return story, err
		}
		story.Events = append(story.Events, list...)
	}
	slices.SortFunc(story.Events, func(a, b paas.Event) int { return cmp.Compare(a.ID, b.ID) })
	return story, nil
}

// madeBy finds the build that a push ran before its release: the last one between the release before it and itself.
func (a *API) madeBy(ctx context.Context, d paas.Deployment) (build *paas.BuildJob, maker string, err error) {
	release, err := a.Store.Release(ctx, d.Ref(), d.Release)
	if paas.CodeOf(err) == paas.NotFound { // it is kept no longer
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	events, err := a.Store.Events(ctx, paas.EventFilter{
		Team: d.Team, App: d.App, Since: release.CreatedAt.Add(-longestBuild), Limit: mostTold, Kinds: []paas.EventKind{paas.EventBuildEnded, paas.EventReleaseCreated},
	})
	if err != nil {
		return nil, "", err
	}
	id := ""
	for _, e := range events {
		switch {
		case e.Time.After(release.CreatedAt):
		case e.Kind == paas.EventBuildEnded:
			id = e.Build
		case e.Release != d.Release:
			id = ""
		}
	}
	if id == "" {
		return nil, release.CreatedBy, nil
	}
	job, err := a.Builds.Build(ctx, id)
	if paas.CodeOf(err) == paas.NotFound || err == nil && job.Artifact != release.Artifact {
		return nil, release.CreatedBy, nil
	}
	return &job, release.CreatedBy, err
}
