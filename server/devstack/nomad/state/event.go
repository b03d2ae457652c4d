package state

import (
	nomadapi "github.com/hashicorp/nomad/api"
)

// eventBuffer is how many transactions the stream can look back, as Nomad's
// event_buffer_size.
const eventBuffer = 100

// Event is one event of the stream. Payload holds a row, which never changes.
type Event struct {
	Topic      string
	Type       string
	Key        string
	Namespace  string
	FilterKeys []string
	Index      uint64
	Payload    map[string]any
}

// Events are those of one transaction.
type Events struct {
	Index  uint64
	Events []Event
}

// ring keeps the newest transactions' events.
type ring struct{ kept []Events }

func (r *ring) add(e Events) {
	if len(e.Events) == 0 {
		return
	}
	r.kept = append(r.kept, e)
	if len(r.kept) > eventBuffer {
		r.kept = append([]Events(nil), r.kept[len(r.kept)-eventBuffer:]...)
	}
}

// EventsFrom returns the kept transactions with an index of at least from.
// Lost tells that older ones, from that index on, are gone already.
func (s *Store) EventsFrom(from uint64) (events []Events, lost bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for i, e := range s.events.kept {
		if e.Index >= from {
			return s.events.kept[i:len(s.events.kept):len(s.events.kept)], from > 0 && i == 0 && len(s.events.kept) == eventBuffer && e.Index > from
		}
	}
	return nil, false
}

// eventsOf derives the events of a transaction from the rows it put, as Nomad
// does; all of them carry the transaction's kind.
func eventsOf(kind string, tx *Tx) Events {
	out := Events{Index: tx.index}
	for _, c := range tx.changes {
		e := Event{Type: kind, Index: tx.index}
		switch row := c.Row.(type) {
		case *Job:
			job := row.Current()
			e.Topic, e.Key, e.Namespace = "Job", *job.ID, *job.Namespace
			e.Payload = map[string]any{"Job": job}
		case *nomadapi.Evaluation:
			e.Topic, e.Key, e.Namespace = "Evaluation", row.ID, row.Namespace
			e.FilterKeys = []string{row.JobID, row.DeploymentID}
			e.Payload = map[string]any{"Evaluation": row}
		case *Alloc:
			bare := row.Allocation
			bare.Job = nil
			e.Topic, e.Key, e.Namespace = "Allocation", row.ID, row.Namespace
			e.FilterKeys = []string{row.JobID, row.DeploymentID}
			e.Payload = map[string]any{"Allocation": &bare}
		case *nomadapi.Node:
			e.Topic, e.Key = "Node", row.ID
			e.Payload = map[string]any{"Node": row}
		default:
			continue
		}
		out.Events = append(out.Events, e)
	}
	return out
}
