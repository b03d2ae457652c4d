package nomad

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/crumpet-paas/crumpet/server/devstack/nomad/state"
)

const (
	defaultWait = 5 * time.Minute  // of a blocking query that names none
	maxWait     = 10 * time.Minute // longer ones are cut
	maxBody     = 16 << 20
)

// failure is an error with the status and the plain text Nomad answers it with.
type failure struct {
	status int
	text   string
}

func (f *failure) Error() string { return f.text }

func fail(status int, format string, args ...any) error {
	return &failure{status: status, text: fmt.Sprintf(format, args...)}
}

func notFound(what string) error { return fail(http.StatusNotFound, "%s not found", what) }

// namespace is what a request is about: default unless said.
func namespace(r *http.Request) string {
	return orDefault(r.URL.Query().Get("namespace"), "default")
}

// read answers from the state. The function returns what to answer and the
// index it has; with ?index=N the answer waits until that is higher than N, or
// until the time of ?wait is over.
func (s *Server) read(answer func(v *state.View, r *http.Request) (body any, index uint64, err error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		after, err := strconv.ParseUint(orDefault(r.URL.Query().Get("index"), "0"), 10, 64)
		if err != nil {
			s.refuse(w, fail(http.StatusBadRequest, "Invalid index"))
			return
		}
		wait := defaultWait
		if text := r.URL.Query().Get("wait"); text != "" {
			if wait, err = time.ParseDuration(text); err != nil {
				s.refuse(w, fail(http.StatusBadRequest, "Invalid wait time"))
				return
			}
		}
		timer := time.NewTimer(min(wait, maxWait))
		defer timer.Stop()
		for waiting := after > 0; ; {
			news := s.state.Changed()
			var body any
			var index uint64
			s.state.View(func(v *state.View) { body, index, err = answer(v, r) })
			if !waiting || index > after {
				w.Header().Set("X-Nomad-Index", strconv.FormatUint(index, 10))
				w.Header().Set("X-Nomad-LastContact", "0")
				w.Header().Set("X-Nomad-KnownLeader", "true")
				if err != nil {
					s.refuse(w, err)
				} else {
					s.reply(w, body)
				}
				return
			}
			select {
			case <-news:
			case <-timer.C:
				waiting = false
			case <-s.ended:
				waiting = false
			case <-r.Context().Done():
				return
			}
		}
	}
}

// write answers a request that changes something. The function returns the body
// and the index of the change.
func (s *Server) write(do func(r *http.Request) (body any, index uint64, err error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		body, index, err := do(r)
		if err != nil {
			s.refuse(w, err)
			return
		}
		w.Header().Set("X-Nomad-Index", strconv.FormatUint(index, 10))
		s.reply(w, body)
	}
}

func (s *Server) reply(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(body); err != nil {
		s.log.Debug("answer not sent", "err", err)
	}
}

// refuse answers an error as Nomad does: its text, and 500 where nothing else
// is known.
func (s *Server) refuse(w http.ResponseWriter, err error) {
	status := http.StatusInternalServerError
	if known, ok := errors.AsType[*failure](err); ok {
		status = known.status
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	if _, err := w.Write([]byte(err.Error())); err != nil {
		s.log.Debug("answer not sent", "err", err)
	}
}

func decode(r *http.Request, into any) error {
	if err := json.NewDecoder(r.Body).Decode(into); err != nil {
		return fail(http.StatusBadRequest, "%s", err.Error())
	}
	return nil
}

func boolParam(r *http.Request, name string) bool {
	on, err := strconv.ParseBool(r.URL.Query().Get(name))
	return err == nil && on
}
