package sched_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/devstack/nomad/sched"
	"github.com/crumpet-paas/crumpet/server/devstack/nomad/state"
)

// world is one job on one node, to which plans are applied as the server does.
type world struct {
	in     sched.Input
	index  uint64
	number int
}

func newWorld(memory int) *world {
	w := &world{}
	w.in.Nodes = []*nomadapi.Node{{
		ID: "node", Datacenter: "dc1", NodePool: "default", Status: "ready", SchedulingEligibility: "eligible",
		Attributes: map[string]string{"unique.network.ip-address": "127.0.0.1", "kernel.name": "linux"},
		Meta:       map[string]string{"pool": "a"},
		Drivers:    map[string]*nomadapi.DriverInfo{"raw_exec": {Healthy: true}},
		NodeResources: &nomadapi.NodeResources{
			Cpu: nomadapi.NodeCpuResources{CpuShares: 4000}, Memory: nomadapi.NodeMemoryResources{MemoryMB: int64(memory)},
			Disk: nomadapi.NodeDiskResources{DiskMB: 100000}, MinDynamicPort: 20000, MaxDynamicPort: 20009,
		},
	}}
	w.in.Now = time.Unix(1000, 0)
	w.in.NewID = func() string { w.number++; return fmt.Sprintf("alloc-%d", w.number) }
	w.in.PortFree = func(int) bool { return true }
	return w
}

func spec(count int, edit func(*nomadapi.Job)) *nomadapi.Job {
	job := &nomadapi.Job{
		ID: new("app"), Name: new("app"), Type: new("service"), Datacenters: []string{"*"}, NodePool: new("default"),
		Update: &nomadapi.UpdateStrategy{MaxParallel: new(0)},
		TaskGroups: []*nomadapi.TaskGroup{{
			Name: new("web"), Count: &count,
			ReschedulePolicy: &nomadapi.ReschedulePolicy{
				Delay: new(10 * time.Second), DelayFunction: new("exponential"), MaxDelay: new(30 * time.Second), Unlimited: new(true),
			},
			Networks: []*nomadapi.NetworkResource{{Mode: "host", DynamicPorts: []nomadapi.Port{{Label: "http"}}}},
			Services: []*nomadapi.Service{{Name: "web", PortLabel: "http", Tags: []string{"a"}}},
			Tasks: []*nomadapi.Task{{
				Name: "web", Driver: "raw_exec", Config: map[string]any{"command": "true"}, Env: map[string]string{"A": "1"},
				Resources: &nomadapi.Resources{CPU: new(100), MemoryMB: new(100)},
			}},
		}},
	}
	if edit != nil {
		edit(job)
	}
	job.Canonicalize()
	return job
}

// register plans a new version and applies the plan.
func (w *world) register(job *nomadapi.Job) *sched.Plan {
	w.index++
	job.JobModifyIndex, job.Version = new(w.index), new(w.index)
	w.in.Job = job
	return w.evaluate(fmt.Sprintf("eval-%d", w.index))
}

func (w *world) evaluate(eval string) *sched.Plan {
	w.in.EvalID = eval
	plan := sched.Reconcile(w.in)
	for _, changed := range [][]*state.Alloc{plan.Stop, plan.InPlace} {
		for _, c := range changed {
			i := slices.IndexFunc(w.in.Allocs, func(a *state.Alloc) bool { return a.ID == c.ID })
			w.in.Allocs[i] = c
			if c.ServerTerminal() && !c.ClientTerminal() {
				c.ClientStatus = "complete"
			}
		}
	}
	for _, a := range plan.Place {
		a.ClientStatus = "running"
		w.in.Allocs = append(w.in.Allocs, a)
	}
	return plan
}

// fail ends an instance now, in vain.
func (w *world) fail(name string) {
	for i, a := range w.in.Allocs {
		if a.Name == name && !a.Terminal() {
			c := a.Copy()
			c.ClientStatus = "failed"
			c.TaskStates = map[string]*nomadapi.TaskState{"web": {State: "dead", Failed: true, FinishedAt: w.in.Now}}
			w.in.Allocs[i] = c
		}
	}
}

// wanted are the names of the instances that are to run.
func (w *world) wanted() []string {
	var names []string
	for _, a := range w.in.Allocs {
		if !a.Terminal() {
			names = append(names, a.Name)
		}
	}
	slices.Sort(names)
	return names
}

func desired(p *sched.Plan) nomadapi.DesiredUpdates { return *p.Desired["web"] }

