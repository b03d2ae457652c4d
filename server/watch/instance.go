package watch

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// instance derives an instance from its allocation, its checks and what was known of it before. since is
// when the first of its crashes was.
func (f *folding) instance(a *nomadapi.AllocationListStub, ref paas.AppRef, slot paas.Slot, app App, before *paas.Instance) (i paas.Instance, since time.Time) {
	task := taskState(a, a.TaskGroup)
	i = paas.Instance{
		ID: a.ID, Team: ref.Team, App: ref.App, Process: a.TaskGroup, Slot: slot,
		Index:     indexOf(a.Name),
		Release:   releaseOf(a, app.Slots[slot], before),
		State:     stateOf(a),
		Health:    paas.HealthUnknown,
		Node:      a.NodeName,
		NodeID:    a.NodeID,
		Previous:  f.previous(a),
		Ports:     portsOf(a),
		CreatedAt: stamp(time.Unix(0, a.CreateTime)),
		Placed:    a.CreateIndex,
		Since:     f.now,
	}
	if task != nil {
		i.Restarts, i.Exits = int(task.Restarts), exits(task)
		i.ExitCode, i.OOM = lastEnd(task)
		if !task.StartedAt.IsZero() {
			at := stamp(task.StartedAt)
			i.StartedAt = &at
		}
	}
	process := processOf(i, app)
	var checks []paas.Check
	if of := f.in.checks[a.ID]; of != nil {
		checks = of.list
	}
	f.health(&i, process, checks, app.expected(slot, i.Process), before)
	f.overdue(&i, process)
	i.Checks = f.checkFacts(i, process, checks, before)
	i.Crashes, since = f.crashes(a, app.Slots[slot].First)
	i.NextTry = f.nextTry(a, task, before)
	i.Reason = f.reason(i, a, task, process, checks)
	i.Cause = f.cause(i, a, task, process, checks)
	if before != nil {
		i.Exits = max(i.Exits, before.Exits)
		if before.State == i.State && before.Health == i.Health {
			i.Since = before.Since
		}
	}
	return i, since
}

// overdue says that an instance is not healthy though its startup time is over.
func (f *folding) overdue(i *paas.Instance, process paas.Process) {
	if i.State != paas.InstanceRunning || i.StartedAt == nil || !process.Checked() || i.PassingAt != nil {
		return
	}
	limit := i.StartedAt.Add(process.Startup)
	if limit.After(f.now) {
		f.wake(limit)
		return
	}
	i.Overdue = true
}

// checkFacts gives what the checks say. What a passing one prints is of no interest, and may change with
// each run. A stopping instance has left Consul.
func (f *folding) checkFacts(i paas.Instance, process paas.Process, checks []paas.Check, before *paas.Instance) []paas.CheckFact {
	if i.State != paas.InstanceRunning {
		return nil
	}
	if !f.in.checksRead && before != nil {
		return before.Checks
	}
	var facts []paas.CheckFact
	for _, c := range slices.SortedFunc(slices.Values(checks), telling) {
		fact := paas.CheckFact{Name: cmp.Or(c.Name, checkReadiness), Status: c.Status, Since: f.now}
		if slices.ContainsFunc(checks, func(o paas.Check) bool { return o.ID != c.ID && o.Name == c.Name }) {
			fact.Name += " " + c.Port
		}
		if c.Status != paas.CheckPassing {
			fact.Output = outputOf(process, c, f.in.looks[i.ID])
		}
		if before != nil {
			for _, was := range before.Checks {
				if was.Name == fact.Name && was.Status == fact.Status {
					fact.Since = was.Since
				}
			}
		}
		facts = append(facts, fact)
	}
	return facts
}

// taskState gives the state of a task; nil before the node has taken it. The task of a process has
// its name, which is that of the group; its sidecars have theirs.
func taskState(a *nomadapi.AllocationListStub, name string) *nomadapi.TaskState {
	return a.TaskStates[name]
}

