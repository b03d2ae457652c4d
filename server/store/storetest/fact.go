package storetest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// observation is one of each fact.
func observation(ref paas.AppRef) paas.Observation {
	started := moment.Add(time.Second)
	i := instance(ref, "i-"+ref.String(), 1, paas.InstanceRunning)
	i.Ports, i.StartedAt, i.PassingAt = map[string]paas.Endpoint{"http": {Host: "127.0.0.1", Port: 20000}}, &started, &started
	i.Index, i.Restarts, i.Exits, i.Reason, i.Cause = 2, 1, 3, "exited with code 1", paas.CauseExit
	i.NodeID, i.ExitCode, i.OOM, i.NextTry, i.Crashes, i.Previous, i.Overdue = "n-1", 137, true, &started, 4, "i-0", true
	i.Checks = []paas.CheckFact{{Name: "readiness", Status: paas.CheckCritical, Output: "500", Since: moment}}
	return paas.Observation{
		Instances: []paas.Instance{i},
		Jobs:      []paas.JobFact{{Team: ref.Team, App: ref.App, Slot: paas.Blue, Index: 12, Blocked: "no node has room", Cause: paas.CauseNoMemory, Eval: "e1"}},
		Routes: []paas.RouteFact{{
			Team: ref.Team, App: ref.App, Host: ref.App + ".localhost", Path: "/", State: paas.RouteRouted,
			Targets: []string{"127.0.0.1:20000"}, Any: []string{"127.0.0.1:20000", "127.0.0.1:20001"}, Since: moment,
		}},
		Routers: []paas.RouterFact{{Team: ref.Team, App: ref.App, Routers: 2, Seen: "v7", Reason: "one does not answer"}},
	}
}

func facts(_ *testing.T, f *fixture) {
	f.save(newApp(shop))
	o := observation(shop)
	f.must(f.Observe(f.ctx, 0, o))
	snap, err := f.Snapshot(f.ctx, shop)
	f.must(err)
	f.equal("instances", snap.Instances, o.Instances)
	f.equal("jobs", snap.Jobs, map[paas.Slot]paas.JobFact{paas.Blue: o.Jobs[0]})
	f.equal("routes", snap.Routes, o.Routes)
	f.equal("router", snap.Router, o.Routers[0])

	o.Instances[0].Health, o.Jobs[0].Blocked, o.Routes[0].State, o.Routers[0].Seen = paas.HealthHealthy, "", paas.RouteAnswering, "v8"
	f.must(f.Observe(f.ctx, 0, o))
	instances, routes, routers, jobs, err := f.Facts(f.ctx)
	f.must(err)
	f.equal("facts, replaced", paas.Observation{Instances: instances, Routes: routes, Routers: routers, Jobs: jobs}, o)

	f.drain()
	f.must(f.Observe(f.ctx, 0, paas.Observation{Gone: []string{o.Instances[0].ID, "never seen"}}))
	snap, err = f.Snapshot(f.ctx, shop)
	f.must(err)
	f.equal("instances, gone", snap.Instances, []paas.Instance{})
	f.equal("notified of the gone", f.drain(), []paas.AppRef{shop})
}

// observationWhole ends the context while an observation of many rows is being written, again and
// again: either all of its rows are there or none.
func observationWhole(_ *testing.T, f *fixture) {
	const rows = 200
	whole := 0
	for round := range 20 {
		o := paas.Observation{Events: []paas.Event{event(shop, "seen")}}
		for n := range rows {
			o.Instances = append(o.Instances, instance(shop, fmt.Sprintf("%d-%d", round, n), 1, paas.InstanceRunning))
		}
		ctx, cancel := context.WithTimeout(f.ctx, time.Duration(round)*time.Millisecond)
		if f.Observe(ctx, 0, o) == nil {
			whole++
		}
		cancel()
	}
	instances, _, _, _, err := f.Facts(f.ctx)
	f.must(err)
	events, err := f.Events(f.ctx, paas.EventFilter{})
	f.must(err)
	f.equal("instances of the observations whose event is there", len(instances), rows*len(events))
	if len(events) < whole { // more may be: a context can end between the commit and its report
		f.Errorf("%d observations are there, %d were reported written", len(events), whole)
	}
}

