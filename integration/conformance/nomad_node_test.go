package conformance_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"
)

// second is the node that can be taken away: the first lives with the server.
const second = "dev-2"

func (p *probe) nodeNamed(name string) *nomadapi.Node {
	list, _, err := p.nomad.Nodes().List(p.read())
	p.check(err)
	for _, n := range list {
		if n.Name == name {
			node, _, err := p.nomad.Nodes().Info(n.ID, p.read())
			p.check(err)
			return node
		}
	}
	p.fatal("no node %s", name)
	return nil
}

// on counts the wanted, running instances of the row's job by node.
func (p *probe) on(count int) map[string]int {
	by := map[string]int{}
	for _, a := range p.running(count) {
		by[a.NodeName]++
	}
	return by
}

// healthy waits until Nomad knows of so many wanted instances that they are.
func (p *probe) healthy(count int) {
	p.wanted(count, func(a *nomadapi.AllocationListStub) bool {
		return a.DeploymentStatus != nil && a.DeploymentStatus.Healthy != nil && *a.DeploymentStatus.Healthy
	})
}

// eligible sets it, and back with the row.
func (p *probe) eligible(id string, on bool) {
	_, err := p.nomad.Nodes().ToggleEligibility(id, on, p.write())
	p.check(err)
}

func (p *probe) eligibleLater(id string) {
	p.later(func() {
		_, _ = p.nomad.Nodes().UpdateDrain(id, nil, true, p.write())
		_, _ = p.nomad.Nodes().ToggleEligibility(id, true, p.write())
	})
}

// said are the newest events of a node.
func (p *probe) said(n *nomadapi.Node, count int) {
	for _, e := range n.Events[max(0, len(n.Events)-count):] {
		p.say("event: %s: %s", e.Subsystem, e.Message)
	}
}

// kill ends the process of the second client and holds it back; revive is called with the row at the latest.
func (p *probe) kill() (revive func()) {
	hold := filepath.Join(p.dir, "nomad-2", "hold")
	p.check(os.WriteFile(hold, nil, 0o600))
	revive = func() {
		if err := os.Remove(hold); err != nil && !errors.Is(err, fs.ErrNotExist) {
			p.fatal("%v", err)
		}
		p.until("the client is back", func() bool { return p.nodeNamed(second).Status == "ready" })
	}
	p.later(revive)
	var info struct{ Pids map[string]int }
	text, err := os.ReadFile(filepath.Join(p.dir, "dev.json"))
	p.check(err)
	p.check(json.Unmarshal(text, &info))
	p.check(syscall.Kill(info.Pids["nomad-2"], syscall.SIGKILL))
	return revive
}

