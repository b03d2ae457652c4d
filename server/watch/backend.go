package watch

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// ping asks one backend again and again how it is. It hands on only what changed: the same word every
// two seconds is no news.
func (w *Watch) ping(ctx context.Context, p Pinged, seen chan<- Seen) {
	var last *paas.Backend
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		b := w.pinged(ctx, p)
		if ctx.Err() != nil {
			return
		}
		if last == nil || *last != b {
			select {
			case seen <- Seen{Backends: map[string]paas.Backend{p.Name: b}}:
			case <-ctx.Done():
				return
			}
			last = &b
		}
		timer.Reset(w.cfg.Every)
	}
}

func (w *Watch) pinged(ctx context.Context, p Pinged) paas.Backend {
	ctx, cancel := context.WithTimeout(ctx, max(w.cfg.Every, time.Second))
	defer cancel()
	b := paas.Backend{Name: p.Name, OK: true}
	if err := p.Ping(ctx); err != nil {
		b.OK, b.Reason = false, p.Name+" does not answer."
		if code := paas.CodeOf(err); code != paas.Internal { // else the text was not written for a user
			b.Reason = paas.MessageOf(err)
		}
	}
	return b
}

// foldBackends writes how backends are when that has changed.
func (f *folding) foldBackends() {
	for _, name := range slices.Sorted(maps.Keys(f.in.backends)) {
		after := f.in.backends[name]
		before, known := f.next.backends[name]
		if known && before.OK == after.OK && before.Reason == after.Reason {
			continue
		}
		after.Since = f.now
		if known && before.OK == after.OK { // another reason for the same trouble
			after.Since = before.Since
		}
		f.next.backends[name] = after
		f.obs.Backends = append(f.obs.Backends, after)
		if e, ok := backendEvent(before, after, known); ok {
			f.obs.Events = append(f.obs.Events, e)
		}
	}
}

// backendEvent tells of trouble with a backend, and of its end. It is no app's.
func backendEvent(before, after paas.Backend, known bool) (paas.Event, bool) {
	e := paas.Event{Time: after.Since, Kind: paas.EventBackendState, Message: after.Reason}
	if after.OK {
		e.Message = after.Name + " is well again"
	}
	return e, known && before.OK != after.OK || !known && !after.OK
}
