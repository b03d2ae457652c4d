package deploy

import (
	"context"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// stopJob ends a job whose id will be used again, by an app of the same name or a later release: what
// a leader of before had in mind for it must not hit what stands there now. Nomad's deregister asks for no index, so
// the job is registered as a stopped one, over exactly what was read. It is not purged, as a purge asks
// for none either: Nomad forgets stopped jobs by itself, after its job_gc_threshold. Code conflict: it moved.
func stopJob(ctx context.Context, s Scheduler, team, id string) error {
	job, err := s.Job(ctx, team, id)
	if err != nil {
		return err
	}
	return stop(ctx, s, team, job)
}

// stop is stopJob for a job that was read already; nil is none.
func stop(ctx context.Context, s Scheduler, team string, job *nomadapi.Job) error {
	if job == nil || pointed(job.Stop) {
		return nil
	}
	last := *job
	last.Stop = new(true)
	_, err := s.Register(ctx, team, &last, deref(job.JobModifyIndex))
	return err
}

// purgeable says that an id is never used again, so that whatever is asked of it can mean one job only: those of
// runs are drawn, and those of a cron's firings hold their time.
func purgeable(id string) bool {
	side, ok := paas.ParseSideJob(id)
	return ok && (side.Kind == paas.JobRun || side.Kind == paas.JobCron && id != paas.ParentJob(id))
}

// forget takes a side job that is over, or not wanted any more, out of Nomad.
func (d *Deployer) forget(ctx context.Context, row paas.Side) error {
	if purgeable(row.Job) {
		return d.scheduler.Deregister(ctx, row.Team, row.Job, true)
	}
	return stopJob(ctx, d.scheduler, row.Team, row.Job)
}

// formerLife says that what stands in Nomad for a task was stopped before the task was wished for: it is of an app of the
// same name that was destroyed. A job that somebody has stopped since is the task's own, which is not to run twice.
func formerLife(job *nomadapi.Job, row paas.Side) bool {
	return pointed(job.Stop) && time.Unix(0, pointed(job.SubmitTime)).Before(row.CreatedAt)
}
