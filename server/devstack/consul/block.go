package consul

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

const (
	defaultWait = 5 * time.Minute
	maxWait     = 10 * time.Minute
)

// answer is one look at the state.
type answer struct {
	index   uint64
	missing bool // the body is an empty answer about something that may come to be
	status  int  // 0 is 200
	body    any  // nil is no body
	raw     bool // body is []byte, to be written as it is
}

// block answers a read: at once without ?index, else when the index of what was asked for is above it or the wait is
// over. Something missing has the index of its whole table, so a change elsewhere must not end the wait.
func (s *Server) block(w http.ResponseWriter, r *http.Request, query func(*state) answer) error {
	after, wait, err := waitOf(r)
	if err != nil {
		return err
	}
	timeout := time.NewTimer(wait)
	defer timeout.Stop()
	var missed, over bool
	for {
		s.mu.Lock()
		ans := query(s.state)
		ready := over || after == 0 || (ans.index > after && (!missed || !ans.missing))
		var raw []byte
		if ready {
			raw, err = encode(ans, r.URL.Query().Has("pretty"))
		}
		changed := s.changed
		s.mu.Unlock()
		if err != nil {
			return err
		}
		if ready {
			writeAnswer(w, ans, raw)
			return nil
		}
		missed = ans.missing
		select {
		case <-changed:
		case <-timeout.C:
			over = true
		case <-s.done:
			over = true
		case <-r.Context().Done():
			return nil
		}
	}
}

// waitOf reads ?index and ?wait. Consul adds up to a sixteenth, so that waits that began together don't end together.
func waitOf(r *http.Request) (after uint64, wait time.Duration, err error) {
	q := r.URL.Query()
	if v := q.Get("index"); v != "" {
		if after, err = strconv.ParseUint(v, 10, 64); err != nil {
			return 0, 0, failf(http.StatusBadRequest, "Invalid index")
		}
	}
	wait = defaultWait
	if v := q.Get("wait"); v != "" {
		if wait, err = time.ParseDuration(v); err != nil {
			return 0, 0, failf(http.StatusBadRequest, "Invalid wait time")
		}
		if wait <= 0 {
			wait = defaultWait
		}
	}
	wait = min(wait, maxWait)
	return after, wait + rand.N(wait/16+1), nil
}

func encode(ans answer, pretty bool) ([]byte, error) {
	if ans.raw {
		return ans.body.([]byte), nil
	}
	if ans.body == nil {
		return nil, nil
	}
	raw, err := json.Marshal(ans.body)
	if pretty {
		raw, err = json.MarshalIndent(ans.body, "", "    ")
	}
	if err != nil {
		return nil, fmt.Errorf("encode answer: %w", err)
	}
	return raw, nil
}

func writeAnswer(w http.ResponseWriter, ans answer, raw []byte) {
	h := w.Header()
	h.Set("X-Consul-Index", strconv.FormatUint(max(ans.index, 1), 10))
	h.Set("X-Consul-KnownLeader", "true")
	h.Set("X-Consul-LastContact", "0")
	h.Set("X-Consul-Effective-Consistency", "leader")
	switch {
	case ans.raw:
		h.Set("Content-Type", "text/plain")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "sandbox")
	case ans.body != nil:
		h.Set("Content-Type", "application/json")
	}
	if ans.status != 0 {
		w.WriteHeader(ans.status)
	}
	_, _ = w.Write(raw) // a reader that went away is its own affair
}
