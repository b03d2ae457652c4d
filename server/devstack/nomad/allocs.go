package nomad

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"
	"golang.org/x/sys/unix"

	"github.com/crumpet-paas/crumpet/server/devstack/nomad/state"
)

// stubs are allocations as lists show them.
func stubs(allocs []*state.Alloc, r *http.Request) []*nomadapi.AllocationListStub {
	out := []*nomadapi.AllocationListStub{}
	taskStates := r.URL.Query().Get("task_states") != "false"
	for _, a := range allocs {
		stub := &nomadapi.AllocationListStub{
			ID: a.ID, EvalID: a.EvalID, Name: a.Name, Namespace: a.Namespace, NodeID: a.NodeID, NodeName: a.NodeName,
			JobID: a.JobID, JobType: *a.Job.Type, JobVersion: *a.Job.Version, TaskGroup: a.TaskGroup,
			DesiredStatus: a.DesiredStatus, DesiredDescription: a.DesiredDescription,
			ClientStatus: a.ClientStatus, ClientDescription: a.ClientDescription,
			DeploymentStatus: a.DeploymentStatus, FollowupEvalID: a.FollowupEvalID, NextAllocation: a.NextAllocation,
			RescheduleTracker: a.RescheduleTracker, CreateIndex: a.CreateIndex, ModifyIndex: a.ModifyIndex,
			CreateTime: a.CreateTime, ModifyTime: a.ModifyTime,
		}
		if taskStates {
			stub.TaskStates = a.TaskStates
		}
		if boolParam(r, "resources") {
			stub.AllocatedResources = a.AllocatedResources
		}
		out = append(out, stub)
	}
	return out
}

func (s *Server) listAllocs(v *state.View, r *http.Request) (any, uint64, error) {
	if r.URL.Query().Get("filter") != "" {
		return nil, 0, fail(http.StatusNotImplemented, "the embedded Nomad does not serve filters")
	}
	var allocs []*state.Alloc
	for _, a := range v.Allocs(namespace(r)) {
		if strings.HasPrefix(a.ID, r.URL.Query().Get("prefix")) {
			allocs = append(allocs, a)
		}
	}
	return stubs(allocs, r), v.Last(state.Allocs), nil
}

// findAlloc finds an allocation by its whole id.
func findAlloc(v *state.View, id string) (*state.Alloc, error) {
	if len(id) != 36 {
		return nil, fail(http.StatusInternalServerError, "alloc lookup failed: index error: UUID must be 36 characters")
	}
	a := v.Alloc(id)
	if a == nil {
		return nil, notFound("alloc")
	}
	return a, nil
}

func (s *Server) getAlloc(v *state.View, r *http.Request) (any, uint64, error) {
	a, err := findAlloc(v, r.PathValue("id"))
	if err != nil {
		return nil, v.Last(state.Allocs), err
	}
	return &a.Allocation, a.ModifyIndex, nil
}

// stopAlloc has an allocation replaced, as `nomad alloc stop` does.
func (s *Server) stopAlloc(r *http.Request) (any, uint64, error) {
	var e *nomadapi.Evaluation
	index, err := s.update("AllocationUpdateDesiredStatus", func(tx *state.Tx) error {
		old := tx.Alloc(r.PathValue("id"))
		if old == nil {
			return notFound("allocation")
		}
		a := old.Copy()
		a.DesiredTransition.Migrate = new(true)
		a.DesiredTransition.NoShutdownDelay = new(boolParam(r, "no_shutdown_delay"))
		a.ModifyIndex = tx.Index()
		tx.PutAlloc(a)
		job := a.Job
		if row := tx.Job(a.Namespace, a.JobID); row != nil {
			job = row.Current()
		}
		e = newEval(tx, job, byStop)
		tx.PutEval(e)
		return nil
	})
	if err != nil {
		return nil, 0, err
	}
	return map[string]any{"EvalID": e.ID, "Index": index}, index, nil
}

// clientTimeout is more than the longest shutdown_delay and kill_timeout that
// make sense on one machine.
const clientTimeout = 5 * time.Minute

func (s *Server) restartAlloc(r *http.Request) (any, uint64, error) {
	var in nomadapi.AllocationRestartRequest
	if err := decode(r, &in); err != nil {
		return nil, 0, err
	}
	return s.askAlloc(r, &restart{task: in.TaskName, reason: "User requested task to restart", done: make(chan error, 1)})
}

func (s *Server) signalAlloc(r *http.Request) (any, uint64, error) {
	var in nomadapi.AllocSignalRequest
	if err := decode(r, &in); err != nil {
		return nil, 0, err
	}
	signal := unix.SignalNum(orDefault(in.Signal, "SIGINT"))
	if signal == 0 {
		return nil, 0, fail(http.StatusInternalServerError, "signal %q is not known", in.Signal)
	}
	return s.askAlloc(r, &restart{task: in.Task, signal: signal, done: make(chan error, 1)})
}

func (s *Server) askAlloc(r *http.Request, ask *restart) (any, uint64, error) {
	a, err := s.clientAlloc(r)
	if err != nil {
		return nil, 0, err
	}
	if ask.task != "" && a.TaskStates[ask.task] == nil {
		return nil, 0, fail(http.StatusInternalServerError, "Could not find task runner for task: %s", ask.task)
	}
	ctx, cancel := context.WithTimeout(r.Context(), clientTimeout)
	defer cancel()
	if err := s.ask(ctx, r.PathValue("id"), ask); err != nil {
		if errors.Is(err, context.DeadlineExceeded) {
			return nil, 0, fail(http.StatusInternalServerError, "the task did not end in time")
		}
		return nil, 0, err
	}
	return map[string]any{"Index": 0}, 0, nil
}
