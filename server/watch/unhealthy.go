package watch

import (
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// When an instance that runs but doesn't pass is looked at for the sockets it has.
const (
	lookAfter  = 5 * time.Second // since its task started, or half its startup limit if that is less
	lookEvery  = 2 * time.Second
	lookAtOnce = 8 // instances in one turn
)

// reason says why an instance failed or is not healthy, "" while there is nothing to say.
func (f *folding) reason(i paas.Instance, a *nomadapi.AllocationListStub, task *nomadapi.TaskState, process paas.Process, checks []paas.Check) string {
	switch i.State {
	case paas.InstanceLost:
		return fmt.Sprintf("node %s, on which %s ran, is gone", i.Node, i.Process)
	case paas.InstanceFailed:
		if s := Reason(i.Process, task, memoryOf(a, i.Process)); s != "" {
			return s
		}
		return i.Process + " failed: " + plain(a.ClientDescription)
	case paas.InstancePending:
		return Reason(i.Process, task, memoryOf(a, i.Process))
	case paas.InstanceRunning:
		if i.Health == paas.HealthHealthy {
			return ""
		}
		if i.Exits > 0 {
			return Reason(i.Process, task, memoryOf(a, i.Process))
		}
		if i.Health == paas.HealthCritical && process.Checked() {
			return f.checkReason(i, process, checks)
		}
	case paas.InstanceStopping, paas.InstanceComplete:
	}
	return ""
}

func (f *folding) checkReason(i paas.Instance, process paas.Process, checks []paas.Check) string {
	for _, c := range checks {
		if c.Status != paas.CheckPassing {
			return CheckReason(process, c, i.Ports[c.Port], f.in.looks[i.ID])
		}
	}
	return ""
}

var (
	refused  = regexp.MustCompile(`connection refused`)
	timedOut = regexp.MustCompile(`deadline exceeded|i/o timeout|Client\.Timeout`)
	answered = regexp.MustCompile(`^HTTP \w+ \S+: (\d{3} [\w '-]+?)(?: Output:|$)`)
)

// CheckReason says in one sentence, without its full stop, why a check of a process doesn't pass:
// from its output and from a look at the instance; "" while neither tells.
func CheckReason(process paas.Process, c paas.Check, at paas.Endpoint, look Look) string {
	output := c.Output
	// Consul gives no output before the status has changed once, and may keep an old one for minutes
	// where only the output changed.
	if output == "" || answered.MatchString(look.Output) {
		output = look.Output
	}
	switch m := answered.FindStringSubmatch(output); {
	case m != nil && strings.HasPrefix(m[1], "2"):
		return "" // it has just begun to answer
	case m != nil:
		return fmt.Sprintf("%s answers its health check%s with %s", process.Name, checkPath(process), m[1])
	case refused.MatchString(output):
		return silent(process, c.Port, at, look.Addresses)
	case timedOut.MatchString(output):
		return fmt.Sprintf("%s does not answer its health check%s in time", process.Name, checkPath(process))
	case output == "":
		return ""
	}
	return fmt.Sprintf("a check of %s does not pass: %s", process.Name, plain(output))
}

func checkPath(process paas.Process) string {
	if p := process.Health.Readiness; p != nil && p.Path != "" {
		return " " + p.Path
	}
	return ""
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
	for _, i := range known.Instances() {
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

// askOf takes the http check of the instance's process, else a connection to its first port.
func askOf(i paas.Instance, app App) ask {
	process := processOf(i, app)
	if p := process.Health.Readiness; p != nil && p.Type == paas.ProbeHTTP {
		return ask{i.ID, i.Ports[p.Port], p.Path}
	}
	for _, port := range process.Ports {
		return ask{i.ID, i.Ports[port.Name], ""}
	}
	return ask{alloc: i.ID}
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
