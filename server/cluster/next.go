package cluster

import (
	"fmt"
	"slices"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Verdict is what an app needs before Nomad may drain a node.
type Verdict struct {
	Walk bool   // it must walk first
	Wait string // or something is waited for, a sentence without a full stop; "" for neither
}

// Next says whether Nomad's drain of a node may take the app's instances there. It may not where a process
// that takes requests would have no healthy instance left in a slot that gets any; the successors of what
// Nomad stops are counted only when they are healthy, and then they are elsewhere.
//
// Nor may it while an instance there is on its way out: Nomad ends a drain when it sees the last allocation
// that it moves end, and one that was stopped before is none of those; seen running at the begin, it would
// hold the drain to its deadline (DrainingJobs and IsDone of Nomad's nomad/drainer).
func Next(snap paas.Snapshot, node paas.Node) Verdict {
	v := next(snap, node)
	if v == (Verdict{}) && there(snap, node, func(i paas.Instance) bool { return i.State == paas.InstanceStopping }) {
		v.Wait = fmt.Sprintf("an instance of %s there has been stopped and has not ended yet", snap.App.Ref())
	}
	return v
}

func next(snap paas.Snapshot, node paas.Node) Verdict {
	if snap.App.Deleting || !there(snap, node, func(i paas.Instance) bool { return !i.State.Ended() }) {
		return Verdict{}
	}
	for _, d := range snap.Deployments {
		if d.State == paas.DeploymentPending && len(snap.Deployments) > 1 {
			continue
		}
		// What a walk takes away next is no place to count on, and no second walk can begin.
		return Verdict{Wait: fmt.Sprintf("deployment %s of %s is under way", d.ID, snap.App.Ref())}
	}
	if snap.App.Stopped {
		return Verdict{}
	}
	for _, p := range snap.Releases[snap.App.Release].Spec.Processes {
		if len(p.Routes) > 0 && snap.App.Wanted(p.Name) > 0 && !servedElsewhere(snap, p.Name, node) {
			return Verdict{Walk: true}
		}
	}
	return Verdict{}
}

// there says that the app has such instances on the node.
func there(snap paas.Snapshot, node paas.Node, such func(paas.Instance) bool) bool {
	return slices.ContainsFunc(snap.Instances, func(i paas.Instance) bool { return i.NodeID == node.ID && such(i) })
}

// servedElsewhere says that a process has a healthy instance on a node that stays. Of a process that has
// none on the drained node either, the drain takes nothing.
func servedElsewhere(snap paas.Snapshot, process string, node paas.Node) bool {
	here := false
	for _, i := range snap.Instances {
		switch {
		case i.Process != process || !i.Serving():
		case i.NodeID == node.ID:
			here = true
		case stays(snap.Nodes[i.NodeID]):
			return true
		}
	}
	return !here
}

// stays says that instances on the node are not about to go. One whose facts are unknown is taken at its
// instances' word.
func stays(node paas.Node) bool {
	return node.ID == "" || node.Status == paas.NodeReady && !node.Draining
}
