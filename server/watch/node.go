package watch

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// foldNodes derives the nodes, and tells the apps that have instances there of what became of one.
func (f *folding) foldNodes() {
	if !f.in.nodesRead {
		return
	}
	seen := map[string]bool{}
	for _, stub := range f.in.nodes {
		seen[stub.ID] = true
		after := NodeOf(stub)
		before, known := f.next.nodes[stub.ID]
		after.Since = f.now
		if known && before.Status == after.Status && before.Eligible == after.Eligible && before.Draining == after.Draining {
			after.Since = before.Since
		}
		if known && before == after {
			continue
		}
		f.next.nodes[stub.ID] = after
		f.obs.Nodes = append(f.obs.Nodes, after)
		if known {
			f.tellNode(after, nodeWords(before, after))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(f.next.nodes)) {
		if !seen[id] {
			f.tellNode(f.next.nodes[id], "has left the cluster")
			delete(f.next.nodes, id)
			f.obs.GoneNodes = append(f.obs.GoneNodes, id)
		}
	}
}

// NodeOf is a node as Nomad lists it.
func NodeOf(n *nomadapi.NodeListStub) paas.Node {
	return paas.Node{
		ID: n.ID, Name: n.Name, Datacenter: n.Datacenter, Pool: n.NodePool, Address: n.Address,
		Status: paas.NodeStatus(n.Status), Eligible: n.SchedulingEligibility == nomadapi.NodeSchedulingEligible, Draining: n.Drain,
	}
}

// drained is told without a number of instances: what is seen there still is on its way to stop.
const drained = "is drained"

// nodeWords says what became of a node, "" for nothing that a person waits for.
func nodeWords(before, after paas.Node) string {
	switch {
	case before.Status != after.Status && after.Status == paas.NodeDown:
		return "is down"
	case before.Status != after.Status && after.Status == paas.NodeDisconnected:
		return "does not answer"
	case before.Status != after.Status && after.Status == paas.NodeReady && before.Status != paas.NodeInitializing:
		return "is back"
	case !before.Draining && after.Draining:
		return "is being drained"
	case before.Draining && !after.Draining && after.Eligible:
		return "is no longer drained"
	case before.Draining && !after.Draining:
		return drained
	case before.Eligible && !after.Eligible:
		return "takes no new instances"
	case !before.Eligible && after.Eligible:
		return "takes new instances again"
	}
	return ""
}

// tellNode tells each app that has instances on the node.
func (f *folding) tellNode(node paas.Node, words string) {
	if words == "" {
		return
	}
	on := map[paas.AppRef]int{}
	for _, i := range f.next.instances {
		if i.NodeID == node.ID && (!i.State.Ended() || i.State == paas.InstanceLost && f.now.Sub(i.Since) < oldNews) {
			on[i.Ref()]++
		}
	}
	for _, ref := range slices.SortedFunc(maps.Keys(on), byRef) {
		message := fmt.Sprintf("node %s %s", node.Name, words)
		if words != drained {
			message += fmt.Sprintf(": %s of %s there", count(on[ref], "instance"), ref.App)
		}
		f.obs.Events = append(f.obs.Events, paas.Event{
			Time: f.now, Team: ref.Team, App: ref.App, Kind: paas.EventNodeState,
			Message: message,
		})
	}
}

// migrated is how Nomad describes an allocation that it moves off a node which is drained.
const migrated = "alloc is being migrated"

// tellMoved tells each app which of its instances were placed anew because their node was lost or is
// drained, and where.
func (f *folding) tellMoved(placed []paas.Instance) {
	type move struct {
		ref   paas.AppRef
		cause string // node n2 is down
	}
	moves := map[move]map[string]int{} // by the name of the node placed on
	for _, i := range placed {
		before := f.in.allocs[i.Previous]
		if before == nil || f.now.Sub(i.CreatedAt) > oldNews {
			continue
		}
		words := ""
		switch {
		case before.ClientStatus == nomadapi.AllocClientStatusLost:
			words = "is down"
		case before.ClientStatus == nomadapi.AllocClientStatusUnknown:
			words = "does not answer"
		case before.DesiredDescription == migrated:
			words = "is being drained"
		default:
			continue
		}
		key := move{i.Ref(), "node " + before.NodeName + " " + words}
		if moves[key] == nil {
			moves[key] = map[string]int{}
		}
		moves[key][i.Node]++
	}
	for _, m := range slices.SortedFunc(maps.Keys(moves), func(a, b move) int {
		return cmp.Or(byRef(a.ref, b.ref), strings.Compare(a.cause, b.cause))
	}) {
		total, where := 0, []string{}
		for _, node := range slices.Sorted(maps.Keys(moves[m])) {
			n := moves[m][node]
			total += n
			where = append(where, fmt.Sprintf("%d on %s", n, node))
		}
		if len(where) == 1 {
			_, node, _ := strings.Cut(where[0], " ")
			where[0] = node
		}
		f.obs.Events = append(f.obs.Events, paas.Event{
			Time: f.now, Team: m.ref.Team, App: m.ref.App, Kind: paas.EventNodeState,
			Message: fmt.Sprintf("%s: %s of %s placed anew %s", m.cause, count(total, "instance"), m.ref.App, strings.Join(where, ", ")),
		})
	}
}

func byRef(a, b paas.AppRef) int {
	return cmp.Or(strings.Compare(a.Team, b.Team), strings.Compare(a.App, b.App))
}

// count gives a number of things in words.
func count(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}
