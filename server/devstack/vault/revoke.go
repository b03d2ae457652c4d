package vault

import (
	"context"
	"net/http"
	"time"
)

const (
	sweepEvery   = time.Second // also the rhythm in which a clock that jumped is noticed
	firstRetry   = time.Second
	longestRetry = time.Minute
	revokers     = 8 // leases that are revoked at once
)

// grab takes what hold waits for, if it is free. It needs mu.
func (s *Server) grab(name string) (release func()) {
	if s.busy[name] != nil {
		return nil
	}
	free := make(chan struct{})
	s.busy[name] = free
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.busy, name)
		close(free)
	}
}

// hold waits until nobody else talks to a database about name: a lease, or a connection's own user.
func (s *Server) hold(ctx context.Context, name string) (release func(), err error) {
	for {
		s.mu.Lock()
		free := s.busy[name]
		release := s.grab(name)
		s.mu.Unlock()
		if release != nil {
			return release, nil
		}
		select {
		case <-free:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// look reads the state after work that was done without mu.
func (s *Server) look(read func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == nil {
		return sealed()
	}
	return read()
}

// change is look for what alters the state, and saves it.
func (s *Server) change(edit func() error) error {
	return s.look(func() error {
		if err := edit(); err != nil {
			return err
		}
		if err := s.save(); err != nil {
			s.log.Error("state was not saved", "err", err)
			return err
		}
		return nil
	})
}

// hurry has due leases revoked now.
func (s *Server) hurry() {
	select {
	case s.wake <- struct{}{}:
	default: // it is on its way
	}
}

// endThem revokes leases: by and by, or with sync at once. What can't be revoked at once stays as it was, like at a
// real one, and force forgets it.
func (s *Server) endThem(req *request, pick func(*lease) bool, sync, force bool) (*reply, error) {
	if !sync {
		s.state.endLeases(s.cfg.Now(), pick)
		req.dirty = true
		return &reply{status: http.StatusAccepted, empty: true}, nil
	}
	ids := s.state.leasesOf(pick)
	req.after = func(ctx context.Context) (*reply, error) {
		for _, id := range ids {
			if err := s.revokeLease(ctx, id, force); err != nil {
				return nil, failf(http.StatusBadRequest, "failed to revoke entry: %v", err)
			}
		}
		return nil, nil
	}
	return nil, nil
}

// revokeLease revokes a lease now, whether or not it has ended.
func (s *Server) revokeLease(ctx context.Context, id string, force bool) error {
	release, err := s.hold(ctx, id)
	if err != nil {
		return err
	}
	defer release()
	return s.revokeHeld(id, true, force)
}

// revokeHeld removes the user of a lease, and then the lease. If that fails and the lease has ended, the lease says why,
// and it is tried again later and later. Unless it is asked for, a lease that has not ended is left alone.
func (s *Server) revokeHeld(id string, asked, force bool) error {
	var work func() error
	err := s.look(func() error {
		l := s.state.Leases[id]
		if l == nil || l.Issuing || !asked && !l.expired(s.cfg.Now()) {
			return nil // another did it, or it was renewed
		}
		database, statements, user := l.Database, l.Revocation, l.Username
		var c *connection
		if m := s.state.Mounts[l.Mount]; m != nil {
			if role := m.Roles[l.Role]; role != nil {
				database, statements = role.Database, role.Revocation
			}
			c = m.Connections[database]
		}
		work = func() error {
			if c == nil {
				return failf(http.StatusBadRequest, "failed to find entry for connection with name: %q", database)
			}
			return c.dropUser(statements, user)
		}
		return nil
	})
	if err != nil || work == nil {
		return err
	}
	failed := work()
	err = s.change(func() error {
		l := s.state.Leases[id]
		if l == nil {
			return nil
		}
		if failed == nil || force {
			delete(s.state.Leases, id)
			return nil
		}
		if !l.expired(s.cfg.Now()) {
			return nil
		}
		l.RevokeErr = failed.Error()
		l.Retry = s.cfg.Now().Add(min(longestRetry, firstRetry<<min(l.Attempts, 10)))
		l.Attempts++
		return nil
	})
	switch {
	case err != nil:
		return err
	case failed != nil && force:
		s.log.Warn("lease was forgotten, its user may be left", "lease", id, "err", failed)
		return nil
	case failed != nil:
		s.log.Warn("lease was not revoked", "lease", id, "err", failed)
	}
	return failed
}

// disable revokes all leases of a mount and removes it. If that fails the mount serves nothing more, and may be disabled
// again.
func (s *Server) disable(req *request, path string) (*reply, error) {
	m := s.state.Mounts[path]
	if m == nil {
		return nil, nil
	}
	m.Tainted, req.dirty = true, true
	req.after = func(ctx context.Context) (*reply, error) {
		for {
			var ids []string
			err := s.change(func() error {
				ids = s.state.leasesOf(func(l *lease) bool { return l.Mount == path })
				if len(ids) == 0 {
					delete(s.state.Mounts, path)
				}
				return nil
			})
			if err != nil || len(ids) == 0 {
				return nil, err
			}
			for _, id := range ids {
				if err := s.revokeLease(ctx, id, false); err != nil {
					return nil, failf(http.StatusBadRequest, "failed to revoke %q: %v", id, err)
				}
			}
		}
	}
	return nil, nil
}

// Run ends what has expired, tokens and leases, until ctx is done.
func (s *Server) Run(ctx context.Context) error {
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	defer s.work.Wait()
	for {
		if err := s.sweep(); err != nil {
			s.log.Error("state was not saved", "err", err)
		}
		select {
		case <-ctx.Done():
			return s.sweepTokens()
		case <-ticker.C:
		case <-s.wake:
		}
	}
}

// sweep removes expired tokens, and sets out to revoke the leases that are due.
func (s *Server) sweep() error {
	if err := s.sweepTokens(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == nil {
		return nil
	}
	for id, l := range s.state.Leases {
		if !l.due(s.cfg.Now()) || s.revoking >= revokers {
			continue
		}
		release := s.grab(id)
		if release == nil {
			continue // it is in somebody's hands
		}
		s.revoking++
		s.work.Go(func() {
			err := s.revokeHeld(id, false, false) // the lease says why it failed
			release()
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.revoking--; err == nil && s.revoking == revokers-1 {
				s.hurry() // others may wait
			}
		})
	}
	return nil
}

// sweepTokens removes expired tokens from the state; they are refused from the moment they expire.
func (s *Server) sweepTokens() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == nil {
		return nil
	}
	var gone bool
	for id, t := range s.state.Tokens {
		if t.expired(s.cfg.Now()) {
			s.state.revoke(id, s.cfg.Now())
			gone = true
		}
	}
	if !gone {
		return nil
	}
	return s.save()
}
