package nomad

import (
	"context"
	"fmt"
	"time"

	"github.com/crumpet-paas/crumpet/server/devstack/nomad/catalog"
)

// watchInterval is how often checks that restart tasks are looked at.
const watchInterval = time.Second

// watched are the checks of one allocation that restart its tasks. A check that
// has been failing for its limit, after the grace, is dropped with all of its
// task's: the restart registers and watches them anew.
type watched struct {
	r      *runner
	checks []*failing
	next   time.Time // of the next look
}

type failing struct {
	catalog.Restart
	grace time.Time // failures before do not count
	since time.Time // of the first failure; zero while it passes
}

// renew begins to watch what has just been registered.
func (w *watched) renew(services []catalog.Registration, now time.Time) {
	w.checks, w.next = nil, now.Add(watchInterval)
	for _, s := range services {
		for _, c := range s.Watched {
			w.checks = append(w.checks, &failing{Restart: c, grace: now.Add(c.Grace)})
		}
	}
}

// tick is nil when nothing is watched.
func (w *watched) tick(stopping bool) <-chan time.Time {
	if stopping || len(w.checks) == 0 {
		return nil
	}
	return time.After(time.Until(w.next))
}

// look gives the restart that a check asks for, or nil.
func (w *watched) look(ctx context.Context, now time.Time) *restart {
	w.next = now.Add(watchInterval)
	statuses, err := w.r.s.catalog.Statuses(ctx)
	if err != nil {
		return nil // the sync tells of it
	}
	for _, c := range w.checks {
		status, known := statuses[c.CheckID]
		bad := status == "critical" || (status == "warning" && !c.IgnoreWarnings)
		switch {
		case !known:
			continue
		case !bad:
			c.since = time.Time{}
			continue
		case now.Before(c.grace):
			continue
		case c.since.IsZero():
			c.since = now
		}
		if now.Before(c.since.Add(c.Limit)) {
			continue
		}
		return &restart{
			task: c.Task, reason: fmt.Sprintf("healthcheck: check %q unhealthy", c.Name), failed: true, done: make(chan error, 1),
		}
	}
	return nil
}
