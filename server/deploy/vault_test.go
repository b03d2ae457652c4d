package deploy_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/deploy"
	"github.com/crumpet-paas/crumpet/server/jobspec"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// text is the job of a slot as it stands in the cluster.
func (c *cluster) text(job string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.jobs[job] == nil {
		return ""
	}
	return string(jobspec.Encode(c.jobs[job]))
}

func (c *cluster) release(number int) paas.Release {
	c.t.Helper()
	rel, err := c.store.Release(c.t.Context(), shop, number)
	if err != nil {
		c.t.Fatal(err)
	}
	return rel
}

func TestAReleasePinsTheNewestConfigurationAndItsJobsMayLogInFirst(t *testing.T) {
	t.Parallel()
	v := &fakeVault{newest: 3}
	c := newClusterWith(t, v)
	c.push(request(withTasks("hi", task("migrate", paas.PhaseBefore)), "a"))
	if got := c.release(1).Config; got != 3 {
		t.Errorf("release 1 pins version %d, want 3", got)
	}
	if !strings.Contains(c.text("shop.blue"), "config?version=3") {
		t.Errorf("its job does not read version 3: %s", c.text("shop.blue"))
	}
	grants := look(v, func() []string { return slices.Clone(v.grants) })
	if diff := cmp.Diff([]string{"shop: shop.blue shop.green shop.task.migrate.1", "shop: shop.blue shop.green"}, grants); diff != "" {
		t.Errorf("granted (-want +got):\n%s", diff)
	}
	v.set(func() { v.newest = 4 })
	c.push(request(spec(2, "hi"), "a"))
	if got := c.release(2).Config; got != 4 {
		t.Errorf("release 2 pins version %d, want 4", got)
	}
	if n := look(v, func() int { return len(v.grants) }); n != 2 {
		t.Errorf("what stood granted was granted again: %d times", n)
	}
	c.ahead.Add(int64(time.Hour))
	v.set(func() { v.newest = 5 })
	c.push(request(spec(2, "hi"), "a"))
	if n := look(v, func() int { return len(v.grants) }); n != 3 {
		t.Errorf("granted %d times, want again after an hour", n)
	}
}

func TestASealedVaultRefusesOnlyWhatReadsThere(t *testing.T) {
	t.Parallel()
	v := &fakeVault{sealed: true}
	c := newClusterWith(t, v)
	c.push(request(spec(2, "hi"), "a"))
	v.set(func() { v.newest = 1 })
	for what, err := range map[string]error{
		"a push": func() error {
			_, err := c.deployer().Deploy(t.Context(), request(spec(2, "ho"), "b"))
			return err
		}(),
		"a change": func() error {
			_, err := c.deployer().Reconfigure(t.Context(), paas.Reconfigure{Ref: shop, Config: 1, By: "ann"})
			return err
		}(),
	} {
		want := `App "shop" reads its configuration in Vault when it starts, so nothing was changed: ` + sealedText
		if paas.CodeOf(err) != paas.Unavailable || paas.MessageOf(err) != want {
			t.Errorf("%s: %v\nwant %s", what, err, want)
		}
	}
	snap := c.snapshot()
	if snap.Newest != 1 || len(snap.Deployments) != 0 {
		t.Errorf("release %d and deployments %v are left of what was refused", snap.Newest, snap.Deployments)
	}
	plan, err := c.deployer().Plan(t.Context(), request(spec(2, "ho"), "b"))
	if err != nil || !slices.ContainsFunc(plan.Warnings, func(w string) bool { return strings.Contains(w, "is sealed") }) {
		t.Errorf("a plan does not warn of it: %v, %v", plan.Warnings, err)
	}
}

func TestAWalkWaitsForAVaultThatWasLostOnItsWay(t *testing.T) {
	t.Parallel()
	v := &fakeVault{newest: 1}
	c := newClusterWith(t, v)
	c.set(func() { c.side.lasting = true })
	result, err := c.deployer().Deploy(t.Context(), request(withTasks("hi", task("migrate", paas.PhaseBefore)), "a"))
	if err != nil {
		t.Fatal(err)
	}
	c.reaches("shop.task.migrate.1")
	v.set(func() { v.sealed = true })
	c.finish("shop.task.migrate.1", 0)
	held := c.waits(result.Deployment.ID, paas.WaitVault)
	if held.State != paas.DeploymentPaused || held.Trouble != paas.CauseVaultSealed || held.Reason != strings.TrimSuffix(sealedText, ".") {
		t.Errorf("it waits for %q, %s: %s", held.Waits, held.Trouble, held.Reason)
	}
	c.ahead.Add(int64(time.Hour)) // past its deadline, and any startup limit
	c.deployer().Wake(shop)
	v.set(func() { v.sealed = false })
	if d := c.ended(result.Deployment.ID); d.State != paas.DeploymentHealthy {
		t.Errorf("it ended as %s: %s", d.State, d.Reason)
	}
}

