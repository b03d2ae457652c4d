package doctor_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/doctor"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// cluster answers as a well one does, but for what a test changes.
type cluster struct {
	mu     sync.Mutex
	err    error // of everything but the routers' tables
	looks  atomic.Int32
	stale  int // tables still lack an instance for so many reads
	asked  []string
	frozen bool
}

type program struct {
	*cluster
	name string
}

func (c *cluster) fault() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

func (p program) Quorum(context.Context) (paas.Quorum, error) {
	p.looks.Add(1)
	version := map[string]string{"nomad": "2.0.6", "consul": "1.8.7", "vault": "2.6.2"}[p.name]
	return three(p.name, version), p.fault()
}

func (p program) Agents(_ context.Context, servers []paas.QuorumServer) ([]paas.NomadAgent, error) {
	agents := well().Agents.Is
	if len(servers) == 0 {
		agents = agents[:2]
	}
	return agents, p.fault()
}

func (p program) Rooms(context.Context) (map[string]paas.NodeCapacity, error) {
	return map[string]paas.NodeCapacity{"id1": {}, "id2": {}, "id3": {CPU: paas.Extent{Reserved: 1}}}, p.fault()
}

func (p program) RouterJob(context.Context) (*paas.RouterJob, error) {
	return &paas.RouterJob{Nodes: []paas.Node{{ID: "id1", Name: "client-1"}}, Instances: []paas.SystemInstance{{ID: "a", NodeID: "id1", Node: "client-1", Client: "running"}}}, p.fault()
}

func (p program) TokenEnd(context.Context) (*time.Time, error) { return nil, p.fault() }

func (p program) Lease(context.Context) (paas.Lease, error) {
	return paas.Lease{Renewable: true}, p.fault()
}

func (p program) Serving(context.Context) ([]paas.Serving, error) {
	return []paas.Serving{{Service: "acme--shop--web--blue", Address: "a:1", Routed: true}}, p.fault()
}

func (p program) RuleKeys(context.Context, uint64, time.Duration) ([]paas.RuleKey, uint64, error) {
	return nil, 1, p.fault()
}

func (p program) Settings(context.Context) ([]paas.RouterSettings, error) {
	return well().Routers.Is, p.fault()
}

func (p program) Tables(context.Context) ([]paas.RouterTable, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stale--; p.stale >= 0 || p.frozen {
		return []paas.RouterTable{{Router: "r"}}, nil
	}
	return []paas.RouterTable{{Router: "r", Entries: []paas.RouterEntry{{Service: "acme--shop--web--blue", Dst: "a:1"}}}}, nil
}

func (c *cluster) sources() doctor.Sources {
	of := func(name string) program { return program{c, name} }
	return doctor.Sources{
		Nomad: of("nomad"), Consul: of("consul"), Vault: of("vault"), Routers: of("fabio"),
		Nodes: func(context.Context) ([]paas.NodeView, error) {
			node := func(id string, eligible bool) paas.NodeView {
				return paas.NodeView{Node: paas.Node{ID: id, Name: id, Status: paas.NodeReady, Eligible: eligible}}
			}
			return []paas.NodeView{node("id1", true), node("id2", true), node("id3", false)}, c.fault()
		},
		Drift:   func(context.Context, *paas.AppRef) ([]paas.Finding, error) { return nil, c.fault() },
		Machine: func() (paas.Machine, error) { return paas.Machine{Name: "here"}, c.fault() },
		Certificate: func(_ context.Context, at doctor.Endpoint) paas.Certificate {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.asked = append(c.asked, at.Of+" "+at.Where)
			return paas.Certificate{Of: at.Of, Where: at.Where, Ends: new(now.Add(1e4 * time.Hour))}
		},
		Endpoints: []doctor.Endpoint{{Of: "nomad", Where: "10.0.0.1:4646"}},
		VaultURL:  "https://vault.example:8200",
	}
}

func TestALookAsksEverythingAndEveryEndpointOnce(t *testing.T) {
	t.Parallel()
	c := &cluster{}
	f := doctor.Look(t.Context(), c.sources(), now)
	if got := doctor.Findings(f); len(got) != 0 {
		t.Errorf("findings: %+v", got)
	}
	slices.Sort(c.asked)
	want := []string{"nomad 10.0.0.1:4646", "nomad 10.0.1.1:4646", "nomad 10.0.1.2:4646", "vault 10.0.0.1:8200", "vault 10.0.0.2:8200", "vault 10.0.0.3:8200"}
	if !slices.Equal(c.asked, want) {
		t.Errorf("certificates of %q, want %q", c.asked, want)
	}
	if len(f.Rooms.Is) != 2 {
		t.Errorf("rooms: %+v: a node that takes no instances has none to offer", f.Rooms.Is)
	}
}

func TestWhatDoesNotAnswerIsAFindingOfItsOwn(t *testing.T) {
	t.Parallel()
	c := &cluster{err: paas.Errorf(paas.Unavailable, "It does not answer.")}
	found := doctor.Findings(doctor.Look(t.Context(), c.sources(), now))
	var got []string
	for _, f := range found {
		if !strings.Contains(f.Found, "It does not answer.") {
			t.Errorf("%s: %q does not say why", f.Thing, f.Found)
		}
		got = append(got, string(f.Severity)+" "+string(f.Subject)+" "+f.Thing)
	}
	want := []string{
		"critical quorum consul", "critical quorum nomad", "critical quorum vault",
		"unknown lease token for Consul", "unknown lease token for Nomad", "unknown lease token for Vault", "unknown capacity nodes",
		"unknown drift apps", "unknown agent nomad", "unknown router fabio", "unknown router routers", "unknown router tables", "unknown machine this server",
	}
	if !slices.Equal(got, want) {
		t.Errorf("found %q\n want %q", got, want)
	}
}

func TestATableThatFollowsAMomentLaterIsNotStale(t *testing.T) {
	t.Parallel()
	if f := doctor.Look(t.Context(), (&cluster{stale: 1}).sources(), now); f.Stale.Reason != "" || len(f.Stale.Is) != 0 {
		t.Errorf("late: %+v", f.Stale)
	}
	if f := doctor.Look(t.Context(), (&cluster{frozen: true}).sources(), now); len(f.Stale.Is) != 1 || !f.Stale.Is[0].Lacks {
		t.Errorf("frozen: %+v", f.Stale)
	}
}

func TestWhoAsksTwiceIsToldTheSameForAMoment(t *testing.T) {
	t.Parallel()
	c := &cluster{}
	var at atomic.Int64
	d := doctor.New(c.sources(), func() time.Time { return now.Add(time.Duration(at.Load())) }, nil)
	if _, ok := d.Last(); ok {
		t.Error("something was found before the first look")
	}
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			if _, err := d.Checkup(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := c.looks.Load(); n != 3 { // one for each program
		t.Errorf("%d quorums were asked for, want 3", n)
	}
	at.Store(int64(time.Minute))
	c.mu.Lock()
	c.err = paas.Errorf(paas.Forbidden, "No.")
	c.mu.Unlock()
	found, err := d.Checkup(t.Context())
	if err != nil || found.Worst != paas.NotKnown || len(found.Quorums) != 0 {
		t.Errorf("a minute later: %+v, %v", found, err)
	}
	if last, ok := d.Last(); !ok || !last.At.Equal(found.At) {
		t.Errorf("last: %+v", last)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	at.Store(int64(time.Hour))
	if _, err := d.Checkup(gone); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller who left: %v", err)
	}
	if last, _ := d.Last(); !last.At.Equal(found.At) {
		t.Error("a look that was broken off was kept")
	}
}
