package deploy

import (
	"fmt"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// giveUp turns a walk back, or where the spec says so leaves it as it is for somebody to look at.
func giveUp(d paas.Deployment, snap paas.Snapshot, reason string, now time.Time) paas.Change {
	if Policy(snap.Releases[d.Release].Spec).Revert || d.Cancel {
		return abort(d, snap, reason, now)
	}
	d = resumed(d, now)
	d.State, d.Reason, d.Waits, d.HeldAt = paas.DeploymentPaused, reason, paas.WaitFailure, &now
	change := changeOf(snap)
	change.Deployments = []paas.Deployment{d}
	change.Events = []paas.Event{event(d, now, paas.EventDeploymentHeld, reason+
		fmt.Sprintf("; it stays as it is: `crumpet promote %s` tries again, `crumpet abort %s` turns back", d.App, d.App))}
	return change
}

// yield goes on without room for a surge: old instances go first, from where the walk is. Requests
// follow the instances from here on, whatever the strategy was.
func yield(d paas.Deployment, snap paas.Snapshot, reason string, now time.Time) paas.Change {
	at := d.Current()
	at.Share = nil
	d = resumed(d, now)
	d.StopFirst = true
	d.Steps = stepsOf(d, snap.Releases[d.Release].Spec, settled(at, snap, d))
	d.Step, d.StepAt, d.State, d.Reason = 0, now, paas.DeploymentRunning, ""
	change := changeOf(snap)
	change.Deployments = []paas.Deployment{d}
	change.Events = []paas.Event{event(d, now, paas.EventDeploymentStep, reason+": old instances go first from here on; "+stepText(d))}
	return change
}

// settled is a step without the new instances that found no room: those are still to come.
func settled(at paas.Step, snap paas.Snapshot, d paas.Deployment) paas.Step {
	fresh := map[string]int{}
	f := factsOf(d, snap)
	for process, n := range at.New {
		fresh[process] = min(n, len(f.healthy(f.fresh, process)))
	}
	return paas.Step{New: fresh, Old: at.Old, Data: at.Data}
}

// resumed is a deployment that waits no longer: the time it did is not a part of its deadline.
func resumed(d paas.Deployment, now time.Time) paas.Deployment {
	if d.HeldAt != nil {
		d.HeldFor += now.Sub(*d.HeldAt)
	}
	d.Waits, d.HeldAt = "", nil
	return d
}

// standsIn says that some instance in a slot has not ended.
func standsIn(snap paas.Snapshot, slot paas.Slot) bool {
	for _, i := range snap.Instances {
		if i.Slot == slot && !i.State.Ended() {
			return true
		}
	}
	return false
}
