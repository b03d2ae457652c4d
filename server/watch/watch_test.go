package watch_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/jobspec"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/watch"
)

// source is a list that is read by blocking queries, as Nomad and Consul serve them.
type source[T any] struct {
	mu      sync.Mutex
	index   uint64
	list    []T
	fail    error
	changed chan struct{}
	asked   []uint64 // the indexes of all reads
}

func newSource[T any](list ...T) *source[T] {
	return &source[T]{index: 10, list: list, changed: make(chan struct{})}
}

func (s *source[T]) set(index uint64, list ...T) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.index, s.list, s.fail = index, list, nil
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *source[T]) lose(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = err
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *source[T]) read(ctx context.Context, index uint64, wait time.Duration) ([]T, uint64, error) {
	s.mu.Lock()
	s.asked = append(s.asked, index)
	changed := s.changed
	if s.fail == nil && index != 0 && index >= s.index {
		s.mu.Unlock()
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-changed:
		case <-timer.C:
		case <-ctx.Done():
			return nil, 0, ctx.Err()
		}
		s.mu.Lock()
	}
	defer s.mu.Unlock()
	return slices.Clone(s.list), s.index, s.fail
}

type fakeNomad struct {
	allocs      *source[*nomadapi.AllocationListStub]
	evals       *source[*nomadapi.Evaluation]
	nodes       *source[*nomadapi.NodeListStub]
	HintsFn     func(ctx context.Context, hear func(nomadapi.Topic, uint64)) error
	ListeningFn func(alloc string) ([]string, error)
	AskFn       func(at paas.Endpoint, path string) string
}

func (n *fakeNomad) Allocations(ctx context.Context, index uint64, wait time.Duration) ([]*nomadapi.AllocationListStub, uint64, error) {
	return n.allocs.read(ctx, index, wait)
}

func (n *fakeNomad) Evaluations(ctx context.Context, index uint64, wait time.Duration) ([]*nomadapi.Evaluation, uint64, error) {
	return n.evals.read(ctx, index, wait)
}

func (n *fakeNomad) Nodes(ctx context.Context, index uint64, wait time.Duration) ([]*nomadapi.NodeListStub, uint64, error) {
	return n.nodes.read(ctx, index, wait)
}

func (n *fakeNomad) Hints(ctx context.Context, hear func(nomadapi.Topic, uint64)) error {
	return n.HintsFn(ctx, hear)
}
func (n *fakeNomad) Listening(alloc string) ([]string, error) { return n.ListeningFn(alloc) }
func (n *fakeNomad) Ask(_ context.Context, at paas.Endpoint, path string) string {
	return n.AskFn(at, path)
}

type fakeConsul struct{ checks *source[paas.Check] }

func (c *fakeConsul) Checks(ctx context.Context, index uint64, wait time.Duration) ([]paas.Check, uint64, error) {
	return c.checks.read(ctx, index, wait)
}

type fakeFabio struct {
	TablesFn  func() ([]paas.RouterTable, error)
	AnswersFn func(host, path string) (int, error)
	// CountersFn may be nil: no router counts.
	CountersFn func() ([]paas.RouterCounters, error)
}

func (f *fakeFabio) Tables(context.Context) ([]paas.RouterTable, error) { return f.TablesFn() }
func (f *fakeFabio) Answers(_ context.Context, host, path string) (int, error) {
	return f.AnswersFn(host, path)
}

// fakeStore keeps what was observed, as the store does.
type fakeStore struct {
	mu        sync.Mutex
	snaps     map[paas.AppRef]paas.Snapshot
	claims    []paas.Claim
	instances map[string]paas.Instance
	routes    map[paas.Claim]paas.RouteFact
	routers   map[paas.AppRef]paas.RouterFact
	jobs      map[paas.Slot]paas.JobFact
	epochs    []int64
	events    []paas.Event
	backends  []paas.Backend
	traffic   []paas.Traffic // of each write
	notify    func(paas.AppRef)
	ObserveFn func() error // nil, or the error of the next writes
}

func (s *fakeStore) Refs(context.Context) ([]paas.AppRef, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var refs []paas.AppRef
	for ref := range s.snaps {
		refs = append(refs, ref)
	}
	return refs, nil
}

