package conformance_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	consulapi "github.com/hashicorp/consul/api"
)

// service is an instance with a check that the row itself keeps passing or not.
func (p *probe) service(id string, port int, tags ...string) *consulapi.AgentServiceRegistration {
	return &consulapi.AgentServiceRegistration{
		ID: id, Name: p.id, Address: "127.0.0.1", Port: port, Tags: tags,
		Check: &consulapi.AgentServiceCheck{CheckID: id + "-ttl", Name: "kept", TTL: "10m"},
	}
}

// join registers an instance and takes it away with the row.
func (p *probe) join(r *consulapi.AgentServiceRegistration) {
	p.check(p.consul.Agent().ServiceRegister(r))
	p.later(func() { _ = p.consul.Agent().ServiceDeregister(r.ID) }) // it may be gone
}

func (p *probe) set(id, status string) {
	p.check(p.consul.Agent().UpdateTTL(id+"-ttl", "said "+status, status))
}

// status is the state of the row's service's check, as the catalog has it.
func (p *probe) status(check string) (status, output string) {
	checks, _, err := p.consul.Health().Checks(p.id, p.readConsul())
	p.check(err)
	for _, c := range checks {
		if c.CheckID == check {
			return c.Status, c.Output
		}
	}
	return "none", ""
}

// reaches waits for a status and gives the output that came with it.
func (p *probe) reaches(check, status string) string {
	var output string
	p.until(check+" is "+status, func() bool {
		var now string
		now, output = p.status(check)
		return now == status
	})
	return output
}

