package consul

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	consulapi "github.com/hashicorp/consul/api"
)

const (
	defaultLockDelay = 15 * time.Second
	maxLockDelay     = time.Minute
	maxSessionTTL    = 24 * time.Hour

	// ttlGrace is what Consul multiplies a TTL with, so that a holder that renews at its TTL is never late.
	ttlGrace = 2
)

// sessionBody is the body of create. Consul takes durations as strings and as numbers.
type sessionBody struct {
	Name, Node, Behavior, TTL string
	LockDelay                 any
	NodeChecks, Checks        []string
	ServiceChecks             []consulapi.ServiceCheck
}

func (s *Server) sessionCreate(w http.ResponseWriter, r *http.Request) error {
	var body sessionBody
	if err := decode(r, &body); err != nil {
		return err
	}
	sess := session{ID: s.newID(), Name: body.Name, Node: body.Node, Behavior: body.Behavior, TTL: body.TTL}
	sess.ServiceChecks = body.ServiceChecks
	if sess.Node == "" {
		sess.Node = nodeName
	}
	switch sess.Behavior {
	case "":
		sess.Behavior = consulapi.SessionBehaviorRelease
	case consulapi.SessionBehaviorRelease, consulapi.SessionBehaviorDelete:
	default:
		return failf(http.StatusInternalServerError, "Invalid Behavior setting '%s'", sess.Behavior)
	}
	sess.NodeChecks = []string{serfHealth}
	if body.NodeChecks != nil || body.Checks != nil {
		sess.NodeChecks = append(body.NodeChecks, body.Checks...)
	}
	var err error
	if sess.LockDelay, err = lockDelay(body.LockDelay); err != nil {
		return err
	}
	if _, err := s.ttlOf(&sess); err != nil {
		return err
	}
	if err := s.update(func(t *tx) error { return t.putSession(&sess) }); err != nil {
		return err
	}
	s.poke()
	return writeJSON(w, r, http.StatusOK, map[string]string{"ID": sess.ID})
}

// lockDelay reads a duration: a string with a unit, or a number of nanoseconds, of seconds if it is small.
func lockDelay(v any) (time.Duration, error) {
	var d time.Duration
	switch v := v.(type) {
	case nil:
		return defaultLockDelay, nil
	case string:
		var err error
		if d, err = time.ParseDuration(v); err != nil {
			n, numErr := strconv.Atoi(v)
			if numErr != nil {
				return 0, failf(http.StatusBadRequest, "Request decode failed: %v", err)
			}
			d = time.Duration(n) * time.Second
		}
	case float64:
		d = time.Duration(v)
		if d < 1000 {
			d *= time.Second
		}
	default:
		return 0, failf(http.StatusBadRequest, "Request decode failed: LockDelay is not a duration")
	}
	return min(max(d, 0), maxLockDelay), nil
}

// ttlOf is 0 for a session without a TTL.
func (s *Server) ttlOf(sess *session) (time.Duration, error) {
	if sess.TTL == "" {
		return 0, nil
	}
	ttl, err := time.ParseDuration(sess.TTL)
	if err != nil {
		return 0, failf(http.StatusInternalServerError, "Session TTL '%s' invalid: %v", sess.TTL, err)
	}
	if ttl != 0 && (ttl < s.cfg.SessionTTLMin || ttl > maxSessionTTL) {
		return 0, failf(http.StatusInternalServerError, "Invalid Session TTL '%d', must be between [%s=%s]", ttl, s.cfg.SessionTTLMin, maxSessionTTL)
	}
	return ttl, nil
}

func (t *tx) putSession(sess *session) error {
	if _, ok := t.state.Nodes[sess.Node]; !ok {
		return failf(http.StatusInternalServerError, "Missing node registration")
	}
	for _, id := range sess.checkIDs() {
		c, ok := t.state.Checks[ident(sess.Node, id)]
		if !ok {
			return failf(http.StatusInternalServerError, "Missing check '%s' registration", id)
		}
		if c.Health.Status == consulapi.HealthCritical {
			return failf(http.StatusInternalServerError, "Check '%s' is in critical state", id)
		}
	}
	sess.CreateIndex, sess.ModifyIndex = t.index, t.index
	t.state.Sessions[sess.ID] = sess
	t.renew(sess, time.Now())
	t.touch(tableSessions)
	return nil
}

