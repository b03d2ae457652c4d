package deploy

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// existing is edit for an app that must exist and is not being destroyed.
func (d *Deployer) existing(ctx context.Context, ref paas.AppRef, fn func(paas.Snapshot) (paas.Change, bool, error)) error {
	return d.edit(ctx, ref, func(snap paas.Snapshot) (paas.Change, bool, error) {
		if snap.Version == 0 || snap.App.Deleting {
			return paas.Change{}, false, paas.Errorf(paas.NotFound, "Team %q has no app %q. `crumpet apps` lists those there are.", ref.Team, ref.App)
		}
		return fn(snap)
	})
}

// serving is existing for an app that has a release to work on.
func (d *Deployer) serving(ctx context.Context, ref paas.AppRef, fn func(paas.Snapshot, paas.Release) (paas.Change, bool, error)) error {
	return d.existing(ctx, ref, func(snap paas.Snapshot) (paas.Change, bool, error) {
		rel, ok := snap.Releases[snap.App.Release]
		if !ok {
			return paas.Change{}, false, paas.Errorf(paas.Conflict, "App %q has no release that ever served. Push it first.", ref.App)
		}
		return fn(snap, rel)
	})
}

// Scale changes how many instances of some processes are wanted. Without a deployment under way it
// makes one in place; otherwise it changes what that one walks to. Codes: invalid for an unknown
// process or a number out of range, not_found, conflict.
func (d *Deployer) Scale(ctx context.Context, ref paas.AppRef, wanted map[string]int, by string) (paas.DeployResult, error) {
	var result paas.DeployResult
	err := d.serving(ctx, ref, func(snap paas.Snapshot, rel paas.Release) (paas.Change, bool, error) {
		result = paas.DeployResult{Release: rel}
		walk, walking := Active(snap)
		if walking {
			rel = snap.Releases[walk.Release]
		}
		if err := checkScale(rel.Spec, wanted); err != nil {
			return paas.Change{}, false, err
		}
		now := d.now()
		change := changeOf(snap)
		change.Events = []paas.Event{{
			Time: now, Team: ref.Team, App: ref.App, Kind: paas.EventAppChanged, Release: rel.Number, By: by,
			Message: fmt.Sprintf("scaled by %s to %s", by, countsText(wanted)),
		}}
		if snap.App.Stopped {
			app := snap.App
			app.Counts = overlay(app.Counts, wanted)
			change.App = &app
			result.Changed = true
			return change, true, nil
		}
		if walking {
			if walk.Abort {
				return paas.Change{}, false, paas.Errorf(paas.Conflict, "Deployment %s of app %q is walking back. Scale again when it has ended.", walk.ID, ref.App)
			}
			at := rescaled(walk, wanted)
			walk.Wanted = overlay(walk.Wanted, wanted)
			walk.Steps, walk.Step, walk.StepAt = restep(walk, rel.Spec, at), 0, now
			change.Deployments = []paas.Deployment{walk}
			if !walk.InPlace() && walk.Previous > 0 { // so that the walk, if it turns back, keeps what was asked for
				app := snap.App
				app.Counts = overlay(app.Counts, within(wanted, snap.Releases[walk.Previous].Spec))
				change.App = &app
			}
			result = paas.DeployResult{Release: rel, Deployment: &walk, Changed: true}
			return change, true, nil
		}
		if err := busy(snap, unbusy(ref)); err != nil {
			return paas.Change{}, false, err
		}
		target := overlay(snap.App.Counts, wanted)
		if maps.Equal(target, snap.App.Counts) {
			return paas.Change{}, false, nil
		}
		next := d.deployment(snap, rel.Number, "scale", now, func(n *paas.Deployment) { n.Wanted = target })
		change.Deployments = []paas.Deployment{next}
		result = paas.DeployResult{Release: rel, Deployment: &next, Changed: true}
		return change, true, nil
	})
	return result, err
}

// restep computes the rest of a walk anew from the step it stands at.
func restep(walk paas.Deployment, spec paas.Spec, at paas.Step) []paas.Step {
	if walk.InPlace() {
		return []paas.Step{{New: maps.Clone(walk.Wanted)}}
	}
	steps := stepsOf(walk, spec, at)
	for process, n := range at.Old {
		if steps[0].Old[process] < n { // the new ones of this step may still be starting
			return slices.Insert(steps, 0, at)
		}
	}
	return steps
}

// rescaled is the step a walk stands at, with the old slot brought to the new numbers where a rule
// gives it a share of the requests: a rolling walk adds to the new slot only.
func rescaled(walk paas.Deployment, wanted map[string]int) paas.Step {
	at := walk.Current()
	if at.Share == nil || at.Switched() {
		return at
	}
	at.Old = maps.Clone(at.Old)
	for process, n := range wanted {
		if at.Old[process] > 0 {
			at.Old[process] = n
		}
	}
	return at
}

// within gives the counts of the processes that a spec has.
func within(counts map[string]int, spec paas.Spec) map[string]int {
	some := maps.Clone(counts)
	maps.DeleteFunc(some, func(name string, _ int) bool { _, ok := spec.Process(name); return !ok })
	return some
}

func checkScale(spec paas.Spec, wanted map[string]int) error {
	var faults []paas.Fault
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		n := wanted[name]
		if _, ok := spec.Process(name); !ok {
			faults = append(faults, paas.Fault{Location: "process." + name, Message: fmt.Sprintf("App %q has no process %q; it has %s.", spec.App, name, processNames(spec))})
		}
		if n < 0 || n > paas.MaxInstances {
			faults = append(faults, paas.Fault{Location: "process." + name, Message: fmt.Sprintf("%s=%d: the number of instances must be between 0 and %d.", name, n, paas.MaxInstances)})
		}
	}
	if len(wanted) == 0 {
		faults = append(faults, paas.Fault{Location: "processes", Message: "No process was named. Say, for example, web=3."})
	}
	if len(faults) == 0 {
		return nil
	}
	return &paas.Error{Code: paas.Invalid, Message: faults[0].Message, Faults: faults}
}