// nodeRows are about nodes that come, go, and are emptied.
var nodeRows = []row{
	{
		twoNodes: true,
		name:     "Nomad: instances spread over two equal nodes, and one that is not eligible takes no more",
		calls:    []string{"nomad PUT /v1/node/:id/eligibility", "nomad GET /v1/node/:id"},
		want: `
			4: map[dev:2 dev-2:2]
			dev-2: ready ineligible drain false
			event: Cluster: Node marked as ineligible for scheduling
			6: map[dev:4 dev-2:2]
			a plan for 8: place 2
			9 with a distinct host each: evaluated 1, filtered 1, available map[dc1:1]
			dev-2: ready eligible drain false
			event: Cluster: Node marked as eligible for scheduling`,
		run: func(p *probe) {
			j := p.job(4, "idle")
			p.register(j)
			p.say("4: %v", p.on(4))
			n := p.nodeNamed(second)
			p.eligibleLater(n.ID)
			state := func() {
				n := p.nodeNamed(second)
				p.say("%s: %s %s drain %t", n.Name, n.Status, n.SchedulingEligibility, n.Drain)
				p.said(n, 1)
			}
			p.eligible(n.ID, false)
			state()
			j.TaskGroups[0].Count = new(6)
			p.register(j)
			p.say("6: %v", p.on(6))
			j.TaskGroups[0].Count = new(8)
			plan, _, err := p.nomad.Jobs().Plan(j, false, p.write())
			p.check(err)
			u := plan.Annotations.DesiredTGUpdates["web"]
			p.say("a plan for 8: place %d", u.Place)
			apart := p.job(9, "idle")
			apart.ID, apart.Name = new(p.id+"apart"), new(p.id+"apart")
			apart.Constraints = []*nomadapi.Constraint{{Operand: nomadapi.ConstraintDistinctHosts, RTarget: "true"}}
			plan, _, err = p.nomad.Jobs().Plan(apart, false, p.write())
			p.check(err)
			m := plan.FailedTGAllocs["web"]
			p.say("9 with a distinct host each: evaluated %d, filtered %d, available %v", m.NodesEvaluated, m.NodesFiltered, m.NodesAvailable)
			p.eligible(n.ID, true)
			state()
		},
	},
	{
		twoNodes: true,
		name:     "Nomad: a drain moves as many as the migrate block lets be missing, and waits for health",
		calls:    []string{"nomad PUT /v1/node/:id/drain", "nomad GET /v1/node/:id"},
		want: `
			before: map[dev:2 dev-2:2]
			draining: ineligible, strategy true, last draining
			eligible meanwhile: refused true
			at least 3 of 4 ran: true
			gone: stop complete "alloc is being migrated", the next one is on dev true
			gone: stop complete "alloc is being migrated", the next one is on dev true
			after: map[dev:4]
			drained: ineligible, drain false, strategy false, last complete
			event: Drain: Node drain strategy set
			event: Drain: Node drain complete
			evaluated by node-drain: true`,
		run: func(p *probe) {
			p.register(p.server(4))
			p.say("before: %v", p.on(4))
			p.healthy(4)
			moved := map[string]bool{}
			for _, a := range p.running(4) {
				if a.NodeName == second {
					moved[a.ID] = true
				}
			}
			n := p.nodeNamed(second)
			p.eligibleLater(n.ID)
			_, err := p.nomad.Nodes().UpdateDrain(n.ID, &nomadapi.DrainSpec{Deadline: time.Hour}, false, p.write())
			p.check(err)
			n = p.nodeNamed(second)
			p.say("draining: %s, strategy %t, last %s", n.SchedulingEligibility, n.DrainStrategy != nil, n.LastDrain.Status)
			_, err = p.nomad.Nodes().ToggleEligibility(n.ID, true, p.write())
			p.say("eligible meanwhile: refused %t", err != nil && strings.Contains(err.Error(), "while it is draining"))
			fewest := 4
			p.until("the drain is complete", func() bool {
				up := 0
				for _, a := range p.allocs() {
					if a.DesiredStatus == "run" && a.ClientStatus == "running" {
						up++
					}
				}
				fewest = min(fewest, up)
				return !p.nodeNamed(second).Drain
			})
			p.say("at least 3 of 4 ran: %t", fewest >= 3)
			all := map[string]*nomadapi.AllocationListStub{}
			for _, a := range p.allocs() {
				all[a.ID] = a
			}
			for _, a := range p.allocs() {
				if moved[a.ID] {
					next := all[a.NextAllocation]
					p.say("gone: %s %s %q, the next one is on dev %t", a.DesiredStatus, a.ClientStatus, a.DesiredDescription, next != nil && next.NodeName == "dev")
				}
			}
			p.say("after: %v", p.on(4))
			n = p.nodeNamed(second)
			p.say("drained: %s, drain %t, strategy %t, last %s", n.SchedulingEligibility, n.Drain, n.DrainStrategy != nil, n.LastDrain.Status)
			p.said(n, 2)
			evals, _, err := p.nomad.Jobs().Evaluations(p.id, p.read())
			p.check(err)
			p.say("evaluated by node-drain: %t", slices.ContainsFunc(evals, func(e *nomadapi.Evaluation) bool { return e.TriggeredBy == "node-drain" }))
		},
	},
	{
		twoNodes: true,
		name:     "Nomad: a drain that is ended leaves what is left, and its node is eligible again when asked",
		calls:    []string{"nomad PUT /v1/node/:id/drain"},
		want: `
			while one is not healthy nothing moves: map[dev:1 dev-2:1]
			ended: eligible, drain false, last canceled
			event: Drain: Node drain disabled
			and still: map[dev:1 dev-2:1]`,
		run: func(p *probe) {
			j := p.job(2, "idle")
			j.TaskGroups[0].Migrate.MinHealthyTime = new(20 * time.Second)
			p.register(j)
			p.running(2)
			n := p.nodeNamed(second)
			p.eligibleLater(n.ID)
			_, err := p.nomad.Nodes().UpdateDrain(n.ID, &nomadapi.DrainSpec{Deadline: time.Hour}, false, p.write())
			p.check(err)
			time.Sleep(time.Second) // in which a drain that does not wait would have begun
			p.say("while one is not healthy nothing moves: %v", p.on(2))
			_, err = p.nomad.Nodes().UpdateDrain(n.ID, nil, true, p.write())
			p.check(err)
			n = p.nodeNamed(second)
			p.say("ended: %s, drain %t, last %s", n.SchedulingEligibility, n.Drain, n.LastDrain.Status)
			p.said(n, 1)
			p.say("and still: %v", p.on(2))
		},
	},
	{
		twoNodes: true,
		name:     "Nomad: a node whose client is dead is down, and what ran there is lost, replaced, and ended when it is back",
		calls:    []string{"nomad GET /v1/nodes", "nomad GET /v1/job/:id/evaluations"},
		want: `
			before: map[dev:2 dev-2:2]
			down: eligible, drain false
			event: Cluster: Node heartbeat missed
			after: map[dev:4]
			lost: stop lost "alloc is lost since its node is down", the next one is on dev true
			lost: stop lost "alloc is lost since its node is down", the next one is on dev true
			evaluated by node-update of that node: true
			its files: 404 true
			the tasks live on: 2 of 2
			in Consul: 6 passing
			back: event: Node reregistered by heartbeat true
			what was lost: complete, complete
			in Consul: 4 passing
			the others stay: map[dev:4]`,
		run: func(p *probe) {
			p.register(p.server(4))
			p.say("before: %v", p.on(4))
			passing := func(count int) {
				p.until("Consul has them passing", func() bool {
					list, _, err := p.consul.Health().Service(p.id, "", true, nil)
					p.check(err)
					return len(list) == count
				})
				p.say("in Consul: %d passing", count)
			}
			var gone []*nomadapi.AllocationListStub
			var addresses []string
			for _, a := range p.running(4) {
				if a.NodeName == second {
					gone = append(gone, a)
					addresses = append(addresses, p.endpoint(a.ID))
				}
			}
			p.healthy(4)
			revive := p.kill()
			p.until("the node is down", func() bool { return p.nodeNamed(second).Status == "down" })
			n := p.nodeNamed(second)
			p.say("down: %s, drain %t", n.SchedulingEligibility, n.Drain)
			p.said(n, 1)
			p.until("its instances are given up", func() bool {
				for _, was := range gone {
					a, _, err := p.nomad.Allocations().Info(was.ID, p.read())
					p.check(err)
					if a.DesiredStatus == "run" {
						return false
					}
				}
				return true
			})
			p.say("after: %v", p.on(4))
			all := map[string]*nomadapi.AllocationListStub{}
			for _, a := range p.allocs() {
				all[a.ID] = a
			}
			for _, was := range gone {
				a := all[was.ID]
				next := all[a.NextAllocation]
				p.say("lost: %s %s %q, the next one is on dev %t", a.DesiredStatus, a.ClientStatus, a.DesiredDescription, next != nil && next.NodeName == "dev")
			}
			evals, _, err := p.nomad.Jobs().Evaluations(p.id, p.read())
			p.check(err)
			p.say("evaluated by node-update of that node: %t", slices.ContainsFunc(evals, func(e *nomadapi.Evaluation) bool {
				return e.TriggeredBy == "node-update" && e.NodeID == n.ID
			}))
			_, _, err = p.nomad.AllocFS().List(&nomadapi.Allocation{ID: gone[0].ID, NodeID: n.ID}, "/", p.read())
			p.say("its files: 404 %t", err != nil && strings.Contains(err.Error(), "404"))
			live := 0
			for _, address := range addresses {
				if status, _ := p.ask(address, "/health"); status == 200 {
					live++
				}
			}
			p.say("the tasks live on: %d of %d", live, len(addresses))
			passing(6)
			revive()
			n = p.nodeNamed(second)
			p.say("back: event: Node reregistered by heartbeat %t", slices.ContainsFunc(n.Events, func(e *nomadapi.NodeEvent) bool { return e.Message == "Node reregistered by heartbeat" }))
			var ends []string
			for _, was := range gone {
				p.until("what was lost has ended", func() bool {
					a, _, err := p.nomad.Allocations().Info(was.ID, p.read())
					p.check(err)
					return a.ClientStatus != "lost" && a.ClientStatus != "running"
				})
				a, _, err := p.nomad.Allocations().Info(was.ID, p.read())
				p.check(err)
				ends = append(ends, a.ClientStatus)
			}
			p.say("what was lost: %s", strings.Join(ends, ", "))
			passing(4)
			p.say("the others stay: %v", p.on(4))
		},
	},
}
