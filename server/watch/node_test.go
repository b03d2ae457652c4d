package watch_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/watch"
)

func node(id, status string, change ...func(*nomadapi.NodeListStub)) *nomadapi.NodeListStub {
	n := &nomadapi.NodeListStub{
		ID: id, Name: "node-" + id, Datacenter: "dc1", NodePool: "default", Address: "10.0.0." + id, Status: status, SchedulingEligibility: "eligible",
	}
	for _, f := range change {
		f(n)
	}
	return n
}

func draining(n *nomadapi.NodeListStub)   { n.Drain, n.SchedulingEligibility = true, "ineligible" }
func ineligible(n *nomadapi.NodeListStub) { n.SchedulingEligibility = "ineligible" }

func nodes(index uint64, list ...*nomadapi.NodeListStub) watch.Seen {
	return watch.Seen{Nodes: &watch.Nodes{Index: index, List: list}}
}

// on is an allocation of an app that runs on a node, placed at a moment.
func on(node, id, app, index string, at time.Duration) *nomadapi.AllocationListStub {
	a := running(id, 0, after(at))
	a.JobID, a.Name, a.NodeID, a.NodeName = app+".blue", app+".blue.web["+index+"]", node, "node-"+node
	return a
}

// lost is that allocation after its node was lost, placed anew as next.
func lost(a *nomadapi.AllocationListStub, next string) *nomadapi.AllocationListStub {
	l := *a
	l.ClientStatus, l.DesiredStatus, l.NextAllocation = "lost", "stop", next
	return &l
}

func TestALostNodeIsToldWithWhatBecameOfItsInstances(t *testing.T) {
	t.Parallel()
	a, b, c, d := on("2", "a", "shop", "0", 0), on("2", "b", "shop", "1", 0), on("2", "c", "deaf", "0", 0), on("1", "d", "shop", "2", 0)
	f := newFolder(100)
	f.at(after(0), nodes(1, node("1", "ready"), node("2", "ready")))
	f.at(after(time.Second), allocations(1, a, b, c, d))
	list := allocations(2, lost(a, "a2"), lost(b, "b2"), lost(c, "c2"), d,
		on("1", "a2", "shop", "0", time.Minute), on("1", "b2", "shop", "1", time.Minute), on("3", "c2", "deaf", "0", time.Minute))
	for _, order := range [][]watch.Seen{ // whichever list comes first
		{nodes(2, node("1", "ready"), node("2", "down")), list},
		{list, nodes(2, node("1", "ready"), node("2", "down"))},
	} {
		g := *f
		g.all = nil
		for n, seen := range order {
			g.at(after(time.Minute+time.Duration(n)*time.Second), seen)
		}
		g.at(after(time.Minute+5*time.Second), list)
		got := map[string]int{}
		for _, message := range g.kinds(paas.EventNodeState) {
			got[message]++
		}
		if diff := cmp.Diff(map[string]int{
			"node node-2 is down: 2 instances of shop there":                 1,
			"node node-2 is down: 2 instances of shop placed anew on node-1": 1,
			"node node-2 is down: 1 instance of deaf there":                  1,
			"node node-2 is down: 1 instance of deaf placed anew on node-3":  1,
		}, got); diff != "" {
			t.Errorf("events of nodes (-want +got):\n%s", diff)
		}
		for _, i := range g.facts.Instances() {
			if i.ID == "a2" && (i.Previous != "a" || i.NodeID != "1") {
				t.Errorf("a2 = %+v, want it placed instead of a on node 1", i)
			}
		}
	}
}

func TestADrainIsTold(t *testing.T) {
	t.Parallel()
	a := on("2", "a", "shop", "0", 0)
	f := newFolder(100)
	f.at(after(0), nodes(1, node("1", "ready"), node("2", "ready")))
	f.at(after(time.Second), allocations(1, a))
	f.at(after(2*time.Second), nodes(2, node("1", "ready"), node("2", "ready", ineligible)))
	f.at(after(3*time.Second), nodes(3, node("1", "ready"), node("2", "ready", draining)))
	moved := *a
	moved.DesiredStatus, moved.DesiredDescription, moved.NextAllocation = "stop", "alloc is being migrated", "b"
	b := on("1", "b", "shop", "0", 4*time.Second)
	f.at(after(4*time.Second), allocations(2, &moved, b))
	f.at(after(5*time.Second), nodes(4, node("1", "ready"), node("2", "ready", ineligible)))
	f.at(after(6*time.Second), nodes(5, node("1", "ready"), node("2", "ready")))
	if diff := cmp.Diff([]string{
		"node node-2 takes no new instances: 1 instance of shop there",
		"node node-2 is being drained: 1 instance of shop there",
		"node node-2 is being drained: 1 instance of shop placed anew on node-1",
		"node node-2 is drained", // its instance is stopping, not gone
		"node node-2 takes new instances again: 1 instance of shop there",
	}, f.kinds(paas.EventNodeState)); diff != "" {
		t.Errorf("events of nodes (-want +got):\n%s", diff)
	}
}

