package deploy_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// by gives the spec a policy, and the route that the fake routers know.
func by(s paas.Spec, policy paas.Deploy) paas.Spec {
	s.Deploy = policy
	return s
}

func manual(instances int, traffic ...int) paas.Deploy {
	policy := canary(instances, traffic...)
	policy.Canary.Manual = true
	return policy
}

// begin asks for a deployment and gives its id.
func (c *cluster) begin(r paas.DeployRequest) string {
	c.t.Helper()
	result, err := c.deployer().Deploy(c.t.Context(), r)
	if err != nil {
		c.t.Fatal(err)
	}
	return result.Deployment.ID
}

// waits gives the deployment once it stands still for that reason.
func (c *cluster) waits(id string, wait paas.Wait) paas.Deployment {
	c.t.Helper()
	return c.until("the deployment waits for "+string(wait), func() (paas.Deployment, bool) {
		d, err := c.store.Deployment(c.t.Context(), shop, id)
		return d, err == nil && d.Waits == wait
	})
}

// heldAt gives the deployment once it is held at a share, and by nothing else: on a slow machine a router is late to
// read its rule as well.
func (c *cluster) heldAt(id string, percent int) paas.Deployment {
	c.t.Helper()
	return c.until(fmt.Sprintf("the deployment is held at %d %%", percent), func() (paas.Deployment, bool) {
		d, err := c.store.Deployment(c.t.Context(), shop, id)
		at := d.Current().Share
		return d, err == nil && d.Waits == paas.WaitHold && d.Trouble != paas.CauseRuleUnseen && at != nil && *at == percent
	})
}

func (c *cluster) promote(id string) {
	c.t.Helper()
	if err := c.deployer().Promote(c.t.Context(), shop, id, "ann"); err != nil {
		c.t.Fatal(err)
	}
}

func (c *cluster) cancel(id string) paas.Deployment {
	c.t.Helper()
	if err := c.deployer().Abort(c.t.Context(), shop, id, "ann"); err != nil {
		c.t.Fatal(err)
	}
	return c.ended(id)
}

// share is the part of the requests that green gets, in percent.
func (c *cluster) share() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return int(100*c.table(shop).share(paas.Green) + 0.5)
}

// ruleGone waits until the app has no rule.
func (c *cluster) ruleGone() {
	c.t.Helper()
	c.until("the rule is gone", func() (paas.Deployment, bool) {
		c.mu.Lock()
		defer c.mu.Unlock()
		return paas.Deployment{Reason: c.rules[shop]}, c.rules[shop] == ""
	})
}

// neverBelow fails if traffic could reach less than that many instances' worth since the last call.
func (c *cluster) neverBelow(least float64) {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.capacity) > 0 && slices.Min(c.capacity) < least-0.001 {
		c.t.Errorf("requests reached less than %v instances: %v", least, c.capacity)
	}
	c.capacity = nil
}

func serving(t *testing.T, instances int) *cluster {
	c := newCluster(t)
	c.push(request(spec(instances, "hi"), "a"))
	c.set(func() { c.capacity = nil })
	return c
}

func TestACanaryWalksByShares(t *testing.T) {
	t.Parallel()
	c := serving(t, 4)
	id := c.begin(request(by(spec(4, "hi"), manual(1, 25, 50)), "b"))
	d := c.heldAt(id, 25)
	if got := c.counts(); got["green"] != 1 || got["blue"] != 4 || c.share() != 25 {
		t.Errorf("at 25 %%: %v, %d %% of requests", got, c.share())
	}
	if d.State != paas.DeploymentPaused || !strings.Contains(d.Reason, "25 % of requests until somebody decides") {
		t.Errorf("%s: %q", d.State, d.Reason)
	}
	c.ahead.Store(int64(24 * time.Hour)) // a hold is not a part of the deadline
	c.wake(shop)
	c.promote(id)
	c.heldAt(id, 50)
	if got := c.counts(); got["green"] != 2 || got["blue"] != 4 || c.share() != 50 {
		t.Errorf("at 50 %%: %v, %d %% of requests", got, c.share())
	}
	c.promote(id)
	d = c.ended(id)
	if d.State != paas.DeploymentHealthy || d.SwitchedAt == nil || d.HeldFor < 24*time.Hour {
		t.Errorf("%s: %q, switched %v, held for %s", d.State, d.Reason, d.SwitchedAt, d.HeldFor)
	}
	if got := c.counts(); got["green"] != 4 || got["blue"] != 0 {
		t.Errorf("in the end %v", got)
	}
	c.ruleGone()
	c.neverBelow(4)
}

