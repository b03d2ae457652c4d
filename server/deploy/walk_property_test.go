package deploy_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/crumpet-paas/crumpet/server/deploy"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// Whatever happens in whatever order: pushes that supersede, scaling, pausing, resuming, promoting and
// aborting, instances that fail, routers that read rules late, and a server that is killed before or after
// any write or outside call. Requests never reach less than what was wanted, but for what failed by itself;
// no request reaches a dark slot; a paused walk takes no step; and left alone the walk ends with one full
// slot and no rule.
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
		pushed := 0
		var stands *paas.Deployment // the one that is paused, as it was then
		push := func() {
			r := request(by(spec(wanted, "hi"), policy), fmt.Sprint(pushed))
			r.Supersede = true
			if _, err := dep.Deploy(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			pushed++
			stands = nil
		}
		rest := func() {
			for range 400 {
				if turn(); s.ended() && s.rule == "" {
					return
				}
				s.settle()
				s.now = s.now.Add(2 * time.Second)
				switch d := s.walk(); {
				case d.Waits == paas.WaitPause:
					_ = dep.Resume(t.Context(), shop, d.ID, "ann") // it may have turned back meanwhile
				case d.Waits != "" && d.Current().Manual:
					_ = dep.Promote(t.Context(), shop, d.ID, "ann") // it may have gone on meanwhile
				}
			}
			t.Fatalf("the walk does not end: %s", s)
		}
		push()
		rest()
		push()
		floor := wanted
		dark := func() bool { // no request may reach the slot walked to
			d := s.walk()
			switch {
			case d.State == paas.DeploymentPending || !deploy.MovesTraffic(policy.Strategy) || len(d.Steps) == 0 || d.InPlace():
				return false
			case d.State.Ended():
				return s.app.Live != d.Slot
			}
			return !d.Abort && d.Current().Dark()
		}
		check := func(t *rapid.T) {
			if got := s.table().reach(); got < float64(floor)-0.001 && s.whole() {
				t.Fatalf("requests reach %v instances of %d: %s", got, floor, s)
			}
			if got := s.promised().reach(); got < float64(floor)-0.001 {
				t.Fatalf("requests would reach %v instances of %d if none had failed: %s", got, floor, s)
			}
			if dark() && s.table().share(s.walk().Slot) > 0 {
				t.Fatalf("requests reach a dark slot: %s", s)
			}
			if d := s.walk(); stands != nil && (d.ID != stands.ID || d.Step != stands.Step || d.Waits != paas.WaitPause) {
				t.Fatalf("paused at step %d of %s it moves: %s", stands.Step, stands.ID, s)
			}
		}
		edit := func(err error) { // somebody has said what else is to be done with a deployment
			if d := s.walk(); err == nil {
				if stands = nil; d.Waits == paas.WaitPause {
					stands = &d
				}
			}
		}
		some := func(t *rapid.T) string {
			return s.walks[rapid.IntRange(max(0, len(s.walks)-3), len(s.walks)-1).Draw(t, "deployment")].ID
		}
		forth := func(t *rapid.T) { // what happens most of the time: all goes well for a moment
			for range 3 {
				turn()
				check(t)
			}
			s.settle()
			s.now = s.now.Add(2 * time.Second)
			check(t)
			turn()
		}
		for range rapid.IntRange(0, 25).Draw(t, "steps that go well") { // from any step
			forth(t)
			if d := s.walk(); d.Waits == paas.WaitHold {
				_ = dep.Promote(t.Context(), shop, d.ID, "ann")
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"": check, "forth": forth, "forth and on": forth, "on and forth": forth,
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
				s.crash = rapid.IntRange(1, 24).Draw(t, "at the boundary")
				turn()
				s.crash = 0
				s.observe() // the next server reads what there is
			},
			"scale": func(t *rapid.T) {
				n := rapid.IntRange(1, 6).Draw(t, "to")
				if result, err := dep.Scale(t.Context(), shop, map[string]int{"web": n}, "ann"); err == nil && result.Changed {
					floor = min(floor, n)
				}
				edit(nil) // its steps are computed anew
			},
			"fail": func(t *rapid.T) {
				if rapid.IntRange(0, 3).Draw(t, "really") == 0 {
					s.fail(rapid.IntRange(0, 9).Draw(t, "which"))
				}
			},
			"fail and see": func(t *rapid.T) { // what is known to have failed is made no worse
				for range 3 {
					turn()
				}
				s.fail(rapid.IntRange(0, 9).Draw(t, "which"))
				s.observe()
				had := s.table().reach()
				for range 3 {
					turn()
				}
				if got := s.table().reach(); got < min(had, float64(floor))-0.001 {
					t.Fatalf("requests reached %v instances after one failed, and now %v of %d: %s", had, got, floor, s)
				}
			},
			"supersede": func(t *rapid.T) {
				if rapid.IntRange(0, 5).Draw(t, "really") == 0 {
					push()
				}
			},
			"pause":   func(t *rapid.T) { edit(dep.Pause(t.Context(), shop, some(t), "", "ann")) }, // each is refused where it makes no sense
			"resume":  func(t *rapid.T) { edit(dep.Resume(t.Context(), shop, some(t), "ann")) },
			"promote": func(t *rapid.T) { edit(dep.Promote(t.Context(), shop, some(t), "ann")) },
			"abort": func(t *rapid.T) {
				if rapid.IntRange(0, 3).Draw(t, "really") == 0 {
					edit(dep.Abort(t.Context(), shop, some(t), "ann"))
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
