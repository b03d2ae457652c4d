package watch_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/watch"
)

// fakeCounts are the counters of one router.
type fakeCounts struct {
	mu    sync.Mutex
	count paas.Count
	err   error
	times int
}

func (f *fakeCounts) reads() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.times
}

func (f *fakeCounts) answer(count paas.Count, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.count, f.err = count, err
}

func (f *fakeCounts) read() ([]paas.RouterCounters, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.times++
	return []paas.RouterCounters{{Router: "r", Started: epoch, Counts: map[paas.Service]paas.Count{webBlue: f.count}}}, f.err
}

func (f *fakeFabio) Counters(context.Context) ([]paas.RouterCounters, error) {
	if f.CountersFn == nil {
		return nil, errors.New("no counters in this test")
	}
	return f.CountersFn()
}

func (s *fakeStore) Traffic(context.Context, paas.AppRef) ([]paas.Traffic, error) { return nil, nil }

func TestWatchWritesTheTrafficOfAnAppThatWalks(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.watch = watch.New(watch.Config{
		Nomad: w.nomad, Consul: w.consul, Fabio: w.fabio, Store: w.store,
		Epoch: func() int64 { return 42 }, Every: 10 * time.Millisecond,
	})
	w.store.notify = w.watch.Notify
	snap := snapshot()
	snap.Deployments = []paas.Deployment{{ID: "d", Team: "acme", App: "shop", State: paas.DeploymentRunning, StepAt: time.Now()}}
	w.store.snaps[shop] = snap
	counts := &fakeCounts{count: paas.Count{Requests: 100}}
	w.fabio.CountersFn = counts.read
	written := func() (sum paas.Count) {
		w.store.mu.Lock()
		defer w.store.mu.Unlock()
		last := map[time.Time]paas.Bucket{}
		for _, traffic := range w.store.traffic {
			for _, b := range traffic.Buckets {
				last[b.At] = b
			}
		}
		for _, b := range last {
			sum.Requests, sum.Errors = sum.Requests+b.Requests, sum.Errors+b.Errors
		}
		return sum
	}
	refuse := func(err error) {
		w.store.mu.Lock()
		defer w.store.mu.Unlock()
		w.store.ObserveFn = func() error { return err }
	}
	w.run(t)
	read := func() {
		t.Helper()
		before := counts.reads()
		eventually(t, "the counters are read", func() bool { return counts.reads() > before+1 })
	}
	read()
	counts.answer(paas.Count{Requests: 140, Errors: 8}, nil)
	eventually(t, "what was answered is written", func() bool { return written() == paas.Count{Requests: 40, Errors: 8} })

	refuse(errors.New("the disk is full"))
	counts.answer(paas.Count{Requests: 150, Errors: 9}, nil)
	read()
	refuse(nil)
	eventually(t, "what the store did not take is written with the next", func() bool { return written() == paas.Count{Requests: 50, Errors: 9} })

	writes := func() (all int, partial bool) {
		w.store.mu.Lock()
		defer w.store.mu.Unlock()
		for _, traffic := range w.store.traffic {
			partial = partial || traffic.Buckets[len(traffic.Buckets)-1].Partial
		}
		return len(w.store.traffic), partial
	}
	before, partial := writes()
	read()
	if after, _ := writes(); after != before || partial {
		t.Errorf("%d writes of the same, partial %t", after-before, partial)
	}
	counts.answer(paas.Count{Requests: 151, Errors: 9}, errors.New("another router does not answer"))
	eventually(t, "what is not all says so", func() bool { _, partial := writes(); return partial })
}
