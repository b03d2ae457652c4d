package nomad

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/devstack/nomad/state"
	"github.com/crumpet-paas/crumpet/server/devstack/nomad/valid"
)

// jobRequest is the body of register, plan and validate.
type jobRequest struct {
	Job            *nomadapi.Job
	EnforceIndex   bool
	JobModifyIndex uint64
	PreserveCounts bool
	EvalPriority   int
	Diff           bool
}

func (s *Server) jobBody(r *http.Request) (jobRequest, error) {
	var in jobRequest
	if err := decode(r, &in); err != nil {
		return in, err
	}
	if in.Job == nil {
		return in, fail(http.StatusBadRequest, "Job must be specified")
	}
	if in.Job.ID == nil || *in.Job.ID == "" {
		return in, fail(http.StatusBadRequest, "Job ID hasn't been provided")
	}
	if id := r.PathValue("id"); id != "" && id != *in.Job.ID {
		return in, fail(http.StatusBadRequest, "Job ID does not match")
	}
	if in.Job.Namespace == nil || *in.Job.Namespace == "" {
		in.Job.Namespace = new(namespace(r))
	}
	canonicalize(in.Job)
	return in, nil
}

type jobRegistered struct {
	EvalID          string
	EvalCreateIndex uint64
	JobModifyIndex  uint64
	Warnings        string
	Index           uint64
	KnownLeader     bool
	LastContact     int
	NextToken       string
}

func (s *Server) registerJob(r *http.Request) (any, uint64, error) {
	in, err := s.jobBody(r)
	if err != nil {
		return nil, 0, err
	}
	if err := multi(faults(in.Job)); err != nil {
		return nil, 0, err
	}
	var out jobRegistered
	index, err := s.update("JobRegistered", func(tx *state.Tx) error {
		if tx.Namespace(*in.Job.Namespace) == nil {
			return multi([]string{fmt.Sprintf("job %q is in nonexistent namespace %q", *in.Job.ID, *in.Job.Namespace)})
		}
		row := tx.Job(*in.Job.Namespace, *in.Job.ID)
		if in.EnforceIndex {
			if err := enforce(row, in.JobModifyIndex); err != nil {
				return err
			}
		}
		if in.PreserveCounts && row != nil {
			preserveCounts(in.Job, row.Current())
		}
		if row != nil {
			if err := updatable(row.Current(), in.Job); err != nil {
				return err
			}
		}
		job := in.Job
		if row != nil && sameSpec(row.Current(), job) {
			job = row.Current()
		} else {
			putVersion(tx, row, job)
		}
		out.JobModifyIndex = *job.ModifyIndex
		if periodic(job) { // its launches are evaluated, not the job
			return nil
		}
		e := newEval(tx, job, byRegister)
		if in.EvalPriority > 0 {
			e.Priority = in.EvalPriority
		}
		tx.PutEval(e)
		out.EvalID, out.EvalCreateIndex = e.ID, tx.Index()
		return nil
	})
	if err != nil {
		return nil, 0, err
	}
	out.Index = index
	out.Warnings = valid.Warned(valid.Warnings(in.Job))
	return out, index, nil
}

// faults are what is wrong with a job, and a pool that is not there.
func faults(job *nomadapi.Job) []string {
	var out []string
	if pool := *job.NodePool; pool != "default" && pool != "all" {
		out = append(out, fmt.Sprintf("job %q is in nonexistent node pool %q", *job.ID, pool))
	}
	return append(out, valid.Job(job)...)
}

// enforce is the compare-and-set of register. Zero means: there must be none.
func enforce(row *state.Job, index uint64) error {
	const status = http.StatusInternalServerError
	switch {
	case row == nil && index != 0:
		return fail(status, "Enforcing job modify index %d: job does not exist", index)
	case row != nil && index == 0:
		return fail(status, "Enforcing job modify index 0: job already exists")
	case row != nil && *row.Current().JobModifyIndex != index:
		return fail(status, "Enforcing job modify index %d: job exists with conflicting job modify index: %d", index, *row.Current().JobModifyIndex)
	}
	return nil
}

