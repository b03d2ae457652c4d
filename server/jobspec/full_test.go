package jobspec_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/jobspec"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// full is a spec in which every key of a process is set.
func full() paas.Spec {
	program := func(command ...string) paas.Program {
		p := paas.Program{
			CPU: 200, Memory: 64, MemoryMax: 128, User: "nobody", WorkingDir: "sub",
			Env: map[string]paas.Value{"OWN": paas.Literal("1")},
			Files: []paas.ConfigFile{
				{Path: "conf/app.conf", Content: paas.Literal("a"), Mode: "0644", Change: paas.ChangeNoop},
				{Path: "conf/live.tpl", Template: "{{ 1 }}", Mode: "0600", Change: paas.ChangeSignal, Signal: "SIGHUP"},
			},
			Logs: paas.Logs{MaxFiles: 3, MaxSize: 4}, KillSignal: "SIGINT", KillTimeout: 7 * time.Second,
		}
		for _, c := range command {
			p.Command = append(p.Command, paas.Literal(c))
		}
		return p
	}
	probe := func(kind paas.ProbeType) *paas.Probe {
		return &paas.Probe{Type: kind, Port: "http", Interval: 2 * time.Second, Timeout: time.Second}
	}
	startup, readiness, liveness := probe(paas.ProbeTCP), probe(paas.ProbeHTTP), probe(paas.ProbeHTTP)
	readiness.Path, liveness.Path, liveness.Failures = "/ready", "/live", 4
	where := func() paas.Placement {
		return paas.Placement{
			Constraints: []paas.Constraint{{Attribute: "attr.kernel.name", Operator: "=", Value: "linux"}},
			Affinities:  []paas.Affinity{{Constraint: paas.Constraint{Attribute: "node.class", Operator: "=", Value: "big"}, Weight: -20}},
			Spreads:     []paas.Spread{{Attribute: "node.datacenter", Weight: 100, Targets: []paas.Target{{Value: "dc1", Percent: 60}}}},
		}
	}
	app := where()
	app.Datacenters, app.Pool, app.DistinctHosts = []string{"dc1", "dc2"}, "default", true
	web := paas.Process{
		Name: "web", Program: program("./shop", "-x"), Instances: 2, Disk: 200,
		Ports:  []paas.Port{{Name: "http"}, {Name: "rpc", Protocol: paas.GRPC}, {Name: "dns", Protocol: paas.UDP}},
		Routes: []paas.Route{{Host: "shop.example.com", Path: "/", Port: "http"}},
		Health: paas.Probes{Startup: startup, Readiness: readiness, Liveness: liveness},
		Sidecars: []paas.Sidecar{
			{Name: "proxy", Program: program("./proxy")},
			{Name: "tail", Program: program("./tail")},
		},
		Placement: where(), Startup: time.Minute, Restart: paas.Restart{Attempts: 2, Delay: 8 * time.Second},
		Reschedule:    paas.Reschedule{Delay: 20 * time.Second, MaxDelay: 4 * time.Minute},
		ShutdownDelay: 3 * time.Second, MinHealthy: 2 * time.Second, Strategy: paas.Rolling,
	}
	web.NomadGroup = json.RawMessage(`{"Meta":{"team":"a"}}`)
	web.NomadTask = json.RawMessage(`{"Config":{"cap_drop":["net_raw"]},"Meta":{"k":"v"}}`)
	return paas.Spec{
		App: "shop", Build: paas.Build{Builder: paas.BuilderNone}, Processes: []paas.Process{web},
		Env: map[string]paas.Value{"SHARED": paas.Literal("s")}, Deploy: paas.DefaultDeploy(), Placement: app,
		Tasks: []paas.Task{{Name: "migrate", Program: program("./migrate"), Phase: paas.PhaseBefore, Attempts: 2, Timeout: 10 * time.Minute}},
		Crons: []paas.Cron{{Name: "report", Program: program("./report"), Schedule: "*/5 * * * *", TimeZone: "Europe/Berlin", Timeout: time.Minute}},
	}
}

// rendering is an input for a spec.
func rendering(s paas.Spec) jobspec.Input {
	counts := map[string]int{}
	for _, p := range s.Processes {
		counts[p.Name] = p.Instances
	}
	return jobspec.Input{
		Release: paas.Release{
			Team: paas.DefaultTeam, App: s.App, Number: 7, Spec: s,
			Artifact: strings.Repeat("a1", 32), Runtime: strings.Repeat("b2", 32),
		},
		Slot: paas.Blue, Counts: counts, Driver: "exec",
		ArtifactURL: func(digest string) string {
			return "http://127.0.0.1:4780/v1/artifacts/sha256/" + digest + "?sig=s"
		},
		BaseURL: func(r paas.Route) string { return "http://" + r.Host + ":9999" + r.Path },
	}
}

