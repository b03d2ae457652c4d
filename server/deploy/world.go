package deploy

import (
	"github.com/crumpet-paas/crumpet/server/paas"
)

// Wanted is what one app should look like at this moment.
type Wanted struct {
	Slots map[paas.Slot]map[string]int // instances by process, for each slot that holds a release
	// Fence is the version that the app's rule must show in every router before an instance of the
	// new slot is registered: it proves that each router still follows Consul (slots.md B2, B3). ""
	// means that the app needs no rule.
	Fence string
}

// World computes what an app should look like from its wishes alone. It is total and idempotent: a
// crash between any two writes is repaired by computing it again.
func World(snap paas.Snapshot) Wanted {
	want := Wanted{Slots: map[paas.Slot]map[string]int{}}
	for slot, row := range snap.Slots {
		counts := map[string]int{}
		for _, p := range snap.Releases[row.Release].Spec.Processes {
			counts[p.Name] = 0
		}
		want.Slots[slot] = counts
	}
	d, walking := Active(snap)
	if !walking {
		fill(want.Slots[snap.App.Live], snap.App.Wanted)
		return want
	}
	at := d.Current()
	fill(want.Slots[d.Slot], func(p string) int { return at.New[p] })
	if d.InPlace() {
		return want
	}
	fill(want.Slots[d.From], func(p string) int { return at.Old[p] })
	if len(snap.Releases[d.Release].Spec.Routes()) > 0 {
		want.Fence = d.ID
	}
	return want
}

func fill(counts map[string]int, wanted func(string) int) {
	for process := range counts {
		counts[process] = wanted(process)
	}
}

// Active gives the deployment that is under way, if any.
func Active(snap paas.Snapshot) (paas.Deployment, bool) {
	for _, d := range snap.Deployments {
		if d.State == paas.DeploymentRunning || d.State == paas.DeploymentPaused {
			return d, true
		}
	}
	return paas.Deployment{}, false
}

// waiting gives the first deployment that has not begun.
func waiting(snap paas.Snapshot) (paas.Deployment, bool) {
	for _, d := range snap.Deployments {
		if d.State == paas.DeploymentPending {
			return d, true
		}
	}
	return paas.Deployment{}, false
}

// fenced says whether every router shows the fence that want asks for.
func fenced(want Wanted, router paas.RouterFact) bool {
	return want.Fence == "" || (router.Routers > 0 && router.Seen == want.Fence)
}