func TestCountsFillTheLowestAndTakeTheHighest(t *testing.T) {
	t.Parallel()
	w := newWorld(4000)
	w.register(spec(3, nil))
	w.fail("app.web[0]")
	plan := w.register(spec(2, nil))
	if d := desired(plan); d.Stop != 1 || d.Place != 0 {
		t.Errorf("shrinking wants %+v", d)
	}
	if diff := cmp.Diff([]string{"app.web[1]"}, w.wanted()); diff != "" {
		t.Errorf("the highest must go, whatever its health:\n%s", diff)
	}
	w = newWorld(4000)
	w.register(spec(2, nil))
	plan = w.register(spec(4, nil))
	if d := desired(plan); d.Place != 2 || d.InPlaceUpdate != 2 || d.DestructiveUpdate != 0 {
		t.Errorf("growing wants %+v", d)
	}
	if diff := cmp.Diff([]string{"app.web[0]", "app.web[1]", "app.web[2]", "app.web[3]"}, w.wanted()); diff != "" {
		t.Error(diff)
	}
	if d := desired(w.register(spec(0, nil))); d.Stop != 4 {
		t.Errorf("count 0 wants %+v", d)
	}
}

func TestWhatAChangeDoesToRunningInstances(t *testing.T) {
	t.Parallel()
	group := func(j *nomadapi.Job) *nomadapi.TaskGroup { return j.TaskGroups[0] }
	task := func(j *nomadapi.Job) *nomadapi.Task { return group(j).Tasks[0] }
	for name, tc := range map[string]struct {
		edit        func(*nomadapi.Job)
		destructive bool
	}{
		"tags":             {func(j *nomadapi.Job) { group(j).Services[0].Tags = []string{"b"} }, false},
		"checks":           {func(j *nomadapi.Job) { group(j).Services[0].Checks = []nomadapi.ServiceCheck{{Type: "tcp"}} }, false},
		"restart attempts": {func(j *nomadapi.Job) { group(j).RestartPolicy = &nomadapi.RestartPolicy{Attempts: new(9)} }, false},
		"shutdown delay":   {func(j *nomadapi.Job) { group(j).ShutdownDelay = new(time.Second) }, false},
		"kill timeout":     {func(j *nomadapi.Job) { task(j).KillTimeout = new(9 * time.Second) }, false},
		"environment":      {func(j *nomadapi.Job) { task(j).Env["A"] = "2" }, true},
		"command":          {func(j *nomadapi.Job) { task(j).Config["command"] = "false" }, true},
		"memory":           {func(j *nomadapi.Job) { task(j).Resources.MemoryMB = new(101) }, true},
		"job meta":         {func(j *nomadapi.Job) { j.Meta = map[string]string{"release": "2"} }, true},
		"another port":     {func(j *nomadapi.Job) { group(j).Networks[0].DynamicPorts[0].Label = "other" }, true},
		"artifact":         {func(j *nomadapi.Job) { task(j).Artifacts = []*nomadapi.TaskArtifact{{GetterSource: new("http://x")}} }, true},
		"a drifted node": {func(j *nomadapi.Job) {
			j.Constraints = []*nomadapi.Constraint{{LTarget: "${meta.pool}", Operand: "=", RTarget: "b"}}
		}, true},
		"another datacenter":  {func(j *nomadapi.Job) { j.Datacenters = []string{"dc2"} }, true},
		"a template":          {func(j *nomadapi.Job) { task(j).Templates = []*nomadapi.Template{{EmbeddedTmpl: new("x")}} }, true},
		"an empty map is nil": {func(j *nomadapi.Job) { task(j).Meta, group(j).Services[0].Tags = map[string]string{}, nil }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(4000)
			w.register(spec(2, nil))
			d := desired(w.register(spec(2, tc.edit)))
			if tc.destructive && (d.DestructiveUpdate != 2 || d.InPlaceUpdate != 0) {
				t.Errorf("wants %+v, not two destructive updates", d)
			}
			if !tc.destructive && (d.InPlaceUpdate != 2 || d.DestructiveUpdate != 0) {
				t.Errorf("wants %+v, not two updates in place", d)
			}
		})
	}
}

