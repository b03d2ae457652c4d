package deploy_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/deploy"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// routed is a process with a route, unrouted one without.
func routed(name string) paas.Process {
	return paas.Process{Name: name, Strategy: paas.Rolling, Routes: []paas.Route{{Host: name + ".localhost", Path: "/", Port: "http"}}}
}

func unrouted(name string, s paas.Strategy) paas.Process {
	return paas.Process{Name: name, Strategy: s}
}

func canary(instances int, traffic ...int) paas.Deploy {
	d := paas.DefaultDeploy()
	d.Strategy, d.Canary = paas.Canary, paas.CanaryPolicy{Instances: instances, Traffic: traffic, Hold: time.Minute}
	return d
}

func blueGreen() paas.Deploy {
	d := paas.DefaultDeploy()
	d.Strategy, d.Warm = paas.BlueGreen, 5*time.Minute
	return d
}

func share(percent int, s paas.Step) paas.Step {
	s.Share = &percent
	return s
}

func TestStepsOfEachStrategy(t *testing.T) {
	t.Parallel()
	web, worker, clock := routed("web"), unrouted("worker", paas.Rolling), unrouted("clock", paas.StopFirst)
	rolling := paas.DefaultDeploy()
	rolling.Surge, rolling.MaxInFlight = paas.Amount{Count: 4}, 2
	half := rolling
	half.Surge, half.MaxInFlight = paas.Amount{Percent: 50}, 0
	stop := rolling
	stop.Strategy = paas.StopFirst
	atSwitch := canary(1, 50)
	atSwitch.Unrouted = paas.UnroutedSwitch
	byHand := canary(1, 10)
	byHand.Canary.Manual = true
	old := func(web, worker, clock int) paas.Step {
		counts := map[string]int{"web": web, "worker": worker, "clock": clock}
		maps.DeleteFunc(counts, func(_ string, n int) bool { return n == 0 })
		return paas.Step{Old: counts}
	}
	held := share(50, paas.Step{New: map[string]int{"web": 2}, Old: map[string]int{"web": 6}})
	held.Hold = time.Minute
	tests := map[string]struct {
		policy    paas.Deploy
		processes []paas.Process
		here      paas.Step
		wanted    map[string]int
		want      string
	}{
		"never more than max_in_flight start at once": {
			rolling,
			[]paas.Process{web},
			old(6, 0, 0),
			map[string]int{"web": 6},
			"web 2/6, web 4/4, web 6/2, web 6/0",
		},
		"not even of the first release": {
			rolling, []paas.Process{web}, paas.Step{}, map[string]int{"web": 5}, "web 2/0, web 4/0, web 5/0",
		},
		"a surge in percent": {
			half, []paas.Process{web}, old(4, 0, 0), map[string]int{"web": 4}, "web 2/4, web 4/2, web 4/0",
		},
		"an app that stops first empties the old slot before it fills the new": {
			stop,
			[]paas.Process{web, worker},
			old(2, 1, 0),
			map[string]int{"web": 2, "worker": 1},
			"web 0/0 worker 0/0, web 2/0 worker 1/0",
		},
		"a canary gets growing shares, then everything": {
			canary(1, 5, 50),
			[]paas.Process{web},
			old(4, 0, 0),
			map[string]int{"web": 4},
			"web 1/4 0%, web 1/4 5% 1m0s, web 2/4 5%, web 2/4 50% 1m0s, web 4/4 50%, web 4/4 100%, web 4/3 100%, web 4/2 100%, web 4/1 100%, web 4/0 100%",
		},
		"a single instance has no room for shares by number": {
			canary(1, 5, 50),
			[]paas.Process{web},
			old(1, 0, 0),
			map[string]int{"web": 1},
			"web 1/1 0%, web 1/1 5% 1m0s, web 1/1 50% 1m0s, web 1/1 100%, web 1/0 100%",
		},
		"a step that ends by hand": {
			byHand, []paas.Process{web}, old(1, 0, 0), map[string]int{"web": 1}, "web 1/1 0%, web 1/1 10% 1m0s manual, web 1/1 100%, web 1/0 100%",
		},
		"more canaries than wanted": {
			canary(9, 50), []paas.Process{web}, old(2, 0, 0), map[string]int{"web": 2}, "web 2/2 0%, web 2/2 50% 1m0s, web 2/2 100%, web 2/1 100%, web 2/0 100%",
		},
		"workers follow, a clock stops first once all traffic has moved": {
			canary(1, 50),
			[]paas.Process{web, worker, clock},
			old(2, 3, 1),
			map[string]int{"web": 2, "worker": 3, "clock": 1},
			"clock 0/1 web 1/2 worker 0/3 0%, clock 0/1 web 1/2 worker 1/3 0%, clock 0/1 web 1/2 worker 1/2 50% 1m0s, clock 0/1 web 2/2 worker 3/2 50%, " +
				"clock 0/1 web 2/2 worker 3/0 100%, clock 0/0 web 2/2 worker 3/0 100%, clock 1/0 web 2/2 worker 3/0 100%, clock 1/0 web 2/1 worker 3/0 100%, clock 1/0 web 2/0 worker 3/0 100%",
		},
		"or wait for the switch": {
			atSwitch,
			[]paas.Process{web, worker},
			old(1, 2, 0),
			map[string]int{"web": 1, "worker": 2},
			"web 1/1 worker 0/2 0%, web 1/1 worker 0/2 50% 1m0s, web 1/1 worker 0/2 100%, web 1/1 worker 2/2 100%, web 1/1 worker 2/0 100%, web 1/0 worker 2/0 100%",
		},
		"a canary that is scaled goes on at its share": {
			canary(1, 5, 50, 80),
			[]paas.Process{web},
			held,
			map[string]int{"web": 6},
			"web 3/6 50% 1m0s, web 5/6 50%, web 5/6 80% 1m0s, web 6/6 80%, web 6/6 100%, web 6/4 100%, web 6/2 100%, web 6/0 100%",
		},
		"the first release has nobody to share with": {
			canary(1, 5), []paas.Process{web}, paas.Step{}, map[string]int{"web": 3}, "web 3/0",
		},
		"blue-green switches once and keeps the old warm": {
			blueGreen(), []paas.Process{web}, old(2, 0, 0), map[string]int{"web": 2}, "web 2/2 0%, web 2/2 100% 5m0s, web 2/1 100%, web 2/0 100%",
		},
		"its workers move after the switch": {
			blueGreen(),
			[]paas.Process{web, worker, clock},
			old(1, 1, 1),
			map[string]int{"web": 1, "worker": 1, "clock": 1},
			"clock 0/1 web 1/1 worker 0/1 0%, clock 0/1 web 1/1 worker 0/1 100%, clock 0/0 web 1/1 worker 1/1 100%, clock 1/0 web 1/1 worker 1/0 100% 5m0s, clock 1/0 web 1/0 worker 1/0 100%",
		},
		"a dropped process stays to the end": {
			blueGreen(), []paas.Process{web}, old(1, 2, 0), map[string]int{"web": 1}, "web 1/1 worker 0/2 0%, web 1/1 worker 0/2 100% 5m0s, web 1/0 100%",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spec := paas.Spec{Deploy: tt.policy, Processes: tt.processes}
			if got := shares(deploy.Steps(spec, tt.here, tt.wanted)); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestStepsWithoutRoomTakeOldOnesFirst(t *testing.T) {
	t.Parallel()
	web := paas.Spec{Processes: []paas.Process{routed("web")}, Deploy: canary(1, 5)}
	web.Deploy.Surge = paas.Amount{Percent: 25}
	for here, want := range map[string]string{
		"0/1": "web 0/0, web 1/0",
		"0/4": "web 0/3, web 1/3, web 1/2, web 2/2, web 2/1, web 3/1, web 3/0, web 4/0",
		"1/4": "web 1/2, web 2/2, web 2/1, web 3/1, web 3/0, web 4/0",
	} {
		var n, o int
		if _, err := fmt.Sscanf(here, "%d/%d", &n, &o); err != nil {
			t.Fatal(err)
		}
		wanted := max(o, n)
		if got := shares(deploy.StepsWithoutRoom(web, step(n, o), map[string]int{"web": wanted})); got != want {
			t.Errorf("from %s: got  %s\nwant %s", here, got, want)
		}
	}
}

func shares(steps []paas.Step) string {
	var parts []string
	for _, s := range steps {
		one := text([]paas.Step{s})
		if s.Share != nil {
			one += fmt.Sprintf(" %d%%", *s.Share)
		}
		if s.Hold > 0 {
			one += " " + s.Hold.String()
		}
		if s.Manual {
			one += " manual"
		}
		parts = append(parts, one)
	}
	return strings.Join(parts, ", ")
}
