package nomad

import (
	"context"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/devstack/nomad/state"
)

const healthInterval = 250 * time.Millisecond

// health sets an allocation's DeploymentStatus.Healthy by its migrate block, as
// Nomad does also without a deployment: all tasks running and, with
// health_check = "checks", all checks passing for min_healthy_time without a
// break. An update in place starts the time anew while the flag is unset.
type health struct {
	r     *runner
	set   bool
	next  time.Time // of the next look
	since time.Time
	start map[string]time.Time // of the tasks, when since was taken
}

func newHealth(r *runner, a *state.Alloc) *health {
	known := a.DeploymentStatus != nil && a.DeploymentStatus.Healthy != nil
	return &health{r: r, set: known || *a.Job.Type != nomadapi.JobTypeService}
}

func (h *health) reset() { h.since = time.Time{} }

// tick is nil when there is nothing to look at.
func (h *health) tick(stopping bool) <-chan time.Time {
	if h.set || stopping {
		return nil
	}
	return time.After(time.Until(h.next))
}

func (h *health) look(ctx context.Context, a *state.Alloc) {
	policy := a.Group().Migrate
	now := time.Now()
	h.next = now.Add(healthInterval)
	if policy == nil {
		policy = nomadapi.DefaultMigrateStrategy()
	}
	if now.After(a.HealthDeadline) {
		h.put(false)
		return
	}
	if !h.good(ctx, a, *policy.HealthCheck == "checks") {
		h.reset()
		return
	}
	if h.since.IsZero() {
		h.since = now
	}
	if now.Sub(h.since) >= *policy.MinHealthyTime {
		h.put(true)
	}
}

func (h *health) good(ctx context.Context, a *state.Alloc, checks bool) bool {
	start := map[string]time.Time{}
	for name, ts := range a.TaskStates {
		s := h.r.gates.tasks[name]
		if s == poststop || (s == prestart || s == poststart) && ts.State == "dead" && !ts.Failed {
			continue // what has to end before, and what comes after
		}
		if ts.State != "running" {
			return false
		}
		start[name] = ts.StartedAt
		if old, known := h.start[name]; known && !old.Equal(ts.StartedAt) {
			h.reset() // it was restarted in between
		}
	}
	h.start = start
	if !checks || h.r.s.catalog == nil {
		return true
	}
	passing, err := h.r.s.catalog.Passing(ctx, h.r.id)
	return err == nil && passing
}

func (h *health) put(healthy bool) {
	h.set = true
	_, err := h.r.s.update("AllocationUpdated", func(tx *state.Tx) error {
		old := tx.Alloc(h.r.id)
		if old == nil || old.DeploymentStatus != nil {
			return nil
		}
		a := old.Copy()
		a.DeploymentStatus = &nomadapi.AllocDeploymentStatus{Healthy: &healthy, Timestamp: time.Now(), ModifyIndex: tx.Index()}
		a.ModifyIndex, a.ModifyTime = tx.Index(), time.Now().UnixNano()
		tx.PutAlloc(a)
		if u := a.Group().Update; u != nil && u.MaxParallel != nil && *u.MaxParallel > 0 {
			if row := tx.Job(a.Namespace, a.JobID); row != nil && healthy { // the next may be replaced
				tx.PutEval(newEval(tx, row.Current(), byWatcher))
			}
		}
		return nil
	})
	if err != nil {
		h.r.s.log.Error("health not set", "alloc", h.r.id, "err", err)
	}
}
