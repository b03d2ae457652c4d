package deploy_test

import (
	"context"
	"slices"
	"testing"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/deploy"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// stalled is a leader that was stopped between its look at a job and its write: meanwhile another has registered the
// job of a new app of that name.
type stalled struct{ *cluster }

func (s stalled) Job(ctx context.Context, team, id string) (*nomadapi.Job, error) {
	before, err := s.cluster.Job(ctx, team, id)
	if err != nil {
		return nil, err
	}
	anew := *before
	_, err = s.Register(ctx, team, &anew, *before.JobModifyIndex)
	return before, err
}

func TestALeaderOfBeforeStopsNothingThatWasRegisteredSince(t *testing.T) {
	t.Parallel()
	c := serving(t, 2)
	if err := deploy.StopJob(t.Context(), stalled{c}, "default", "shop.blue"); paas.CodeOf(err) != paas.Conflict {
		t.Errorf("stopped: %v", err)
	}
	c.set(func() {
		if n := c.healthy(shop); n != 2 {
			t.Errorf("%d instances serve", n)
		}
	})
	for range 2 { // the second finds it stopped
		if err := deploy.StopJob(t.Context(), c, "default", "shop.blue"); err != nil {
			t.Error(err)
		}
	}
	c.set(func() {
		if n := c.healthy(shop); n != 0 {
			t.Errorf("stopped, %d instances serve", n)
		}
	})
}

// What a destroyed app leaves in Nomad are stopped jobs, so an app of the same name finds them there: it registers over
// them, and runs its tasks.
func TestAnAppMayHaveTheNameOfOneThatWasDestroyed(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	for range 2 {
		c.push(request(withTasks("hi", task("migrate", paas.PhaseBefore)), "a"))
		c.set(func() {
			if n := c.healthy(shop); n != 2 || stopped(c.jobs["shop.blue"]) && stopped(c.jobs["shop.green"]) {
				t.Errorf("%d instances serve", n)
			}
		})
		if err := c.deployer().Destroy(t.Context(), shop, "ann"); err != nil {
			t.Fatal(err)
		}
		c.until("the app is gone", func() (paas.Deployment, bool) {
			_, err := c.store.Snapshot(t.Context(), shop)
			return paas.Deployment{}, paas.CodeOf(err) == paas.NotFound
		})
		c.set(func() {
			for id, job := range c.jobs {
				if !stopped(job) {
					t.Errorf("job %s stands", id)
				}
			}
			if len(c.jobs) == 0 || len(c.side.purged) > 0 {
				t.Errorf("jobs %d, purged %v: a purge would hit whoever has the name next", len(c.jobs), c.side.purged)
			}
			clear(c.side.runs) // the store forgets them with the app
		})
	}
	if want := []string{"shop.task.migrate.1", "shop.task.migrate.1"}; !slices.Equal(c.registered(), want) {
		t.Errorf("tasks %v were run", c.registered())
	}
}
