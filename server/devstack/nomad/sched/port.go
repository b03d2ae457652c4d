package sched

import (
	"fmt"
	"hash/fnv"

	nomadapi "github.com/hashicorp/nomad/api"
)

// offer finds room and ports for one more allocation of the group. Nil: none,
// and the metric says why. A group without a network gets an empty offer. Used is
// what the node would then have given away.
func (r seat) offer(tg *nomadapi.TaskGroup, without string, m *nomadapi.AllocationMetric) (offer *nomadapi.NetworkResource, used room) {
	taken := map[int]bool{}
	for _, a := range r.held(without) {
		for _, p := range a.AllocatedResources.Shared.Ports {
			taken[p.Value] = true
		}
	}
	ip := r.node.Attributes["unique.network.ip-address"]
	out := &nomadapi.NetworkResource{IP: ip, Mode: "host"}
	for _, n := range tg.Networks {
		out.Mode = n.Mode
		for _, p := range n.ReservedPorts {
			if taken[p.Value] {
				exhausted(m, fmt.Sprintf("network: reserved port collision %s=%d", p.Label, p.Value))
				return nil, room{}
			}
			taken[p.Value] = true
			p.HostNetwork = "default"
			out.ReservedPorts = append(out.ReservedPorts, p)
		}
		for _, p := range n.DynamicPorts {
			p.Value = r.dynamic(taken)
			if p.Value == 0 {
				exhausted(m, "network: dynamic port selection failed")
				return nil, room{}
			}
			taken[p.Value] = true
			if p.To == -1 {
				p.To = p.Value
			}
			p.HostNetwork = "default"
			out.DynamicPorts = append(out.DynamicPorts, p)
		}
	}
	used, ok := r.fits(tg, without, m)
	if !ok {
		return nil, room{}
	}
	return out, used
}

// dynamic picks a free port. It starts at a place that depends on the evaluation
// and on how many are taken, so that a port just given back is not the next one
// given away; a port that something else has bound is passed over.
func (r seat) dynamic(taken map[int]bool) int {
	low, high := r.node.NodeResources.MinDynamicPort, r.node.NodeResources.MaxDynamicPort
	size := high - low + 1
	h := fnv.New32a()
	_, _ = fmt.Fprintf(h, "%s/%d", r.EvalID, len(taken)) // a hash never fails
	start := int(h.Sum32() % uint32(size))
	for i := range size {
		port := low + (start+i)%size
		if !taken[port] && r.PortFree(port) {
			return port
		}
	}
	return 0
}
