package conformance_test

import (
	"strings"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"
)

var nomadValidRows = []row{
	{
		name:  "Nomad: validation names what is wrong with placement, programs, files and checks",
		calls: []string{"nomad PUT /v1/validate/job"},
		want: `
			operator: Unknown constraint type "near"
			right side: Operator "=" requires an RTarget
			regexp: Regular expression failed to compile
			attribute: unsupported attribute "${node.nope}"
			property: Failed to convert RTarget "x" to uint64
			affinity: Affinity weight cannot be zero
			spread: Sum of spread target percentages must not be greater than 100%; got 120%
			cpu and cores: Task can only ask for 'cpu' or 'cores' resource, not both.
			memory_max: MemoryMaxMB value (16) should be larger than MemoryMB value (32)
			logs: log storage (1000 MB) must be less than requested disk capacity (300 MB)
			hook: Lifecycle validation failed: invalid hook: midstart
			only sidecars: Task group web must have at least one main task
			signal: Must specify signal value when change mode is signal
			mode: Invalid change mode
			escape: destination escapes allocation directory
			script: script type must have a valid script path
			no task: must specify task parameter
			another task: refers to non-existent task nope
			no port: check requires a port but neither check nor service
			interval: interval (100ms) cannot be lower than 1s
			cron: Invalid cron spec "nope"
			zone: Invalid time zone "Mars/Olympus"
			service: Periodic can only be used with "batch" or "sysbatch" scheduler
			batch: Job type "batch" does not allow migrate block
			run time: Job type "service" does not allow max_run_duration
			reschedule: Delay cannot be less than 5s (got 1s)
			restart: Nomad can't restart the TaskGroup 9 times in an interval of 10s with a delay of 5s
			pool: job "ID" is in nonexistent node pool "gpu"
			task name: Task name cannot include slashes
			alloc: Task cannot be named "alloc"`,
		run: func(p *probe) {
			type fault struct {
				name, want string
				edit       func(j *nomadapi.Job, g *nomadapi.TaskGroup, t *nomadapi.Task)
			}
			constraint := func(c ...string) func(*nomadapi.Job, *nomadapi.TaskGroup, *nomadapi.Task) {
				return func(_ *nomadapi.Job, g *nomadapi.TaskGroup, _ *nomadapi.Task) {
					g.Constraints = []*nomadapi.Constraint{{LTarget: c[0], Operand: c[1], RTarget: c[2]}}
				}
			}
			check := func(c nomadapi.ServiceCheck) func(*nomadapi.Job, *nomadapi.TaskGroup, *nomadapi.Task) {
				return func(_ *nomadapi.Job, g *nomadapi.TaskGroup, _ *nomadapi.Task) {
					if c.Interval == 0 {
						c.Interval = time.Second
					}
					c.Name, c.Timeout = "c", time.Second
					g.Services[0].Checks = []nomadapi.ServiceCheck{c}
				}
			}
			template := func(tmpl nomadapi.Template) func(*nomadapi.Job, *nomadapi.TaskGroup, *nomadapi.Task) {
				return func(_ *nomadapi.Job, _ *nomadapi.TaskGroup, t *nomadapi.Task) {
					tmpl.EmbeddedTmpl = new("x")
					t.Templates = []*nomadapi.Template{&tmpl}
				}
			}
			cron := func(c nomadapi.PeriodicConfig) func(*nomadapi.Job, *nomadapi.TaskGroup, *nomadapi.Task) {
				return func(j *nomadapi.Job, g *nomadapi.TaskGroup, _ *nomadapi.Task) {
					j.Type, j.Update, g.Migrate, j.Periodic = new("batch"), nil, nil, &c
				}
			}
			for _, f := range []fault{
				{"operator", `Unknown constraint type "near"`, constraint("${attr.a}", "near", "b")},
				{"right side", `Operator "=" requires an RTarget`, constraint("${attr.a}", "=", "")},
				{"regexp", "Regular expression failed to compile", constraint("${attr.a}", "regexp", "(")},
				{"attribute", `unsupported attribute "${node.nope}"`, constraint("${node.nope}", "=", "a")},
				{"property", `Failed to convert RTarget "x" to uint64`, constraint("${attr.a}", "distinct_property", "x")},
				{"affinity", "Affinity weight cannot be zero", func(_ *nomadapi.Job, g *nomadapi.TaskGroup, _ *nomadapi.Task) {
					g.Affinities = []*nomadapi.Affinity{nomadapi.NewAffinity("${attr.a}", "=", "b", 0)}
				}},
				{"spread", "Sum of spread target percentages must not be greater than 100%; got 120%", func(_ *nomadapi.Job, g *nomadapi.TaskGroup, _ *nomadapi.Task) {
					g.Spreads = []*nomadapi.Spread{nomadapi.NewSpread("${attr.a}", 50, []*nomadapi.SpreadTarget{{Value: "a", Percent: 60}, {Value: "b", Percent: 60}})}
				}},
				{"cpu and cores", "Task can only ask for 'cpu' or 'cores' resource, not both.", func(_ *nomadapi.Job, _ *nomadapi.TaskGroup, t *nomadapi.Task) {
					t.Resources.Cores = new(1)
				}},
				{"memory_max", "MemoryMaxMB value (16) should be larger than MemoryMB value (32)", func(_ *nomadapi.Job, _ *nomadapi.TaskGroup, t *nomadapi.Task) {
					t.Resources.MemoryMaxMB = new(16)
				}},
				{"logs", "log storage (1000 MB) must be less than requested disk capacity (300 MB)", func(_ *nomadapi.Job, _ *nomadapi.TaskGroup, t *nomadapi.Task) {
					t.LogConfig = &nomadapi.LogConfig{MaxFiles: new(10), MaxFileSizeMB: new(100)}
				}},
				{"hook", "Lifecycle validation failed: invalid hook: midstart", func(j *nomadapi.Job, _ *nomadapi.TaskGroup, _ *nomadapi.Task) {
					p.beside(j, "x", "midstart", false, "idle")
				}},
				{"only sidecars", "Task group web must have at least one main task", func(_ *nomadapi.Job, _ *nomadapi.TaskGroup, t *nomadapi.Task) {
					t.Lifecycle = &nomadapi.TaskLifecycle{Hook: "prestart", Sidecar: true}
				}},
				{"signal", "Must specify signal value when change mode is signal", template(nomadapi.Template{DestPath: new("local/x"), ChangeMode: new("signal"), ChangeSignal: new("")})},
				{"mode", "Invalid change mode", template(nomadapi.Template{DestPath: new("local/x"), ChangeMode: new("nope")})},
				{"escape", "destination escapes allocation directory", template(nomadapi.Template{DestPath: new("../../x"), ChangeMode: new("noop")})},
				{"script", "script type must have a valid script path", check(nomadapi.ServiceCheck{Type: "script", TaskName: "web"})},
				{"no task", "must specify task parameter", check(nomadapi.ServiceCheck{Type: "script", Command: "x"})},
				{"another task", "refers to non-existent task nope", check(nomadapi.ServiceCheck{Type: "script", Command: "x", TaskName: "nope"})},
				{"no port", "check requires a port but neither check nor service", func(j *nomadapi.Job, g *nomadapi.TaskGroup, _ *nomadapi.Task) {
					g.Services[0].PortLabel = ""
				}},
				{"interval", "interval (100ms) cannot be lower than 1s", check(nomadapi.ServiceCheck{Type: "tcp", Interval: 100 * time.Millisecond})},
				{"cron", `Invalid cron spec "nope"`, cron(nomadapi.PeriodicConfig{Specs: []string{"nope"}})},
				{"zone", `Invalid time zone "Mars/Olympus"`, cron(nomadapi.PeriodicConfig{Specs: []string{"@daily"}, TimeZone: new("Mars/Olympus")})},
				{"service", `Periodic can only be used with "batch" or "sysbatch" scheduler`, func(j *nomadapi.Job, _ *nomadapi.TaskGroup, _ *nomadapi.Task) {
					j.Periodic = &nomadapi.PeriodicConfig{Specs: []string{"@daily"}}
				}},
				{"batch", `Job type "batch" does not allow migrate block`, func(j *nomadapi.Job, _ *nomadapi.TaskGroup, _ *nomadapi.Task) {
					j.Type, j.Update = new("batch"), nil
				}},
				{"run time", `Job type "service" does not allow max_run_duration`, func(_ *nomadapi.Job, g *nomadapi.TaskGroup, _ *nomadapi.Task) {
					g.MaxRunDuration = new(time.Minute)
				}},
				{"reschedule", "Delay cannot be less than 5s (got 1s)", func(_ *nomadapi.Job, g *nomadapi.TaskGroup, _ *nomadapi.Task) {
					g.ReschedulePolicy.Delay = new(time.Second)
				}},
				{"restart", "Nomad can't restart the TaskGroup 9 times in an interval of 10s with a delay of 5s", func(_ *nomadapi.Job, g *nomadapi.TaskGroup, _ *nomadapi.Task) {
					g.RestartPolicy = &nomadapi.RestartPolicy{Attempts: new(9), Interval: new(10 * time.Second), Delay: new(5 * time.Second), Mode: new("fail")}
				}},
				{"pool", `job "` + p.id + `" is in nonexistent node pool "gpu"`, func(j *nomadapi.Job, _ *nomadapi.TaskGroup, _ *nomadapi.Task) { j.NodePool = new("gpu") }},
				{"task name", "Task name cannot include slashes", func(_ *nomadapi.Job, _ *nomadapi.TaskGroup, t *nomadapi.Task) { t.Name = "a/b" }},
				{"alloc", `Task cannot be named "alloc"`, func(_ *nomadapi.Job, _ *nomadapi.TaskGroup, t *nomadapi.Task) { t.Name = "alloc" }},
			} {
				j := p.server(1)
				f.edit(j, j.TaskGroups[0], j.TaskGroups[0].Tasks[0])
				out, _, err := p.nomad.Jobs().Validate(j, p.write())
				p.check(err)
				said := f.want
				if !strings.Contains(out.Error, f.want) {
					said = out.Error
				}
				p.say("%s: %s", f.name, said)
			}
		},
	},
	{
		name:  "Nomad: what it warns of is said by validation, plan and register alike",
		calls: []string{"nomad PUT /v1/validate/job", "nomad PUT /v1/job/:id/plan", "nomad PUT /v1/jobs"},
		want: `
			a service without shutdown_delay: 1 warning: * group "web" defines services, but neither the group nor any of its tasks have shutdown_delay set
			in plan and register the same true true
			with one:
			memory_max:
			a service of a task: 1 warning: * group "web" references task "web" in a service definition, but the task has no shutdown_delay set
			cron: 1 warning: * cron is deprecated and may be removed in a future release. Use crons instead
			crons:`,
		run: func(p *probe) {
			warns := func(j *nomadapi.Job) string {
				out, _, err := p.nomad.Jobs().Validate(j, p.write())
				p.check(err)
				return out.Warnings
			}
			first := warns(p.server(0))
			p.say("a service without shutdown_delay: %s", first)
			plan, _, err := p.nomad.Jobs().Plan(p.server(0), true, p.write())
			p.check(err)
			p.say("in plan and register the same %t %t", plan.Warnings == first, p.register(p.server(0)).Warnings == first)
			j := p.server(0)
			j.TaskGroups[0].ShutdownDelay = new(time.Second)
			p.say("with one: %s", warns(j))
			j.TaskGroups[0].Tasks[0].Resources.MemoryMaxMB = new(64)
			p.say("memory_max: %s", warns(j))
			j.TaskGroups[0].Services[0].TaskName = "web"
			p.say("a service of a task: %s", warns(j))
			j = p.periodic(never, "idle")
			j.Periodic.Specs, j.Periodic.Spec = nil, new(never)
			p.say("cron: %s", warns(j))
			p.say("crons: %s", warns(p.periodic(never, "idle")))
		},
	},
}
