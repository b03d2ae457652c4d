package deploy

import (
	"maps"
	"slices"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Steps gives the walk from here to wanted instances of spec's processes in the new slot and none in
// the old, as spec's Deploy says. Each step is to be held until all its new instances are healthy and
// routed; only then is the next one taken, so a step may take away as many old ones as the step
// before has replaced:
//
//	rolling, 2 wanted, 2 old:    new 1 old 2  ->  new 2 old 1  ->  new 2 old 0
//	stop-first:                  new 0 old 0  ->  new 2 old 0
//	canary, blue-green:          see traffic
//
// A process that the new release no longer has keeps its old instances until the last step, since the
// walk may yet turn back. here is the state at this moment, so a walk whose wanted total changes, or
// that turns back, is simply computed again from where it is. Pure.
func Steps(spec paas.Spec, here paas.Step, wanted map[string]int) []paas.Step {
	spec.Deploy = Policy(spec)
	if movesTraffic(spec.Deploy.Strategy) && (here.Share != nil || total(here.Old) > 0) {
		return newTraffic(spec, here, wanted).steps()
	}
	return byCount(spec, here, wanted, rolling)
}

// StepsWithoutRoom gives the walk where no node has room for a surge: old instances go first, as many
// at a time as a surge would have been, and new ones take their place. Never fewer than wanted less
// that surge serve, and traffic follows the instances. Pure.
func StepsWithoutRoom(spec paas.Spec, here paas.Step, wanted map[string]int) []paas.Step {
	spec.Deploy = Policy(spec)
	return byCount(spec, here, wanted, roomless)
}

func planned(d paas.Deployment, spec paas.Spec) paas.Spec {
	return Planned(spec, d.Previous == d.Release || d.Cause == rollback)
}

// Policy gives how a spec is deployed; releases of before there was a choice roll.
func Policy(spec paas.Spec) paas.Deploy {
	if spec.Deploy.Strategy == "" {
		return paas.DefaultDeploy()
	}
	return spec.Deploy
}

// Planned gives the spec as a walk of it goes. One from a release to itself, for a restart or because
// instances can't be changed in place, and one back to a release that was healthy bring nothing new that
// could be tried on a few requests: they roll, and a rollback in need does not wait for anybody.
func Planned(spec paas.Spec, again bool) paas.Spec {
	spec.Deploy = Policy(spec)
	if again && movesTraffic(spec.Deploy.Strategy) {
		spec.Deploy.Strategy = paas.Rolling
		if spec.Deploy.Surge == (paas.Amount{}) {
			spec.Deploy.Surge = paas.DefaultDeploy().Surge
		}
	}
	return spec
}

// movesTraffic says that a strategy moves requests by a rule and not by the number of instances.
func movesTraffic(s paas.Strategy) bool { return s == paas.Canary || s == paas.BlueGreen }

// stopsFirst says that a process never has old and new instances side by side.
func stopsFirst(spec paas.Spec, p paas.Process) bool {
	return p.Strategy == paas.StopFirst || p.Stateful() || Policy(spec).Strategy == paas.StopFirst
}

// byCount is a walk in which traffic follows the instances.
func byCount(spec paas.Spec, here paas.Step, wanted map[string]int, path func(paas.Deploy, int, int, int) []pair) []paas.Step {
	paths := map[string][]pair{}
	longest := 1
	for _, p := range spec.Processes {
		one := path(spec.Deploy, here.New[p.Name], here.Old[p.Name], wanted[p.Name])
		if stopsFirst(spec, p) {
			one = stopFirst(here.Old[p.Name], wanted[p.Name])
		}
		paths[p.Name] = one
		longest = max(longest, len(one))
	}
	steps := make([]paas.Step, longest)
	for i := range steps {
		steps[i] = paas.Step{New: map[string]int{}, Old: map[string]int{}}
		for name, path := range paths {
			at := path[min(i, len(path)-1)]
			steps[i].New[name], steps[i].Old[name] = at.new, at.old
		}
		for name, n := range here.Old {
			if _, stays := paths[name]; !stays && n > 0 && i < longest-1 {
				steps[i].Old[name] = n
			}
		}
	}
	return withLast(steps, here, paths)
}

// withLast appends the step that takes away the processes the new release lacks, if the list would
// otherwise take them before its first new instance has been seen healthy.
func withLast(steps []paas.Step, here paas.Step, paths map[string][]pair) []paas.Step {
	if len(steps) > 1 {
		return steps
	}
	first := paas.Step{New: steps[0].New, Old: maps.Clone(steps[0].Old)}
	found := false
	for name, n := range here.Old {
		if _, stays := paths[name]; !stays && n > 0 {
			first.Old[name] = n
			found = true
		}
	}
	if !found {
		return steps
	}
	return []paas.Step{first, steps[0]}
}

type pair struct{ new, old int }

// rolling is the path of one process: never fewer than wanted serving, never more than wanted plus
// the surge, never more starting at once than the policy allows.
func rolling(policy paas.Deploy, n, o, wanted int) []pair {
	more := surge(policy, wanted)
	var path []pair
	for {
		nextOld := min(o, max(0, wanted-n))
		nextNew := max(min(n, wanted), inFlight(policy, n, min(wanted, max(wanted+more-nextOld, n))))
		if len(path) > 0 && nextNew == n && nextOld == o {
			return path
		}
		path = append(path, pair{nextNew, nextOld})
		if nextNew == wanted && nextOld == 0 {
			return path
		}
		n, o = nextNew, nextOld
	}
}

// roomless is the path of one process where nothing has room beside what runs: some old ones go, and
// when they are gone as many new ones come.
func roomless(policy paas.Deploy, n, o, wanted int) []pair {
	more := surge(policy, wanted)
	n = min(n, wanted)
	var path []pair
	for {
		if nextOld := min(o, max(0, wanted-n-more)); nextOld < o {
			o = nextOld
			path = append(path, pair{n, o})
		}
		if nextNew := inFlight(policy, n, max(n, wanted-o)); nextNew > n || len(path) == 0 {
			n = nextNew
			path = append(path, pair{n, o})
		}
		if n == wanted && o == 0 {
			return path
		}
	}
}

// stopFirst is the path of a process of which old and new must not run side by side.
func stopFirst(o, wanted int) []pair {
	if o == 0 {
		return []pair{{wanted, 0}}
	}
	return []pair{{0, 0}, {wanted, 0}}
}

// surge is how many instances a walk may have above the wanted number, at least one.
func surge(policy paas.Deploy, wanted int) int { return max(1, policy.Surge.Of(wanted)) }

// inFlight limits how many of target new instances may start beside the n there are.
func inFlight(policy paas.Deploy, n, target int) int {
	if policy.MaxInFlight > 0 {
		return min(target, max(n, 0)+policy.MaxInFlight)
	}
	return target
}

// back gives the walk from here back to the old slot: the same path with the slots exchanged, or
// first of all the traffic, where a rule moved it. spec and wanted are of the release in the old slot.
func back(spec paas.Spec, here paas.Step, wanted map[string]int) []paas.Step {
	if here.Share != nil {
		return trafficBack(spec, here, wanted)
	}
	spec.Deploy = Policy(spec)
	spec.Deploy.MaxInFlight = 0 // they ran before
	if movesTraffic(spec.Deploy.Strategy) {
		spec.Deploy.Strategy, spec.Deploy.Surge = paas.Rolling, paas.DefaultDeploy().Surge
	}
	steps := Steps(spec, paas.Step{New: here.Old, Old: here.New}, wanted)
	for i, s := range steps {
		steps[i] = paas.Step{New: s.Old, Old: s.New}
	}
	return steps
}

// keepOld rewrites the steps from the one at index at on so that the old slot keeps the instances it
// has until the last: for when changing their number would make Nomad replace the rest (slots.md A1).
// It gives false if they say so already.
func keepOld(steps []paas.Step, at int, have map[string]int) ([]paas.Step, bool) {
	kept, changed := slices.Clone(steps), false
	for i := at; i < len(kept)-1; i++ {
		if all := overlay(kept[i].Old, have); !maps.Equal(nonzero(kept[i].Old), nonzero(all)) {
			kept[i].Old, changed = all, true
		}
	}
	return kept, changed
}