func TestAWalkGoesOnWithoutVaultOnlyWhereNothingMoreIsToStart(t *testing.T) {
	t.Parallel()
	now := time.Now()
	d := paas.Deployment{
		ID: "d1", App: "shop", Release: 2, Previous: 1, Slot: paas.Green, From: paas.Blue, State: paas.DeploymentRunning, CreatedAt: now.Add(-5 * time.Minute),
		StartedAt: new(now.Add(-5 * time.Minute)), StepAt: now.Add(-5 * time.Minute), Wanted: map[string]int{"web": 1},
		Steps: []paas.Step{{New: map[string]int{"web": 1}, Old: map[string]int{"web": 1}}, {New: map[string]int{"web": 1}, Old: map[string]int{}}},
	}
	s := spec(1, "hi")
	s.Processes[0].Routes = nil
	snap := paas.Snapshot{
		App: paas.App{Name: "shop", Live: paas.Blue, Release: 1}, Releases: map[int]paas.Release{1: {Number: 1, Spec: s}, 2: {Number: 2, Spec: s, Config: 1}},
		Vault: paas.Backend{Name: paas.BackendVault, Reason: "Vault does not answer."},
		Instances: []paas.Instance{
			{ID: "a", Process: "web", Slot: paas.Green, Release: 2, State: paas.InstanceFailed, Reason: "no token", CreatedAt: now.Add(-time.Minute)},
			{ID: "b", Process: "web", Slot: paas.Blue, Release: 1, State: paas.InstanceRunning, Health: paas.HealthHealthy},
		},
	}
	if v := deploy.Next(d, snap, now); v.Move != deploy.Hold || v.Waits != paas.WaitVault || !v.Paused {
		t.Errorf("with an instance that failed: %+v", v)
	}
	waits := d
	waits.Waits = paas.WaitVault
	well := snap
	well.Vault.OK = true
	if v := deploy.Next(waits, well, now); v.Move != deploy.Hold || v.Waits != "" {
		t.Errorf("once it is back: %+v", v)
	}
	if v := deploy.Next(d, well, now); v.Move != deploy.Abort {
		t.Errorf("with Vault there all the time: %+v", v)
	}
	snap.Instances[0].State, snap.Instances[0].Health = paas.InstanceRunning, paas.HealthHealthy
	if v := deploy.Next(d, snap, now); v.Move != deploy.Advance {
		t.Errorf("with every new instance there: %+v", v)
	}
}

func TestARollbackKeepsItsConfigurationOrIsRefused(t *testing.T) {
	t.Parallel()
	v := &fakeVault{newest: 1}
	c := newClusterWith(t, v)
	c.push(request(spec(2, "hi"), "a"))
	v.set(func() { v.newest = 2 })
	c.push(request(spec(2, "ho"), "b"))
	back := paas.RollbackRequest{Ref: shop, By: "ann"}
	v.set(func() { v.lost = []int{1} })
	if _, err := c.deployer().Rollback(t.Context(), back); paas.CodeOf(err) != paas.Conflict || !strings.Contains(paas.MessageOf(err), "Version 1 of the configuration") {
		t.Errorf("with its version gone: %v", err)
	}
	v.set(func() { v.lost, v.sealed = nil, true })
	if _, err := c.deployer().Rollback(t.Context(), back); paas.CodeOf(err) != paas.Unavailable || !strings.Contains(paas.MessageOf(err), "is sealed") {
		t.Errorf("with Vault sealed: %v", err)
	}
	v.set(func() { v.sealed = false })
	result, err := c.deployer().Rollback(t.Context(), back)
	if err != nil || result.Release.Config != 1 {
		t.Errorf("restored %+v, %v", result.Release.Config, err)
	}
	c.ended(result.Deployment.ID)
}

func TestARollbackPassesOverWhatHasLostItsConfiguration(t *testing.T) {
	t.Parallel()
	v := &fakeVault{newest: 1}
	c := newClusterWith(t, v)
	for n, text := range []string{"one", "two", "three"} {
		v.set(func() { v.newest = n + 1 })
		c.push(request(spec(2, text), text[:1]))
	}
	v.set(func() { v.lost = []int{2} })
	result, err := c.deployer().Rollback(t.Context(), paas.RollbackRequest{Ref: shop, By: "ann"})
	if err != nil || result.Release.RollbackTo != 1 {
		t.Fatalf("back to %d, %v", result.Release.RollbackTo, err)
	}
	c.ended(result.Deployment.ID)
}

