package deploy

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Promote ends what a deployment waits for: the hold of its step, also of one that was paused; room for
// new instances, by letting old ones go first; or somebody to look at a failure, by trying again.
// Codes: not_found, conflict if it has ended, turns back or waits for nothing.
func (d *Deployer) Promote(ctx context.Context, ref paas.AppRef, id, by string) error {
	return d.editWalk(ctx, ref, id, func(walk paas.Deployment, snap paas.Snapshot) (paas.Change, error) {
		change, err := promoted(walk, snap, by, d.now())
		return signed(change, by), err
	})
}

// editWalk edits one deployment that has not ended. Codes: not_found, conflict if it is not under way.
func (d *Deployer) editWalk(ctx context.Context, ref paas.AppRef, id string, fn func(paas.Deployment, paas.Snapshot) (paas.Change, error)) error {
	return d.existing(ctx, ref, func(snap paas.Snapshot) (paas.Change, bool, error) {
		for _, walk := range snap.Deployments {
			if walk.ID == id {
				change, err := fn(walk, snap)
				return change, err == nil, err
			}
		}
		return paas.Change{}, false, paas.Errorf(paas.Conflict,
			"App %q has no deployment %q under way: %s. `crumpet status %s` shows more.", ref.App, id, thereIs(snap), ref.App)
	})
}

// thereIs says what an app is doing instead of what somebody took it to be doing.
func thereIs(snap paas.Snapshot) string {
	switch {
	case len(snap.Deployments) > 0:
		d := snap.Deployments[0]
		return fmt.Sprintf("deployment %s of release %d is %s", d.ID, d.Release, d.State)
	case snap.App.Stopped:
		return "it is stopped"
	case snap.App.Release > 0:
		return fmt.Sprintf("it has ended, and release %d is live", snap.App.Release)
	default:
		return "it has ended, and no release is live"
	}
}

func promoted(walk paas.Deployment, snap paas.Snapshot, by string, now time.Time) (paas.Change, error) {
	waits := walk.Waits
	if walk.Abort {
		return paas.Change{}, paas.Errorf(paas.Conflict, "Deployment %s of app %q is walking back. Push again when it has ended.", walk.ID, walk.App)
	}
	held := walk.HeldAt
	walk = resumed(walk, now)
	text := "promoted by " + by
	switch waits {
	case paas.WaitHold:
		walk = unheld(walk)
	case paas.WaitPause:
		walk = unheld(goneOn(walk, *held, now))
		text = "resumed and promoted by " + by
	case paas.WaitFailure:
		// What failed before is forgiven, and the whole deadline counts again. That there was a try is noted even
		// where a crash kept its register from being so.
		walk.RegisteredAt = orNow(walk.RegisteredAt, factsOf(walk, snap).tried())
		walk.StartedAt, walk.StepAt, walk.HeldFor = &now, now, 0
		text = "tried again by " + by
	case paas.WaitRoom:
		return yield(walk, snap, text, now), nil
	case paas.WaitVault:
		return paas.Change{}, paas.Errorf(paas.Conflict,
			"Deployment %s of app %q waits for Vault, without which no new instance would start: %s. It goes on by itself when Vault is there again.", walk.ID, walk.App, walk.Reason)
	default:
		return paas.Change{}, paas.Errorf(paas.Conflict,
			"Deployment %s of app %q is not held: it goes on by itself. `crumpet status %s` shows where it stands.", walk.ID, walk.App, walk.App)
	}
	walk.State, walk.Reason = paas.DeploymentRunning, ""
	change := changeOf(snap)
	change.Deployments = []paas.Deployment{walk}
	change.Events = []paas.Event{event(walk, now, paas.EventDeploymentStep, fmt.Sprintf("%s at step %d of %d", text, walk.Step+1, len(walk.Steps)))}
	return change, nil
}

// unheld takes the hold off the step that a deployment stands at.
func unheld(walk paas.Deployment) paas.Deployment {
	steps := slices.Clone(walk.Steps)
	steps[walk.Step].Hold, steps[walk.Step].Manual = 0, false
	walk.Steps = steps
	return walk
}
