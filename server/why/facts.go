package why

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Facts is everything known of one app at one moment.
type Facts struct {
	Ref         paas.AppRef
	Known       bool          // there is such an app; else only Events say something
	Snapshot    paas.Snapshot // wishes and facts
	Instances   []paas.Instance
	Deployments []paas.Deployment // newest first
	Nodes       []paas.Node
	Backends    []paas.Backend
	Events      []paas.Event  // newest last
	Build       paas.BuildJob // the last one; zero without any
	BadRules    []BadRule     // that freeze the routers
	LastLine    string        // of the instance that the explanation is about; "" if there is none
}

// BadRule is a key that routers read and can't understand.
type BadRule struct {
	Key    string
	Reason string
}

// view is the facts with the eyes on one release.
type view struct {
	Facts
	now     time.Time
	release paas.Release
	slot    paas.Slot
	wanted  map[string]int // by process, in the slot
	stage   stage
	walk    *paas.Deployment // that the release is of; nil when the serving release is looked at
	heads   []paas.Instance  // the newest of each place that is wanted
	bad     []paas.Instance  // of the heads, those that don't serve, worst first
}

// serving looks at the release in the live slot.
func (f Facts) serving(now time.Time) view {
	v := view{Facts: f, now: now, slot: f.Snapshot.App.Live, release: f.Snapshot.Releases[f.Snapshot.App.Release]}
	return v.look()
}

// walking looks at the release of a deployment.
func (f Facts) walking(d paas.Deployment, now time.Time) view {
	v := view{Facts: f, now: now, slot: d.Slot, release: f.Snapshot.Releases[d.Release], walk: &d}
	if v.release.Number == 0 {
		v.release.Number = d.Release // no longer among those that the app names
	}
	return v.look()
}

// look finds the newest instance of each wanted place.
func (v view) look() view {
	v.wanted = v.Snapshot.Slots[v.slot].Counts
	if v.Snapshot.Slots[v.slot].Release != v.release.Number {
		v.wanted = nil // the slot holds another release by now
	}
	if data := v.Snapshot.Slots[paas.Data]; data.Release == v.release.Number && len(data.Counts) > 0 {
		v.wanted = maps.Clone(v.wanted)
		if v.wanted == nil {
			v.wanted = map[string]int{}
		}
		maps.Copy(v.wanted, data.Counts)
	}
	type place struct {
		process string
		index   int
	}
	newest := map[place]paas.Instance{}
	for _, i := range v.Instances {
		if !i.Slot.Beside(v.slot) || i.Release != 0 && i.Release != v.release.Number || i.Index >= v.wanted[i.Process] {
			continue
		}
		at := place{i.Process, i.Index}
		if before, ok := newest[at]; !ok || i.CreatedAt.After(before.CreatedAt) {
			newest[at] = i
		}
	}
	for _, i := range newest {
		v.heads = append(v.heads, i)
	}
	slices.SortFunc(v.heads, func(a, b paas.Instance) int {
		return cmp.Or(cmp.Compare(a.Process, b.Process), cmp.Compare(a.Index, b.Index))
	})
	for _, i := range v.heads {
		if !i.Serving() {
			v.bad = append(v.bad, i)
		}
	}
	return v
}

// blockedSlot is the one that something of the release found no place in: the slot Data beside its own, or its
// own, also where nothing is amiss.
func (v view) blockedSlot() paas.Slot {
	data := v.Snapshot.Jobs[paas.Data]
	if alone := len(v.Snapshot.Slots[v.slot].Counts) == 0 && len(v.Snapshot.Slots[paas.Data].Counts) > 0; alone || data.Blocked != "" && v.Snapshot.Jobs[v.slot].Blocked == "" {
		return paas.Data
	}
	return v.slot
}

// causeOf gives the cause of an instance: its own, or while it has just begun that of the one it was
// placed instead of.
func (v view) causeOf(i paas.Instance) (paas.Cause, paas.Instance) {
	if i.Cause != "" || i.Previous == "" {
		return i.Cause, i
	}
	for _, before := range v.Instances {
		if before.ID == i.Previous && before.Cause != "" {
			return before.Cause, before
		}
	}
	return "", i
}

// node gives a node by its id.
func (v view) node(id string) (paas.Node, bool) {
	for _, n := range v.Nodes {
		if n.ID == id {
			return n, true
		}
	}
	return paas.Node{}, false
}

// trouble gives a backend that is not well.
func (v view) trouble(name string) (paas.Backend, bool) {
	for _, b := range v.Backends {
		if b.Name == name && !b.OK {
			return b, true
		}
	}
	return paas.Backend{}, false
}

// process gives the spec of a process of the release.
func (v view) process(name string) paas.Process {
	p, ok := v.release.Spec.Process(name)
	if !ok {
		p = paas.Process{Name: name}
	}
	return p
}

// live says that the app serves: each process that takes requests has an instance that does, and a
// router leads to it. Where nothing is routed, each process counts.
func (f Facts) live() bool {
	release, ok := f.Snapshot.Releases[f.Snapshot.App.Release]
	if !ok || f.Snapshot.App.Stopped || f.Snapshot.App.Deleting {
		return false
	}
	routed := len(release.Spec.Routes()) > 0
	ill := map[string]bool{}
	for _, b := range f.Backends {
		ill[b.Name] = !b.OK
	}
	if routed && ill[paas.BackendFabio] && !ill[paas.BackendConsul] { // without Consul nobody knows where routers are
		return false
	}
	some := false
	for _, p := range release.Spec.Processes {
		if f.Snapshot.App.Wanted(p.Name) == 0 || routed && len(p.Routes) == 0 {
			continue
		}
		if !slices.ContainsFunc(f.Instances, func(i paas.Instance) bool { return i.Process == p.Name && i.Serving() }) {
			return false
		}
		for _, r := range p.Routes {
			if slices.ContainsFunc(f.Snapshot.Routes, func(fact paas.RouteFact) bool {
				return fact.Host == r.Host && fact.Path == r.Path && fact.State == paas.RoutePending
			}) {
				return false
			}
		}
		some = true
	}
	return some
}
