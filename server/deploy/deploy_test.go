package deploy_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

var shop = paas.AppRef{Team: "default", App: "shop"}

func spec(instances int, greeting string) paas.Spec {
	return paas.Spec{
		App: "shop", Build: paas.Build{Builder: paas.BuilderGo}, Env: map[string]paas.Value{"GREETING": paas.Literal(greeting)},
		Processes: []paas.Process{{
			Name: "web", Program: paas.Program{Command: []paas.Value{paas.Literal("./shop")}, CPU: 100, Memory: 64}, Instances: instances,
			Ports: []paas.Port{{Name: "http"}}, Startup: 30 * time.Second, Restart: paas.Restart{Attempts: 2, Delay: 5 * time.Second},
			Strategy: paas.Rolling,
		}},
	}
}

func request(s paas.Spec, artifact string) paas.DeployRequest {
	return paas.DeployRequest{Team: "default", App: "shop", Spec: s, Artifact: strings.Repeat(artifact, 64), By: "ann"}
}

// push deploys and waits for the end of the deployment.
func (c *cluster) push(r paas.DeployRequest) paas.Deployment {
	c.t.Helper()
	result, err := c.deployer().Deploy(c.t.Context(), r)
	if err != nil {
		c.t.Fatal(err)
	}
	if !result.Changed {
		c.t.Fatal("nothing changed")
	}
	return c.ended(result.Deployment.ID)
}

func (c *cluster) ended(id string) paas.Deployment {
	c.t.Helper()
	return c.until("the deployment ended", func() (paas.Deployment, bool) {
		d, err := c.store.Deployment(c.t.Context(), shop, id)
		return d, err == nil && d.State.Ended()
	})
}

