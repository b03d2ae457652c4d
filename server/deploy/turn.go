package deploy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Heal is the shortest time between two walks begun because the live slot could not be put right in
// place.
const Heal = 10 * time.Minute

// turn does the next thing for one app: it writes one decision, or makes the world so. more says that
// another turn may follow at once; again, when not 0, when to look without being woken.
func (d *Deployer) turn(ctx context.Context, epoch int64, ref paas.AppRef) (again time.Duration, more bool, err error) {
	began := d.now() // before the facts are read, so that none of them is missing for being too new
	snap, err := d.store.Snapshot(ctx, ref)
	if paas.CodeOf(err) == paas.NotFound {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	snap.Led = d.leadsSince()
	change, ok, err := decide(snap, d.render, d.now())
	if err != nil {
		return 0, false, err
	}
	if ok {
		if err := d.written(snap, &change); err != nil {
			return 0, false, err
		}
		return 0, true, d.save(ctx, epoch, snap, told(change, snap, outcome{}, d.now()))
	}
	moved, sideErr := d.turnSides(ctx, epoch, snap, began)
	if moved {
		return 0, true, sideErr
	}
	d.regrant(ctx, snap)
	evalErr := d.evaluate(ctx, snap)
	want, _ := spare(World(snap), snap, d.now())
	out, err := d.converge(ctx, snap, want)
	if err == nil && !snap.App.Deleting {
		err = d.tell(ctx, snap)
	}
	change, ok = d.judge(snap, want, out)
	if ok {
		if saveErr := d.save(ctx, epoch, snap, told(change, snap, out, d.now())); saveErr != nil {
			return 0, false, saveErr
		}
	}
	if err := errors.Join(err, sideErr, evalErr); err != nil {
		return 0, false, err
	}
	if !ok {
		if err := d.count(ctx, epoch, snap); err != nil {
			return 0, false, err
		}
	}
	if snap.App.Deleting && ok { // the snapshot is old
		return 0, true, nil
	}
	if snap.App.Deleting {
		gone, err := d.bury(ctx, epoch, snap)
		return Glance, gone, err
	}
	if len(snap.Deployments) > 0 {
		return Glance, ok && out.held == "", nil
	}
	return 0, false, nil
}

// judge turns what became of converging into wishes: recorded indexes, a pause, a walk instead of a
// change in place.
func (d *Deployer) judge(snap paas.Snapshot, want Wanted, out outcome) (paas.Change, bool) {
	now := d.now()
	change := changeOf(snap)
	change.Slots, change.Volumes = out.slots, out.volumes
	for _, v := range out.volumes {
		change.Events = append(change.Events, paas.Event{
			Time: now, Team: v.Team, App: v.App, Kind: paas.EventVolumeChanged, Process: v.Process, Message: fmt.Sprintf("volume %s made on node %s", v.Name(), v.Node),
		})
	}
	if len(out.drift) > 0 {
		change.Events = append(change.Events, paas.Event{
			Time: now, Team: snap.App.Team, App: snap.App.Name, Kind: paas.EventDrift, Message: driftText(out.drift),
		})
	}
	walk, walking := Active(snap)
	switch {
	case walking && out.refused != "":
		change = d.refusal(walk, snap, out, change, now)
	case walking && out.held != "":
		return d.heldBack(walk, snap, want, out, change, now)
	case walking:
		if stamped, moved := stamp(walk, snap, out, now); moved {
			change.Deployments = []paas.Deployment{stamped}
		}
	case out.refused != "" && (out.refused == snap.App.Live || out.refused == paas.Data) && len(snap.Deployments) == 0 && d.mayHeal(snap.App.Ref(), now):
		change.Deployments = []paas.Deployment{d.deployment(snap, snap.App.Release, "heal", now, func(n *paas.Deployment) {
			n.Walk, n.Why = out.refused != paas.Data, out.why
		})}
	}
	return change, len(change.Slots)+len(change.Volumes)+len(change.Events)+len(change.Deployments) > 0
}

// stamp notes when a walk was first planned and registered, and ends a pause whose reason has gone.
func stamp(walk paas.Deployment, snap paas.Snapshot, out outcome, now time.Time) (paas.Deployment, bool) {
	moved := false
	if out.planned && walk.PlannedAt == nil {
		walk.PlannedAt, moved = &now, true
	}
	if out.registered && walk.RegisteredAt == nil {
		walk.RegisteredAt, moved = &now, true
	}
	v := Next(walk, snap, now)
	if (walk.Waits == paas.WaitRoom || walk.Waits == paas.WaitVault) && v.Waits != walk.Waits {
		if walk.Waits == paas.WaitVault { // what could not start meanwhile is forgiven
			walk.StartedAt = &now
			walk.HeldAt, walk.HeldFor = nil, 0
		}
		walk = resumed(walk, now)
		walk.StepAt, moved = now, true // the wait was not the step's
	}
	if walk.State == paas.DeploymentPaused && !v.Paused {
		walk.State, walk.Reason, moved = paas.DeploymentRunning, keepReason(walk), true
	}
	return walk, moved
}

// refusal answers the guard: the new slot can't be filled, so the walk turns back; the old can't be
// thinned out, so it keeps its instances to the end; a change in place becomes a walk.
func (d *Deployer) refusal(walk paas.Deployment, snap paas.Snapshot, out outcome, change paas.Change, now time.Time) paas.Change {
	switch {
	case walk.Abort:
		walk.Step = len(walk.Steps) - 1 // the last step empties a slot, which the guard never minds
		change.Deployments = []paas.Deployment{walk}
	case walk.InPlace():
		return d.walkInstead(walk, snap, out, now)
	case out.refused == walk.From:
		steps, changed := keepOld(walk.Steps, walk.Step, snap.Slots[walk.From].Counts)
		if walk.Steps = steps; changed {
			change.Deployments = []paas.Deployment{walk}
		}
	case walk.Waits == paas.WaitFailure, walk.Waits == paas.WaitPause: // it stays as it is
	default:
		change = merge(change, giveUp(walk, snap, out.why, now))
	}
	return change
}

// walkInstead gives the live slot back its release and takes the deployment to the other slot.
func (d *Deployer) walkInstead(walk paas.Deployment, snap paas.Snapshot, out outcome, now time.Time) paas.Change {
	row := snap.Slots[walk.Slot]
	row.Release, row.Counts = walk.Previous, nil
	snap.Slots = maps.Clone(snap.Slots)
	snap.Slots[row.Slot] = row
	data, changed := restored(walk, snap)
	if changed {
		snap.Slots[paas.Data] = data
	}
	walk.Walk, walk.Why = true, out.why
	change, ok, err := begin(walk, snap, d.render, now)
	if err != nil || !ok {
		return abort(walk, snap, out.why, now)
	}
	change.Slots = append(change.Slots, row)
	if changed && !snap.Releases[walk.Release].Spec.Stateful() {
		change.Slots = append(change.Slots, data)
	}
	return change
}

// merge adds the rows of more to change; more wins where both have the same slot.
func merge(change, more paas.Change) paas.Change {
	change.Slots = slices.DeleteFunc(change.Slots, func(row paas.Slotted) bool {
		return slices.ContainsFunc(more.Slots, func(m paas.Slotted) bool { return m.Slot == row.Slot })
	})
	change.Slots = append(change.Slots, more.Slots...)
	change.Deployments = append(change.Deployments, more.Deployments...)
	change.Events = append(change.Events, more.Events...)
	return change
}

// heldBack pauses a walk whose new instances could not be registered, and when that has lasted too
// long turns it back, or has it go on without room for a surge.
func (d *Deployer) heldBack(walk paas.Deployment, snap paas.Snapshot, want Wanted, out outcome, change paas.Change, now time.Time) (paas.Change, bool) {
	seen := fenced(want, snap.Router)
	v := Verdict{Reason: out.held, Paused: true}
	switch {
	case walk.Abort, walk.Waits == paas.WaitFailure, walk.Waits == paas.WaitPause:
		return change, len(change.Slots)+len(change.Volumes) > 0
	case out.cause == paas.CauseVaultSealed, out.cause == paas.CauseVaultDown:
		v.Waits = paas.WaitVault
	case seen:
		v = factsOf(walk, snap).withoutRoom(out.held, now)
	case now.Sub(walk.StepAt) < Glance: // a fence is seen within milliseconds
		return change, len(change.Slots)+len(change.Volumes) > 0
	case now.Sub(walk.StepAt) > FenceLimit && snap.Slots[walk.Slot].First == 0:
		v.Move = Abort
	}
	switch v.Move { //nolint:exhaustive // the others are not about room
	case Abort:
		return merge(change, giveUp(walk, snap, v.Reason, now)), true
	case Yield:
		return merge(change, yield(walk, snap, v.Reason, now)), true
	}
	if walk.State == paas.DeploymentPaused && walk.Reason == v.Reason && walk.Waits == v.Waits {
		return change, len(change.Slots)+len(change.Volumes) > 0
	}
	if out.planned {
		walk.PlannedAt = orNow(walk.PlannedAt, now)
	}
	if v.Waits != "" && walk.Waits != v.Waits {
		walk.Waits, walk.HeldAt = v.Waits, &now
	}
	walk.State, walk.Reason = paas.DeploymentPaused, v.Reason
	change.Deployments = []paas.Deployment{walk}
	change.Events = append(change.Events, event(walk, now, paas.EventDeploymentHeld, v.Reason))
	return change, true
}

func (d *Deployer) mayHeal(ref paas.AppRef, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if last, ok := d.heals[ref]; ok && now.Sub(last) < Heal {
		return false
	}
	d.heals[ref] = now
	return true
}

// bury removes an app that is to go, once nothing of it runs: its jobs, its rule, its rows.
func (d *Deployer) bury(ctx context.Context, epoch int64, snap paas.Snapshot) (gone bool, err error) {
	for _, i := range snap.Instances {
		if !i.State.Ended() {
			return false, nil
		}
	}
	if gone, err := d.burySides(ctx, snap); err != nil || !gone {
		return false, err
	}
	ref := snap.App.Ref()
	for _, slot := range []paas.Slot{paas.Blue, paas.Green, paas.Data} {
		id := paas.JobID(ref.App, slot)
		if err := stopJob(ctx, d.scheduler, ref.Team, id); err != nil {
			return false, err
		}
	}
	if err := d.untell(ctx, snap); err != nil {
		return false, err
	}
	if err := d.revoke(ctx, snap); err != nil {
		return false, err
	}
	change := changeOf(snap)
	change.Delete = true
	change.Events = []paas.Event{{Time: d.now(), Team: ref.Team, App: ref.App, Kind: paas.EventAppChanged, Message: "app destroyed"}}
	return true, d.save(ctx, epoch, snap, change)
}

// save writes a change, and logs what an operator would want in the story of a deployment.
func (d *Deployer) save(ctx context.Context, epoch int64, snap paas.Snapshot, change paas.Change) error {
	if !change.Delete {
		change.Demand = new(WantsOf(applied(snap, change)).Total)
	}
	if err := d.store.Save(ctx, epoch, change); err != nil {
		return err
	}
	for _, e := range change.Events {
		d.log.Info("deployment moved", "app", e.App, "release", e.Release, "deployment", e.Deployment, "kind", string(e.Kind), "what", e.Message)
	}
	return nil
}
