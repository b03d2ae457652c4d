package conformance_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"
)

var nomadTaskRows = []row{
	{
		name: "Nomad: instances run with names, ports and resources of their own",
		calls: []string{
			"nomad GET /v1/job/:id/allocations?all", "nomad GET /v1/allocation/:id", "nomad GET /v1/allocations?namespace&resources&task_states",
		},
		want: `
			ID.web[0] web run running, version 0, node true, eval true
			ID.web[1] web run running, version 0, node true, eval true
			listed: cpu 50, memory 32, port http on 127.0.0.1 dynamic true
			task web running, restarts 0, failed false: Received, Task Setup, Downloading Artifacts, Started
			started within the row true, finished never true
			two ports true
			healthy in the end true`,
		run: func(p *probe) {
			p.register(p.server(2))
			list := p.running(2)
			for _, a := range list {
				p.say("%s %s %s %s, version %d, node %t, eval %t", a.Name, a.TaskGroup, a.DesiredStatus, a.ClientStatus, a.JobVersion, a.NodeName != "" && a.NodeID != "", a.EvalID != "")
			}
			params := map[string]string{"task_states": "true", "resources": "true"}
			all, _, err := p.nomad.Allocations().List(p.blocking(0, 0, params))
			p.check(err)
			i := slices.IndexFunc(all, func(a *nomadapi.AllocationListStub) bool { return a.ID == list[0].ID })
			one := all[i]
			r := one.AllocatedResources
			port := r.Shared.Ports[0]
			p.say("listed: cpu %d, memory %d, port %s on %s dynamic %t", r.Tasks["web"].Cpu.CpuShares, r.Tasks["web"].Memory.MemoryMB, port.Label, port.HostIP, port.Value >= 20000 && port.Value < 32768)
			task := one.TaskStates["web"]
			p.say("task web %s, restarts %d, failed %t: %s", task.State, task.Restarts, task.Failed, kinds(task.Events))
			p.say("started within the row %t, finished never %t", time.Since(task.StartedAt) < rowLimit, task.FinishedAt.IsZero())
			p.say("two ports %t", p.endpoint(list[0].ID) != p.endpoint(list[1].ID))
			p.wanted(2, func(a *nomadapi.AllocationListStub) bool {
				return a.DeploymentStatus != nil && *a.DeploymentStatus.Healthy
			})
			p.say("healthy in the end true")
		},
	},
	{
		name:  "Nomad: a task sees who it is and where it may listen",
		calls: []string{"nomad GET /v1/allocation/:id"},
		want: `
			NOMAD_ALLOC_INDEX=0
			NOMAD_ALLOC_NAME=ID.web[0]
			NOMAD_CPU_LIMIT=50
			NOMAD_DC=dc1
			NOMAD_GROUP_NAME=web
			NOMAD_JOB_ID=ID
			NOMAD_JOB_NAME=ID
			NOMAD_MEMORY_LIMIT=32
			NOMAD_META_color=blue
			NOMAD_NAMESPACE=default
			NOMAD_REGION=global
			NOMAD_TASK_NAME=web
			its id true, a short one true
			port, address and host port agree with the allocation true
			it works in the folder asked for true
			JOINED=ID-0-web
			UNKNOWN=${nope} and $HOME
			ESCAPED=$ID
			DATACENTER=dc1
			args: serve|0|${NOMAD_ALLOC_INDEX}|a b
			a secrets folder true, an alloc folder true, PATH true`,
		run: func(p *probe) {
			j := p.server(1)
			t := j.TaskGroups[0].Tasks[0]
			t.Meta = map[string]string{"color": "blue"}
			t.Config["work_dir"] = "${NOMAD_TASK_DIR}"
			t.Config["args"] = []string{"serve", "${NOMAD_ALLOC_INDEX}", "$${NOMAD_ALLOC_INDEX}", "a b"}
			t.Env["JOINED"] = "${NOMAD_JOB_ID}-${NOMAD_ALLOC_INDEX}-${NOMAD_TASK_NAME}"
			t.Env["UNKNOWN"] = "${nope} and $HOME"
			t.Env["ESCAPED"] = "$${NOMAD_JOB_ID}"
			t.Env["DATACENTER"] = "${node.datacenter}"
			p.register(j)
			a := p.running(1)[0]
			address := p.endpoint(a.ID)
			dir, args, env := p.facts(address)
			for _, name := range []string{
				"ALLOC_INDEX", "ALLOC_NAME", "CPU_LIMIT", "DC", "GROUP_NAME", "JOB_ID", "JOB_NAME", "MEMORY_LIMIT", "META_color", "NAMESPACE", "REGION", "TASK_NAME",
			} {
				p.say("NOMAD_%s=%s", name, env["NOMAD_"+name])
			}
			p.say("its id %t, a short one %t", env["NOMAD_ALLOC_ID"] == a.ID, env["NOMAD_SHORT_ALLOC_ID"] == a.ID[:8])
			p.say("port, address and host port agree with the allocation %t", env["NOMAD_IP_http"]+":"+env["NOMAD_PORT_http"] == address &&
				env["NOMAD_ADDR_http"] == address && env["NOMAD_HOST_PORT_http"] == env["PORT"] && env["HOST"]+":"+env["PORT"] == address)
			p.say("it works in the folder asked for %t", dir != "" && dir == env["NOMAD_TASK_DIR"])
			for _, name := range []string{"JOINED", "UNKNOWN", "ESCAPED", "DATACENTER"} {
				p.say("%s=%s", name, env[name])
			}
			p.say("args: %s", strings.Join(args, "|"))
			p.say("a secrets folder %t, an alloc folder %t, PATH %t", env["NOMAD_SECRETS_DIR"] != "", env["NOMAD_ALLOC_DIR"] != "", env["PATH"] != "")
		},
	},
	{
		name:  "Nomad: a task that exits is restarted, and after its attempts it has failed; ten events are kept",
		calls: []string{"nomad GET /v1/job/:id/allocations?all", "nomad GET /v1/evaluation/:id?related"},
		want: `
			run failed, "Failed tasks", task dead, failed true, restarts 2
			Downloading Artifacts: Client is downloading artifacts
			Started: Task started by client
			Terminated: Exit Code: 3 (3, 0)
			Restarting: Task restarting in about 0s
			Started: Task started by client
			Terminated: Exit Code: 3 (3, 0)
			Restarting: Task restarting in about 0s
			Started: Task started by client
			Terminated: Exit Code: 3 (3, 0)
			Not Restarting: Exceeded allowed attempts 2 in interval 10m0s and mode is "fail"
			a reschedule is planned: pending alloc-reschedule true, in an hour true`,
		run: func(p *probe) {
			j := p.job(1, "exit", "3")
			j.TaskGroups[0].RestartPolicy = &nomadapi.RestartPolicy{Attempts: new(2), Interval: new(10 * time.Minute), Delay: new(50 * time.Millisecond), Mode: new("fail")}
			p.register(j)
			var a *nomadapi.AllocationListStub
			p.until("the task has failed", func() bool {
				list := p.allocs()
				if len(list) != 1 || list[0].ClientStatus != "failed" || list[0].FollowupEvalID == "" {
					return false
				}
				a = list[0]
				return true
			})
			task := a.TaskStates["web"]
			p.say("%s %s, %q, task %s, failed %t, restarts %d", a.DesiredStatus, a.ClientStatus, a.ClientDescription, task.State, task.Failed, task.Restarts)
			for _, e := range task.Events {
				switch e.Type {
				case nomadapi.TaskTerminated:
					p.say("%s: %s (%s, %s)", e.Type, e.DisplayMessage, e.Details["exit_code"], e.Details["signal"])
				case nomadapi.TaskRestarting: // Nomad adds up to a quarter to the delay
					p.say("%s: Task restarting in about 0s", e.Type)
				default:
					p.say("%s: %s", e.Type, strings.TrimSuffix(e.DisplayMessage, ", Exit Code: 3"))
				}
			}
			e, _, err := p.nomad.Evaluations().Info(a.FollowupEvalID, p.read())
			p.check(err)
			p.say("a reschedule is planned: %s %s %t, in an hour %t", e.Status, e.TriggeredBy, e.JobID == p.id, time.Until(e.WaitUntil) > 50*time.Minute)
		},
	},
	{
		name:  "Nomad: a failed instance is replaced after the delay of its policy",
		calls: []string{"nomad GET /v1/job/:id/allocations?all"},
		want: `
			the first: stop failed, followed by the second true
			the second: ID.web[0] run, replaces the first true, after 5 s or more true`,
		run: func(p *probe) {
			j := p.server(1)
			j.TaskGroups[0].ReschedulePolicy = &nomadapi.ReschedulePolicy{Delay: new(5 * time.Second), MaxDelay: new(time.Hour), DelayFunction: new("constant"), Unlimited: new(true)}
			p.register(j)
			first := p.running(1)[0]
			address := p.endpoint(first.ID)
			p.until("it answers", func() bool { status, _ := p.ask(address, "/"); return status == http.StatusOK })
			failed := time.Now()
			p.ask(address, "/exit/4")
			var list []*nomadapi.AllocationListStub
			p.until("there is another", func() bool {
				list = p.allocs()
				return len(list) == 2 && list[1].ClientStatus == "running"
			})
			took := time.Since(failed)
			p.say("the first: %s %s, followed by the second %t", list[0].DesiredStatus, list[0].ClientStatus, list[0].NextAllocation == list[1].ID)
			tracker := list[1].RescheduleTracker
			p.say("the second: %s %s, replaces the first %t, after 5 s or more %t", list[1].Name, list[1].DesiredStatus, tracker != nil && tracker.Events[0].PrevAllocID == first.ID, took >= 5*time.Second)
		},
	},
	{
		name:  "Nomad: counts, tags and checks are changed in place",
		calls: []string{"nomad PUT /v1/jobs", "nomad GET /v1/job/:id/allocations?all"},
		want: `
			tags and a check: the same instances true, restarts 0 0, job version 1 1
			count 3: the first two stay true, ID.web[2]
			count 1: stopped ID.web[1] ID.web[2]
			count 0: stopped ID.web[0] ID.web[1] ID.web[2]
			count 2 again: ID.web[0] ID.web[1]`,
		run: func(p *probe) {
			names := func(list []*nomadapi.AllocationListStub, status string) string {
				var out []string
				for _, a := range list {
					if a.DesiredStatus == status {
						out = append(out, a.Name)
					}
				}
				return strings.Join(out, " ")
			}
			p.register(p.server(2))
			before := p.running(2)
			j := p.server(2)
			j.TaskGroups[0].Services[0].Tags = []string{"green"}
			j.TaskGroups[0].Services[0].Checks[0].Interval = 2 * time.Second
			p.evaluated(p.register(j).EvalID)
			after := p.running(2)
			same := before[0].ID == after[0].ID && before[1].ID == after[1].ID
			p.say("tags and a check: the same instances %t, restarts %d %d, job version %d %d", same, after[0].TaskStates["web"].Restarts, after[1].TaskStates["web"].Restarts, after[0].JobVersion, after[1].JobVersion)
			j.TaskGroups[0].Count = new(3)
			p.register(j)
			after = p.running(3)
			p.say("count 3: the first two stay %t, %s", before[0].ID == after[0].ID && before[1].ID == after[1].ID, after[2].Name)
			j.TaskGroups[0].Count = new(1)
			p.register(j)
			p.running(1)
			p.say("count 1: stopped %s", names(p.allocs(), "stop"))
			j.TaskGroups[0].Count = new(0)
			p.register(j)
			p.running(0)
			p.say("count 0: stopped %s", names(p.allocs(), "stop"))
			j.TaskGroups[0].Count = new(2)
			p.register(j)
			p.say("count 2 again: %s", names(p.running(2), "run"))
		},
	},
	{
		name:  "Nomad: a destructive change replaces all instances at once, without a deployment",
		calls: []string{"nomad PUT /v1/jobs", "nomad GET /v1/job/:id/deployments?all"},
		want: `
			two new ones, named ID.web[0] ID.web[1], version 1 1
			the old ones: stop stop
			no deployment true`,
		run: func(p *probe) {
			p.register(p.job(2, "idle"))
			before := p.running(2)
			j := p.job(2, "idle")
			j.TaskGroups[0].Tasks[0].Env = map[string]string{"A": "b"}
			p.register(j)
			var after []*nomadapi.AllocationListStub
			p.until("all are new", func() bool {
				after = p.running(2)
				return after[0].ID != before[0].ID && after[1].ID != before[1].ID
			})
			p.say("two new ones, named %s %s, version %d %d", after[0].Name, after[1].Name, after[0].JobVersion, after[1].JobVersion)
			var old []string
			for _, a := range p.allocs() {
				if a.ID == before[0].ID || a.ID == before[1].ID {
					old = append(old, a.DesiredStatus)
				}
			}
			p.say("the old ones: %s", strings.Join(old, " "))
			made, _, err := p.nomad.Jobs().Deployments(p.id, true, p.read())
			p.check(err)
			p.say("no deployment %t", len(made) == 0)
		},
	},
	{
		name:  "Nomad: a stopped task gets its signal and time to end",
		calls: []string{"nomad GET /v1/job/:id/allocations?all"},
		want: `
			stop complete, task dead, failed false
			Received, Task Setup, Downloading Artifacts, Started, Killing, Terminated, Killed
			Killing: Sent interrupt. Waiting 5s before force killing
			Terminated: Exit Code: 0 0
			Killed: Task successfully killed`,
		run: func(p *probe) {
			p.register(p.server(1))
			a := p.running(1)[0]
			address := p.endpoint(a.ID)
			p.until("it answers", func() bool { status, _ := p.ask(address, "/"); return status == http.StatusOK })
			p.register(p.server(0))
			p.until("it has ended", func() bool { a = p.allocs()[0]; return a.ClientStatus == "complete" })
			task := a.TaskStates["web"]
			p.say("%s %s, task %s, failed %t", a.DesiredStatus, a.ClientStatus, task.State, task.Failed)
			p.say("%s", kinds(task.Events))
			for _, e := range task.Events[max(0, len(task.Events)-3):] {
				p.say("%s: %s %s", e.Type, e.DisplayMessage, e.Details["exit_code"])
			}
		},
	},
	{
		name:  "Nomad: a task that does not end when asked is killed after its time",
		calls: []string{"nomad GET /v1/job/:id/allocations?all"},
		want: `
			stop complete, failed false, after 1 s or more true
			Killing: Sent interrupt. Waiting 1s before force killing
			Terminated: Exit Code: 137, Signal: 9
			Killed: Task successfully killed`,
		run: func(p *probe) {
			job := func(count int) *nomadapi.Job {
				j := p.job(count, "stubborn")
				j.TaskGroups[0].Tasks[0].KillTimeout = new(time.Second)
				return j
			}
			p.register(job(1))
			a := p.running(1)[0]
			p.until("it ignores the signal", func() bool { return p.text(a.ID, "stdout", 100) != "" })
			asked := time.Now()
			p.register(job(0))
			p.until("it has ended", func() bool { a = p.allocs()[0]; return a.ClientStatus == "complete" })
			task := a.TaskStates["web"]
			p.say("%s %s, failed %t, after 1 s or more %t", a.DesiredStatus, a.ClientStatus, task.Failed, time.Since(asked) >= time.Second)
			for _, e := range task.Events[max(0, len(task.Events)-3):] {
				p.say("%s: %s", e.Type, e.DisplayMessage)
			}
		},
	},
	{
		name:  "Nomad: arguments are templates, the environment is not",
		calls: []string{"nomad GET /v1/allocation/:id"},
		want: `
			"$${NOMAD_JOB_ID}": argument "${NOMAD_JOB_ID}", environment "$ID"
			"a$$b": argument "a$$b", environment "a$$b"
			"$$$${NOMAD_JOB_ID}": argument "$$${NOMAD_JOB_ID}", environment "$$$ID"
			"100%": argument "100%", environment "100%"
			"%%{y}": argument "%{y}", environment "%%{y}"
			"$HOME": argument "$HOME", environment "$HOME"
			"$": argument "$", environment "$"
			"{}": argument "{}", environment "{}"
			"back\\slash \"quoted\"": argument "back\\slash \"quoted\"", environment "back\\slash \"quoted\""
			"${NOMAD_JOB_ID}-x": argument "ID-x", environment "ID-x"
			"${env[\"COLOR\"]}": argument "red", environment "${env[\"COLOR\"]}"
			"${NOMAD_META_color}": argument "blue", environment "blue"
			"${node.datacenter}": argument "dc1", environment "dc1"
			"$${a}${NOMAD_ALLOC_INDEX}": argument "${a}0", environment "$${a}0"
			"line\nbreak": argument "line\nbreak", environment "line\nbreak"
			"${\"a $\"}${NOMAD_DC}": argument "a $dc1", environment "${\"a $\"}dc1"
			"$$${NOMAD_DC}": argument "$${NOMAD_DC}", environment "$$dc1"`,
		run: func(p *probe) {
			texts := []string{
				"$${NOMAD_JOB_ID}", "a$$b", "$$$${NOMAD_JOB_ID}", "100%", "%%{y}", "$HOME", "$", "{}", `back\slash "quoted"`, "${NOMAD_JOB_ID}-x",
				`${env["COLOR"]}`, "${NOMAD_META_color}", "${node.datacenter}", "$${a}${NOMAD_ALLOC_INDEX}", "line\nbreak", `${"a $"}${NOMAD_DC}`, "$$${NOMAD_DC}",
			}
			j := p.server(1)
			t := j.TaskGroups[0].Tasks[0]
			t.Meta = map[string]string{"color": "blue"}
			t.Env["COLOR"] = "red"
			t.Config["args"] = append([]string{"serve"}, texts...)
			for i, text := range texts {
				t.Env[fmt.Sprintf("TEXT_%d", i)] = text
			}
			p.register(j)
			_, args, env := p.facts(p.endpoint(p.running(1)[0].ID))
			for i, text := range texts {
				p.say("%q: argument %q, environment %q", text, args[i+1], env[fmt.Sprintf("TEXT_%d", i)])
			}
		},
	},
	{
		name:  "Nomad: an argument that names an unknown variable fails the task",
		calls: []string{"nomad GET /v1/job/:id/allocations?all"},
		want: `
			failed: Received, Task Setup, Downloading Artifacts, Failed Validation, Not Restarting
			it names the variable true`,
		run: func(p *probe) {
			p.register(p.job(1, "idle", "${nope}"))
			a := p.failed()
			p.say("failed: %s", kinds(a.TaskStates["web"].Events))
			p.say("it names the variable %t", strings.Contains(p.message(a, nomadapi.TaskFailedValidation), `There is no variable named "nope"`))
		},
	},
	{
		name:  "Nomad: a program that is not there fails the task at once",
		calls: []string{"nomad GET /v1/job/:id/allocations?all"},
		want: `
			failed: Received, Task Setup, Downloading Artifacts, Driver Failure, Not Restarting
			it says that local/nope is not found true`,
		run: func(p *probe) {
			j := p.job(1, "idle")
			j.TaskGroups[0].RestartPolicy.Attempts = new(5)
			j.TaskGroups[0].Tasks[0].Config["command"] = "local/nope"
			p.register(j)
			a := p.failed()
			p.say("failed: %s", kinds(a.TaskStates["web"].Events))
			said := p.message(a, nomadapi.TaskDriverFailure)
			p.say("it says that local/nope is not found %t", strings.Contains(said, "local/nope") && (strings.Contains(said, "not found") || strings.Contains(said, "could not be found") || strings.Contains(said, "no such file")))
		},
	},
}

// failed waits until the row's only allocation has failed.
func (p *probe) failed() (a *nomadapi.AllocationListStub) {
	p.until("the allocation has failed", func() bool {
		list := p.allocs()
		if len(list) == 1 && list[0].ClientStatus == "failed" {
			a = list[0]
		}
		return a != nil
	})
	return a
}

// message is what the first event of a type says.
func (p *probe) message(a *nomadapi.AllocationListStub, kind string) string {
	if a.TaskStates["web"] == nil {
		return "no task yet"
	}
	for _, e := range a.TaskStates["web"].Events {
		if e.Type == kind {
			return e.DisplayMessage
		}
	}
	return fmt.Sprintf("no event %q", kind)
}
