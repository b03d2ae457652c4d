package conformance_test

import (
	"fmt"
	"slices"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"
)

// beside adds a task with a hook to a job's group, which runs the same program.
func (p *probe) beside(j *nomadapi.Job, name, hook string, sidecar bool, args ...string) *nomadapi.Task {
	t := p.job(1, args...).TaskGroups[0].Tasks[0]
	t.Name = name
	if hook != "" {
		t.Lifecycle = &nomadapi.TaskLifecycle{Hook: hook, Sidecar: sidecar}
	}
	j.TaskGroups[0].Tasks = append(j.TaskGroups[0].Tasks, t)
	return t
}

// ended waits for the end of the row's only allocation.
func (p *probe) ended() (a *nomadapi.AllocationListStub) {
	p.until("the allocation has ended", func() bool {
		list := p.allocs()
		if len(list) != 1 || (list[0].ClientStatus != "complete" && list[0].ClientStatus != "failed") {
			return false
		}
		a = list[0]
		for _, task := range a.TaskStates {
			if task.State != "dead" {
				return false
			}
		}
		return true
	})
	return a
}

// tasks shows the tasks of an allocation, by name.
func (p *probe) tasks(a *nomadapi.AllocationListStub) {
	p.say("%s %s, %q", a.DesiredStatus, a.ClientStatus, a.ClientDescription)
	var names []string
	for name := range a.TaskStates {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		task := a.TaskStates[name]
		events := slices.Clone(task.Events)
		events = slices.DeleteFunc(events, func(e *nomadapi.TaskEvent) bool {
			return e.Type == nomadapi.TaskReceived || e.Type == nomadapi.TaskSetup || e.Type == nomadapi.TaskDownloadingArtifacts
		})
		p.say("%s: %s, failed %t, restarts %d: %s", name, task.State, task.Failed, task.Restarts, kinds(events))
	}
}

// before tells whether one task was started before another, in whole steps of the client's clock.
func before(a *nomadapi.AllocationListStub, first, second string) bool {
	return a.TaskStates[first].StartedAt.Before(a.TaskStates[second].StartedAt)
}

