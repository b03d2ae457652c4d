package cluster_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/cluster"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// routers is a Nomad with a job of routers and a store; its routers on n1 end at once until they are mended.
type routers struct {
	now       time.Time
	job       *paas.RouterJob
	mended    bool
	evaluated []time.Duration // since noon
	events    []string
	epoch     int64
}

func newRouters() *routers {
	return &routers{now: noon, epoch: 7, job: &paas.RouterJob{
		Version: 3, Nodes: []paas.Node{{ID: "n1", Name: "one"}, {ID: "n2", Name: "two"}},
		Instances: []paas.SystemInstance{
			{ID: "a", NodeID: "n1", Node: "one", Client: "failed", Desired: "run", Version: 3, CreatedAt: noon, Said: "Vault is sealed"},
			{ID: "b", NodeID: "n2", Node: "two", Client: "running", Desired: "run", Version: 3, CreatedAt: noon},
		},
	}}
}

func (r *routers) RouterJob(context.Context) (*paas.RouterJob, error) { return r.job, nil }

func (r *routers) EvaluateNode(_ context.Context, node string) error {
	r.evaluated = append(r.evaluated, r.now.Sub(noon))
	next := r.job.Instances[0]
	next.CreatedAt, next.Client = r.now, "failed"
	if r.mended {
		next.Client = "running"
	}
	r.job.Instances = append(r.job.Instances, next)
	return nil
}

func (r *routers) EmitAs(_ context.Context, epoch int64, events ...paas.Event) error {
	if epoch != r.epoch {
		return paas.Errorf(paas.Conflict, "Another server leads.")
	}
	for _, e := range events {
		r.events = append(r.events, e.Message)
	}
	return nil
}

// pass lets time pass, with a turn at each glance.
func (r *routers) pass(t *testing.T, c *cluster.Reviver, d time.Duration) {
	t.Helper()
	for end := r.now.Add(d); r.now.Before(end); r.now = r.now.Add(cluster.RouterGlance) {
		if err := c.Turn(t.Context(), 7); err != nil {
			t.Fatal(err)
		}
	}
}

func (r *routers) client() *cluster.Reviver {
	return cluster.NewReviver(cluster.ReviverConfig{Scheduler: r, Store: r, Now: func() time.Time { return r.now }})
}

func TestARouterThatWasGivenUpIsTriedAgainAndLessOften(t *testing.T) {
	t.Parallel()
	r := newRouters()
	c := r.client()
	r.pass(t, c, time.Hour)
	want := []time.Duration{30 * time.Second, 90 * time.Second, 210 * time.Second, 450 * time.Second, 930 * time.Second}
	for last := want[len(want)-1]; last+10*time.Minute < time.Hour; {
		last += 10 * time.Minute
		want = append(want, last)
	}
	if !slices.Equal(r.evaluated, want) {
		t.Errorf("tried after %v, want %v", r.evaluated, want)
	}
	if len(r.events) != len(want) || !strings.Contains(r.events[1], "node one") || !strings.Contains(r.events[1], "attempt 2") || !strings.Contains(r.events[1], "Vault is sealed") {
		t.Errorf("it tells %q", r.events)
	}

	// It runs, ends within ten minutes, and is no new one; it runs for longer, and is.
	r.mended, r.evaluated = true, nil
	r.pass(t, c, 15*time.Minute)
	if len(r.evaluated) != 1 {
		t.Fatalf("mended, it was tried %d times more", len(r.evaluated))
	}
	began := r.now
	r.mended, r.evaluated = false, nil
	r.job.Instances[len(r.job.Instances)-1].Client = "failed"
	r.pass(t, c, time.Minute)
	if len(r.evaluated) != 1 || r.evaluated[0] != began.Sub(noon)+cluster.RouterAgain {
		t.Errorf("one that had lived for long was tried after %v, want %v", r.evaluated, began.Sub(noon)+cluster.RouterAgain)
	}
}

func TestARouterThatComesAndGoesIsNotTriedMoreOften(t *testing.T) {
	t.Parallel()
	r := newRouters()
	c := r.client()
	r.pass(t, c, 5*time.Minute) // three tries: the next is 4 minutes after the third, at 7.5
	r.job.Instances[0].Client = "running"
	r.pass(t, c, time.Minute)
	r.job.Instances[0].Client = "failed"
	r.pass(t, c, time.Minute)
	if len(r.evaluated) != 3 {
		t.Errorf("it was tried %d times", len(r.evaluated))
	}
}

func TestNomadIsLeftAloneWhereNothingIsToStart(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*routers){
		"routers are no job, or it is stopped":  func(r *routers) { r.job = nil },
		"the node is drained, or takes nothing": func(r *routers) { r.job.Nodes = r.job.Nodes[1:] },
		"routers are being replaced":            func(r *routers) { r.job.Version = 4 },
		"it runs":                               func(r *routers) { r.job.Instances[0].Client = "running" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRouters()
			change(r)
			r.pass(t, r.client(), time.Hour)
			if len(r.evaluated) != 0 || len(r.events) != 0 {
				t.Errorf("tried after %v, told %q", r.evaluated, r.events)
			}
		})
	}
}

func TestANodeOfWhichNomadHasForgottenTheRouterIsTriedWithoutAWord(t *testing.T) {
	t.Parallel()
	r := newRouters()
	r.job.Instances = r.job.Instances[1:]
	r.pass(t, r.client(), time.Minute)
	if len(r.evaluated) != 1 || len(r.events) != 0 {
		t.Errorf("tried after %v, told %q", r.evaluated, r.events)
	}
}

func TestAPastLeaderTriesNoRouter(t *testing.T) {
	t.Parallel()
	r := newRouters()
	led := cluster.LedRouters(r, func(context.Context) error { return paas.Errorf(paas.Conflict, "This server leads no longer.") })
	c := cluster.NewReviver(cluster.ReviverConfig{Scheduler: led, Store: r, Now: func() time.Time { return r.now }})
	var err error
	for range 3 {
		err = c.Turn(t.Context(), 7)
		r.now = r.now.Add(cluster.RouterGlance)
	}
	if paas.CodeOf(err) != paas.Conflict || len(r.evaluated) != 0 {
		t.Errorf("%v, tried after %v", err, r.evaluated)
	}
}
