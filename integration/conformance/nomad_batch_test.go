package conformance_test

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"
)

// batch is a job that ends: no restart, no reschedule, nothing of a service.
func (p *probe) batch(count int, args ...string) *nomadapi.Job {
	j := p.job(count, args...)
	j.Type, j.Update = new(nomadapi.JobTypeBatch), nil
	j.TaskGroups[0].Migrate = nil
	j.TaskGroups[0].ReschedulePolicy = &nomadapi.ReschedulePolicy{Attempts: new(0), Unlimited: new(false)}
	return j
}

// periodic is a batch job that is launched by a schedule.
func (p *probe) periodic(schedule string, args ...string) *nomadapi.Job {
	j := p.batch(1, args...)
	j.Periodic = &nomadapi.PeriodicConfig{Specs: []string{schedule}, TimeZone: new("UTC"), ProhibitOverlap: new(true)}
	return j
}

const never = "0 0 1 1 * 2090"

// becomes waits until the job has a status, and says so.
func (p *probe) becomes(want string) {
	p.until("the job is "+want, func() bool {
		j, _, err := p.nomad.Jobs().Info(p.id, p.read())
		p.check(err)
		return *j.Status == want
	})
	p.say("the job: %s", want)
}

// children are the jobs that launches of the row's job have made, oldest first. They go with the row.
func (p *probe) children() []*nomadapi.JobListStub {
	list, _, err := p.nomad.Jobs().List((&nomadapi.QueryOptions{Prefix: p.id + "/periodic-"}).WithContext(p.ctx))
	p.check(err)
	slices.SortFunc(list, func(a, b *nomadapi.JobListStub) int { return cmp.Compare(a.CreateIndex, b.CreateIndex) })
	return list
}

// schedule registers a periodic job and takes its children away with the row.
func (p *probe) schedule(j *nomadapi.Job) *nomadapi.JobRegisterResponse {
	p.later(func() {
		for _, c := range p.children() {
			_, _, _ = p.nomad.Jobs().Deregister(c.ID, true, p.write()) // it may be gone
		}
	})
	return p.register(j)
}

