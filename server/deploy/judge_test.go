package deploy_test

import (
	"strings"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// answers has routers count requests and errors for release 2 in green and release 1 in blue now.
func (c *cluster) answers(green, blue [2]int64) {
	c.t.Helper()
	c.answersAt(c.clock(), green, blue)
}

func (c *cluster) answersAt(at time.Time, green, blue [2]int64) {
	c.t.Helper()
	at = at.Truncate(paas.BucketLength)
	traffic := func(slot paas.Slot, release int, n [2]int64) paas.Traffic {
		return paas.Traffic{Team: "default", App: "shop", Process: "web", Slot: slot, Buckets: []paas.Bucket{{At: at, Release: release, Requests: n[0], Errors: n[1]}}}
	}
	c.set(func() { c.answered = []paas.Traffic{traffic(paas.Green, 2, green), traffic(paas.Blue, 1, blue)} })
	c.look(shop)
	c.until("what routers counted is known", func() (paas.Deployment, bool) {
		snap := c.snapshot()
		return paas.Deployment{}, len(snap.Traffic) > 0 || len(snap.Deployments) == 0
	})
}

func TestAReleaseThatAnswersWorseTurnsBack(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		policy paas.Deploy
		share  int
	}{
		"a canary, at once":                          {canary(1, 25), 25},
		"a canary that waits for somebody to decide": {manual(1, 25), 25},
		"blue-green, while the old release is warm":  {blueGreen(), 100},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := serving(t, 4)
			id := c.begin(request(by(spec(4, "hi"), tt.policy), "b"))
			c.heldAt(id, tt.share)
			c.answers([2]int64{340, 21}, [2]int64{3000, 9})
			d := c.ended(id)
			want := "6.2 % of the 340 requests to release 2 answered 5xx, 0.3 % of release 1's: more than 1 point apart"
			if tt.policy.Strategy == paas.Canary {
				want = strings.Replace(want, "1 point", "0 points", 1) // as its policy says
			}
			c.ruleGone()
			if d.State != paas.DeploymentReverted || d.Reason != want || d.Trouble != paas.CauseErrors || c.counts()["blue"] != 4 || c.counts()["green"] != 0 {
				t.Errorf("%s: %q, %v", d.State, d.Reason, c.counts())
			}
			c.neverBelow(4)
		})
	}
}

func TestARollingWalkThatAnswersWorseTurnsBack(t *testing.T) {
	t.Parallel()
	c := serving(t, 2)
	c.set(func() { c.ghost = "127.0.0.1:1" })
	id := c.begin(request(spec(2, "hi"), "b"))
	c.until("some new instance serves", func() (paas.Deployment, bool) { return paas.Deployment{}, c.counts()["green"] > 0 })
	c.answers([2]int64{100, 50}, [2]int64{100, 0})
	if d := c.reverted(id); !strings.Contains(d.Reason, "50.0 % of the 100 requests to release 2 answered 5xx") {
		t.Errorf("%s: %q", d.State, d.Reason)
	}
	c.neverBelow(2)
}

// reverted gives the deployment once it turns back.
func (c *cluster) reverted(id string) paas.Deployment {
	c.t.Helper()
	return c.until("the deployment turns back", func() (paas.Deployment, bool) {
		d, err := c.store.Deployment(c.t.Context(), shop, id)
		return d, err == nil && d.Abort
	})
}

func TestACanaryThatMayBeWorseIsHeldLongerAndThenGoesOn(t *testing.T) {
	t.Parallel()
	c := serving(t, 4)
	id := c.begin(request(by(spec(4, "hi"), canary(1, 25, 50)), "b"))
	c.heldAt(id, 25)
	c.answers([2]int64{20, 1}, [2]int64{80, 0})
	c.later(0) // by turns that began when that was known
	c.later(65 * time.Second)
	d := c.until("its hold is longer", func() (paas.Deployment, bool) {
		d, err := c.store.Deployment(t.Context(), shop, id)
		return d, err == nil && strings.Contains(d.Reason, "the step is held longer")
	})
	if d.Step != 1 || d.State != paas.DeploymentRunning {
		t.Errorf("%s at step %d", d.State, d.Step)
	}
	c.later(60 * time.Second)
	if d := c.heldAt(id, 50); d.Reason != "" {
		t.Errorf("it goes on, and says %q", d.Reason)
	}
}

