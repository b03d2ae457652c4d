package jobspec_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"

	nomadapi "github.com/hashicorp/nomad/api"
	"pgregory.net/rapid"

	"github.com/crumpet-paas/crumpet/server/jobspec"
	"github.com/crumpet-paas/crumpet/server/paas"
)

func TestHCLSaysTheJobsOfAnySpec(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		for _, job := range drawSpecJobs(t) {
			checkHCL(t, job)
		}
	})
}

// drawSpecJobs draws an app with every key of a spec, and gives the jobs of its processes, its tasks
// and its crons.
func drawSpecJobs(t *rapid.T) []*nomadapi.Job {
	app := paas.Spec{
		App: "any", Build: paas.Build{Builder: paas.BuilderGo}, Deploy: paas.DefaultDeploy(),
		Env: drawEnv(t), Placement: drawPlacement(t),
	}
	counts := map[string]int{}
	for i := range rapid.IntRange(1, 3).Draw(t, "processes") {
		p := drawProcess(t, fmt.Sprint("p", i))
		app.Processes = append(app.Processes, p)
		counts[p.Name] = p.Instances
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "tasks") {
		app.Tasks = append(app.Tasks, paas.Task{Name: fmt.Sprint("t", i), Program: drawProgram(t, nil), Attempts: i, Timeout: drawTime(t)})
		app.Crons = append(app.Crons, paas.Cron{
			Name: fmt.Sprint("c", i), Program: drawProgram(t, nil), Schedule: "*/5 * * * *", TimeZone: "Europe/Berlin",
			Overlap: rapid.Bool().Draw(t, "overlap"), Timeout: drawTime(t),
		})
	}
	in := jobspec.Input{
		Release: paas.Release{Team: "default", App: app.App, Number: 3, Spec: app, Artifact: strings.Repeat("a1", 32)},
		Slot:    paas.Green, Counts: counts, Driver: "exec",
		ArtifactURL: func(digest string) string { return "http://127.0.0.1:4780/" + digest },
		BaseURL:     func(r paas.Route) string { return "http://" + r.String() },
	}
	jobs := []*nomadapi.Job{jobspec.Job(in)}
	for _, task := range app.Tasks {
		jobs = append(jobs, jobspec.TaskJob(in, task, paas.SideJob{App: app.App, Kind: paas.JobTask, Name: task.Name, Last: "3"}))
	}
	for _, cron := range app.Crons {
		jobs = append(jobs, jobspec.CronJob(in, cron))
	}
	return jobs
}

func drawProcess(t *rapid.T, name string) paas.Process {
	p := paas.Process{
		Name: name, Instances: rapid.IntRange(0, 9).Draw(t, "instances"), Disk: rapid.IntRange(0, 500).Draw(t, "disk"),
		Placement: drawPlacement(t), Startup: drawTime(t), ShutdownDelay: drawTime(t), MinHealthy: drawTime(t),
		Restart: paas.Restart{Attempts: 2, Delay: drawTime(t)}, Reschedule: paas.Reschedule{Delay: drawTime(t), MaxDelay: drawTime(t)},
		NomadGroup: drawFragment(t, `{"Meta":{"a.b":"${c}"},"MaxClientDisconnect":60000000000}`, `{"Update":{"MaxParallel":0}}`),
	}
	for i, protocol := range []paas.Protocol{paas.HTTP, paas.GRPC, paas.TCP, paas.UDP} {
		if rapid.Bool().Draw(t, "has port") {
			port := paas.Port{Name: fmt.Sprint("port-", i), Protocol: protocol}
			p.Ports = append(p.Ports, port)
			if protocol == paas.HTTP {
				p.Routes = append(p.Routes, paas.Route{Host: "any.example.com", Path: "/" + name + "/", Port: port.Name})
			}
			p.Health.Liveness = &paas.Probe{Type: paas.ProbeTCP, Port: port.Name, Interval: drawTime(t), Timeout: drawTime(t), Failures: 3}
			p.Health.Readiness = &paas.Probe{Type: paas.ProbeHTTP, Port: port.Name, Path: "/${x}", Interval: drawTime(t), Timeout: drawTime(t)}
		}
	}
	if rapid.Bool().Draw(t, "has startup probe") {
		p.Health.Startup = &paas.Probe{Type: paas.ProbeExec, Command: []string{"./check", "${x}"}, Interval: drawTime(t), Timeout: drawTime(t)}
	}
	p.Program = drawProgram(t, p.Ports)
	if rapid.Bool().Draw(t, "has sidecar") {
		p.Sidecars = []paas.Sidecar{{Name: "side", Program: drawProgram(t, p.Ports)}}
	}
	return p
}

