package deploy

import (
	"context"
	"fmt"
	"strings"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// base reads what must not move until a plan is applied.
func (d *Deployer) base(ctx context.Context, snap paas.Snapshot, r paas.DeployRequest) (paas.PlanBase, error) {
	b := paas.PlanBase{
		Version: snap.Version, Release: snap.App.Release, Jobs: map[paas.Slot]uint64{},
		SpecDigest: r.Spec.Digest(), Artifact: r.Artifact, Runtime: r.Runtime, Config: r.Config,
	}
	ref := paas.AppRef{Team: r.Team, App: r.App}
	for _, slot := range []paas.Slot{paas.Blue, paas.Green, paas.Data} {
		job, err := d.scheduler.Job(ctx, ref.Team, paas.JobID(ref.App, slot))
		if err != nil {
			return b, err
		}
		b.Jobs[slot] = 0
		if job != nil {
			b.Jobs[slot] = deref(job.JobModifyIndex)
		}
	}
	var err error
	_, b.Rule, err = d.rules.Rule(ctx, ref)
	return b, err
}

// unmoved refuses a request that was planned in a world that is no more.
func (d *Deployer) unmoved(ctx context.Context, snap paas.Snapshot, r paas.DeployRequest) error {
	if r.Base == nil {
		return nil
	}
	now, err := d.base(ctx, snap, r)
	if err != nil {
		return err
	}
	moved := Moved(paas.AppRef{Team: r.Team, App: r.App}, *r.Base, now)
	if len(moved) == 0 {
		return nil
	}
	faults := make([]paas.Fault, len(moved))
	for i, what := range moved {
		faults[i] = paas.Fault{Location: "body.base", Message: what}
	}
	return &paas.Error{
		Code: paas.Conflict, Faults: faults,
		Message: fmt.Sprintf("The plan of app %q does not hold any more: %s. Plan again.", r.App, strings.Join(moved, "; ")),
	}
}

// Moved names everything of which a plan's base and the base of this moment differ.
func Moved(ref paas.AppRef, was, now paas.PlanBase) []string {
	var moved []string
	say := func(format string, args ...any) { moved = append(moved, fmt.Sprintf(format, args...)) }
	if was.Release != now.Release {
		say("release %d served, now release %d does", was.Release, now.Release)
	}
	if was.Version != now.Version && was.Release == now.Release {
		say("what is wanted of the app was at version %d, now %d", was.Version, now.Version)
	}
	for _, slot := range []paas.Slot{paas.Blue, paas.Green, paas.Data} {
		before, after, id := was.Jobs[slot], now.Jobs[slot], paas.JobID(ref.App, slot)
		switch {
		case before == after:
		case was.Release != now.Release:
			say("job %s was at index %d, now %d", id, before, after)
		case was.Version != now.Version: // Crumpet itself wrote, perhaps to put back what somebody else did
			say("job %s was at index %d, now %d: the app was scaled or stopped, or somebody changed the job in Nomad and Crumpet put it back", id, before, after)
		case after == 0:
			say("job %s was at index %d and is gone: somebody took it away in Nomad", id, before)
		default:
			say("job %s was at index %d, now %d: somebody changed it in Nomad", id, before, after)
		}
	}
	if was.SpecDigest != now.SpecDigest {
		say("the spec is another: its digest was %s, now %s", shortDigest(was.SpecDigest), shortDigest(now.SpecDigest))
	}
	if was.Artifact != now.Artifact || was.Runtime != now.Runtime {
		say("the artifact is another: its digest was %s, now %s", shortDigest(was.Artifact), shortDigest(now.Artifact))
	}
	if was.Config != now.Config {
		say("the configuration was at version %d, now %d", was.Config, now.Config)
	}
	if was.Rule != now.Rule && now.Rule != 0 { // one that is gone was left by a walk that had ended
		say("the rule of the routers was at index %d, now %d", was.Rule, now.Rule)
	}
	return moved
}

func shortDigest(digest string) string { return digest[:min(12, len(digest))] }