func (s *fakeStore) Snapshot(_ context.Context, ref paas.AppRef) (paas.Snapshot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	snap, ok := s.snaps[ref]
	if !ok {
		return snap, paas.Errorf(paas.NotFound, "There is no app %s.", ref)
	}
	return snap, nil
}

func (s *fakeStore) Claims(context.Context) ([]paas.Claim, error) { return s.claims, nil }

func (s *fakeStore) Facts(context.Context) ([]paas.Instance, []paas.RouteFact, []paas.RouterFact, []paas.JobFact, error) {
	return nil, nil, nil, nil, nil
}

func (s *fakeStore) Nodes(context.Context) ([]paas.Node, error)       { return nil, nil }
func (s *fakeStore) Backends(context.Context) ([]paas.Backend, error) { return nil, nil }
func (s *fakeStore) Runs(context.Context) ([]paas.Run, error)         { return nil, nil }

func (s *fakeStore) Observe(_ context.Context, epoch int64, o paas.Observation) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ObserveFn != nil {
		if err := s.ObserveFn(); err != nil {
			return err
		}
	}
	s.epochs = append(s.epochs, epoch)
	s.events = append(s.events, o.Events...)
	s.backends = append(s.backends, o.Backends...)
	s.traffic = append(s.traffic, o.Traffic...)
	for _, i := range o.Instances {
		s.instances[i.ID] = i
	}
	for _, id := range o.Gone {
		delete(s.instances, id)
	}
	for _, r := range o.Routes {
		s.routes[paas.Claim{Team: r.Team, App: r.App, Host: r.Host, Path: r.Path}] = r
	}
	for _, r := range o.Routers {
		s.routers[paas.AppRef{Team: r.Team, App: r.App}] = r
	}
	for _, j := range o.Jobs {
		s.jobs[j.Slot] = j
	}
	go s.notify(shop)
	return nil
}

func (s *fakeStore) instance(id string) (paas.Instance, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, ok := s.instances[id]
	return i, ok
}

// world is a Watch with all that it looks at.
type world struct {
	nomad  *fakeNomad
	consul *fakeConsul
	fabio  *fakeFabio
	store  *fakeStore
	watch  *watch.Watch
}

func newWorld() *world {
	w := &world{
		nomad: &fakeNomad{
			allocs: newSource[*nomadapi.AllocationListStub](), evals: newSource[*nomadapi.Evaluation](),
			nodes: newSource[*nomadapi.NodeListStub](),
			HintsFn: func(ctx context.Context, _ func(nomadapi.Topic, uint64)) error {
				<-ctx.Done()
				return ctx.Err()
			},
			ListeningFn: func(string) ([]string, error) { return nil, nil },
			AskFn:       func(paas.Endpoint, string) string { return "" },
		},
		consul: &fakeConsul{checks: newSource[paas.Check]()},
		fabio: &fakeFabio{
			TablesFn:  func() ([]paas.RouterTable, error) { return []paas.RouterTable{table("r1", "")}, nil },
			AnswersFn: func(string, string) (int, error) { return 200, nil },
		},
		store: &fakeStore{
			snaps:     map[paas.AppRef]paas.Snapshot{shop: snapshot()},
			claims:    []paas.Claim{claim},
			instances: map[string]paas.Instance{}, routes: map[paas.Claim]paas.RouteFact{},
			routers: map[paas.AppRef]paas.RouterFact{}, jobs: map[paas.Slot]paas.JobFact{},
		},
	}
	w.watch = watch.New(watch.Config{
		Nomad: w.nomad, Consul: w.consul, Fabio: w.fabio, Store: w.store,
		Epoch: func() int64 { return 42 },
	})
	w.store.notify = w.watch.Notify
	return w
}

