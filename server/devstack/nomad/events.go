package nomad

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/devstack/nomad/state"
)

// heartbeat is how often a silent stream says {}.
const heartbeat = 10 * time.Second

// streamEvents sends the events of each transaction as one line, those kept
// from ?index on first. A reader that is too slow for what is kept is cut off
// and has to come again, as in Nomad.
func (s *Server) streamEvents(w http.ResponseWriter, r *http.Request) {
	next, err := strconv.ParseUint(orDefault(r.URL.Query().Get("index"), "0"), 10, 64)
	if err != nil {
		s.refuse(w, fail(http.StatusBadRequest, "Unable to parse index: %v", err))
		return
	}
	topics := topicsOf(r.URL.Query()["topic"])
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-cache")
	out := json.NewEncoder(w)
	flush := http.NewResponseController(w)
	send := func(line any) bool { return out.Encode(line) == nil && flush.Flush() == nil }
	if !send(struct{}{}) {
		return
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for first := true; ; first = false {
		news := s.state.Changed()
		kept, lost := s.state.EventsFrom(next)
		if lost && !first {
			return
		}
		for _, batch := range kept {
			next = batch.Index + 1
			batch.Events = slices.DeleteFunc(slices.Clone(batch.Events), func(e state.Event) bool {
				return !wanted(topics, e) || !inNamespace(namespace(r), e)
			})
			if len(batch.Events) > 0 && !send(batch) {
				return
			}
		}
		select {
		case <-news:
		case <-beat.C:
			if !send(struct{}{}) {
				return
			}
		case <-s.ended:
			return
		case <-r.Context().Done():
			return
		}
	}
}

// topicsOf reads topic=Topic or topic=Topic:key. None is all.
func topicsOf(params []string) map[string][]string {
	topics := map[string][]string{}
	for _, p := range params {
		topic, key, found := strings.Cut(p, ":")
		if !found {
			key = "*"
		}
		topics[topic] = append(topics[topic], key)
	}
	if len(topics) == 0 {
		topics["*"] = []string{"*"}
	}
	return topics
}

func wanted(topics map[string][]string, e state.Event) bool {
	for _, key := range slices.Concat(topics["*"], topics[e.Topic]) {
		if key == "*" || key == e.Key || slices.Contains(e.FilterKeys, key) {
			return true
		}
	}
	return false
}

// inNamespace lets events without a namespace, those of nodes, pass.
func inNamespace(namespace string, e state.Event) bool {
	return namespace == "*" || e.Namespace == "" || e.Namespace == namespace
}
