package nomad

import (
	"context"
	"fmt"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/devstack/nomad/sched"
	"github.com/crumpet-paas/crumpet/server/devstack/nomad/state"
)

// Why an evaluation exists, in Nomad's words.
const (
	byRegister   = "job-register"
	byDeregister = "job-deregister"
	byStop       = "alloc-stop"
	byFailure    = "alloc-failure"
	byReschedule = "alloc-reschedule"
	byQueued     = "queued-allocs"
	byDrain      = "node-drain"
	byScaling    = "job-scaling"
	byPeriodic   = "periodic-job"
	byNode       = "node-update"
	byWatcher    = "deployment-watcher"
)

// newEval is a pending evaluation of a job.
func newEval(tx *state.Tx, job *nomadapi.Job, trigger string) *nomadapi.Evaluation {
	now := time.Now().UnixNano()
	return &nomadapi.Evaluation{
		ID: newID(), Namespace: *job.Namespace, Priority: *job.Priority, Type: *job.Type,
		TriggeredBy: trigger, JobID: *job.ID, JobModifyIndex: *job.JobModifyIndex,
		Status:      nomadapi.EvalStatusPending,
		CreateIndex: tx.Index(), ModifyIndex: tx.Index(), CreateTime: now, ModifyTime: now,
	}
}

// changed is a copy of an evaluation as this transaction changes it.
func changed(tx *state.Tx, e *nomadapi.Evaluation) *nomadapi.Evaluation {
	c := *e
	c.ModifyIndex, c.ModifyTime = tx.Index(), time.Now().UnixNano()
	return &c
}

