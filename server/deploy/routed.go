package deploy

import (
	"fmt"
	"slices"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// What the routers' tables say of a walk, each a part of Next.

// unfinished gives what the last step still waits for: that every route answers, and that no router
// sends requests to an old instance.
func (f facts) unfinished() string {
	if f.stopping() {
		return ""
	}
	for _, p := range f.spec.Processes {
		if f.wanted[p.Name] == 0 {
			continue
		}
		for _, r := range p.Routes {
			fact, seen := f.route(r)
			if !seen || fact.State != paas.RouteAnswering {
				return fmt.Sprintf("route %s does not answer yet", r)
			}
			for _, i := range f.old {
				at := address(i, r.Port)
				if !f.d.InPlace() && slices.Contains(fact.Any, at) && !f.inherited(p, r.Port, at) {
					return fmt.Sprintf("route %s still leads to an old instance", r)
				}
			}
		}
	}
	return ""
}

// inherited says that a new instance has the address now: Nomad gives the port of an instance that has
// ended to the next one.
func (f facts) inherited(p paas.Process, port, at string) bool {
	return slices.ContainsFunc(f.fresh, func(i paas.Instance) bool {
		return i.Process == p.Name && !i.State.Ended() && address(i, port) == at
	})
}

// unrouted counts the instances that some route of their process does not lead to in every router,
// but for those routes that the rule still keeps dark.
func (f facts) unrouted(p paas.Process, healthy []paas.Instance) int {
	n := 0
	for _, i := range healthy {
		for _, r := range p.Routes {
			if f.hidden(r) {
				continue
			}
			fact, seen := f.route(r)
			if !seen || !slices.Contains(fact.Targets, address(i, r.Port)) {
				n++
				break
			}
		}
	}
	return n
}

func (f facts) route(r paas.Route) (paas.RouteFact, bool) {
	for _, fact := range f.snap.Routes {
		if fact.Host == r.Host && fact.Path == r.Path {
			return fact, true
		}
	}
	return paas.RouteFact{}, false
}

// hidden says that the step's rule keeps a route dark that the release before does not have.
func (f facts) hidden(r paas.Route) bool {
	at := f.d.Current()
	return at.Share != nil && !at.Switched() && !slices.ContainsFunc(f.snap.Releases[f.d.Previous].Spec.Routes(), func(o paas.Route) bool {
		return o.Host == r.Host && o.Path == r.Path
	})
}

// lit says that some router leads to a new instance of a process.
func (f facts) lit(p paas.Process) bool {
	for _, i := range f.fresh {
		for _, r := range p.Routes {
			if fact, seen := f.route(r); i.Process == p.Name && seen && slices.Contains(fact.Any, address(i, r.Port)) {
				return true
			}
		}
	}
	return false
}

// led says that every route of a process leads to all of these instances.
func (f facts) led(p paas.Process, healthy []paas.Instance) bool {
	for _, i := range healthy {
		for _, r := range p.Routes {
			if fact, seen := f.route(r); seen && !slices.Contains(fact.Targets, address(i, r.Port)) {
				return false
			}
		}
	}
	return true
}