func TestACanaryGoesOnByItselfAfterItsHold(t *testing.T) {
	t.Parallel()
	c := serving(t, 1)
	id := c.begin(request(by(spec(1, "hi"), canary(1, 10)), "b"))
	d := c.heldAt(id, 10)
	if d.State != paas.DeploymentRunning {
		t.Errorf("%s: %q", d.State, d.Reason)
	}
	c.ahead.Store(int64(30 * time.Second))
	c.wake(shop)
	if d, err := c.store.Deployment(t.Context(), shop, id); err != nil || d.Waits != paas.WaitHold {
		t.Fatalf("left its step early: %+v, %v", d, err)
	}
	c.ahead.Store(int64(61 * time.Second))
	c.wake(shop)
	if d := c.ended(id); d.State != paas.DeploymentHealthy {
		t.Errorf("%s: %q", d.State, d.Reason)
	}
	c.neverBelow(1)
}

func TestADarkInstanceIsInNoTable(t *testing.T) {
	t.Parallel()
	c := serving(t, 2)
	c.set(func() { c.frozen = true })
	policy := blueGreen()
	id := c.begin(request(by(spec(2, "hi"), policy), "b"))
	c.until("the rule was written", func() (paas.Deployment, bool) {
		c.mu.Lock()
		defer c.mu.Unlock()
		return paas.Deployment{}, strings.Contains(c.rules[shop], "route del default--shop--web--green")
	})
	if got := c.counts(); got["green"] != 0 {
		t.Errorf("instances %v before any router has read the rule", got)
	}
	var text string
	c.set(func() {
		text = c.rules[shop]
		c.frozen = false
	})
	c.look(shop)
	if strings.Contains(text, "weight") {
		t.Errorf("rule %q", text)
	}
	c.heldAt(id, 100)
	c.neverBelow(2)
}

func TestACanaryTurnsBackFromEachStep(t *testing.T) {
	t.Parallel()
	for _, share := range []int{20, 60} {
		t.Run(fmt.Sprint(share), func(t *testing.T) {
			t.Parallel()
			c := serving(t, 3)
			id := c.begin(request(by(spec(3, "hi"), manual(1, 20, 60)), "b"))
			c.heldAt(id, 20)
			if share == 60 {
				c.promote(id)
				c.heldAt(id, 60)
			}
			if d := c.cancel(id); d.State != paas.DeploymentCanceled {
				t.Errorf("%s: %q", d.State, d.Reason)
			}
			c.until("the canary is gone", func() (paas.Deployment, bool) { return paas.Deployment{}, c.counts()["green"] == 0 })
			c.ruleGone()
			if got := c.counts(); got["blue"] != 3 {
				t.Errorf("instances %v", got)
			}
			c.neverBelow(3)
			if d := c.push(request(by(spec(3, "hi"), canary(1)), "c")); d.State != paas.DeploymentHealthy || d.Slot != paas.Green {
				t.Errorf("the next push: %s in %s: %q", d.State, d.Slot, d.Reason)
			}
			c.neverBelow(3)
		})
	}
}

func TestAFailingCanaryTurnsBackByItself(t *testing.T) {
	t.Parallel()
	c := serving(t, 2)
	id := c.begin(request(by(spec(2, "hi"), manual(1, 50)), "b"))
	c.heldAt(id, 50)
	c.set(func() {
		for key, i := range c.instances {
			if i.Slot == paas.Green {
				i.State, i.Reason = paas.InstanceFailed, "web exited with code 3"
				c.instances[key] = i
			}
		}
	})
	c.look(shop)
	d := c.ended(id)
	if d.State != paas.DeploymentReverted || d.Reason != "web exited with code 3" || c.counts()["blue"] != 2 {
		t.Errorf("%s: %q, %v", d.State, d.Reason, c.counts())
	}
}

