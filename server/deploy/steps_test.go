package deploy_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/crumpet-paas/crumpet/server/deploy"
	"github.com/crumpet-paas/crumpet/server/paas"
)

func TestSteps(t *testing.T) {
	t.Parallel()
	web := paas.Process{Name: "web", Strategy: paas.Rolling}
	clock := paas.Process{Name: "clock", Strategy: paas.StopFirst}
	tests := map[string]struct {
		spec   paas.Spec
		here   paas.Step
		wanted map[string]int
		want   string
	}{
		"the first release starts all its instances at once": {
			paas.Spec{Processes: []paas.Process{web}}, paas.Step{}, map[string]int{"web": 3}, "web 3/0",
		},
		"two instances roll one by one": {
			paas.Spec{Processes: []paas.Process{web}},
			paas.Step{Old: map[string]int{"web": 2}},
			map[string]int{"web": 2},
			"web 1/2, web 2/1, web 2/0",
		},
		"one instance is replaced before it goes": {
			paas.Spec{Processes: []paas.Process{web}},
			paas.Step{Old: map[string]int{"web": 1}},
			map[string]int{"web": 1},
			"web 1/1, web 1/0",
		},
		"eight instances roll with a surge of a quarter": {
			paas.Spec{Processes: []paas.Process{web}},
			paas.Step{Old: map[string]int{"web": 8}},
			map[string]int{"web": 8},
			"web 2/8, web 4/6, web 6/4, web 8/2, web 8/0",
		},
		"more instances than before need no old one to go first": {
			paas.Spec{Processes: []paas.Process{web}},
			paas.Step{Old: map[string]int{"web": 1}},
			map[string]int{"web": 4},
			"web 4/1, web 4/0",
		},
		"stop-first never has old and new side by side": {
			paas.Spec{Processes: []paas.Process{clock}},
			paas.Step{Old: map[string]int{"clock": 1}},
			map[string]int{"clock": 1},
			"clock 0/0, clock 1/0",
		},
		"a process that is dropped stays until the new release has been seen healthy": {
			paas.Spec{Processes: []paas.Process{web}},
			paas.Step{Old: map[string]int{"web": 1, "clock": 1}},
			map[string]int{"web": 1},
			"clock 0/1 web 1/1, web 1/0",
		},
		"a dropped process alone with a new one is not taken in the first step": {
			paas.Spec{Processes: []paas.Process{web}},
			paas.Step{Old: map[string]int{"clock": 1}},
			map[string]int{"web": 1},
			"clock 0/1 web 1/0, web 1/0",
		},
		"a walk goes on from where it is when the wanted total changes": {
			paas.Spec{Processes: []paas.Process{web}},
			paas.Step{New: map[string]int{"web": 1}, Old: map[string]int{"web": 2}},
			map[string]int{"web": 4},
			"web 3/2, web 4/1, web 4/0",
		},
		"an app of no instance walks in one step": {
			paas.Spec{Processes: []paas.Process{web}}, paas.Step{Old: map[string]int{"web": 0}}, map[string]int{"web": 0}, "web 0/0",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := text(deploy.Steps(tt.spec, tt.here, tt.wanted)); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// A rolling walk from anywhere ends at the wanted total, never promises fewer serving instances than
// wanted once a step's new ones are healthy, never runs more than wanted, old and surge allow, and
// always moves.
func TestARollingWalkNeverPromisesTooFewInstances(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		old := rapid.IntRange(0, 40).Draw(t, "old")
		fresh := rapid.IntRange(0, 40).Draw(t, "new")
		wanted := rapid.IntRange(0, 40).Draw(t, "wanted")
		spec := paas.Spec{Processes: []paas.Process{{Name: "web", Strategy: paas.Rolling}}}
		here := paas.Step{New: map[string]int{"web": fresh}, Old: map[string]int{"web": old}}
		steps := deploy.Steps(spec, here, map[string]int{"web": wanted})
		healthy := min(wanted, fresh+old)
		before := pairOf(here)
		for i, s := range steps {
			at := pairOf(s)
			if min(before[0], at[0])+at[1] < min(healthy, wanted) {
				t.Fatalf("step %d of %s leaves %d serving where %d are wanted", i, text(steps), min(before[0], at[0])+at[1], healthy)
			}
			if i > 0 && at == before {
				t.Fatalf("step %d of %s does nothing", i, text(steps))
			}
			if surge := max(1, (wanted+3)/4); at[0] > max(fresh, 0) && at[0]+at[1] > max(wanted+surge, before[0]+before[1]) {
				t.Fatalf("step %d of %s runs %d", i, text(steps), at[0]+at[1])
			}
			before = at
			healthy = min(wanted, at[0]+at[1])
		}
		if before != [2]int{wanted, 0} {
			t.Fatalf("%s does not end at %d", text(steps), wanted)
		}
	})
}

func pairOf(s paas.Step) [2]int { return [2]int{s.New["web"], s.Old["web"]} }

func text(steps []paas.Step) string {
	var parts []string
	for _, s := range steps {
		names := map[string]bool{}
		for n := range s.New {
			names[n] = true
		}
		for n := range s.Old {
			names[n] = true
		}
		var one []string
		for _, n := range slices.Sorted(maps.Keys(names)) {
			one = append(one, fmt.Sprintf("%s %d/%d", n, s.New[n], s.Old[n]))
		}
		parts = append(parts, strings.Join(one, " "))
	}
	return strings.Join(parts, ", ")
}
