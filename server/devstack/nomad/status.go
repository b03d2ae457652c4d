package nomad

import (
	"strings"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/devstack/nomad/state"
)

// refreshStatus gives each job the transaction touches the status that its
// allocations and evaluations make. A change of status moves the job's
// ModifyIndex, never its JobModifyIndex.
func refreshStatus(tx *state.Tx) {
	for key := range tx.Touched() {
		namespace, id, _ := strings.Cut(key, "/")
		row := tx.Job(namespace, id)
		if row == nil {
			continue
		}
		job := row.Current()
		status := jobStatus(&tx.View, job)
		if job.Status != nil && *job.Status == status {
			continue
		}
		c := *job
		c.Status, c.ModifyIndex = &status, new(tx.Index())
		tx.PutJob(row.Replace(&c))
	}
}

func jobStatus(v *state.View, job *nomadapi.Job) string {
	if periodic(job) { // until it is stopped, whatever its children do
		if stopped(job) {
			return "dead"
		}
		return "running"
	}
	allocs := v.JobAllocs(*job.Namespace, *job.ID)
	for _, a := range allocs {
		if !a.Terminal() {
			return "running"
		}
	}
	evals := v.JobEvals(*job.Namespace, *job.ID)
	for _, e := range evals {
		if !ended(e) {
			return "pending"
		}
	}
	if !stopped(job) && len(evals)+len(allocs) == 0 {
		return "pending"
	}
	return "dead"
}

func stopped(job *nomadapi.Job) bool { return job.Stop != nil && *job.Stop }

// ended tells that an evaluation will not be looked at again.
func ended(e *nomadapi.Evaluation) bool {
	switch e.Status {
	case nomadapi.EvalStatusComplete, nomadapi.EvalStatusFailed, nomadapi.EvalStatusCancelled:
		return true
	}
	return false
}

// summary counts a job's allocations. Its ModifyIndex is the newest change of
// what it counts.
func summary(v *state.View, job *nomadapi.Job) *nomadapi.JobSummary {
	out := &nomadapi.JobSummary{
		JobID: *job.ID, Namespace: *job.Namespace,
		Summary:     map[string]nomadapi.TaskGroupSummary{},
		Children:    &nomadapi.JobChildrenSummary{},
		CreateIndex: *job.CreateIndex, ModifyIndex: *job.JobModifyIndex,
	}
	for _, tg := range job.TaskGroups {
		out.Summary[*tg.Name] = nomadapi.TaskGroupSummary{}
	}
	for _, c := range children(v, job) {
		out.ModifyIndex = max(out.ModifyIndex, *c.ModifyIndex)
		switch *c.Status {
		case "pending":
			out.Children.Pending++
		case "running":
			out.Children.Running++
		default:
			out.Children.Dead++
		}
	}
	for _, e := range v.JobEvals(*job.Namespace, *job.ID) {
		out.ModifyIndex = max(out.ModifyIndex, e.ModifyIndex)
		if e.Status == nomadapi.EvalStatusCancelled {
			continue
		}
		for group, queued := range e.QueuedAllocations { // the newest counts
			g := out.Summary[group]
			g.Queued = queued
			out.Summary[group] = g
		}
	}
	for _, a := range v.JobAllocs(*job.Namespace, *job.ID) {
		out.ModifyIndex = max(out.ModifyIndex, a.ModifyIndex)
		g := out.Summary[a.TaskGroup]
		switch a.ClientStatus {
		case nomadapi.AllocClientStatusPending:
			g.Starting++
		case nomadapi.AllocClientStatusRunning:
			g.Running++
		case nomadapi.AllocClientStatusComplete:
			g.Complete++
		case nomadapi.AllocClientStatusFailed:
			g.Failed++
		case nomadapi.AllocClientStatusLost:
			g.Lost++
		default:
			g.Unknown++
		}
		out.Summary[a.TaskGroup] = g
	}
	return out
}