func TestBlueGreenSwitchesOnceAndGoesBackAtOnce(t *testing.T) {
	t.Parallel()
	c := serving(t, 2)
	id := c.begin(request(by(spec(2, "hi"), blueGreen()), "b"))
	d := c.heldAt(id, 100)
	if d.SwitchedAt == nil || d.RoutedAt == nil || d.State != paas.DeploymentRunning || c.share() != 100 {
		t.Errorf("%s, switched at %v, %d %% of requests", d.State, d.SwitchedAt, c.share())
	}
	if got := c.counts(); got["green"] != 2 || got["blue"] != 2 {
		t.Errorf("while warm %v", got)
	}
	before := 0
	c.set(func() { before = c.serial })
	if d := c.cancel(id); d.State != paas.DeploymentCanceled {
		t.Errorf("%s: %q", d.State, d.Reason)
	}
	c.ruleGone()
	c.set(func() {
		if c.serial != before {
			t.Errorf("%d instances were started to go back", c.serial-before)
		}
	})
	if got := c.counts(); got["blue"] != 2 || got["green"] != 0 {
		t.Errorf("in the end %v", got)
	}
	c.neverBelow(2)
	id = c.begin(request(by(spec(2, "hi"), blueGreen()), "b"))
	c.heldAt(id, 100)
	c.ahead.Store(int64(301 * time.Second))
	c.wake(shop)
	if d := c.ended(id); d.State != paas.DeploymentHealthy || c.counts()["blue"] != 0 || c.counts()["green"] != 2 {
		t.Errorf("%s: %q, %v", d.State, d.Reason, c.counts())
	}
	c.ruleGone()
	c.neverBelow(2)
}

func TestScalingDuringACanaryChangesWhatItWalksTo(t *testing.T) {
	t.Parallel()
	c := serving(t, 2)
	id := c.begin(request(by(spec(2, "hi"), manual(1, 50)), "b"))
	c.heldAt(id, 50)
	scale := func(n int) {
		if _, err := c.deployer().Scale(t.Context(), shop, map[string]int{"web": n}, "ann"); err != nil {
			t.Fatal(err)
		}
	}
	scale(6)
	c.until("both slots have grown", func() (paas.Deployment, bool) {
		return paas.Deployment{}, c.counts()["green"] == 3 && c.counts()["blue"] == 6
	})
	if d := c.heldAt(id, 50); d.Wanted["web"] != 6 {
		t.Errorf("wanted %v", d.Wanted)
	}
	if d := c.cancel(id); d.State != paas.DeploymentCanceled {
		t.Errorf("%s: %q", d.State, d.Reason)
	}
	c.until("the old release keeps the new number", func() (paas.Deployment, bool) {
		return paas.Deployment{}, c.counts()["green"] == 0 && c.counts()["blue"] == 6
	})
	c.neverBelow(2)
	id = c.begin(request(by(spec(2, "hi"), manual(1, 50)), "b"))
	c.heldAt(id, 50)
	scale(3)
	c.promote(id)
	if d := c.ended(id); d.State != paas.DeploymentHealthy || c.counts()["green"] != 3 {
		t.Errorf("%s: %q, %v", d.State, d.Reason, c.counts())
	}
	c.neverBelow(3)
}

func TestAServerThatIsKilledInTheMiddleOfACanaryGoesOn(t *testing.T) {
	t.Parallel()
	c := serving(t, 2)
	id := c.begin(request(by(spec(2, "hi"), manual(1, 50)), "b"))
	c.heldAt(id, 50)
	c.boot()
	c.set(func() { delete(c.rules, shop) }) // and somebody took the rule away
	c.wake(shop)
	c.until("the rule is back", func() (paas.Deployment, bool) { return paas.Deployment{}, c.share() == 50 && c.ruled() })
	c.promote(id)
	if d := c.ended(id); d.State != paas.DeploymentHealthy || c.counts()["blue"] != 0 {
		t.Errorf("%s: %q, %v", d.State, d.Reason, c.counts())
	}
	c.ruleGone()
}

func (c *cluster) ruled() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Contains(c.rules[shop], "route weight")
}

func TestARestartOfACanaryAppRolls(t *testing.T) {
	t.Parallel()
	c := serving(t, 1)
	c.push(request(by(spec(1, "hi"), canary(1)), "b"))
	again, err := c.deployer().Restart(t.Context(), shop, "ann")
	if err != nil {
		t.Fatal(err)
	}
	d := c.ended(again.Deployment.ID)
	if d.State != paas.DeploymentHealthy || slices.ContainsFunc(d.Steps, func(s paas.Step) bool { return s.Share != nil }) {
		t.Errorf("%s: %q by %v", d.State, d.Reason, d.Steps)
	}
}
