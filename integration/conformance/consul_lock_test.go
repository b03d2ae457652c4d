package conformance_test

import (
	"errors"
	"strings"
	"time"

	consulapi "github.com/hashicorp/consul/api"
)

var consulLockRows = []row{
	{
		name: "Consul: a lock that hangs on a check is free once the check is critical",
		calls: []string{
			"consul PUT /v1/agent/service/register", "consul PUT /v1/session/create", "consul PUT /v1/session/renew/:id",
			"consul PUT /v1/kv/*key?acquire", "consul PUT /v1/kv/*key?release", "consul GET /v1/kv/*key?consistent",
			"consul GET /v1/kv/*key?consistent&index&wait", "consul PUT /v1/session/destroy/:id",
		},
		want: `
			on a check that is not there: true
			on one that is critical: true
			taken true, renewed true
			the check is critical: a waiting reader is woken true, held by nobody true
			renewed again: gone true
			after its delay another takes it
			given back true: a third has it at once true`,
		run: func(p *probe) {
			p.keys()
			p.join(p.service(p.id, 8001))
			p.set(p.id, consulapi.HealthPassing)
			p.reaches(p.id+"-ttl", "passing")
			make := func(check string) (string, error) {
				e := &consulapi.SessionEntry{TTL: "30s", Behavior: "release", LockDelay: 10 * time.Millisecond}
				if check != "" {
					e.ServiceChecks = []consulapi.ServiceCheck{{ID: check}}
				}
				id, _, err := p.consul.Session().Create(e, p.writeConsul())
				if err == nil {
					p.later(func() { _, _ = p.consul.Session().Destroy(id, p.writeConsul()) }) // it may be gone
				}
				return id, err
			}
			take := func(session string) bool {
				done, _, err := p.consul.KV().Acquire(&consulapi.KVPair{Key: p.key("lock"), Value: []byte("me"), Session: session}, p.writeConsul())
				p.check(err)
				return done
			}
			_, err := make(p.id + "-nothing")
			p.say("on a check that is not there: %t", err != nil && strings.Contains(err.Error(), "Missing check"))
			p.set(p.id, consulapi.HealthCritical)
			p.reaches(p.id+"-ttl", "critical")
			_, err = make(p.id + "-ttl")
			p.say("on one that is critical: %t", err != nil && strings.Contains(err.Error(), "critical state"))
			p.set(p.id, consulapi.HealthPassing)
			p.reaches(p.id+"-ttl", "passing")

			first, err := make(p.id + "-ttl")
			p.check(err)
			taken := take(first)
			entry, _, err := p.consul.Session().Renew(first, p.writeConsul())
			p.check(err)
			p.say("taken %t, renewed %t", taken, entry != nil)
			pair, meta, err := p.consul.KV().Get(p.key("lock"), p.consistent())
			p.check(err)
			index := meta.LastIndex
			answer := changed(func() (uint64, error) {
				q := p.waiting(index, 20*time.Second)
				q.RequireConsistent = true
				var err error
				if pair, meta, err = p.consul.KV().Get(p.key("lock"), q); err != nil {
					return 0, err
				}
				return meta.LastIndex, nil
			})
			p.set(p.id, consulapi.HealthCritical)
			got := <-answer
			p.check(got.err)
			p.say("the check is critical: a waiting reader is woken %t, held by nobody %t", got.took < 15*time.Second && got.index > index, pair.Session == "")
			entry, _, err = p.consul.Session().Renew(first, p.writeConsul())
			p.check(err)
			p.say("renewed again: gone %t", entry == nil)

			second, err := make("")
			p.check(err)
			third, err := make("")
			p.check(err)
			p.until("another takes it", func() bool { return take(second) })
			p.say("after its delay another takes it")
			back, _, err := p.consul.KV().Release(&consulapi.KVPair{Key: p.key("lock"), Value: []byte("me"), Session: second}, p.writeConsul())
			p.check(err)
			p.say("given back %t: a third has it at once %t", back, take(third))
			_, err = p.consul.Session().Destroy(third, p.writeConsul())
			p.check(err)
		},
	},
	{
		name:  "Consul: an agent says which services are registered with it",
		calls: []string{"consul PUT /v1/agent/service/register", "consul GET /v1/agent/service/:id", "consul PUT /v1/agent/service/deregister/:id"},
		want: `
			registered: ADDR [blue]
			deregistered: 404 true
			deregistered again: no error, or 404: true`,
		run: func(p *probe) {
			p.join(p.service(p.id, 8001, "blue"))
			got, _, err := p.consul.Agent().Service(p.id, p.readConsul())
			p.check(err)
			p.say("registered: %s:%d %v", got.Address, got.Port, got.Tags)
			p.check(p.consul.Agent().ServiceDeregisterOpts(p.id, p.readConsul()))
			_, _, err = p.consul.Agent().Service(p.id, p.readConsul())
			var answer consulapi.StatusError
			p.say("deregistered: 404 %t", errors.As(err, &answer) && answer.Code == 404)
			err = p.consul.Agent().ServiceDeregisterOpts(p.id, p.readConsul())
			p.say("deregistered again: no error, or 404: %t", err == nil || errors.As(err, &answer) && answer.Code == 404)
		},
	},
}
