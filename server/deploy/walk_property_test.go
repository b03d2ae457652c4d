package deploy_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/crumpet-paas/crumpet/server/deploy"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// Whatever happens in whatever order, with routers that read rules late and a server that is killed
// between any two writes: requests never reach less than what was wanted, no request reaches a dark
// slot, and left alone the walk ends with one full slot and no rule.
func TestNoOrderOfThingsTakesInstancesFromTheTraffic(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s, dep := newSim()
		wanted := rapid.IntRange(1, 5).Draw(t, "wanted")
		policy := rapid.SampledFrom([]paas.Deploy{
			paas.DefaultDeploy(),
			{Strategy: paas.Rolling, Surge: paas.Amount{Count: 3}, MaxInFlight: 1, Revert: true, Deadline: time.Hour},
			canary(1, 10, 50), manual(2, 5), canary(1), blueGreen(),
		}).Draw(t, "policy")
		turn := func() { _, _, _ = dep.Turn(t.Context(), 1, shop) } // what it could not do it does later
		push := func(artifact string) {
			if _, err := dep.Deploy(t.Context(), request(by(spec(wanted, "hi"), policy), artifact)); err != nil {
				t.Fatal(err)
			}
		}
		rest := func() {
			for range 400 {
				if turn(); s.last().State.Ended() && s.rule == "" {
					return
				}
				s.settle()
				s.now = s.now.Add(2 * time.Second)
				if s.last().Waits != "" && s.last().Current().Manual {
					_ = dep.Promote(t.Context(), shop, s.last().ID, "ann") // it may have gone on meanwhile
				}
			}
			t.Fatalf("the walk does not end: %s", s)
		}
		push("a")
		rest()
		push("b")
		floor := wanted
		dark := func() bool { // no request may reach the slot walked to
			d := s.last()
			switch {
			case d.State == paas.DeploymentPending || !deploy.MovesTraffic(policy.Strategy) || len(d.Steps) == 0 || d.InPlace():
				return false
			case d.State.Ended():
				return s.app.Live != d.Slot
			}
			return !d.Abort && d.Current().Dark()
		}
		check := func(t *rapid.T) {
			if got := s.table().reach(); got < float64(floor)-0.001 {
				t.Fatalf("requests reach %v instances of %d: %s", got, floor, s)
			}
			if dark() && s.table().share(s.last().Slot) > 0 {
				t.Fatalf("requests reach a dark slot: %s", s)
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"":     check,
			"turn": func(*rapid.T) { turn() },
			"turns": func(t *rapid.T) {
				turn()
				s.observe()
				turn()
				check(t)
				s.observe()
				turn()
			},
			"observe": func(*rapid.T) { s.observe() },
			"start":   func(*rapid.T) { s.start() },
			"stop":    func(*rapid.T) { s.stop() },
			"read":    func(*rapid.T) { s.read = s.rule },
			"settle":  func(*rapid.T) { s.settle() },
			"pass": func(t *rapid.T) {
				s.settle()
				s.now = s.now.Add(time.Duration(rapid.IntRange(1, 20).Draw(t, "seconds")) * time.Second)
			},
			"kill": func(t *rapid.T) {
				s.crash = rapid.IntRange(1, 6).Draw(t, "before the write")
				turn()
				s.crash = 0
				s.observe() // the next server reads what there is
			},
			"scale": func(t *rapid.T) {
				n := rapid.IntRange(1, 6).Draw(t, "to")
				if result, err := dep.Scale(t.Context(), shop, map[string]int{"web": n}, "ann"); err == nil && result.Changed {
					floor = min(floor, n)
				}
			},
			"promote": func(t *rapid.T) { _ = dep.Promote(t.Context(), shop, s.last().ID, "ann") }, // refused where nothing is held
			"cancel": func(t *rapid.T) {
				if rapid.IntRange(0, 3).Draw(t, "really") == 0 {
					_ = dep.Abort(t.Context(), shop, s.last().ID, "ann") // it may have ended
				}
			},
		})
		rest()
		for range 3 { // a scaling that was canceled has taken instances away, which come back after its end
			turn()
			s.settle()
		}
		if live := len(s.table().targets[s.app.Live]); live != s.app.Counts["web"] || len(s.table().targets[s.app.Live.Other()]) > 0 {
			t.Fatalf("%d instances live where %v are wanted: %s", live, s.app.Counts, s)
		}
	})
}
