package deploy

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// shortestRest is the least that is left of a hold that was paused: time to see what is there now.
const shortestRest = time.Second

// Pause has a deployment stay exactly where it is: no step is taken, nothing turns it back and its
// deadline does not run, while what its step wants is still kept up, and can still be scaled. why may be
// "". Codes: not_found, conflict where nothing can be paused.
func (d *Deployer) Pause(ctx context.Context, ref paas.AppRef, id, why, by string) error {
	return d.editWalk(ctx, ref, id, func(walk paas.Deployment, snap paas.Snapshot) (paas.Change, error) {
		change, err := paused(walk, snap, why, by, d.now())
		return signed(change, by), err
	})
}

// Resume lets a paused deployment go on from where it is. Codes: not_found, conflict if it is not
// paused.
func (d *Deployer) Resume(ctx context.Context, ref paas.AppRef, id, by string) error {
	return d.editWalk(ctx, ref, id, func(walk paas.Deployment, snap paas.Snapshot) (paas.Change, error) {
		if walk.Waits != paas.WaitPause {
			return paas.Change{}, paas.Errorf(paas.Conflict, "Deployment %s of app %q was not paused: %s.", walk.ID, walk.App, standing(walk))
		}
		return signed(wentOn(walk, snap, by, d.now()), by), nil
	})
}

func paused(walk paas.Deployment, snap paas.Snapshot, why, by string, now time.Time) (paas.Change, error) {
	switch {
	case walk.State == paas.DeploymentPending, walk.Abort, walk.Waits == paas.WaitFailure, walk.Waits == paas.WaitPause:
		return paas.Change{}, paas.Errorf(paas.Conflict, "Deployment %s of app %q can't be paused: %s.", walk.ID, walk.App, standing(walk))
	case walk.InPlace():
		return paas.Change{}, paas.Errorf(paas.Conflict, "Deployment %s of app %q can't be paused: it changes counts and routes in place, at once.", walk.ID, walk.App)
	}
	if walk.Waits == paas.WaitHold && walk.Current().Hold > 0 {
		at := walk.Step
		walk.Steps = append([]paas.Step(nil), walk.Steps...)
		walk.Steps[at].Hold = max(shortestRest, walk.Steps[at].Hold-now.Sub(*walk.HeldAt))
	}
	walk = resumed(walk, now)
	walk.State, walk.Waits, walk.HeldAt = paas.DeploymentPaused, paas.WaitPause, &now
	walk.Reason = "paused by " + by
	if why != "" {
		walk.Reason += ": " + why
	}
	change := changeOf(snap)
	change.Deployments = []paas.Deployment{walk}
	change.Events = []paas.Event{event(walk, now, paas.EventDeploymentHeld, fmt.Sprintf("%s, at step %d of %d", walk.Reason, walk.Step+1, len(walk.Steps)))}
	return change, nil
}

func wentOn(walk paas.Deployment, snap paas.Snapshot, by string, now time.Time) paas.Change {
	held := *walk.HeldAt
	walk = goneOn(resumed(walk, now), held, now)
	walk.State, walk.Reason = paas.DeploymentRunning, ""
	change := changeOf(snap)
	change.Deployments = []paas.Deployment{walk}
	change.Events = []paas.Event{event(walk, now, paas.EventDeploymentStep, fmt.Sprintf("resumed by %s at step %d of %d", by, walk.Step+1, len(walk.Steps)))}
	return change
}

// goneOn is a deployment after a pause since held, which was no part of its step's time.
func goneOn(walk paas.Deployment, held, now time.Time) paas.Deployment {
	if walk.StepAt.Before(held) {
		walk.StepAt = walk.StepAt.Add(now.Sub(held))
	} else { // scaled meanwhile
		walk.StepAt = now
	}
	return walk
}

// standing says where a deployment stands and what could be done with it.
func standing(d paas.Deployment) string {
	switch {
	case d.Abort:
		return "it is walking back"
	case d.State == paas.DeploymentPending:
		return fmt.Sprintf("it has not begun to walk; `crumpet abort %s` ends it", d.App)
	case d.Waits == paas.WaitPause:
		return fmt.Sprintf("it is paused already (%s); `crumpet resume %s` lets it go on", strings.TrimPrefix(d.Reason, "paused "), d.App)
	case d.Waits == paas.WaitFailure:
		return fmt.Sprintf("it stands still, since %s; `crumpet promote %s` tries again, `crumpet abort %s` turns back", d.Reason, d.App, d.App)
	case d.Waits == paas.WaitHold:
		return fmt.Sprintf("it holds step %d of %d; `crumpet promote %s` takes the next", d.Step+1, len(d.Steps), d.App)
	case d.Waits == paas.WaitRoom:
		return fmt.Sprintf("it waits for room; `crumpet promote %s` lets old instances go first", d.App)
	default:
		return fmt.Sprintf("it is %s, at step %d of %d", d.State, d.Step+1, len(d.Steps))
	}
}