func stateOf(a *nomadapi.AllocationListStub) paas.InstanceState {
	switch a.ClientStatus {
	case nomadapi.AllocClientStatusComplete:
		return paas.InstanceComplete
	case nomadapi.AllocClientStatusFailed:
		return paas.InstanceFailed
	case nomadapi.AllocClientStatusLost, nomadapi.AllocClientStatusUnknown:
		return paas.InstanceLost
	}
	switch {
	case a.DesiredStatus != nomadapi.AllocDesiredStatusRun:
		return paas.InstanceStopping
	case a.ClientStatus == nomadapi.AllocClientStatusRunning:
		return paas.InstanceRunning
	}
	return paas.InstancePending
}

// releaseOf tells which release an allocation runs: the slot's, if the allocation was made after that
// was registered (a release that changes counts and routes only takes the slot's instances over), else
// what was known of it. 0 is unknown: too old, or the register's index is not saved yet.
func releaseOf(a *nomadapi.AllocationListStub, slot paas.Slotted, before *paas.Instance) int {
	switch {
	case slot.First != 0 && a.CreateIndex >= slot.First:
		return slot.Release
	case before != nil:
		return before.Release
	}
	return 0
}

// processOf gives the spec of the instance's process in its release; while that is unknown, one
// with the defaults.
func processOf(i paas.Instance, app App) paas.Process {
	number := i.Release
	if number == 0 {
		number = app.Slots[i.Slot].Release
	}
	if p, ok := app.Releases[number].Spec.Process(i.Process); ok {
		return p
	}
	p := paas.Process{Name: i.Process, MinHealthy: paas.DefaultMinHealthy, Startup: paas.DefaultStartup}
	for _, label := range slices.Sorted(maps.Keys(i.Ports)) {
		p.Ports = append(p.Ports, paas.Port{Name: label})
	}
	return p
}

// indexOf reads the index out of an allocation's name, JOB.GROUP[INDEX].
func indexOf(name string) int {
	_, rest, _ := strings.Cut(name, "[")
	n, err := strconv.Atoi(strings.TrimSuffix(rest, "]"))
	if err != nil {
		return 0
	}
	return n
}

func portsOf(a *nomadapi.AllocationListStub) map[string]paas.Endpoint {
	if a.AllocatedResources == nil || len(a.AllocatedResources.Shared.Ports) == 0 {
		return nil
	}
	ports := map[string]paas.Endpoint{}
	for _, p := range a.AllocatedResources.Shared.Ports {
		ports[p.Label] = paas.Endpoint{Host: p.HostIP, Port: p.Value}
	}
	return ports
}

// health times how long the instance has been well. The clock starts when it is first seen well
// and starts anew when the task was started again.
func (f *folding) health(i *paas.Instance, process paas.Process, checks []paas.Check, expected int, before *paas.Instance) {
	switch {
	case i.State == paas.InstanceStopping && before != nil:
		i.Health = before.Health // it has left Consul, which says nothing about its health
		return
	case i.State != paas.InstanceRunning:
		return
	case process.Checked() && !f.in.checksRead:
		if before != nil { // Consul has not answered yet since we started
			i.Health, i.PassingAt = before.Health, before.PassingAt
		}
		return
	case process.Checked() && len(checks) == 0:
		return
	case process.Checked() && slices.ContainsFunc(checks, func(c paas.Check) bool { return c.Status != paas.CheckPassing }):
		i.Health = paas.HealthCritical
		return
	case process.Checked() && len(checks) < expected:
		return // Nomad registers them one after the other
	}
	since := f.now
	if before != nil && before.PassingAt != nil && before.Restarts == i.Restarts && sameTime(before.StartedAt, i.StartedAt) {
		since = *before.PassingAt
	}
	i.PassingAt = &since
	i.Health = paas.HealthPassing
	if ready := since.Add(process.HealthyAfter()); ready.After(f.now) {
		f.wake(ready)
		return
	}
	i.Health = paas.HealthHealthy
}