func endedInstances(_ *testing.T, f *fixture) {
	f.save(newApp(shop))
	f.must(f.Observe(f.ctx, 0, paas.Observation{Instances: []paas.Instance{
		instance(shop, "a", 1, paas.InstanceRunning), instance(shop, "b", 1, paas.InstanceComplete),
		instance(shop, "c", 2, paas.InstanceFailed), instance(shop, "d", 3, paas.InstanceLost), instance(shop, "e", 3, paas.InstanceStopping),
	}}))
	ids := func(snap paas.Snapshot) []string {
		var ids []string
		for _, i := range snap.Instances {
			ids = append(ids, i.ID)
		}
		slices.Sort(ids)
		return ids
	}
	snap, err := f.Snapshot(f.ctx, shop)
	f.must(err)
	f.equal("without a walk", ids(snap), []string{"a", "e"})
	snap = f.save(paas.Change{Ref: shop, Version: snap.Version, Deployments: []paas.Deployment{
		{ID: "d1", Team: "default", App: "shop", Release: 2, Previous: 1, State: paas.DeploymentRunning, CreatedAt: moment},
	}})
	f.equal("while 1 walks to 2", ids(snap), []string{"a", "b", "c", "e"})

	f.must(f.Observe(f.ctx, 0, paas.Observation{Instances: []paas.Instance{instance(paas.AppRef{Team: "default", App: "other"}, "o", 1, paas.InstanceFailed)}}))
	for ref, want := range map[paas.AppRef][]string{shop: {"a", "b", "c", "d", "e"}, {}: {"a", "b", "c", "d", "e", "o"}} {
		all, err := f.Instances(f.ctx, ref)
		f.must(err)
		f.equal("instances of "+ref.String()+", ended ones with them", ids(paas.Snapshot{Instances: all}), want)
	}
}

func epochs(_ *testing.T, f *fixture) {
	snap := f.save(newApp(shop))
	first, err := f.Lead(f.ctx)
	f.must(err)
	f.must(f.Save(f.ctx, first, paas.Change{Ref: shop, Version: snap.Version}))
	f.must(f.Observe(f.ctx, first, paas.Observation{}))
	second, err := f.Lead(f.ctx)
	f.must(err)
	if second <= first {
		f.Fatalf("epoch %d after %d", second, first)
	}
	snap, err = f.Snapshot(f.ctx, shop)
	f.must(err)
	f.code(f.Save(f.ctx, first, paas.Change{Ref: shop, Version: snap.Version, Events: []paas.Event{event(shop, "late")}}), paas.Conflict)
	f.code(f.Observe(f.ctx, first, observation(shop)), paas.Conflict)
	after, err := f.Snapshot(f.ctx, shop)
	f.must(err)
	f.equal("snapshot", after, snap)
	f.must(f.Save(f.ctx, 0, paas.Change{Ref: shop, Version: snap.Version})) // a wish is always allowed
	f.must(f.Observe(f.ctx, second, observation(shop)))
}

func epochsRestart(_ *testing.T, f *fixture) {
	first, err := f.Lead(f.ctx)
	f.must(err)
	f.restart()
	second, err := f.Lead(f.ctx)
	f.must(err)
	if second <= first {
		f.Fatalf("epoch %d after %d", second, first)
	}
	f.code(f.Observe(f.ctx, first, paas.Observation{}), paas.Conflict)
}

func notifyAfterCommit(_ *testing.T, f *fixture) {
	var mu sync.Mutex
	var seen []int64
	f.mu.Lock()
	f.onNotify = func(ref paas.AppRef) {
		last, err := f.LastEvent(f.ctx) // would wait for ever, or not see the event, inside the transaction
		f.must(err)
		mu.Lock()
		seen = append(seen, last)
		mu.Unlock()
	}
	f.mu.Unlock()
	c := newApp(shop)
	c.Events = []paas.Event{event(shop, "one"), event(other, "two")}
	f.must(f.Save(f.ctx, 0, c))
	f.equal("notified", f.drain(), []paas.AppRef{shop, other})
	f.must(f.Emit(f.ctx, event(other, "three")))
	f.must(f.PutBuild(f.ctx, paas.BuildJob{ID: "b", Team: "default", App: "shop", CreatedAt: moment}))
	f.must(f.Observe(f.ctx, 0, observation(shop)))
	f.equal("notified", f.drain(), []paas.AppRef{other, shop, shop})
	mu.Lock()
	defer mu.Unlock()
	f.equal("last events seen by notify", seen[:3], []int64{2, 2, 3})
}