// updatable refuses what a job can't become.
func updatable(old, job *nomadapi.Job) error {
	const status = http.StatusInternalServerError
	switch {
	case *old.Type != *job.Type:
		return fail(status, "cannot update job from type %q to %q", *old.Type, *job.Type)
	case periodic(old) && !periodic(job):
		return fail(status, "cannot update periodic job to being non-periodic")
	case !periodic(old) && periodic(job):
		return fail(status, "cannot update non-periodic job to being periodic")
	}
	return nil
}

func preserveCounts(job, old *nomadapi.Job) {
	for _, tg := range job.TaskGroups {
		if was := old.LookupTaskGroup(*tg.Name); was != nil {
			tg.Count = was.Count
		}
	}
}

// putVersion stores a job as the next version of what row holds.
func putVersion(tx *state.Tx, row *state.Job, job *nomadapi.Job) {
	next := *job
	next.Version, next.CreateIndex = new(uint64(0)), new(tx.Index())
	if row != nil {
		next.Version, next.CreateIndex = new(*row.Current().Version+1), row.Current().CreateIndex
	}
	next.ModifyIndex, next.JobModifyIndex = new(tx.Index()), new(tx.Index())
	next.SubmitTime = new(time.Now().UnixNano())
	next.Status, next.StatusDescription, next.Stable = new("pending"), new(""), new(false)
	*job = next
	if row == nil {
		row = &state.Job{}
		if periodic(&next) {
			row.Launched = time.Now()
		}
	}
	tx.PutJob(row.With(&next))
}

// sameSpec compares what users write, without what the server adds.
func sameSpec(a, b *nomadapi.Job) bool {
	return bytes.Equal(specText(a), specText(b))
}

func specText(job *nomadapi.Job) []byte {
	c := *job
	c.Version, c.CreateIndex, c.ModifyIndex, c.JobModifyIndex, c.SubmitTime = nil, nil, nil, nil, nil
	c.Status, c.StatusDescription, c.Stable, c.NomadTokenID, c.VersionTag = nil, nil, nil, nil, nil
	c.Stop = new(stopped(job))
	out, err := json.Marshal(&c)
	if err != nil {
		return []byte(err.Error()) // never equal to a job
	}
	return out
}

func (s *Server) deregisterJob(r *http.Request) (any, uint64, error) {
	id, purge := r.PathValue("id"), boolParam(r, "purge")
	var e *nomadapi.Evaluation
	index, err := s.update("JobDeregistered", func(tx *state.Tx) error {
		row := tx.Job(namespace(r), id)
		if row == nil {
			return nil
		}
		job := *row.Current()
		job.Stop = new(true)
		if purge {
			job.JobModifyIndex = new(tx.Index())
			tx.DeleteJob(*job.Namespace, id)
		} else {
			putVersion(tx, row, &job)
		}
		if periodic(&job) {
			return nil
		}
		e = newEval(tx, &job, byDeregister)
		tx.PutEval(e)
		return nil
	})
	if err != nil {
		return nil, 0, err
	}
	out := map[string]any{"EvalID": "", "EvalCreateIndex": 0, "JobModifyIndex": 0, "Index": 0}
	if e == nil {
		out["JobModifyIndex"], out["EvalCreateIndex"], out["Index"] = index, index, index
		return out, index, nil
	}
	return map[string]any{"EvalID": e.ID, "EvalCreateIndex": index, "JobModifyIndex": index, "Index": index}, index, nil
}

// evaluateJob has a job looked at again.
func (s *Server) evaluateJob(r *http.Request) (any, uint64, error) {
	var out jobRegistered
	index, err := s.update("EvaluationUpdated", func(tx *state.Tx) error {
		row := tx.Job(namespace(r), r.PathValue("id"))
		if row == nil {
			return notFound("job")
		}
		if periodic(row.Current()) {
			return fail(http.StatusInternalServerError, "can't evaluate periodic job")
		}
		e := newEval(tx, row.Current(), byRegister)
		tx.PutEval(e)
		out.EvalID, out.JobModifyIndex = e.ID, *row.Current().ModifyIndex
		return nil
	})
	out.EvalCreateIndex, out.Index = index, index
	return out, index, err
}

