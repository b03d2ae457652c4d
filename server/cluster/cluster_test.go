package cluster_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/cluster"
	"github.com/crumpet-paas/crumpet/server/paas"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// fake is a store, a Nomad and a deployer that know of two nodes and some apps.
type fake struct {
	mu     sync.Mutex // guards all below
	now    time.Time
	nodes  map[string]*paas.Node
	apps   map[paas.AppRef]*paas.Snapshot
	drains map[string]paas.Drain
	epoch  int64
	events []string
	calls  []string
	leave  func(ref paas.AppRef) error
	rooms  map[string]paas.NodeCapacity // nil where Nomad does not say
}

func newFake() *fake {
	f := &fake{now: noon, nodes: map[string]*paas.Node{}, apps: map[paas.AppRef]*paas.Snapshot{}, drains: map[string]paas.Drain{}, epoch: 7}
	for _, id := range []string{"n-1", "n-2"} {
		f.nodes[id] = &paas.Node{ID: id, Name: "node" + id[1:], Status: paas.NodeReady, Eligible: true}
	}
	f.leave = func(ref paas.AppRef) error { // the walk is under way at once
		f.apps[ref].Deployments = []paas.Deployment{{ID: "d1", Team: ref.Team, App: ref.App, State: paas.DeploymentRunning}}
		return nil
	}
	return f
}

// app adds one with a routed process that has healthy instances on the nodes named.
func (f *fake) app(name string, on ...string) paas.AppRef {
	snap := shop(on...)
	snap.App.Name = name
	ref := snap.App.Ref()
	f.apps[ref] = &snap
	return ref
}

func shop(on ...string) paas.Snapshot {
	snap := paas.Snapshot{
		App: paas.App{Team: "acme", Name: "shop", Live: paas.Blue, Release: 1, Counts: map[string]int{"web": len(on), "worker": 1}},
		Releases: map[int]paas.Release{1: {Number: 1, Spec: paas.Spec{Processes: []paas.Process{
			{Name: "web", Routes: []paas.Route{{Host: "shop.localhost", Path: "/", Port: "http"}}}, {Name: "worker"},
		}}}},
		Nodes: map[string]paas.Node{},
	}
	for n, id := range on {
		snap.Instances = append(snap.Instances, instance("web", n, id))
	}
	return snap
}

func instance(process string, index int, node string) paas.Instance {
	return paas.Instance{
		ID: process + node, Process: process, Index: index, Slot: paas.Blue, Release: 1,
		State: paas.InstanceRunning, Health: paas.HealthHealthy, NodeID: node,
	}
}

func (f *fake) Nodes(context.Context) ([]paas.Node, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []paas.Node
	for _, id := range slices.Sorted(maps.Keys(f.nodes)) {
		list = append(list, *f.nodes[id])
	}
	return list, nil
}

func (f *fake) NodeLoads(context.Context) (map[string]int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	loads := map[string]int{}
	for _, snap := range f.apps {
		for _, i := range snap.Instances {
			if !i.State.Ended() {
				loads[i.NodeID]++
			}
		}
	}
	return loads, nil
}

func (f *fake) Tenants(_ context.Context, node string) ([]paas.AppRef, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var refs []paas.AppRef
	for ref, snap := range f.apps {
		if slices.ContainsFunc(snap.Instances, func(i paas.Instance) bool { return i.NodeID == node && !i.State.Ended() }) {
			refs = append(refs, ref)
		}
	}
	slices.SortFunc(refs, func(a, b paas.AppRef) int { return strings.Compare(a.String(), b.String()) })
	return refs, nil
}

func (f *fake) Snapshot(_ context.Context, ref paas.AppRef) (paas.Snapshot, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	snap := *f.apps[ref]
	snap.Nodes = map[string]paas.Node{}
	for id, n := range f.nodes {
		snap.Nodes[id] = *n
	}
	return snap, nil
}

func (f *fake) Drains(context.Context) ([]paas.Drain, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Collect(maps.Values(f.drains)), nil
}

func (f *fake) PutDrain(_ context.Context, epoch int64, d paas.Drain, events ...paas.Event) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if epoch != 0 && epoch < f.epoch {
		return paas.Errorf(paas.Conflict, "Another leads.")
	}
	f.drains[d.NodeID] = d
	f.tell(events)
	return nil
}