func (sess *session) checkIDs() []string {
	ids := slices.Clone(sess.NodeChecks)
	for _, c := range sess.ServiceChecks {
		ids = append(ids, c.ID)
	}
	return ids
}

// renew needs mu.
func (s *Server) renew(sess *session, now time.Time) {
	if ttl, err := s.ttlOf(sess); err == nil && ttl > 0 {
		s.deadlines[sess.ID] = now.Add(ttlGrace * ttl)
	}
}

func (s *Server) sessionRenew(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	var raw []byte
	var err error
	s.locked(func(st *state) {
		sess, ok := st.Sessions[id]
		if !ok {
			err = failf(http.StatusNotFound, "Session id '%s' not found", id)
			return
		}
		s.renew(sess, time.Now())
		raw, err = json.Marshal([]*session{sess})
	})
	if err != nil {
		return err
	}
	return writeJSON(w, r, http.StatusOK, json.RawMessage(raw))
}

func (s *Server) sessionDestroy(w http.ResponseWriter, r *http.Request) error {
	err := s.update(func(t *tx) error {
		t.dropSession(r.PathValue("id"))
		return nil
	})
	if err != nil {
		return err
	}
	return writeJSON(w, r, http.StatusOK, true)
}

// dropSession ends a session. Its locks are released or their keys deleted, and nobody else gets them for the lock
// delay, so that a holder that does not know yet can't meet its successor.
func (t *tx) dropSession(id string) {
	sess, ok := t.state.Sessions[id]
	if !ok {
		return
	}
	delete(t.state.Sessions, id)
	delete(t.deadlines, id)
	t.touch(tableSessions)
	for _, key := range slices.Sorted(maps.Keys(t.state.KV)) {
		e := t.state.KV[key]
		if e.Session != id {
			continue
		}
		if sess.LockDelay > 0 {
			t.delays[key] = time.Now().Add(sess.LockDelay)
		}
		if sess.Behavior == consulapi.SessionBehaviorDelete {
			t.delete(key)
			continue
		}
		free := *e
		free.Session = ""
		t.store(free)
	}
}

// dropSessionsOf ends the sessions that hang on a check, or on anything of a node if id is "".
func (t *tx) dropSessionsOf(node, id string) {
	for _, key := range slices.Sorted(maps.Keys(t.state.Sessions)) {
		sess := t.state.Sessions[key]
		if sess.Node == node && (id == "" || slices.Contains(sess.checkIDs(), id)) {
			t.dropSession(key)
		}
	}
}

func (s *Server) sessionInfo(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	return s.block(w, r, func(st *state) answer {
		if sess, ok := st.Sessions[id]; ok {
			return answer{index: sess.ModifyIndex, body: []*session{sess}}
		}
		return answer{index: st.Tables[tableSessions], missing: true, body: []*session{}}
	})
}

func (s *Server) sessionList(w http.ResponseWriter, r *http.Request) error {
	return s.block(w, r, func(st *state) answer { return st.sessions(func(*session) bool { return true }) })
}

func (s *Server) sessionNode(w http.ResponseWriter, r *http.Request) error {
	node := r.PathValue("node")
	return s.block(w, r, func(st *state) answer {
		return st.sessions(func(sess *session) bool { return sess.Node == node })
	})
}

func (st *state) sessions(keep func(*session) bool) answer {
	list := []*session{}
	for _, id := range slices.Sorted(maps.Keys(st.Sessions)) {
		if keep(st.Sessions[id]) {
			list = append(list, st.Sessions[id])
		}
	}
	return answer{index: st.Tables[tableSessions], body: list}
}
