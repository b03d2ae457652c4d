package deploy

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/jobspec"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// Renderer makes the job of a release in a slot, with every count 0 and the credentials of the bindings.
// Pure: same input, same bytes.
type Renderer func(paas.Release, paas.Slot, []paas.Binding) ([]byte, error)

// decide gives the next change of wishes for an app, from one snapshot; ok is false when there is
// nothing to decide. It is pure: whoever calls it writes the change and then asks again.
func decide(snap paas.Snapshot, render Renderer, now time.Time) (change paas.Change, ok bool, err error) {
	if snap.App.Deleting {
		return paas.Change{}, false, nil
	}
	if d, walking := Active(snap); walking {
		change, ok = step(d, snap, now)
		return change, ok, nil
	}
	d, any := waiting(snap)
	if !any {
		return paas.Change{}, false, nil
	}
	if change, held, ok := unbound(d, snap, now); held {
		return change, ok, nil
	}
	d, change, held, ok := before(d, snap, now)
	if held {
		return change, ok, nil
	}
	return begin(d, snap, render, now)
}

// begin takes a pending deployment (or one under way that could not be made in place) to its first
// step. It waits until the slot to walk to has been seen registered empty.
func begin(d paas.Deployment, snap paas.Snapshot, render Renderer, now time.Time) (paas.Change, bool, error) {
	rel := snap.Releases[d.Release]
	live, standing := snap.Slots[snap.App.Live]
	data, dataWhy, free, err := asideOf(d, snap, render)
	if err != nil || !free {
		return paas.Change{}, false, err
	}
	if standing {
		key, forced, err := forces(snap, live, rel, render)
		if err != nil {
			return paas.Change{}, false, err
		}
		if alone := len(stateless(rel.Spec).Processes)+len(stateless(snap.Releases[live.Release].Spec).Processes) == 0; alone || !forced && !d.Walk {
			d.Why = dataWhy
			return beginInPlace(d, live, data, snap, now), true, nil
		}
		if forced {
			d.Why = key
		}
	}
	d.From = snap.App.Live
	d.Slot = snap.App.Live.Other()
	if dark := snap.Slots[d.Slot]; !dark.Empty() {
		return paas.Change{}, false, nil
	}
	text, err := render(rel, d.Slot, snap.Bindings)
	if err != nil {
		return paas.Change{}, false, err
	}
	old := map[string]int{}
	if standing {
		for _, p := range snap.Releases[live.Release].Spec.Processes {
			old[p.Name] = snap.App.Wanted(p.Name)
		}
	}
	if movesTraffic(Policy(snap.Releases[snap.Slots[d.Slot].Release].Spec).Strategy) && standsIn(snap, d.Slot) {
		return paas.Change{}, false, nil // what was dark stays behind its rule until it has gone
	}
	d.State, d.Step, d.StepAt, d.StartedAt = paas.DeploymentRunning, 0, now, &now
	d.RegisteredAt = nil // what was registered in place, until that could not go on, was in another slot
	d.Previous = snap.App.Release
	d.Steps = stepsOf(d, rel.Spec, paas.Step{Old: old})
	change := changeOf(snap)
	change.App = started(snap.App)
	change.Deployments = []paas.Deployment{d}
	change.Slots = []paas.Slotted{{Team: d.Team, App: d.App, Slot: d.Slot, Release: d.Release, Job: text, Index: snap.Slots[d.Slot].Index}}
	said := startedText(d)
	if data != nil {
		if more := replacedText(data, dataWhy, rel); more != "" {
			said += "; at the end " + more
		}
		if d.Current().Data && data.Aside != nil {
			*data = data.Turned()
		}
		change.Slots = append(change.Slots, *data)
	}
	change.Events = []paas.Event{event(d, now, paas.EventDeploymentStarted, said)}
	return change, true, nil
}

// started gives the app no longer stopped: only once a walk begins, or its old release would start first.
func started(app paas.App) *paas.App {
	if !app.Stopped {
		return nil
	}
	app.Stopped = false
	return &app
}

