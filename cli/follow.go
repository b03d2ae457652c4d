package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/client"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

const (
	askAgain  = 2 * time.Second // how often a state is read while no event comes
	lastLines = 15              // of a failing instance
	linesIn   = 3 * time.Second // how long they may take to read
)

// await follows an app's events until look says that what is awaited has ended. Events are hints and
// lines to show: look reads the state itself, after each event that hear finds of interest and every
// two seconds, so that nothing hangs on an event that never comes. after moves with the events.
func await(ctx context.Context, c *client.Client, app string, after *int64, hear func(paas.Event) bool, look func() (bool, error)) error {
	return awaitEvents(ctx, c, client.EventQuery{App: app}, after, hear, look)
}

// awaitEvents is await for other events than an app's.
func awaitEvents(ctx context.Context, c *client.Client, query client.EventQuery, after *int64, hear func(paas.Event) bool, look func() (bool, error)) error {
	query.After = *after
	ctx, cancel := context.WithCancel(ctx)
	type heard struct {
		event paas.Event
		err   error
	}
	events := make(chan heard)
	go func() { // ends with ctx, which ends with this function; drained below
		defer close(events)
		for e, err := range c.Events(ctx, query) {
			select {
			case events <- heard{e, err}:
			case <-ctx.Done():
				return
			}
		}
	}()
	defer func() {
		cancel()
		for range events { //nolint:revive // until the reader has ended
		}
	}()
	tick := time.NewTicker(askAgain)
	defer tick.Stop()
	for {
		select {
		case h, more := <-events:
			if !more || h.err != nil {
				return errors.Join(ctx.Err(), h.err)
			}
			*after = h.event.ID
			if !hear(h.event) {
				continue
			}
		case <-tick.C:
		}
		if ended, err := look(); ended || err != nil {
			return err
		}
	}
}

// follower shows one deployment on its way.
type follower struct {
	s          *session
	c          *client.Client
	p          *progress
	deployment paas.Deployment
	shown      int            // phases that are over and shown
	doing      string         // the phase under way
	trouble    []paas.LogLine // the last lines of an instance that failed, read while it was there
	failing    string         // that instance
}

// run waits until the deployment has ended; it is the newest seen then, also after an error.
func (f *follower) run(ctx context.Context, after int64) error {
	f.show()
	return await(ctx, f.c, f.deployment.App, &after,
		func(e paas.Event) bool { return f.hear(ctx, e) },
		func() (bool, error) {
			d, err := f.c.Deployment(ctx, f.deployment.App, f.deployment.ID)
			if err != nil {
				return false, err
			}
			f.deployment = d
			f.show()
			return d.State.Ended() || serves(d) || d.AwaitsSomebody(), nil
		})
}

// serves says that all requests go to a deployment's release, though its old instances may still be
// kept warm.
func serves(d paas.Deployment) bool {
	return d.State == paas.DeploymentHealthy || (d.SwitchedAt != nil && !d.Abort && !d.State.Ended() && d.Waits != paas.WaitPause)
}

// waitsOnPurpose says that somebody wanted a deployment to stand still where it does.
func waitsOnPurpose(d paas.Deployment) bool {
	return d.AwaitsSomebody() && d.Waits != paas.WaitFailure
}

// warmText says how long the release before stays within reach, and how to go back to it.
func warmText(d paas.Deployment) string {
	return fmt.Sprintf("Release %d serves. Release %d stays warm for %s: `crumpet abort %s` goes back to it at once, `crumpet promote %s` lets it go now.",
		d.Release, d.Previous, d.Current().Hold, d.App, d.App)
}

// left is the failure of not having seen the end of a deployment: by Ctrl-C, or because the server
// was lost. The deployment goes on without anybody watching.
func (s *session) left(ctx context.Context, err error, d paas.Deployment) error {
	if ctx.Err() != nil {
		err = errors.New("interrupted")
	} else {
		s.say("%s", sentenceOf(err))
	}
	s.say("Deployment %s goes on without this command. See it with `crumpet status %s`, end it with `crumpet abort %s`.", d.ID, d.App, d.App)
	return &saidError{err}
}

// phases of a deployment, in order, by the times it carries.
var phases = []struct {
	doing, done string
	at          func(paas.Deployment) *time.Time
}{
	{"Planning", "Planned", func(d paas.Deployment) *time.Time { return d.PlannedAt }},
	{"Registering", "Registered", func(d paas.Deployment) *time.Time { return d.RegisteredAt }},
	{"Starting", "Healthy", func(d paas.Deployment) *time.Time { return d.HealthyAt }},
	{"Routing", "Routed", func(d paas.Deployment) *time.Time { return d.RoutedAt }},
	{"Finishing", "", func(paas.Deployment) *time.Time { return nil }},
}

