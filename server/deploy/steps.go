package deploy

import (
	"maps"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Steps gives the walk from here to wanted instances of spec's processes in the new slot and none in
// the old. Each step is to be held until all its new instances are healthy and routed; only then is
// the next one taken, so a step may take away as many old ones as the step before has replaced:
//
//	rolling, 2 wanted, 2 old:    new 1 old 2  ->  new 2 old 1  ->  new 2 old 0
//	stop-first:                  new 0 old 0  ->  new 2 old 0
//
// A process that the new release no longer has keeps its old instances until the last step, since the
// walk may yet turn back. here is the state at this moment, so a walk whose wanted total changes, or
// that turns back, is simply computed again from where it is.
func Steps(spec paas.Spec, here paas.Step, wanted map[string]int) []paas.Step {
	paths := map[string][]pair{}
	longest := 1
	for _, p := range spec.Processes {
		path := rolling(here.New[p.Name], here.Old[p.Name], wanted[p.Name])
		if p.Strategy == paas.StopFirst {
			path = stopFirst(here.Old[p.Name], wanted[p.Name])
		}
		paths[p.Name] = path
		longest = max(longest, len(path))
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
// the surge.
func rolling(n, o, wanted int) []pair {
	more := surge(wanted)
	var path []pair
	for {
		nextOld := min(o, max(0, wanted-n))
		nextNew := max(min(n, wanted), min(wanted, max(wanted+more-nextOld, n)))
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

// stopFirst is the path of a process of which old and new must not run side by side.
func stopFirst(o, wanted int) []pair {
	if o == 0 {
		return []pair{{wanted, 0}}
	}
	return []pair{{0, 0}, {wanted, 0}}
}

// surge is how many instances a rolling walk may have above the wanted number: a quarter, at least
// one (as Kubernetes' maxSurge and Cloud Foundry's max_in_flight have it).
func surge(wanted int) int { return max(1, (wanted+3)/4) }

// back gives the walk from here back to the old slot: the same path with the slots exchanged.
func back(spec paas.Spec, here paas.Step, wanted map[string]int) []paas.Step {
	steps := Steps(spec, paas.Step{New: here.Old, Old: here.New}, wanted)
	for i, s := range steps {
		steps[i] = paas.Step{New: s.Old, Old: s.New}
	}
	return steps
}

// keepOld rewrites the steps after the one at index at so that the old slot keeps its instances
// until the last: for when taking single ones away would make Nomad replace the rest (slots.md A1).
func keepOld(steps []paas.Step, at int) []paas.Step {
	kept := make([]paas.Step, len(steps))
	copy(kept, steps)
	before := steps[max(0, at-1)].Old
	for i := at; i < len(kept)-1; i++ {
		kept[i] = paas.Step{New: kept[i].New, Old: before}
	}
	return kept
}