func failedInstances(_ *testing.T, f *fixture) {
	c := newApp(shop)
	c.Slots = []paas.Slotted{{Team: "default", App: "shop", Slot: paas.Blue, Release: 1, Counts: map[string]int{"web": 2}}}
	f.save(c)
	place := func(id string, index, second int, state paas.InstanceState) paas.Instance {
		i := instance(shop, id, 1, state)
		i.Index, i.CreatedAt = index, moment.Add(time.Duration(second)*time.Second)
		return i
	}
	f.must(f.Observe(f.ctx, 0, paas.Observation{Instances: []paas.Instance{
		place("a", 0, 0, paas.InstanceFailed), place("b", 0, 1, paas.InstanceRunning), // was placed anew
		place("c", 1, 0, paas.InstanceFailed), place("d", 1, 1, paas.InstanceFailed), // the second waits for its next try
		place("e", 2, 0, paas.InstanceFailed), place("f", 1, 2, paas.InstanceComplete), // not wanted, and ended well
	}}))
	snap, err := f.Snapshot(f.ctx, shop)
	f.must(err)
	var ids []string
	for _, i := range snap.Instances {
		ids = append(ids, i.ID)
	}
	slices.Sort(ids)
	f.equal("instances", ids, []string{"b"}) // f came after d
	f.must(f.Observe(f.ctx, 0, paas.Observation{Gone: []string{"f"}}))
	snap, err = f.Snapshot(f.ctx, shop)
	f.must(err)
	ids = nil
	for _, i := range snap.Instances {
		ids = append(ids, i.ID)
	}
	slices.Sort(ids)
	f.equal("instances", ids, []string{"b", "d"})
}

func nodes(_ *testing.T, f *fixture) {
	f.save(newApp(shop))
	f.save(newApp(other))
	one := paas.Node{
		ID: "n-1", Name: "one", Datacenter: "dc1", Pool: "default", Address: "10.0.0.1", Status: paas.NodeReady, Eligible: true, Since: moment,
	}
	two := paas.Node{ID: "n-2", Name: "two", Status: paas.NodeDown, Draining: true, Since: moment}
	f.must(f.Observe(f.ctx, 0, paas.Observation{Nodes: []paas.Node{two, one}}))
	all, err := f.Nodes(f.ctx)
	f.must(err)
	f.equal("nodes", all, []paas.Node{one, two})
	f.must(f.Observe(f.ctx, 0, observation(shop)))
	f.drain()
	one.Eligible = false
	f.must(f.Observe(f.ctx, 0, paas.Observation{Nodes: []paas.Node{one, two}}))
	f.equal("notified: only the app with an instance there", f.drain(), []paas.AppRef{shop})
	snap, err := f.Snapshot(f.ctx, shop)
	f.must(err)
	f.equal("nodes of the app", snap.Nodes, map[string]paas.Node{"n-1": one})
	f.must(f.Observe(f.ctx, 0, paas.Observation{GoneNodes: []string{"n-1", "never seen"}}))
	all, err = f.Nodes(f.ctx)
	f.must(err)
	f.equal("nodes, one gone", all, []paas.Node{two})
	f.equal("notified of the gone", f.drain(), []paas.AppRef{shop})
}

func backends(_ *testing.T, f *fixture) {
	nomad := paas.Backend{Name: paas.BackendNomad, OK: true, Since: moment}
	vault := paas.Backend{Name: paas.BackendVault, Reason: "Vault is sealed.", Since: moment}
	f.must(f.Observe(f.ctx, 0, paas.Observation{Backends: []paas.Backend{vault, nomad}}))
	vault.OK, vault.Reason, vault.Since = true, "", moment.Add(time.Second)
	f.must(f.Observe(f.ctx, 0, paas.Observation{Backends: []paas.Backend{vault}}))
	all, err := f.Backends(f.ctx)
	f.must(err)
	f.equal("backends", all, []paas.Backend{nomad, vault})
}
