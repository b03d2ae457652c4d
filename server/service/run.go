package service

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// How often the loop looks without having been woken.
const (
	Sweep     = 30 * time.Second // every app
	glance    = time.Second      // while something waits for time to pass
	gather    = 50 * time.Millisecond
	parallel  = 16 // calls at once
	perBroker = 4  // of them to one provider: one that hangs leaves room for the others
	refresh   = time.Hour
	retry     = time.Minute // of a catalog that could not be read
)

// Run takes over what the journal holds, and then makes calls and looks at bindings until ctx ends, under
// the leader's epoch. It returns when every call has ended.
func (s *Services) Run(ctx context.Context, epoch int64) error {
	var calls sync.WaitGroup
	defer calls.Wait()
	s.forget()
	for wait := glance; ; wait = min(Sweep, 2*wait) {
		err := s.recover(ctx, epoch)
		if err == nil || ctx.Err() != nil {
			break
		}
		s.log.Warn("journal of services not taken over", "err", err)
		if !pause(ctx, wait) {
			return nil
		}
	}
	sweep := time.NewTimer(0)
	defer sweep.Stop()
	next := time.NewTimer(0)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.wake:
			if !pause(ctx, gather) { // those that wake it come in swarms
				return nil
			}
		case <-next.C:
		case <-sweep.C:
			s.sweep(ctx)
			sweep.Reset(Sweep)
		}
		wait, err := s.turn(ctx, epoch, &calls)
		if err != nil && ctx.Err() == nil && !errors.Is(err, context.Canceled) {
			s.log.Warn("services not looked at", "err", err)
			wait = glance
		}
		next.Reset(wait)
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// forget leaves what was known under an earlier epoch.
func (s *Services) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.free)
	clear(s.busy)
}

// sweep has every app looked at, and those that are gone and have a binding left: who deleted one may have died
// before anybody heard of it.
func (s *Services) sweep(ctx context.Context) {
	refs, err := s.cfg.Store.Refs(ctx)
	bindings, more := s.cfg.Store.Bindings(ctx, paas.AppRef{})
	if err = errors.Join(err, more); err != nil {
		if ctx.Err() == nil {
			s.log.Warn("apps not listed", "err", err)
		}
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, ref := range refs {
		s.woken[ref] = true
	}
	for _, b := range bindings {
		if !b.Key() {
			s.woken[b.Ref()] = true
		}
	}
}

// turn looks at bindings and makes the calls that are due. It says when to look again.
func (s *Services) turn(ctx context.Context, epoch int64, calls *sync.WaitGroup) (time.Duration, error) {
	w, err := s.read(ctx)
	if err != nil {
		return glance, err
	}
	waits, err := s.bindings(ctx, epoch, w)
	if err != nil {
		return glance, err
	}
	if w, err = s.read(ctx); err != nil {
		return glance, err
	}
	wait := Sweep
	if waits {
		wait = glance
	}
	now := s.cfg.Now()
	for _, p := range w.providers {
		if s.stale(p, now) && s.occupy("catalog "+p.Name) {
			calls.Go(func() {
				defer s.vacate("catalog " + p.Name)
				s.reread(ctx, epoch, p)
			})
		}
	}
	for _, o := range w.operations {
		if left := o.NextAt.Sub(now); left > 0 {
			wait = min(wait, left)
			continue
		}
		if o.State == paas.OperationCalling || held(o, w.operations) || !s.seize(o, w.operations) {
			continue
		}
		calls.Go(func() {
			defer s.release(o)
			s.perform(ctx, epoch, o, w)
		})
	}
	return max(wait, gather), nil
}

// held says that an operation has to wait for another: an instance is deleted only once what may still be
// bound to it has ended.
func held(o paas.Operation, all []paas.Operation) bool {
	if o.Op != paas.OpDeprovision {
		return false
	}
	for _, other := range all {
		if other.Target.InstanceID == o.Target.InstanceID && (other.Op == paas.OpUnbind || other.Op == paas.OpBind) {
			return true
		}
	}
	return false
}

// seize marks an operation as being called, if there is room for one more.
func (s *Services) seize(o paas.Operation, all []paas.Operation) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy[o.ID] {
		return false
	}
	total, same := 0, 0
	for _, other := range all {
		if !s.busy[other.ID] {
			continue
		}
		total++
		if other.Provider == o.Provider {
			same++
		}
	}
	if total >= parallel || same >= perBroker {
		return false // whoever ends wakes the loop
	}
	s.busy[o.ID] = true
	return true
}

func (s *Services) release(o paas.Operation) {
	s.vacate(o.ID)
	s.Wake(paas.AppRef{})
}

func (s *Services) occupy(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy[name] {
		return false
	}
	s.busy[name] = true
	return true
}

func (s *Services) vacate(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.busy, name)
}

// take gives the apps that are to be looked at: those woken, and those of bindings that don't rest.
func (s *Services) take(w world) map[paas.AppRef]bool {
	s.mu.Lock()
	refs := s.woken
	s.woken = map[paas.AppRef]bool{}
	s.mu.Unlock()
	for _, b := range w.bindings {
		if b.Key() {
			refs[paas.AppRef{}] = true
		} else if restless(b) {
			refs[b.Ref()] = true
		}
	}
	return refs
}

// restless says that a binding is on its way somewhere.
func restless(b paas.Binding) bool {
	return b.State == paas.BindingPending || b.State == paas.BindingUnbinding || b.State == paas.BindingReady && len(b.Retiring) > 0
}

// bindings looks at those of each app that was woken, and says whether time has to pass for one of them.
func (s *Services) bindings(ctx context.Context, epoch int64, w world) (waits bool, err error) {
	for ref := range s.take(w) {
		wait, err := s.app(ctx, epoch, ref, w)
		waits = waits || wait
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return waits, ctx.Err()
		case paas.CodeOf(err) == paas.Conflict: // somebody wrote meanwhile
			s.Wake(ref)
		default:
			s.log.Warn("bindings not looked at", "team", ref.Team, "app", ref.App, "err", err)
			s.later(ref)
			waits = true
		}
	}
	return waits, nil
}

// later has an app looked at again in the next turn, without asking for one now.
func (s *Services) later(ref paas.AppRef) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.woken[ref] = true
}