var consulHealthRows = []row{
	{
		name: "Consul: only passing instances are given to who asks for them",
		calls: []string{
			"consul PUT /v1/agent/service/register", "consul PUT /v1/agent/check/update/:id", "consul GET /v1/health/service/:name?passing",
			"consul GET /v1/health/service/:name", "consul GET /v1/health/service/:name?passing&tag", "consul PUT /v1/agent/service/deregister/:id",
		},
		want: `
			registered: 1 known, 0 passing
			passing: ID-1 127.0.0.1 8001 [blue urlprefix-ID.localhost/], node address 127.0.0.1
			by tag blue 1, by tag green 0
			warning: 0 passing
			critical: 0 passing
			two, one critical: ID-2
			deregistered: 1 known
			a name nobody has: 0, <nil>`,
		run: func(p *probe) {
			count := func(tag string, passing bool) int {
				list, _, err := p.consul.Health().Service(p.id, tag, passing, p.readConsul())
				p.check(err)
				return len(list)
			}
			one, two := p.id+"-1", p.id+"-2"
			p.join(p.service(one, 8001, "blue", "urlprefix-"+p.id+".localhost/"))
			p.until("it is in the catalog", func() bool { return count("", false) == 1 })
			p.say("registered: %d known, %d passing", count("", false), count("", true))
			p.set(one, consulapi.HealthPassing)
			p.reaches(one+"-ttl", "passing")
			e := p.passing(p.id)[0]
			p.say("passing: %s %s %d %v, node address %s", e.Service.ID, e.Service.Address, e.Service.Port, e.Service.Tags, e.Node.Address)
			p.say("by tag blue %d, by tag green %d", count("blue", true), count("green", true))
			for _, status := range []string{consulapi.HealthWarning, consulapi.HealthCritical} {
				p.set(one, status)
				p.reaches(one+"-ttl", status)
				p.say("%s: %d passing", status, count("", true))
			}
			p.join(p.service(two, 8002))
			p.set(two, consulapi.HealthPassing)
			p.reaches(two+"-ttl", "passing")
			var ids []string
			for _, e := range p.passing(p.id) {
				ids = append(ids, e.Service.ID)
			}
			p.say("two, one critical: %s", strings.Join(ids, " "))
			p.check(p.consul.Agent().ServiceDeregister(one))
			p.until("it is out of the catalog", func() bool { return count("", false) == 1 })
			p.say("deregistered: %d known", count("", false))
			list, _, err := p.consul.Health().Service(p.id+"-nobody", "", true, p.readConsul())
			p.say("a name nobody has: %d, %v", len(list), err)
		},
	},
	{
		name:  "Consul: an http check follows the answers",
		calls: []string{"consul PUT /v1/agent/service/register", "consul GET /v1/health/checks/:name"},
		want: `
			200: passing, HTTP GET http://ADDR/health: 200 OK Output: fine
			429: warning, HTTP GET http://ADDR/health: 429 Too Many Requests Output: fine
			500: critical, HTTP GET http://ADDR/health: 500 Internal Server Error Output: fine
			200 again: passing
			nobody listens: critical, refused true`,
		run: func(p *probe) {
			var answer atomic.Int32
			answer.Store(http.StatusOK)
			app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(int(answer.Load()))
				_, _ = fmt.Fprint(w, "fine") // the check may have gone
			}))
			p.later(app.Close)
			r := p.service(p.id+"-1", 8001)
			r.Check = &consulapi.AgentServiceCheck{CheckID: p.id, Name: "health", HTTP: app.URL + "/health", Interval: "100ms", Timeout: "1s"}
			p.join(r)
			p.say("200: passing, %s", p.reaches(p.id, "passing"))
			answer.Store(http.StatusTooManyRequests)
			p.say("429: warning, %s", p.reaches(p.id, "warning"))
			answer.Store(http.StatusInternalServerError)
			p.say("500: critical, %s", p.reaches(p.id, "critical"))
			answer.Store(http.StatusOK)
			p.reaches(p.id, "passing")
			p.say("200 again: passing")
			app.CloseClientConnections()
			app.Close()
			p.say("nobody listens: critical, refused %t", strings.Contains(p.reaches(p.id, "critical"), "connection refused"))
		},
	},
	{
		name:  "Consul: a tcp check follows the listener",
		calls: []string{"consul PUT /v1/agent/service/register", "consul GET /v1/health/checks/:name"},
		want: `
			listening: passing, TCP connect ADDR: Success
			closed: critical, refused true`,
		run: func(p *probe) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			p.check(err)
			r := p.service(p.id+"-1", 8001)
			r.Check = &consulapi.AgentServiceCheck{CheckID: p.id, Name: "up", TCP: l.Addr().String(), Interval: "100ms", Timeout: "1s"}
			p.join(r)
			p.say("listening: passing, %s", p.reaches(p.id, "passing"))
			p.check(l.Close())
			p.say("closed: critical, refused %t", strings.Contains(p.reaches(p.id, "critical"), "connection refused"))
		},
	},
	{
		name:  "Consul: a new check is critical until it ran",
		calls: []string{"consul GET /v1/health/checks/:name"},
		want:  `critical, output ""`,
		run: func(p *probe) {
			r := p.service(p.id+"-1", 8001)
			r.Check = &consulapi.AgentServiceCheck{CheckID: p.id, Name: "later", TTL: "10m"}
			p.join(r)
			p.say("critical, output %q", p.reaches(p.id, "critical"))
		},
	},
	{
		name: "Consul: a reader of health waits for a change of status",
		calls: []string{
			"consul GET /v1/health/service/:name?index&passing&wait", "consul GET /v1/health/state/:state?index&wait", "consul GET /v1/health/state/:state?wait",
		},
		want: `
			an unchanged service: waits to the end true, the same index true
			the service passes: woken true, a later index true, 1 passing
			another output only: waits to the end true, the same index true
			a wait without an index: at once true
			any check becomes critical: woken true, critical`,
		run: func(p *probe) {
			id := p.id + "-1"
			p.join(p.service(id, 8001))
			p.reaches(id+"-ttl", "critical")
			read := func(index uint64, wait time.Duration) func() (uint64, error) {
				return func() (uint64, error) {
					_, meta, err := p.consul.Health().Service(p.id, "", true, p.waiting(index, wait))
					if err != nil {
						return 0, err
					}
					return meta.LastIndex, nil
				}
			}
			var index uint64
			p.until("the service is still", func() bool {
				before := index
				var err error
				index, err = read(index, 700*time.Millisecond)()
				p.check(err)
				return index == before
			})
			got := <-changed(read(index, 700*time.Millisecond))
			p.check(got.err)
			p.say("an unchanged service: waits to the end %t, the same index %t", got.took >= 700*time.Millisecond, got.index == index)
			answer := changed(read(index, 20*time.Second))
			p.set(id, consulapi.HealthPassing)
			got = <-answer
			p.check(got.err)
			p.say("the service passes: woken %t, a later index %t, %d passing", got.took < 20*time.Second, got.index > index, len(p.passing(p.id)))
			index = got.index
			answer = changed(read(index, 700*time.Millisecond))
			p.check(p.consul.Agent().UpdateTTL(id+"-ttl", "other words", consulapi.HealthPassing))
			got = <-answer
			p.check(got.err)
			p.say("another output only: waits to the end %t, the same index %t", got.took >= 700*time.Millisecond, got.index == index)
			began := time.Now()
			_, meta, err := p.consul.Health().State(consulapi.HealthAny, p.waiting(0, 20*time.Second))
			p.check(err)
			p.say("a wait without an index: at once %t", time.Since(began) < 10*time.Second)
			index = meta.LastIndex
			began = time.Now()
			p.set(id, consulapi.HealthCritical)
			for {
				all, meta, err := p.consul.Health().State(consulapi.HealthAny, p.waiting(index, 20*time.Second))
				p.check(err)
				i := slices.IndexFunc(all, func(c *consulapi.HealthCheck) bool { return c.CheckID == id+"-ttl" })
				if i >= 0 && all[i].Status != consulapi.HealthPassing {
					p.say("any check becomes critical: woken %t, %s", time.Since(began) < 20*time.Second, all[i].Status)
					return
				}
				index = meta.LastIndex // a check of another row
			}
		},
	},
	{
		name: "Consul: the catalog has names, tags and instances",
		calls: []string{
			"consul GET /v1/catalog/services", "consul GET /v1/catalog/service/:name", "consul GET /v1/agent/services", "consul GET /v1/catalog/services?index&wait",
		},
		want: `
			services: [blue urlprefix-x/], consul itself true
			instances: ID-1 127.0.0.1 8001
			of the agent: ID
			a reader wakes at the end of the service true`,
		run: func(p *probe) {
			id := p.id + "-1"
			p.join(p.service(id, 8001, "blue", "urlprefix-x/"))
			p.reaches(id+"-ttl", "critical")
			services, _, err := p.consul.Catalog().Services(p.readConsul())
			p.check(err)
			_, itself := services["consul"]
			p.say("services: %v, consul itself %t", services[p.id], itself)
			list, _, err := p.consul.Catalog().Service(p.id, "", p.readConsul())
			p.check(err)
			p.say("instances: %s %s %d", list[0].ServiceID, list[0].ServiceAddress, list[0].ServicePort)
			agent, err := p.consul.Agent().Services()
			p.check(err)
			p.say("of the agent: %s", agent[id].Service)
			_, meta, err := p.consul.Catalog().Services(p.readConsul())
			p.check(err)
			index := meta.LastIndex
			p.check(p.consul.Agent().ServiceDeregister(id))
			p.until("the service is out of the catalog", func() bool {
				services, meta, err := p.consul.Catalog().Services(p.waiting(index, 20*time.Second))
				p.check(err)
				index = meta.LastIndex
				return services[p.id] == nil
			})
			p.say("a reader wakes at the end of the service true")
		},
	},
}