func beginInPlace(d paas.Deployment, live paas.Slotted, data *paas.Slotted, snap paas.Snapshot, now time.Time) paas.Change {
	d.From, d.Slot = live.Slot, live.Slot
	d.Previous = snap.App.Release
	d.State, d.Step, d.StepAt, d.StartedAt = paas.DeploymentRunning, 0, now, &now
	d.Steps = []paas.Step{{New: maps.Clone(d.Wanted)}}
	live.Release = d.Release
	live.Counts = nil // not registered with this release's tags yet
	change := changeOf(snap)
	change.App = started(snap.App)
	change.Deployments = []paas.Deployment{d}
	change.Slots = []paas.Slotted{live}
	text := fmt.Sprintf("release %d changes counts and routes of slot %s in place", d.Release, d.Slot)
	if data != nil {
		if said := replacedText(data, d.Why, snap.Releases[d.Release]); said != "" {
			text = fmt.Sprintf("release %d: %s", d.Release, said)
		}
		if data.Aside != nil {
			*data = data.Turned()
		}
		change.Slots = append(change.Slots, *data)
	}
	change.Events = []paas.Event{event(d, now, paas.EventDeploymentStarted, text)}
	return change
}

// forces names the key of rel that the live slot could not take without replacing its instances.
func forces(snap paas.Snapshot, live paas.Slotted, rel paas.Release, render Renderer) (key string, forced bool, err error) {
	text, err := render(rel, live.Slot, snap.Bindings)
	if err != nil {
		return "", false, err
	}
	next, err := jobspec.Decode(text)
	if err != nil {
		return "", false, err
	}
	stands, err := jobspec.Decode(live.Job)
	if err != nil {
		return "", false, err
	}
	key, forced = jobspec.Forces(stands, next)
	return key, forced, nil
}

func startedText(d paas.Deployment) string {
	switch {
	case d.From == "":
		return fmt.Sprintf("release %d starts in slot %s", d.Release, d.Slot)
	case d.Why == "":
		return fmt.Sprintf("release %d walks from slot %s to slot %s", d.Release, d.From, d.Slot)
	default:
		return fmt.Sprintf("release %d walks from slot %s to slot %s, since %s changed", d.Release, d.From, d.Slot, d.Why)
	}
}

// step asks Next and turns its verdict into a change.
func step(d paas.Deployment, snap paas.Snapshot, now time.Time) (paas.Change, bool) {
	v := Next(d, snap, now)
	if arrived(d, v) {
		if change, held, ok := after(d, snap, now); held {
			return change, ok
		}
	}
	switch v.Move {
	case Advance:
		return advance(d, snap, v, now), true
	case Abort:
		return giveUp(d, snap, v.Reason, now), true
	case Yield:
		return yield(d, snap, v.Reason, now), true
	case Done:
		return end(d, snap, now), true
	case Hold:
		return hold(d, snap, v, now)
	default:
		return paas.Change{}, false
	}
}

// arrived says that the new release has all requests, with every instance its step wants: the time for the
// tasks of the phase after. Where old instances are there still, they are kept until those are complete.
func arrived(d paas.Deployment, v Verdict) bool {
	switch v.Move { //nolint:exhaustive // a walk that turns back, or goes on without room, has not
	case Done:
		return true
	case Advance:
		return !d.Abort && d.Current().Switched()
	case Hold:
		return !d.Abort && d.Current().Switched() && v.Waits == paas.WaitHold && d.Waits == paas.WaitHold
	}
	return false
}

func advance(d paas.Deployment, snap paas.Snapshot, v Verdict, now time.Time) paas.Change {
	if v.AddFirst {
		d.Steps = slices.Insert(slices.Clone(d.Steps), d.Step+1, addFirst(d, Policy(snap.Releases[d.Release].Spec)))
	}
	d = resumed(d, now)
	d.Step++
	d.StepAt = now
	d.State, d.Reason = paas.DeploymentRunning, keepReason(d)
	change := changeOf(snap)
	if row := snap.Slots[paas.Data]; d.Current().Data && !d.Steps[d.Step-1].Data && row.Aside != nil {
		change.Slots = []paas.Slotted{row.Turned()}
	}
	change.Deployments = []paas.Deployment{d}
	change.Events = []paas.Event{event(d, now, paas.EventDeploymentStep, stepText(d))}
	return change
}

