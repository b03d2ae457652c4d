package conformance_test

import (
	"fmt"
	"slices"
	"strings"

	nomadapi "github.com/hashicorp/nomad/api"
)

// placed says whether a plan places a job's group web, and why not.
func (p *probe) placed(j *nomadapi.Job) string {
	out, _, err := p.nomad.Jobs().Plan(j, true, p.write())
	if err != nil {
		return strings.Join(strings.Fields(err.Error()), " ")
	}
	m := out.FailedTGAllocs["web"]
	if m == nil {
		return "placed"
	}
	var in []string
	for dc, n := range m.NodesAvailable {
		in = append(in, fmt.Sprintf("%s %d", dc, n))
	}
	return strings.Join(strings.Fields(fmt.Sprintf("evaluated %d, filtered %d, exhausted %d, pool %d, in %v: %v %v, coalesced %d",
		m.NodesEvaluated, m.NodesFiltered, m.NodesExhausted, m.NodesInPool, in, m.ConstraintFiltered, m.DimensionExhausted, m.CoalescedFailures)), " ")
}

var nomadPlacementRows = []row{
	{
		name:  "Nomad: a node meets a constraint by every operator, or is filtered by its name",
		calls: []string{"nomad PUT /v1/job/:id/plan"},
		want: `
			${attr.kernel.name} = linux: placed
			${attr.kernel.name} == linux: placed
			${attr.kernel.name} is linux: placed
			${attr.kernel.name} != linux: evaluated 1, filtered 1, exhausted 0, pool 1, in [dc1 1]: map[${attr.kernel.name} != linux:1] map[], coalesced 0
			${attr.kernel.name} not plan9: placed
			${attr.cpu.numcores} > 0: placed
			${attr.cpu.numcores} >= 100000: evaluated 1, filtered 1, exhausted 0, pool 1, in [dc1 1]: map[${attr.cpu.numcores} >= 100000:1] map[], coalesced 0
			${attr.cpu.numcores} < 100000: placed
			${attr.cpu.numcores} <= 0: evaluated 1, filtered 1, exhausted 0, pool 1, in [dc1 1]: map[${attr.cpu.numcores} <= 0:1] map[], coalesced 0
			${attr.kernel.name} regexp ^li[a-z]+$: placed
			${attr.kernel.name} regexp ^x: evaluated 1, filtered 1, exhausted 0, pool 1, in [dc1 1]: map[${attr.kernel.name} regexp ^x:1] map[], coalesced 0
			${attr.nomad.version} semver >= 1.0.0: placed
			${attr.nomad.version} semver < 1.0.0: evaluated 1, filtered 1, exhausted 0, pool 1, in [dc1 1]: map[${attr.nomad.version} semver < 1.0.0:1] map[], coalesced 0
			${attr.consul.version} version >= 1.0, < 99: placed
			${attr.consul.version} version ~> 99.1: evaluated 1, filtered 1, exhausted 0, pool 1, in [dc1 1]: map[${attr.consul.version} version ~> 99.1:1] map[], coalesced 0
			${attr.os.signals} set_contains SIGTERM,SIGHUP: placed
			${attr.os.signals} set_contains_any SIGNONE,SIGHUP: placed
			${attr.os.signals} set_contains_all SIGNONE,SIGHUP: evaluated 1, filtered 1, exhausted 0, pool 1, in [dc1 1]: map[${attr.os.signals} set_contains_all SIGNONE,SIGHUP:1] map[], coalesced 0
			${attr.kernel.name} is_set : placed
			${meta.nope} is_set : evaluated 1, filtered 1, exhausted 0, pool 1, in [dc1 1]: map[${meta.nope} is_set :1] map[], coalesced 0
			${meta.nope} is_not_set : placed
			${meta.nope} = x: evaluated 1, filtered 1, exhausted 0, pool 1, in [dc1 1]: map[${meta.nope} = x:1] map[], coalesced 0
			${meta.nope} != x: placed
			${node.datacenter} = dc1: placed
			${node.pool} = default: placed
			${node.class} = big: evaluated 1, filtered 1, exhausted 0, pool 1, in [dc1 1]: map[${node.class} = big:1] map[], coalesced 0`,
		run: func(p *probe) {
			for _, c := range [][3]string{
				{"${attr.kernel.name}", "=", "linux"},
				{"${attr.kernel.name}", "==", "linux"},
				{"${attr.kernel.name}", "is", "linux"},
				{"${attr.kernel.name}", "!=", "linux"},
				{"${attr.kernel.name}", "not", "plan9"},
				{"${attr.cpu.numcores}", ">", "0"},
				{"${attr.cpu.numcores}", ">=", "100000"},
				{"${attr.cpu.numcores}", "<", "100000"},
				{"${attr.cpu.numcores}", "<=", "0"},
				{"${attr.kernel.name}", "regexp", "^li[a-z]+$"},
				{"${attr.kernel.name}", "regexp", "^x"},
				{"${attr.nomad.version}", "semver", ">= 1.0.0"},
				{"${attr.nomad.version}", "semver", "< 1.0.0"},
				{"${attr.consul.version}", "version", ">= 1.0, < 99"},
				{"${attr.consul.version}", "version", "~> 99.1"},
				{"${attr.os.signals}", "set_contains", "SIGTERM,SIGHUP"},
				{"${attr.os.signals}", "set_contains_any", "SIGNONE,SIGHUP"},
				{"${attr.os.signals}", "set_contains_all", "SIGNONE,SIGHUP"},
				{"${attr.kernel.name}", "is_set", ""},
				{"${meta.nope}", "is_set", ""},
				{"${meta.nope}", "is_not_set", ""},
				{"${meta.nope}", "=", "x"},
				{"${meta.nope}", "!=", "x"},
				{"${node.datacenter}", "=", "dc1"},
				{"${node.pool}", "=", "default"},
				{"${node.class}", "=", "big"},
			} {
				j := p.job(1, "idle")
				j.TaskGroups[0].Constraints = []*nomadapi.Constraint{nomadapi.NewConstraint(c[0], c[1], c[2])}
				p.say("%s %s %s: %s", c[0], c[1], c[2], p.placed(j))
			}
		},
	},
	{
		name:  "Nomad: one node takes one instance with distinct hosts, and an update in place keeps it",
		calls: []string{"nomad PUT /v1/job/:id/plan", "nomad PUT /v1/jobs"},
		want: `
			one: placed
			two: evaluated 1, filtered 1, exhausted 0, pool 1, in [dc1 1]: map[distinct_hosts:1] map[], coalesced 0
			two may share: placed
			by property: evaluated 1, filtered 1, exhausted 0, pool 1, in [dc1 1]: map[distinct_property: ${node.datacenter}=dc1 used by 1 allocs:1] map[], coalesced 0
			two by property: placed
			a property that is not there: evaluated 1, filtered 1, exhausted 0, pool 1, in [dc1 1]: map[missing property "${meta.nope}":1] map[], coalesced 0
			registered, and in place: in place 1; Edited; index true
			destructive: destructive 1; Edited; index true`,
		run: func(p *probe) {
			job := func(count int, c ...string) *nomadapi.Job {
				j := p.job(count, "idle")
				j.TaskGroups[0].Constraints = []*nomadapi.Constraint{{LTarget: c[1], Operand: c[0], RTarget: c[2]}}
				return j
			}
			p.say("one: %s", p.placed(job(1, "distinct_hosts", "", "true")))
			p.say("two: %s", p.placed(job(2, "distinct_hosts", "", "true")))
			p.say("two may share: %s", p.placed(job(2, "distinct_hosts", "", "false")))
			p.say("by property: %s", p.placed(job(2, "distinct_property", "${node.datacenter}", "")))
			p.say("two by property: %s", p.placed(job(2, "distinct_property", "${node.datacenter}", "2")))
			p.say("a property that is not there: %s", p.placed(job(1, "distinct_property", "${meta.nope}", "")))
			j := job(1, "distinct_hosts", "", "true")
			p.register(j)
			p.running(1)
			j.TaskGroups[0].Tasks[0].KillTimeout = new(j.TaskGroups[0].Tasks[0].KillTimeout.Round(0) + 1e9)
			p.say("registered, and in place: %s", p.plan(j))
			j.TaskGroups[0].Tasks[0].Env = map[string]string{"A": "b"}
			p.say("destructive: %s", p.plan(j))
		},
	},
	{
		name:  "Nomad: datacenters, pools and what a node is short of are named",
		calls: []string{"nomad PUT /v1/job/:id/plan"},
		want: `
			another datacenter: evaluated 0, filtered 0, exhausted 0, pool 0, in []: map[] map[], coalesced 0
			a pattern: placed
			all pools: placed
			another pool: Unexpected response code: 500 (1 error occurred: * job "ID" is in nonexistent node pool "gpu")
			disk: evaluated 1, filtered 0, exhausted 1, pool 1, in [dc1 1]: map[] map[disk:1], coalesced 0
			cores: evaluated 1, filtered 0, exhausted 1, pool 1, in [dc1 1]: map[] map[cores:1], coalesced 0
			memory: evaluated 1, filtered 0, exhausted 1, pool 1, in [dc1 1]: map[] map[memory:1], coalesced 0
			cpu: evaluated 1, filtered 0, exhausted 1, pool 1, in [dc1 1]: map[] map[cpu:1], coalesced 0
			memory_max above the node: placed
			a prestart task makes room for the main one: placed
			a sidecar does not: evaluated 1, filtered 0, exhausted 1, pool 1, in [dc1 1]: map[] map[memory:1], coalesced 0
			a driver: evaluated 1, filtered 1, exhausted 0, pool 1, in [dc1 1]: map[missing drivers:1] map[], coalesced 0
			of the job, for two groups: [${attr.kernel.name} = plan9:1] [computed class ineligible:1]`,
		run: func(p *probe) {
			nodes, _, err := p.nomad.Nodes().List((&nomadapi.QueryOptions{Params: map[string]string{"resources": "true"}}).WithContext(p.ctx))
			p.check(err)
			total := nodes[0].NodeResources
			half := int(total.Memory.MemoryMB * 6 / 10)
			for _, c := range []struct {
				name string
				edit func(j *nomadapi.Job, g *nomadapi.TaskGroup, t *nomadapi.Task)
			}{
				{"another datacenter", func(j *nomadapi.Job, _ *nomadapi.TaskGroup, _ *nomadapi.Task) { j.Datacenters = []string{"dc2"} }},
				{"a pattern", func(j *nomadapi.Job, _ *nomadapi.TaskGroup, _ *nomadapi.Task) { j.Datacenters = []string{"d*"} }},
				{"all pools", func(j *nomadapi.Job, _ *nomadapi.TaskGroup, _ *nomadapi.Task) { j.NodePool = new("all") }},
				{"another pool", func(j *nomadapi.Job, _ *nomadapi.TaskGroup, _ *nomadapi.Task) { j.NodePool = new("gpu") }},
				{"disk", func(_ *nomadapi.Job, g *nomadapi.TaskGroup, _ *nomadapi.Task) {
					g.EphemeralDisk = &nomadapi.EphemeralDisk{SizeMB: new(1 << 30)}
				}},
				{"cores", func(_ *nomadapi.Job, _ *nomadapi.TaskGroup, t *nomadapi.Task) {
					t.Resources.CPU, t.Resources.Cores = nil, new(int(total.Cpu.TotalCpuCores)+1)
				}},
				{"memory", func(_ *nomadapi.Job, _ *nomadapi.TaskGroup, t *nomadapi.Task) {
					t.Resources.MemoryMB = new(int(total.Memory.MemoryMB) + 1)
				}},
				{"cpu", func(_ *nomadapi.Job, _ *nomadapi.TaskGroup, t *nomadapi.Task) {
					t.Resources.CPU = new(int(total.Cpu.CpuShares) + 1)
				}},
				{"memory_max above the node", func(_ *nomadapi.Job, _ *nomadapi.TaskGroup, t *nomadapi.Task) {
					t.Resources.MemoryMaxMB = new(int(total.Memory.MemoryMB) * 2)
				}},
				{"a prestart task makes room for the main one", func(j *nomadapi.Job, g *nomadapi.TaskGroup, t *nomadapi.Task) {
					t.Resources.MemoryMB = new(half)
					p.beside(j, "first", "prestart", false, "idle").Resources.MemoryMB = new(half)
				}},
				{"a sidecar does not", func(j *nomadapi.Job, g *nomadapi.TaskGroup, t *nomadapi.Task) {
					t.Resources.MemoryMB = new(half)
					p.beside(j, "side", "prestart", true, "idle").Resources.MemoryMB = new(half)
				}},
				{"a driver", func(_ *nomadapi.Job, _ *nomadapi.TaskGroup, t *nomadapi.Task) { t.Driver = "qemu" }},
			} {
				j := p.job(1, "idle")
				c.edit(j, j.TaskGroups[0], j.TaskGroups[0].Tasks[0])
				p.say("%s: %s", c.name, p.placed(j))
			}
			j := p.job(1, "idle")
			j.Constraints = []*nomadapi.Constraint{nomadapi.NewConstraint("${attr.kernel.name}", "=", "plan9")}
			other := p.job(1, "idle").TaskGroups[0]
			other.Name = new("more")
			j.TaskGroups = append(j.TaskGroups, other)
			out, _, err := p.nomad.Jobs().Plan(j, true, p.write())
			p.check(err)
			var why []string
			for _, m := range out.FailedTGAllocs {
				why = append(why, strings.TrimPrefix(fmt.Sprint(m.ConstraintFiltered), "map"))
			}
			slices.Sort(why)
			p.say("of the job, for two groups: %s", strings.Join(why, " "))
		},
	},
	{
		name:  "Nomad: every change of the widened spec is in place or destructive as Nomad has it",
		calls: []string{"nomad PUT /v1/job/:id/plan"},
		want: `
			constraint: in place 1; Edited; index true
			affinity: in place 1; Edited; index true
			spread: in place 1; Edited; index true
			kill signal: in place 1; Edited; index true
			logs: in place 1; Edited; index true
			log files off: destructive 1; Edited; index true
			disk: destructive 1; Edited; index true
			cores: destructive 1; Edited; index true
			memory_max: destructive 1; Edited; index true
			user: destructive 1; Edited; index true
			work_dir: destructive 1; Edited; index true
			template text: destructive 1; Edited; index true
			template mode: destructive 1; Edited; index true
			template permissions: destructive 1; Edited; index true
			a sidecar more: destructive 1; Edited; index true
			lifecycle of the sidecar: in place 1; Edited; index true
			sidecar's env: destructive 1; Edited; index true
			leader: in place 1; Edited; index true
			script check: in place 1; Edited; index true
			check_restart: in place 1; Edited; index true
			another service: in place 1; Edited; index true
			restart of the task: in place 1; Edited; index true
			reschedule: in place 1; Edited; index true
			migrate: in place 1; Edited; index true
			meta of the group: destructive 1; Edited; index true
			priority: in place 1; Edited; index true
			datacenters: in place 1; Edited; index true
			pool: in place 1; Edited; index true
			task shutdown_delay: in place 1; Edited; index true
			order of tasks: in place 1; Edited; index true
			identity file: destructive 1; Edited; index true`,
		run: func(p *probe) {
			job := func() *nomadapi.Job {
				j := p.server(1)
				g := j.TaskGroups[0]
				p.beside(j, "proxy", "prestart", true, "idle")
				g.Tasks[0].Templates = []*nomadapi.Template{{EmbeddedTmpl: new("a"), DestPath: new("local/a"), ChangeMode: new("noop")}}
				return j
			}
			p.register(job())
			p.running(1)
			type change struct {
				name string
				edit func(j *nomadapi.Job, g *nomadapi.TaskGroup, t *nomadapi.Task)
			}
			for _, c := range []change{
				{"constraint", func(j *nomadapi.Job, g *nomadapi.TaskGroup, _ *nomadapi.Task) {
					g.Constraints = []*nomadapi.Constraint{nomadapi.NewConstraint("${attr.kernel.name}", "=", "linux")}
				}},
				{"affinity", func(j *nomadapi.Job, g *nomadapi.TaskGroup, _ *nomadapi.Task) {
					g.Affinities = []*nomadapi.Affinity{nomadapi.NewAffinity("${node.datacenter}", "=", "dc9", 50)}
				}},
				{"spread", func(j *nomadapi.Job, g *nomadapi.TaskGroup, _ *nomadapi.Task) {
					g.Spreads = []*nomadapi.Spread{nomadapi.NewSpread("${node.datacenter}", 50, []*nomadapi.SpreadTarget{{Value: "dc1", Percent: 60}})}
				}},
				{"kill signal", func(_ *nomadapi.Job, _ *nomadapi.TaskGroup, t *nomadapi.Task) { t.KillSignal = "SIGINT" }},
				{"logs", func(_ *nomadapi.Job, _ *nomadapi.TaskGroup, t *nomadapi.Task) {
					t.LogConfig = &nomadapi.LogConfig{MaxFiles: new(2), MaxFileSizeMB: new(3)}
				}},
				{"log files off", func(_ *nomadapi.Job, _ *nomadapi.TaskGroup, t *nomadapi.Task) {
					t.LogConfig = &nomadapi.LogConfig{Disabled: new(true)}
				}},
				{"disk", func(_ *nomadapi.Job, g *nomadapi.TaskGroup, _ *nomadapi.Task) {
					g.EphemeralDisk = &nomadapi.EphemeralDisk{SizeMB: new(310)}
				}},
				{"cores", func(_ *nomadapi.Job, _ *nomadapi.TaskGroup, t *nomadapi.Task) {
					t.Resources.CPU, t.Resources.Cores = nil, new(1)
				}},
				{"memory_max", func(_ *nomadapi.Job, _ *nomadapi.TaskGroup, t *nomadapi.Task) { t.Resources.MemoryMaxMB = new(64) }},
				{"user", func(_ *nomadapi.Job, _ *nomadapi.TaskGroup, t *nomadapi.Task) { t.User = "nobody" }},
				{"work_dir", func(_ *nomadapi.Job, _ *nomadapi.TaskGroup, t *nomadapi.Task) { t.Config["work_dir"] = "/local" }},
				{"template text", func(_ *nomadapi.Job, _ *nomadapi.TaskGroup, t *nomadapi.Task) { t.Templates[0].EmbeddedTmpl = new("b") }},
				{"template mode", func(_ *nomadapi.Job, _ *nomadapi.TaskGroup, t *nomadapi.Task) {
					t.Templates[0].ChangeMode, t.Templates[0].ChangeSignal = new("signal"), new("SIGHUP")
				}},
				{"template permissions", func(_ *nomadapi.Job, _ *nomadapi.TaskGroup, t *nomadapi.Task) { t.Templates[0].Perms = new("0600") }},
				{"a sidecar more", func(j *nomadapi.Job, _ *nomadapi.TaskGroup, _ *nomadapi.Task) {
					p.beside(j, "more", "prestart", true, "idle")
				}},
				{"lifecycle of the sidecar", func(_ *nomadapi.Job, g *nomadapi.TaskGroup, _ *nomadapi.Task) {
					g.Tasks[1].Lifecycle.Hook = "poststart"
				}},
				{"sidecar's env", func(_ *nomadapi.Job, g *nomadapi.TaskGroup, _ *nomadapi.Task) {
					g.Tasks[1].Env = map[string]string{"A": "b"}
				}},
				{"leader", func(_ *nomadapi.Job, _ *nomadapi.TaskGroup, t *nomadapi.Task) { t.Leader = true }},
				{"script check", func(_ *nomadapi.Job, g *nomadapi.TaskGroup, _ *nomadapi.Task) {
					g.Services[0].Checks = append(g.Services[0].Checks, nomadapi.ServiceCheck{
						Name: "inside", Type: "script", TaskName: "web", Command: "local/task", Args: []string{"probe"}, Interval: 1e9, Timeout: 1e9,
					})
				}},
				{"check_restart", func(_ *nomadapi.Job, g *nomadapi.TaskGroup, _ *nomadapi.Task) {
					g.Services[0].Checks[0].CheckRestart = &nomadapi.CheckRestart{Limit: 3}
				}},
				{"another service", func(_ *nomadapi.Job, g *nomadapi.TaskGroup, _ *nomadapi.Task) {
					g.Services = append(g.Services, &nomadapi.Service{Name: p.id + "-two", PortLabel: "http", Provider: "consul"})
				}},
				{"restart of the task", func(_ *nomadapi.Job, _ *nomadapi.TaskGroup, t *nomadapi.Task) {
					t.RestartPolicy = &nomadapi.RestartPolicy{Attempts: new(7)}
				}},
				{"reschedule", func(_ *nomadapi.Job, g *nomadapi.TaskGroup, _ *nomadapi.Task) {
					g.ReschedulePolicy.Delay = new(*g.ReschedulePolicy.Delay / 2)
				}},
				{"migrate", func(_ *nomadapi.Job, g *nomadapi.TaskGroup, _ *nomadapi.Task) {
					g.Migrate.MinHealthyTime = new(*g.Migrate.MinHealthyTime * 2)
				}},
				{"meta of the group", func(_ *nomadapi.Job, g *nomadapi.TaskGroup, _ *nomadapi.Task) { g.Meta = map[string]string{"a": "b"} }},
				{"priority", func(j *nomadapi.Job, _ *nomadapi.TaskGroup, _ *nomadapi.Task) { j.Priority = new(60) }},
				{"datacenters", func(j *nomadapi.Job, _ *nomadapi.TaskGroup, _ *nomadapi.Task) { j.Datacenters = []string{"dc1"} }},
				{"pool", func(j *nomadapi.Job, _ *nomadapi.TaskGroup, _ *nomadapi.Task) { j.NodePool = new("all") }},
				{"task shutdown_delay", func(_ *nomadapi.Job, _ *nomadapi.TaskGroup, t *nomadapi.Task) { t.ShutdownDelay = 1e9 }},
				{"order of tasks", func(j *nomadapi.Job, g *nomadapi.TaskGroup, _ *nomadapi.Task) {
					slices.Reverse(g.Tasks)
					j.Priority = new(70) // the order alone may be no change at all
				}},
				{"identity file", func(_ *nomadapi.Job, _ *nomadapi.TaskGroup, t *nomadapi.Task) {
					t.Identity = &nomadapi.WorkloadIdentity{File: true}
				}},
			} {
				j := job()
				c.edit(j, j.TaskGroups[0], j.TaskGroups[0].Tasks[0])
				p.say("%s: %s", c.name, p.plan(j))
			}
		},
	},
}
