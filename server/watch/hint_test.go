package watch_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/watch"
)

// hang makes reads wait to the end of their time whatever changes, as Nomad does for an index that it
// will not reach.
func (s *source[T]) hang(index uint64, list ...T) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.index, s.list = index, list
}

func TestAHintFreesAQueryForAnIndexThatNomadWillNotReach(t *testing.T) {
	t.Parallel()
	for name, index := range map[string]uint64{
		"Nomad went back to lower indexes":        6,    // restored from a snapshot, behind one address
		"the list has changed and does not come":  2000, // lost on the way
		"the stream ended, and nothing was heard": 0,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			hints := make(chan uint64)
			w.nomad.HintsFn = func(ctx context.Context, hear func(nomadapi.Topic, uint64)) error {
				hear(nomadapi.TopicNode, 1)
				select {
				case index := <-hints:
					if index == 0 {
						return errors.New("slow reader")
					}
					hear(nomadapi.TopicAllocation, index)
				case <-ctx.Done():
				}
				<-ctx.Done()
				return ctx.Err()
			}
			w.nomad.allocs.set(1000, running("old", 0, time.Now()))
			w.run(t)
			eventually(t, "the instance is known and the next read waits", func() bool {
				_, ok := w.store.instance("old")
				w.nomad.allocs.mu.Lock()
				defer w.nomad.allocs.mu.Unlock()
				return ok && w.nomad.allocs.asked[len(w.nomad.allocs.asked)-1] == 1000
			})
			w.nomad.allocs.hang(max(index, 5), running("new", 0, time.Now()))
			hints <- index
			eventually(t, "the new list was read", func() bool {
				_, old := w.store.instance("old")
				_, fresh := w.store.instance("new")
				return fresh && !old
			})
		})
	}
}

// TestHintsOfAnyKindChangeNothingButTheTime plays the recorded lists to two Watches: one hears no
// hint at all, the other hears them lost, repeated, out of order and from a stream that keeps ending.
func TestHintsOfAnyKindChangeNothingButTheTime(t *testing.T) {
	t.Parallel()
	var lists []*watch.Allocations
	for _, m := range stream(t) {
		if m.Allocations != nil {
			lists = append(lists, m.Allocations)
		}
	}
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			want := play(t, lists[len(lists)-1:], nil)
			got := play(t, lists, rand.New(rand.NewPCG(seed, 3)))
			clocks := cmpopts.IgnoreFields(paas.Instance{}, "Since", "PassingAt")
			if diff := cmp.Diff(want.instances, got.instances, clocks); diff != "" {
				t.Errorf("instances (-of a fresh sync +after hints):\n%s", diff)
			}
			told := map[string]int{}
			for _, e := range got.events {
				told[e.Instance+" "+e.Message]++
			}
			for message, n := range told {
				// A restart is told of by "runs" once more; nothing else may come twice.
				if runs := "runs on node vm"; n > 1 && message[len(message)-len(runs):] != runs {
					t.Errorf("told %d times: %s", n, message)
				}
			}
			if len(told) < 8 {
				t.Errorf("only %d events were told", len(told))
			}
		})
	}
}

// play shows lists to a Watch and gives its store when the last has been taken.
func play(t *testing.T, lists []*watch.Allocations, r *rand.Rand) *fakeStore {
	t.Helper()
	w := newWorld()
	snap := snapshot()
	for _, name := range []string{"bad", "huge", "deaf"} {
		w.store.snaps[paas.AppRef{Team: "acme", App: name}] = snap
	}
	hints := make(chan uint64, 1000)
	w.nomad.HintsFn = func(ctx context.Context, hear func(nomadapi.Topic, uint64)) error {
		for {
			select {
			case index := <-hints:
				if index%7 == 0 {
					return errors.New("subscription closed by server")
				}
				hear(nomadapi.TopicAllocation, index)
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	stop := w.run(t)
	defer func() { _ = stop() }()
	last := lists[len(lists)-1]
	for _, l := range lists {
		w.nomad.allocs.set(l.Index, l.List...)
		for r != nil && r.IntN(3) > 0 { // none, one or several, of this list or of another
			hints <- l.Index + uint64(r.IntN(9)) - 4
		}
		if r != nil && r.IntN(2) == 0 {
			seen := l.Index
			eventually(t, "the list was read", func() bool {
				w.nomad.allocs.mu.Lock()
				defer w.nomad.allocs.mu.Unlock()
				n := len(w.nomad.allocs.asked)
				return n > 0 && w.nomad.allocs.asked[n-1] == seen
			})
		}
	}
	want := map[string]string{}
	for _, a := range last.List {
		want[a.ID] = a.ClientStatus
	}
	eventually(t, "the last list was taken", func() bool {
		w.store.mu.Lock()
		defer w.store.mu.Unlock()
		got := map[string]string{}
		for id, i := range w.store.instances {
			got[id] = string(i.State)
		}
		return maps.Equal(got, want)
	})
	_ = stop()
	return w.store
}
