package deploy

import (
	"context"
	"fmt"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Promote ends what a deployment waits for: the hold of its step, room for new instances, by letting
// old ones go first, or somebody to look at a failure, by trying again. Codes: not_found, conflict if
// it has ended, turns back or waits for nothing.
func (d *Deployer) Promote(ctx context.Context, ref paas.AppRef, id, by string) error {
	return d.existing(ctx, ref, func(snap paas.Snapshot) (paas.Change, bool, error) {
		for _, walk := range snap.Deployments {
			if walk.ID == id {
				change, err := promoted(walk, snap, by, d.now())
				return change, err == nil, err
			}
		}
		return paas.Change{}, false, paas.Errorf(paas.Conflict, "App %q has no deployment %q under way. `crumpet status %s` shows the last one.", ref.App, id, ref.App)
	})
}

func promoted(walk paas.Deployment, snap paas.Snapshot, by string, now time.Time) (paas.Change, error) {
	waits := walk.Waits
	if walk.Abort {
		return paas.Change{}, paas.Errorf(paas.Conflict, "Deployment %s of app %q is walking back. Push again when it has ended.", walk.ID, walk.App)
	}
	walk = resumed(walk, now)
	text := "promoted by " + by
	switch waits {
	case paas.WaitHold:
		steps := append([]paas.Step(nil), walk.Steps...)
		steps[walk.Step].Hold, steps[walk.Step].Manual = 0, false
		walk.Steps = steps
	case paas.WaitFailure:
		// What failed before is forgiven, and the whole deadline counts again.
		walk.StartedAt, walk.StepAt, walk.HeldFor = &now, now, 0
		text = "tried again by " + by
	case paas.WaitRoom:
		return yield(walk, snap, text, now), nil
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
