package jobspec

import (
	"math"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Names of checks.
const (
	checkStartup   = "startup"
	checkReadiness = "readiness"
	checkLiveness  = "liveness"
	checkListening = "listening" // of a port whose readiness no probe asks for
)

// checks are those of the service of one port. Every check of a service must pass before a router
// sends requests there (checksRequired = all), so each says by itself when it stops passing:
//
//	startup    passes once and then for good: it may fail any number of times
//	listening  at once; only of a port whose readiness no probe asks for
//	readiness  after as many failures in a row as the spec says
//	liveness   after as many failures in a row as the spec says, and then Nomad restarts the program
//
// An instance is ready as a whole: the startup and readiness of one port stand in the services of all,
// since routes may lead to any. A probe that runs a program is counted by nobody: it fails at once and
// is asked on and on, also for startup; only Nomad waits, as long as a liveness may fail.
func checks(p paas.Process, port string, first bool) []nomadapi.ServiceCheck {
	var list []nomadapi.ServiceCheck
	if probe := p.Health.Startup; probe != nil {
		c := check(checkStartup, p, *probe, port)
		c.FailuresBeforeCritical = counted(c, math.MaxInt32)
		list = append(list, c)
	}
	readiness := p.Health.Readiness
	if port != "" && (readiness == nil || readiness.Port != port) {
		list = append(list, nomadapi.ServiceCheck{
			Name: checkListening, Type: "tcp", Interval: paas.DefaultCheckInterval, Timeout: paas.DefaultCheckTimeout,
		})
	}
	if readiness != nil {
		c := check(checkReadiness, p, *readiness, port)
		if readiness.Failures > 1 {
			c.FailuresBeforeCritical = counted(c, readiness.Failures)
		}
		list = append(list, c)
	}
	if probe := p.Health.Liveness; probe != nil && (probe.Port == port || probe.Port == "" && first) {
		failures := max(1, probe.Failures)
		c := check(checkLiveness, p, *probe, port)
		c.FailuresBeforeCritical = counted(c, failures)
		c.CheckRestart = &nomadapi.CheckRestart{Limit: 1, Grace: new(grace(p))}
		if c.FailuresBeforeCritical == 0 {
			c.CheckRestart.Limit = failures // Nomad waits so many intervals, less one, after the first failure
		}
		list = append(list, c)
	}
	return list
}

// counted is a number of failures in a row as Consul counts them; 0, which is one, for a check that
// runs a program, where Nomad refuses any other.
func counted(c nomadapi.ServiceCheck, failures int) int {
	if c.Type == checkScript {
		return 0
	}
	return failures
}

// grace is how long Nomad doesn't restart a program for its liveness, counted from when it registers
// the checks: before the program's files are fetched, and on a restart before the old program is even
// told to stop. Up to a quarter of the delay between is added to it by chance.
func grace(p paas.Process) time.Duration {
	stop := p.KillTimeout
	for _, s := range p.Sidecars {
		stop = max(stop, s.KillTimeout)
	}
	return p.Startup + stop + p.Restart.Delay + p.Restart.Delay/4
}

const checkScript = "script"

// check translates what a probe asks, for the service of a port. Nomad replaces ${NAME} in all these texts and has no escape for
// it, so spec lets none hold ${.
func check(name string, p paas.Process, probe paas.Probe, port string) nomadapi.ServiceCheck {
	c := nomadapi.ServiceCheck{Name: name, Type: string(probe.Type), Interval: probe.Interval, Timeout: probe.Timeout}
	if probe.Type != paas.ProbeExec && probe.Port != port {
		c.PortLabel = probe.Port
	}
	switch probe.Type {
	case paas.ProbeTCP:
	case paas.ProbeGRPC:
		c.GRPCService = probe.Service
	case paas.ProbeExec:
		c.Type, c.TaskName = checkScript, p.Name
		if len(probe.Command) > 0 {
			c.Command, c.Args = within(probe.Command[0]), append([]string(nil), probe.Command[1:]...)
		}
	case paas.ProbeHTTP:
		c.Path = probe.Path
	default: // a release from before probes had a type
		c.Type, c.Path = string(paas.ProbeHTTP), probe.Path
	}
	return c
}

// within gives the path of a program to one that already runs: other than for a task's own, drivers
// don't look where the artifact is.
func within(program string) string {
	located := locate(program)
	if located == program {
		return program
	}
	return taskDir + located[len(artifactDir)-1:]
}
