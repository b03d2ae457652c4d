package apitest

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Deploy and what follows implement api.Deployer.
func (p *Platform) Deploy(_ context.Context, req paas.DeployRequest) (paas.DeployResult, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.changes++
	req.Spec = req.Spec.WithDefaultRoute("localhost")
	ref := paas.AppRef{Team: req.Team, App: req.App}
	if err := p.moved(req); err != nil {
		return paas.DeployResult{}, err
	}
	next := paas.Release{
		Team: ref.Team, App: ref.App, Number: len(p.releases[ref]) + 1, Spec: req.Spec, SpecDigest: req.Spec.Digest(),
		Source: req.Source, Artifact: req.Artifact, Runtime: req.Runtime, Config: cmp.Or(req.Config, p.newestConfig(ref).Version), CreatedAt: time.Now().UTC(), CreatedBy: req.By,
		Commit: req.Commit, Dirty: req.Dirty, Note: req.Note, RollbackTo: req.RollbackTo,
	}
	if list := p.releases[ref]; len(list) > 0 && !req.Force {
		if last := list[len(list)-1]; last.SameAs(next) && p.apps[ref].Release == last.Number {
			return paas.DeployResult{Release: last}, nil
		}
	}
	for _, d := range p.deployments[ref] {
		if !d.State.Ended() && !req.Supersede && !req.Wait {
			return paas.DeployResult{}, paas.Errorf(paas.Conflict, "Deployment %s of app %q is under way. Wait for it (--wait), or end it (--supersede).", d.ID, ref.App)
		}
	}
	if _, ok := p.apps[ref]; !ok {
		p.apps[ref] = paas.App{Team: ref.Team, Name: ref.App, Counts: map[string]int{}, CreatedAt: time.Now().UTC()}
	}
	for _, process := range req.Spec.Processes {
		p.apps[ref].Counts[process.Name] = process.Instances
	}
	p.releases[ref] = append(p.releases[ref], next)
	cause := "push"
	if req.RollbackTo > 0 {
		cause = "rollback"
	}
	return p.walk(ref, next, cause), nil
}

// Rollback restores the release asked for, or the one before the one that serves.
func (p *Platform) Rollback(ctx context.Context, req paas.RollbackRequest) (paas.DeployResult, error) {
	restored, err := p.restored(ctx, req)
	if err != nil {
		return paas.DeployResult{}, err
	}
	return p.Deploy(ctx, restored)
}

func (p *Platform) PlanRollback(ctx context.Context, req paas.RollbackRequest) (paas.Plan, error) {
	restored, err := p.restored(ctx, req)
	if err != nil {
		return paas.Plan{}, err
	}
	return p.Plan(ctx, restored)
}

func (p *Platform) restored(ctx context.Context, req paas.RollbackRequest) (paas.DeployRequest, error) {
	snap, err := p.Snapshot(ctx, req.Ref)
	if err != nil {
		return paas.DeployRequest{}, err
	}
	old, err := p.Release(ctx, req.Ref, cmp.Or(req.To, snap.App.Release-1))
	return paas.DeployRequest{
		Team: req.Ref.Team, App: req.Ref.App, Spec: old.Spec, Artifact: old.Artifact, Runtime: old.Runtime, By: req.By,
		Supersede: req.Supersede, Wait: req.Wait, Base: req.Base, Note: req.Note, RollbackTo: old.Number, Commit: old.Commit,
	}, err
}

// walk begins a deployment to a release and ends it as fate says.
func (p *Platform) walk(ref paas.AppRef, to paas.Release, cause string) paas.DeployResult {
	app, now := p.apps[ref], time.Now().UTC()
	d := paas.Deployment{
		ID: fmt.Sprintf("d%d", len(p.deployments[ref])+1), Team: ref.Team, App: ref.App, Release: to.Number,
		Previous: app.Release, Slot: app.Live.Other(), From: app.Live, Cause: cause, State: paas.DeploymentRunning,
		CreatedAt: now, StepAt: now, PlannedAt: &now, RegisteredAt: &now,
	}
	begun := d
	p.deployments[ref] = append(p.deployments[ref], d)
	p.emit(paas.Event{Team: ref.Team, App: ref.App, Kind: paas.EventDeploymentStarted, Release: to.Number, Deployment: d.ID, Message: fmt.Sprintf("Walking to release %d.", to.Number)})
	if state := cmp.Or(p.fate.State, paas.DeploymentHealthy); state.Ended() {
		p.finish(&p.deployments[ref][len(p.deployments[ref])-1], state, p.fate.Reason)
	}
	return paas.DeployResult{Release: to, Deployment: &begun, Changed: true}
}

func (p *Platform) finish(d *paas.Deployment, state paas.DeploymentState, reason string) {
	now := time.Now().UTC()
	d.State, d.Reason, d.EndedAt = state, reason, &now
	if state == paas.DeploymentHealthy {
		d.HealthyAt, d.RoutedAt = &now, &now
		app := p.apps[d.Ref()]
		app.Release, app.Live = d.Release, d.Slot
		p.apps[d.Ref()] = app
		p.instances[d.Ref()] = nil
		for process, n := range app.Counts {
			for i := range n {
				p.instances[d.Ref()] = append(p.instances[d.Ref()], paas.Instance{
					ID: fmt.Sprintf("%s-%s-%d-%d", d.ID, process, d.Release, i), Process: process, Slot: d.Slot, Release: d.Release,
					State: paas.InstanceRunning, Health: paas.HealthHealthy, Node: "node-1", Since: now,
				})
			}
		}
	}
	p.emit(paas.Event{
		Team: d.Team, App: d.App, Kind: paas.EventDeploymentEnded, Release: d.Release, Deployment: d.ID,
		Message: fmt.Sprintf("Deployment %s: %s.", state, cmp.Or(reason, "every instance is healthy")),
	})
}

