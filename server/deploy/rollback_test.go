package deploy_test

import (
	"context"
	"strings"
	"testing"

	"github.com/crumpet-paas/crumpet/server/paas"
)

func (c *cluster) Has(_ context.Context, digest string) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.noBytes == "" || !strings.HasPrefix(digest, c.noBytes), nil
}

// back rolls back and waits for the end of the deployment.
func (c *cluster) back(to int) paas.Release {
	c.t.Helper()
	result, err := c.deployer().Rollback(c.t.Context(), paas.RollbackRequest{Ref: shop, To: to, By: "ann", Note: "too slow"})
	if err != nil {
		c.t.Fatal(err)
	}
	if d := c.ended(result.Deployment.ID); d.State != paas.DeploymentHealthy || d.Cause != "rollback" {
		c.t.Fatalf("the rollback (%s) is %s: %s", d.Cause, d.State, d.Reason)
	}
	return result.Release
}

func (c *cluster) refuses(to int, code paas.Code, words ...string) {
	c.t.Helper()
	_, err := c.deployer().Rollback(c.t.Context(), paas.RollbackRequest{Ref: shop, To: to, By: "ann"})
	if paas.CodeOf(err) != code {
		c.t.Fatalf("to %d: %v", to, err)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			c.t.Errorf("to %d: %q does not say %q", to, err, w)
		}
	}
}

func TestRollbackRestoresAllThreeAsANewRelease(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.refuses(0, paas.NotFound, "shop")
	first := request(spec(2, "one"), "a")
	first.Config, first.Commit, first.Dirty = 7, strings.Repeat("1", 40), true
	c.push(first)
	c.refuses(0, paas.Conflict, "no other release before")
	second := request(spec(2, "two"), "b")
	second.Config = 8
	c.push(second)

	got := c.back(0)
	old, err := c.store.Release(t.Context(), shop, 1)
	if err != nil {
		t.Fatal(err)
	}
	if got.Number != 3 || !got.SameAs(old) || got.Config != 7 || got.RollbackTo != 1 || got.Note != "too slow" || got.CreatedBy != "ann" || got.Commit != first.Commit || !got.Dirty {
		t.Errorf("restored %+v", got)
	}
	if text, _ := got.Spec.Env["GREETING"].Text(); text != "one" {
		t.Errorf("its spec says %v", got.Spec.Env)
	}
	snap, err := c.store.Snapshot(t.Context(), shop)
	if err != nil || snap.App.Release != 3 {
		t.Fatalf("release %d serves (%v)", snap.App.Release, err)
	}
	// What runs is what serves already.
	if result, err := c.deployer().Rollback(t.Context(), paas.RollbackRequest{Ref: shop, To: 1, By: "ann"}); err != nil || result.Changed {
		t.Errorf("again: changed %t, %v", result.Changed, err)
	}
}

func TestRollbackWithoutANumberGoesFurtherBackEachTime(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.push(request(spec(1, "one"), "a"))
	c.push(request(spec(1, "two"), "b"))
	c.set(func() {
		c.sick = func(artifact string) string {
			if strings.HasPrefix(artifact, "c") {
				return "exited with code 1"
			}
			return ""
		}
	})
	c.push(request(spec(1, "three"), "c")) // never serves
	c.push(request(spec(1, "four"), "d"))
	if got := c.back(0); got.RollbackTo != 2 {
		t.Errorf("the first goes back to %d, want 2: 3 never was healthy", got.RollbackTo)
	}
	if got := c.back(0); got.RollbackTo != 1 {
		t.Errorf("the second goes back to %d, want 1", got.RollbackTo)
	}
	c.refuses(0, paas.Conflict, "no other release before", "crumpet rollback shop N")
	c.push(request(spec(1, "five"), "e"))
	if got := c.back(0); got.RollbackTo != 6 {
		t.Errorf("after a push it goes back to %d, want 6", got.RollbackTo)
	}
}

func TestRollbackIsRefusedWhenWhatItNeedsIsGone(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	first := request(spec(1, "one"), "a")
	first.Commit = strings.Repeat("5", 40)
	c.push(first)
	c.push(request(spec(1, "two"), "b"))
	c.set(func() { c.noBytes = "a" })
	c.refuses(1, paas.Conflict, "artifact aaaaaaaaaaaa of release 1", "commit 555555555555")
	c.refuses(9, paas.NotFound, "no release 9", "newest is 2")
	if _, err := c.deployer().PlanRollback(t.Context(), paas.RollbackRequest{Ref: shop, To: 1}); paas.CodeOf(err) != paas.Conflict {
		t.Errorf("the plan of it: %v", err)
	}
	if _, err := c.deployer().Deploy(t.Context(), request(spec(1, "one"), "a")); paas.CodeOf(err) != paas.Conflict || !strings.Contains(err.Error(), "artifact aaaaaaaaaaaa is not on the server") {
		t.Errorf("a push of it by an old plan: %v", err)
	}
	c.set(func() { c.noBytes = "" })
	plan, err := c.deployer().PlanRollback(t.Context(), paas.RollbackRequest{Ref: shop, To: 1})
	if err != nil || plan.Nothing || !plan.Walk || plan.Release != 3 || plan.From != 2 {
		t.Errorf("plan %+v, %v", plan, err)
	}
}

func TestRollbackWaitsForNobody(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	held := spec(2, "one")
	held.Deploy = paas.Deploy{
		Strategy: paas.Canary, Room: paas.RoomSurge, Unrouted: paas.UnroutedFollow, Deadline: paas.DefaultDeadline, Revert: true,
		Canary: paas.CanaryPolicy{Instances: 1, Traffic: []int{50}, Manual: true},
	}
	c.push(request(held, "a")) // the first release has nothing to be tried beside
	c.push(request(spec(2, "two"), "b"))
	if plan, err := c.deployer().PlanRollback(t.Context(), paas.RollbackRequest{Ref: shop, To: 1}); err != nil || plan.Strategy != paas.Rolling {
		t.Errorf("planned as %s, %v, want as it goes", plan.Strategy, err)
	}
	if got := c.back(0); got.RollbackTo != 1 {
		t.Errorf("restored %+v", got)
	}
}