func TestNodesAreWrittenWhenTheyChange(t *testing.T) {
	t.Parallel()
	f := newFolder(100)
	first := f.at(after(0), nodes(1, node("1", "ready"), node("2", "ready", draining)))
	if diff := cmp.Diff([]paas.Node{
		{ID: "1", Name: "node-1", Datacenter: "dc1", Pool: "default", Address: "10.0.0.1", Status: paas.NodeReady, Eligible: true, Since: epoch},
		{ID: "2", Name: "node-2", Datacenter: "dc1", Pool: "default", Address: "10.0.0.2", Status: paas.NodeReady, Draining: true, Since: epoch},
	}, first.Nodes); diff != "" {
		t.Errorf("nodes (-want +got):\n%s", diff)
	}
	if again := f.at(after(time.Second), nodes(2, node("1", "ready"), node("2", "ready", draining))); len(again.Nodes) != 0 {
		t.Errorf("written again though nothing changed: %+v", again.Nodes)
	}
	gone := f.at(after(2*time.Second), nodes(3, node("1", "down")))
	if len(gone.Nodes) != 1 || gone.Nodes[0].Status != paas.NodeDown || !gone.Nodes[0].Since.Equal(after(2*time.Second)) ||
		len(gone.GoneNodes) != 1 || gone.GoneNodes[0] != "2" {
		t.Errorf("observation = %+v, want node 1 down since now and node 2 gone", gone)
	}
}

func TestBackendsAreFactsThatAreWrittenWhenTheyChange(t *testing.T) {
	t.Parallel()
	f := newFolder(100)
	said := func(at time.Duration, ok bool, reason string) paas.Observation {
		return f.at(after(at), watch.Seen{Backends: map[string]paas.Backend{"vault": {Name: "vault", OK: ok, Reason: reason}}})
	}
	if o := said(0, true, ""); len(o.Backends) != 1 || len(o.Events) != 0 {
		t.Errorf("at first: %+v, want the fact and no event", o)
	}
	if o := said(time.Second, true, ""); len(o.Backends) != 0 {
		t.Errorf("the same again: %+v", o)
	}
	if o := said(2*time.Second, false, "Vault is sealed."); len(o.Backends) != 1 || len(o.Events) != 1 || o.Events[0].Message != "Vault is sealed." || o.Events[0].App != "" {
		t.Errorf("sealed: %+v", o)
	}
	if o := said(3*time.Second, false, "Vault does not answer."); len(o.Backends) != 1 || !o.Backends[0].Since.Equal(after(2*time.Second)) || len(o.Events) != 0 {
		t.Errorf("another reason: %+v, want the fact since the beginning and no event", o)
	}
	if o := said(4*time.Second, true, ""); len(o.Events) != 1 || o.Events[0].Message != "vault is well again" {
		t.Errorf("well again: %+v", o)
	}
}

func TestWatchPingsBackends(t *testing.T) {
	t.Parallel()
	w := newWorld()
	answers := make(chan error, 10)
	for _, err := range []error{nil, paas.Errorf(paas.Unavailable, "Vault is sealed."), errors.New("secret words"), nil} {
		answers <- err
	}
	done := make(chan struct{})
	w.watch = watch.New(watch.Config{
		Nomad: w.nomad, Consul: w.consul, Fabio: w.fabio, Store: w.store, Every: time.Millisecond,
		Pinged: []watch.Pinged{{Name: "vault", Ping: func(ctx context.Context) error {
			select {
			case err := <-answers:
				return err
			default:
				select {
				case <-done:
				default:
					close(done)
				}
				<-ctx.Done()
				return nil
			}
		}}},
	})
	w.store.notify = w.watch.Notify
	w.run(t)
	<-done
	eventually(t, "all was written", func() bool {
		w.store.mu.Lock()
		defer w.store.mu.Unlock()
		var got []string
		for _, b := range w.store.backends {
			got = append(got, b.Reason)
		}
		return cmp.Equal(got, []string{"", "Vault is sealed.", "vault does not answer.", ""})
	})
}
