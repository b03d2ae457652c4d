package watch

import (
	"cmp"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// When an instance that runs but doesn't pass is looked at for the sockets it has.
const (
	lookAfter  = 2 * time.Second // since its task started, or half its startup limit if that is less
	lookEvery  = 2 * time.Second
	lookAtOnce = 8 // instances in one turn
)

// reason says why an instance failed or is not healthy, or what is wrong beside its main program; ""
// while there is nothing to say.
func (f *folding) reason(i paas.Instance, a *nomadapi.AllocationListStub, task *nomadapi.TaskState, process paas.Process, checks []paas.Check) string {
	own := ""
	switch i.State {
	case paas.InstanceLost:
		return fmt.Sprintf("node %s, on which %s ran, is gone", i.Node, i.Process)
	case paas.InstanceFailed:
		if task != nil && !task.Failed { // it was ended for another's fault
			own = f.sidecarReason(a)
		}
		return cmp.Or(own, Reason(i.Process, task, memoryOf(a, i.Process)), f.sidecarReason(a), i.Process+" failed: "+plain(a.ClientDescription))
	case paas.InstancePending:
		own = Reason(i.Process, task, memoryOf(a, i.Process))
	case paas.InstanceRunning:
		switch {
		case i.Health == paas.HealthHealthy:
		case i.Exits > 0, livenessOf(task):
			own = Reason(i.Process, task, memoryOf(a, i.Process))
		case i.Health == paas.HealthCritical && process.Checked():
			own = f.checkReason(i, process, checks)
		}
	case paas.InstanceStopping, paas.InstanceComplete:
		return ""
	}
	return cmp.Or(own, f.sidecarReason(a))
}

// silent is the sentence for a port nobody listens on.
func silent(process paas.Process, port string, at paas.Endpoint, listening []string) string {
	s := fmt.Sprintf("%s did not listen on port %d (%s)", process.Name, at.Port, portVariable(process, port))
	if len(listening) == 0 {
		return s
	}
	for _, address := range listening {
		host, number, err := net.SplitHostPort(address)
		if err == nil && number == strconv.Itoa(at.Port) {
			if host == at.Host {
				return "" // it has just begun to
			}
			return fmt.Sprintf("%s listens on %s, where %s can't be reached (HOST says where to listen)",
				process.Name, address, net.JoinHostPort(at.Host, number))
		}
	}
	const most = 3
	more := ""
	if len(listening) > most {
		listening, more = listening[:most], " and more"
	}
	return s + "; it listens on " + strings.Join(listening, ", ") + more + " instead"
}

// portVariable is the name by which a task knows a port.
func portVariable(process paas.Process, port string) string {
	if len(process.Ports) == 1 {
		return "PORT"
	}
	return "PORT_" + strings.ToUpper(strings.ReplaceAll(port, "-", "_"))
}

// Looks gives the instances whose sockets should be looked at now, and when the next are due: those
// that run for a while without passing their checks and without having exited.
func Looks(in Inputs, known Facts, now time.Time) (instances []paas.Instance, due time.Time) {
	for _, i := range known.critical() {
		if i.State != paas.InstanceRunning || i.Health != paas.HealthCritical || i.StartedAt == nil || i.Exits > 0 {
			continue
		}
		next := i.StartedAt.Add(lookAfter)
		if limit := processOf(i, in.apps[i.Ref()]).Startup; limit > 0 {
			next = i.StartedAt.Add(min(lookAfter, limit/2))
		}
		if last, looked := in.looks[i.ID]; looked {
			next = last.At.Add(lookEvery)
		}
		if !next.After(now) && len(instances) < lookAtOnce {
			instances = append(instances, i)
			continue
		}
		if next = maxTime(next, now.Add(lookEvery/4)); due.IsZero() || next.Before(due) {
			due = next
		}
	}
	return instances, due
}

// ask is what to look at.
type ask struct {
	alloc string
	at    paas.Endpoint
	path  string
}

// askOf takes the http check of the instance's process, of its start while that is not over, else a
// connection to its first port; with neither there is nothing to ask.
func askOf(i paas.Instance, app App) ask {
	process := processOf(i, app)
	if p := process.Health.Startup; p != nil && p.Type == paas.ProbeHTTP && starts(i) {
		return ask{i.ID, i.Ports[p.Port], p.Path}
	}
	if p := process.Health.Readiness; p != nil && p.Type == paas.ProbeHTTP {
		return ask{i.ID, i.Ports[p.Port], p.Path}
	}
	for _, port := range process.Ports {
		if port.Checkable() {
			return ask{i.ID, i.Ports[port.Name], ""}
		}
	}
	return ask{alloc: i.ID}
}

// starts says that the instance has not passed its startup probe.
func starts(i paas.Instance) bool {
	return slices.ContainsFunc(i.Checks, func(c paas.CheckFact) bool {
		return strings.HasPrefix(c.Name, checkStartup) && c.Status != paas.CheckPassing
	})
}

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// memoryOf gives the memory limit of a task in MiB.
func memoryOf(a *nomadapi.AllocationListStub, task string) int64 {
	if a.AllocatedResources == nil || a.AllocatedResources.Tasks[task] == nil {
		return 0
	}
	m := a.AllocatedResources.Tasks[task].Memory
	return max(m.MemoryMB, m.MemoryMaxMB)
}
