package deploy

import (
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// told notes beside the reason of each deployment in a change which row of the table of causes it
// tells of, so that nobody has to read sentences to know. A reason that stays keeps its cause.
func told(change paas.Change, snap paas.Snapshot, out outcome, now time.Time) paas.Change {
	for n, d := range change.Deployments {
		if d.Reason == "" {
			change.Deployments[n].Trouble = ""
			continue
		}
		before := deploymentOf(snap, d.ID)
		switch {
		case d.Trouble != before.Trouble: // whoever gave the reason knew
		case d.Reason == before.Reason && before.Trouble != "":
		default:
			change.Deployments[n].Trouble = causeOf(d, before, snap, out, now)
		}
	}
	return change
}

func deploymentOf(snap paas.Snapshot, id string) paas.Deployment {
	for _, d := range snap.Deployments {
		if d.ID == id {
			return d
		}
	}
	return paas.Deployment{}
}

// causeOf finds the fact that a reason repeats: what the plan lacked, an evaluation, a router, an
// instance, a task of a phase. before is the deployment as it was when the reason was found.
func causeOf(d, before paas.Deployment, snap paas.Snapshot, out outcome, now time.Time) paas.Cause {
	f := factsOf(before, snap)
	if out.held == d.Reason && out.cause != "" {
		return out.cause
	}
	switch waits, failed := bound(snap, snap.Releases[d.Release]); d.Reason {
	case waits:
		return paas.CauseServiceWaits
	case failed:
		return paas.CauseServiceFailed
	}
	if d.Waits == paas.WaitVault {
		return vaultCause(d.Reason)
	}
	for _, job := range snap.Jobs {
		if job.Blocked == d.Reason {
			return job.Cause
		}
	}
	if noFence(snap.Router) == d.Reason {
		return paas.CauseRuleUnseen
	}
	for _, i := range f.fresh {
		if i.Reason != "" && i.Cause != "" && strings.HasSuffix(d.Reason, i.Reason) {
			return i.Cause
		}
	}
	for _, side := range snap.Sides {
		run := side.Seen(snap.Runs)
		if side.Deployment == d.ID && (run.State == paas.RunFailed || run.State == paas.RunKilled) && taskFailed(run) == d.Reason {
			return paas.CauseTaskFailed
		}
	}
	worse, _ := f.erring()
	switch d.Reason {
	case worse:
		return paas.CauseErrors
	case f.late(now):
		return paas.CauseLate
	case f.broken(now):
		return paas.CauseStartupLimit
	}
	return ""
}