// evaluate processes evaluations, one after the other, as they come or are due.
func (s *Server) evaluate(ctx context.Context) {
	for {
		news := s.state.Changed()
		due, next := s.nextEval(time.Now())
		if due != nil {
			if err := s.process(due); err != nil {
				s.log.Error("evaluation failed", "eval", due.ID, "err", err)
				if !pause(ctx, time.Second) {
					return
				}
			}
			if ctx.Err() != nil {
				return
			}
			continue
		}
		wait := time.Hour
		if !next.IsZero() {
			wait = time.Until(next)
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-news:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// nextEval is the oldest evaluation that is due, or when the next one will be.
func (s *Server) nextEval(now time.Time) (due *nomadapi.Evaluation, next time.Time) {
	s.state.View(func(v *state.View) {
		for _, e := range v.Evals("*") {
			if e.Status != nomadapi.EvalStatusPending {
				continue
			}
			if !e.WaitUntil.After(now) {
				due = e
				return
			}
			if next.IsZero() || e.WaitUntil.Before(next) {
				next = e.WaitUntil
			}
		}
	})
	return due, next
}

// process plans one evaluation, applies the plan in one transaction and ends
// the evaluation in the next, as Nomad's two raft entries do.
func (s *Server) process(e *nomadapi.Evaluation) error {
	var plan *sched.Plan
	var snapshot uint64
	var followup *nomadapi.Evaluation
	_, err := s.update("PlanResult", func(tx *state.Tx) error {
		snapshot = tx.View.Index()
		plan = s.plan(&tx.View, e)
		followup = followUp(tx, e, plan)
		apply(tx, plan, followup)
		return nil
	})
	if err != nil {
		return err
	}
	_, err = s.update("EvaluationUpdated", func(tx *state.Tx) error {
		finish(tx, e, plan, snapshot, followup)
		return nil
	})
	return err
}

func (s *Server) plan(v *state.View, e *nomadapi.Evaluation) *sched.Plan {
	var job *nomadapi.Job
	if row := v.Job(e.Namespace, e.JobID); row != nil {
		job = row.Current()
	}
	return sched.Reconcile(s.input(v, job, e.Namespace, e.JobID, e.ID))
}

func (s *Server) input(v *state.View, job *nomadapi.Job, namespace, id, eval string) sched.Input {
	in := sched.Input{
		EvalID: eval, Job: job, Nodes: v.Nodes(), Volumes: v.Volumes("*"), Now: time.Now(), NewID: newID, PortFree: portFree,
	}
	for _, a := range v.Allocs("*") {
		if a.Namespace == namespace && a.JobID == id {
			in.Allocs = append(in.Allocs, a)
		} else {
			in.Others = append(in.Others, a)
		}
	}
	return in
}

// followUp is one evaluation for all failed instances that have to wait, at the
// time of the earliest; the others are then found due, or wait on.
func followUp(tx *state.Tx, e *nomadapi.Evaluation, plan *sched.Plan) *nomadapi.Evaluation {
	if len(plan.Later) == 0 {
		return nil
	}
	row := tx.Job(e.Namespace, e.JobID)
	if row == nil {
		return nil
	}
	f := newEval(tx, row.Current(), byReschedule)
	f.PreviousEval, f.StatusDescription = e.ID, "created for delayed rescheduling"
	for _, later := range plan.Later {
		if f.WaitUntil.IsZero() || later.At.Before(f.WaitUntil) {
			f.WaitUntil = later.At
		}
	}
	return f
}

// apply puts a plan's allocations.
func apply(tx *state.Tx, plan *sched.Plan, followup *nomadapi.Evaluation) {
	now := time.Now().UnixNano()
	stamp := func(a *state.Alloc) {
		a.ModifyIndex, a.ModifyTime = tx.Index(), now
		tx.PutAlloc(a)
	}
	for _, a := range plan.Stop {
		a.AllocModifyIndex = tx.Index()
		stamp(a)
	}
	for _, a := range plan.InPlace {
		a.AllocModifyIndex = tx.Index()
		a.HealthDeadline = healthDeadline(a)
		stamp(a)
	}
	for _, a := range plan.Place {
		a.CreateIndex, a.CreateTime, a.AllocModifyIndex = tx.Index(), now, tx.Index()
		a.HealthDeadline = healthDeadline(a)
		stamp(a)
	}
	if followup == nil {
		return
	}
	tx.PutEval(followup)
	for _, later := range plan.Later {
		later.Alloc.FollowupEvalID = followup.ID
		stamp(later.Alloc)
	}
}

// finish ends an evaluation, or blocks it, and settles the job's blocked ones.
func finish(tx *state.Tx, e *nomadapi.Evaluation, plan *sched.Plan, snapshot uint64, followup *nomadapi.Evaluation) {
	c := changed(tx, e)
	c.Status, c.StatusDescription = nomadapi.EvalStatusComplete, ""
	c.SnapshotIndex = snapshot
	c.QueuedAllocations, c.FailedTGAllocs = plan.Queued, plan.Failed
	c.PlanAnnotations = &nomadapi.PlanAnnotations{DesiredTGUpdates: plan.Desired}
	if followup != nil {
		c.NextEval = followup.ID
	}
	row := tx.Job(e.Namespace, e.JobID)
	if len(plan.Failed) == 0 || row == nil {
		cancelBlocked(tx, e, fmt.Sprintf("evaluation %q successful", e.ID))
		tx.PutEval(c)
		return
	}
	if e.TriggeredBy == byQueued {
		c.Status, c.StatusDescription = nomadapi.EvalStatusBlocked, blockedDescription
		tx.PutEval(c)
		return
	}
	cancelBlocked(tx, e, fmt.Sprintf("existing blocked evaluation exists for job %q", e.JobID))
	b := newEval(tx, row.Current(), byQueued)
	b.Status, b.StatusDescription, b.PreviousEval = nomadapi.EvalStatusBlocked, blockedDescription, e.ID
	b.FailedTGAllocs, b.SnapshotIndex = plan.Failed, snapshot
	tx.PutEval(b)
	c.BlockedEval = b.ID
	tx.PutEval(c)
}

const blockedDescription = "created to place remaining allocations"

func cancelBlocked(tx *state.Tx, e *nomadapi.Evaluation, why string) {
	for _, b := range tx.JobEvals(e.Namespace, e.JobID) {
		if b.ID == e.ID || b.Status != nomadapi.EvalStatusBlocked {
			continue
		}
		c := changed(tx, b)
		c.Status, c.StatusDescription = nomadapi.EvalStatusCancelled, why
		tx.PutEval(c)
	}
}

// unblock has all blocked evaluations look again: there may be room.
func unblock(tx *state.Tx) {
	for _, b := range tx.Evals("*") {
		if b.Status == nomadapi.EvalStatusBlocked {
			c := changed(tx, b)
			c.Status = nomadapi.EvalStatusPending
			tx.PutEval(c)
		}
	}
}

func healthDeadline(a *state.Alloc) time.Time {
	limit := 5 * time.Minute
	if tg := a.Group(); tg != nil && tg.Migrate != nil && tg.Migrate.HealthyDeadline != nil {
		limit = *tg.Migrate.HealthyDeadline
	}
	return time.Now().Add(limit)
}
