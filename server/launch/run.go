package launch

import (
	"context"
	"fmt"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/templates"
)

const (
	lookEvery = 30 * time.Second // should a wake-up have been lost
	lookAgain = 2 * time.Second  // after something that did not answer
	within    = 30 * time.Second // for one launch
)

// Run goes on with launches, under the leader's epoch, until ctx ends.
func (l *Launches) Run(ctx context.Context, epoch int64) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-l.wake:
		case <-timer.C:
		}
		next := lookEvery
		if err := l.turn(ctx, epoch); err != nil && ctx.Err() == nil {
			l.log.WarnContext(ctx, "launch not gone on with", "err", err)
			next = lookAgain
		}
		timer.Reset(next)
	}
}

// turn goes on with each launch as far as it can.
func (l *Launches) turn(ctx context.Context, epoch int64) error {
	open, err := l.cfg.Store.OpenLaunches(ctx)
	if err != nil {
		return err
	}
	var failed error
	for _, launch := range open {
		if err := l.follow(ctx, epoch, launch); err != nil {
			failed = err // the others don't wait for it
		}
	}
	return failed
}

// follow ends a launch whose build has ended. An error means that it is to be tried again.
func (l *Launches) follow(ctx context.Context, epoch int64, launch paas.Launch) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	job, err := l.cfg.Builds.Build(ctx, launch.Build)
	switch {
	case paas.CodeOf(err) == paas.NotFound:
		return l.fail(ctx, epoch, launch, "Its build is gone. Begin again.")
	case err != nil:
		return err
	case job.State == paas.BuildFailed:
		return l.fail(ctx, epoch, launch, job.Reason)
	case job.State != paas.BuildDone:
		return nil
	}
	number, err := l.release(ctx, launch, job)
	switch paas.CodeOf(err) { //nolint:exhaustive // the others say that it can't be
	case "":
	case paas.Unavailable, paas.Internal, paas.Limited:
		return err
	default:
		return l.fail(ctx, epoch, launch, paas.MessageOf(err))
	}
	ended := l.cfg.Now().UTC()
	launch.State, launch.Release, launch.EndedAt = paas.LaunchReleased, number, &ended
	return l.cfg.Store.PutLaunch(ctx, epoch, launch, l.event(launch, fmt.Sprintf("the template %s is release %d", launch.Template, number)))
}

// release makes the first release of an app. One that was made already, by a server that ended before it could note
// that, is found.
func (l *Launches) release(ctx context.Context, launch paas.Launch, job paas.BuildJob) (int, error) {
	_, err := l.cfg.Store.Snapshot(ctx, launch.Ref())
	if err == nil {
		first, err := l.cfg.Store.Release(ctx, launch.Ref(), 1)
		if err == nil && first.Artifact == job.Artifact && first.CreatedBy == launch.CreatedBy {
			return 1, nil
		}
		if err != nil && paas.CodeOf(err) != paas.NotFound {
			return 0, err
		}
		return 0, paas.Errorf(paas.Conflict, "Somebody else has made an app %q meanwhile.", launch.App)
	}
	if paas.CodeOf(err) != paas.NotFound {
		return 0, err
	}
	files, err := templates.Render(launch.Template, launch.App)
	if err != nil {
		return 0, err
	}
	request, err := request(launch.Ref(), launch.Template, launch.CreatedBy, files)
	if err != nil {
		return 0, err
	}
	request.Artifact, request.Runtime = job.Artifact, job.Runtime
	result, err := l.cfg.Deployer.Deploy(ctx, request)
	return result.Release.Number, err
}

// fail ends a launch, and tells of it: nothing else would, as there is no app.
func (l *Launches) fail(ctx context.Context, epoch int64, launch paas.Launch, reason string) error {
	ended := l.cfg.Now().UTC()
	launch.State, launch.Reason, launch.EndedAt = paas.LaunchFailed, reason, &ended
	l.log.InfoContext(ctx, "launch failed", "app", launch.Ref().String(), "build", launch.Build, "reason", reason)
	return l.cfg.Store.PutLaunch(ctx, epoch, launch, l.event(launch, fmt.Sprintf("the template %s came to no release: %s", launch.Template, reason)))
}
