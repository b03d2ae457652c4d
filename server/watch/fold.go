package watch

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Facts is what was last written to the store. A value is never changed once made.
type Facts struct {
	instances map[string]*held // by id
	jobs      map[jobKey]paas.JobFact
	routes    map[paas.Claim]paas.RouteFact
	routers   map[paas.AppRef]paas.RouterFact
	runs      map[string]paas.Run     // by id
	nodes     map[string]paas.Node    // by id
	backends  map[string]paas.Backend // by name

	folded news      // what was folded last
	due    time.Time // when the first of the instances wants to be derived again, or before; zero for never
}

type jobKey struct {
	ref  paas.AppRef
	slot paas.Slot
}

// KnownFacts makes the Facts of what the store holds.
func KnownFacts(instances []paas.Instance, routes []paas.RouteFact, routers []paas.RouterFact, jobs []paas.JobFact) Facts {
	f := Facts{
		instances: make(map[string]*held, len(instances)),
		jobs:      make(map[jobKey]paas.JobFact, len(jobs)),
		routes:    make(map[paas.Claim]paas.RouteFact, len(routes)),
		routers:   make(map[paas.AppRef]paas.RouterFact, len(routers)),
		runs:      map[string]paas.Run{},
		nodes:     map[string]paas.Node{},
		backends:  map[string]paas.Backend{},
		folded:    notYet,
	}
	for _, i := range instances {
		f.instances[i.ID] = &held{Instance: i}
	}
	for _, j := range jobs {
		f.jobs[jobKey{paas.AppRef{Team: j.Team, App: j.App}, j.Slot}] = j
	}
	for _, r := range routes {
		f.routes[paas.Claim{Team: r.Team, App: r.App, Host: r.Host, Path: r.Path}] = r
	}
	for _, r := range routers {
		f.routers[paas.AppRef{Team: r.Team, App: r.App}] = r
	}
	return f
}

// WithRuns adds the runs that the store holds.
func (f Facts) WithRuns(runs []paas.Run) Facts {
	f.runs = make(map[string]paas.Run, len(runs))
	for _, r := range runs {
		f.runs[r.ID] = r
	}
	return f
}

// WithNodes adds the nodes and backends that the store holds.
func (f Facts) WithNodes(nodes []paas.Node, backends []paas.Backend) Facts {
	f.nodes, f.backends = make(map[string]paas.Node, len(nodes)), make(map[string]paas.Backend, len(backends))
	for _, n := range nodes {
		f.nodes[n.ID] = n
	}
	for _, b := range backends {
		f.backends[b.Name] = b
	}
	return f
}

// Instances gives the instances in the order of their ids.
func (f Facts) Instances() []paas.Instance {
	list := make([]paas.Instance, 0, len(f.instances))
	for _, id := range slices.Sorted(maps.Keys(f.instances)) {
		list = append(list, f.instances[id].Instance)
	}
	return list
}

// critical gives the instances that don't pass their checks, in the order of their ids.
func (f Facts) critical() []paas.Instance {
	var list []paas.Instance
	for _, i := range f.instances {
		if i.Health == paas.HealthCritical {
			list = append(list, i.Instance)
		}
	}
	slices.SortFunc(list, func(a, b paas.Instance) int { return strings.Compare(a.ID, b.ID) })
	return list
}

// Fold derives the facts from all that was read, and gives the new facts, what of them the store
// doesn't have yet, and when to fold again although nothing was read: the zero time for never.
func Fold(in Inputs, known Facts, now time.Time) (Facts, paas.Observation, time.Time) {
	now = stamp(now)
	f := &folding{
		in: in, now: now, before: known.folded,
		next: Facts{
			instances: maps.Clone(known.instances),
			jobs:      maps.Clone(known.jobs),
			routes:    maps.Clone(known.routes),
			routers:   maps.Clone(known.routers),
			runs:      maps.Clone(known.runs),
			nodes:     maps.Clone(known.nodes),
			backends:  maps.Clone(known.backends),
			folded:    in.news, due: known.due,
		},
	}
	f.dropApps()
	f.foldNodes()
	f.foldBackends()
	f.foldInstances()
	f.foldRuns()
	f.foldJobs()
	f.foldRoutes()
	f.foldRouters()
	return f.next, f.obs, f.due
}

// folding is one run of Fold.
type folding struct {
	in   Inputs
	now  time.Time
	next Facts

	before news // what the facts known were folded from

	obs paas.Observation
	due time.Time

	chain   []*allocation // what crashes has looked at
	newApps bool          // some app's wishes are others than in the fold before
}

