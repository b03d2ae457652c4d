package nomad

import (
	"fmt"
	"net/http"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/devstack/nomad/sched"
	"github.com/crumpet-paas/crumpet/server/devstack/nomad/state"
	"github.com/crumpet-paas/crumpet/server/devstack/nomad/valid"
)

// planned has null where nothing is, as Nomad's answer.
type planned struct {
	Annotations        *nomadapi.PlanAnnotations
	FailedTGAllocs     map[string]*nomadapi.AllocationMetric
	JobModifyIndex     uint64
	CreatedEvals       []*nomadapi.Evaluation
	Diff               *nomadapi.JobDiff
	NextPeriodicLaunch *time.Time
	Warnings           string
	Index              uint64
}

// planJob schedules a job that is not registered and tells what would happen.
func (s *Server) planJob(r *http.Request) (any, uint64, error) {
	in, err := s.jobBody(r)
	if err != nil {
		return nil, 0, err
	}
	if err := multi(faults(in.Job)); err != nil {
		return nil, 0, err
	}
	var out planned
	s.state.View(func(v *state.View) {
		if v.Namespace(*in.Job.Namespace) == nil {
			err = multi([]string{fmt.Sprintf("job %q is in nonexistent namespace %q", *in.Job.ID, *in.Job.Namespace)})
			return
		}
		job := *in.Job
		var old *nomadapi.Job
		job.JobModifyIndex, job.Version, job.Status = new(v.Index()+1), new(uint64(0)), new("pending")
		job.CreateIndex, job.ModifyIndex = job.JobModifyIndex, job.JobModifyIndex
		if row := v.Job(*job.Namespace, *job.ID); row != nil {
			old = row.Current()
			if err = updatable(old, &job); err != nil {
				return
			}
			out.JobModifyIndex = *old.JobModifyIndex
			job.Version = new(*old.Version + 1)
			if sameSpec(old, &job) {
				job = *old
			}
		}
		if active(in.Job) {
			out.NextPeriodicLaunch = new(after(in.Job, time.Now()))
		}
		eval := newID()
		plan := sched.Reconcile(s.input(v, &job, *job.Namespace, *job.ID, eval))
		out.Annotations = &nomadapi.PlanAnnotations{DesiredTGUpdates: plan.Desired}
		out.FailedTGAllocs = plan.Failed
		if len(plan.Failed) > 0 {
			out.CreatedEvals = []*nomadapi.Evaluation{{
				ID: newID(), Namespace: *job.Namespace, JobID: *job.ID, Priority: *job.Priority, Type: *job.Type,
				TriggeredBy: byQueued, Status: nomadapi.EvalStatusBlocked, StatusDescription: blockedDescription,
				PreviousEval: eval, FailedTGAllocs: plan.Failed,
			}}
		}
		if in.Diff {
			out.Diff = diffJobs(old, &job)
			annotate(out.Diff, plan.Desired)
		}
	})
	out.Index = out.JobModifyIndex
	out.Warnings = valid.Warned(valid.Warnings(in.Job))
	return out, out.JobModifyIndex, err
}