func (s *Server) validateJob(r *http.Request) (any, uint64, error) {
	var in jobRequest
	if err := decode(r, &in); err != nil {
		return nil, 0, err
	}
	if in.Job == nil {
		return nil, 0, fail(http.StatusBadRequest, "Job must be specified")
	}
	canonicalize(in.Job)
	out := nomadapi.JobValidateResponse{DriverConfigValidated: true, Warnings: valid.Warned(valid.Warnings(in.Job))}
	if faults := faults(in.Job); len(faults) > 0 {
		out.ValidationErrors, out.Error = faults, multi(faults).Error()
	}
	return out, 0, nil
}

func (s *Server) listJobs(v *state.View, r *http.Request) (any, uint64, error) {
	if r.URL.Query().Get("filter") != "" {
		return nil, 0, fail(http.StatusNotImplemented, "the embedded Nomad does not serve filters")
	}
	out := []*nomadapi.JobListStub{}
	for _, row := range v.Jobs(namespace(r)) {
		job := row.Current()
		if !strings.HasPrefix(*job.ID, r.URL.Query().Get("prefix")) {
			continue
		}
		stub := &nomadapi.JobListStub{
			ID: *job.ID, Name: *job.Name, Namespace: *job.Namespace, Datacenters: job.Datacenters, Type: *job.Type,
			ParentID: *orDefault(job.ParentID, new("")), Periodic: periodic(job), Priority: *job.Priority, Stop: stopped(job), Status: *job.Status, JobSummary: summary(v, job),
			CreateIndex: *job.CreateIndex, ModifyIndex: *job.ModifyIndex, JobModifyIndex: *job.JobModifyIndex, SubmitTime: *job.SubmitTime,
		}
		if boolParam(r, "meta") {
			stub.Meta = job.Meta
		}
		out = append(out, stub)
	}
	return out, v.Last(state.Jobs, state.Allocs), nil
}

func (s *Server) getJob(v *state.View, r *http.Request) (any, uint64, error) {
	row := v.Job(namespace(r), r.PathValue("id"))
	if row == nil {
		return nil, v.Last(state.Jobs), notFound("job")
	}
	return row.Current(), *row.Current().ModifyIndex, nil
}

func (s *Server) jobVersions(v *state.View, r *http.Request) (any, uint64, error) {
	row := v.Job(namespace(r), r.PathValue("id"))
	if row == nil {
		return nil, v.Last(state.Jobs), notFound("job versions")
	}
	out := nomadapi.JobVersionsResponse{Versions: row.Versions}
	if boolParam(r, "diffs") {
		for i := range len(row.Versions) - 1 {
			out.Diffs = append(out.Diffs, diffJobs(row.Versions[i+1], row.Versions[i]))
		}
	}
	return out, *row.Current().ModifyIndex, nil
}

func (s *Server) jobSummary(v *state.View, r *http.Request) (any, uint64, error) {
	row := v.Job(namespace(r), r.PathValue("id"))
	if row == nil {
		return nil, v.Last(state.Jobs, state.Allocs), notFound("job")
	}
	sum := summary(v, row.Current())
	return sum, sum.ModifyIndex, nil
}

func (s *Server) jobAllocs(v *state.View, r *http.Request) (any, uint64, error) {
	allocs := v.JobAllocs(namespace(r), r.PathValue("id"))
	index := uint64(0)
	for _, a := range allocs {
		index = max(index, a.ModifyIndex)
	}
	return stubs(allocs, r), orDefault(index, v.Last(state.Allocs)), nil
}

func (s *Server) jobEvals(v *state.View, r *http.Request) (any, uint64, error) {
	evals := v.JobEvals(namespace(r), r.PathValue("id"))
	slices.Reverse(evals)
	index := uint64(0)
	for _, e := range evals {
		index = max(index, e.ModifyIndex)
	}
	if evals == nil {
		evals = []*nomadapi.Evaluation{}
	}
	return evals, orDefault(index, v.Last(state.Evals)), nil
}

// There are no deployments: see doc.go.
func (s *Server) jobDeployments(*state.View, *http.Request) (any, uint64, error) {
	return []*nomadapi.Deployment{}, 0, nil
}

func (s *Server) jobDeployment(*state.View, *http.Request) (any, uint64, error) { return nil, 0, nil }

func (s *Server) listDeployments(*state.View, *http.Request) (any, uint64, error) {
	return []*nomadapi.Deployment{}, 0, nil
}
