package sched

import (
	"hash/fnv"
	"math"
	"slices"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/devstack/nomad/state"
)

// seat is one node that the reconciler asks about.
type seat struct {
	*reconciler
	node *nomadapi.Node
}

// option is a node that can take an instance.
type option struct {
	seat
	offer *nomadapi.NetworkResource
	score float64
}

func (r *reconciler) byID(id string) *nomadapi.Node {
	for _, n := range r.Nodes {
		if n.ID == id {
			return n
		}
	}
	return nil
}

// shuffled are the nodes in an order that depends on the evaluation and on what is placed already: among
// equals, Nomad takes the first of a shuffled list.
func (r *reconciler) shuffled() []*nomadapi.Node {
	nodes := slices.Clone(r.Nodes)
	if len(nodes) < 2 {
		return nodes
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(r.EvalID)) // a hash never fails
	by := (int(h.Sum32()>>1) + len(r.plan.Place)) % len(nodes)
	return append(nodes[by:], nodes[:by]...)
}

// score is Nomad's: how full the node gets, less for each instance of the group that is there already, less for
// one where an instance has failed, and the mean of those that apply.
func (r seat) score(tg *nomadapi.TaskGroup, used room, prev *state.Alloc) float64 {
	total := r.node.NodeResources
	free := func(used, of int64) float64 { return math.Pow(10, 1-float64(used)/float64(max(1, of))) }
	fit := 20 - free(used.cpu, total.Cpu.CpuShares) - free(used.memory, total.Memory.MemoryMB)
	scores := []float64{min(max(fit, 0), 18) / 18}
	beside := 0
	for _, a := range r.held("") {
		if a.Namespace == *r.Job.Namespace && a.JobID == *r.Job.ID && a.TaskGroup == *tg.Name {
			beside++
		}
	}
	if beside > 0 {
		scores = append(scores, -float64(beside+1)/float64(max(1, *tg.Count)))
	}
	if failedOn(prev, r.node.ID) {
		scores = append(scores, -1)
	}
	sum := 0.0
	for _, s := range scores {
		sum += s
	}
	return sum / float64(len(scores))
}

// failedOn tells that the instance whose place is taken, or one before it, has failed on a node.
func failedOn(prev *state.Alloc, node string) bool {
	if prev == nil {
		return false
	}
	if prev.ClientStatus == nomadapi.AllocClientStatusFailed && prev.NodeID == node {
		return true
	}
	return prev.RescheduleTracker != nil &&
		slices.ContainsFunc(prev.RescheduleTracker.Events, func(e *nomadapi.RescheduleEvent) bool { return e.PrevNodeID == node })
}

// lost tells that an instance is to run on a node that is not there.
func (r *reconciler) lost(a *state.Alloc) bool {
	if a.Terminal() {
		return false
	}
	n := r.byID(a.NodeID)
	return n == nil || n.Status == nomadapi.NodeStatusDown
}

// lose gives an instance up: its node can't say how it ended.
func (r *reconciler) lose(a *state.Alloc) {
	r.stop(a, descLost)
	r.plan.Stop[len(r.plan.Stop)-1].ClientStatus = nomadapi.AllocClientStatusLost
}

// mourn gives up what was told to stop and had not when its node went down.
func (r *reconciler) mourn(a *state.Alloc) {
	n := r.byID(a.NodeID)
	if a.ServerTerminal() && !a.ClientTerminal() && n != nil && n.Status == nomadapi.NodeStatusDown {
		r.lose(a)
	}
}