func (c *cluster) until(what string, ok func() (paas.Deployment, bool)) paas.Deployment {
	c.t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		d, done := ok()
		if done {
			return d
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("waited a minute until %s; last: %+v", what, d)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// set changes what the cluster does.
func (c *cluster) set(edit func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	edit()
}

func (c *cluster) counts() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := map[string]int{}
	for _, i := range c.instances {
		if !i.State.Ended() {
			n[string(i.Slot)]++
		}
	}
	return n
}

func TestASecondReleaseWalksToTheOtherSlotWithoutEverServingLess(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	first := c.push(request(spec(3, "hi"), "a"))
	if first.State != paas.DeploymentHealthy || first.Slot != paas.Blue {
		t.Fatalf("first: %s in %s (%s)", first.State, first.Slot, first.Reason)
	}
	c.set(func() { c.serving = nil })
	second := c.push(request(spec(3, "hello"), "a"))
	if second.State != paas.DeploymentHealthy || second.Slot != paas.Green {
		t.Fatalf("second: %s in %s (%s)", second.State, second.Slot, second.Reason)
	}
	if second.Why != "process.web.env.GREETING" {
		t.Errorf("forced by %q", second.Why)
	}
	least := 0
	c.set(func() { least = slices.Min(c.serving) })
	if least < 3 {
		t.Errorf("only %d instances served at some moment: %v", least, c.serving)
	}
	if got := c.counts(); got["green"] != 3 || got["blue"] != 0 {
		t.Errorf("instances %v", got)
	}
}

func TestAnUnchangedPushMakesNoRelease(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.push(request(spec(1, "hi"), "a"))
	result, err := c.deployer().Deploy(t.Context(), request(spec(1, "hi"), "a"))
	if err != nil || result.Changed || result.Release.Number != 1 {
		t.Fatalf("got %+v, %v", result, err)
	}
	force := request(spec(1, "hi"), "a")
	force.Force = true
	if d := c.push(force); d.Release != 2 || d.Slot != paas.Green || d.State != paas.DeploymentHealthy {
		t.Errorf("forced: %+v", d)
	}
}

func TestAChangeOfCountsStaysInTheLiveSlot(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.push(request(spec(1, "hi"), "a"))
	d := c.push(request(spec(4, "hi"), "a"))
	if d.Slot != paas.Blue || d.State != paas.DeploymentHealthy {
		t.Fatalf("%s in %s", d.State, d.Slot)
	}
	if got := c.counts(); got["blue"] != 4 || got["green"] != 0 {
		t.Errorf("instances %v", got)
	}
}

func TestACountThatNomadCallsDestructiveWalksInstead(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.push(request(spec(2, "hi"), "a"))
	c.set(func() { c.violent = func(job string) bool { return job == "shop.blue" } })
	result, err := c.deployer().Scale(t.Context(), shop, map[string]int{"web": 3}, "ann")
	if err != nil {
		t.Fatal(err)
	}
	d := c.ended(result.Deployment.ID)
	if d.State != paas.DeploymentHealthy || d.Slot != paas.Green || !strings.Contains(d.Why, "replace 2 serving instances") {
		t.Errorf("%s in %s, why %q, reason %q", d.State, d.Slot, d.Why, d.Reason)
	}
	if got := c.counts(); got["green"] != 3 || got["blue"] != 0 {
		t.Errorf("instances %v", got)
	}
}

func TestAFailingReleaseWalksBackAndSaysWhy(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.push(request(spec(2, "hi"), "a"))
	c.set(func() {
		c.sick = func(artifact string) string {
			if strings.HasPrefix(artifact, "b") {
				return "web exited 3 times with code 1"
			}
			return ""
		}
	})
	d := c.push(request(spec(2, "hi"), "b"))
	if d.State != paas.DeploymentReverted || d.Reason != "web exited 3 times with code 1" {
		t.Errorf("%s: %q", d.State, d.Reason)
	}
	snap, err := c.store.Snapshot(t.Context(), shop)
	if err != nil || snap.App.Release != 1 || snap.App.Live != paas.Blue {
		t.Errorf("serving release %d in %s, %v", snap.App.Release, snap.App.Live, err)
	}
	if got := c.counts(); got["blue"] != 2 {
		t.Errorf("instances %v", got)
	}
	c.set(func() { c.sick = func(string) string { return "" } })
	if again := c.push(request(spec(2, "hi"), "b")); again.State != paas.DeploymentHealthy || again.Release != 3 {
		t.Errorf("after the repair: release %d %s: %s", again.Release, again.State, again.Reason)
	}
}

func TestAFirstReleaseThatFailsLeavesNothingRunning(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.sick = func(string) string { return "web exited 3 times with code 1" }
	if d := c.push(request(spec(2, "hi"), "a")); d.State != paas.DeploymentFailed {
		t.Errorf("%s: %q", d.State, d.Reason)
	}
	c.until("nothing runs", func() (paas.Deployment, bool) { return paas.Deployment{}, len(c.counts()) == 0 })
}

func TestAnAppThatNeverListensEndsAtItsStartupLimit(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.sick = func(string) string { return "deaf" }
	result, err := c.deployer().Deploy(t.Context(), request(spec(1, "hi"), "a"))
	if err != nil {
		t.Fatal(err)
	}
	c.until("an instance runs", func() (paas.Deployment, bool) { return paas.Deployment{}, len(c.counts()) == 1 })
	c.ahead.Store(int64(29 * time.Second))
	c.wake(shop)
	if d, err := c.store.Deployment(t.Context(), shop, result.Deployment.ID); err != nil || d.State.Ended() {
		t.Fatalf("ended before its limit: %+v, %v", d, err)
	}
	c.ahead.Store(int64(32 * time.Second))
	d := c.ended(result.Deployment.ID)
	want := "web was not healthy within its startup limit of 30s: it listens on 127.0.0.1:8080 instead"
	if d.State != paas.DeploymentFailed || d.Reason != want {
		t.Errorf("%s: %q", d.State, d.Reason)
	}
}

func TestAReleaseWithoutRoomIsPausedThenGivenUpAndNeverRegistered(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.push(request(spec(2, "hi"), "a"))
	before := 0
	c.set(func() { c.noRoom, before = true, c.registers })
	result, err := c.deployer().Deploy(t.Context(), request(spec(2, "hi"), "b"))
	if err != nil {
		t.Fatal(err)
	}
	c.until("the deployment is paused", func() (paas.Deployment, bool) {
		d, err := c.store.Deployment(t.Context(), shop, result.Deployment.ID)
		return d, err == nil && d.State == paas.DeploymentPaused && strings.Contains(d.Reason, "no node has")
	})
	c.ahead.Store(int64(15 * time.Second))
	d := c.ended(result.Deployment.ID)
	if d.State != paas.DeploymentReverted || !strings.Contains(d.Reason, "no node has 64 MB of free memory") {
		t.Errorf("%s: %q", d.State, d.Reason)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.registers != before {
		t.Errorf("%d registers without room", c.registers-before)
	}
}

func TestANamespaceThatMayNotBeMadeIsTold(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.set(func() { c.fixed = true })
	result, err := c.deployer().Deploy(t.Context(), request(spec(1, "hi"), "a"))
	if err != nil {
		t.Fatal(err)
	}
	c.until("the deployment says what it lacks", func() (paas.Deployment, bool) {
		d, err := c.store.Deployment(t.Context(), shop, result.Deployment.ID)
		return d, err == nil && d.State == paas.DeploymentPaused && strings.Contains(d.Reason, "Only a management token")
	})
	c.set(func() { c.fixed = false })
	if d := c.ended(result.Deployment.ID); d.State != paas.DeploymentHealthy {
		t.Errorf("with the namespace there it ended as %s: %q", d.State, d.Reason)
	}
}

func TestAWalkHoldsWhileARouterDoesNotFollow(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.push(request(spec(1, "hi"), "a"))
	c.set(func() { c.frozen = true })
	result, err := c.deployer().Deploy(t.Context(), request(spec(1, "hi"), "b"))
	if err != nil {
		t.Fatal(err)
	}
	c.until("the deployment is paused", func() (paas.Deployment, bool) {
		d, err := c.store.Deployment(t.Context(), shop, result.Deployment.ID)
		return d, err == nil && d.State == paas.DeploymentPaused
	})
	if got := c.counts(); got["green"] != 0 {
		t.Errorf("instances %v registered behind the fence", got)
	}
	c.set(func() { c.frozen = false })
	c.look(shop)
	if d := c.ended(result.Deployment.ID); d.State != paas.DeploymentHealthy || d.Reason != "" {
		t.Errorf("%s: %q", d.State, d.Reason)
	}
}

func TestAKilledServerFinishesItsWalkAndFillsAnEmptyNomadAgain(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.push(request(spec(2, "hi"), "a"))
	c.set(func() {
		c.frozen = true // the walk can't begin, so the kill is certainly in its middle
	})
	result, err := c.deployer().Deploy(t.Context(), request(spec(2, "hi"), "b"))
	if err != nil {
		t.Fatal(err)
	}
	c.until("the deployment began", func() (paas.Deployment, bool) {
		d, err := c.store.Deployment(t.Context(), shop, result.Deployment.ID)
		return d, err == nil && d.State != paas.DeploymentPending
	})
	stop := c.boot() // takes the epoch from the first server, whose writes are refused from now on
	c.set(func() { c.frozen = false })
	c.look(shop)
	if d := c.ended(result.Deployment.ID); d.State != paas.DeploymentHealthy {
		t.Fatalf("%s: %q", d.State, d.Reason)
	}
	stop()
	c.set(func() {
		clear(c.jobs)
		clear(c.instances)
	})
	c.boot()
	c.until("the empty Nomad is filled", func() (paas.Deployment, bool) { return paas.Deployment{}, c.counts()["green"] == 2 })
}

func TestTagsFollowTheRoutersPortInPlace(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.push(request(spec(2, "hi"), "a"))
	var before []string
	c.set(func() { before, c.port = slices.Sorted(maps.Keys(c.instances)), "9999" })
	c.boot()
	c.until("the job has a tag with the port", func() (paas.Deployment, bool) {
		var tags []string
		c.set(func() { tags = c.jobs["shop.blue"].TaskGroups[0].Services[0].Tags })
		return paas.Deployment{}, slices.Contains(tags, "urlprefix-shop.localhost:9999/")
	})
	var after []string
	c.set(func() { after = slices.Sorted(maps.Keys(c.instances)) })
	if !slices.Equal(before, after) {
		t.Errorf("instances %v became %v", before, after)
	}
}

func TestStopStartRestartAndDestroy(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.push(request(spec(2, "hi"), "a"))
	if err := c.deployer().Stop(t.Context(), shop, "ann"); err != nil {
		t.Fatal(err)
	}
	c.until("nothing runs", func() (paas.Deployment, bool) { return paas.Deployment{}, len(c.counts()) == 0 })
	started, err := c.deployer().Start(t.Context(), shop, "ann")
	if err != nil {
		t.Fatal(err)
	}
	if d := c.ended(started.Deployment.ID); d.State != paas.DeploymentHealthy || c.counts()["blue"] != 2 {
		t.Fatalf("start: %s %q %v", d.State, d.Reason, c.counts())
	}
	restarted, err := c.deployer().Restart(t.Context(), shop, "ann")
	if err != nil {
		t.Fatal(err)
	}
	if d := c.ended(restarted.Deployment.ID); d.State != paas.DeploymentHealthy || c.counts()["green"] != 2 || c.counts()["blue"] != 0 {
		t.Fatalf("restart: %s %q %v", d.State, d.Reason, c.counts())
	}
	if err := c.deployer().Destroy(t.Context(), shop, "ann"); err != nil {
		t.Fatal(err)
	}
	c.until("the app is gone", func() (paas.Deployment, bool) {
		_, err := c.store.Snapshot(t.Context(), shop)
		return paas.Deployment{}, paas.CodeOf(err) == paas.NotFound
	})
	if len(c.counts()) != 0 {
		t.Errorf("instances %v", c.counts())
	}
}

func TestASecondDeploymentIsRefusedUnlessItSupersedesOrWaits(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.push(request(spec(1, "hi"), "a"))
	c.set(func() { c.frozen = true })
	running, err := c.deployer().Deploy(t.Context(), request(spec(1, "hi"), "b"))
	if err != nil {
		t.Fatal(err)
	}
	if again, err := c.deployer().Deploy(t.Context(), request(spec(1, "hi"), "b")); err != nil || again.Deployment.ID != running.Deployment.ID {
		t.Errorf("the same push again: %+v, %v", again, err)
	}
	_, err = c.deployer().Deploy(t.Context(), request(spec(1, "hi"), "c"))
	if paas.CodeOf(err) != paas.Conflict || !strings.Contains(err.Error(), running.Deployment.ID) || !strings.Contains(err.Error(), "--supersede") {
		t.Fatalf("got %v", err)
	}
	over := request(spec(1, "hi"), "c")
	over.Supersede = true
	next, err := c.deployer().Deploy(t.Context(), over)
	if err != nil {
		t.Fatal(err)
	}
	c.set(func() { c.frozen = false })
	c.look(shop)
	if d := c.ended(running.Deployment.ID); d.State != paas.DeploymentCanceled {
		t.Errorf("superseded: %s", d.State)
	}
	if d := c.ended(next.Deployment.ID); d.State != paas.DeploymentHealthy || d.Release != 3 {
		t.Errorf("superseding: release %d %s %q", d.Release, d.State, d.Reason)
	}
}

func TestARouteOfAnotherAppIsRefused(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.push(request(spec(1, "hi"), "a"))
	s := spec(1, "hi")
	s.App = "store"
	s.Processes[0].Routes = []paas.Route{{Host: "shop.localhost", Path: "/", Port: "http"}}
	_, err := c.deployer().Deploy(t.Context(), paas.DeployRequest{Team: "default", App: "store", Spec: s, Artifact: strings.Repeat("a", 64), By: "ann"})
	if paas.CodeOf(err) != paas.Conflict || !strings.Contains(err.Error(), `"shop"`) {
		t.Errorf("got %v", err)
	}
}