// Restart walks the serving release to the other slot, so that an app with one instance restarts
// without a gap.
func (d *Deployer) Restart(ctx context.Context, ref paas.AppRef, by string) (paas.DeployResult, error) {
	return d.again(ctx, ref, "restart", "restarted by "+by, by, true)
}

// Leave is Restart for an app whose node is about to be drained: the new instances come up elsewhere.
func (d *Deployer) Leave(ctx context.Context, ref paas.AppRef, node, by string) (paas.DeployResult, error) {
	return d.again(ctx, ref, "drain", fmt.Sprintf("leaves node %s, which is to be drained, asked for by %s", node, by), by, true)
}

// Start brings a stopped app back. An app that is not stopped is left alone.
func (d *Deployer) Start(ctx context.Context, ref paas.AppRef, by string) (paas.DeployResult, error) {
	return d.again(ctx, ref, "start", "started by "+by, by, false)
}

func (d *Deployer) again(ctx context.Context, ref paas.AppRef, cause, text, by string, restart bool) (paas.DeployResult, error) {
	var result paas.DeployResult
	err := d.serving(ctx, ref, func(snap paas.Snapshot, rel paas.Release) (paas.Change, bool, error) {
		result = paas.DeployResult{Release: rel}
		if restart && snap.App.Stopped {
			return paas.Change{}, false, paas.Errorf(paas.Conflict, "App %q is stopped. Start it with `crumpet start %s`.", ref.App, ref.App)
		}
		if !restart && !snap.App.Stopped {
			return paas.Change{}, false, nil
		}
		if err := busy(snap, unbusy(ref)); err != nil {
			return paas.Change{}, false, err
		}
		now := d.now()
		next := d.deployment(snap, rel.Number, cause, now, func(n *paas.Deployment) { n.Walk = restart })
		change := changeOf(snap)
		change.Deployments = []paas.Deployment{next}
		change.Events = []paas.Event{event(next, now, paas.EventAppChanged, text)}
		change = signed(change, by)
		result = paas.DeployResult{Release: rel, Deployment: &next, Changed: true}
		return change, true, nil
	})
	return result, err
}

// Stop takes every instance of an app away and keeps all else. A deployment under way ends as
// canceled.
func (d *Deployer) Stop(ctx context.Context, ref paas.AppRef, by string) error {
	return d.existing(ctx, ref, func(snap paas.Snapshot) (paas.Change, bool, error) {
		if snap.App.Stopped {
			return paas.Change{}, false, nil
		}
		return signed(d.halt(snap, "stopped by "+by, func(app *paas.App) { app.Stopped = true }), by), true, nil
	})
}

// Destroy takes an app away for good: its instances, then its jobs, routes and rows.
func (d *Deployer) Destroy(ctx context.Context, ref paas.AppRef, by string) error {
	return d.existing(ctx, ref, func(snap paas.Snapshot) (paas.Change, bool, error) {
		return signed(d.halt(snap, "to be destroyed, asked for by "+by, func(app *paas.App) { app.Deleting = true }), by), true, nil
	})
}

func (d *Deployer) halt(snap paas.Snapshot, text string, edit func(*paas.App)) paas.Change {
	now := d.now()
	app := snap.App
	edit(&app)
	change := changeOf(snap)
	change.App = &app
	for _, walk := range snap.Deployments {
		walk.State, walk.Reason, walk.Cancel, walk.EndedAt = paas.DeploymentCanceled, "the app was "+text, true, &now
		change.Deployments = append(change.Deployments, walk)
		if walk.InPlace() && walk.Slot != "" { // the slot goes back to the release that is live
			row := snap.Slots[walk.Slot]
			row.Release, row.Counts = walk.Previous, nil
			change.Slots = append(change.Slots, row)
		}
	}
	if walk, walking := Active(snap); walking {
		if row, changed := restored(walk, snap); changed {
			change.Slots = append(change.Slots, row)
		}
	}
	change.Claims, change.SetClaims = snap.Releases[app.Release].Spec.Routes(), true
	change.Events = []paas.Event{{Time: now, Team: app.Team, App: app.Name, Kind: paas.EventAppChanged, Message: text}}
	return change
}

// Abort turns a deployment back; it ends as canceled, with the release before serving. Codes:
// not_found, conflict if it has ended.
func (d *Deployer) Abort(ctx context.Context, ref paas.AppRef, id, by string) error {
	return d.editWalk(ctx, ref, id, func(walk paas.Deployment, snap paas.Snapshot) (paas.Change, error) {
		return signed(canceled(walk, snap, "aborted by "+by, d.now()), by), nil
	})
}

// signed says of the events of a wish whose it was.
func signed(change paas.Change, by string) paas.Change {
	change.By = by
	for n := range change.Events {
		change.Events[n].By = by
	}
	return change
}

func overlay(base, over map[string]int) map[string]int {
	merged := maps.Clone(base)
	if merged == nil {
		merged = map[string]int{}
	}
	maps.Copy(merged, over)
	return merged
}

func countsText(counts map[string]int) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%s=%d", name, counts[name]))
	}
	return strings.Join(parts, " ")
}

func processNames(spec paas.Spec) string {
	var names []string
	for _, p := range spec.Processes {
		names = append(names, p.Name)
	}
	return strings.Join(names, ", ")
}