func (f *fake) DropDrain(_ context.Context, node string, events ...paas.Event) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.drains, node)
	f.tell(events)
	return nil
}

func (f *fake) tell(events []paas.Event) {
	for _, e := range events {
		f.events = append(f.events, e.Message)
	}
}

func (f *fake) SetEligible(_ context.Context, node string, eligible bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.nodes[node].Eligible = eligible
	f.calls = append(f.calls, "eligible "+node)
	return nil
}

func (f *fake) Drain(_ context.Context, node string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.nodes[node].Draining = true
	f.calls = append(f.calls, "drain "+node)
	return nil
}

func (f *fake) EndDrain(_ context.Context, node string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.nodes[node].Draining, f.nodes[node].Eligible = false, true
	f.calls = append(f.calls, "end "+node)
	return nil
}

func (f *fake) Leave(_ context.Context, ref paas.AppRef, node, by string) (paas.DeployResult, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, "leave "+ref.App+" "+node+" "+by)
	return paas.DeployResult{}, f.leave(ref)
}

func (f *fake) Rooms(context.Context) (map[string]paas.NodeCapacity, error) {
	if f.rooms == nil {
		return nil, paas.Errorf(paas.Unavailable, "Nomad is away.")
	}
	return f.rooms, nil
}

func (f *fake) cluster() *cluster.Cluster {
	return cluster.New(cluster.Config{Store: f, Scheduler: f, Rooms: f, Deployer: f, Now: func() time.Time { return f.now }})
}

func turn(t *testing.T, c *cluster.Cluster, times int) (open bool) {
	t.Helper()
	for range times {
		var err error
		if open, err = c.Turn(t.Context(), 7); err != nil {
			t.Fatal(err)
		}
	}
	return open
}