// change runs do on an app that is there.
func (p *Platform) change(ref paas.AppRef, do func(app *paas.App) (paas.DeployResult, error)) (paas.DeployResult, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.changes++
	app, ok := p.apps[ref]
	if !ok {
		return paas.DeployResult{}, paas.Errorf(paas.NotFound, "Team %q has no app %q. `crumpet apps` lists those there are.", ref.Team, ref.App)
	}
	return do(&app)
}

func (p *Platform) live(app *paas.App) paas.Release {
	return p.releases[app.Ref()][max(app.Release, 1)-1]
}

func (p *Platform) Scale(_ context.Context, ref paas.AppRef, counts map[string]int, _ string) (paas.DeployResult, error) {
	return p.change(ref, func(app *paas.App) (paas.DeployResult, error) {
		for name := range counts {
			if _, ok := app.Counts[name]; !ok {
				return paas.DeployResult{}, paas.Errorf(paas.Invalid, "App %q has no process %q.", ref.App, name)
			}
		}
		maps.Copy(app.Counts, counts)
		return p.walk(ref, p.live(app), "scale"), nil
	})
}

func (p *Platform) Restart(_ context.Context, ref paas.AppRef, _ string) (paas.DeployResult, error) {
	return p.change(ref, func(app *paas.App) (paas.DeployResult, error) { return p.walk(ref, p.live(app), "restart"), nil })
}

func (p *Platform) Start(_ context.Context, ref paas.AppRef, _ string) (paas.DeployResult, error) {
	return p.change(ref, func(app *paas.App) (paas.DeployResult, error) {
		if !app.Stopped {
			return paas.DeployResult{Release: p.live(app)}, nil
		}
		app.Stopped = false
		p.apps[ref] = *app
		return p.walk(ref, p.live(app), "start"), nil
	})
}

func (p *Platform) Stop(_ context.Context, ref paas.AppRef, _ string) error {
	_, err := p.change(ref, func(app *paas.App) (paas.DeployResult, error) {
		app.Stopped = true
		p.apps[ref] = *app
		p.instances[ref] = nil
		p.emit(paas.Event{Team: ref.Team, App: ref.App, Kind: paas.EventAppChanged, Message: "The app was stopped."})
		return paas.DeployResult{}, nil
	})
	return err
}

func (p *Platform) Destroy(_ context.Context, ref paas.AppRef, _ string) error {
	_, err := p.change(ref, func(*paas.App) (paas.DeployResult, error) {
		delete(p.apps, ref)
		p.emit(paas.Event{Team: ref.Team, App: ref.App, Kind: paas.EventAppChanged, Message: "The app was destroyed."})
		return paas.DeployResult{}, nil
	})
	return err
}

func (p *Platform) Promote(_ context.Context, ref paas.AppRef, id, _ string) error {
	return p.editDeployment(ref, id, func(d *paas.Deployment) error {
		p.finish(d, paas.DeploymentHealthy, "")
		return nil
	})
}

func (p *Platform) Abort(_ context.Context, ref paas.AppRef, id, _ string) error {
	return p.editDeployment(ref, id, func(d *paas.Deployment) error {
		p.finish(d, paas.DeploymentCanceled, "aborted")
		return nil
	})
}

func (p *Platform) Pause(_ context.Context, ref paas.AppRef, id, why, by string) error {
	return p.editDeployment(ref, id, func(d *paas.Deployment) error {
		if d.Waits == paas.WaitPause {
			return paas.Errorf(paas.Conflict, "Deployment %s is %s already.", id, d.Reason)
		}
		d.State, d.Waits, d.Reason = paas.DeploymentPaused, paas.WaitPause, "paused by "+by
		if why != "" {
			d.Reason += ": " + why
		}
		return nil
	})
}

func (p *Platform) Resume(_ context.Context, ref paas.AppRef, id, _ string) error {
	return p.editDeployment(ref, id, func(d *paas.Deployment) error {
		if d.Waits != paas.WaitPause {
			return paas.Errorf(paas.Conflict, "Deployment %s was not paused.", id)
		}
		d.State, d.Waits, d.Reason = paas.DeploymentRunning, "", ""
		return nil
	})
}

func (p *Platform) editDeployment(ref paas.AppRef, id string, edit func(*paas.Deployment) error) error {
	_, err := p.change(ref, func(*paas.App) (paas.DeployResult, error) {
		for i, d := range p.deployments[ref] {
			if d.ID == id && !d.State.Ended() {
				return paas.DeployResult{}, edit(&p.deployments[ref][i])
			}
		}
		return paas.DeployResult{}, paas.Errorf(paas.Conflict, "Deployment %q is not under way.", id)
	})
	return err
}
