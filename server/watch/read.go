package watch

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Pauses after a failed read. They double, and each is cut by up to half at random, so that the
// readers of several servers don't come back together.
const (
	firstPause = 200 * time.Millisecond
	lastPause  = 5 * time.Second
)

func (w *Watch) readAllocations(ctx context.Context, hinted readers, seen chan<- Seen) {
	w.follow(ctx, hinted[nomadapi.TopicAllocation], "allocations", func(ctx context.Context, index uint64) (Seen, uint64, error) {
		list, next, err := w.cfg.Nomad.Allocations(ctx, index, w.cfg.Wait)
		return Seen{Allocations: &Allocations{Index: next, Fresh: index == 0, List: list}}, next, err
	}, seen)
}

func (w *Watch) readEvaluations(ctx context.Context, hinted readers, seen chan<- Seen) {
	w.follow(ctx, hinted[nomadapi.TopicEvaluation], "evaluations", func(ctx context.Context, index uint64) (Seen, uint64, error) {
		list, next, err := w.cfg.Nomad.Evaluations(ctx, index, w.cfg.Wait)
		return Seen{Evaluations: &Evaluations{Index: next, Fresh: index == 0, List: list}}, next, err
	}, seen)
}

func (w *Watch) readNodes(ctx context.Context, hinted readers, seen chan<- Seen) {
	w.follow(ctx, hinted[nomadapi.TopicNode], "nodes", func(ctx context.Context, index uint64) (Seen, uint64, error) {
		list, next, err := w.cfg.Nomad.Nodes(ctx, index, w.cfg.Wait)
		return Seen{Nodes: &Nodes{Index: next, Fresh: index == 0, List: list}}, next, err
	}, seen)
}

func (w *Watch) readChecks(ctx context.Context, seen chan<- Seen) {
	w.follow(ctx, &reader{}, "checks", func(ctx context.Context, index uint64) (Seen, uint64, error) {
		list, next, err := w.cfg.Consul.Checks(ctx, index, w.cfg.Wait)
		return Seen{Checks: &Checks{Index: next, Fresh: index == 0, List: list}}, next, err
	}, seen)
}

// follow repeats a blocking read and hands on what it gives. After an error the next read asks for
// the list as it is, whatever its index: the cluster may be another one by then. So it does after a read
// that hints have ended, which is no error.
func (w *Watch) follow(ctx context.Context, r *reader, what string, read func(context.Context, uint64) (Seen, uint64, error), seen chan<- Seen) {
	var index uint64
	outage := outage{log: w.log.With("what", what)}
	for ctx.Err() == nil {
		waiting, done := r.begin(ctx, index)
		s, next, err := read(waiting, index)
		ended := waiting.Err() != nil && err != nil
		done()
		if ended {
			index = 0
			continue
		}
		if !outage.pauseAfter(ctx, err) {
			index = 0
			continue
		}
		if next < index { // went backwards: a list held back by the old index may be missed
			next = 0
		}
		index = next
		select {
		case seen <- s:
		case <-ctx.Done():
		}
	}
}

// readTables reads the routers' tables each time poll gives how long to wait from now on.
func (w *Watch) readTables(ctx context.Context, poll <-chan time.Duration, seen chan<- Seen) {
	outage := outage{log: w.log.With("what", "route tables")}
	pause := idlePoll
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case next := <-poll:
			if next < pause { // somebody began to wait
				timer.Reset(0)
			}
			pause = next
			continue
		case <-timer.C:
		}
		tables, err := w.cfg.Fabio.Tables(ctx)
		if ctx.Err() != nil {
			return
		}
		t := Tables{List: tables}
		if err != nil {
			t.Err = paas.MessageOf(err)
		}
		outage.note(ctx, err)
		select {
		case seen <- Seen{Tables: &t}:
		case <-ctx.Done():
			return
		}
		timer.Reset(max(pause, fastPoll))
	}
}

// outage logs the beginning and the end of a run of failures, not each of them.
type outage struct {
	log   *slog.Logger
	pause time.Duration // 0 while all is well
}

// note logs what changed.
func (o *outage) note(ctx context.Context, err error) {
	switch {
	case ctx.Err() != nil:
	case err != nil && o.pause == 0:
		o.log.WarnContext(ctx, "read failed", "err", err)
	case err == nil && o.pause != 0:
		o.log.InfoContext(ctx, "read again")
	}
	if err == nil {
		o.pause = 0
		return
	}
	o.pause = min(max(2*o.pause, firstPause), lastPause)
}

// pauseAfter notes the result of a read, and after an error waits before the next; ok says that
// there was none.
func (o *outage) pauseAfter(ctx context.Context, err error) (ok bool) {
	o.note(ctx, err)
	if err == nil {
		return true
	}
	timer := time.NewTimer(o.pause/2 + rand.N(o.pause/2))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}
