package nomad

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/crumpet-paas/crumpet/server/devstack/nomad/state"
)

// askTimeout is how long a task may take to hear a request.
const askTimeout = 5 * time.Second

// errNotRunning is Nomad's text for a request to a task without a process.
var errNotRunning = fail(http.StatusInternalServerError, "Task not running")

// restart hands what a user asked for to the tasks. A restart takes the group's
// services out of Consul first, waits for shutdown_delay, and puts them back:
// as in Nomad, one instance has a gap.
func (r *runner) restart(ctx context.Context, a *state.Alloc, ask *restart, stopping bool) {
	if stopping {
		ask.done <- errNotRunning
		return
	}
	if ask.signal == 0 {
		if !r.leave(ctx, a, nil) {
			ask.done <- ctx.Err()
			return
		}
		defer r.offer(a)
	}
	var errs []error
	for name, t := range r.tasks {
		if ask.task != "" && ask.task != name {
			continue
		}
		one := &restart{task: name, signal: ask.signal, reason: ask.reason, failed: ask.failed, done: make(chan error, 1)}
		ts := a.TaskStates[name]
		if ts == nil || ts.State != "running" {
			if ask.task != "" || len(r.tasks) == 1 {
				errs = append(errs, errNotRunning)
			}
			continue
		}
		select {
		case t.commands <- one:
			select {
			case err := <-one.done:
				errs = append(errs, err)
			case <-t.over:
			case <-ctx.Done():
			}
		case <-t.over:
			errs = append(errs, errNotRunning)
		case <-time.After(askTimeout): // it is being started again
			errs = append(errs, errNotRunning)
		case <-ctx.Done():
		}
	}
	ask.done <- errors.Join(errs...)
}

// ask gives a request to the runner of an allocation and waits for its end.
func (s *Server) ask(ctx context.Context, alloc string, ask *restart) error {
	s.mu.Lock()
	r := s.runners[alloc]
	s.mu.Unlock()
	if r == nil {
		return errNotRunning
	}
	select {
	case r.restarts <- ask:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-ask.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
