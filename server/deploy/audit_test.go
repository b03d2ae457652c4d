package deploy_test

import (
	"context"
	"strings"
	"testing"

	"github.com/crumpet-paas/crumpet/server/paas"
)

func TestEachWishTellsWhoseItWas(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	wished := 0
	// wish makes one and wants an event of it that carries, and says, who made it.
	wish := func(by, says string, do func(ctx context.Context) error) {
		t.Helper()
		last, err := c.store.LastEvent(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := do(t.Context()); err != nil {
			t.Fatalf("%s: %v", by, err)
		}
		events, err := c.store.Events(t.Context(), paas.EventFilter{After: last, App: "shop"})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if e.By == by && strings.Contains(e.Message, by) && strings.Contains(e.Message, says) {
				wished++
				return
			}
		}
		t.Errorf("no event by %s says %q: %+v", by, says, events)
	}
	settle := func() {
		t.Helper()
		c.until("nothing is under way", func() (paas.Deployment, bool) {
			snap, err := c.store.Snapshot(t.Context(), shop)
			if err != nil || len(snap.Deployments) > 0 {
				return append(snap.Deployments, paas.Deployment{})[0], false
			}
			return paas.Deployment{}, true
		})
	}
	var id string
	push := func(text, artifact, by string, policy ...paas.Deploy) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			r := request(spec(2, text), artifact)
			r.By = by
			if len(policy) > 0 {
				r.Spec.Deploy = policy[0]
			}
			result, err := c.deployer().Deploy(ctx, r)
			if err == nil {
				id = result.Deployment.ID
			}
			return err
		}
	}
	wish("ann", "release 1", push("one", "a", "ann"))
	settle()
	wish("bob", "scaled", func(ctx context.Context) error {
		_, err := c.deployer().Scale(ctx, shop, map[string]int{"web": 3}, "bob")
		return err
	})
	settle()
	wish("cid", "restarted", func(ctx context.Context) error { _, err := c.deployer().Restart(ctx, shop, "cid"); return err })
	settle()
	wish("dan", "leaves node n1", func(ctx context.Context) error { _, err := c.deployer().Leave(ctx, shop, "n1", "dan"); return err })
	settle()
	wish("lea", "release 2", push("two", "b", "lea", manual(1, 50)))
	c.waits(id, paas.WaitHold)
	wish("eve", "paused", func(ctx context.Context) error { return c.deployer().Pause(ctx, shop, id, "", "eve") })
	wish("flo", "resumed", func(ctx context.Context) error { return c.deployer().Resume(ctx, shop, id, "flo") })
	c.waits(id, paas.WaitHold)
	wish("gus", "promoted", func(ctx context.Context) error { return c.deployer().Promote(ctx, shop, id, "gus") })
	settle()
	wish("mia", "release 3", push("three", "c", "mia", manual(1, 50)))
	c.waits(id, paas.WaitHold)
	wish("hal", "aborted", func(ctx context.Context) error { return c.deployer().Abort(ctx, shop, id, "hal") })
	settle()
	wish("ned", "release", func(ctx context.Context) error {
		_, err := c.deployer().Rollback(ctx, paas.RollbackRequest{Ref: shop, To: 1, By: "ned"})
		return err
	})
	settle()
	wish("ida", "stopped", func(ctx context.Context) error { return c.deployer().Stop(ctx, shop, "ida") })
	wish("joe", "started", func(ctx context.Context) error { _, err := c.deployer().Start(ctx, shop, "joe"); return err })
	settle()
	wish("kim", "to be destroyed", func(ctx context.Context) error { return c.deployer().Destroy(ctx, shop, "kim") })
	if wished != 14 {
		t.Errorf("%d wishes told whose they were, want 14", wished)
	}
}
