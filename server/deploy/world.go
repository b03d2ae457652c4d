package deploy

import (
	"strconv"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/route"
)

// Wanted is what one app should look like at this moment.
type Wanted struct {
	Slots map[paas.Slot]map[string]int // instances by process, for each slot that holds a release
	// Fence is the version that the app's rule must show in every router before an instance of the
	// new slot is registered: it proves that each router still follows Consul (slots.md B2, B3). ""
	// means that the app needs no rule.
	Fence   string
	Traffic Traffic
}

// Traffic is the share of requests that the app's rule gives to one of its slots. The zero Traffic is
// no rule: requests follow the instances.
type Traffic struct {
	To      paas.Slot
	Share   int // percent
	Release int // in the slot To
	Before  int // in the other
}

// World computes what an app should look like from its wishes alone. It is total and idempotent: a
// crash between any two writes is repaired by computing it again.
func World(snap paas.Snapshot) Wanted {
	want := Wanted{Slots: map[paas.Slot]map[string]int{}}
	for slot, row := range snap.Slots {
		counts := map[string]int{}
		for _, p := range snap.Releases[row.Release].Spec.Processes {
			if p.Stateful() == (slot == paas.Data) {
				counts[p.Name] = 0
			}
		}
		want.Slots[slot] = counts
	}
	fill(want.Slots[paas.Data], dataWanted(snap))
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
		if at.Share != nil {
			want.Traffic = Traffic{To: d.Slot, Share: *at.Share, Release: d.Release, Before: d.Previous}
			want.Fence = version(d, *at.Share)
		}
	}
	return want
}

// turned marks the fence of a walk that turns back: its rule may be one that routers had read before.
const turned = "-back-"

// version is another for each text of the rule within a walk: shares only grow until it turns back.
func version(d paas.Deployment, share int) string {
	if d.Abort {
		return d.ID + turned + strconv.Itoa(share)
	}
	return d.ID + "-" + strconv.Itoa(share)
}

// RulesOf gives the lines of the app's rule that part the requests so. A route that only the release in
// the slot To has stays dark until it gets everything: Fabio gives a weight of any size the whole of a
// route that nobody else has, and with it the requests of the shorter route that served it before.
// port is the router's, where clients name it.
func RulesOf(snap paas.Snapshot, t Traffic, port string) []route.Rule {
	var rules []route.Rule
	if t.To == "" {
		return nil
	}
	known := map[paas.Route]bool{}
	for _, r := range snap.Releases[t.Before].Spec.Routes() {
		known[paas.Route{Host: r.Host, Path: r.Path}] = true
	}
	for _, p := range stateless(snap.Releases[t.Release].Spec).Processes {
		service := paas.Service{Team: snap.App.Team, App: snap.App.Name, Process: p.Name, Slot: t.To}
		if t.Share == 0 && len(p.Routes) > 0 {
			rules = append(rules, route.Dark(service))
			continue
		}
		for _, r := range p.Routes {
			rule := route.Share(service, r, float64(t.Share)/100)
			if t.Share < 100 && !known[paas.Route{Host: r.Host, Path: r.Path}] {
				rule = route.DarkRoute(service, r)
			}
			rules = append(rules, rule)
			if port != "" {
				rules = append(rules, rule.AtPort(port))
			}
		}
	}
	return rules
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