func snapshot() paas.Snapshot {
	web := paas.Process{
		Name: "web", Instances: 1, Program: paas.Program{Memory: 4096}, Ports: []paas.Port{{Name: "http"}}, MinHealthy: 20 * time.Millisecond,
		Health: paas.Probes{Readiness: &paas.Probe{Type: paas.ProbeHTTP, Path: "/", Port: "http"}},
	}
	release := paas.Release{Team: "acme", App: "shop", Number: 3, Spec: paas.Spec{App: "shop", Processes: []paas.Process{web}}}
	job := jobspec.Job(jobspec.Input{
		Release: release, Slot: paas.Blue, Counts: map[string]int{"web": 1}, Driver: "exec",
		ArtifactURL: func(string) string { return "http://127.0.0.1/" }, BaseURL: func(paas.Route) string { return "" },
	})
	return paas.Snapshot{
		App:      paas.App{Team: "acme", Name: "shop", Live: paas.Blue, Release: 3},
		Releases: map[int]paas.Release{3: release},
		Slots: map[paas.Slot]paas.Slotted{paas.Blue: {
			Team: "acme", App: "shop", Slot: paas.Blue, Release: 3, First: 100, Job: jobspec.Encode(job), Counts: map[string]int{"web": 1},
		}},
	}
}

// run starts the Watch; stop ends it and gives its error.
func (w *world) run(t *testing.T) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.watch.Run(ctx) }()
	stop = sync.OnceValue(func() error {
		cancel()
		select {
		case err := <-done:
			return err
		case <-time.After(20 * time.Second):
			return errors.New("Run did not end with its context")
		}
	})
	t.Cleanup(func() { _ = stop() })
	return stop
}

// eventually waits until ok holds.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline:
			t.Fatalf("in 20 s it did not come true that %s", what)
		case <-tick.C:
		}
	}
}

func passing(alloc string) paas.Check {
	return paas.Check{Service: paas.Service{Team: "acme", App: "shop", Process: "web", Slot: paas.Blue}, Alloc: alloc, Port: "http", Status: paas.CheckPassing}
}

func TestWatchFollowsAnInstanceFromPlacementToItsEnd(t *testing.T) {
	t.Parallel()
	w := newWorld()
	stop := w.run(t)
	w.nomad.allocs.set(11, running("a", 0, time.Now()))
	w.consul.checks.set(11, passing("a"))
	eventually(t, "the instance is healthy", func() bool {
		i, _ := w.store.instance("a")
		return i.Health == paas.HealthHealthy && i.Release == 3
	})
	ended := running("a", 0, time.Now())
	ended.ClientStatus, ended.DesiredStatus = "complete", "stop"
	w.nomad.allocs.set(12, ended)
	eventually(t, "the instance is complete", func() bool {
		i, _ := w.store.instance("a")
		return i.State == paas.InstanceComplete
	})
	w.nomad.allocs.set(13)
	eventually(t, "the instance is gone", func() bool { _, ok := w.store.instance("a"); return !ok })
	if err := stop(); !errors.Is(err, context.Canceled) {
		t.Errorf("Run = %v, want context.Canceled", err)
	}
	for _, e := range w.store.epochs {
		if e != 42 {
			t.Errorf("wrote with epoch %d, want 42", e)
		}
	}
}

func TestWatchReadsAllAnewAfterAnOutage(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.nomad.allocs.set(1000, running("old", 0, time.Now()))
	w.run(t)
	eventually(t, "the instance is known", func() bool { _, ok := w.store.instance("old"); return ok })
	w.nomad.allocs.lose(paas.Errorf(paas.Unavailable, "Nomad is away."))
	eventually(t, "the list is asked for as it is", func() bool {
		w.nomad.allocs.mu.Lock()
		defer w.nomad.allocs.mu.Unlock()
		return w.nomad.allocs.asked[len(w.nomad.allocs.asked)-1] == 0 && len(w.nomad.allocs.asked) > 2
	})
	if _, ok := w.store.instance("old"); !ok {
		t.Error("an instance was forgotten because Nomad was away")
	}
	w.nomad.allocs.set(5, running("new", 0, time.Now())) // another cluster, with lower indexes
	eventually(t, "only the new cluster's instance is known", func() bool {
		_, old := w.store.instance("old")
		_, fresh := w.store.instance("new")
		return fresh && !old
	})
}

