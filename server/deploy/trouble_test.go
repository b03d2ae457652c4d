package deploy_test

import (
	"strings"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

func TestWhatAWalkDoesWithoutRoom(t *testing.T) {
	t.Parallel()
	policy := func(s paas.Strategy, r paas.Room) paas.Deploy {
		d := manual(1, 50)
		d.Strategy, d.Room, d.Surge = s, r, paas.DefaultDeploy().Surge
		return d
	}
	for _, strategy := range []paas.Strategy{paas.Rolling, paas.Canary, paas.BlueGreen} {
		t.Run(string(strategy)+" goes on stop-first where it may", func(t *testing.T) {
			t.Parallel()
			c := serving(t, 2)
			c.set(func() { c.room = 2 })
			id := c.begin(request(by(spec(2, "hi"), policy(strategy, paas.RoomStopFirst)), "b"))
			d := c.ended(id)
			if d.State != paas.DeploymentHealthy || !d.StopFirst || c.counts()["green"] != 2 {
				t.Errorf("%s: %q, %v", d.State, d.Reason, c.counts())
			}
			c.neverBelow(1)
		})
	}
	t.Run("a canary in its middle", func(t *testing.T) {
		t.Parallel()
		c := serving(t, 4)
		c.set(func() { c.room = 5 })
		id := c.begin(request(by(spec(4, "hi"), policy(paas.Canary, paas.RoomStopFirst)), "b"))
		if d := c.ended(id); d.State != paas.DeploymentHealthy || !d.StopFirst || c.counts()["green"] != 4 {
			t.Errorf("%s: %q, %v", d.State, d.Reason, c.counts())
		}
		c.ruleGone()
		c.neverBelow(3)
	})
	t.Run("asks, and stays until somebody decides", func(t *testing.T) {
		t.Parallel()
		c := serving(t, 1)
		c.set(func() { c.room = 1 })
		id := c.begin(request(by(spec(1, "hi"), policy(paas.Rolling, paas.RoomAsk)), "b"))
		d := c.waits(id, paas.WaitRoom)
		if d.State != paas.DeploymentPaused || !strings.Contains(d.Reason, "no node has") {
			t.Errorf("%s: %q", d.State, d.Reason)
		}
		c.ahead.Store(int64(24 * time.Hour))
		c.wake(shop)
		if d := c.waits(id, paas.WaitRoom); d.State != paas.DeploymentPaused || c.counts()["blue"] != 1 {
			t.Errorf("a day later %s: %q, %v", d.State, d.Reason, c.counts())
		}
		c.promote(id)
		if d := c.ended(id); d.State != paas.DeploymentHealthy || c.counts()["green"] != 1 {
			t.Errorf("%s: %q, %v", d.State, d.Reason, c.counts())
		}
	})
	t.Run("asks, and goes on when there is room after all", func(t *testing.T) {
		t.Parallel()
		c := serving(t, 1)
		c.set(func() { c.room = 1 })
		id := c.begin(request(by(spec(1, "hi"), policy(paas.Rolling, paas.RoomAsk)), "b"))
		c.waits(id, paas.WaitRoom)
		c.ahead.Store(int64(time.Hour))
		c.set(func() { c.room = 0 })
		c.wake(shop)
		if d := c.ended(id); d.State != paas.DeploymentHealthy || d.StopFirst {
			t.Errorf("%s: %q", d.State, d.Reason)
		}
		c.neverBelow(1)
	})
}

func TestAWalkThatDoesNotRevertStaysForSomebodyToLook(t *testing.T) {
	t.Parallel()
	c := serving(t, 2)
	ill := true
	c.set(func() {
		c.sick = func(artifact string) string {
			if ill && strings.HasPrefix(artifact, "b") {
				return "web exited 3 times with code 1"
			}
			return ""
		}
	})
	policy := paas.DefaultDeploy()
	policy.Revert = false
	id := c.begin(request(by(spec(2, "hi"), policy), "b"))
	d := c.waits(id, paas.WaitFailure)
	if d.State != paas.DeploymentPaused || d.Reason != "web exited 3 times with code 1" || c.counts()["blue"] != 2 {
		t.Errorf("%s: %q, %v", d.State, d.Reason, c.counts())
	}
	c.set(func() {
		ill = false
		c.replace()
	})
	c.look(shop)
	if d := c.waits(id, paas.WaitFailure); d.Abort {
		t.Error("it turned back")
	}
	c.promote(id)
	if d := c.ended(id); d.State != paas.DeploymentHealthy || c.counts()["green"] != 2 {
		t.Errorf("%s: %q, %v", d.State, d.Reason, c.counts())
	} else if !d.RegisteredAt.Before(*d.StartedAt) {
		t.Errorf("registered at %s, and tried again at %s", d.RegisteredAt, d.StartedAt)
	}
	c.neverBelow(2)
	if err := c.deployer().Promote(t.Context(), shop, id, "ann"); paas.CodeOf(err) != paas.Conflict {
		t.Errorf("promoted after its end: %v", err)
	}
}

// replace places instances anew where some have failed, as Nomad does after a while.
func (c *cluster) replace() {
	for id, job := range c.jobs {
		app, slot, _ := paas.ParseJobID(id)
		for _, g := range job.TaskGroups {
			c.scale(paas.AppRef{Team: "default", App: app}, slot, g, *job.JobModifyIndex)
		}
	}
}

func TestAWalkThatIsNotHeldCantBePromoted(t *testing.T) {
	t.Parallel()
	c := serving(t, 1)
	c.set(func() { c.frozen = true })
	id := c.begin(request(spec(1, "hi"), "b"))
	c.until("it began", func() (paas.Deployment, bool) {
		d, err := c.store.Deployment(t.Context(), shop, id)
		return d, err == nil && d.State != paas.DeploymentPending
	})
	if err := c.deployer().Promote(t.Context(), shop, id, "ann"); paas.CodeOf(err) != paas.Conflict || !strings.Contains(err.Error(), "goes on by itself") {
		t.Errorf("got %v", err)
	}
}

func TestAWalkPastItsDeadlineTurnsBack(t *testing.T) {
	t.Parallel()
	c := serving(t, 1)
	c.set(func() {
		c.sick = func(artifact string) string {
			if strings.HasPrefix(artifact, "b") {
				return "deaf"
			}
			return ""
		}
	})
	policy := paas.DefaultDeploy()
	policy.Deadline = 10 * time.Minute
	s := by(spec(1, "hi"), policy)
	s.Processes[0].Startup = time.Hour
	id := c.begin(request(s, "b"))
	c.until("an instance runs", func() (paas.Deployment, bool) { return paas.Deployment{}, c.counts()["green"] == 1 })
	c.ahead.Store(int64(9 * time.Minute))
	c.wake(shop)
	if d, err := c.store.Deployment(t.Context(), shop, id); err != nil || d.Abort {
		t.Fatalf("ended before its deadline: %+v, %v", d, err)
	}
	c.ahead.Store(int64(11 * time.Minute))
	c.wake(shop)
	if d := c.ended(id); d.State != paas.DeploymentReverted || d.Reason != "release 2 was not there within its deadline of 10m0s" {
		t.Errorf("%s: %q", d.State, d.Reason)
	}
}

func TestAnOldSlotThatCantBeChangedInPlaceIsKeptAsItIs(t *testing.T) {
	t.Parallel()
	for name, policy := range map[string]paas.Deploy{"rolling": paas.DefaultDeploy(), "canary": manual(1, 50)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := serving(t, 3)
			c.set(func() { c.violent = func(job string) bool { return job == "shop.blue" } })
			id := c.begin(request(by(spec(3, "hi"), policy), "b"))
			if name == "canary" {
				c.heldAt(id, 50)
				if _, err := c.deployer().Scale(t.Context(), shop, map[string]int{"web": 5}, "ann"); err != nil {
					t.Fatal(err)
				}
				c.until("the canary has grown", func() (paas.Deployment, bool) { return paas.Deployment{}, c.counts()["green"] == 3 })
				if got := c.counts(); got["blue"] != 3 {
					t.Errorf("instances %v", got)
				}
				c.promote(id)
			}
			if d := c.ended(id); d.State != paas.DeploymentHealthy || c.counts()["blue"] != 0 {
				t.Errorf("%s: %q, %v", d.State, d.Reason, c.counts())
			}
			c.neverBelow(3)
		})
	}
}

