package sched_test

import (
	"slices"
	"testing"

	nomadapi "github.com/hashicorp/nomad/api"
)

// twoNodes is a world with a second node, equal to the first.
func twoNodes(memory int) *world {
	w := newWorld(memory)
	second := *w.in.Nodes[0]
	second.ID = "second"
	w.in.Nodes = append(w.in.Nodes, &second)
	return w
}

// on counts the wanted instances of each node.
func (w *world) on() map[string]int {
	by := map[string]int{}
	for _, a := range w.in.Allocs {
		if !a.Terminal() {
			by[a.NodeID]++
		}
	}
	return by
}

func TestInstancesSpreadOverEqualNodes(t *testing.T) {
	t.Parallel()
	for count := range 5 {
		w := twoNodes(4000)
		w.register(spec(2*count, nil))
		if by := w.on(); by["node"] != count || by["second"] != count {
			t.Errorf("%d instances: %v", 2*count, by)
		}
	}
}

func TestOnlyReadyAndEligibleNodesTakeInstances(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(n *nomadapi.Node){
		"ineligible": func(n *nomadapi.Node) { n.SchedulingEligibility = "ineligible" },
		"draining":   func(n *nomadapi.Node) { n.Drain = true },
		"down":       func(n *nomadapi.Node) { n.Status = "down" },
		"elsewhere":  func(n *nomadapi.Node) { n.NodePool = "other" },
	} {
		w := twoNodes(4000)
		edit(w.in.Nodes[1])
		w.register(spec(3, nil))
		if by := w.on(); by["node"] != 3 {
			t.Errorf("%s: %v", name, by)
		}
	}
}

func TestAFullNodeLeavesTheOther(t *testing.T) {
	t.Parallel()
	w := twoNodes(200)
	plan := w.register(spec(5, nil))
	if by := w.on(); by["node"] != 2 || by["second"] != 2 {
		t.Errorf("%v", by)
	}
	m := plan.Failed["web"]
	if m == nil || m.NodesEvaluated != 2 || m.NodesExhausted != 2 || m.DimensionExhausted["memory"] != 2 || m.NodesAvailable["dc1"] != 2 {
		t.Errorf("%+v", m)
	}
}

func TestWhatRunsOnANodeThatIsDownIsLostAndReplaced(t *testing.T) {
	t.Parallel()
	w := twoNodes(4000)
	w.register(spec(4, nil))
	w.in.Nodes[1].Status = "down"
	plan := w.evaluate("down")
	if by := w.on(); by["node"] != 4 || len(plan.Stop) != 2 || len(plan.Place) != 2 {
		t.Fatalf("%v, %d stopped, %d placed", by, len(plan.Stop), len(plan.Place))
	}
	for _, a := range plan.Stop {
		if a.ClientStatus != "lost" || a.DesiredDescription != "alloc is lost since its node is down" || a.NextAllocation == "" || a.NodeID != "second" {
			t.Errorf("%+v", a.Allocation)
		}
	}
	if got := w.wanted(); !slices.Equal(got, []string{"app.web[0]", "app.web[1]", "app.web[2]", "app.web[3]"}) {
		t.Errorf("names %v", got)
	}
	if again := w.evaluate("again"); !again.NoOp() {
		t.Error("the lost are dealt with twice")
	}
}

// What was told to stop and had not when its node went down is lost as well, and nothing takes its place again.
func TestWhatStopsOnANodeThatIsDownIsLost(t *testing.T) {
	t.Parallel()
	w := twoNodes(4000)
	w.register(spec(2, nil))
	for i, a := range w.in.Allocs {
		if a.NodeID == "second" {
			c := a.Copy()
			c.DesiredStatus = "stop"
			w.in.Allocs[i] = c
		}
	}
	w.in.Nodes[1].Status = "down"
	plan := w.evaluate("down")
	if len(plan.Stop) != 1 || plan.Stop[0].ClientStatus != "lost" || len(plan.Place) != 1 {
		t.Errorf("%d stopped, %d placed", len(plan.Stop), len(plan.Place))
	}
}

func TestWhatFailedGoesElsewhere(t *testing.T) {
	t.Parallel()
	w := twoNodes(4000)
	w.register(spec(1, nil))
	failed := w.in.Allocs[0]
	w.fail(failed.Name)
	w.in.Now = w.in.Now.Add(30e9)
	plan := w.evaluate("due")
	if len(plan.Place) != 1 || plan.Place[0].NodeID == failed.NodeID {
		t.Errorf("%+v", plan.Place)
	}
}

func TestDistinctHostsTakeOneInstanceEach(t *testing.T) {
	t.Parallel()
	w := twoNodes(4000)
	plan := w.register(spec(3, func(j *nomadapi.Job) {
		j.Constraints = []*nomadapi.Constraint{{Operand: nomadapi.ConstraintDistinctHosts, RTarget: "true"}}
	}))
	if by := w.on(); by["node"] != 1 || by["second"] != 1 {
		t.Errorf("%v", by)
	}
	if m := plan.Failed["web"]; m == nil || m.NodesFiltered != 2 || m.ConstraintFiltered["distinct_hosts"] != 2 {
		t.Errorf("%+v", m)
	}
}
