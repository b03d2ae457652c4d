package api

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/spec"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// runScope is the input of a call about one run.
type runScope struct {
	AppScope
	ID string `path:"id" doc:"The run, or the beginning of its id." minLength:"4"`
}

func (a *API) createRun(ctx context.Context, in *struct {
	AppScope
	Body wire.CreateRun
},
) (*reply[wire.Run], error) {
	ref, err := in.ref()
	if err != nil {
		return nil, err
	}
	r := paas.RunRequest{Ref: ref, Name: in.Body.Task, Args: in.Body.Args, Command: in.Body.Command, By: caller(ctx)}
	args := r.Args
	switch command := len(r.Command) > 0; {
	case command == (r.Name != ""):
		return nil, invalid("body", "Name a task, or give a command, and not both.")
	case command && len(r.Args) > 0:
		return nil, invalid("body.args", "The arguments of a command stand in it.")
	case command:
		r.Name, args = in.Body.Process, r.Command
	case in.Body.Process != "":
		return nil, invalid("body.process", "A process is named with a command only.")
	}
	noteAudit(ctx, r.Name, nil, nil)
	run, err := a.Deployer.Once(ctx, r)
	if err != nil {
		return nil, err
	}
	return &reply[wire.Run]{http.StatusAccepted, presentRun(run, paas.Side{Args: args, By: caller(ctx)})}, nil
}

func (a *API) runs(ctx context.Context, in *AppScope) (*body[wire.Runs], error) {
	s, err := a.snapshot(ctx, in)
	if err != nil {
		return nil, err
	}
	return &body[wire.Runs]{wire.Runs{Items: items(runsOf(s))}}, nil
}

func (a *API) run(ctx context.Context, in *runScope) (*body[wire.Run], error) {
	_, run, err := a.findRun(ctx, in)
	if err != nil {
		return nil, err
	}
	return &body[wire.Run]{run}, nil
}

// stopRun answers 202: what runs has its kill timeout to end in.
func (a *API) stopRun(ctx context.Context, in *runScope) (*reply[wire.Run], error) {
	job, run, err := a.findRun(ctx, in)
	if err != nil {
		return nil, err
	}
	if err := a.Deployer.EndRun(ctx, paas.AppRef{Team: run.Team, App: run.App}, job, caller(ctx)); err != nil {
		return nil, err
	}
	if _, run, err = a.findRun(ctx, in); err != nil {
		return nil, err
	}
	return &reply[wire.Run]{http.StatusAccepted, run}, nil
}

func (a *API) crons(ctx context.Context, in *AppScope) (*body[wire.Crons], error) {
	s, err := a.snapshot(ctx, in)
	if err != nil {
		return nil, err
	}
	return &body[wire.Crons]{wire.Crons{Items: items(cronsOf(s, time.Now()))}}, nil
}

// findRun gives a run and the id of its job.
func (a *API) findRun(ctx context.Context, in *runScope) (job string, run wire.Run, err error) {
	s, err := a.snapshot(ctx, &in.AppScope)
	if err != nil {
		return "", wire.Run{}, err
	}
	var found []seenRun
	for _, r := range seenRuns(s) {
		if r.wire.ID == in.ID {
			return r.job, r.wire, nil
		}
		if strings.HasPrefix(r.wire.ID, in.ID) {
			found = append(found, r)
		}
	}
	switch len(found) {
	case 0:
		return "", wire.Run{}, paas.Errorf(paas.NotFound, "App %q has no run %q. `crumpet run --list` shows those there are.", in.App, in.ID)
	case 1:
		return found[0].job, found[0].wire, nil
	}
	return "", wire.Run{}, paas.Errorf(paas.Invalid, "App %q has %d runs whose id begins with %q. Give more of it.", in.App, len(found), in.ID)
}

type seenRun struct {
	job  string
	wire wire.Run
}

// seenRuns joins what is wished for with what was seen, newest first: a run that Nomad has not placed
// is one too.
func seenRuns(s paas.Snapshot) []seenRun {
	var all []seenRun
	for _, r := range s.Runs {
		if r.Placed() {
			all = append(all, seenRun{r.Job, presentRun(r, s.Sides[r.Job])})
		}
	}
	for _, side := range s.Sides {
		if r := side.Seen(s.Runs); side.Once() && !r.Placed() {
			all = append(all, seenRun{r.Job, presentRun(r, side)})
		}
	}
	slices.SortFunc(all, func(a, b seenRun) int {
		if c := b.wire.CreatedAt.Compare(a.wire.CreatedAt); c != 0 {
			return c
		}
		return strings.Compare(a.wire.ID, b.wire.ID)
	})
	return all
}

func runsOf(s paas.Snapshot) []wire.Run {
	var list []wire.Run
	for _, r := range seenRuns(s) {
		list = append(list, r.wire)
	}
	return list
}

// presentRun gives a run the id that a user knows it by: on demand the one it was given at once, else
// its instance's.
func presentRun(r paas.Run, side paas.Side) wire.Run {
	w := wire.Run{
		ID: r.Job, App: r.App, Team: r.Team, Task: r.Name, Kind: r.Kind, Release: r.Release, Status: r.State,
		ExitCode: r.ExitCode, Attempts: r.Exits, Reason: r.Reason, Node: r.Node, Args: side.Args, By: side.By,
		CreatedAt: r.CreatedAt, StartedAt: r.StartedAt, EndedAt: r.EndedAt,
	}
	if r.Placed() {
		w.ID, w.Instance = r.ID, r.ID
	}
	if job, ok := paas.ParseSideJob(r.Job); ok && r.Kind == paas.JobRun {
		w.ID = job.Name
	}
	return w
}

func cronsOf(s paas.Snapshot, now time.Time) []wire.Cron {
	var list []wire.Cron
	for _, c := range s.Releases[s.App.Release].Spec.Crons {
		side := s.Sides[paas.SideJob{App: s.App.Name, Kind: paas.JobCron, Name: c.Name}.String()]
		line := wire.Cron{
			Name: c.Name, Schedule: c.Schedule, TimeZone: c.TimeZone,
			Stands: side.Stands && side.Stop == "" && !s.App.Stopped, Reason: side.Refused,
		}
		switch {
		case s.App.Stopped:
			line.Reason = "the app is stopped"
		case line.Stands:
			if at, ok := spec.Next(c.Schedule, c.TimeZone, now); ok {
				line.NextAt = &at
			}
		case line.Reason == "":
			line.Reason = "it is not registered yet"
		}
		for _, r := range s.Runs { // newest first
			if r.Name == c.Name && r.Kind == paas.JobCron && r.Placed() {
				last := presentRun(r, paas.Side{})
				line.Last = &last
				break
			}
		}
		list = append(list, line)
	}
	return list
}