func TestAnAppThatIsDestroyedLeavesNothingInVault(t *testing.T) {
	t.Parallel()
	v := &fakeVault{newest: 1}
	c := newClusterWith(t, v)
	c.push(request(spec(2, "hi"), "a"))
	v.set(func() { v.sealed = true })
	if err := c.deployer().Destroy(t.Context(), shop, "ann"); err != nil {
		t.Fatal(err)
	}
	c.until("nothing runs", func() (paas.Deployment, bool) { return paas.Deployment{}, len(c.counts()) == 0 })
	if snap := c.snapshot(); !snap.App.Deleting {
		t.Error("the app is gone while Vault still has its configuration")
	}
	v.set(func() { v.sealed = false })
	c.until("the app is gone", func() (paas.Deployment, bool) {
		_, err := c.store.Snapshot(t.Context(), shop)
		return paas.Deployment{}, paas.CodeOf(err) == paas.NotFound
	})
	if diff := cmp.Diff([]string{"config", "access"}, look(v, func() []string { return v.ended })); diff != "" {
		t.Errorf("ended (-want +got):\n%s", diff)
	}

	v = &fakeVault{sealed: true}
	c = newClusterWith(t, v)
	c.push(request(spec(2, "hi"), "a"))
	if err := c.deployer().Destroy(t.Context(), shop, "ann"); err != nil {
		t.Fatal(err)
	}
	c.until("an app that had nothing in Vault goes without it", func() (paas.Deployment, bool) {
		_, err := c.store.Snapshot(t.Context(), shop)
		return paas.Deployment{}, paas.CodeOf(err) == paas.NotFound
	})
}

func TestAnotherConfigurationIsAReleaseOfItsOwn(t *testing.T) {
	t.Parallel()
	v := &fakeVault{newest: 1}
	c := newClusterWith(t, v)
	change := paas.Reconfigure{Ref: shop, Config: 2, By: "ann", Note: "louder"}
	if err := c.deployer().Reconfigurable(t.Context(), change); paas.CodeOf(err) != paas.NotFound {
		t.Errorf("of an app that was never pushed: %v", err)
	}
	c.push(request(withTasks("hi", task("migrate", paas.PhaseBefore)), "a"))
	ran := len(c.registered())
	result, err := c.deployer().Reconfigure(t.Context(), change)
	if err != nil {
		t.Fatal(err)
	}
	busy := change
	busy.Config = 3
	for what, err := range map[string]error{
		"asked": c.deployer().Reconfigurable(t.Context(), busy),
		"done":  func() error { _, err := c.deployer().Reconfigure(t.Context(), busy); return err }(),
	} {
		if paas.CodeOf(err) != paas.Conflict || !strings.Contains(paas.MessageOf(err), "--supersede") {
			t.Errorf("%s while one is under way: %v", what, err)
		}
	}
	busy.Wait = true
	if err := c.deployer().Reconfigurable(t.Context(), busy); err != nil {
		t.Errorf("one that waits: %v", err)
	}
	c.ended(result.Deployment.ID)
	rel := c.release(2)
	if rel.Config != 2 || rel.Artifact != c.release(1).Artifact || rel.SpecDigest != c.release(1).SpecDigest || rel.Note != "louder" || rel.RollbackTo != 0 {
		t.Errorf("release 2 is %+v", rel)
	}
	if n := len(c.registered()); n != ran {
		t.Errorf("tasks of what serves already ran again: %d jobs, had %d", n, ran)
	}
	again, err := c.deployer().Reconfigure(t.Context(), change)
	if err != nil || again.Changed {
		t.Errorf("the same again: %+v, %v", again, err)
	}
	if err := c.deployer().Stop(t.Context(), shop, "ann"); err != nil {
		t.Fatal(err)
	}
	if err := c.deployer().Reconfigurable(t.Context(), busy); paas.CodeOf(err) != paas.Conflict || !strings.Contains(paas.MessageOf(err), "--stage") {
		t.Errorf("of an app that is stopped: %v", err)
	}
}

func TestAFileOfAKeyThatIsNotSetIsRefused(t *testing.T) {
	t.Parallel()
	for _, newest := range []int{0, 3} { // of which the second has API_KEY
		c := newClusterWith(t, &fakeVault{newest: newest})
		r := request(spec(1, "hi"), "a")
		r.Spec.Secrets = []paas.SecretFile{{Name: "API_KEY", Path: "api", Mode: "0444"}, {Name: "TLS_KEY", Path: "tls", Mode: "0444"}}
		_, planned := c.deployer().Plan(t.Context(), r)
		_, err := c.deployer().Deploy(t.Context(), r)
		for _, err := range []error{planned, err} {
			if faults := paas.FaultsOf(err); paas.CodeOf(err) != paas.Invalid || len(faults) != 2-min(newest, 1) || !strings.Contains(faults[len(faults)-1].Message, "crumpet secret set TLS_KEY") {
				t.Errorf("with version %d: %v %v", newest, err, paas.FaultsOf(err))
			}
		}
		if _, err := c.store.Release(t.Context(), shop, 1); paas.CodeOf(err) != paas.NotFound {
			t.Errorf("with version %d a release was made", newest)
		}
	}
}
