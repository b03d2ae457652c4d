package sched

import (
	"maps"
	"path"
	"slices"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/devstack/nomad/state"
)

// place starts an allocation, or notes why it can't. Prev is the one whose
// place it takes, if any.
func (r *reconciler) place(tg *nomadapi.TaskGroup, name string, prev *state.Alloc, rescheduled bool) bool {
	if failed := r.plan.Failed[*tg.Name]; failed != nil {
		failed.CoalescedFailures++
		r.plan.Queued[*tg.Name]++
		addExhausted(failed, tg)
		return false
	}
	m := r.metric()
	var best *option
	for _, node := range r.shuffled() {
		if node.SchedulingEligibility == "ineligible" || node.Drain || node.Status != "ready" || !inPool(node, r.Job) || !inDatacenter(node, r.Job.Datacenters) {
			continue
		}
		m.NodesInPool++
		m.NodesEvaluated++
		m.NodesAvailable[node.Datacenter]++
		at := seat{r, node}
		if !at.feasible(tg, "", m) || !at.hasVolumes(tg, name, "", m) {
			continue
		}
		offer, used := at.offer(tg, "", m)
		if offer == nil {
			m.NodesExhausted++
			addExhausted(m, tg)
			continue
		}
		o := &option{seat: at, offer: offer, score: at.score(tg, used, prev)}
		m.ScoreMetaData = append(m.ScoreMetaData, &nomadapi.NodeScoreMeta{NodeID: node.ID, NormScore: o.score})
		if best == nil || o.score > best.score {
			best = o
		}
	}
	if best != nil {
		best.start(tg, name, prev, rescheduled, best.offer, m)
		return true
	}
	if r.plan.Failed == nil {
		r.plan.Failed = map[string]*nomadapi.AllocationMetric{}
	}
	r.plan.Failed[*tg.Name] = m
	r.plan.Queued[*tg.Name]++
	return false
}

func (r seat) start(tg *nomadapi.TaskGroup, name string, prev *state.Alloc, rescheduled bool, offer *nomadapi.NetworkResource, m *nomadapi.AllocationMetric) {
	a := &state.Alloc{Allocation: nomadapi.Allocation{
		ID:                 r.NewID(),
		Namespace:          *r.Job.Namespace,
		EvalID:             r.EvalID,
		Name:               name,
		NodeID:             r.node.ID,
		NodeName:           r.node.Name,
		JobID:              *r.Job.ID,
		Job:                r.Job,
		TaskGroup:          *tg.Name,
		Metrics:            m,
		DesiredStatus:      nomadapi.AllocDesiredStatusRun,
		ClientStatus:       nomadapi.AllocClientStatusPending,
		AllocatedResources: r.allocated(tg, offer),
		TaskResources:      map[string]*nomadapi.Resources{},
	}}
	a.Resources = &nomadapi.Resources{CPU: new(0), MemoryMB: new(0), DiskMB: tg.EphemeralDisk.SizeMB}
	for _, t := range tg.Tasks {
		a.TaskResources[t.Name] = t.Resources
		*a.Resources.CPU += value(t.Resources.CPU)
		*a.Resources.MemoryMB += value(t.Resources.MemoryMB)
	}
	a.Resources.Networks = a.AllocatedResources.Shared.Networks
	if prev != nil {
		a.PreviousAllocation = prev.ID
		switch {
		case rescheduled:
			track(a, prev, tg.ReschedulePolicy, r.Now)
		default:
			a.RescheduleTracker, a.RescheduleDelays = prev.RescheduleTracker, prev.RescheduleDelays
		}
		for _, s := range r.plan.Stop {
			if s.ID == prev.ID {
				s.NextAllocation = a.ID
			}
		}
	}
	r.plan.Place = append(r.plan.Place, a)
}

func (r seat) allocated(tg *nomadapi.TaskGroup, offer *nomadapi.NetworkResource) *nomadapi.AllocatedResources {
	out := &nomadapi.AllocatedResources{Tasks: map[string]*nomadapi.AllocatedTaskResources{}}
	for _, t := range tg.Tasks {
		cpu := nomadapi.AllocatedCpuResources{CpuShares: r.shares(t)}
		out.Tasks[t.Name] = &nomadapi.AllocatedTaskResources{
			Cpu:    cpu,
			Memory: nomadapi.AllocatedMemoryResources{MemoryMB: int64(value(t.Resources.MemoryMB)), MemoryMaxMB: int64(value(t.Resources.MemoryMaxMB))},
		}
	}
	out.Shared.DiskMB = int64(value(tg.EphemeralDisk.SizeMB))
	if len(tg.Networks) == 0 {
		return out
	}
	out.Shared.Networks = []*nomadapi.NetworkResource{offer}
	for _, p := range slices.Concat(offer.ReservedPorts, offer.DynamicPorts) {
		out.Shared.Ports = append(out.Shared.Ports, nomadapi.PortMapping{Label: p.Label, Value: p.Value, To: p.To, HostIP: offer.IP})
	}
	return out
}

func (r *reconciler) metric() *nomadapi.AllocationMetric {
	return &nomadapi.AllocationMetric{NodePool: *r.Job.NodePool, NodesAvailable: map[string]int{}}
}

// held are the allocations that use room on the node once the plan is done.
func (r seat) held(without string) []*state.Alloc {
	return slices.DeleteFunc(r.holding(without), func(a *state.Alloc) bool { return a.NodeID != r.node.ID })
}

