package conformance_test

import (
	"slices"
	"strings"
	"time"

	consulapi "github.com/hashicorp/consul/api"
	nomadapi "github.com/hashicorp/nomad/api"
)

// consulCheck is the check of that name of the row's service, once it has said something.
func (p *probe) consulCheck(name, status string) (c *consulapi.HealthCheck) {
	p.until("check "+name+" is "+status, func() bool {
		checks, _, err := p.consul.Health().Checks(p.id, p.readConsul())
		p.check(err)
		i := slices.IndexFunc(checks, func(one *consulapi.HealthCheck) bool {
			return one.Name == name && one.Status == status && one.Output != ""
		})
		if i >= 0 {
			c = checks[i]
		}
		return c != nil
	})
	return c
}

// checked is a server with one check.
func (p *probe) checked(c nomadapi.ServiceCheck) *nomadapi.Job {
	j := p.server(1)
	c.Name, c.Interval, c.Timeout = "probe", time.Second, 2*time.Second
	j.TaskGroups[0].Services[0].Checks = []nomadapi.ServiceCheck{c}
	return j
}

var nomadCheckRows = []row{
	{
		name:  "Nomad: a script check runs inside its task and passes, warns or is critical by its exit code",
		calls: []string{"consul GET /v1/health/checks/:name", "nomad PUT /v1/jobs"},
		want: `
			passing, type ttl: well
			warning: tired
			critical: ill
			passing: better
			still the first instance true, restarts 0`,
		run: func(p *probe) {
			j := p.checked(nomadapi.ServiceCheck{Type: "script", TaskName: "web", Command: "local/task", Args: []string{"probe"}})
			alloc, address := p.serving(j)
			c := p.consulCheck("probe", "passing")
			p.say("%s, type %s: %s", c.Status, c.Type, c.Output)
			for _, health := range []string{"1 tired", "2 ill", "0 better"} {
				p.ask(address, "/health/"+strings.ReplaceAll(health, " ", "%20"))
				status := map[byte]string{'0': "passing", '1': "warning", '2': "critical"}[health[0]]
				p.until("the check says "+health, func() bool { return p.consulCheck("probe", status).Output == health[2:] })
				p.say("%s: %s", status, health[2:])
			}
			now := p.running(1)[0]
			p.say("still the first instance %t, restarts %d", now.ID == alloc, now.TaskStates["web"].Restarts)
		},
	},
	{
		name:  "Nomad: a group's service without a port can have a script check",
		calls: []string{"consul GET /v1/health/service/:name?passing", "consul GET /v1/health/checks/:name"},
		want: `
			port 0, check passing: well
			id _nomad-task-UUID-group-web-ID-`,
		run: func(p *probe) {
			j := p.job(1, "idle")
			j.TaskGroups[0].ShutdownDelay = new(time.Second)
			j.TaskGroups[0].Services = []*nomadapi.Service{{
				Name: p.id, Provider: "consul", AddressMode: "host",
				Checks: []nomadapi.ServiceCheck{{
					Name: "probe", Type: "script", TaskName: "web", Command: "local/task", Args: []string{"probe"}, Interval: time.Second, Timeout: time.Second,
				}},
			}}
			p.register(j)
			c := p.consulCheck("probe", "passing")
			var list []*consulapi.ServiceEntry
			p.until("the instance passes", func() bool { list = p.passing(p.id); return len(list) == 1 })
			p.say("port %d, check %s: %s", list[0].Service.Port, c.Status, c.Output)
			p.say("id %s", list[0].Service.ID)
		},
	},
	{
		name:  "Nomad: a grpc check asks for the health of a server",
		calls: []string{"consul GET /v1/health/checks/:name"},
		want: `
			passing, type grpc: gRPC check ADDR/shop: success
			critical: gRPC application didn't report service healthy`,
		run: func(p *probe) {
			_, address := p.serving(p.checked(nomadapi.ServiceCheck{Type: "grpc", GRPCService: "shop"}))
			c := p.consulCheck("probe", "passing")
			p.say("%s, type %s: %s", c.Status, c.Type, c.Output)
			p.ask(address, "/sick")
			p.say("critical: %s", p.consulCheck("probe", "critical").Output)
		},
	},
	{
		name:  "Nomad: an http check has a method, headers and a body",
		calls: []string{"consul GET /v1/health/checks/:name"},
		want:  `passing: HTTP POST http://ADDR/echo: 200 OK Output: POST blue hello`,
		run: func(p *probe) {
			p.serving(p.checked(nomadapi.ServiceCheck{
				Type: "http", Path: "/echo", Method: "POST", Body: "hello", Header: map[string][]string{"X-Color": {"blue"}},
			}))
			c := p.consulCheck("probe", "passing")
			p.say("%s: %s", c.Status, c.Output)
		},
	},
	{
		name:  "Nomad: a check counts failures and successes before it changes",
		calls: []string{"consul GET /v1/health/checks/:name"},
		want: `
			sick: critical after two failures, 1 s or more true
			well again: passing after three successes, 2 s or more true`,
		run: func(p *probe) {
			_, address := p.serving(p.checked(nomadapi.ServiceCheck{Type: "http", Path: "/health", FailuresBeforeCritical: 2, SuccessBeforePassing: 3}))
			p.consulCheck("probe", "passing")
			p.ask(address, "/sick")
			asked := time.Now()
			p.consulCheck("probe", "critical")
			p.say("sick: critical after two failures, 1 s or more %t", time.Since(asked) >= 900*time.Millisecond)
			p.ask(address, "/well")
			asked = time.Now()
			p.consulCheck("probe", "passing")
			p.say("well again: passing after three successes, 2 s or more %t", time.Since(asked) >= 1900*time.Millisecond)
		},
	},
	{
		name:  "Nomad: a check that stays critical restarts its task, as often as the restart policy allows",
		calls: []string{"nomad GET /v1/job/:id/allocations?all", "consul GET /v1/health/checks/:name"},
		want: `
			Restart Signaled: healthcheck: check "probe" unhealthy
			Terminated: Exit Code: 0
			Restarting: Task restarting in about 0s
			Started: Task started by client
			the same instance, restarts 1, passing again true
			once more: failed, "Failed tasks"
			Not Restarting: Exceeded allowed attempts 1 in interval 10m0s and mode is "fail"`,
		run: func(p *probe) {
			j := p.checked(nomadapi.ServiceCheck{
				Type: "http", Path: "/health", CheckRestart: &nomadapi.CheckRestart{Limit: 2, Grace: new(2 * time.Second)},
			})
			j.TaskGroups[0].RestartPolicy = &nomadapi.RestartPolicy{Attempts: new(1), Interval: new(10 * time.Minute), Delay: new(50 * time.Millisecond), Mode: new("fail")}
			alloc, address := p.serving(j)
			p.consulCheck("probe", "passing")
			p.ask(address, "/sick")
			var a *nomadapi.AllocationListStub
			p.until("the task was restarted", func() bool {
				a = p.allocs()[0]
				return a.TaskStates["web"].Restarts == 1 && a.TaskStates["web"].State == "running"
			})
			events := a.TaskStates["web"].Events
			i := slices.IndexFunc(events, func(e *nomadapi.TaskEvent) bool { return e.Type == nomadapi.TaskRestartSignal })
			for _, e := range events[i:] {
				if e.Type == nomadapi.TaskRestarting { // Nomad adds up to a quarter to the delay
					e.DisplayMessage = "Task restarting in about 0s"
				}
				p.say("%s: %s", e.Type, e.DisplayMessage)
			}
			p.consulCheck("probe", "passing")
			p.say("the same instance, restarts %d, passing again %t", a.TaskStates["web"].Restarts, a.ID == alloc)
			p.ask(address, "/sick")
			a = p.ended()
			events = a.TaskStates["web"].Events
			p.say("once more: %s, %q", a.ClientStatus, a.ClientDescription)
			p.say("%s: %s", events[len(events)-1].Type, events[len(events)-1].DisplayMessage)
		},
	},
	{
		name:  "Nomad: a check that only warns restarts nothing when it may ignore that",
		calls: []string{"nomad GET /v1/job/:id/allocations?all"},
		want:  `warning for 4 s: restarts 0`,
		run: func(p *probe) {
			j := p.checked(nomadapi.ServiceCheck{
				Type: "script", TaskName: "web", Command: "local/task", Args: []string{"probe"},
				InitialStatus: "passing", // else the first run may come too late
				CheckRestart:  &nomadapi.CheckRestart{Limit: 1, Grace: new(time.Second), IgnoreWarnings: true},
			})
			_, address := p.serving(j)
			p.until("the instance passes", func() bool { return len(p.passing(p.id)) == 1 })
			p.ask(address, "/health/1%20tired")
			p.consulCheck("probe", "warning")
			since := time.Now()
			p.until("4 s have passed", func() bool { return time.Since(since) > 4*time.Second })
			p.say("warning for 4 s: restarts %d", p.running(1)[0].TaskStates["web"].Restarts)
		},
	},
}
