package deploy_test

import (
	"maps"
	"testing"

	"pgregory.net/rapid"

	"github.com/crumpet-paas/crumpet/server/deploy"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// Each step of a walk by shares changes one thing of what serves requests, after the one before has
// made it safe: new instances come before their share, old ones go after theirs has. From any step of
// it, with any new total, the rest can be computed again, and so can the way back.
func TestSharesGoWhereInstancesAre(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		spec := paas.Spec{
			Processes: []paas.Process{routed("web"), routed("api"), unrouted("worker", paas.Rolling), unrouted("clock", paas.StopFirst)},
			Deploy: rapid.SampledFrom([]paas.Deploy{
				canary(1, 1, 10, 50), canary(3, 99), canary(1), blueGreen(),
				{Strategy: paas.Canary, Unrouted: paas.UnroutedSwitch, Canary: paas.CanaryPolicy{Instances: 2, Traffic: []int{30}}},
			}).Draw(t, "policy"),
		}
		counts := func(label string) map[string]int {
			n := map[string]int{}
			for _, p := range spec.Processes {
				n[p.Name] = rapid.IntRange(0, 9).Draw(t, label+" "+p.Name)
			}
			n["clock"] = min(n["clock"], 1)
			return n
		}
		wanted, old := counts("wanted"), counts("old")
		old["web"] = max(1, old["web"])
		steps := deploy.Steps(spec, paas.Step{Old: old}, wanted)
		follow(t, spec, wanted, share(0, paas.Step{Old: old}), steps)
		here := steps[rapid.IntRange(0, len(steps)-1).Draw(t, "scaled at step")]
		again := counts("then wanted")
		follow(t, spec, again, here, deploy.Steps(spec, here, again))
		home(t, spec, old, here, deploy.Back(spec, here, old))
	})
}

// follow checks a walk forward from a step that is reached.
func follow(t *rapid.T, spec paas.Spec, wanted map[string]int, before paas.Step, steps []paas.Step) {
	for n, s := range steps {
		for _, p := range spec.Processes {
			name, w := p.Name, wanted[p.Name]
			share, was := *s.Share, *before.Share
			switch {
			case len(p.Routes) > 0 && share != was && (s.New[name] != before.New[name] || s.Old[name] != before.Old[name]):
				t.Fatalf("step %d of %s moves the share and the instances of %s", n, shares(steps), name)
			case len(p.Routes) > 0 && share > was && s.New[name]*100 < w*share:
				t.Fatalf("step %d of %s: %d new %s for %d %% of %d", n, shares(steps), s.New[name], name, share, w)
			case len(p.Routes) > 0 && s.Old[name] < before.Old[name] && (was != 100 || before.New[name] < w):
				t.Fatalf("step %d of %s takes old %s that serve", n, shares(steps), name)
			case name == "worker" && min(before.New[name], s.New[name])+s.Old[name] < min(w, before.New[name]+before.Old[name]):
				t.Fatalf("step %d of %s leaves too few workers", n, shares(steps))
			case name == "clock" && s.New[name] > 0 && s.Old[name]+before.Old[name] > 0:
				t.Fatalf("step %d of %s may run two clocks", n, shares(steps))
			case share < was || s.Old[name] > before.Old[name]:
				t.Fatalf("step %d of %s goes back", n, shares(steps))
			}
		}
		before = s
	}
	last := maps.Clone(before.Old)
	maps.DeleteFunc(last, func(_ string, n int) bool { return n == 0 })
	if !maps.Equal(before.New, wanted) || len(last) > 0 || *before.Share != 100 {
		t.Fatalf("%s does not end at %v", shares(steps), wanted)
	}
}

// home checks a walk back from a step.
func home(t *rapid.T, spec paas.Spec, wanted map[string]int, before paas.Step, steps []paas.Step) {
	for n, s := range steps {
		for _, p := range spec.Processes {
			name, w := p.Name, wanted[p.Name]
			switch {
			case len(p.Routes) > 0 && *s.Share < *before.Share && (before.Old[name] < w || s.New[name] < before.New[name]):
				t.Fatalf("back at step %d of %s the share goes to %d old %s of %d", n, shares(steps), before.Old[name], name, w)
			case len(p.Routes) > 0 && s.New[name] < before.New[name] && *before.Share > 0:
				t.Fatalf("back at step %d of %s new %s go that serve", n, shares(steps), name)
			case name == "worker" && s.New[name] < before.New[name] && before.Old[name] < w:
				t.Fatalf("back at step %d of %s too few workers are left", n, shares(steps))
			case name == "clock" && s.Old[name] > before.Old[name] && before.New[name] > 0:
				t.Fatalf("back at step %d of %s two clocks may run", n, shares(steps))
			}
		}
		before = s
	}
	if !maps.Equal(before.Old, wanted) || *before.Share != 0 {
		t.Fatalf("%s does not end at %v old", shares(steps), wanted)
	}
}