func TestForcesNamesEveryKeyOfAProcess(t *testing.T) {
	t.Parallel()
	for key, edit := range map[string]func(*paas.Spec, *paas.Process){
		"process.web.env.OWN":                         func(_ *paas.Spec, p *paas.Process) { p.Env["OWN"] = paas.Literal("2") },
		"process.web.env.CRUMPET_ENVIRONMENT":         func(s *paas.Spec, _ *paas.Process) { s.Environment = "staging" },
		"process.web.file.conf/app.conf":              func(_ *paas.Spec, p *paas.Process) { p.Files[0].Content = paas.Literal("b") },
		"process.web.file.conf/live.tpl":              func(_ *paas.Spec, p *paas.Process) { p.Files[1].Signal = "SIGUSR1" },
		"process.web.file.new":                        func(_ *paas.Spec, p *paas.Process) { p.Files = append(p.Files, paas.ConfigFile{Path: "new"}) },
		"process.web.user":                            func(_ *paas.Spec, p *paas.Process) { p.User = "" },
		"process.web.working_dir":                     func(_ *paas.Spec, p *paas.Process) { p.WorkingDir = "other" },
		"process.web.port":                            func(_ *paas.Spec, p *paas.Process) { p.Ports[1].Protocol = paas.UDP },
		"process.web.health.startup":                  func(_ *paas.Spec, p *paas.Process) { p.Health.Startup = nil },
		"process.web.health.readiness":                func(_ *paas.Spec, p *paas.Process) { p.Health.Readiness.Failures = 2 },
		"process.web.health.liveness":                 func(_ *paas.Spec, p *paas.Process) { p.Health.Liveness.Failures++ },
		"process.web.cpu":                             func(_ *paas.Spec, p *paas.Process) { p.CPU, p.Cores = 0, 1 },
		"process.web.memory_max":                      func(_ *paas.Spec, p *paas.Process) { p.MemoryMax = 0 },
		"process.web.disk":                            func(_ *paas.Spec, p *paas.Process) { p.Disk++ },
		"process.web.logs":                            func(_ *paas.Spec, p *paas.Process) { p.Logs.MaxSize++ },
		"process.web.reschedule":                      func(_ *paas.Spec, p *paas.Process) { p.Reschedule.MaxDelay++ },
		"process.web.kill_timeout":                    func(_ *paas.Spec, p *paas.Process) { p.KillTimeout++ },
		"process.web.kill_signal":                     func(_ *paas.Spec, p *paas.Process) { p.KillSignal = "" },
		"process.web.restart.delay":                   func(_ *paas.Spec, p *paas.Process) { p.Restart.Delay++ },
		"process.web.startup":                         func(_ *paas.Spec, p *paas.Process) { p.Startup++ },
		"process.web.nomad.group":                     func(_ *paas.Spec, p *paas.Process) { p.NomadGroup = nil },
		"process.web.nomad.task":                      func(_ *paas.Spec, p *paas.Process) { p.NomadTask = json.RawMessage(`{"Meta":{"k":"v"}}`) },
		"process.web.placement.constraint":            func(_ *paas.Spec, p *paas.Process) { p.Placement.Constraints = nil },
		"process.web.placement.affinity":              func(_ *paas.Spec, p *paas.Process) { p.Placement.Affinities[0].Weight++ },
		"process.web.placement.spread":                func(_ *paas.Spec, p *paas.Process) { p.Placement.Spreads[0].Targets = nil },
		"process.web.placement.distinct_hosts":        func(_ *paas.Spec, p *paas.Process) { p.Placement.DistinctHosts = true },
		"process.web.sidecar.proxy":                   func(_ *paas.Spec, p *paas.Process) { p.Sidecars = p.Sidecars[1:] },
		"process.web.sidecar.more":                    func(_ *paas.Spec, p *paas.Process) { p.Sidecars = append(p.Sidecars, paas.Sidecar{Name: "more"}) },
		"process.web.sidecar.tail.env.OWN":            func(_ *paas.Spec, p *paas.Process) { p.Sidecars[1].Env["OWN"] = paas.Literal("${x}") },
		"process.web.sidecar.tail.command":            func(_ *paas.Spec, p *paas.Process) { p.Sidecars[1].Command = p.Command },
		"process.web.sidecar.tail.file.conf/app.conf": func(_ *paas.Spec, p *paas.Process) { p.Sidecars[1].Files[0].Mode = "0600" },
		"process.web.sidecar.tail.nomad.task":         func(_ *paas.Spec, p *paas.Process) { p.Sidecars[1].NomadTask = json.RawMessage(`{"Meta":{"k":"v"}}`) },
		"process.web.sidecar.tail.memory":             func(_ *paas.Spec, p *paas.Process) { p.Sidecars[1].Memory++ },
		"process.web.sidecar.tail.kill_signal":        func(_ *paas.Spec, p *paas.Process) { p.Sidecars[1].KillSignal = "SIGUSR2" },
		"placement.pool":                              func(s *paas.Spec, _ *paas.Process) { s.Placement.Pool = "gpu" },
		"placement.datacenters":                       func(s *paas.Spec, _ *paas.Process) { s.Placement.Datacenters = nil },
		"placement.distinct_hosts":                    func(s *paas.Spec, _ *paas.Process) { s.Placement.DistinctHosts = false },
		"placement.constraint":                        func(s *paas.Spec, _ *paas.Process) { s.Placement.Constraints = nil },
		"placement.affinity":                          func(s *paas.Spec, _ *paas.Process) { s.Placement.Affinities = nil },
		"placement.spread":                            func(s *paas.Spec, _ *paas.Process) { s.Placement.Spreads[0].Weight = 1 },
	} {
		next := full()
		edit(&next, &next.Processes[0])
		old := jobspec.Job(rendering(full()))
		if got, forced := jobspec.Forces(old, jobspec.Job(rendering(next))); got != key || !forced {
			t.Errorf("got %q, %t; want %q", got, forced, key)
		}
		if keys := jobspec.Changes(old, old); len(keys) > 0 {
			t.Errorf("%s: a job differs from itself in %q", key, keys)
		}
	}
}

