package jobspec

import (
	"cmp"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// TaskJob renders the job that runs a task of a release once.
//
// Nomad ends it at its timeout, counted from its placement and over all attempts, and then calls the
// allocation complete, not failed: only its description tells ("allocation exceeded max_run_duration").
func TaskJob(in Input, t paas.Task, id paas.SideJob) *nomadapi.Job {
	return once(in, id.String(), t.Name, t.Program, t.Attempts, t.Timeout)
}

// CronJob renders the job that runs a cron of a release on its schedule. It holds nothing of the
// release but its program, so that the same cron of the next release is the same job.
func CronJob(in Input, c paas.Cron) *nomadapi.Job {
	id := paas.SideJob{App: in.Release.App, Kind: paas.JobCron, Name: c.Name}
	job := once(in, id.String(), c.Name, c.Program, c.Attempts, c.Timeout)
	job.Periodic = &nomadapi.PeriodicConfig{
		Enabled:         new(true),
		SpecType:        new(nomadapi.PeriodicSpecCron),
		Specs:           []string{c.Schedule},
		TimeZone:        new(cmp.Or(c.TimeZone, paas.DefaultTimeZone)),
		ProhibitOverlap: new(!c.Overlap),
	}
	return job
}

// once is a batch job with a single instance. Distinct hosts and spreads have no meaning for it.
func once(in Input, id, name string, p paas.Program, attempts int, timeout time.Duration) *nomadapi.Job {
	job := bare(in, id, nomadapi.JobTypeBatch)
	job.Constraints, job.Affinities, _ = placed(paas.Placement{
		Constraints: in.Release.Spec.Placement.Constraints,
		Affinities:  in.Release.Spec.Placement.Affinities,
	})
	job.TaskGroups = []*nomadapi.TaskGroup{{
		Name:             new(name),
		Count:            new(1),
		RestartPolicy:    again(attempts, timeout),
		ReschedulePolicy: never(),
		MaxRunDuration:   new(timeout),
		Tasks:            []*nomadapi.Task{merged(program(in, name, p, given(in, name, nil)), p.NomadTask)},
	}}
	return job
}