// addFirst is the step that adds new instances up to the surge and takes none away.
func addFirst(d paas.Deployment, policy paas.Deploy) paas.Step {
	at := d.Current()
	more := map[string]int{}
	for process, n := range at.New {
		wanted := d.Wanted[process]
		more[process] = max(n, min(wanted, n+surge(policy, wanted)))
	}
	return paas.Step{New: more, Old: at.Old, Share: at.Share, Data: at.Data}
}

// keepReason keeps why a walk turned back while it walks back; a hold's reason goes with the hold.
func keepReason(d paas.Deployment) string {
	if d.Abort {
		return d.Reason
	}
	return ""
}

// abort turns a walk back from where it is.
func abort(d paas.Deployment, snap paas.Snapshot, reason string, now time.Time) paas.Change {
	change := changeOf(snap)
	at, has := d.Current(), moved(d)
	switch {
	case d.InPlace():
		row := snap.Slots[d.Slot]
		row.Release, row.Counts = d.Previous, nil
		change.Slots = []paas.Slotted{row}
		d.Steps = []paas.Step{{New: maps.Clone(snap.App.Counts)}}
	case d.From == "":
		d.Steps = []paas.Step{{New: map[string]int{}}}
	default:
		d.Steps = backOf(snap.Releases[d.Previous].Spec, snap.Releases[d.Release].Spec, at, snap.App.Counts)
	}
	if row := snap.Slots[paas.Data]; row.Aside != nil && has {
		change.Slots = append(change.Slots, row.Turned())
	}
	d = resumed(d, now)
	d.Abort, d.Reason, d.Step, d.StepAt = true, reason, 0, now
	d.State = paas.DeploymentRunning
	change.Deployments = []paas.Deployment{d}
	change.Events = []paas.Event{event(d, now, paas.EventDeploymentAborting, reason)}
	return change
}

// end closes a deployment. Walked forward, its slot is live from now on; walked back, the app is as
// it was before.
func end(d paas.Deployment, snap paas.Snapshot, now time.Time) paas.Change {
	change := changeOf(snap)
	d.EndedAt = &now
	text := ""
	if d.Abort {
		d.State = endedBack(d)
		text = fmt.Sprintf("release %d ended as %s", d.Release, d.State)
		if d.Previous > 0 {
			text += fmt.Sprintf("; release %d serves", d.Previous)
		}
	} else {
		d.State, d.Reason = paas.DeploymentHealthy, ""
		d.HealthyAt, d.RoutedAt, d.SwitchedAt = orNow(d.HealthyAt, now), orNow(d.RoutedAt, now), orNow(d.SwitchedAt, now)
		app := snap.App
		app.Live, app.Release, app.Counts = d.Slot, d.Release, maps.Clone(d.Wanted)
		change.App = &app
		text = fmt.Sprintf("release %d is healthy", d.Release)
	}
	live := snap.App.Release
	if d.State == paas.DeploymentHealthy {
		live = d.Release
	}
	if row := snap.Slots[paas.Data]; row.Aside != nil {
		row.Aside = nil
		change.Slots = append(change.Slots, row)
	}
	change.Claims, change.SetClaims = claims(snap, live, d.ID), true
	change.Deployments = []paas.Deployment{d}
	change.Events = []paas.Event{event(d, now, paas.EventDeploymentEnded, text)}
	return change
}

func endedBack(d paas.Deployment) paas.DeploymentState {
	switch {
	case d.Cancel:
		return paas.DeploymentCanceled
	case d.Previous > 0:
		return paas.DeploymentReverted
	default:
		return paas.DeploymentFailed
	}
}

