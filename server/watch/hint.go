package watch

import (
	"context"
	"sync"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"
)

// How far hints are believed. A blocking list that shows nothing of what was hinted at is read anew, but
// lists are large, so no oftener than this.
const (
	hintGrace = time.Second      // for the blocking list to show it by itself
	hintCalm  = 10 * time.Second // between two lists read for hints
	hintTick  = 500 * time.Millisecond
)

// reader is one blocking list of Nomad, as hints see it.
//
// Nomad's event stream is best effort: what was dropped is not marked, and after a restart it may repeat
// or go backwards. So it decides nothing. It can only have a list read anew, without waiting for an index:
//
//	a hint above the list's index, and a second later the list is still below  -> the query hangs
//	a hint below the list's index                                            -> Nomad may have gone back
//	the stream ended                                                         -> hints may be missing
type reader struct {
	mu     sync.Mutex // guards all below
	index  uint64     // of the list last read
	cancel context.CancelFunc
	want   uint64 // highest hint above index
	wantAt time.Time
	back   bool // a hint was below index
	nudged time.Time
}

// begin notes a read that is about to wait for a change since index.
func (r *reader) begin(ctx context.Context, index uint64) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.index, r.cancel = index, cancel
	if r.want <= index {
		r.want = 0
	}
	return ctx, cancel
}

// hint notes that Nomad has said something of the list at index.
func (r *reader) hint(index uint64, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case index > r.index && r.want == 0:
		r.want, r.wantAt = index, now
	case index > r.index:
		r.want = max(r.want, index)
	case index < r.index:
		r.back = true
	}
}

// mind has the list read anew if hints say that it should have come by now.
func (r *reader) mind(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	hangs := r.want > r.index && now.Sub(r.wantAt) >= hintGrace
	if (hangs || r.back) && now.Sub(r.nudged) >= hintCalm {
		r.nudge(now)
	}
}

// nudge ends the read under way: the next one asks for the list as it is. One that does so already is
// left alone, or a list that takes long would never come. The caller holds mu.
func (r *reader) nudge(now time.Time) {
	r.want, r.back = 0, false
	if r.index > 0 && r.cancel != nil {
		r.nudged = now
		r.cancel()
	}
}

// readers are those of Nomad's lists.
type readers map[nomadapi.Topic]*reader

func newReaders() readers {
	return readers{nomadapi.TopicAllocation: {}, nomadapi.TopicEvaluation: {}, nomadapi.TopicNode: {}}
}

// readHints follows the event stream for as long as ctx lasts.
func (w *Watch) readHints(ctx context.Context, all readers) {
	outage := outage{log: w.log.With("what", "event stream")}
	for ctx.Err() == nil {
		heard := false
		err := w.cfg.Nomad.Hints(ctx, func(topic nomadapi.Topic, index uint64) {
			heard = true
			outage.note(ctx, nil)
			if r := all[topic]; r != nil {
				r.hint(index, w.cfg.Now())
			}
		})
		if heard {
			for _, r := range all {
				r.mu.Lock()
				r.nudge(w.cfg.Now())
				r.mu.Unlock()
			}
		}
		outage.pauseAfter(ctx, err)
	}
}

// mindHints looks at the lists now and then.
func (w *Watch) mindHints(ctx context.Context, all readers) {
	tick := time.NewTicker(hintTick)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			for _, r := range all {
				r.mind(w.cfg.Now())
			}
		}
	}
}
