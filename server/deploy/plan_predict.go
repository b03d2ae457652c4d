package deploy

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	"github.com/crumpet-paas/crumpet/server/jobspec"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// prediction is what a request would come to, worked out from one snapshot by the very functions that
// decide it later: release, begin, World and the amending of stored jobs.
type prediction struct {
	old, next paas.Release
	before    paas.Snapshot   // without the deployments that must end first
	after     paas.Snapshot   // at the first step of the walk; before, if nothing is to do
	walk      paas.Deployment // zero if nothing is to do
	standing  map[string]int  // instances by process in the slot that serves
	awaits    bool            // a deployment is to end first: Nomad, asked now, still has that one's instances
	touched   bool            // the job of the slot that serves is registered anew in place
}

// predict gives the prediction for a request, and what it would have to wait for.
func (d *Deployer) predict(snap paas.Snapshot, r paas.DeployRequest) (prediction, error) {
	p := prediction{}
	if snap.Version == 0 {
		snap.App = paas.App{Team: r.Team, Name: r.App}
	}
	snap.Bindings = assumed(snap.Bindings, r.Spec, paas.AppRef{Team: r.Team, App: r.App})
	p.standing = present(snap)
	if len(snap.Deployments) > 0 {
		settled, err := d.settled(snap, r.Supersede)
		if err != nil {
			return p, err
		}
		snap, p.standing, p.awaits = settled, wished(settled), true
	}
	p.before, p.after = snap, snap
	p.old = snap.Releases[snap.App.Release]
	result, change, any, err := d.release(r, snap)
	if err != nil {
		return p, err
	}
	p.next = result.Release
	if !any {
		return p, nil
	}
	p.after = applied(snap, change)
	pending, _ := waiting(p.after)
	p.after = withoutDark(p.after)
	begun, ok, err := begin(pending, p.after, d.render, d.now())
	if err != nil {
		return p, err
	}
	if !ok {
		return p, paas.Errorf(paas.Internal, "The walk of app %q to release %d can't be foreseen.", r.App, p.next.Number)
	}
	p.after = applied(p.after, begun)
	p.walk, _ = Active(p.after)
	if p.walk.InPlace() {
		p.touched, err = d.touched(p)
	}
	return p, err
}

// settled is the snapshot as it will be once every deployment in it has ended well, or, with
// supersede, has been turned back.
func (d *Deployer) settled(snap paas.Snapshot, supersede bool) (paas.Snapshot, error) {
	now := d.now()
	if supersede {
		snap = applied(snap, turnedBack(snap, "superseded", now))
	}
	for len(snap.Deployments) > 0 {
		if walk, walking := Active(snap); walking {
			snap = applied(snap, end(walk, snap, now))
			continue
		}
		pending, _ := waiting(snap)
		snap = withoutDark(snap)
		begun, ok, err := begin(pending, snap, d.render, now)
		if err != nil {
			return snap, err
		}
		if !ok {
			return snap, paas.Errorf(paas.Conflict, "Deployment %s of app %q has not begun. Plan again when it has.", pending.ID, pending.App)
		}
		snap = applied(snap, begun)
	}
	return snap, nil
}

// withoutDark is the snapshot once nothing stands in the slot that does not serve: what a former walk
// left there is on its way out, and a walk waits for it.
func withoutDark(snap paas.Snapshot) paas.Snapshot {
	dark := snap.App.Live.Other()
	snap.Slots = cloned(snap.Slots)
	if row, held := snap.Slots[dark]; held {
		row.Counts = nil
		snap.Slots[dark] = row
	}
	snap.Instances = slices.DeleteFunc(slices.Clone(snap.Instances), func(i paas.Instance) bool { return i.Slot == dark })
	return snap
}

