package nomad_test

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/devstack/nomad"
)

// attach runs a further client; what it returns kills it.
func (s *stack) attach(t *testing.T, name string, grace time.Duration) (kill func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- nomad.Attach(ctx, s.addr, nomad.ClientSpec{Name: name, MinPort: 32100, MaxPort: 32199, Grace: grace}, slog.New(slog.DiscardHandler))
	}()
	s.until(t, "its node is ready", func() bool { return s.node(t, name).Status == "ready" })
	kill = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	s.kills = append(s.kills, kill)
	return kill
}

func (s *stack) node(t *testing.T, name string) *nomadapi.NodeListStub {
	t.Helper()
	nodes, _, err := s.Nodes().List(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range nodes {
		if n.Name == name {
			return n
		}
	}
	return &nomadapi.NodeListStub{}
}

// on are the running instances by node.
func (s *stack) on(t *testing.T, id string, count int) map[string][]*nomadapi.AllocationListStub {
	t.Helper()
	by := map[string][]*nomadapi.AllocationListStub{}
	for _, a := range s.running(t, id, count) {
		by[a.NodeName] = append(by[a.NodeName], a)
	}
	return by
}

// The tasks of a client that is killed live on, others take their place, and it stops them when it is back.
func TestAClientThatIsKilledLosesItsInstances(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	kill := s.attach(t, "node-2", 500*time.Millisecond)
	j := job("app", 4, `echo $$; trap 'echo stopped; exit 0' INT; while :; do sleep 0.05; done`)
	s.register(t, j)
	by := s.on(t, "app", 4)
	if len(by["node-1"]) != 2 || len(by["node-2"]) != 2 {
		t.Fatalf("%d and %d instances on two equal nodes", len(by["node-1"]), len(by["node-2"]))
	}
	gone := by["node-2"]
	s.until(t, "they have said something", func() bool { return s.log(t, gone[0].ID) != "" })
	kill()
	s.until(t, "the node is down", func() bool { return s.node(t, "node-2").Status == "down" })
	if by := s.on(t, "app", 4); len(by["node-1"]) != 4 {
		t.Fatalf("not all run on what is left: %v", by)
	}
	for _, a := range gone {
		lost, _, err := s.Allocations().Info(a.ID, nil)
		if err != nil || lost.ClientStatus != "lost" || lost.DesiredStatus != "stop" || lost.DesiredDescription != "alloc is lost since its node is down" || lost.NextAllocation == "" {
			t.Errorf("got %+v, %v", lost, err)
		}
		if _, _, err := s.AllocFS().Stat(lost, "/", nil); err == nil || !strings.Contains(err.Error(), "No path to node") {
			t.Errorf("files of a client that is gone: %v", err)
		}
	}
	s.attach(t, "node-2", 500*time.Millisecond)
	for _, a := range gone {
		s.until(t, "the client has stopped what is lost", func() bool {
			a, _, err := s.Allocations().Info(a.ID, nil)
			return err == nil && a.ClientStatus == "complete"
		})
		if log := s.log(t, a.ID); !strings.Contains(log, "stopped") {
			t.Errorf("the task did not live on: %q", log)
		}
	}
	n, _, err := s.Nodes().Info(s.node(t, "node-2").ID, nil)
	if err != nil || !slices.ContainsFunc(n.Events, func(e *nomadapi.NodeEvent) bool { return e.Message == "Node heartbeat missed" }) ||
		n.Events[len(n.Events)-1].Message != "Node reregistered by heartbeat" {
		t.Errorf("got %+v, %v", n, err)
	}
}

// A client that is back in time has missed nothing, and neither has anybody else.
func TestAClientThatIsBackInTimeKeepsItsInstances(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	kill := s.attach(t, "node-2", time.Hour)
	s.register(t, job("app", 2, forever))
	before := s.on(t, "app", 2)
	kill()
	s.attach(t, "node-2", time.Hour)
	after := s.on(t, "app", 2)
	if len(before["node-2"]) != 1 || len(after["node-2"]) != 1 || before["node-2"][0].ID != after["node-2"][0].ID {
		t.Errorf("%v became %v", before, after)
	}
	// The server's word "running" is of before: as in Nomad, the client takes its tasks up again after it has come back.
	s.until(t, "the client that is back restarts a task", func() bool {
		return s.Allocations().Restart(&nomadapi.Allocation{ID: after["node-2"][0].ID}, "", nil) == nil
	})
}

// The node of a client that does not come back after a restart of the server goes down, too.
func TestAServerThatRestartsMissesAClient(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	kill := s.attach(t, "node-2", 100*time.Millisecond)
	s.stop()
	kill()
	s.open(t)
	if got := s.node(t, "node-2").Status; got != "ready" {
		t.Fatalf("at once it is %s", got)
	}
	s.until(t, "the node is down", func() bool { return s.node(t, "node-2").Status == "down" })
}

func TestADrainWaitsForTheOtherNode(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	s.attach(t, "node-2", time.Hour)
	j := job("app", 4, forever)
	j.TaskGroups[0].Migrate.MinHealthyTime = new(time.Second) // so that a drain that does not wait is seen
	s.register(t, j)
	healthy := func(node string) (count int) {
		for _, a := range s.on(t, "app", 4)[node] {
			if d := a.DeploymentStatus; d != nil && d.Healthy != nil && *d.Healthy {
				count++
			}
		}
		return count
	}
	s.until(t, "all are healthy", func() bool { return healthy("node-1") == 2 && healthy("node-2") == 2 })
	if _, err := s.Nodes().UpdateDrain(s.node(t, "node-2").ID, &nomadapi.DrainSpec{Deadline: time.Hour}, false, nil); err != nil {
		t.Fatal(err)
	}
	fewest := 4
	s.until(t, "the drain is complete", func() bool {
		list, _, err := s.Jobs().Allocations("app", true, nil)
		if err != nil {
			t.Fatal(err)
		}
		up := 0
		for _, a := range list {
			if d := a.DeploymentStatus; a.DesiredStatus == "run" && a.ClientStatus == "running" && d != nil && d.Healthy != nil && *d.Healthy {
				up++
			}
		}
		fewest = min(fewest, up)
		n, _, err := s.Nodes().Info(s.node(t, "node-2").ID, nil)
		return err == nil && !n.Drain && n.LastDrain != nil && n.LastDrain.Status == "complete"
	})
	if fewest < 3 {
		t.Errorf("only %d of 4 were healthy while max_parallel is 1", fewest)
	}
	if by := s.on(t, "app", 4); len(by["node-1"]) != 4 {
		t.Errorf("got %v", by)
	}
}
