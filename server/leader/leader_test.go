package leader_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/leader"
)

type counter struct{ n atomic.Int64 }

func (c *counter) Lead(context.Context) (int64, error) { return c.n.Add(1), nil }

func TestAFailingLoopEndsItsSiblingsAndAllBeginAgainUnderANewEpoch(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	var siblingEnded, secondEpoch atomic.Bool
	sibling := func(ctx context.Context, epoch int64) error {
		<-ctx.Done()
		if epoch == 1 {
			siblingEnded.Store(true)
		}
		return nil
	}
	failing := func(ctx context.Context, epoch int64) error {
		if epoch == 1 {
			return errors.New("no more")
		}
		secondEpoch.Store(true)
		stop()
		return nil
	}
	leader.Run(ctx, leader.Config{Epochs: &counter{}, Log: slog.New(slog.DiscardHandler)}, failing, sibling)
	if !siblingEnded.Load() {
		t.Error("the loop beside the failing one went on")
	}
	if !secondEpoch.Load() {
		t.Error("the loops did not begin again under epoch 2")
	}
}

// lock is one that a test takes away.
type lock struct {
	mu     sync.Mutex
	lose   context.CancelCauseFunc // guarded by mu
	taken  int                     // guarded by mu
	story  []string                // guarded by mu
	faults int                     // guarded by mu: how often Acquire fails first
}

func (l *lock) say(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.story = append(l.story, what)
}

func (l *lock) Acquire(ctx context.Context) (context.Context, func(), error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.faults > 0 {
		l.faults--
		return nil, nil, errors.New("no lock now")
	}
	l.taken++
	l.story = append(l.story, "acquired")
	held, lose := context.WithCancelCause(ctx)
	l.lose = lose
	return held, func() { lose(nil); l.say("released") }, nil
}

func (l *lock) loseIt() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lose(errors.New("another has it"))
}

func TestALostLockEndsTheLoopsBeforeItIsGivenBack(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	l := &lock{faults: 1}
	loop := func(ctx context.Context, epoch int64) error {
		l.say(fmt.Sprint("loop ", epoch))
		if epoch == 2 {
			stop()
		} else {
			l.loseIt()
		}
		<-ctx.Done()
		l.say(fmt.Sprint("ended ", epoch))
		return nil
	}
	leader.Run(ctx, leader.Config{
		Lock: l, Epochs: &counter{}, Log: slog.New(slog.DiscardHandler), Changed: func(epoch int64) { l.say(fmt.Sprint("epoch ", epoch)) },
	}, loop)
	want := []string{
		"acquired", "epoch 1", "loop 1", "ended 1", "epoch 0", "released",
		"acquired", "epoch 2", "loop 2", "ended 2", "epoch 0", "released",
	}
	if diff := cmp.Diff(want, l.story); diff != "" {
		t.Error(diff)
	}
}

// refusing gives no epoch while its store is away.
type refusing struct{ counter }

func (r *refusing) Lead(ctx context.Context) (int64, error) {
	if n, _ := r.counter.Lead(ctx); n > 1 {
		return n, nil
	}
	return 0, errors.New("the store is away")
}

func TestALockWithoutAnEpochIsGivenBack(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	l := &lock{}
	leader.Run(ctx, leader.Config{Lock: l, Epochs: &refusing{}, Log: slog.New(slog.DiscardHandler)}, func(context.Context, int64) error {
		l.say("loop")
		stop()
		return nil
	})
	if diff := cmp.Diff([]string{"acquired", "released", "acquired", "loop", "released"}, l.story); diff != "" {
		t.Error(diff)
	}
}
