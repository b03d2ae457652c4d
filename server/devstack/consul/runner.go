package consul

import (
	"context"
	"hash/fnv"
	"sync"
	"time"

	consulapi "github.com/hashicorp/consul/api"
)

const (
	// maxStagger bounds how long a new check waits for its first run. Consul spreads first runs over the interval, which
	// spares a busy agent; here a developer waits for them.
	maxStagger = 100 * time.Millisecond

	// settleWait is how long readers wait after a restart for the checks that were restored, see awaitSettled.
	settleWait = 3 * time.Second

	// idleTick bounds the runner's sleep when nothing is due.
	idleTick = time.Minute
)

// restore brings the parts of the state that live in memory up after Open.
func (s *Server) restore(now time.Time) {
	s.reapAt = now.Add(s.cfg.ReapInterval)
	s.settleBy = now.Add(settleWait)
	for _, sess := range s.state.Sessions {
		s.renew(sess, now)
	}
	t := &tx{Server: s, index: s.state.Index + 1}
	for _, c := range s.state.checks(func(c *check) bool { return c.Definition != nil }) {
		if c.Definition.kind() == "ttl" {
			c.due = now.Add(c.Definition.TTL)
			t.setStatus(c, c.Health.Status, c.Health.Output, now)
			continue
		}
		t.setStatus(c, consulapi.HealthCritical, "", now)
		c.due, c.restored = now, true
		s.unsettled++
	}
	if t.dirty {
		s.state.Index = t.index
	}
	if s.unsettled == 0 {
		close(s.settled)
	}
}

// settle counts a restored check that ran. It needs mu.
func (s *Server) settle() {
	s.unsettled--
	if s.unsettled == 0 {
		close(s.settled)
	}
}

// awaitSettled holds a reader of health until the restored checks ran once, for at most settleWait after Open. Without
// it every restart would tell Fabio that nothing passes, and empty its table although all instances serve.
func (s *Server) awaitSettled(ctx context.Context) {
	timer := time.NewTimer(time.Until(s.settleBy))
	defer timer.Stop()
	select {
	case <-s.settled:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// schedule says when a check runs first, or when its TTL ends.
func (s *Server) schedule(c *check, now time.Time) {
	if c.criticalSince.IsZero() && c.Health.Status == consulapi.HealthCritical {
		c.criticalSince = now
	}
	if c.Definition.kind() == "ttl" {
		c.due = now.Add(c.Definition.TTL)
		return
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(c.Health.CheckID)) // never fails
	c.due = now.Add(time.Duration(h.Sum32()) % min(maxStagger, c.Definition.Interval))
}

// poke tells the runner that something may be due earlier than it thinks.
func (s *Server) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// runChecks starts what is due and sleeps until something is, and waits for the probes in the end.
func (s *Server) runChecks(ctx context.Context) {
	var probes sync.WaitGroup
	defer probes.Wait()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-s.wake:
		}
		due, next := s.tick(time.Now())
		for _, c := range due {
			probes.Go(func() {
				status, output := c.Definition.probe(ctx)
				if ctx.Err() == nil {
					s.finish(c, status, output)
				}
			})
		}
		timer.Reset(max(time.Until(next), 0))
	}
}

// tick ends what has run out and returns the checks to run now, marked as running, and the time of the next tick.
func (s *Server) tick(now time.Time) (due []*check, next time.Time) {
	next = now.Add(idleTick)
	sooner := func(at time.Time) {
		if at.Before(next) {
			next = at
		}
	}
	err := s.update(func(t *tx) error {
		if !now.Before(s.reapAt) {
			s.reapAt = now.Add(s.cfg.ReapInterval)
			t.reap(now)
		}
		sooner(s.reapAt)
		for _, c := range t.state.checks(func(c *check) bool { return c.Definition != nil && !c.running && !c.due.IsZero() }) {
			switch {
			case c.due.After(now):
				sooner(c.due)
			case c.Definition.kind() == "ttl":
				c.due = time.Time{} // until the next update
				t.setStatus(c, consulapi.HealthCritical, expired(c.Health.Output), now)
			default:
				c.running = true
				due = append(due, c)
			}
		}
		for id, deadline := range s.deadlines {
			if deadline.After(now) {
				sooner(deadline)
				continue
			}
			s.log.Debug("session expired", "session", id)
			t.dropSession(id)
		}
		return nil
	})
	if err != nil {
		sooner(now.Add(time.Second)) // update has logged it
	}
	return due, next
}

func expired(last string) string {
	if last == "" {
		return "TTL expired"
	}
	return "TTL expired (last output before timeout follows): " + last
}

// reap deregisters services that were critical for longer than they allow.
func (t *tx) reap(now time.Time) {
	for _, c := range t.state.checks(func(c *check) bool { return c.Definition != nil && c.Definition.DeregisterAfter > 0 }) {
		if c.criticalSince.IsZero() || now.Sub(c.criticalSince) < c.Definition.DeregisterAfter {
			continue
		}
		if svc, ok := t.state.Services[ident(nodeName, c.Health.ServiceID)]; ok && own(svc) {
			t.log.Info("critical service deregistered", "service", svc.Agent.ID, "check", c.Health.CheckID)
			t.deleteService(svc)
		}
	}
}

// finish records the result of a run, unless the check was replaced or removed meanwhile.
func (s *Server) finish(c *check, status, output string) {
	err := s.update(func(t *tx) error {
		if c.restored {
			c.restored = false
			s.settle()
		}
		if t.state.Checks[ident(nodeName, c.Health.CheckID)] != c {
			return nil
		}
		now := time.Now()
		c.running = false
		c.due = now.Add(c.Definition.Interval)
		if status = c.judge(status); status != "" {
			t.setStatus(c, status, output, now)
		}
		return nil
	})
	if err != nil {
		s.log.Warn("check result was not saved", "check", c.Health.CheckID, "err", err)
	}
	s.poke()
}

// judge counts results in a row and says the status to take, or "" while there are too few of a kind.
func (c *check) judge(result string) string {
	d := c.Definition
	if result != consulapi.HealthCritical {
		c.failures = 0
		c.successes++
		if c.successes >= d.SuccessBeforePass {
			return result
		}
		return ""
	}
	c.successes = 0
	c.failures++
	switch {
	case c.failures >= d.FailuresBeforeCrit:
		return consulapi.HealthCritical
	case c.failures >= d.FailuresBeforeWarn:
		return consulapi.HealthWarning
	}
	return ""
}