func TestWhatDoesNotFitIsQueuedAndNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(250)
	plan := w.register(spec(4, nil))
	if len(plan.Place) != 2 || plan.Queued["web"] != 2 {
		t.Fatalf("placed %d, queued %v", len(plan.Place), plan.Queued)
	}
	m := plan.Failed["web"]
	if m.NodesEvaluated != 1 || m.NodesExhausted != 1 || m.CoalescedFailures != 1 || m.DimensionExhausted["memory"] != 1 {
		t.Errorf("got %+v", m)
	}
	w.in.Nodes[0].SchedulingEligibility = "ineligible"
	if m := w.evaluate("again").Failed["web"]; m.NodesEvaluated != 0 || m.NodesExhausted != 0 {
		t.Errorf("an ineligible node was evaluated: %+v", m)
	}
	w.in.Nodes[0].SchedulingEligibility = "eligible"
	m = w.register(spec(4, func(j *nomadapi.Job) { j.TaskGroups[0].Tasks[0].Driver = "docker" })).Failed["web"]
	if m.ConstraintFiltered["missing drivers"] != 1 {
		t.Errorf("got %+v", m)
	}
}

func TestADestructiveUpdateThatDoesNotFitKeepsTheOld(t *testing.T) {
	t.Parallel()
	w := newWorld(250)
	w.register(spec(1, nil))
	plan := w.register(spec(1, func(j *nomadapi.Job) { j.TaskGroups[0].Tasks[0].Resources.MemoryMB = new(9000) }))
	if len(plan.Stop) != 0 || plan.Failed["web"] == nil {
		t.Errorf("stops %v", plan.Stop)
	}
}

func TestPortsAreNeverGivenTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(100000)
	w.in.PortFree = func(port int) bool { return port != 20004 }
	plan := w.register(spec(10, nil))
	seen := map[int]bool{}
	for _, a := range plan.Place {
		port := a.AllocatedResources.Shared.Ports[0].Value
		if seen[port] || port < 20000 || port > 20009 || port == 20004 {
			t.Errorf("port %d given", port)
		}
		seen[port] = true
	}
	if len(seen) != 9 || plan.Failed["web"].DimensionExhausted["network: dynamic port selection failed"] != 1 {
		t.Errorf("%d ports given, then %+v", len(seen), plan.Failed["web"])
	}
	static := func(j *nomadapi.Job) {
		j.TaskGroups[0].Networks[0] = &nomadapi.NetworkResource{Mode: "host", ReservedPorts: []nomadapi.Port{{Label: "http", Value: 80}}}
	}
	w = newWorld(4000)
	plan = w.register(spec(2, static))
	if len(plan.Place) != 1 || plan.Failed["web"].DimensionExhausted["network: reserved port collision http=80"] != 1 {
		t.Errorf("placed %d, then %+v", len(plan.Place), plan.Failed["web"])
	}
}

func TestAFailedInstanceIsRescheduledAfterItsDelay(t *testing.T) {
	t.Parallel()
	w := newWorld(4000)
	w.register(spec(2, nil))
	for _, want := range []time.Duration{10 * time.Second, 20 * time.Second, 30 * time.Second, 30 * time.Second} {
		w.fail("app.web[1]")
		plan := w.evaluate("failure")
		if len(plan.Later) != 1 || len(plan.Place) != 0 {
			t.Fatalf("plan %+v", plan)
		}
		if got := plan.Later[0].At.Sub(w.in.Now); got != want {
			t.Errorf("waits %v, want %v", got, want)
		}
		w.in.Now = plan.Later[0].At
		plan = w.evaluate("due")
		if len(plan.Place) != 1 || len(plan.Stop) != 1 {
			t.Fatalf("plan %+v", plan)
		}
		next, prev := plan.Place[0], plan.Stop[0]
		if next.Name != "app.web[1]" || next.PreviousAllocation != prev.ID || prev.NextAllocation != next.ID {
			t.Errorf("%s takes the place of %s (%s)", next.Name, prev.Name, next.PreviousAllocation)
		}
		events := next.RescheduleTracker.Events
		if events[len(events)-1].PrevAllocID != prev.ID {
			t.Errorf("tracker names %s", events[len(events)-1].PrevAllocID)
		}
	}
}

func TestAttemptsOfReschedulingEnd(t *testing.T) {
	t.Parallel()
	limited := func(j *nomadapi.Job) {
		j.TaskGroups[0].ReschedulePolicy = &nomadapi.ReschedulePolicy{
			Attempts: new(1), Interval: new(time.Hour), Delay: new(10 * time.Second), DelayFunction: new("constant"), Unlimited: new(false),
		}
	}
	w := newWorld(4000)
	w.register(spec(1, limited))
	w.fail("app.web[0]")
	w.in.Now = w.evaluate("failure").Later[0].At
	if plan := w.evaluate("due"); len(plan.Place) != 1 {
		t.Fatalf("plan %+v", plan)
	}
	w.fail("app.web[0]")
	if plan := w.evaluate("failure"); !plan.NoOp() {
		t.Errorf("plan %+v", plan)
	}
}

func TestAMigratingInstanceIsReplacedAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(4000)
	w.register(spec(2, nil))
	w.in.Allocs[0].DesiredTransition.Migrate = new(true)
	plan := w.evaluate("stop")
	if d := desired(plan); d.Migrate != 1 || len(plan.Stop) != 1 || len(plan.Place) != 1 {
		t.Fatalf("wants %+v", d)
	}
	if plan.Place[0].Name != plan.Stop[0].Name || plan.Stop[0].NextAllocation != plan.Place[0].ID {
		t.Errorf("%s for %s", plan.Place[0].Name, plan.Stop[0].Name)
	}
}

func TestAStoppedJobStopsAll(t *testing.T) {
	t.Parallel()
	w := newWorld(4000)
	w.register(spec(2, nil))
	plan := w.register(spec(2, func(j *nomadapi.Job) { j.Stop = new(true) }))
	if d := desired(plan); d.Stop != 2 || len(w.wanted()) != 0 {
		t.Errorf("wants %+v", d)
	}
}

func TestABatchJobRunsEachIndexToItsEndOnce(t *testing.T) {
	t.Parallel()
	batch := func(j *nomadapi.Job) { j.Type, j.Update = new("batch"), nil }
	w := newWorld(4000)
	w.register(spec(2, batch))
	for i, a := range w.in.Allocs {
		c := a.Copy()
		c.ClientStatus = "complete"
		w.in.Allocs[i] = c
	}
	if plan := w.evaluate("again"); !plan.NoOp() {
		t.Errorf("what has ended is run again: %+v", desired(plan))
	}
	d := desired(w.register(spec(2, func(j *nomadapi.Job) { batch(j); j.TaskGroups[0].Tasks[0].Env["A"] = "2" })))
	if d.Place != 2 || d.Ignore != 2 || d.DestructiveUpdate != 0 {
		t.Errorf("another version wants %+v", d)
	}
}

func TestDistinctHostsKeepsWhatIsThere(t *testing.T) {
	t.Parallel()
	distinct := func(j *nomadapi.Job) {
		j.TaskGroups[0].Constraints = []*nomadapi.Constraint{{Operand: nomadapi.ConstraintDistinctHosts}}
	}
	w := newWorld(4000)
	plan := w.register(spec(2, distinct))
	if len(plan.Place) != 1 || plan.Failed["web"].ConstraintFiltered[nomadapi.ConstraintDistinctHosts] != 1 {
		t.Fatalf("placed %d, failed %+v", len(plan.Place), plan.Failed["web"])
	}
	if d := desired(w.register(spec(1, func(j *nomadapi.Job) { distinct(j); j.TaskGroups[0].Services[0].Tags = nil }))); d.InPlaceUpdate != 1 {
		t.Errorf("tags want %+v", d)
	}
}

func TestTasksThatEndBeforeMakeRoom(t *testing.T) {
	t.Parallel()
	with := func(hook string, sidecar bool) func(*nomadapi.Job) {
		return func(j *nomadapi.Job) {
			g := j.TaskGroups[0]
			other := *g.Tasks[0]
			other.Name, other.Lifecycle = "other", &nomadapi.TaskLifecycle{Hook: hook, Sidecar: sidecar}
			g.Tasks = append(g.Tasks, &other)
		}
	}
	for name, tc := range map[string]struct {
		edit   func(*nomadapi.Job)
		placed int
	}{
		"a prestart task": {with("prestart", false), 2},
		"a poststop task": {with("poststop", false), 2},
		"a sidecar":       {with("prestart", true), 1},
		"own cores": {func(j *nomadapi.Job) {
			j.TaskGroups[0].Tasks[0].Resources = &nomadapi.Resources{Cores: new(1), MemoryMB: new(100)}
		}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(250)
			w.in.Nodes[0].NodeResources.Cpu.TotalCpuCores = 1
			if plan := w.register(spec(3, tc.edit)); len(plan.Place) != tc.placed {
				t.Errorf("placed %d, not %d", len(plan.Place), tc.placed)
			}
		})
	}
}