func TestChangesNamesAllKeysInTheOrderOfReading(t *testing.T) {
	t.Parallel()
	next := full()
	p := &next.Processes[0]
	p.Memory, p.KillTimeout = 65, time.Second
	p.Restart.Attempts, p.Health.Liveness.Failures = 20, 9 // the interval of restarts follows
	p.Env["A"] = paas.Literal("")
	p.Files = p.Files[1:]
	p.Sidecars[0].CPU++
	next.Placement.Pool = "gpu"
	added := full().Processes[0]
	added.Name, added.Sidecars = "worker", nil
	next.Processes = append(next.Processes, added)
	in := rendering(next)
	in.Release.Artifact = strings.Repeat("c3", 32)

	got := jobspec.Changes(jobspec.Job(rendering(full())), jobspec.Job(in))
	want := []string{
		"process", "placement.pool",
		"process.web.env.A", "process.web.health.liveness", "process.web.memory",
		"process.web.restart.attempts", "process.web.kill_timeout", "process.web.file.conf/app.conf",
		"process.web.sidecar.proxy.cpu", "process.worker", "artifact",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Another port changes the checks of all services, but no probe.
func TestChangesNamesAPortAndNotTheProbesThatFollow(t *testing.T) {
	t.Parallel()
	next := full()
	next.Processes[0].Ports = append(next.Processes[0].Ports, paas.Port{Name: "admin"})
	got := jobspec.Changes(jobspec.Job(rendering(full())), jobspec.Job(rendering(next)))
	if diff := cmp.Diff([]string{"process.web.port"}, got); diff != "" {
		t.Error(diff)
	}
}

// A release from before a key existed has no value for it, and is still rolled back to.
func TestReleasesFromBeforeTheKeysGetTheirDefaults(t *testing.T) {
	t.Parallel()
	s := full()
	p := &s.Processes[0]
	p.Reschedule, p.Logs, p.KillSignal = paas.Reschedule{}, paas.Logs{}, ""
	p.Health = paas.Probes{Readiness: &paas.Probe{Port: "http", Path: "/up", Interval: time.Second, Timeout: time.Second}}
	g := jobspec.Job(rendering(s)).TaskGroups[0]
	if r := g.ReschedulePolicy; *r.Delay != paas.DefaultReschedule || *r.MaxDelay != paas.DefaultMaxReschedule || !*r.Unlimited {
		t.Errorf("rescheduled after %s to %s", *r.Delay, *r.MaxDelay)
	}
	if l := g.Tasks[0].LogConfig; *l.MaxFiles != paas.DefaultLogFiles || *l.MaxFileSizeMB != paas.DefaultLogSize {
		t.Errorf("logs of %d files of %d MB", *l.MaxFiles, *l.MaxFileSizeMB)
	}
	if got := g.Tasks[0].KillSignal; got != paas.DefaultKillSignal {
		t.Errorf("stopped by %s", got)
	}
	if c := g.Services[0].Checks[0]; c.Type != "http" || c.Path != "/up" {
		t.Errorf("a probe without a type became %+v", c)
	}
}
