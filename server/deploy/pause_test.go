package deploy_test

import (
	"strings"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

func (c *cluster) pause(id, why string) paas.Deployment {
	c.t.Helper()
	if err := c.deployer().Pause(c.t.Context(), shop, id, why, "ann"); err != nil {
		c.t.Fatal(err)
	}
	return c.waits(id, paas.WaitPause)
}

func (c *cluster) resume(id string) {
	c.t.Helper()
	if err := c.deployer().Resume(c.t.Context(), shop, id, "bob"); err != nil {
		c.t.Fatal(err)
	}
}

// later puts the clock forward and has the server look some times.
func (c *cluster) later(by time.Duration) {
	c.t.Helper()
	c.ahead.Add(int64(by))
	before := 0
	c.set(func() { before = c.looked })
	c.until("the server has looked some times", func() (paas.Deployment, bool) {
		c.look(shop)
		c.wake(shop)
		c.mu.Lock()
		defer c.mu.Unlock()
		return paas.Deployment{}, c.looked > before+5
	})
}

func TestAPausedWalkStaysWhereItIs(t *testing.T) {
	t.Parallel()
	c := serving(t, 4)
	policy := canary(1, 25, 50)
	policy.Deadline = 10 * time.Minute
	id := c.begin(request(by(spec(4, "hi"), policy), "b"))
	c.heldAt(id, 25)
	c.later(20 * time.Second)
	d := c.pause(id, "looking at the checkout")
	if d.State != paas.DeploymentPaused || d.Reason != "paused by ann: looking at the checkout" {
		t.Errorf("%s: %q", d.State, d.Reason)
	}
	events, err := c.store.Events(t.Context(), paas.EventFilter{App: "shop", Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	if last := events[len(events)-1]; last.Kind != paas.EventDeploymentHeld || last.Message != "paused by ann: looking at the checkout, at step 2 of 10" {
		t.Errorf("the last event is %s %q", last.Kind, last.Message)
	}
	c.later(24 * time.Hour) // far past its hold and its deadline
	if d := c.waits(id, paas.WaitPause); d.Step != 1 || c.counts()["green"] != 1 || c.counts()["blue"] != 4 || c.share() != 25 {
		t.Errorf("a day later it is at step %d with %v, share %d", d.Step, c.counts(), c.share())
	}
	c.resume(id)
	d = c.heldAt(id, 25)
	if rest := d.Current().Hold; rest > 40*time.Second {
		t.Errorf("%s is left of a hold of 1m that was paused after 20 s", rest)
	}
	if at := c.clock().Sub(d.StepAt); at > time.Hour {
		t.Errorf("the pause counts as %s of its step", at)
	}
	if d.State != paas.DeploymentRunning || d.Reason != "" {
		t.Errorf("%s: %q", d.State, d.Reason)
	}
	c.later(41 * time.Second)
	c.heldAt(id, 50)
	c.later(61 * time.Second)
	if d := c.ended(id); d.State != paas.DeploymentHealthy {
		t.Errorf("%s: %q", d.State, d.Reason)
	}
	c.neverBelow(4)
}

func TestAPausedWalkHealsAndScales(t *testing.T) {
	t.Parallel()
	c := serving(t, 4)
	id := c.begin(request(by(spec(4, "hi"), canary(1, 25)), "b"))
	c.heldAt(id, 25)
	c.pause(id, "")
	c.set(func() { // Nomad loses the canary's job with all it ran
		delete(c.jobs, "shop.green")
		for at, i := range c.instances {
			if i.Slot == paas.Green {
				i.State, i.Health = paas.InstanceLost, paas.HealthUnknown
				c.instances[at] = i
			}
		}
	})
	c.until("the canary is back", func() (paas.Deployment, bool) {
		c.look(shop)
		c.wake(shop)
		return paas.Deployment{}, c.counts()["green"] == 1
	})
	if _, err := c.deployer().Scale(t.Context(), shop, map[string]int{"web": 8}, "ann"); err != nil {
		t.Fatal(err)
	}
	c.until("both slots have grown", func() (paas.Deployment, bool) {
		return paas.Deployment{}, c.counts()["green"] == 2 && c.counts()["blue"] == 8
	})
	d := c.waits(id, paas.WaitPause)
	if c.share() != 25 || d.State != paas.DeploymentPaused {
		t.Errorf("%s at %d %%", d.State, c.share())
	}
	if err := c.deployer().Promote(t.Context(), shop, id, "ann"); err != nil { // skips the hold
		t.Fatal(err)
	}
	if d := c.ended(id); d.State != paas.DeploymentHealthy || c.counts()["green"] != 8 {
		t.Errorf("%s: %q, %v", d.State, d.Reason, c.counts())
	}
}

func TestAPausedWalkIsNotTurnedBackByWhatFails(t *testing.T) {
	t.Parallel()
	c := serving(t, 2)
	id := c.begin(request(by(spec(2, "hi"), canary(1, 25)), "b"))
	c.heldAt(id, 25)
	c.pause(id, "")
	c.set(func() {
		for at, i := range c.instances {
			if i.Slot == paas.Green {
				i.State, i.Health, i.Reason = paas.InstanceFailed, paas.HealthUnknown, "web exited 3 times with code 1"
				c.instances[at] = i
			}
		}
	})
	c.later(time.Minute)
	if d := c.waits(id, paas.WaitPause); d.Abort {
		t.Error("it turned back")
	}
	c.resume(id)
	if d := c.ended(id); d.State != paas.DeploymentReverted || d.Reason != "web exited 3 times with code 1" {
		t.Errorf("%s: %q", d.State, d.Reason)
	}
	c.neverBelow(2)
}

func TestAPausedWalkIsAborted(t *testing.T) {
	t.Parallel()
	c := serving(t, 4)
	id := c.begin(request(by(spec(4, "hi"), canary(1, 50)), "b"))
	c.heldAt(id, 50)
	c.pause(id, "")
	if d := c.cancel(id); d.State != paas.DeploymentCanceled || d.Reason != "aborted by ann" || c.counts()["blue"] != 4 {
		t.Errorf("%s: %q, %v", d.State, d.Reason, c.counts())
	}
	c.ruleGone()
	c.neverBelow(4)
}

func TestWhatCantBePausedOrResumed(t *testing.T) {
	t.Parallel()
	c := serving(t, 2)
	refused := func(name string, err error, want string) {
		t.Helper()
		if paas.CodeOf(err) != paas.Conflict || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want a conflict that says %q", name, err, want)
		}
	}
	dep := c.deployer()
	refused("nothing walks", dep.Pause(t.Context(), shop, "d0", "", "ann"), "it has ended, and release 1 is live")
	id := c.begin(request(by(spec(2, "hi"), manual(1, 50)), "b"))
	c.heldAt(id, 50)
	refused("another walks", dep.Abort(t.Context(), shop, "d0", "ann"), "deployment "+id+" of release 2 is paused")
	refused("held, not paused", dep.Resume(t.Context(), shop, id, "ann"), "it holds step 2 of 6")
	c.pause(id, "")
	refused("paused twice", dep.Pause(t.Context(), shop, id, "", "bob"), "it is paused already (by ann)")
	_, err := dep.Restart(t.Context(), shop, "ann") // which knows neither --wait nor --supersede
	refused("restarted meanwhile", err, "Try again when it has ended; `crumpet status shop -w` shows it, `crumpet abort shop` turns it back")
	c.set(func() { c.frozen = true }) // so that it can't get home
	if err := dep.Abort(t.Context(), shop, id, "ann"); err != nil {
		t.Fatal(err)
	}
	refused("walking back", dep.Pause(t.Context(), shop, id, "", "ann"), "it is walking back")
	refused("walking back", dep.Promote(t.Context(), shop, id, "ann"), "is walking back")
	c.set(func() { c.frozen = false })
	c.look(shop)
	c.ended(id)
}
