package paas

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Where the platform's own routers are, if they are a job of Nomad. No team can have that name, which has two dashes.
const (
	PlatformNamespace = "crumpet--platform"
	RouterJobID       = "fabio" // the name of its task as well
)

// RouterJob is the system job of the platform's routers, as Nomad has it.
type RouterJob struct {
	Version   uint64
	Nodes     []Node // on which a router is to run now: ready and eligible, and in the job's datacenters and pool
	Instances []SystemInstance
}

// SystemInstance is an allocation of a system job.
type SystemInstance struct {
	ID, NodeID, Node string // Node is its name
	Client, Desired  string // states, in Nomad's words
	Version          uint64 // of the job
	CreatedAt        time.Time
	Said             string // what happened to its task last, "" for nothing that tells more than that it ended
}

// Alive says whether it runs, is on its way to, or does so on a node that is silent.
func (i SystemInstance) Alive() bool {
	return slices.Contains([]string{"running", "pending", "unknown"}, i.Client)
}

// GivenUp are the instances of a system job that are to run, have failed and are not tried again: Nomad looks at their
// nodes anew only when the job or the node changes. It gives the newest of each node, by the node's name.
func GivenUp(all []SystemInstance) []SystemInstance {
	newest := map[string]SystemInstance{}
	for _, i := range all {
		if i.Desired != "run" || i.Client != "failed" || slices.ContainsFunc(all, func(o SystemInstance) bool { return o.Node == i.Node && o.Alive() }) {
			continue
		}
		if had, ok := newest[i.Node]; !ok || had.CreatedAt.Before(i.CreatedAt) {
			newest[i.Node] = i
		}
	}
	list := make([]SystemInstance, 0, len(newest))
	for _, i := range newest {
		list = append(list, i)
	}
	slices.SortFunc(list, func(a, b SystemInstance) int {
		return cmp.Or(strings.Compare(a.Node, b.Node), strings.Compare(a.ID, b.ID))
	})
	return list
}

// Lacking are the nodes on which a router is to run and none is alive, each with the one that was given up there: an empty
// one where Nomad has kept nothing of it.
func (j RouterJob) Lacking() map[string]SystemInstance {
	lacking := map[string]SystemInstance{}
	for _, n := range j.Nodes {
		if !slices.ContainsFunc(j.Instances, func(i SystemInstance) bool { return i.NodeID == n.ID && i.Alive() }) {
			lacking[n.ID] = SystemInstance{NodeID: n.ID, Node: n.Name}
		}
	}
	for _, i := range GivenUp(j.Instances) {
		if _, is := lacking[i.NodeID]; is {
			lacking[i.NodeID] = i
		}
	}
	return lacking
}

// Updating says whether routers of another version of the job are alive: somebody is replacing them, or has stopped to.
func (j RouterJob) Updating() bool {
	return slices.ContainsFunc(j.Instances, func(i SystemInstance) bool { return i.Alive() && i.Version != j.Version })
}

// TellsWhy says whether a task's event of that kind says more than that Nomad goes on trying, or does not.
func TellsWhy(kind string) bool {
	return !slices.Contains([]string{"Restarting", "Not Restarting", "Received", "Alloc Unhealthy", "Killing", "Killed", "Sibling Task Failed", "Started"}, kind)
}