func TestACanaryIsNotPromotedBecauseNobodyAsksForIt(t *testing.T) {
	t.Parallel()
	c := serving(t, 4)
	id := c.begin(request(by(spec(4, "hi"), canary(1, 25)), "b"))
	c.heldAt(id, 25)
	c.answers([2]int64{19, 19}, [2]int64{80, 0}) // too few to judge by
	c.later(65 * time.Second)
	if d := c.ended(id); d.State != paas.DeploymentHealthy {
		t.Errorf("%s: %q", d.State, d.Reason)
	}
}

// ill changes an instance of green as watch would see it.
func (c *cluster) ill(change func(*paas.Instance)) {
	c.t.Helper()
	var now paas.Instance
	c.set(func() {
		for id, i := range c.instances {
			if i.Slot == paas.Green && !i.State.Ended() {
				change(&i)
				c.instances[id], now = i, i
			}
		}
	})
	c.look(shop)
	c.until("the instance is known to be so", func() (paas.Deployment, bool) {
		for _, i := range c.snapshot().Instances {
			if i.ID == now.ID && i.Health == now.Health && i.Exits == now.Exits {
				return paas.Deployment{}, true
			}
		}
		return paas.Deployment{}, len(c.snapshot().Deployments) == 0
	})
}

func TestACanaryThatFailsAgainTurnsBackLongBeforeAnyLimit(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		ill  func(c *cluster)
		want string
	}{
		"its readiness is lost": {func(c *cluster) {
			c.ill(func(i *paas.Instance) {
				i.Health, i.PassingAt, i.Since, i.Reason = paas.HealthCritical, nil, c.clock(), "GET / answered 500"
			})
			c.later(20 * time.Second)
		}, "web was healthy, and is not any more for "},
		"it exits again and again, and serves between": {func(c *cluster) {
			c.ill(func(i *paas.Instance) { i.Exits, i.Restarts, i.ExitCode = 3, 3, 2 })
		}, "web exited 3 times, last with code 2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := serving(t, 2)
			s := by(spec(2, "hi"), manual(1, 50))
			s.Processes[0].Startup = time.Hour
			s.Deploy.Deadline = 3 * time.Hour
			id := c.begin(request(s, "b"))
			c.heldAt(id, 50)
			tt.ill(c)
			if d := c.ended(id); d.State != paas.DeploymentReverted || !strings.HasPrefix(d.Reason, tt.want) {
				t.Errorf("%s: %q", d.State, d.Reason)
			}
			c.neverBelow(2)
		})
	}
}

func TestOneLateCheckOfACanaryPassesBy(t *testing.T) {
	t.Parallel()
	c := serving(t, 2)
	id := c.begin(request(by(spec(2, "hi"), manual(1, 50)), "b"))
	c.heldAt(id, 50)
	c.ill(func(i *paas.Instance) { i.Health, i.PassingAt, i.Since = paas.HealthCritical, nil, c.clock() })
	c.later(4 * time.Second)
	c.ill(func(i *paas.Instance) {
		now := c.clock()
		i.Health, i.PassingAt, i.Since = paas.HealthHealthy, &now, now
	})
	c.later(time.Minute)
	if d := c.waits(id, paas.WaitHold); d.Abort {
		t.Errorf("it turned back: %q", d.Reason)
	}
}

func TestTasksOfTheLastPhaseRunAfterTheSwitchWhileTheOldIsWarm(t *testing.T) {
	t.Parallel()
	for name, exit := range map[string]int{"complete": 0, "failed": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := serving(t, 2)
			c.set(func() { c.side.lasting = true })
			check := task("check", paas.PhaseAfter)
			check.Timeout = time.Hour
			id := c.begin(request(by(withTasks("ho", check), blueGreen()), "b"))
			c.heldAt(id, 100)
			c.reaches("shop.task.check.2")
			c.until("the task is known to run", func() (paas.Deployment, bool) {
				runs := c.snapshot().Runs
				return paas.Deployment{}, len(runs) == 1 && runs[0].Placed()
			})
			c.later(10 * time.Minute) // the old slot is kept past its time, as long as the task runs
			if got := c.counts(); got["blue"] != 2 || got["green"] != 2 {
				t.Errorf("while the task runs %v", got)
			}
			c.finish("shop.task.check.2", exit)
			d := c.ended(id)
			want := paas.DeploymentHealthy
			if exit != 0 {
				want = paas.DeploymentReverted
			}
			if d.State != want || (exit == 0 && d.Reason != "") {
				t.Errorf("%s: %q", d.State, d.Reason)
			}
			c.neverBelow(2)
		})
	}
}