var nomadLifecycleRows = []row{
	{
		name:  "Nomad: a sidecar starts before the main task and ends after it",
		calls: []string{"nomad PUT /v1/jobs", "nomad GET /v1/job/:id/allocations?all"},
		want: `
			running, the sidecar began first true
			stop complete, "All tasks have completed"
			web: dead, failed false: Received, Task Setup, Downloading Artifacts, Started, Killing, Terminated, Killed
			proxy: dead, failed false, killed true
			the sidecar ended last true`,
		run: func(p *probe) {
			j := p.job(1, "idle")
			p.beside(j, "proxy", "prestart", true, "idle")
			p.register(j)
			p.until("both run", func() bool {
				a := p.running(1)[0]
				return a.TaskStates["web"].State == "running" && a.TaskStates["proxy"].State == "running"
			})
			p.say("running, the sidecar began first %t", before(p.running(1)[0], "proxy", "web"))
			j.TaskGroups[0].Count = new(0)
			p.register(j)
			a := p.ended()
			web, proxy := a.TaskStates["web"], a.TaskStates["proxy"]
			p.say("%s %s, %q", a.DesiredStatus, a.ClientStatus, a.ClientDescription)
			p.say("web: %s, failed %t: %s", web.State, web.Failed, kinds(web.Events))
			// Nomad notes, now before and now after it has begun to kill the sidecar, that the main task is dead.
			p.say("proxy: %s, failed %t, killed %t", proxy.State, proxy.Failed, proxy.Events[len(proxy.Events)-1].Type == nomadapi.TaskKilled)
			p.say("the sidecar ended last %t", web.FinishedAt.Before(proxy.FinishedAt))
		},
	},
	{
		name:  "Nomad: a sidecar is restarted by its own policy, also when it ends well, and the main task goes on",
		calls: []string{"nomad GET /v1/job/:id/allocations?all"},
		want: `
			proxy restarted 2 times or more true, within policy true
			web: running, restarts 0`,
		run: func(p *probe) {
			j := p.job(1, "idle")
			t := p.beside(j, "proxy", "prestart", true, "after", "200ms", "0")
			t.RestartPolicy = &nomadapi.RestartPolicy{Attempts: new(50), Interval: new(10 * time.Minute), Delay: new(50 * time.Millisecond), Mode: new("fail")}
			p.register(j)
			var a *nomadapi.AllocationListStub
			p.until("the sidecar was restarted", func() bool {
				a = nil
				if list := p.allocs(); len(list) == 1 && list[0].TaskStates["proxy"] != nil && list[0].TaskStates["proxy"].Restarts >= 2 {
					a = list[0]
				}
				return a != nil && a.TaskStates["web"].State == "running"
			})
			i := slices.IndexFunc(a.TaskStates["proxy"].Events, func(e *nomadapi.TaskEvent) bool { return e.Type == nomadapi.TaskRestarting })
			p.say("proxy restarted 2 times or more true, within policy %t", a.TaskStates["proxy"].Events[i].Details["restart_reason"] == "Restart within policy")
			p.say("web: %s, restarts %d", a.TaskStates["web"].State, a.TaskStates["web"].Restarts)
		},
	},
	{
		name:  "Nomad: a sidecar that fails for good takes the main task along",
		calls: []string{"nomad GET /v1/job/:id/allocations?all"},
		want: `
			run failed, "Failed tasks"
			proxy: dead, failed true, restarts 0: Started, Terminated, Not Restarting
			web: dead, failed false, restarts 0: Started, Sibling Task Failed, Killing, Terminated, Killed
			Sibling Task Failed: Task's sibling "proxy" failed`,
		run: func(p *probe) {
			j := p.job(1, "idle")
			p.beside(j, "proxy", "prestart", true, "after", "5s", "4")
			p.register(j)
			a := p.ended()
			p.tasks(a)
			for _, e := range a.TaskStates["web"].Events {
				if e.Type == nomadapi.TaskSiblingFailed {
					p.say("%s: %s", e.Type, e.DisplayMessage)
				}
			}
		},
	},
	{
		name:  "Nomad: the main task of a batch job ends its sidecar",
		calls: []string{"nomad GET /v1/job/:id/allocations?all", "nomad GET /v1/job/:id"},
		want: `
			run complete, "All tasks have completed"
			proxy: dead, failed false, restarts 0: Started, Main Tasks Dead, Killing, Terminated, Killed
			web: dead, failed false, restarts 0: Started, Terminated
			the job: dead`,
		run: func(p *probe) {
			j := p.batch(1, "after", "300ms", "0")
			p.beside(j, "proxy", "prestart", true, "idle")
			p.register(j)
			p.tasks(p.ended())
			p.becomes("dead")
		},
	},
	{
		name:  "Nomad: a prestart task ends before the main one, a poststart one follows it, a poststop one comes last",
		calls: []string{"nomad GET /v1/job/:id/allocations?all"},
		want: `
			run complete, "All tasks have completed"
			after: dead, failed false, restarts 0: Started, Terminated
			first: dead, failed false, restarts 0: Started, Terminated
			last: dead, failed false, restarts 0: Started, Terminated
			web: dead, failed false, restarts 0: Started, Terminated
			first, web, after, last in this order true`,
		run: func(p *probe) {
			j := p.batch(1, "after", "900ms", "0")
			p.beside(j, "first", "prestart", false, "exit", "0")
			p.beside(j, "after", "poststart", false, "exit", "0")
			p.beside(j, "last", "poststop", false, "exit", "0")
			p.register(j)
			a := p.ended()
			p.tasks(a)
			p.say("first, web, after, last in this order %t", !a.TaskStates["web"].StartedAt.Before(a.TaskStates["first"].FinishedAt) &&
				before(a, "web", "after") && !a.TaskStates["last"].StartedAt.Before(a.TaskStates["web"].FinishedAt))
		},
	},
	{
		name:  "Nomad: a prestart task that fails keeps the main one from starting",
		calls: []string{"nomad GET /v1/job/:id/allocations?all"},
		want: `
			run failed, "Failed tasks"
			first: dead, failed true, restarts 0: Started, Terminated, Not Restarting
			web: dead, failed false, restarts 0: Sibling Task Failed, Killing`,
		run: func(p *probe) {
			j := p.job(1, "idle")
			p.beside(j, "first", "prestart", false, "exit", "5")
			p.register(j)
			p.tasks(p.ended())
		},
	},
	{
		name:  "Nomad: a leader's end is the end of its group",
		calls: []string{"nomad GET /v1/job/:id/allocations?all"},
		want: `
			run complete, "All tasks have completed"
			other: dead, failed false, restarts 0: Started, Leader Task Dead, Killing, Terminated, Killed
			web: dead, failed false, restarts 0: Started, Terminated
			Leader Task Dead: Leader Task in Group dead`,
		run: func(p *probe) {
			j := p.batch(1, "after", "900ms", "0")
			j.TaskGroups[0].Tasks[0].Leader = true
			p.beside(j, "other", "", false, "idle")
			p.register(j)
			a := p.ended()
			p.tasks(a)
			for _, e := range a.TaskStates["other"].Events {
				if e.Type == nomadapi.TaskLeaderDead {
					p.say("%s: %s", e.Type, e.DisplayMessage)
				}
			}
		},
	},
	{
		name:  "Nomad: the tasks of a group share a folder and their ports, and each has its own environment",
		calls: []string{"nomad GET /v1/allocation/:id", logCall},
		want: `
			what web writes proxy reads: 200 0 shared
			the same port true, names web and proxy, other ports true
			proxy said: listening`,
		run: func(p *probe) {
			j := p.server(1)
			j.TaskGroups[0].Networks[0].DynamicPorts = append(j.TaskGroups[0].Networks[0].DynamicPorts, nomadapi.Port{Label: "side"})
			t := p.beside(j, "proxy", "prestart", true, "serve")
			t.Env = map[string]string{"HOST": "${NOMAD_IP_side}", "PORT": "${NOMAD_PORT_side}"}
			p.register(j)
			a, _, err := p.nomad.Allocations().Info(p.running(1)[0].ID, p.read())
			p.check(err)
			at := map[string]string{}
			for _, port := range a.AllocatedResources.Shared.Ports {
				at[port.Label] = fmt.Sprintf("%s:%d", port.HostIP, port.Value)
			}
			_, _, web := p.facts(at["http"])
			_, _, proxy := p.facts(at["side"])
			p.ask(at["http"], "/health/0%20shared")
			status, text := p.ask(at["side"], "/alloc/data/health")
			p.say("what web writes proxy reads: %d %s", status, text)
			p.say("the same port %t, names %s and %s, other ports %t", web["NOMAD_PORT_http"] == proxy["NOMAD_PORT_http"],
				web["NOMAD_TASK_NAME"], proxy["NOMAD_TASK_NAME"], web["PORT"] != proxy["PORT"])
			p.say("proxy said: %s", p.textOf(a.ID, "proxy", "stdout", 100))
		},
	},
}