// claims are the routes of the serving release and of every deployment still to come, but not of the
// one that has just ended.
func claims(snap paas.Snapshot, serving int, ended string) []paas.Route {
	routes := slices.Clone(snap.Releases[serving].Spec.Routes())
	for _, d := range snap.Deployments {
		if d.ID != ended {
			routes = append(routes, snap.Releases[d.Release].Spec.Routes()...)
		}
	}
	return unique(routes)
}

func unique(routes []paas.Route) []paas.Route {
	seen := map[string]bool{}
	return slices.DeleteFunc(routes, func(r paas.Route) bool {
		was := seen[r.String()]
		seen[r.String()] = true
		return was
	})
}

// hold records what a reader must know of a deployment that stays where it is: that it is paused and
// why, since when it waits on purpose, and when all was healthy. Only judge, who also knows whether
// the plan found room, ends a pause.
func hold(d paas.Deployment, snap paas.Snapshot, v Verdict, now time.Time) (paas.Change, bool) {
	before := d
	change := changeOf(snap)
	if v.Paused && (d.State != paas.DeploymentPaused || d.Reason != v.Reason) {
		d.State, d.Reason = paas.DeploymentPaused, v.Reason
		change.Events = []paas.Event{event(d, now, paas.EventDeploymentHeld, v.Reason)}
	}
	if v.Waits != "" && d.Waits != v.Waits {
		d = resumed(d, now)
		d.Waits, d.HeldAt = v.Waits, &now
		if v.Waits == paas.WaitHold && d.Current().Switched() {
			d.HealthyAt, d.RoutedAt, d.SwitchedAt = orNow(d.HealthyAt, now), orNow(d.RoutedAt, now), orNow(d.SwitchedAt, now)
		}
		if !v.Paused {
			change.Events = []paas.Event{event(d, now, paas.EventDeploymentHeld, v.Reason)}
		}
	}
	if d.State == paas.DeploymentRunning && !d.Abort && d.Reason != v.Note {
		if d.Reason = v.Note; v.Note != "" {
			change.Events = append(change.Events, event(d, now, paas.EventDeploymentHeld, v.Note))
		}
	}
	if d.HealthyAt == nil && !d.Abort && d.Step == len(d.Steps)-1 && factsOf(d, snap).healthyAll() {
		d.HealthyAt = &now
	}
	if before.State == d.State && before.Reason == d.Reason && before.HealthyAt == d.HealthyAt && before.Waits == d.Waits {
		return paas.Change{}, false
	}
	change.Deployments = []paas.Deployment{d}
	return change, true
}

func changeOf(snap paas.Snapshot) paas.Change {
	return paas.Change{Ref: snap.App.Ref(), Version: snap.Version}
}

func event(d paas.Deployment, now time.Time, kind paas.EventKind, message string) paas.Event {
	e := paas.Event{Time: now, Team: d.Team, App: d.App, Kind: kind, Release: d.Release, Deployment: d.ID, Message: message}
	if kind == paas.EventDeploymentStarted || kind == paas.EventDeploymentStep {
		e.Share = d.Current().Share
	}
	return e
}

func stepText(d paas.Deployment) string {
	at := d.Current()
	var parts []string
	if at.Share != nil {
		parts = append(parts, shareText(at)+" to the new")
	}
	names := map[string]bool{}
	for _, counts := range []map[string]int{at.New, at.Old} {
		for name := range counts {
			names[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if d.InPlace() {
			parts = append(parts, fmt.Sprintf("%s %d", name, at.New[name]))
		} else {
			parts = append(parts, fmt.Sprintf("%s %d new, %d old", name, at.New[name], at.Old[name]))
		}
	}
	return fmt.Sprintf("step %d of %d: %s", d.Step+1, len(d.Steps), strings.Join(parts, "; "))
}

func orNow(t *time.Time, now time.Time) *time.Time {
	if t != nil {
		return t
	}
	return &now
}
