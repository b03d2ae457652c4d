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
	ready := r.Node.SchedulingEligibility != "ineligible" && !r.Node.Drain && r.Node.Status == "ready"
	if ready && inPool(r.Node, r.Job) && inDatacenter(r.Node, r.Job.Datacenters) {
		m.NodesInPool, m.NodesEvaluated = 1, 1
		m.NodesAvailable[r.Node.Datacenter] = 1
		if r.feasible(tg, "", m) {
			if offer := r.offer(tg, "", m); offer != nil {
				r.start(tg, name, prev, rescheduled, offer, m)
				return true
			}
			m.NodesExhausted = 1
			addExhausted(m, tg)
		}
	}
	if r.plan.Failed == nil {
		r.plan.Failed = map[string]*nomadapi.AllocationMetric{}
	}
	r.plan.Failed[*tg.Name] = m
	r.plan.Queued[*tg.Name]++
	return false
}

func (r *reconciler) start(tg *nomadapi.TaskGroup, name string, prev *state.Alloc, rescheduled bool, offer *nomadapi.NetworkResource, m *nomadapi.AllocationMetric) {
	m.ScoreMetaData = []*nomadapi.NodeScoreMeta{{NodeID: r.Node.ID}}
	a := &state.Alloc{Allocation: nomadapi.Allocation{
		ID:                 r.NewID(),
		Namespace:          *r.Job.Namespace,
		EvalID:             r.EvalID,
		Name:               name,
		NodeID:             r.Node.ID,
		NodeName:           r.Node.Name,
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

func (r *reconciler) allocated(tg *nomadapi.TaskGroup, offer *nomadapi.NetworkResource) *nomadapi.AllocatedResources {
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
// Those that the server stopped still hold theirs until they have ended.
func (r *reconciler) held(without string) []*state.Alloc {
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

func (r *reconciler) fits(tg *nomadapi.TaskGroup, id string, m *nomadapi.AllocationMetric) bool {
	total, used := r.Node.NodeResources, room{}
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
		m.DimensionExhausted = map[string]int{"cores": 1}
	case used.cpu > total.Cpu.CpuShares:
		m.DimensionExhausted = map[string]int{"cpu": 1}
	case used.memory > total.Memory.MemoryMB:
		m.DimensionExhausted = map[string]int{"memory": 1}
	case used.disk > total.Disk.DiskMB:
		m.DimensionExhausted = map[string]int{"disk": 1}
	default:
		return true
	}
	return false
}

// shares are the MHz of a task: those it asks for, or those of its own cores.
func (r *reconciler) shares(t *nomadapi.Task) int64 {
	cpu := r.Node.NodeResources.Cpu
	return int64(value(t.Resources.CPU)) + int64(value(t.Resources.Cores))*cpu.CpuShares/max(1, int64(cpu.TotalCpuCores))
}

// coresTaken are those that tasks on the node have to themselves. The types of
// Nomad's API do not hold which ones they are.
func (r *reconciler) coresTaken(without string) (taken int) {
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