// show ends the phases that are over, each with the time that the server took for it.
func (f *follower) show() {
	began := f.deployment.CreatedAt
	for i, phase := range phases {
		at := phase.at(f.deployment)
		if at == nil {
			if f.doing != phase.doing && !f.deployment.State.Ended() {
				f.p.begin(phase.doing)
				f.doing = phase.doing
			}
			return
		}
		if i >= f.shown {
			f.p.end(phase.done, "", max(0, at.Sub(began)))
			f.shown = i + 1
		}
		began = *at
	}
}

// hear shows an event, and says whether the deployment may have changed with it.
func (f *follower) hear(ctx context.Context, e paas.Event) bool {
	if e.Deployment != f.deployment.ID && e.Release != f.deployment.Release {
		return false
	}
	switch e.Kind { //nolint:exhaustive // the others are only noted
	case paas.EventDeploymentHeld, paas.EventDeploymentStep:
		f.line(e)
	case paas.EventRunState:
		if strings.Contains(e.Message, " failed: ") {
			f.failing = e.Instance
		}
		f.line(e)
	case paas.EventDeploymentAborting:
		f.line(e)
		f.capture(ctx)
	case paas.EventInstanceState, paas.EventInstanceHealth:
		f.failing = e.Instance
		f.p.say(e.Message)
	default:
		f.p.say(e.Message)
	}
	return true
}

// line shows an event for good, with the time since the deployment began.
func (f *follower) line(e paas.Event) {
	f.p.line("  %-46s %s", e.Message, f.s.faint(seconds(max(0, e.Time.Sub(f.deployment.CreatedAt)))))
}

// capture reads the last lines of the instance that failed, while it is still there. What can't be
// read is left out: it only adds to a reason.
func (f *follower) capture(ctx context.Context) {
	if len(f.trouble) > 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, linesIn)
	defer cancel()
	if status, err := f.c.Status(ctx, f.deployment.App); err == nil {
		if i, ok := worst(status.Instances, f.deployment); ok {
			f.failing = i.ID
		}
	}
	if f.failing == "" {
		return
	}
	for line, err := range f.c.Logs(ctx, f.deployment.App, client.LogQuery{Instance: f.failing, Sources: onlyApp, Lines: lastLines}) {
		if err != nil {
			return
		}
		f.trouble = append(f.trouble, line)
	}
}

// worst finds the instance of a deployment whose lines tell most.
func worst(list []wire.Instance, d paas.Deployment) (found wire.Instance, ok bool) {
	grade := func(i wire.Instance) int {
		switch {
		case i.Release != d.Release || i.Slot != d.Slot:
			return 0
		case i.State == paas.InstanceFailed:
			return 4
		case i.Reason != "":
			return 3
		case i.Health != paas.HealthHealthy:
			return 2
		}
		return 1
	}
	best := 0
	for _, i := range list {
		if g := grade(i); g > best {
			best, found = g, i
		}
	}
	return found, best > 1
}

// explain tells why a deployment did not become healthy: the reason, the last lines, the next step.
func (f *follower) explain(ctx context.Context) error {
	f.capture(ctx)
	d := f.deployment
	f.s.say("%s", reasonOf(d))
	if len(f.trouble) > 0 {
		f.s.say("Last lines of %s[%s]:", f.trouble[0].Process, short(f.trouble[0].Instance))
		for _, line := range f.trouble[max(0, len(f.trouble)-lastLines):] {
			f.s.say("  | %s", line.Text)
		}
	}
	f.s.say("%s", f.nextStep())
	return &saidError{errors.New(reasonOf(d))}
}

func reasonOf(d paas.Deployment) string {
	if d.Reason != "" {
		return ended(d.Reason)
	}
	return "The deployment ended as " + string(d.State) + "."
}

func (f *follower) nextStep() string {
	d := f.deployment
	if d.Waits == paas.WaitFailure {
		return fmt.Sprintf("It stays as it is: `crumpet promote %s` tries again, `crumpet abort %s` turns back.", d.App, d.App)
	}
	if d.State == paas.DeploymentCanceled {
		return "It was canceled. Push again when it is wanted."
	}
	next := fmt.Sprintf("Fix this and push again. `crumpet why %s` says more.", d.App)
	if f.failing != "" {
		next = fmt.Sprintf("Fix this and push again. `crumpet why %s` and `crumpet logs %s` say more.", d.App, d.App)
	}
	if d.Previous > 0 {
		return fmt.Sprintf("Release %d is still serving. %s", d.Previous, next)
	}
	return "Nothing serves yet. " + next
}
