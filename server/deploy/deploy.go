package deploy

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// writes is how often an edit is tried again when somebody else wrote the app meanwhile.
const writes = 5

// edit reads the app, lets fn turn the snapshot into a change, and writes it, again from the start if
// somebody wrote meanwhile. The snapshot of an app that does not exist has Version 0.
func (d *Deployer) edit(ctx context.Context, ref paas.AppRef, fn func(paas.Snapshot) (paas.Change, bool, error)) error {
	for try := 1; ; try++ {
		snap, err := d.store.Snapshot(ctx, ref)
		if err != nil && paas.CodeOf(err) != paas.NotFound {
			return err
		}
		if err != nil {
			snap = paas.Snapshot{App: paas.App{Team: ref.Team, Name: ref.App}}
		}
		change, ok, err := fn(snap)
		if err != nil || !ok {
			return err
		}
		if err := d.within(ctx, snap, &change); err != nil {
			return err
		}
		err = d.store.Save(ctx, 0, change)
		if err == nil {
			d.Wake(ref)
			return nil
		}
		// That another wish has taken what was left of the quota is better said by within, next time.
		if code := paas.CodeOf(err); code != paas.Conflict && code != paas.OverQuota || try == writes {
			return err
		}
	}
}

// Deploy makes a release and a pending deployment of it, unless nothing changed. Codes: invalid,
// conflict when another app holds a route or another team its host, a deployment is under way, or the world
// moved since the request was planned, not_found for a team that is not there, over_quota.
func (d *Deployer) Deploy(ctx context.Context, r paas.DeployRequest) (paas.DeployResult, error) {
	r, err := d.admit(r)
	if err != nil {
		return paas.DeployResult{}, err
	}
	if err := d.stored(ctx, r); err != nil {
		return paas.DeployResult{}, err
	}
	ref := paas.AppRef{Team: r.Team, App: r.App}
	if err := d.free(ctx, ref, r.Spec, r.Sight); err != nil {
		return paas.DeployResult{}, err
	}
	if err := d.admitServices(ctx, ref, r.Spec, r.By); err != nil {
		return paas.DeployResult{}, err
	}
	var result paas.DeployResult
	err = d.edit(ctx, ref, func(snap paas.Snapshot) (paas.Change, bool, error) {
		var change paas.Change
		var ok bool
		var err error
		if r.Config, err = d.pinned(ctx, ref, r.Config); err != nil {
			return paas.Change{}, false, err
		}
		if err := d.unset(ctx, ref, r.Spec, r.Config); err != nil {
			return paas.Change{}, false, err
		}
		if err := d.unmoved(ctx, snap, r); err != nil {
			return paas.Change{}, false, err
		}
		result, change, ok, err = d.release(r, snap)
		if err == nil && ok {
			err = d.openVault(ctx, snap, result.Release)
		}
		return change, ok, err
	})
	return result, err
}

// release decides what a Request leads to.
func (d *Deployer) release(r paas.DeployRequest, snap paas.Snapshot) (paas.DeployResult, paas.Change, bool, error) {
	if snap.App.Deleting {
		return paas.DeployResult{}, paas.Change{}, false, paas.Errorf(paas.Conflict, "App %q is being destroyed. Push again once `crumpet apps` no longer lists it.", r.App)
	}
	now := d.now()
	rel := paas.Release{
		Team: r.Team, App: r.App, Number: snap.Newest + 1, Spec: r.Spec, SpecDigest: r.Spec.Digest(), Source: r.Source,
		Artifact: r.Artifact, Runtime: r.Runtime, Config: r.Config, CreatedAt: now, CreatedBy: r.By,
		Commit: r.Commit, Dirty: r.Dirty, Note: r.Note, RollbackTo: r.RollbackTo,
	}
	if head, walk, ok := heading(snap); ok && head.SameAs(rel) && !r.Force && !snap.App.Stopped && !endedByHand(snap, rel.Spec) {
		if walk == nil {
			return paas.DeployResult{Release: head}, paas.Change{}, false, nil
		}
		return paas.DeployResult{Release: head, Deployment: walk, Changed: true}, paas.Change{}, false, nil
	}
	if err := busy(snap, "Wait for it with --wait, or turn it back with --supersede."); err != nil && !r.Supersede && !r.Wait {
		return paas.DeployResult{}, paas.Change{}, false, err
	}
	change := changeOf(snap)
	if snap.Version == 0 {
		change.App = &paas.App{Team: r.Team, Name: r.App, CreatedAt: now}
	}
	next := d.deployment(snap, rel.Number, askedFor(r), now, func(n *paas.Deployment) {
		n.Wanted, n.Walk = counts(rel, snap), r.Force
	})
	change.Releases = []paas.Release{rel}
	if r.Supersede {
		change = merge(change, turnedBack(snap, fmt.Sprintf("superseded by release %d", rel.Number), now))
	}
	change.Deployments = append(change.Deployments, next)
	change.Claims, change.SetClaims = unique(append(claims(snap, snap.App.Release, ""), r.Spec.Routes()...)), true
	change.Events = append(change.Events, event(next, now, paas.EventReleaseCreated, createdText(rel)))
	return paas.DeployResult{Release: rel, Deployment: &next, Changed: true}, signed(change, r.By), true, nil
}

