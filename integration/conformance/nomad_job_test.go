package conformance_test

import (
	"fmt"
	"strings"

	nomadapi "github.com/hashicorp/nomad/api"
)

var nomadJobRows = []row{
	{
		name:  "Nomad: a job is registered only at the index it is known by",
		calls: []string{"nomad PUT /v1/jobs", "nomad GET /v1/job/:id"},
		want: `
			unknown job at index 5: Unexpected response code: 500 (Enforcing job modify index 5: job does not exist)
			new at index 0: evaluation true, warnings ""
			again at index 0: Unexpected response code: 500 (Enforcing job modify index 0: job already exists)
			at a later index: Unexpected response code: 500 (Enforcing job modify index LATER: job exists with conflicting job modify index: INDEX)
			at its index: the index moved true, version 1`,
		run: func(p *probe) {
			j := p.job(0, "idle")
			_, _, err := p.nomad.Jobs().EnforceRegister(j, 5, p.write())
			p.say("unknown job at index 5: %v", err)
			out := p.register(j)
			p.say("new at index 0: evaluation %t, warnings %q", out.EvalID != "", out.Warnings)
			index := p.index(p.id)
			if index != out.JobModifyIndex {
				p.fatal("registered at %d, known by %d", out.JobModifyIndex, index)
			}
			hide := strings.NewReplacer(fmt.Sprint(index), "INDEX", fmt.Sprint(index+7), "LATER")
			for _, at := range []struct {
				name  string
				index uint64
			}{{"again at index 0", 0}, {"at a later index", index + 7}} {
				_, _, err = p.nomad.Jobs().EnforceRegister(j, at.index, p.write())
				p.say("%s: %s", at.name, hide.Replace(fmt.Sprint(err)))
			}
			j.TaskGroups[0].Tasks[0].Env = map[string]string{"A": "b"}
			out, _, err = p.nomad.Jobs().EnforceRegister(j, index, p.write())
			p.check(err)
			now, _, err := p.nomad.Jobs().Info(p.id, p.read())
			p.check(err)
			p.say("at its index: the index moved %t, version %d", out.JobModifyIndex > index && *now.JobModifyIndex == out.JobModifyIndex, *now.Version)
		},
	},
	{
		name:  "Nomad: an identical job makes no version and touches no allocation",
		calls: []string{"nomad PUT /v1/jobs", "nomad GET /v1/job/:id", "nomad GET /v1/job/:id/allocations?all"},
		want: `
			the second register: an evaluation true, version 0, the same index true
			its evaluation: complete, job-register
			the same allocation true, job version 0`,
		run: func(p *probe) {
			j := p.job(1, "idle")
			first := p.register(j)
			before := p.running(1)[0]
			out := p.register(p.job(1, "idle"))
			now, _, err := p.nomad.Jobs().Info(p.id, p.read())
			p.check(err)
			p.say("the second register: an evaluation %t, version %d, the same index %t", out.EvalID != "", *now.Version, *now.JobModifyIndex == first.JobModifyIndex)
			e := p.evaluated(out.EvalID)
			p.say("its evaluation: %s, %s", e.Status, e.TriggeredBy)
			after := p.running(1)[0]
			p.say("the same allocation %t, job version %d", before.ID == after.ID, after.JobVersion)
		},
	},
	{
		name:  "Nomad: a job that is evaluated again makes no version and touches no allocation",
		calls: []string{"nomad PUT /v1/job/:id/evaluate?namespace"},
		want: `
			its evaluation: complete, job-register
			version 0, the same index true
			the same allocation true`,
		run: func(p *probe) {
			first := p.register(p.job(1, "idle"))
			before := p.running(1)[0]
			id, _, err := p.nomad.Jobs().ForceEvaluate(p.id, p.writeTo("default"))
			p.check(err)
			e := p.evaluated(id)
			p.say("its evaluation: %s, %s", e.Status, e.TriggeredBy)
			now, _, err := p.nomad.Jobs().Info(p.id, p.read())
			p.check(err)
			p.say("version %d, the same index %t", *now.Version, *now.JobModifyIndex == first.JobModifyIndex)
			p.say("the same allocation %t", before.ID == p.running(1)[0].ID)
		},
	},
	{
		name:  "Nomad: a job is kept as it was sent",
		calls: []string{"nomad GET /v1/job/:id"},
		want: `
			type service, priority 50, namespace default, region global, status pending, stop false, datacenters [*]
			update max_parallel 0, group web of 0, migrate checks 1 200ms 30s
			restart 0 1m0s 1s fail, reschedule 1h0m0s 1h0m0s constant unlimited true
			network host [http], service ID http consul [blue second], check health http /health 1s 1s
			task web, kill 5s SIGTERM, cpu 50, memory 32, env HOST=${NOMAD_IP_http}, logs 10 x 10 MB
			artifact any into local/, archive tar.gz`,
		run: func(p *probe) {
			p.register(p.server(0))
			j, _, err := p.nomad.Jobs().Info(p.id, p.read())
			p.check(err)
			status := *j.Status
			if status == "dead" { // when the evaluation has ended: there is nothing to run
				status = "pending"
			}
			p.say("type %s, priority %d, namespace %s, region %s, status %s, stop %t, datacenters %v", *j.Type, *j.Priority, *j.Namespace, *j.Region, status, *j.Stop, j.Datacenters)
			g := j.TaskGroups[0]
			p.say("update max_parallel %d, group %s of %d, migrate %s %d %s %s", *j.Update.MaxParallel, *g.Name, *g.Count, *g.Migrate.HealthCheck, *g.Migrate.MaxParallel, *g.Migrate.MinHealthyTime, *g.Migrate.HealthyDeadline)
			r, again := g.RestartPolicy, g.ReschedulePolicy
			p.say("restart %d %s %s %s, reschedule %s %s %s unlimited %t", *r.Attempts, *r.Interval, *r.Delay, *r.Mode, *again.Delay, *again.MaxDelay, *again.DelayFunction, *again.Unlimited)
			s := g.Services[0]
			check := s.Checks[0]
			p.say("network %s [%s], service %s %s %s %v, check %s %s %s %s %s", g.Networks[0].Mode, g.Networks[0].DynamicPorts[0].Label, s.Name, s.PortLabel, s.Provider, s.Tags, check.Name, check.Type, check.Path, check.Interval, check.Timeout)
			t := g.Tasks[0]
			p.say("task %s, kill %s %s, cpu %d, memory %d, env HOST=%s, logs %d x %d MB", t.Name, *t.KillTimeout, t.KillSignal, *t.Resources.CPU, *t.Resources.MemoryMB, t.Env["HOST"], *t.LogConfig.MaxFiles, *t.LogConfig.MaxFileSizeMB)
			a := t.Artifacts[0]
			p.say("artifact %s into %s, archive %s", *a.GetterMode, *a.RelativeDest, a.GetterOptions["archive"])
		},
	},
	{
		name:  "Nomad: faults of a job are told by validate and refused by register",
		calls: []string{"nomad PUT /v1/validate/job", "nomad PUT /v1/jobs"},
		want: `
			a good job: valid, warnings ""
			no task group: Missing job task groups
			no task group, registered: 500 true
			no driver: Missing task driver
			two tasks of one name: Task 2 redefines 'web' from task 1
			two tasks of one name, registered: 500 true
			a negative count: Task group count can't be negative`,
		run: func(p *probe) {
			validate := func(j *nomadapi.Job, look string) string {
				out, _, err := p.nomad.Jobs().Validate(j, p.write())
				p.check(err)
				if out.Error == "" {
					return fmt.Sprintf("valid, warnings %q", out.Warnings)
				}
				if strings.Contains(out.Error, look) {
					return look
				}
				return out.Error
			}
			refused := func(j *nomadapi.Job) bool {
				_, _, err := p.nomad.Jobs().EnforceRegister(j, 0, p.write())
				return err != nil && strings.Contains(err.Error(), "500")
			}
			p.say("a good job: %s", validate(p.job(1, "idle"), ""))
			j := p.job(1, "idle")
			j.TaskGroups = nil
			p.say("no task group: %s", validate(j, "Missing job task groups"))
			p.say("no task group, registered: 500 %t", refused(j))
			j = p.job(1, "idle")
			j.TaskGroups[0].Tasks[0].Driver = ""
			p.say("no driver: %s", validate(j, "Missing task driver"))
			j = p.job(1, "idle")
			j.TaskGroups[0].Tasks = append(j.TaskGroups[0].Tasks, j.TaskGroups[0].Tasks[0])
			p.say("two tasks of one name: %s", validate(j, "Task 2 redefines 'web' from task 1"))
			p.say("two tasks of one name, registered: 500 %t", refused(j))
			p.say("a negative count: %s", validate(p.job(-1, "idle"), "Task group count can't be negative"))
		},
	},
	{
		name:  "Nomad: six versions of a job are kept",
		calls: []string{"nomad GET /v1/job/:id/versions?diffs"},
		want: `
			after 8 registers: 7 6 5 4 3 2
			envs: 7 6 5 4 3 2`,
		run: func(p *probe) {
			j := p.job(0, "idle")
			for i := range 8 {
				j.TaskGroups[0].Tasks[0].Env = map[string]string{"N": fmt.Sprint(i)}
				p.register(j)
			}
			all, _, _, err := p.nomad.Jobs().Versions(p.id, false, p.read())
			p.check(err)
			var versions, envs []string
			for _, one := range all {
				versions = append(versions, fmt.Sprint(*one.Version))
				envs = append(envs, one.TaskGroups[0].Tasks[0].Env["N"])
			}
			p.say("after 8 registers: %s", strings.Join(versions, " "))
			p.say("envs: %s", strings.Join(envs, " "))
		},
	},
	{
		name:  "Nomad: a deregistered job is dead, a purged one is gone",
		calls: []string{"nomad DELETE /v1/job/:id?purge", "nomad GET /v1/job/:id"},
		want: `
			stopped: an evaluation true, job-deregister, complete
			the job: dead, stop true
			its allocations: stop complete
			purged: Unexpected response code: 404 (job not found)
			purged again: <nil>
			registered anew at index 0: version 0`,
		run: func(p *probe) {
			p.register(p.job(1, "idle"))
			p.running(1)
			id, _, err := p.nomad.Jobs().Deregister(p.id, false, p.write())
			p.check(err)
			e := p.evaluated(id)
			p.say("stopped: an evaluation %t, %s, %s", id != "", e.TriggeredBy, e.Status)
			p.until("the instance has ended", func() bool { return p.allocs()[0].ClientStatus != "running" })
			var j *nomadapi.Job
			p.until("the job is dead", func() bool {
				j, _, err = p.nomad.Jobs().Info(p.id, p.read())
				p.check(err)
				return *j.Status == "dead"
			})
			p.say("the job: %s, stop %t", *j.Status, *j.Stop)
			p.say("its allocations: %s %s", p.allocs()[0].DesiredStatus, p.allocs()[0].ClientStatus)
			_, _, err = p.nomad.Jobs().Deregister(p.id, true, p.write())
			p.check(err)
			_, _, err = p.nomad.Jobs().Info(p.id, p.read())
			p.say("purged: %v", err)
			_, _, err = p.nomad.Jobs().Deregister(p.id, true, p.write())
			p.say("purged again: %v", err)
			p.register(p.job(0, "idle"))
			j, _, err = p.nomad.Jobs().Info(p.id, p.read())
			p.check(err)
			p.say("registered anew at index 0: version %d", *j.Version)
		},
	},
	{
		// How Crumpet ends a job: a deregister asks for no index.
		name:  "Nomad: a job registered as a stopped one ends, and may be registered over",
		calls: []string{"nomad PUT /v1/jobs", "nomad GET /v1/job/:id", "nomad PUT /v1/job/:id/plan"},
		want: `
			at an old index: refused true
			stopped: an evaluation true, job-register, complete
			the job: dead, stop true, version 1
			its allocations: stop complete
			planned over it: Edited, place 1
			registered over it: stop false, version 2
			a cron, stopped and registered over: true false`,
		run: func(p *probe) {
			old := p.register(p.job(0, "idle")).JobModifyIndex
			p.register(p.job(1, "idle"))
			p.running(1)
			read := func() *nomadapi.Job {
				j, _, err := p.nomad.Jobs().Info(p.id, p.read())
				p.check(err)
				return j
			}
			end := func(index uint64) (*nomadapi.JobRegisterResponse, error) {
				j := read()
				j.Stop = new(true)
				out, _, err := p.nomad.Jobs().EnforceRegister(j, index, p.write())
				return out, err
			}
			_, err := end(old)
			p.say("at an old index: refused %t", err != nil && strings.Contains(err.Error(), "conflicting job modify index"))
			before := *read().Version
			out, err := end(p.index(p.id))
			p.check(err)
			e := p.evaluated(out.EvalID)
			p.say("stopped: an evaluation %t, %s, %s", out.EvalID != "", e.TriggeredBy, e.Status)
			p.until("the job is dead, its instance ended", func() bool {
				return *read().Status == "dead" && p.allocs()[0].ClientStatus != "running"
			})
			p.say("the job: %s, stop %t, version %d", *read().Status, *read().Stop, *read().Version-before)
			p.say("its allocations: %s %s", p.allocs()[0].DesiredStatus, p.allocs()[0].ClientStatus)
			plan, _, err := p.nomad.Jobs().Plan(p.job(1, "idle"), true, p.write())
			p.check(err)
			p.say("planned over it: %s, place %d", plan.Diff.Type, plan.Annotations.DesiredTGUpdates["web"].Place)
			p.register(p.job(1, "idle"))
			p.running(1)
			p.say("registered over it: stop %t, version %d", *read().Stop, *read().Version-before)

			first := p.id
			p.id += "-cron"
			defer func() { p.id = first }()
			p.register(p.periodic(never, "idle"))
			_, err = end(p.index(p.id))
			p.check(err)
			stopped := *read().Stop
			p.register(p.periodic(never, "idle"))
			p.say("a cron, stopped and registered over: %t %t", stopped, *read().Stop)
		},
	},
	{
		name: "Nomad: what is not there is a 404 that says what",
		calls: []string{
			"nomad GET /v1/job/:id", "nomad GET /v1/job/:id?namespace", "nomad GET /v1/allocation/:id", "nomad GET /v1/evaluation/:id?related",
			"nomad GET /v1/namespace/:name", "nomad GET /v1/job/:id/allocations?all",
		},
		want: `
			job: Unexpected response code: 404 (job not found)
			job in a namespace: Unexpected response code: 404 (job not found)
			allocation: Unexpected response code: 404 (alloc not found)
			evaluation: Unexpected response code: 404 (eval not found)
			namespace: Unexpected response code: 404 (Namespace not found)
			allocations of no job: 0, <nil>`,
		run: func(p *probe) {
			const none = "11111111-2222-3333-4444-555555555555"
			_, _, err := p.nomad.Jobs().Info(p.id, p.read())
			p.say("job: %v", err)
			_, _, err = p.nomad.Jobs().Info(p.id, (&nomadapi.QueryOptions{Namespace: p.id}).WithContext(p.ctx))
			p.say("job in a namespace: %v", err)
			_, _, err = p.nomad.Allocations().Info(none, p.read())
			p.say("allocation: %v", err)
			_, _, err = p.nomad.Evaluations().Info(none, p.read())
			p.say("evaluation: %v", err)
			_, _, err = p.nomad.Namespaces().Info(p.id, p.read())
			p.say("namespace: %v", err)
			list, _, err := p.nomad.Jobs().Allocations(p.id, true, p.read())
			p.say("allocations of no job: %d, %v", len(list), err)
		},
	},
	{
		name: "Nomad: a namespace holds jobs of its own",
		calls: []string{
			"nomad PUT /v1/namespace", "nomad GET /v1/namespace/:name", "nomad PUT /v1/jobs?namespace", "nomad GET /v1/job/:id?namespace",
			"nomad PUT /v1/job/:id/plan?namespace", "nomad DELETE /v1/job/:id?namespace&purge", "nomad GET /v1/allocations?namespace&resources&task_states",
		},
		want: `
			before it is made: Unexpected response code: 500 (1 error occurred: * job "ID" is in nonexistent namespace "ID")
			made: ID "of a row"
			planned: place 1
			in the default one: Unexpected response code: 404 (job not found)
			in its own: ID
			its allocation: namespace ID
			purged: Unexpected response code: 404 (job not found)`,
		run: func(p *probe) {
			w := (&nomadapi.WriteOptions{Namespace: p.id}).WithContext(p.ctx)
			q := (&nomadapi.QueryOptions{Namespace: p.id}).WithContext(p.ctx)
			j := p.job(1, "idle")
			j.Namespace = new(p.id)
			_, _, err := p.nomad.Jobs().EnforceRegister(j, 0, w)
			p.say("before it is made: %v", err)
			_, err = p.nomad.Namespaces().Register(&nomadapi.Namespace{Name: p.id, Description: "of a row"}, p.write())
			p.check(err)
			ns, _, err := p.nomad.Namespaces().Info(p.id, p.read())
			p.check(err)
			p.say("made: %s %q", ns.Name, ns.Description)
			plan, _, err := p.nomad.Jobs().Plan(j, true, w)
			p.check(err)
			p.say("planned: %s", updates(plan.Annotations.DesiredTGUpdates["web"]))
			_, _, err = p.nomad.Jobs().EnforceRegister(j, 0, w)
			p.check(err)
			p.purgeLater(p.id, p.id)
			_, _, err = p.nomad.Jobs().Info(p.id, p.read())
			p.say("in the default one: %v", err)
			got, _, err := p.nomad.Jobs().Info(p.id, q)
			p.check(err)
			p.say("in its own: %s", *got.Namespace)
			all := (&nomadapi.QueryOptions{Namespace: "*", Params: map[string]string{"task_states": "true", "resources": "true"}}).WithContext(p.ctx)
			p.until("its allocation runs", func() bool {
				list, _, err := p.nomad.Allocations().List(all)
				p.check(err)
				for _, a := range list {
					if a.JobID == p.id && a.ClientStatus == "running" {
						p.say("its allocation: namespace %s", a.Namespace)
						return true
					}
				}
				return false
			})
			_, _, err = p.nomad.Jobs().Deregister(p.id, true, w)
			p.check(err)
			_, _, err = p.nomad.Jobs().Info(p.id, q)
			p.say("purged: %v", err)
		},
	},
}