func (f *fake) want(t *testing.T, state paas.DrainState, reason string, calls ...string) {
	t.Helper()
	if d := f.drains["n-2"]; d.State != state || d.Reason != reason {
		t.Errorf("the drain is %s %q, want %s %q", d.State, d.Reason, state, reason)
	}
	if diff := cmp.Diff(calls, f.calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestADrainWalksWhatWouldHaveNothingLeftAndThenLetsNomadDrain(t *testing.T) {
	t.Parallel()
	f := newFake()
	lonely, spread := f.app("lonely", "n-2"), f.app("spread", "n-1", "n-2")
	c := f.cluster()
	if _, err := c.Drain(t.Context(), "node-2", "ann"); err != nil {
		t.Fatal(err)
	}
	turn(t, c, 1)
	f.want(t, paas.DrainLeaving, "Nomad is to place no new instances there.", "eligible n-2")
	turn(t, c, 1)
	calls := []string{"eligible n-2", "leave lonely node-2 ann"}
	f.want(t, paas.DrainLeaving, "acme/lonely walks to other nodes.", calls...)
	turn(t, c, 3)
	f.want(t, paas.DrainLeaving, "deployment d1 of acme/lonely is under way.", calls...)

	f.apps[lonely].Deployments, f.apps[lonely].Instances = nil, []paas.Instance{instance("web", 0, "n-1")}
	turn(t, c, 1)
	calls = append(calls, "drain n-2")
	f.want(t, paas.DrainDraining, "", calls...)
	turn(t, c, 2)
	f.want(t, paas.DrainDraining, "One of our instances is there still.", calls...)

	f.apps[spread].Instances[1].State = paas.InstanceComplete
	turn(t, c, 1)
	f.want(t, paas.DrainDraining, "Nomad has not finished.", calls...)
	f.now = f.now.Add(cluster.Again)
	turn(t, c, 5)
	calls = append(calls, "drain n-2") // once a minute: it may have missed the last end
	f.want(t, paas.DrainDraining, "Nomad has not finished.", calls...)
	f.nodes["n-2"].Draining = false
	turn(t, c, 1)
	f.want(t, paas.DrainDone, "", calls...)
	if open := turn(t, c, 1); open || f.drains["n-2"].EndedAt == nil {
		t.Errorf("open %t, ended %v", open, f.drains["n-2"].EndedAt)
	}
	if diff := cmp.Diff([]string{
		"node node-2 is to be drained, asked for by ann", "Nomad drains node node-2", "node node-2 is empty",
	}, f.events); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	view, err := c.Undo(t.Context(), "n-2", "bob")
	if err != nil || view.Drain != nil || len(f.drains) != 0 || !f.nodes["n-2"].Eligible {
		t.Errorf("undone: %+v, %v", view, err)
	}
}

func TestAnAppThatTurnedBackWalksAgainOnlyAfterAWhile(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.app("lonely", "n-2")
	f.nodes["n-2"].Eligible = false
	f.leave = func(paas.AppRef) error { return nil } // it has turned back by the next turn
	c := f.cluster()
	if _, err := c.Drain(t.Context(), "node-2", "ann"); err != nil {
		t.Fatal(err)
	}
	turn(t, c, 20)
	f.want(t, paas.DrainLeaving, "acme/lonely could not walk to other nodes (`crumpet events lonely` says why), and tries again at 12:01:00 UTC.", "leave lonely node-2 ann")
	f.now = f.now.Add(cluster.Again)
	turn(t, c, 20)
	if len(f.calls) != 2 {
		t.Errorf("calls = %q, want a second walk after %s and no more", f.calls, cluster.Again)
	}
	// Each time it waits twice as long: a day has no more than 30 of them.
	for range 24 * 60 {
		f.now = f.now.Add(time.Minute)
		turn(t, c, 1)
	}
	if n := len(f.calls); n < 20 || n > 30 {
		t.Errorf("%d walks within a day", n)
	}
}

func TestAnAppWithNowhereToGoIsNotToldToWalk(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.app("lonely", "n-2")
	f.nodes["n-2"].Eligible, f.nodes["n-1"].Eligible = false, false
	c := f.cluster()
	if _, err := c.Drain(t.Context(), "node-2", "ann"); err != nil {
		t.Fatal(err)
	}
	const next = " It goes on by itself when there is: take another machine, or let one take instances again (`crumpet nodes` lists them). `crumpet node drain node-2 --undo` ends it."
	for range 100 {
		f.now = f.now.Add(cluster.Again)
		turn(t, c, 1)
	}
	f.want(t, paas.DrainLeaving, "acme/lonely can't walk: no other node takes instances."+next)

	// There is one, and it is full.
	f.nodes["n-1"].Eligible = true
	full := paas.NodeCapacity{CPU: paas.Extent{Total: 1000, Reserved: 950}, Memory: paas.Extent{Total: 1000, Reserved: 10}}
	f.rooms = map[string]paas.NodeCapacity{"n-1": full, "n-2": {Instances: map[string]paas.Reserved{"webn-2": {CPU: 100, Memory: 64}}}}
	f.now = f.now.Add(cluster.Again)
	turn(t, c, 5)
	f.want(t, paas.DrainLeaving, "acme/lonely can't walk: no other node has room for an instance of web, which has 100 MHz and 64 MB reserved."+next)

	full.CPU.Reserved = 900
	f.rooms["n-1"] = full
	turn(t, c, 1)
	f.want(t, paas.DrainLeaving, "acme/lonely walks to other nodes.", "leave lonely node-2 ann")
}

func TestADrainNamesSomeOfManyApps(t *testing.T) {
	t.Parallel()
	f := newFake()
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		f.app(name, "n-2")
	}
	f.nodes["n-2"].Eligible = false
	c := f.cluster()
	if _, err := c.Drain(t.Context(), "node-2", "ann"); err != nil {
		t.Fatal(err)
	}
	turn(t, c, 1)
	if got, want := f.drains["n-2"].Reason, "acme/a walks to other nodes, acme/b walks to other nodes, acme/c walks to other nodes, 2 more apps."; got != want {
		t.Errorf("said %q, want %q", got, want)
	}
}

func TestALeaderThatLeadsNoLongerEnds(t *testing.T) {
	t.Parallel()
	f := newFake()
	c := f.cluster()
	if _, err := c.Drain(t.Context(), "node-2", "ann"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := c.Run(ctx, 6); paas.CodeOf(err) != paas.Conflict {
		t.Errorf("Run = %v, want conflict", err)
	}
}

func TestNodesAreFoundByNameAndId(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.nodes["n-20"] = &paas.Node{ID: "n-20", Name: "node-1"}
	c := f.cluster()
	for name, want := range map[string]string{"node-2": "n-2", "n-2": "n-2", "n-20": "n-20"} {
		if got, err := c.Node(t.Context(), name); err != nil || got.ID != want {
			t.Errorf("Node(%q) = %s, %v; want %s", name, got.ID, err, want)
		}
	}
	for name, code := range map[string]paas.Code{"node-1": paas.Conflict, "node-9": paas.NotFound, "n": paas.NotFound} {
		if _, err := c.Node(t.Context(), name); paas.CodeOf(err) != code {
			t.Errorf("Node(%q): %v, want %s", name, err, code)
		}
	}
}

func TestNext(t *testing.T) {
	t.Parallel()
	two := paas.Node{ID: "n-2", Name: "node-2", Status: paas.NodeReady}
	with := func(snap paas.Snapshot, change func(*paas.Snapshot)) paas.Snapshot {
		change(&snap)
		return snap
	}
	tests := []struct {
		name string
		snap paas.Snapshot
		want cluster.Verdict
	}{
		{"nothing of it is there", shop("n-1"), cluster.Verdict{}},
		{"its only instance is there", shop("n-2"), cluster.Verdict{Walk: true}},
		{"both are there", shop("n-2", "n-2"), cluster.Verdict{Walk: true}},
		{"one of two is there", shop("n-1", "n-2"), cluster.Verdict{}},
		{"the other is not healthy", with(shop("n-1", "n-2"), func(s *paas.Snapshot) { s.Instances[0].Health = paas.HealthCritical }), cluster.Verdict{Walk: true}},
		{"the one that is there is not healthy", with(shop("n-1", "n-2"), func(s *paas.Snapshot) { s.Instances[1].Health = paas.HealthCritical }), cluster.Verdict{}},
		{"the other is on a node that is drained too", with(shop("n-1", "n-2"), func(s *paas.Snapshot) {
			s.Nodes["n-1"] = paas.Node{ID: "n-1", Status: paas.NodeReady, Draining: true}
		}), cluster.Verdict{Walk: true}},
		{"the other is on a node that is lost", with(shop("n-1", "n-2"), func(s *paas.Snapshot) {
			s.Nodes["n-1"] = paas.Node{ID: "n-1", Status: paas.NodeDown}
		}), cluster.Verdict{Walk: true}},
		{"a worker takes no requests", with(shop("n-1"), func(s *paas.Snapshot) { s.Instances = append(s.Instances, instance("worker", 0, "n-2")) }), cluster.Verdict{}},
		{"what is there is on its way out", with(shop("n-1", "n-2"), func(s *paas.Snapshot) { s.Instances[1].State = paas.InstanceStopping }), cluster.Verdict{
			Wait: "an instance of acme/shop there has been stopped and has not ended yet",
		}},
		{"of an app that is destroyed too", with(shop("n-2"), func(s *paas.Snapshot) { s.App.Deleting, s.Instances[0].State = true, paas.InstanceStopping }), cluster.Verdict{
			Wait: "an instance of acme/shop there has been stopped and has not ended yet",
		}},
		{"one is on its way out, and the other is the only one", with(shop("n-2", "n-2"), func(s *paas.Snapshot) { s.Instances[1].State = paas.InstanceStopping }), cluster.Verdict{Walk: true}},
		{"it walks already", with(shop("n-1", "n-2"), func(s *paas.Snapshot) {
			s.Deployments = []paas.Deployment{{ID: "d9", State: paas.DeploymentPaused}}
		}), cluster.Verdict{Wait: "deployment d9 of acme/shop is under way"}},
		{"it is stopped", with(shop("n-2"), func(s *paas.Snapshot) { s.App.Stopped = true }), cluster.Verdict{}},
		{"it is being destroyed", with(shop("n-2"), func(s *paas.Snapshot) { s.App.Deleting = true }), cluster.Verdict{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := cluster.Next(tt.snap, two); got != tt.want {
				t.Errorf("Next = %+v, want %+v", got, tt.want)
			}
		})
	}
}
