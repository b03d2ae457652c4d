package conformance_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	consulapi "github.com/hashicorp/consul/api"
	nomadapi "github.com/hashicorp/nomad/api"
)

// passing are the entries of the row's service that pass.
func (p *probe) passing(name string) []*consulapi.ServiceEntry {
	list, _, err := p.consul.Health().Service(name, "", true, p.readConsul())
	p.check(err)
	return list
}

var nomadServiceRows = []row{
	{
		name:  "Nomad: a service stands in Consul with its tags, address and check",
		calls: []string{"consul GET /v1/health/service/:name?passing", "consul GET /v1/health/checks/:name", "consul GET /v1/health/state/:state"},
		want: `
			service ID, id _nomad-task-UUID-group-web-ID-http of the allocation true, tags [blue second]
			address and port of the allocation true
			check health passing, type http, of the service true, tags [blue second]
			output: HTTP GET http://ADDR/health: 200 OK Output:
			among all checks true`,
		run: func(p *probe) {
			p.register(p.server(1))
			a := p.running(1)[0]
			var list []*consulapi.ServiceEntry
			p.until("the instance passes", func() bool { list = p.passing(p.id); return len(list) == 1 })
			s := list[0].Service
			p.say("service %s, id %s of the allocation %t, tags %v", s.Service, s.ID, strings.Contains(s.ID, a.ID), s.Tags)
			p.say("address and port of the allocation %t", fmt.Sprintf("%s:%d", s.Address, s.Port) == p.endpoint(a.ID))
			var c *consulapi.HealthCheck
			p.until("the check's output is in the catalog", func() bool {
				checks, _, err := p.consul.Health().Checks(p.id, p.readConsul())
				p.check(err)
				c = checks[0]
				return len(checks) == 1 && c.Output != ""
			})
			p.say("check %s %s, type %s, of the service %t, tags %v", c.Name, c.Status, c.Type, c.ServiceID == s.ID && c.ServiceName == p.id, c.ServiceTags)
			p.say("output: %s", c.Output)
			all, _, err := p.consul.Health().State(consulapi.HealthAny, p.readConsul())
			p.check(err)
			p.say("among all checks %t", slices.ContainsFunc(all, func(one *consulapi.HealthCheck) bool { return one.CheckID == c.CheckID }))
		},
	},
	{
		name:  "Nomad: an instance that becomes sick is critical in Consul and keeps running",
		calls: []string{"consul GET /v1/health/checks/:name", "consul GET /v1/health/service/:name?passing"},
		want: `
			critical: HTTP GET http://ADDR/health: 500 Internal Server Error Output: sick
			the instance runs true, restarts 0`,
		run: func(p *probe) {
			p.register(p.server(1))
			a := p.running(1)[0]
			p.until("the instance passes", func() bool { return len(p.passing(p.id)) == 1 })
			p.ask(p.endpoint(a.ID), "/sick")
			p.until("it is critical", func() bool { return len(p.passing(p.id)) == 0 })
			checks, _, err := p.consul.Health().Checks(p.id, p.readConsul())
			p.check(err)
			p.say("%s: %s", checks[0].Status, checks[0].Output)
			now := p.running(1)[0]
			p.say("the instance runs %t, restarts %d", now.ID == a.ID, now.TaskStates["web"].Restarts)
		},
	},
	{
		name:  "Nomad: tags change in Consul without a gap, a changed check is a new, critical one",
		calls: []string{"consul GET /v1/health/service/:name", "consul GET /v1/health/checks/:name", "nomad PUT /v1/jobs"},
		want: `
			new tags [green], one check, the same true, passing throughout true
			another path: a new check true, passing again in the end true`,
		run: func(p *probe) {
			p.register(p.server(1))
			p.running(1)
			p.until("the instance passes", func() bool { return len(p.passing(p.id)) == 1 })
			before := p.checkID()
			j := p.server(1)
			j.TaskGroups[0].Services[0].Tags = []string{"green"}
			p.register(j)
			throughout, tags := true, []string(nil)
			p.until("the tags are there", func() bool {
				throughout = throughout && len(p.passing(p.id)) == 1
				list, _, err := p.consul.Health().Service(p.id, "", false, p.readConsul())
				p.check(err)
				tags = list[0].Service.Tags
				return slices.Contains(tags, "green")
			})
			throughout = throughout && len(p.passing(p.id)) == 1
			p.say("new tags %v, one check, the same %t, passing throughout %t", tags, p.checkID() == before, throughout)
			j.TaskGroups[0].Services[0].Checks[0].Path = "/"
			p.register(j)
			p.until("there is another check", func() bool { return p.checkID() != before })
			p.until("the instance passes", func() bool { return len(p.passing(p.id)) == 1 })
			p.say("another path: a new check true, passing again in the end true")
		},
	},
	{
		name:  "Nomad: an instance leaves Consul before its shutdown_delay, and is killed after it",
		calls: []string{"consul GET /v1/health/service/:name", "nomad PUT /v1/jobs"},
		want: `
			out of Consul: it still answers 200
			it ended: 3 s after the stop or later true
			Received, Task Setup, Downloading Artifacts, Started, Killing, Terminated, Killed`,
		run: func(p *probe) {
			j := p.server(1)
			j.TaskGroups[0].ShutdownDelay = new(3 * time.Second)
			p.register(j)
			a := p.running(1)[0]
			address := p.endpoint(a.ID)
			p.until("the instance passes", func() bool { return len(p.passing(p.id)) == 1 })
			j.TaskGroups[0].Count = new(0)
			stopped := time.Now()
			p.register(j)
			p.until("it is out of Consul", func() bool {
				list, _, err := p.consul.Health().Service(p.id, "", false, p.readConsul())
				p.check(err)
				return len(list) == 0
			})
			status, _ := p.ask(address, "/")
			p.say("out of Consul: it still answers %d", status)
			p.until("it has ended", func() bool { status, _ := p.ask(address, "/"); return status == 0 })
			p.say("it ended: 3 s after the stop or later %t", time.Since(stopped) >= 3*time.Second)
			p.until("it is complete", func() bool { a = p.allocs()[0]; return a.ClientStatus == "complete" })
			p.say("%s", kinds(a.TaskStates["web"].Events))
		},
	},
	{
		name:  "Nomad: two instances are two entries, and a tcp check passes once it listens",
		calls: []string{"consul GET /v1/health/service/:name?passing"},
		want: `
			two passing, two ids true, two ports true
			check tcp true: TCP connect ADDR: Success`,
		run: func(p *probe) {
			j := p.server(2)
			j.TaskGroups[0].Services[0].Checks = []nomadapi.ServiceCheck{{Name: "listening", Type: "tcp", Interval: time.Second, Timeout: time.Second}}
			p.register(j)
			var list []*consulapi.ServiceEntry
			p.until("both pass", func() bool { list = p.passing(p.id); return len(list) == 2 })
			p.say("two passing, two ids %t, two ports %t", list[0].Service.ID != list[1].Service.ID, list[0].Service.Port != list[1].Service.Port)
			var c *consulapi.HealthCheck
			p.until("the check's output is in the catalog", func() bool {
				checks, _, err := p.consul.Health().Checks(p.id, p.readConsul())
				p.check(err)
				c = checks[0]
				return c.Output != ""
			})
			p.say("check %s %t: %s", c.Type, c.Name == "listening", c.Output)
		},
	},
	{
		name:  "Nomad: an instance that dies leaves Consul",
		calls: []string{"consul GET /v1/health/service/:name"},
		want:  `gone after the task has failed`,
		run: func(p *probe) {
			p.register(p.server(1))
			address := p.endpoint(p.running(1)[0].ID)
			p.until("the instance passes", func() bool { return len(p.passing(p.id)) == 1 })
			p.until("it answers", func() bool { status, _ := p.ask(address, "/"); return status == http.StatusOK })
			p.ask(address, "/exit/1")
			p.until("it is out of Consul", func() bool {
				list, _, err := p.consul.Health().Service(p.id, "", false, p.readConsul())
				p.check(err)
				return len(list) == 0
			})
			p.failed()
			p.say("gone after the task has failed")
		},
	},
}

// checkID is the id of the service's only check.
func (p *probe) checkID() string {
	checks, _, err := p.consul.Health().Checks(p.id, p.readConsul())
	p.check(err)
	if len(checks) != 1 {
		return fmt.Sprintf("%d checks", len(checks))
	}
	return checks[0].CheckID
}