func TestWatchBringsARouteToAnswering(t *testing.T) {
	t.Parallel()
	w := newWorld()
	var up atomic.Bool
	w.fabio.TablesFn = func() ([]paas.RouterTable, error) {
		return []paas.RouterTable{table("r1", "7", "127.0.0.1:1"), table("r2", "7", "127.0.0.1:1")}, nil
	}
	w.fabio.AnswersFn = func(host, path string) (int, error) {
		switch {
		case host != "shop.localhost" || path != "/":
			return 0, errors.New("another route was asked for")
		case up.Load():
			return 200, nil
		}
		return 502, nil
	}
	w.run(t)
	state := func() paas.RouteState {
		w.store.mu.Lock()
		defer w.store.mu.Unlock()
		return w.store.routes[claim].State
	}
	eventually(t, "the route is routed", func() bool { return state() == paas.RouteRouted })
	up.Store(true)
	eventually(t, "the route answers", func() bool { return state() == paas.RouteAnswering })
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	if got := w.store.routers[shop]; got.Seen != "7" || got.Routers != 2 {
		t.Errorf("router fact = %+v, want version 7 in 2", got)
	}
}

func TestWatchSaysWhyNothingCouldBePlaced(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.run(t)
	w.nomad.evals.set(11, &nomadapi.Evaluation{
		ID: "e", JobID: "shop.blue", Namespace: "acme", Type: "service", Status: "complete", JobModifyIndex: 10, ModifyIndex: 11,
		FailedTGAllocs: map[string]*nomadapi.AllocationMetric{"web": {NodesEvaluated: 1, NodesExhausted: 1, DimensionExhausted: map[string]int{"memory": 1}}},
	})
	eventually(t, "the job is blocked on memory", func() bool {
		w.store.mu.Lock()
		defer w.store.mu.Unlock()
		return w.store.jobs[paas.Blue].Blocked == "no node has 4096 MB of free memory, which web needs"
	})
}

func TestWatchExplainsADeafInstance(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.nomad.ListeningFn = func(string) ([]string, error) { return []string{"127.0.0.1:8080"}, nil }
	w.nomad.AskFn = func(at paas.Endpoint, path string) string {
		if at.Port != 23456 || path != "/" {
			return "another check was done"
		}
		return "dial tcp 127.0.0.1:23456: connect: connection refused"
	}
	w.nomad.allocs.set(11, running("a", 0, time.Now().Add(-time.Minute)))
	c := passing("a")
	c.Status = paas.CheckCritical
	w.consul.checks.set(11, c)
	w.run(t)
	eventually(t, "the reason names the port found", func() bool {
		i, _ := w.store.instance("a")
		return i.Reason == "web did not listen on port 23456 (PORT); it listens on 127.0.0.1:8080 instead"
	})
}

func TestWatchWritesAgainWhatTheStoreDidNotTake(t *testing.T) {
	t.Parallel()
	w := newWorld()
	var tries atomic.Int32
	w.store.ObserveFn = func() error {
		if tries.Add(1) == 1 {
			return paas.Errorf(paas.Unavailable, "The database is busy.")
		}
		return nil
	}
	w.nomad.allocs.set(11, running("a", 0, time.Now()))
	w.run(t)
	eventually(t, "the instance is written", func() bool { _, ok := w.store.instance("a"); return ok })
}

func TestWatchEndsWhenAnotherServerLeads(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.store.ObserveFn = func() error { return paas.Errorf(paas.Conflict, "Another server leads.") }
	w.nomad.allocs.set(11, running("a", 0, time.Now()))
	done := make(chan error, 1)
	go func() { done <- w.watch.Run(t.Context()) }()
	select {
	case err := <-done:
		if paas.CodeOf(err) != paas.Conflict {
			t.Errorf("Run = %v, want conflict", err)
		}
	case <-time.After(20 * time.Second):
		t.Error("Run goes on")
	}
}

func TestWatchTakesUpAnAppMadeWhileItRuns(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.store.snaps = map[paas.AppRef]paas.Snapshot{}
	w.nomad.allocs.set(11, running("a", 0, time.Now()))
	w.run(t)
	eventually(t, "the list was read", func() bool {
		w.nomad.allocs.mu.Lock()
		defer w.nomad.allocs.mu.Unlock()
		return len(w.nomad.allocs.asked) > 1
	})
	if _, ok := w.store.instance("a"); ok {
		t.Fatal("an instance of no app was written")
	}
	w.store.mu.Lock()
	w.store.snaps[shop] = snapshot()
	w.store.mu.Unlock()
	w.watch.Notify(shop)
	eventually(t, "the instance is written", func() bool { _, ok := w.store.instance("a"); return ok })
}
