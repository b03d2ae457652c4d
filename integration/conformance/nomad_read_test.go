package conformance_test

import (
	"slices"
	"strings"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"
)

// blocking reads all namespaces, as a server does.
func (p *probe) blocking(index uint64, wait time.Duration, params map[string]string) *nomadapi.QueryOptions {
	return (&nomadapi.QueryOptions{Namespace: "*", WaitIndex: index, WaitTime: wait, Params: params}).WithContext(p.ctx)
}

var nomadReadRows = []row{
	{
		name:  "Nomad: an agent has a leader, a version and one node",
		calls: []string{"nomad GET /v1/status/leader", "nomad GET /v1/agent/self", "nomad GET /v1/nodes"},
		want: `
			leader: true
			build: true
			nodes: 1 ready eligible dc1 drain false`,
		run: func(p *probe) {
			var leader string
			_, err := p.nomad.Raw().Query("/v1/status/leader", &leader, p.read())
			p.check(err)
			p.say("leader: %t", strings.Contains(leader, ":"))
			var self nomadapi.AgentSelf
			_, err = p.nomad.Raw().Query("/v1/agent/self", &self, p.read())
			p.check(err)
			p.say("build: %t", strings.Count(self.Member.Tags["build"], ".") >= 2)
			nodes, _, err := p.nomad.Nodes().List(p.read())
			p.check(err)
			n := nodes[0]
			p.say("nodes: %d %s %s %s drain %t", len(nodes), n.Status, n.SchedulingEligibility, n.Datacenter, n.Drain)
		},
	},
	{
		name:  "Nomad: a blocked reader of nodes gets them whole, and again at the end of its wait",
		calls: []string{"nomad GET /v1/nodes?namespace&wait", "nomad GET /v1/nodes?index&namespace&wait"},
		want: `
			nodes: 1 default dc1, an index true, an address true
			nothing changes: after the wait true, the same index true`,
		run: func(p *probe) {
			nodes, meta, err := p.nomad.Nodes().List(p.blocking(0, time.Second, nil))
			p.check(err)
			index, n := meta.LastIndex, nodes[0]
			p.say("nodes: %d %s %s, an index %t, an address %t", len(nodes), n.NodePool, n.Datacenter, index > 0, n.Address != "")
			const wait = 700 * time.Millisecond
			same, waited := false, time.Duration(0)
			for try := 0; try < 10 && !same; try++ { // the node may just have said something of itself
				began := time.Now()
				_, meta, err = p.nomad.Nodes().List(p.blocking(index, wait, nil))
				p.check(err)
				same, waited, index = meta.LastIndex == index, time.Since(began), meta.LastIndex
			}
			p.say("nothing changes: after the wait %t, the same index %t", waited >= wait, same)
		},
	},
	{
		name: "Nomad: a blocked reader of allocations wakes when one changes",
		calls: []string{
			"nomad GET /v1/allocations?namespace&resources&task_states&wait", "nomad GET /v1/allocations?index&namespace&resources&task_states&wait",
		},
		want: `
			a wait without an index: at once true
			woken: within the wait true, the index moved true
			then it runs`,
		run: func(p *probe) {
			params := map[string]string{"task_states": "true", "resources": "true"}
			began := time.Now()
			list, meta, err := p.nomad.Allocations().List(p.blocking(0, 20*time.Second, params))
			p.check(err)
			p.say("a wait without an index: at once %t", time.Since(began) < 10*time.Second)
			if slices.ContainsFunc(list, func(a *nomadapi.AllocationListStub) bool { return a.JobID == p.id }) {
				p.fatal("an allocation before its job")
			}
			p.register(p.job(1, "idle"))
			index, woken := meta.LastIndex, false
			began = time.Now()
			p.until("the allocation runs", func() bool {
				list, meta, err := p.nomad.Allocations().List(p.blocking(index, 20*time.Second, params))
				p.check(err)
				at := slices.IndexFunc(list, func(a *nomadapi.AllocationListStub) bool { return a.JobID == p.id })
				if at >= 0 && !woken {
					woken = true
					p.say("woken: within the wait %t, the index moved %t", time.Since(began) < 20*time.Second, meta.LastIndex > index)
				}
				index = meta.LastIndex
				return at >= 0 && list[at].ClientStatus == "running"
			})
			p.say("then it runs")
		},
	},
	{
		name:  "Nomad: a reader of one job waits for its next change or the end of its time",
		calls: []string{"nomad GET /v1/job/:id?index&namespace&wait"},
		want: `
			nothing changes: after the wait true, the same index true
			a register: before the wait's end true, a later index true`,
		run: func(p *probe) {
			p.evaluated(p.register(p.job(0, "idle")).EvalID)
			job := func(index uint64, wait time.Duration) (uint64, time.Duration) {
				began := time.Now()
				q := (&nomadapi.QueryOptions{Namespace: "default", WaitIndex: index, WaitTime: wait}).WithContext(p.ctx)
				_, meta, err := p.nomad.Jobs().Info(p.id, q)
				p.check(err)
				return meta.LastIndex, time.Since(began)
			}
			// The status of a job follows its evaluation: wait until it is still.
			index, took := uint64(0), time.Duration(0)
			p.until("the job is still", func() bool {
				before := index
				index, took = job(index, 700*time.Millisecond)
				return index == before
			})
			p.say("nothing changes: after the wait %t, the same index true", took >= 700*time.Millisecond)
			type answer struct {
				index uint64
				took  time.Duration
			}
			answers := make(chan answer, 1)
			go func() {
				next, took := p.nextChange(index)
				answers <- answer{next, took}
			}()
			j := p.job(0, "idle")
			j.TaskGroups[0].Tasks[0].Env = map[string]string{"A": "b"}
			p.register(j)
			got := <-answers
			p.say("a register: before the wait's end %t, a later index %t", got.took < 20*time.Second, got.index > index)
		},
	},
	{
		name: "Nomad: evaluations tell who asked and how it ended",
		calls: []string{
			"nomad GET /v1/evaluations?namespace&wait", "nomad GET /v1/evaluations?index&namespace&wait", "nomad GET /v1/job/:id/evaluations",
		},
		want: `
			the list: service job-register complete, of job ID
			at its index again: the same true`,
		run: func(p *probe) {
			e := p.evaluated(p.register(p.job(1, "idle")).EvalID)
			p.running(1)
			find := func(list []*nomadapi.Evaluation) *nomadapi.Evaluation {
				i := slices.IndexFunc(list, func(one *nomadapi.Evaluation) bool { return one.ID == e.ID })
				if i < 0 {
					p.fatal("the evaluation is not in the list")
				}
				return list[i]
			}
			list, _, err := p.nomad.Evaluations().List(p.blocking(0, time.Second, nil))
			p.check(err)
			one := find(list)
			p.say("the list: %s %s %s, of job %s", one.Type, one.TriggeredBy, one.Status, one.JobID)
			list, _, err = p.nomad.Evaluations().List(p.blocking(1, time.Second, nil))
			p.check(err)
			p.say("at its index again: the same %t", find(list).ModifyIndex == one.ModifyIndex)
			list, _, err = p.nomad.Jobs().Evaluations(p.id, p.read())
			p.check(err)
			find(list)
		},
	},
	{
		name:  "Nomad: the event stream tells of jobs, evaluations and allocations",
		calls: []string{"nomad GET /v1/event/stream?index&namespace&topic"},
		want: `
			Allocation AllocationUpdated true
			Allocation PlanResult true
			Evaluation EvaluationUpdated true
			Job JobRegistered true`,
		run: func(p *probe) {
			topics := map[nomadapi.Topic][]string{"Job": {p.id}, "Evaluation": {"*"}, "Allocation": {"*"}}
			q := (&nomadapi.QueryOptions{Namespace: "default"}).WithContext(p.ctx)
			frames, err := p.nomad.EventStream().Stream(p.ctx, topics, 0, q)
			p.check(err)
			p.register(p.job(1, "idle"))
			seen := map[string]bool{}
			for !seen["running"] {
				var frame *nomadapi.Events
				select {
				case frame = <-frames:
				case <-time.After(20 * time.Second):
					p.fatal("no event within 20 s; seen %v", seen)
				}
				p.check(frame.Err)
				for _, e := range frame.Events {
					mine := e.Key == p.id || slices.Contains(e.FilterKeys, p.id)
					if e.Topic == "Evaluation" {
						eval, err := e.Evaluation()
						p.check(err)
						mine = eval.JobID == p.id
					}
					if e.Topic == "Allocation" {
						a, err := e.Allocation()
						p.check(err)
						if mine = a.JobID == p.id; mine && a.ClientStatus == "running" {
							seen["running"] = true
						}
					}
					if mine {
						seen[string(e.Topic)+" "+e.Type] = e.Index > 0
					}
				}
			}
			for _, name := range []string{"Allocation AllocationUpdated", "Allocation PlanResult", "Evaluation EvaluationUpdated", "Job JobRegistered"} {
				p.say("%s %t", name, seen[name])
			}
		},
	},
}

// nextChange waits for the next change of the row's job. It ends no row, as it runs in a goroutine of its own.
func (p *probe) nextChange(index uint64) (uint64, time.Duration) {
	began := time.Now()
	q := (&nomadapi.QueryOptions{Namespace: "default", WaitIndex: index, WaitTime: 20 * time.Second}).WithContext(p.ctx)
	_, meta, err := p.nomad.Jobs().Info(p.id, q)
	if err != nil {
		return 0, time.Since(began)
	}
	return meta.LastIndex, time.Since(began)
}
