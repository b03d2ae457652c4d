package nomad

import (
	"net/http"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/devstack/nomad/state"
)

// scaleJob changes the count of one group. Unlike a register it makes a version
// also when the count stays the same.
func (s *Server) scaleJob(r *http.Request) (any, uint64, error) {
	var in nomadapi.ScalingRequest
	if err := decode(r, &in); err != nil {
		return nil, 0, err
	}
	if in.Count == nil || *in.Count < 0 {
		return nil, 0, fail(http.StatusBadRequest, "scaling action must specify a count that is not negative")
	}
	group := in.Target["Group"]
	var out jobRegistered
	index, err := s.update("JobRegistered", func(tx *state.Tx) error {
		row := tx.Job(namespace(r), r.PathValue("id"))
		if row == nil {
			return fail(http.StatusNotFound, "job %q not found", r.PathValue("id"))
		}
		if in.JobModifyIndex != 0 {
			if err := enforce(row, in.JobModifyIndex); err != nil {
				return err
			}
		}
		job := *row.Current()
		if job.LookupTaskGroup(group) == nil {
			return fail(http.StatusBadRequest, "task group %q specified for scaling does not exist in job", group)
		}
		job.TaskGroups = nil
		for _, tg := range row.Current().TaskGroups {
			c := *tg
			if *tg.Name == group {
				c.Count = new(int(*in.Count))
			}
			job.TaskGroups = append(job.TaskGroups, &c)
		}
		putVersion(tx, row, &job)
		e := newEval(tx, &job, byScaling)
		tx.PutEval(e)
		out.EvalID, out.JobModifyIndex = e.ID, *job.ModifyIndex
		return nil
	})
	out.EvalCreateIndex, out.Index = index, index
	return out, index, err
}

func (s *Server) scaleStatus(v *state.View, r *http.Request) (any, uint64, error) {
	row := v.Job(namespace(r), r.PathValue("id"))
	if row == nil {
		return nil, v.Last(state.Jobs), notFound("job")
	}
	job := row.Current()
	out := nomadapi.JobScaleStatusResponse{
		JobID: *job.ID, Namespace: *job.Namespace, JobCreateIndex: *job.CreateIndex,
		JobModifyIndex: *job.JobModifyIndex, JobStopped: stopped(job), TaskGroups: map[string]nomadapi.TaskGroupScaleStatus{},
	}
	for _, tg := range job.TaskGroups {
		out.TaskGroups[*tg.Name] = nomadapi.TaskGroupScaleStatus{Desired: *tg.Count}
	}
	for _, a := range v.JobAllocs(*job.Namespace, *job.ID) {
		g, known := out.TaskGroups[a.TaskGroup]
		if !known || a.Terminal() {
			continue
		}
		g.Placed++
		if a.ClientStatus == nomadapi.AllocClientStatusRunning {
			g.Running++
		}
		if d := a.DeploymentStatus; d != nil && d.Healthy != nil {
			if *d.Healthy {
				g.Healthy++
			} else {
				g.Unhealthy++
			}
		}
		out.TaskGroups[a.TaskGroup] = g
	}
	return out, *job.ModifyIndex, nil
}
