package conformance_test

import (
	"errors"

	nomadapi "github.com/hashicorp/nomad/api"
)

var nomadStatsRows = []row{
	{
		name: "Nomad: an allocation says what its tasks take, and a node what it has",
		calls: []string{
			"nomad GET /v1/client/allocation/:id/stats?namespace", "nomad GET /v1/nodes?resources", "nomad GET /v1/allocations?namespace&resources",
		},
		want: `
			all together true, one task true
			the node has cpu true, memory true
			reserved: cpu true, memory 32
			one that nobody knows: 404`,
		run: func(p *probe) {
			j := p.job(1, "idle")
			p.register(j)
			alloc := p.running(1)[0]
			q := p.read()
			q.Namespace = "default"
			stats, err := p.nomad.Allocations().Stats(&nomadapi.Allocation{ID: alloc.ID}, q)
			p.check(err)
			// A client that can't measure its tasks, as where it has no control groups, has no task here and the time 0.
			all, known := stats.ResourceUsage, stats.Timestamp > 0
			web := stats.Tasks["web"]
			p.say("all together %t, one task %t", all != nil && all.CpuStats != nil && (held(all) > 1<<10) == known, known == (web != nil && held(web.ResourceUsage) == held(all)))
			q = p.read()
			q.Params = map[string]string{"resources": "true"}
			nodes, _, err := p.nomad.Nodes().List(q)
			p.check(err)
			has := nodes[0].NodeResources
			p.say("the node has cpu %t, memory %t", has.Cpu.CpuShares > 0, has.Memory.MemoryMB > 0)
			q.Namespace = "*"
			allocs, _, err := p.nomad.Allocations().List(q)
			p.check(err)
			for _, a := range allocs {
				if a.ID == alloc.ID {
					p.say("reserved: cpu %t, memory %d", a.AllocatedResources.Tasks["web"].Cpu.CpuShares > 0, a.AllocatedResources.Tasks["web"].Memory.MemoryMB)
				}
			}
			q = p.read()
			q.Namespace = "default"
			_, err = p.nomad.Allocations().Stats(&nomadapi.Allocation{ID: "0a0b0c0d-0000-0000-0000-000000000000"}, q)
			p.say("one that nobody knows: %d", status(err))
		},
	},
}

// held is the memory of a usage, by whichever name a driver has for it.
func held(use *nomadapi.ResourceUsage) uint64 {
	if use.MemoryStats == nil {
		return 0
	}
	return max(use.MemoryStats.RSS, use.MemoryStats.Usage)
}

// status is that of Nomad's answer, 0 where there was none.
func status(err error) int {
	var answer nomadapi.UnexpectedResponseError
	if !errors.As(err, &answer) {
		return 0
	}
	return answer.StatusCode()
}