// holding are the allocations that use room anywhere once the plan is done.
// Those that the server stopped still hold theirs until they have ended.
func (r *reconciler) holding(without string) []*state.Alloc {
	held := slices.Clone(r.plan.Place)
	for _, a := range slices.Concat(r.Allocs, r.Others) {
		if a.ID != without && !r.gone[a.ID] && !a.ClientTerminal() {
			held = append(held, a)
		}
	}
	return held
}

// room is what an allocation takes of a node, besides ports and cores.
type room struct{ cpu, memory, disk int64 }

// peak is the most that the tasks of a group use at any one time: those that end
// before the main ones start make room for them.
func peak(tasks []*nomadapi.Task, of func(t *nomadapi.Task) (cpu, memory int64)) room {
	var before, during, afterwards room
	for _, t := range tasks {
		cpu, memory := of(t)
		stages := []*room{&during}
		if l := t.Lifecycle; l != nil {
			switch {
			case l.Hook == nomadapi.TaskLifecycleHookPrestart && l.Sidecar:
				stages = []*room{&before, &during}
			case l.Hook == nomadapi.TaskLifecycleHookPrestart:
				stages = []*room{&before}
			case l.Hook == nomadapi.TaskLifecycleHookPoststop:
				stages = []*room{&afterwards}
			}
		}
		for _, stage := range stages {
			stage.cpu += cpu
			stage.memory += memory
		}
	}
	return room{cpu: max(before.cpu, during.cpu, afterwards.cpu), memory: max(before.memory, during.memory, afterwards.memory)}
}

func (r seat) fits(tg *nomadapi.TaskGroup, id string, m *nomadapi.AllocationMetric) (used room, ok bool) {
	total := r.node.NodeResources
	add := func(more room) {
		used.cpu += more.cpu
		used.memory += more.memory
		used.disk += more.disk
	}
	for _, a := range r.held(id) {
		var tasks []*nomadapi.Task
		if g := a.Group(); g != nil {
			tasks = g.Tasks
		}
		more := peak(tasks, func(t *nomadapi.Task) (cpu, memory int64) {
			if have := a.AllocatedResources.Tasks[t.Name]; have != nil {
				return have.Cpu.CpuShares, have.Memory.MemoryMB
			}
			return 0, 0
		})
		more.disk = a.AllocatedResources.Shared.DiskMB
		add(more)
	}
	cores := r.coresTaken(id)
	more := peak(tg.Tasks, func(t *nomadapi.Task) (cpu, memory int64) {
		cores += value(t.Resources.Cores)
		return r.shares(t), int64(value(t.Resources.MemoryMB))
	})
	more.disk = int64(value(tg.EphemeralDisk.SizeMB))
	add(more)
	switch {
	case cores > int(total.Cpu.TotalCpuCores):
		exhausted(m, "cores")
	case used.cpu > total.Cpu.CpuShares:
		exhausted(m, "cpu")
	case used.memory > total.Memory.MemoryMB:
		exhausted(m, "memory")
	case used.disk > total.Disk.DiskMB:
		exhausted(m, "disk")
	default:
		return used, true
	}
	return used, false
}

func exhausted(m *nomadapi.AllocationMetric, dimension string) {
	if m.DimensionExhausted == nil {
		m.DimensionExhausted = map[string]int{}
	}
	m.DimensionExhausted[dimension]++
}

// shares are the MHz of a task: those it asks for, or those of its own cores.
func (r seat) shares(t *nomadapi.Task) int64 {
	cpu := r.node.NodeResources.Cpu
	return int64(value(t.Resources.CPU)) + int64(value(t.Resources.Cores))*cpu.CpuShares/max(1, int64(cpu.TotalCpuCores))
}

// coresTaken are those that tasks on the node have to themselves. The types of
// Nomad's API do not hold which ones they are.
func (r seat) coresTaken(without string) (taken int) {
	for _, a := range r.held(without) {
		if g := a.Group(); g != nil {
			for _, t := range g.Tasks {
				taken += value(t.Resources.Cores)
			}
		}
	}
	return taken
}

// addExhausted sums what was asked for in vain, as Nomad does when the dimension
// is one of a task.
func addExhausted(m *nomadapi.AllocationMetric, tg *nomadapi.TaskGroup) {
	dimensions := slices.Collect(maps.Keys(m.DimensionExhausted))
	if len(dimensions) != 1 || (dimensions[0] != "cpu" && dimensions[0] != "memory") {
		return
	}
	if m.ResourcesExhausted == nil {
		m.ResourcesExhausted = map[string]*nomadapi.Resources{}
	}
	for _, t := range tg.Tasks {
		sum := m.ResourcesExhausted[t.Name]
		if sum == nil {
			sum = &nomadapi.Resources{CPU: new(0), MemoryMB: new(0)}
			m.ResourcesExhausted[t.Name] = sum
		}
		if dimensions[0] == "cpu" {
			*sum.CPU += value(t.Resources.CPU)
		} else {
			*sum.MemoryMB += value(t.Resources.MemoryMB)
		}
	}
}

func inDatacenter(n *nomadapi.Node, datacenters []string) bool {
	return slices.ContainsFunc(datacenters, func(pattern string) bool {
		ok, err := path.Match(pattern, n.Datacenter)
		return err == nil && ok
	})
}

func inPool(n *nomadapi.Node, job *nomadapi.Job) bool {
	return *job.NodePool == "all" || *job.NodePool == n.NodePool
}