// dropApps forgets the facts of apps that are no more: the store deleted them with the app.
func (f *folding) dropApps() {
	if f.newApps = f.before.apps != f.in.news.apps; !f.newApps {
		return
	}
	gone := func(ref paas.AppRef) bool { _, known := f.in.apps[ref]; return !known }
	maps.DeleteFunc(f.next.instances, func(_ string, i *held) bool { return gone(i.Ref()) })
	maps.DeleteFunc(f.next.jobs, func(k jobKey, _ paas.JobFact) bool { return gone(k.ref) })
	maps.DeleteFunc(f.next.runs, func(_ string, r paas.Run) bool { return gone(r.Ref()) })
	maps.DeleteFunc(f.next.routers, func(ref paas.AppRef, _ paas.RouterFact) bool { return gone(ref) })
	maps.DeleteFunc(f.next.routes, func(c paas.Claim, _ paas.RouteFact) bool {
		ref := paas.AppRef{Team: c.Team, App: c.App}
		return gone(ref) || !slices.Contains(f.in.apps[ref].Claims, c)
	})
}

func (f *folding) foldInstances() {
	if !f.in.allocsRead {
		return
	}
	var moved []paas.Instance
	some := f.onlyMoved(f.before, f.next.due)
	for _, a := range f.changed(some) {
		var before *paas.Instance
		was := f.next.instances[a.ID]
		if was != nil {
			before = &was.Instance
		}
		due := f.due
		f.due, f.chain = time.Time{}, nil
		after, since := f.instance(a.AllocationListStub, a.ref, a.slot, f.in.apps[a.ref], before)
		is := &held{Instance: after, alloc: a, chain: f.chain, of: f.in.newsFor(a), due: f.due, checks: f.in.checks[a.ID], checksRead: f.in.checksRead}
		f.due = sooner(due, f.due)
		f.next.instances[a.ID] = is
		if before != nil && same(*before, after) {
			is.Instance = *before
			continue
		}
		f.obs.Instances = append(f.obs.Instances, after)
		f.obs.Events = append(f.obs.Events, instanceEvents(before, after, f.now)...)
		if e, ok := f.crashEvent(before, after, since); ok {
			f.obs.Events = append(f.obs.Events, e)
		}
		if before == nil && after.Previous != "" {
			moved = append(moved, after)
		}
	}
	f.next.due = f.due // nothing before this asks for another fold
	f.tellMoved(moved)
	if some {
		return // none is gone
	}
	for id := range f.next.instances {
		if f.in.allocs[id] == nil {
			f.obs.Gone = append(f.obs.Gone, id)
		}
	}
	slices.Sort(f.obs.Gone)
	for _, id := range f.obs.Gone {
		delete(f.next.instances, id)
	}
}

// changed gives the allocations whose instances have to be derived again, in the order of their ids. The
// others' due times count as if they had been. With some only those are looked at that may have to be.
func (f *folding) changed(some bool) []*allocation {
	var list []*allocation
	look := func(a *allocation) {
		was := f.next.instances[a.ID]
		switch _, known := f.in.apps[a.ref]; {
		case !a.inSlot || !known:
		case !was.stands(a, f):
			list = append(list, a)
		case !was.due.IsZero():
			f.wake(was.due)
		}
	}
	if some {
		f.due = f.next.due
		for _, a := range f.in.near() {
			look(a)
		}
	} else {
		for _, a := range f.in.allocs {
			look(a)
		}
	}
	slices.SortFunc(list, func(a, b *allocation) int { return strings.Compare(a.ID, b.ID) })
	return list
}

// wake asks for another fold at t.
func (f *folding) wake(t time.Time) {
	if f.due.IsZero() || t.Before(f.due) {
		f.due = t
	}
}

// same compares two views of one instance.
func same(a, b paas.Instance) bool {
	return a.Release == b.Release && a.Placed == b.Placed && a.State == b.State && a.Health == b.Health && a.Node == b.Node &&
		a.Restarts == b.Restarts && a.Exits == b.Exits && a.Reason == b.Reason && a.Cause == b.Cause &&
		a.NodeID == b.NodeID && a.ExitCode == b.ExitCode && a.OOM == b.OOM && sameTime(a.NextTry, b.NextTry) &&
		a.Crashes == b.Crashes && a.Previous == b.Previous && a.Overdue == b.Overdue && slices.Equal(a.Checks, b.Checks) &&
		a.Index == b.Index && a.Process == b.Process && a.Slot == b.Slot &&
		maps.Equal(a.Ports, b.Ports) && sameTime(a.StartedAt, b.StartedAt) && sameTime(a.PassingAt, b.PassingAt)
}

func sameTime(a, b *time.Time) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Equal(*b)
}

// stamp brings a time to what the store keeps: UTC, microseconds. Else a fact read back would
// differ from the one written.
func stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

func byClaim(a, b paas.Claim) int {
	return cmp.Or(strings.Compare(a.Team, b.Team), strings.Compare(a.App, b.App),
		strings.Compare(a.Host, b.Host), strings.Compare(a.Path, b.Path))
}