func drawProgram(t *rapid.T, ports []paas.Port) paas.Program {
	p := paas.Program{
		Command: []paas.Value{paas.Literal("./run")}, CPU: 100, Memory: 64, MemoryMax: rapid.IntRange(0, 1).Draw(t, "memory max") * 128,
		User: "nobody", Env: drawEnv(t), Logs: paas.Logs{MaxFiles: 3, MaxSize: 5}, KillSignal: "SIGINT", KillTimeout: drawTime(t),
		NomadTask: drawFragment(t, `{"Config":{"labels":[{"a":"b"}],"one":{"b.c":[1,2.5,true]}}}`, `{"Constraints":[{"LTarget":"${meta.x}","Operand":"is_set"}]}`),
	}
	for range rapid.IntRange(0, 4).Draw(t, "args") {
		p.Command = append(p.Command, drawValue(t, ports))
	}
	if rapid.Bool().Draw(t, "has files") {
		p.Files = []paas.ConfigFile{
			{Path: "conf/a", Content: drawValue(t, ports), Mode: "0600", Change: paas.ChangeNoop},
			{Path: "b", Template: "x" + unmarked().Draw(t, "template"), Mode: "0644", Change: paas.ChangeSignal, Signal: "SIGHUP"},
		}
	}
	return p
}

func drawEnv(t *rapid.T) map[string]paas.Value {
	env := map[string]paas.Value{}
	for _, name := range rapid.SliceOfN(rapid.StringMatching(`[A-Z_][A-Z0-9_]{0,5}`), 0, 3).Draw(t, "env") {
		env[name] = drawValue(t, nil)
	}
	return env
}

// unmarked is text without combining marks: an argument is quoted once more, and a mark behind \r would
// join the r.
func unmarked() *rapid.Generator[string] {
	return rapid.Map(text(), func(s string) string {
		return strings.Map(func(r rune) rune {
			if unicode.Is(unicode.M, r) {
				return -1
			}
			return r
		}, s)
	})
}

func drawValue(t *rapid.T, ports []paas.Port) paas.Value {
	v := paas.Value{{Text: unmarked().Draw(t, "text")}, {Ref: &paas.Ref{Kind: paas.RefAllocID}}}
	if len(ports) > 0 {
		v = append(v, paas.Part{Ref: &paas.Ref{Kind: paas.RefPort, Name: ports[0].Name}}, paas.Part{Text: unmarked().Draw(t, "behind")})
	}
	return v[:rapid.IntRange(1, len(v)).Draw(t, "parts")]
}

func drawPlacement(t *rapid.T) paas.Placement {
	if rapid.Bool().Draw(t, "placed anywhere") {
		return paas.Placement{}
	}
	class := paas.Constraint{Attribute: "node.class", Operator: "=", Value: text().Draw(t, "class")}
	return paas.Placement{
		Pool: "big", Datacenters: []string{"dc1", "dc2"}, DistinctHosts: true, Constraints: []paas.Constraint{class},
		Affinities: []paas.Affinity{{Constraint: class, Weight: -50}},
		Spreads:    []paas.Spread{{Attribute: "node.datacenter", Weight: 100, Targets: []paas.Target{{Value: "dc1", Percent: 60}}}},
	}
}

func drawFragment(t *rapid.T, some ...string) paas.Fragment {
	return json.RawMessage(rapid.SampledFrom(append(some, "")).Draw(t, "fragment"))
}

func drawTime(t *rapid.T) time.Duration {
	return time.Duration(rapid.IntRange(1, 10000).Draw(t, "time")) * 500 * time.Millisecond
}
