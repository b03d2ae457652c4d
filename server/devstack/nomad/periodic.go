package nomad

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/devstack/nomad/state"
)

// launches are the next times of the periodic jobs, by namespace and id.
type launches map[string]launch

type launch struct {
	index uint64 // of the job it was computed from
	at    time.Time
}

func periodic(job *nomadapi.Job) bool { return job.Periodic != nil }

func active(job *nomadapi.Job) bool { return periodic(job) && *job.Periodic.Enabled && !stopped(job) }

// after is the next launch after a time, in the job's time zone; zero is never.
func after(job *nomadapi.Job, from time.Time) time.Time {
	zone, err := job.Periodic.GetLocation()
	if err != nil {
		zone = time.UTC // validation has refused it
	}
	next, err := job.Periodic.Next(from.In(zone))
	if err != nil {
		return time.Time{}
	}
	return next
}

// launch starts a child of each periodic job when its time has come. What was
// missed while the stand-in was down is made up for by one launch, at once.
func (s *Server) launch(ctx context.Context) {
	known := launches{}
	s.missed(time.Now())
	for {
		news := s.state.Changed()
		wait := s.launchDue(known, time.Now())
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

func (s *Server) periodicJobs() (rows []*state.Job) {
	s.state.View(func(v *state.View) {
		for _, row := range v.Jobs("*") {
			if active(row.Current()) {
				rows = append(rows, row)
			}
		}
	})
	return rows
}

func (s *Server) missed(now time.Time) {
	for _, row := range s.periodicJobs() {
		if next := after(row.Current(), row.Launched); !next.IsZero() && next.Before(now) {
			s.launchJob(row.Current(), now)
		}
	}
}

// launchDue launches what is due and tells how long until something is.
func (s *Server) launchDue(known launches, now time.Time) time.Duration {
	wait := time.Hour
	seen := launches{}
	for _, row := range s.periodicJobs() {
		job := row.Current()
		key := state.Key(*job.Namespace, *job.ID)
		next, found := known[key]
		if !found || next.index != *job.JobModifyIndex {
			next = launch{index: *job.JobModifyIndex, at: after(job, now)}
		}
		if !next.at.IsZero() && !next.at.After(now) {
			s.launchJob(job, next.at)
			next.at = after(job, next.at)
		}
		seen[key] = next
		if !next.at.IsZero() {
			wait = max(min(wait, next.at.Sub(now)), 0)
		}
	}
	clear(known)
	maps.Copy(known, seen)
	return wait
}

// launchJob starts a child, unless another one runs that it must not overlap.
func (s *Server) launchJob(job *nomadapi.Job, at time.Time) {
	_, err := s.update("JobRegistered", func(tx *state.Tx) error {
		row := tx.Job(*job.Namespace, *job.ID)
		if row == nil || !active(row.Current()) || (*job.Periodic.ProhibitOverlap && hasRunningChild(&tx.View, job)) {
			return nil
		}
		child(tx, row, at)
		return nil
	})
	if err != nil {
		s.log.Error("periodic job not launched", "job", *job.ID, "err", err)
	}
}

func children(v *state.View, job *nomadapi.Job) (jobs []*nomadapi.Job) {
	for _, row := range v.Jobs(*job.Namespace) {
		if c := row.Current(); c.ParentID != nil && *c.ParentID == *job.ID {
			jobs = append(jobs, c)
		}
	}
	return jobs
}

func hasRunningChild(v *state.View, job *nomadapi.Job) bool {
	for _, c := range children(v, job) {
		if *c.Status != "dead" {
			return true
		}
	}
	return false
}

// child registers the job that one launch is, named after its time.
func child(tx *state.Tx, row *state.Job, at time.Time) *nomadapi.Evaluation {
	job := *row.Current()
	job.ParentID = job.ID
	job.ID = new(fmt.Sprintf("%s/periodic-%d", *job.ID, at.Unix()))
	job.Name, job.Periodic = job.ID, nil
	putVersion(tx, tx.Job(*job.Namespace, *job.ID), &job)
	e := newEval(tx, &job, byPeriodic)
	tx.PutEval(e)
	tx.PutJob(row.LaunchedAt(at))
	return e
}

// forcePeriodic launches a periodic job now, whatever still runs of it.
func (s *Server) forcePeriodic(r *http.Request) (any, uint64, error) {
	var e *nomadapi.Evaluation
	const status = http.StatusInternalServerError
	index, err := s.update("JobRegistered", func(tx *state.Tx) error {
		row := tx.Job(namespace(r), r.PathValue("id"))
		switch {
		case row == nil:
			return fail(status, "job not found")
		case !periodic(row.Current()):
			return fail(status, "can't force launch non-periodic job")
		case !active(row.Current()):
			id := *row.Current().ID
			return fail(status, "force launch for job %q failed: can't force run non-tracked job %q (%s)", id, id, namespace(r))
		}
		e = child(tx, row, time.Now())
		return nil
	})
	if err != nil {
		return nil, 0, err
	}
	return map[string]any{"EvalID": e.ID, "EvalCreateIndex": index, "Index": index}, index, nil
}
