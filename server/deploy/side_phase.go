package deploy

import (
	"fmt"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// phased says that a deployment runs the tasks of its release's phases: a push does, and a restart,
// a start, a change of scale or a heal of the same release does not. Another configuration of what
// serves does not either; one that took the place of a push which had not arrived does.
func phased(d paas.Deployment, snap paas.Snapshot) bool {
	if d.Cause != reconfigured {
		return d.Cause == "push"
	}
	rel, live := snap.Releases[d.Release], snap.Releases[snap.App.Release]
	rel.Config = live.Config
	return !rel.SameAs(live)
}

// phase takes the tasks of one phase on, one after the other in the order of the file. It gives the
// wishes for the next one, if it is time for it; what the deployment waits for, "" if all are complete;
// and why one failed. Each runs once: its row, once written, is never made anew.
func phase(d paas.Deployment, snap paas.Snapshot, which paas.Phase, now time.Time) (next []paas.Side, waits, failed string) {
	if !phased(d, snap) {
		return nil, "", ""
	}
	for _, task := range snap.Releases[d.Release].Spec.InPhase(which) {
		id := taskID(d, task.Name)
		row, begun := snap.Sides[id]
		if !begun {
			if other := unended(snap, id); other != "" {
				return nil, fmt.Sprintf("task %s waits until %s has ended", task.Name, other), ""
			}
			row = paas.Side{
				Team: d.Team, App: d.App, Job: id, Kind: paas.JobTask, Name: task.Name, Release: d.Release, Deployment: d.ID, CreatedAt: now,
			}
			return []paas.Side{row}, "task " + task.Name + " runs", ""
		}
		switch run := row.Seen(snap.Runs); run.State {
		case paas.RunComplete:
		case paas.RunFailed, paas.RunKilled:
			if which == paas.PhaseAfter && run.EndedAt != nil && d.StartedAt != nil && run.EndedAt.Before(*d.StartedAt) {
				continue // it was held for this, and somebody had it go on
			}
			return nil, "", taskFailed(run)
		case paas.RunPending, paas.RunRunning:
			if run.Reason != "" {
				return nil, fmt.Sprintf("task %s runs: %s", task.Name, run.Reason), ""
			}
			return nil, "task " + task.Name + " runs", ""
		}
	}
	return nil, "", ""
}

func taskFailed(run paas.Run) string {
	word := "failed"
	if run.State == paas.RunKilled {
		word = "was stopped"
	}
	why := "task " + run.Name + " " + word
	if run.Reason != "" {
		why += ": " + run.Reason
	}
	if run.Placed() {
		why += fmt.Sprintf("; `crumpet logs %s --process %s` shows its last lines", run.App, run.Name)
	}
	return why
}

// unended names the task of another deployment that has not ended yet: two migrations at once are
// one too many.
func unended(snap paas.Snapshot, but string) string {
	for id, row := range snap.Sides {
		if row.Kind == paas.JobTask && id != but && !row.Seen(snap.Runs).State.Ended() {
			return id
		}
	}
	return ""
}

// before holds a pending deployment until its tasks of that phase are complete. It gives the deployment
// as it may begin, unless held.
func before(d paas.Deployment, snap paas.Snapshot, now time.Time) (_ paas.Deployment, change paas.Change, held, ok bool) {
	next, waits, failed := phase(d, snap, paas.PhaseBefore, now)
	change = changeOf(snap)
	switch {
	case failed != "":
		d.Abort, d.Reason = true, failed
		return d, end(d, snap, now), true, true
	case waits == "":
		d.Reason = ""
		return d, change, false, false
	}
	change.Sides = next
	if d.Reason != waits {
		d.Reason = waits
		change.Deployments = []paas.Deployment{d}
	}
	return d, change, true, len(change.Sides)+len(change.Deployments) > 0
}

// after holds a deployment that has arrived until its tasks of that phase are complete, and turns it
// back when one fails.
func after(d paas.Deployment, snap paas.Snapshot, now time.Time) (change paas.Change, held, ok bool) {
	if d.Abort {
		return change, false, false
	}
	next, waits, failed := phase(d, snap, paas.PhaseAfter, now)
	switch {
	case failed != "":
		return giveUp(d, snap, failed, now), true, true
	case waits == "":
		return change, false, false
	}
	change = changeOf(snap)
	change.Sides = next
	if d.Reason != waits || d.RoutedAt == nil {
		d.Reason = waits
		d.HealthyAt, d.RoutedAt = orNow(d.HealthyAt, now), orNow(d.RoutedAt, now)
		change.Deployments = []paas.Deployment{d}
	}
	return change, true, len(change.Sides)+len(change.Deployments) > 0
}
