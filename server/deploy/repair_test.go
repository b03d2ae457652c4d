package deploy_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/deploy"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// drifted is a Consul with keys and services, beside the jobs of a cluster.
type drifted struct {
	*cluster
	at sync.Mutex

	keys    map[string]paas.RuleKey // guarded by at, as all below
	moved   map[string]string       // texts in the quarantine
	changed chan struct{}           // a key has
	gone    []string                // services that were deregistered
	orphans []paas.Registered
}

func (d *drifted) RuleKeys(ctx context.Context, index uint64, wait time.Duration) ([]paas.RuleKey, uint64, error) {
	if index > 0 {
		select {
		case <-ctx.Done():
			return nil, 0, ctx.Err()
		case <-d.changed:
		case <-time.After(wait):
		}
	}
	d.at.Lock()
	defer d.at.Unlock()
	var list []paas.RuleKey
	for _, k := range d.keys {
		list = append(list, k)
	}
	return list, 1, nil
}

func (d *drifted) set(k paas.RuleKey) {
	d.at.Lock()
	d.keys[k.Key] = k
	d.at.Unlock()
	d.changed <- struct{}{}
}

func (d *drifted) MoveKey(_ context.Context, k paas.RuleKey, to string) error {
	d.at.Lock()
	defer d.at.Unlock()
	if d.keys[k.Key].Index != k.Index {
		return paas.Errorf(paas.Conflict, "it moved")
	}
	d.moved[to] = k.Text
	delete(d.keys, k.Key)
	return nil
}

func (d *drifted) Instances(context.Context) ([]paas.Registered, error) {
	d.at.Lock()
	defer d.at.Unlock()
	return d.orphans, nil
}

func (d *drifted) Deregister(_ context.Context, id string) error {
	d.at.Lock()
	defer d.at.Unlock()
	d.gone, d.orphans = append(d.gone, id), nil
	return nil
}

func (d *drifted) Tables(context.Context) ([]paas.RouterTable, error) { return nil, nil }

func (d *drifted) Jobs(context.Context) ([]*nomadapi.Job, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var list []*nomadapi.Job
	for id, job := range d.jobs {
		copied := *job
		copied.ID, copied.Namespace = &id, new("default")
		list = append(list, &copied)
	}
	return list, nil
}

func (d *drifted) Allocations(context.Context, uint64, time.Duration) ([]*nomadapi.AllocationListStub, uint64, error) {
	return nil, 1, nil
}

func newDrifted(t *testing.T) (*drifted, *deploy.Repair) {
	t.Helper()
	c := newCluster(t)
	d := &drifted{cluster: c, keys: map[string]paas.RuleKey{}, moved: map[string]string{}, changed: make(chan struct{}, 10)}
	return d, deploy.NewRepair(deploy.RepairConfig{Store: c.store, Scheduler: c, Cluster: d, Catalog: d, Routers: d, Now: c.clock})
}

func (d *drifted) events(kind paas.EventKind) []paas.Event {
	d.t.Helper()
	list, err := d.store.Events(d.t.Context(), paas.EventFilter{Kinds: []paas.EventKind{kind}})
	if err != nil {
		d.t.Fatal(err)
	}
	return list
}

func TestGuardPutsAsideOwnKeysThatFreezeRouters(t *testing.T) {
	t.Parallel()
	d, r := newDrifted(t)
	d.push(request(spec(1, "one"), "a"))
	ctx, end := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = r.Run(ctx, 1) // ends with ctx only
	}()
	t.Cleanup(func() { end(); <-done })

	d.set(paas.RuleKey{Key: "fabio/config/theirs", Text: "not ours to touch", Index: 3})
	d.set(paas.RuleKey{Key: "fabio/config/crumpet/default/shop", Text: "route wieght x", Index: 7, Own: true, Ref: shop})
	d.set(paas.RuleKey{Key: "fabio/config/crumpet/loose", Text: "route del", Index: 9, Own: true})
	d.until("both are in the quarantine", func() (paas.Deployment, bool) {
		d.at.Lock()
		defer d.at.Unlock()
		return paas.Deployment{}, len(d.moved) == 2 && len(d.keys) == 1
	})
	for at, text := range map[string]string{
		"crumpet/quarantine/fabio/config/crumpet/default/shop/7": "route wieght x", "crumpet/quarantine/fabio/config/crumpet/loose/9": "route del",
	} {
		if d.moved[at] != text {
			t.Errorf("%s holds %q", at, d.moved[at])
		}
	}
	if _, ok := d.keys["fabio/config/theirs"]; !ok {
		t.Error("somebody else's key was touched")
	}
	d.until("both are told", func() (paas.Deployment, bool) {
		return paas.Deployment{}, len(d.events(paas.EventRuleQuarantined)) == 2
	})
	for _, e := range d.events(paas.EventRuleQuarantined) {
		of := strings.Contains(e.Message, "default/shop")
		if of != (e.App == "shop") || !strings.Contains(e.Message, "line 1:") || !strings.Contains(e.Message, "freezes") {
			t.Errorf("event of %q: %s", e.App, e.Message)
		}
	}
}

func TestRepairHealsByTheConvergerAndTakesAwayWhatNothingNames(t *testing.T) {
	t.Parallel()
	d, r := newDrifted(t)
	d.push(request(spec(2, "one"), "a"))
	d.cluster.set(func() {
		orphan := *d.jobs["shop.blue"]
		orphan.ID, orphan.JobModifyIndex = new("ghost.blue"), new(uint64(1000))
		d.jobs["ghost.blue"] = &orphan
	})
	d.orphans = []paas.Registered{{ID: "by-hand", Service: paas.Service{Team: "default", App: "ghost", Process: "web", Slot: paas.Blue}, Here: true}}
	d.keys["fabio/config/theirs"] = paas.RuleKey{Key: "fabio/config/theirs", Text: "not a rule", Index: 3}

	found, err := r.Drift(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, f := range found {
		kinds = append(kinds, string(f.Kind))
	}
	if got := strings.Join(kinds, " "); got != "rule.bad service.orphan job.orphan" {
		t.Fatalf("found %s", got)
	}
	// Only what was shown is healed, and what is no longer so is said to be.
	shown := append(found[1:], paas.Finding{Kind: paas.JobChanged, Team: "default", App: "shop", Thing: "shop.blue"})
	healed, err := r.Heal(t.Context(), nil, shown, "ann")
	if err != nil || len(healed) != 3 || healed[2].State != paas.FindingHealed {
		t.Fatalf("healed %+v, %v", healed, err)
	}
	if left, err := r.Drift(t.Context(), nil); err != nil || len(left) != 1 || left[0].Kind != paas.RuleBad {
		t.Errorf("left %+v, %v", left, err)
	}
	if events := d.events(paas.EventDrift); len(events) != 2 || !strings.Contains(events[0].Message+events[1].Message, "by ann") {
		t.Errorf("events %+v", events)
	}
	if _, err := r.Drift(t.Context(), &paas.AppRef{Team: "default", App: "ghost"}); paas.CodeOf(err) != paas.NotFound {
		t.Errorf("of an app that is not there: %v", err)
	}
}