// applied is the snapshot that a change of wishes leads to, as the store would give it: deployments
// that have ended are left out.
func applied(snap paas.Snapshot, change paas.Change) paas.Snapshot {
	snap.Version++
	snap.Releases, snap.Slots = cloned(snap.Releases), cloned(snap.Slots)
	snap.Deployments = slices.Clone(snap.Deployments)
	if change.App != nil {
		snap.App = *change.App
	}
	for _, rel := range change.Releases {
		snap.Releases[rel.Number] = rel
		snap.Newest = max(snap.Newest, rel.Number)
	}
	for _, row := range change.Slots {
		snap.Slots[row.Slot] = row
	}
	for _, next := range change.Deployments {
		at := slices.IndexFunc(snap.Deployments, func(d paas.Deployment) bool { return d.ID == next.ID })
		if at < 0 {
			snap.Deployments = append(snap.Deployments, next)
		} else {
			snap.Deployments[at] = next
		}
	}
	snap.Deployments = slices.DeleteFunc(snap.Deployments, func(d paas.Deployment) bool { return d.State.Ended() })
	snap.Sides, snap.Volumes = cloned(snap.Sides), slices.Clone(snap.Volumes)
	for _, row := range change.Sides {
		snap.Sides[row.Job] = row
	}
	for _, job := range change.DropSides {
		delete(snap.Sides, job)
	}
	for _, v := range change.Volumes {
		snap.Volumes = append(slices.DeleteFunc(snap.Volumes, v.Same), v)
	}
	return snap
}

func cloned[K comparable, V any](m map[K]V) map[K]V {
	if m == nil {
		return map[K]V{}
	}
	return maps.Clone(m)
}

// present counts the instances that were seen in the slot that serves, without those that an earlier
// wish takes away: they go whatever is pushed.
func present(snap paas.Snapshot) map[string]int {
	counts := map[string]int{}
	for _, i := range snap.Instances {
		if (i.Slot == snap.App.Live || i.Slot == paas.Data) && !i.State.Ended() && i.State != paas.InstanceStopping {
			counts[i.Process]++
		}
	}
	for process, n := range wished(snap) {
		counts[process] = min(counts[process], n)
	}
	return counts
}

// wished counts the instances that the slot that serves is to have, and the slot Data beside it.
func wished(snap paas.Snapshot) map[string]int {
	slots := World(snap).Slots
	return overlay(slots[snap.App.Live], slots[paas.Data])
}

// touched says whether a change in place registers the job of the slot that serves: it does not when
// only what stands outside the job has changed, such as how the app is deployed.
func (d *Deployer) touched(p prediction) (bool, error) {
	slot := p.walk.Slot
	was, err := d.amended(p.before.Slots[slot], p.before, World(p.before).Slots[slot])
	if err != nil {
		return false, err
	}
	now, err := d.amended(p.after.Slots[slot], p.after, World(p.after).Slots[slot])
	if err != nil {
		return false, err
	}
	if !bytes.Equal(jobspec.Encode(was), jobspec.Encode(now)) {
		return true, nil
	}
	return d.dataTouched(p)
}

// changes is whether anything at all is to be done.
func (p prediction) changes() bool { return p.walk.ID != "" }

// processes counts what becomes of the instances of each process, those of the old release that the
// new one lacks last.
func (p prediction) processes() []paas.ProcessPlan {
	list := []paas.ProcessPlan{}
	for _, process := range p.next.Spec.Processes {
		list = append(list, p.process(process.Name))
	}
	for _, process := range p.old.Spec.Processes {
		if _, stays := p.next.Spec.Process(process.Name); !stays {
			list = append(list, p.process(process.Name))
		}
	}
	return list
}

func (p prediction) process(name string) paas.ProcessPlan {
	before, after := p.standing[name], p.standing[name]
	if p.changes() {
		after = p.walk.Wanted[name]
	}
	plan := paas.ProcessPlan{Name: name, Before: before, After: after}
	kept := min(before, after)
	plan.Created, plan.Destroyed = after-kept, before-kept
	switch {
	case p.changes() && p.keeps(name) && p.replaced():
		plan.Replaced = kept
	case p.keeps(name) && !p.walk.InPlace(): // the others move, and it stays
		plan.Stay = kept
	case p.changes() && !p.walk.InPlace():
		plan.Replaced = kept
	case p.touched:
		plan.InPlace = kept
	default:
		plan.Stay = kept
	}
	return plan
}

// waits is the sentence for a deployment that a push would have to wait for.
func waits(snap paas.Snapshot, r paas.DeployRequest) (string, *paas.PlannedDeploy) {
	if len(snap.Deployments) == 0 {
		return "", nil
	}
	under := snap.Deployments[0]
	planned := &paas.PlannedDeploy{ID: under.ID, Release: under.Release, State: under.State}
	if r.Supersede {
		return fmt.Sprintf("deployment %s of release %d is %s: it is turned back first", under.ID, under.Release, under.State), planned
	}
	return fmt.Sprintf("deployment %s of release %d is %s: a push must wait for it with --wait, or turn it back with --supersede", under.ID, under.Release, under.State), planned
}
