package watch

import (
	"maps"
	"slices"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/route"
)

// Pauses between requests for a route that doesn't answer yet.
const (
	probeFirst = 100 * time.Millisecond
	probeLast  = 2 * time.Second
)

// foldRoutes says of each claimed route how far it is. While not every table is known nothing can
// be said of all of them, and the facts stay as they are.
func (f *folding) foldRoutes() {
	if !f.in.tablesRead || f.in.tablesErr != "" || f.routesStand() {
		return
	}
	standing := targets(f.in.tables)
	for _, claim := range f.in.claims() {
		before, known := f.next.routes[claim]
		after := f.route(claim, standing[claim], before)
		if known && before.State == after.State &&
			slices.Equal(before.Targets, after.Targets) && slices.Equal(before.Any, after.Any) {
			continue
		}
		f.next.routes[claim] = after
		f.obs.Routes = append(f.obs.Routes, after)
		if e, told := routeEvent(before, after, f.now); told {
			f.obs.Events = append(f.obs.Events, e)
		}
	}
}

// routesStand says that no table or answer was read since the fold before, and that the apps are as they were.
func (f *folding) routesStand() bool { return f.before.tables == f.in.news.tables && !f.newApps }

// route gives the fact of one route. While an answering route has new targets that
// nobody has asked yet it neither stops answering nor claims that the new ones do. Only what stands in
// some router is said at once, as an instance that must be nowhere waits for that.
func (f *folding) route(claim paas.Claim, t standing, before paas.RouteFact) paas.RouteFact {
	fact := paas.RouteFact{
		Team: claim.Team, App: claim.App, Host: claim.Host, Path: claim.Path,
		State: paas.RoutePending, Targets: t.all, Any: t.any, Since: f.now,
	}
	if len(t.all) > 0 {
		answer, asked := f.in.answers[claim]
		asked = asked && slices.Equal(answer.Targets, t.all)
		unchanged := before.State == paas.RouteAnswering && slices.Equal(before.Targets, t.all)
		switch {
		case asked && answer.OK(), !asked && unchanged:
			fact.State = paas.RouteAnswering
		case !asked && before.State == paas.RouteAnswering:
			before.Any = t.any
			return before
		default:
			fact.State = paas.RouteRouted
		}
	}
	if fact.State == before.State {
		fact.Since = before.Since
	}
	return fact
}

// foldRouters says which version of each app's fence stands in every router.
func (f *folding) foldRouters() {
	if !f.in.tablesRead || f.routesStand() {
		return
	}
	refs := map[paas.AppRef]bool{} // those with something to say
	for ref, app := range f.in.apps {
		if _, known := f.next.routers[ref]; known || app.Walking {
			refs[ref] = true
		}
	}
	for _, t := range f.in.tables {
		for ref := range route.FenceOf(t) {
			if _, known := f.in.apps[ref]; known {
				refs[ref] = true
			}
		}
	}
	for _, ref := range slices.SortedFunc(maps.Keys(refs), func(a, b paas.AppRef) int {
		return byClaim(paas.Claim{Team: a.Team, App: a.App}, paas.Claim{Team: b.Team, App: b.App})
	}) {
		fact := paas.RouterFact{Team: ref.Team, App: ref.App, Routers: len(f.in.tables), Reason: f.in.tablesErr}
		if fact.Reason == "" {
			fact.Seen = route.Seen(f.in.tables, ref)
		}
		if before, known := f.next.routers[ref]; !known || before != fact {
			f.next.routers[ref] = fact
			f.obs.Routers = append(f.obs.Routers, fact)
		}
	}
}

// Probe is a route to be asked for through the router.
type Probe struct {
	Claim   paas.Claim
	Targets []string // that stand for it now
	Tries   int      // before, without success
}

// Probes gives the routes to ask for now, and when the next ones are due: the zero time for never. A
// route is asked for when it came to stand in every table, when its targets change, and until it
// answers.
func Probes(in Inputs, known Facts, now time.Time) (probes []Probe, due time.Time) {
	if !in.tablesRead || in.tablesErr != "" {
		return nil, time.Time{}
	}
	standing := targets(in.tables)
	for _, claim := range in.claims() {
		stand := standing[claim].all
		if len(stand) == 0 {
			continue
		}
		answer, asked := in.answers[claim]
		if asked && slices.Equal(answer.Targets, stand) {
			next := answer.At.Add(min(probeLast, probeFirst<<min(answer.Tries, 8)))
			switch {
			case answer.OK():
			case next.After(now):
				if due.IsZero() || next.Before(due) {
					due = next
				}
			default:
				probes = append(probes, Probe{Claim: claim, Targets: stand, Tries: answer.Tries})
			}
			continue
		}
		if fact := known.routes[claim]; !asked && fact.State == paas.RouteAnswering && slices.Equal(fact.Targets, stand) {
			continue // it answered before we started
		}
		probes = append(probes, Probe{Claim: claim, Targets: stand})
	}
	return probes, due
}

// standing are the addresses that stand for a route.
type standing struct {
	all []string // in every table
	any []string // in at least one
}

// targets gives what stands for each route of an app, by its own services only.
func targets(tables []paas.RouterTable) map[paas.Claim]standing {
	seen := map[paas.Claim]map[string]int{} // in how many tables
	for _, t := range tables {
		once := map[paas.Claim]map[string]bool{}
		for _, e := range t.Entries {
			service, ok := paas.ParseService(e.Service)
			if !ok {
				continue
			}
			claim := paas.Claim{Team: service.Team, App: service.App, Host: e.Host, Path: e.Path}
			if once[claim] == nil {
				once[claim] = map[string]bool{}
			}
			once[claim][e.Dst] = true
		}
		for claim, addresses := range once {
			if seen[claim] == nil {
				seen[claim] = map[string]int{}
			}
			for a := range addresses {
				seen[claim][a]++
			}
		}
	}
	found := make(map[paas.Claim]standing, len(seen))
	for claim, addresses := range seen {
		var s standing
		for _, a := range slices.Sorted(maps.Keys(addresses)) {
			s.any = append(s.any, a)
			if addresses[a] == len(tables) {
				s.all = append(s.all, a)
			}
		}
		found[claim] = s
	}
	return found
}

// claims gives the routes of all apps in a fixed order.
func (in Inputs) claims() []paas.Claim {
	var all []paas.Claim
	for _, app := range in.apps {
		all = append(all, app.Claims...)
	}
	slices.SortFunc(all, byClaim)
	return all
}
