package conformance_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"
)

// plan shows what a register of the job would do to group web.
func (p *probe) plan(j *nomadapi.Job) string {
	out, _, err := p.nomad.Jobs().Plan(j, true, p.write())
	p.check(err)
	text := "none"
	if out.Annotations != nil {
		text = updates(out.Annotations.DesiredTGUpdates["web"])
	}
	if f := out.FailedTGAllocs["web"]; f != nil {
		text += "; failed"
	}
	return fmt.Sprintf("%s; %s; index %t", text, out.Diff.Type, out.JobModifyIndex == p.index(*j.ID))
}

var nomadPlanRows = []row{
	{
		name:  "Nomad: a plan of a new job places its instances and registers nothing",
		calls: []string{"nomad PUT /v1/job/:id/plan", "nomad GET /v1/job/:id"},
		want: `
			place 2; Added; index true
			afterwards: Unexpected response code: 404 (job not found)`,
		run: func(p *probe) {
			p.say("%s", p.plan(p.job(2, "idle")))
			_, _, err := p.nomad.Jobs().Info(p.id, p.read())
			p.say("afterwards: %v", err)
		},
	},
	{
		name:  "Nomad: a plan tells changes in place from destructive ones",
		calls: []string{"nomad PUT /v1/job/:id/plan"},
		want: `
			the same job: ignore 2; None; index true
			count 3: place 1, in place 2; Edited; index true
			count 1: stop 1, in place 1; Edited; index true
			count 0: stop 2; Edited; index true
			tags: in place 2; Edited; index true
			a check: in place 2; Edited; index true
			tags and count 3: place 1, in place 2; Edited; index true
			a restart policy: in place 2; Edited; index true
			shutdown_delay: in place 2; Edited; index true
			env: destructive 2; Edited; index true
			arguments: destructive 2; Edited; index true
			an artifact: destructive 2; Edited; index true
			memory: destructive 2; Edited; index true
			a template: destructive 2; Edited; index true
			meta of the task: destructive 2; Edited; index true
			another port: destructive 2; Edited; index true
			kill timeout: in place 2; Edited; index true
			env and count 1: stop 1, destructive 1; Edited; index true
			env and count 3: place 1, destructive 2; Edited; index true
			another group: place 1; Edited; index true`,
		run: func(p *probe) {
			p.register(p.server(2))
			p.running(2)
			env := func(j *nomadapi.Job) { j.TaskGroups[0].Tasks[0].Env["A"] = "b" }
			count := func(n int) func(*nomadapi.Job) { return func(j *nomadapi.Job) { j.TaskGroups[0].Count = new(n) } }
			tags := func(j *nomadapi.Job) { j.TaskGroups[0].Services[0].Tags = []string{"green"} }
			for _, change := range []struct {
				name string
				make []func(*nomadapi.Job)
			}{
				{"the same job", nil},
				{"count 3", []func(*nomadapi.Job){count(3)}},
				{"count 1", []func(*nomadapi.Job){count(1)}},
				{"count 0", []func(*nomadapi.Job){count(0)}},
				{"tags", []func(*nomadapi.Job){tags}},
				{"a check", []func(*nomadapi.Job){func(j *nomadapi.Job) { j.TaskGroups[0].Services[0].Checks[0].Interval = 7 * time.Second }}},
				{"tags and count 3", []func(*nomadapi.Job){tags, count(3)}},
				{"a restart policy", []func(*nomadapi.Job){func(j *nomadapi.Job) { j.TaskGroups[0].RestartPolicy.Attempts = new(4) }}},
				{"shutdown_delay", []func(*nomadapi.Job){func(j *nomadapi.Job) { j.TaskGroups[0].ShutdownDelay = new(time.Second) }}},
				{"env", []func(*nomadapi.Job){env}},
				{"arguments", []func(*nomadapi.Job){func(j *nomadapi.Job) { j.TaskGroups[0].Tasks[0].Config["args"] = []string{"idle"} }}},
				{"an artifact", []func(*nomadapi.Job){func(j *nomadapi.Job) { j.TaskGroups[0].Tasks[0].Artifacts[0].GetterSource = new("http://127.0.0.1:9/") }}},
				{"memory", []func(*nomadapi.Job){func(j *nomadapi.Job) { j.TaskGroups[0].Tasks[0].Resources.MemoryMB = new(40) }}},
				{"a template", []func(*nomadapi.Job){func(j *nomadapi.Job) {
					j.TaskGroups[0].Tasks[0].Templates = []*nomadapi.Template{{EmbeddedTmpl: new("a"), DestPath: new("local/a")}}
				}}},
				{"meta of the task", []func(*nomadapi.Job){func(j *nomadapi.Job) { j.TaskGroups[0].Tasks[0].Meta = map[string]string{"a": "b"} }}},
				{"another port", []func(*nomadapi.Job){func(j *nomadapi.Job) {
					n := j.TaskGroups[0].Networks[0]
					n.DynamicPorts = append(n.DynamicPorts, nomadapi.Port{Label: "admin"})
				}}},
				{"kill timeout", []func(*nomadapi.Job){func(j *nomadapi.Job) { j.TaskGroups[0].Tasks[0].KillTimeout = new(3 * time.Second) }}},
				{"env and count 1", []func(*nomadapi.Job){env, count(1)}},
				{"env and count 3", []func(*nomadapi.Job){env, count(3)}},
			} {
				j := p.server(2)
				for _, edit := range change.make {
					edit(j)
				}
				p.say("%s: %s", change.name, p.plan(j))
			}
			j := p.server(2)
			other := p.job(1, "idle").TaskGroups[0]
			other.Name = new("more")
			j.TaskGroups = append(j.TaskGroups, other)
			out, _, err := p.nomad.Jobs().Plan(j, true, p.write())
			p.check(err)
			p.say("another group: %s; %s; index %t", updates(out.Annotations.DesiredTGUpdates["more"]), out.Diff.Type, out.JobModifyIndex == p.index(p.id))
		},
	},
	{
		name:  "Nomad: a plan's diff says what changes",
		calls: []string{"nomad PUT /v1/job/:id/plan"},
		want: `
			Edited, group web Edited
			Count: Edited 1 -> 2
			task web Edited: Env[GREETING] Added -> hi`,
		run: func(p *probe) {
			p.register(p.job(1, "idle"))
			j := p.job(2, "idle")
			j.TaskGroups[0].Tasks[0].Env = map[string]string{"GREETING": "hi"}
			out, _, err := p.nomad.Jobs().Plan(j, true, p.write())
			p.check(err)
			g := out.Diff.TaskGroups[0]
			p.say("%s, group %s %s", out.Diff.Type, g.Name, g.Type)
			for _, f := range g.Fields {
				p.say("%s: %s %s -> %s", f.Name, f.Type, f.Old, f.New)
			}
			for _, t := range g.Tasks {
				for _, f := range t.Fields {
					p.say("task %s %s: %s %s %s -> %s", t.Name, t.Type, f.Name, f.Type, f.Old, f.New)
				}
			}
		},
	},
	{
		name:  "Nomad: an ask without room is known from the plan and from the evaluation",
		alone: true, // room that other rows free wakes the blocked evaluation
		calls: []string{
			"nomad PUT /v1/job/:id/plan", "nomad GET /v1/evaluation/:id?related", "nomad GET /v1/job/:id/evaluations", "nomad PUT /v1/jobs",
		},
		want: `
			plan: place 2; failed; Added; index true
			why: evaluated 1, filtered 0, exhausted 1, dimensions map[memory:1], coalesced 1
			registered: complete job-register, failed web, queued 2, blocked true
			the job: pending
			the blocked one: blocked queued-allocs
			count 0: complete, failed 0
			the blocked one: canceled`,
		run: func(p *probe) {
			j := p.job(2, "idle")
			j.TaskGroups[0].Tasks[0].Resources.MemoryMB = new(64 << 20) // 64 TB
			p.say("plan: %s", p.plan(j))
			plan, _, err := p.nomad.Jobs().Plan(j, true, p.write())
			p.check(err)
			m := plan.FailedTGAllocs["web"]
			p.say("why: evaluated %d, filtered %d, exhausted %d, dimensions %v, coalesced %d", m.NodesEvaluated, m.NodesFiltered, m.NodesExhausted, m.DimensionExhausted, m.CoalescedFailures)
			e := p.evaluated(p.register(j).EvalID)
			var failed []string
			for group := range e.FailedTGAllocs {
				failed = append(failed, group)
			}
			p.say("registered: %s %s, failed %s, queued %d, blocked %t", e.Status, e.TriggeredBy, strings.Join(failed, " "), e.QueuedAllocations["web"], e.BlockedEval != "")
			job, _, err := p.nomad.Jobs().Info(p.id, p.read())
			p.check(err)
			p.say("the job: %s", *job.Status)
			blocked, _, err := p.nomad.Evaluations().Info(e.BlockedEval, p.read())
			p.check(err)
			p.say("the blocked one: %s %s", blocked.Status, blocked.TriggeredBy)
			j.TaskGroups[0].Count = new(0)
			after := p.evaluated(p.register(j).EvalID)
			p.say("count 0: %s, failed %d", after.Status, len(after.FailedTGAllocs))
			p.until("the blocked evaluation is over", func() bool {
				all, _, err := p.nomad.Jobs().Evaluations(p.id, p.read())
				p.check(err)
				return slices.ContainsFunc(all, func(one *nomadapi.Evaluation) bool { return one.ID == e.BlockedEval && one.Status != "blocked" })
			})
			blocked, _, err = p.nomad.Evaluations().Info(e.BlockedEval, p.read())
			p.check(err)
			p.say("the blocked one: %s", blocked.Status)
		},
	},
	{
		name:  "Nomad: a constraint that no node meets is named",
		calls: []string{"nomad PUT /v1/job/:id/plan"},
		want:  `filtered 1 of 1, exhausted 0, constraints map[${attr.kernel.name} = plan9:1]`,
		run: func(p *probe) {
			j := p.job(1, "idle")
			j.Constraints = []*nomadapi.Constraint{nomadapi.NewConstraint("${attr.kernel.name}", "=", "plan9")}
			plan, _, err := p.nomad.Jobs().Plan(j, true, p.write())
			p.check(err)
			m := plan.FailedTGAllocs["web"]
			if m == nil {
				p.fatal("the plan fails nothing")
			}
			p.say("filtered %d of %d, exhausted %d, constraints %v", m.NodesFiltered, m.NodesEvaluated, m.NodesExhausted, m.ConstraintFiltered)
		},
	},
}