var nomadBatchRows = []row{
	{
		name:  "Nomad: a batch job runs its instances to their end, and is dead then",
		calls: []string{"nomad PUT /v1/jobs", "nomad GET /v1/job/:id", "nomad GET /v1/job/:id/allocations?all", "nomad GET /v1/job/:id/summary"},
		want: `
			the job: dead
			ID.web[0] run complete, "All tasks have completed", exit code 0, failed false, healthy unknown true
			ID.web[1] run complete, "All tasks have completed", exit code 0, failed false, healthy unknown true
			summary: complete 2, failed 0, running 0, queued 0
			the same again: nothing more 2`,
		run: func(p *probe) {
			p.register(p.batch(2, "exit", "0"))
			p.until("both have ended", func() bool {
				list := p.allocs()
				return len(list) == 2 && !slices.ContainsFunc(list, func(a *nomadapi.AllocationListStub) bool { return a.ClientStatus != "complete" })
			})
			p.becomes("dead")
			for _, a := range p.allocs() {
				task := a.TaskStates["web"]
				i := slices.IndexFunc(task.Events, func(e *nomadapi.TaskEvent) bool { return e.Type == nomadapi.TaskTerminated })
				p.say("%s %s %s, %q, exit code %s, failed %t, healthy unknown %t", a.Name, a.DesiredStatus, a.ClientStatus, a.ClientDescription,
					task.Events[i].Details["exit_code"], task.Failed, a.DeploymentStatus == nil)
			}
			sum, _, err := p.nomad.Jobs().Summary(p.id, p.read())
			p.check(err)
			g := sum.Summary["web"]
			p.say("summary: complete %d, failed %d, running %d, queued %d", g.Complete, g.Failed, g.Running, g.Queued)
			p.evaluated(p.register(p.batch(2, "exit", "0")).EvalID)
			p.say("the same again: nothing more %d", len(p.allocs()))
		},
	},
	{
		name:  "Nomad: a batch job that fails is restarted as often as it may be, and no more",
		calls: []string{"nomad GET /v1/job/:id/allocations?all", "nomad GET /v1/job/:id"},
		want: `
			run failed, "Failed tasks"
			web: dead, failed true, restarts 1: Started, Terminated, Restarting, Started, Terminated, Not Restarting
			exit code 7
			the job: dead
			no other allocation 1, no reschedule true`,
		run: func(p *probe) {
			j := p.batch(1, "exit", "7")
			j.TaskGroups[0].RestartPolicy = &nomadapi.RestartPolicy{Attempts: new(1), Interval: new(10 * time.Minute), Delay: new(50 * time.Millisecond), Mode: new("fail")}
			p.register(j)
			a := p.ended()
			p.tasks(a)
			events := a.TaskStates["web"].Events
			i := slices.IndexFunc(events, func(e *nomadapi.TaskEvent) bool { return e.Type == nomadapi.TaskTerminated })
			p.say("exit code %s", events[i].Details["exit_code"])
			p.becomes("dead")
			list := p.allocs()
			p.say("no other allocation %d, no reschedule %t", len(list), list[0].FollowupEvalID == "")
		},
	},
	{
		name:  "Nomad: a batch job that runs too long is killed, and called complete",
		calls: []string{"nomad GET /v1/job/:id/allocations?all", "nomad GET /v1/job/:id"},
		want: `
			run complete, "allocation exceeded max_run_duration"
			web: dead, failed false
			Killing: allocation exceeded max_run_duration
			the job: dead`,
		run: func(p *probe) {
			j := p.batch(1, "idle")
			j.TaskGroups[0].MaxRunDuration = new(4 * time.Second)
			p.register(j)
			a := p.ended()
			p.say("%s %s, %q", a.DesiredStatus, a.ClientStatus, a.ClientDescription)
			p.say("web: %s, failed %t", a.TaskStates["web"].State, a.TaskStates["web"].Failed)
			for _, e := range a.TaskStates["web"].Events {
				if e.Type == nomadapi.TaskKilling {
					p.say("%s: %s", e.Type, e.DisplayMessage)
				}
			}
			p.becomes("dead")
		},
	},
	{
		name:  "Nomad: a batch job that is stopped ends with its signal",
		calls: []string{"nomad DELETE /v1/job/:id?purge", "nomad GET /v1/job/:id"},
		want: `
			the job: running
			stop complete, "All tasks have completed"
			web: dead, failed false, restarts 0: Started, Killing, Terminated, Killed
			the job: dead`,
		run: func(p *probe) {
			p.register(p.batch(1, "idle"))
			p.running(1)
			p.becomes("running")
			_, _, err := p.nomad.Jobs().Deregister(p.id, false, p.write())
			p.check(err)
			p.tasks(p.ended())
			p.becomes("dead")
		},
	},
	{
		name:  "Nomad: another version of a batch job runs again",
		calls: []string{"nomad PUT /v1/jobs", "nomad PUT /v1/job/:id/plan"},
		want: `
			the job: dead
			plan of the same: ignore 1; None; index true
			plan of another: ignore 1, place 1; Edited; index true
			it ran again 2
			the job: dead`,
		run: func(p *probe) {
			p.register(p.batch(1, "exit", "0"))
			p.ended()
			p.becomes("dead")
			p.say("plan of the same: %s", p.plan(p.batch(1, "exit", "0")))
			j := p.batch(1, "exit", "0")
			j.TaskGroups[0].Tasks[0].Env = map[string]string{"A": "b"}
			p.say("plan of another: %s", p.plan(j))
			p.register(j)
			p.until("it ran again", func() bool { list := p.allocs(); return len(list) == 2 && list[1].ClientStatus == "complete" })
			p.say("it ran again %d", len(p.allocs()))
			p.becomes("dead")
		},
	},
	{
		name:  "Nomad: a periodic job has no evaluation, and is running until it is stopped",
		calls: []string{"nomad PUT /v1/jobs", "nomad PUT /v1/job/:id/plan", "nomad GET /v1/job/:id/evaluations", "nomad DELETE /v1/job/:id?purge"},
		want: `
			plan: place 1, next launch 2090-01-01
			registered: no evaluation true, index true, warnings ""
			the job: running
			listed: periodic true, no allocations 0, no evaluations 0
			stopped: no evaluation true
			the job: dead
			force: Unexpected response code: 500 (force launch for job "ID" failed: can't force run non-tracked job "ID" (default))`,
		run: func(p *probe) {
			j := p.periodic(never, "exit", "0")
			plan, _, err := p.nomad.Jobs().Plan(j, true, p.write())
			p.check(err)
			p.say("plan: %s, next launch %s", updates(plan.Annotations.DesiredTGUpdates["web"]), plan.NextPeriodicLaunch.UTC().Format(time.DateOnly))
			out := p.schedule(j)
			p.say("registered: no evaluation %t, index %t, warnings %q", out.EvalID == "", out.JobModifyIndex == p.index(p.id), out.Warnings)
			p.becomes("running")
			list, _, err := p.nomad.Jobs().List((&nomadapi.QueryOptions{Prefix: p.id}).WithContext(p.ctx))
			p.check(err)
			evals, _, err := p.nomad.Jobs().Evaluations(p.id, p.read())
			p.check(err)
			p.say("listed: periodic %t, no allocations %d, no evaluations %d", list[0].Periodic, len(p.allocs()), len(evals))
			eval, _, err := p.nomad.Jobs().Deregister(p.id, false, p.write())
			p.check(err)
			p.say("stopped: no evaluation %t", eval == "")
			p.becomes("dead")
			_, _, err = p.nomad.Jobs().PeriodicForce(p.id, p.write())
			p.say("force: %v", err)
		},
	},
	{
		name: "Nomad: a periodic job is launched by force, also while another launch runs",
		calls: []string{
			"nomad PUT /v1/job/:id/periodic/force", "nomad GET /v1/jobs?prefix", "nomad GET /v1/job/:id", "nomad GET /v1/job/:id/allocations?all",
			"nomad GET /v1/evaluation/:id?related", "nomad GET /v1/job/:id/summary",
		},
		want: `
			evaluation: complete periodic-job batch, of the child true
			the child: batch, parent ID, named after its time true, its name is its id true, not periodic true, stop false, listed false, version 0
			its allocation runs true, named after it true
			the parent: running, children running 1, pending 0, dead 0
			another: 2 children
			purged: the children stay running, running
			stopped: dead`,
		run: func(p *probe) {
			p.schedule(p.periodic(never, "idle"))
			id, _, err := p.nomad.Jobs().PeriodicForce(p.id, p.write())
			p.check(err)
			e := p.evaluated(id)
			c := p.children()[0]
			p.say("evaluation: %s %s %s, of the child %t", e.Status, e.TriggeredBy, e.Type, e.JobID == c.ID)
			j, _, err := p.nomad.Jobs().Info(c.ID, p.read())
			p.check(err)
			p.say("the child: %s, parent %s, named after its time %t, its name is its id %t, not periodic %t, stop %t, listed %t, version %d", *j.Type, c.ParentID,
				strings.HasPrefix(c.ID, p.id+"/periodic-"), *j.Name == c.ID, j.Periodic == nil, c.Stop, c.Periodic, *j.Version)
			allocs := func(of string) []*nomadapi.AllocationListStub {
				list, _, err := p.nomad.Jobs().Allocations(of, true, p.read())
				p.check(err)
				return list
			}
			p.until("it runs", func() bool { list := allocs(c.ID); return len(list) == 1 && list[0].ClientStatus == "running" })
			p.say("its allocation runs true, named after it %t", allocs(c.ID)[0].Name == c.ID+".web[0]")
			parent, _, err := p.nomad.Jobs().Info(p.id, p.read())
			p.check(err)
			sum, _, err := p.nomad.Jobs().Summary(p.id, p.read())
			p.check(err)
			p.say("the parent: %s, children running %d, pending %d, dead %d", *parent.Status, sum.Children.Running, sum.Children.Pending, sum.Children.Dead)
			p.until("another second has come", func() bool { return !strings.HasSuffix(c.ID, "-"+strconv.FormatInt(time.Now().Unix(), 10)) })
			_, _, err = p.nomad.Jobs().PeriodicForce(p.id, p.write())
			p.check(err)
			p.say("another: %d children", len(p.children()))
			second := p.children()[1]
			p.until("it runs", func() bool { list := allocs(second.ID); return len(list) == 1 && list[0].ClientStatus == "running" })
			_, _, err = p.nomad.Jobs().Deregister(p.id, true, p.write())
			p.check(err)
			list := p.children()
			p.say("purged: the children stay %s, %s", list[0].Status, list[1].Status)
			for _, one := range list {
				_, _, err = p.nomad.Jobs().Deregister(one.ID, false, p.write())
				p.check(err)
			}
			p.until("they have ended", func() bool {
				list = p.children()
				return !slices.ContainsFunc(list, func(one *nomadapi.JobListStub) bool { return one.Status != "dead" })
			})
			p.say("stopped: %s", list[0].Status)
		},
	},
	{
		name:  "Nomad: a periodic job is launched by its schedule, and does not overlap",
		calls: []string{"nomad GET /v1/jobs?prefix", "nomad PUT /v1/jobs"},
		want: `
			launched true, still one 4 s later 1
			with overlap: another true`,
		run: func(p *probe) {
			p.schedule(p.periodic("*/2 * * * * * *", "idle"))
			p.until("it is launched", func() bool { return len(p.children()) == 1 })
			first := time.Now()
			p.until("two more times have passed", func() bool { return time.Since(first) > 4500*time.Millisecond })
			p.say("launched true, still one 4 s later %d", len(p.children()))
			j := p.periodic("*/2 * * * * * *", "idle")
			j.Periodic.ProhibitOverlap = new(false)
			p.register(j)
			p.until("there is another", func() bool { return len(p.children()) > 1 })
			p.say("with overlap: another true")
			_, _, err := p.nomad.Jobs().Deregister(p.id, false, p.write())
			p.check(err)
		},
	},
}
