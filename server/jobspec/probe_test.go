package jobspec_test

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/jobspec"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// checksOf gives the checks of a process's services, by port and name.
func checksOf(p paas.Process) map[string]nomadapi.ServiceCheck {
	s := full()
	s.Processes[0].Ports, s.Processes[0].Health = p.Ports, p.Health
	found := map[string]nomadapi.ServiceCheck{}
	for _, service := range jobspec.Job(rendering(s)).TaskGroups[0].Services {
		for _, c := range service.Checks {
			found[service.PortLabel+" "+c.Name] = c
		}
	}
	return found
}

func TestAnInstanceIsReadyAsAWhole(t *testing.T) {
	t.Parallel()
	probe := func(kind paas.ProbeType, port string) *paas.Probe {
		return &paas.Probe{Type: kind, Port: port, Interval: time.Second, Timeout: time.Second, Failures: 3}
	}
	ports := []paas.Port{{Name: "dns", Protocol: paas.UDP}, {Name: "http"}, {Name: "admin"}}
	found := checksOf(paas.Process{Ports: ports, Health: paas.Probes{
		Startup: probe(paas.ProbeExec, ""), Readiness: probe(paas.ProbeTCP, "admin"), Liveness: probe(paas.ProbeTCP, "admin"),
	}})
	type sight struct {
		Port              string
		Failures, Restart int
	}
	got := map[string]sight{}
	for name, c := range found {
		s := sight{Port: c.PortLabel, Failures: c.FailuresBeforeCritical}
		if c.CheckRestart != nil {
			s.Restart = c.CheckRestart.Limit
		}
		got[name] = s
	}
	want := map[string]sight{
		"http startup": {}, "http listening": {}, "http readiness": {Port: "admin", Failures: 3},
		"admin startup": {}, "admin readiness": {Failures: 3}, "admin liveness": {Failures: 3, Restart: 1},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestProbesThatRunAProgramNeedNoPort(t *testing.T) {
	t.Parallel()
	exec := &paas.Probe{Type: paas.ProbeExec, Command: []string{"bin/ok", "-v"}, Interval: time.Second, Timeout: time.Second, Failures: 3}
	found := checksOf(paas.Process{Health: paas.Probes{Startup: exec, Liveness: exec}})
	c := found[" liveness"]
	if len(found) != 2 || c.Type != "script" || c.TaskName != "web" || c.Command != "${NOMAD_TASK_DIR}/bin/ok" || c.Args[0] != "-v" {
		t.Errorf("got %+v", found)
	}
	if c.FailuresBeforeCritical != 0 || c.CheckRestart.Limit != 3 {
		t.Errorf("restarted after %d and %d failures", c.FailuresBeforeCritical, c.CheckRestart.Limit)
	}
	if none := checksOf(paas.Process{}); len(none) > 0 {
		t.Errorf("a process without ports and probes has %v", none)
	}
}

func TestStartupMustPassOnce(t *testing.T) {
	t.Parallel()
	c := checksOf(full().Processes[0])["http startup"]
	if c.FailuresBeforeCritical != math.MaxInt32 || c.CheckRestart != nil {
		t.Errorf("got %+v", c)
	}
}

// Nomad spares a program from a restart from when it registers the checks: on a restart before the old
// program has been stopped.
func TestLivenessSparesAProgramUntilItHasStarted(t *testing.T) {
	t.Parallel()
	p := full().Processes[0]
	got := *checksOf(p)["http liveness"].CheckRestart.Grace
	if want := p.Startup + p.KillTimeout + p.Restart.Delay*5/4; got != want {
		t.Errorf("spared for %s, want %s", got, want)
	}
}
