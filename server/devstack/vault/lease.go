package vault

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// lease is a user of a database that ends. The password is nowhere: who asked for it has it.
type lease struct {
	ID         string // MOUNT/creds/ROLE/RANDOM
	Mount      string
	Role       string
	Database   string // if the role is gone when the lease ends, with Revocation
	Revocation []string
	Username   string
	Token      string // who asked; the lease ends with it
	Issued     time.Time
	Renewed    time.Time
	Expires    time.Time
	Issuing    bool      // the user is being made
	Ended      bool      // is to be revoked, whenever it would have expired
	RevokeErr  string    // why it could not be
	Attempts   int       // to revoke it
	Retry      time.Time // not before
}

// leased is what an answer says of the lease that comes with it.
type leased struct {
	ID        string
	Renewable bool
	Seconds   int
}

func (l *lease) expired(now time.Time) bool { return l.Ended || !now.Before(l.Expires) }

// due says whether it should be revoked now.
func (l *lease) due(now time.Time) bool { return !l.Issuing && l.expired(now) && !now.Before(l.Retry) }

// end makes a lease due.
func (l *lease) end(now time.Time) {
	l.Ended, l.Expires, l.Retry = true, earlier(now, l.Expires), time.Time{}
}

// leasesOf are the ids of those that pick chooses.
func (st *state) leasesOf(pick func(*lease) bool) (ids []string) {
	for id, l := range st.Leases {
		if pick(l) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// endLeases makes those due that pick chooses.
func (st *state) endLeases(now time.Time, pick func(*lease) bool) {
	for _, id := range st.leasesOf(pick) {
		st.Leases[id].end(now)
	}
}

// adopt takes over the state of an earlier run. A user that was being made then was promised to nobody.
func (st *state) adopt(now time.Time) {
	if st.Policies["default"] == defaultPolicyWithoutLeases {
		st.Policies["default"] = defaultPolicy
	}
	for _, l := range st.Leases {
		if l.Issuing {
			l.Issuing = false
			l.end(now)
		}
	}
}

// leases answers sys/leases/.
func (s *Server) leases(req *request, path string) (*reply, error) {
	kind, rest, _ := strings.Cut(path, "/")
	if kind == "lookup" && req.op == capList {
		return s.listLeases(rest)
	}
	if req.op != capUpdate {
		return nil, unserved(req.path)
	}
	body := struct {
		ID        string   `json:"lease_id"`
		Increment duration `json:"increment"`
		Sync      bool     `json:"sync"`
	}{ID: rest, Sync: true}
	if err := req.decode(&body); err != nil {
		return nil, err
	}
	switch kind {
	case "lookup", "renew", "revoke":
		if body.ID == "" {
			return nil, failf(http.StatusBadRequest, "lease_id must be specified")
		}
	case "revoke-prefix", "revoke-force":
		if rest == "" {
			return nil, unserved(req.path)
		}
	}
	switch kind {
	case "lookup":
		return s.lookupLease(body.ID)
	case "renew":
		return s.renewLease(req, body.ID, time.Duration(body.Increment))
	case "revoke":
		return s.endThem(req, func(l *lease) bool { return l.ID == body.ID }, body.Sync, false)
	case "revoke-prefix", "revoke-force":
		force := kind == "revoke-force"
		below := strings.TrimSuffix(rest, "/") + "/" // a part of a name is no prefix
		return s.endThem(req, func(l *lease) bool { return l.ID == rest || strings.HasPrefix(l.ID, below) }, body.Sync || force, force)
	}
	return nil, unserved(req.path)
}

func (s *Server) listLeases(folder string) (*reply, error) {
	names := map[string]bool{}
	for id, l := range s.state.Leases {
		rest, ok := strings.CutPrefix(id, folder)
		if !ok || l.Issuing {
			continue
		}
		if i := strings.Index(rest, "/"); i >= 0 {
			rest = rest[:i+1]
		}
		names[rest] = true
	}
	if len(names) == 0 {
		return nil, notFound()
	}
	return &reply{data: map[string]any{"keys": slices.Sorted(maps.Keys(names))}}, nil
}

func (s *Server) lookupLease(id string) (*reply, error) {
	l := s.state.Leases[id]
	if l == nil || l.Issuing {
		return nil, failf(http.StatusBadRequest, "invalid lease")
	}
	now := s.cfg.Now()
	data := map[string]any{
		"id": l.ID, "path": id[:strings.LastIndex(id, "/")], "issue_time": stamp(l.Issued), "expire_time": stamp(l.Expires), "last_renewal": nil,
		"renewable": !l.expired(now), "ttl": seconds(l.Expires.Sub(now.Truncate(time.Second))),
	}
	if !l.Renewed.IsZero() {
		data["last_renewal"] = stamp(l.Renewed)
	}
	if l.RevokeErr != "" {
		data["revoke_error"] = l.RevokeErr
	}
	return &reply{data: data}, nil
}

// renewLease moves the end of a lease and of its user's right to log in, never beyond the longest life it may have.
func (s *Server) renewLease(req *request, id string, increment time.Duration) (*reply, error) {
	if _, err := s.renewable(id); err != nil {
		return nil, err
	}
	req.after = func(ctx context.Context) (*reply, error) {
		release, err := s.hold(ctx, id)
		if err != nil {
			return nil, err
		}
		defer release()
		var work func() error
		var ttl time.Duration
		var warnings []string
		var now time.Time
		err = s.look(func() error {
			l, err := s.renewable(id)
			if err != nil {
				return err
			}
			m := s.state.Mounts[l.Mount]
			if m == nil || m.Roles[l.Role] == nil {
				return failf(http.StatusBadRequest, "failed to renew entry: error during renew: could not find role with name %q", l.Role)
			}
			role := m.Roles[l.Role]
			c := m.Connections[role.Database]
			if c == nil {
				return failf(http.StatusBadRequest, "failed to renew entry: failed to find entry for connection with name: %q", role.Database)
			}
			now = s.cfg.Now()
			if ttl, warnings, err = role.ttl(m, increment, l.Issued, now); err != nil {
				return err
			}
			user := l.Username
			work = func() error { return c.extendUser(role.Renewal, user, now.Add(ttl)) }
			return nil
		})
		if err != nil {
			return nil, err
		}
		if err := work(); err != nil {
			return nil, failf(http.StatusBadRequest, "failed to renew entry: %v", err)
		}
		err = s.change(func() error {
			l, err := s.renewable(id) // its token may have ended meanwhile
			if err == nil {
				l.Expires, l.Renewed = now.Add(ttl), now
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		return &reply{warnings: warnings, lease: &leased{ID: id, Renewable: true, Seconds: seconds(ttl)}}, nil
	}
	return nil, nil
}

// renewable needs mu.
func (s *Server) renewable(id string) (*lease, error) {
	l := s.state.Leases[id]
	switch {
	case l == nil, l.Issuing:
		return nil, failf(http.StatusBadRequest, "lease not found")
	case l.expired(s.cfg.Now()):
		return nil, failf(http.StatusBadRequest, "lease expired")
	}
	return l, nil
}