func TestARuleThatHidesIsOnlyDroppedOnceNoRouterShowsWhatItHid(t *testing.T) {
	t.Parallel()
	c := serving(t, 1)
	id := c.begin(request(by(spec(1, "hi"), manual(1, 50)), "b"))
	c.heldAt(id, 50)
	c.set(func() { c.ghost = "127.0.0.1:1" }) // a router that is late to hear that the canary has left Consul
	if d := c.cancel(id); d.State != paas.DeploymentCanceled {
		t.Fatalf("%s: %q", d.State, d.Reason)
	}
	c.until("the rule shows what it hid, and gives it nothing", func() (paas.Deployment, bool) {
		c.mu.Lock()
		defer c.mu.Unlock()
		return paas.Deployment{Reason: c.rules[shop]}, strings.HasPrefix(c.rules[shop], "route weight default--shop--web--blue shop.localhost/ weight 2\n")
	})
	before := 0
	c.set(func() { before = c.looked })
	c.until("the server has looked at the rule some more times", func() (paas.Deployment, bool) {
		c.look(shop)
		c.wake(shop)
		c.mu.Lock()
		defer c.mu.Unlock()
		return paas.Deployment{}, c.looked > before+10
	})
	if !c.ruled() {
		t.Error("the rule is gone while a router leads to the canary")
	}
	c.set(func() { c.ghost = "" })
	c.look(shop)
	c.ruleGone()
}
