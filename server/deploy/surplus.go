package deploy

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// EvaluateEvery is the shortest time between two looks at the jobs of one app that Nomad is asked for.
const EvaluateEvery = 10 * time.Second

// surplus gives the slots of which Nomad keeps more instances than it was asked for, though it has looked since. While a
// node is silent, Nomad may choose the instance there as the one to stop, instead of that which stands in for it (seen in
// 2.0.6, scheduler/reconciler computeStop), and looks no further until the job is evaluated again. Pure.
func surplus(snap paas.Snapshot) []paas.Slot {
	kept := map[paas.Slot]map[string]int{}
	for _, i := range snap.Instances {
		if i.State != paas.InstancePending && i.State != paas.InstanceRunning {
			continue
		}
		if kept[i.Slot] == nil {
			kept[i.Slot] = map[string]int{}
		}
		kept[i.Slot][i.Process]++
	}
	var more []paas.Slot
	for slot, row := range snap.Slots {
		if row.Index == 0 || snap.Jobs[slot].Index < row.Index {
			continue // not placed yet
		}
		for process, n := range kept[slot] {
			if n > row.Counts[process] {
				more = append(more, slot)
				break
			}
		}
	}
	slices.Sort(more)
	return more
}

// evaluate has Nomad look again at the jobs of which it keeps too much.
func (d *Deployer) evaluate(ctx context.Context, snap paas.Snapshot) error {
	more := surplus(snap)
	if len(more) == 0 || !d.mayEvaluate(snap.App.Ref()) {
		return nil
	}
	var errs []error
	for _, slot := range more {
		id := paas.JobID(snap.App.Name, slot)
		d.log.Info("job evaluated again", "team", snap.App.Team, "job", id, "why", "more of it runs than was asked for")
		errs = append(errs, d.scheduler.Evaluate(ctx, snap.App.Team, id))
	}
	return errors.Join(errs...)
}

func (d *Deployer) mayEvaluate(ref paas.AppRef) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.now()
	if last, ok := d.evaluated[ref]; ok && now.Sub(last) < EvaluateEvery {
		return false
	}
	maps.DeleteFunc(d.evaluated, func(_ paas.AppRef, at time.Time) bool { return now.Sub(at) >= EvaluateEvery })
	d.evaluated[ref] = now
	return true
}