// deployment makes a pending deployment of a release.
func (d *Deployer) deployment(snap paas.Snapshot, release int, cause string, now time.Time, with func(*paas.Deployment)) paas.Deployment {
	next := paas.Deployment{
		ID: d.newID(), Team: snap.App.Team, App: snap.App.Name, Release: release, Previous: snap.App.Release,
		Cause: cause, State: paas.DeploymentPending, Wanted: maps.Clone(snap.App.Counts), CreatedAt: now, StepAt: now,
	}
	with(&next)
	return next
}

// heading is the release that the app is on its way to, or serves, and the deployment that takes it
// there.
func heading(snap paas.Snapshot) (paas.Release, *paas.Deployment, bool) {
	for _, d := range slices.Backward(snap.Deployments) {
		if !d.Abort {
			return snap.Releases[d.Release], &d, true
		}
	}
	rel, ok := snap.Releases[snap.App.Release]
	return rel, nil, ok && snap.App.Release > 0
}

// busy refuses a wish while another deployment is under way, and says what can be done about that.
func busy(snap paas.Snapshot, then string) error {
	if len(snap.Deployments) == 0 {
		return nil
	}
	running := snap.Deployments[0]
	return paas.Errorf(paas.Conflict, "Deployment %s of release %d of app %q is %s. %s",
		running.ID, running.Release, running.App, running.State, then)
}

// unbusy is what can be done about a deployment by whoever can't wait for it, or take its place.
func unbusy(ref paas.AppRef) string {
	return fmt.Sprintf("Try again when it has ended; `crumpet status %s -w` shows it, `crumpet abort %s` turns it back.", ref.App, ref.App)
}

// turnedBack turns every deployment of the snapshot back.
func turnedBack(snap paas.Snapshot, reason string, now time.Time) paas.Change {
	change := changeOf(snap)
	for _, d := range snap.Deployments {
		change = merge(change, canceled(d, snap, reason, now))
	}
	for n := range change.Deployments {
		change.Deployments[n].Trouble = paas.CauseSuperseded
	}
	return change
}

// canceled turns one deployment back: one under way walks home and then ends as canceled, one that
// has not begun never will.
func canceled(d paas.Deployment, snap paas.Snapshot, reason string, now time.Time) paas.Change {
	change := changeOf(snap)
	d.Cancel, d.Trouble = true, paas.CauseCanceled
	switch {
	case d.State == paas.DeploymentPending:
		d.State, d.Reason, d.EndedAt = paas.DeploymentCanceled, reason, &now
		change.Events = []paas.Event{event(d, now, paas.EventDeploymentEnded, reason)}
	case !d.Abort:
		return abort(d, snap, reason, now)
	}
	change.Deployments = []paas.Deployment{d}
	return change
}

// counts gives the instances wanted of a new release: what was scaled since stays, unless the spec
// itself asks for another number than before.
func counts(rel paas.Release, snap paas.Snapshot) map[string]int {
	before := snap.Releases[snap.App.Release].Spec
	wanted := map[string]int{}
	for _, p := range rel.Spec.Processes {
		wanted[p.Name] = p.Instances
		was, had := before.Process(p.Name)
		if n, scaled := snap.App.Counts[p.Name]; had && scaled && was.Instances == p.Instances {
			wanted[p.Name] = n
		}
	}
	return wanted
}
