package watch

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/jobspec"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// outOfTime is how Nomad describes an allocation that it ended for having run too long; it calls it
// complete.
const outOfTime = "allocation exceeded max_run_duration"

// sideOf names the app and the side job of a job.
func sideOf(namespace, job string) (paas.AppRef, paas.SideJob, bool) {
	id, ok := paas.ParseSideJob(job)
	return paas.AppRef{Team: namespace, App: id.App}, id, ok
}

// foldRuns derives the runs of side jobs from their allocations. Unlike an instance, a run is kept
// when Nomad has forgotten it: what a task did yesterday is worth knowing.
func (f *folding) foldRuns() {
	if !f.in.allocsRead {
		return
	}
	seen := map[string]paas.Run{}
	for _, a := range f.in.asides {
		if run, ok := f.runOf(a.AllocationListStub); ok {
			seen[a.ID] = run
		}
	}
	for id, before := range f.next.runs {
		if _, ok := seen[id]; !ok && before.Placed() {
			seen[id] = f.forgotten(before)
		}
	}
	maps.Copy(seen, f.unplaced(seen))
	seen = newest(seen)
	for _, id := range slices.Sorted(maps.Keys(seen)) {
		after := seen[id]
		before, known := f.next.runs[id]
		if known && sameRun(before, after) {
			continue
		}
		f.next.runs[id] = after
		f.obs.Runs = append(f.obs.Runs, after)
		side := f.in.apps[after.Ref()].Sides[after.Parent()]
		if e, ok := runEvent(before, after, side, f.now); ok {
			f.obs.Events = append(f.obs.Events, e)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(f.next.runs)) {
		if _, ok := seen[id]; !ok {
			delete(f.next.runs, id)
			f.obs.GoneRuns = append(f.obs.GoneRuns, id)
		}
	}
}

// newest leaves the runs that go on, and of each task and cron the last that have ended.
func newest(all map[string]paas.Run) map[string]paas.Run {
	type name struct {
		ref  paas.AppRef
		name string
	}
	ended := map[name]int{}
	kept := map[string]paas.Run{}
	for _, r := range slices.SortedFunc(maps.Values(all), func(a, b paas.Run) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), strings.Compare(a.ID, b.ID))
	}) {
		of := name{r.Ref(), r.Name}
		if r.State.Ended() {
			ended[of]++
		}
		if !r.State.Ended() || ended[of] <= paas.KeptRuns {
			kept[r.ID] = r
		}
	}
	return kept
}

// runOf derives a run from its allocation. One of an app of the same name that is no more is none of
// this app's: a job that may run once tells by its index, a cron's by the time.
func (f *folding) runOf(a *nomadapi.AllocationListStub) (paas.Run, bool) {
	ref, id, ok := sideOf(a.Namespace, a.JobID)
	app, known := f.in.apps[ref]
	if !ok || !known {
		return paas.Run{}, false
	}
	created := stamp(time.Unix(0, a.CreateTime))
	before, had := f.next.runs[a.ID]
	side, wished := app.Sides[paas.ParentJob(a.JobID)]
	switch {
	case had && before.State.Ended():
		return before, true
	case had:
	case id.Kind == paas.JobCron && created.Before(app.CreatedAt):
		return paas.Run{}, false
	case id.Kind != paas.JobCron && (!wished || side.Index == 0 || a.CreateIndex < side.Index):
		return paas.Run{}, false
	}
	r := paas.Run{
		ID: a.ID, Team: ref.Team, App: ref.App, Job: a.JobID, Kind: id.Kind,
		Name:    cmp.Or(before.Name, side.Name, a.TaskGroup),
		Release: cmp.Or(before.Release, side.Release),
		Node:    a.NodeName, CreatedAt: created,
	}
	task := taskState(a, a.TaskGroup)
	r.State = runState(a, task)
	if task != nil {
		r.Exits, r.ExitCode = exits(task), exitCode(task)
		if !task.StartedAt.IsZero() {
			at := stamp(task.StartedAt)
			r.StartedAt = &at
		}
	}
	f.explain(&r, a, task, app)
	if r.State.Ended() {
		at := f.now
		if task != nil && !task.FinishedAt.IsZero() {
			at = stamp(task.FinishedAt)
		}
		r.EndedAt = &at
	}
	return r, true
}

func runState(a *nomadapi.AllocationListStub, task *nomadapi.TaskState) paas.RunState {
	switch a.ClientStatus {
	case nomadapi.AllocClientStatusFailed, nomadapi.AllocClientStatusLost:
		return paas.RunFailed
	case nomadapi.AllocClientStatusComplete:
		switch {
		case a.ClientDescription == outOfTime:
			return paas.RunFailed
		case killed(task):
			return paas.RunKilled
		}
		return paas.RunComplete
	case nomadapi.AllocClientStatusRunning, nomadapi.AllocClientStatusUnknown:
		return paas.RunRunning
	}
	return paas.RunPending
}

// killed says that the task's last end was asked for, or that it was to end before it began.
func killed(task *nomadapi.TaskState) bool {
	if task == nil {
		return true
	}
	for i, e := range slices.Backward(task.Events) {
		if e.Type == nomadapi.TaskTerminated {
			return ordered(task.Events, i)
		}
	}
	return task.StartedAt.IsZero()
}

func exitCode(task *nomadapi.TaskState) int {
	for _, e := range slices.Backward(task.Events) {
		if e.Type == nomadapi.TaskTerminated {
			return number(e, "exit_code", e.ExitCode)
		}
	}
	return 0
}

// explain sets the reason of a run, and makes of one that Crumpet itself ended what the wish says of it.
func (f *folding) explain(r *paas.Run, a *nomadapi.AllocationListStub, task *nomadapi.TaskState, app App) {
	stop := app.Sides[r.Job]
	if stop.Stop == "" {
		stop = app.Sides[r.Parent()]
	}
	switch {
	case a.ClientStatus == nomadapi.AllocClientStatusLost:
		r.Reason = fmt.Sprintf("node %s, on which %s ran, is gone", r.Node, r.Name)
	case a.ClientStatus == nomadapi.AllocClientStatusUnknown:
		r.Reason = fmt.Sprintf("node %s, on which %s runs, does not answer", r.Node, r.Name)
	case r.State == paas.RunFailed && a.ClientDescription == outOfTime:
		r.Reason = tooLong(*r, app)
	case r.State == paas.RunKilled && stop.Stop != "":
		r.Reason = stop.Stop
		if stop.Failed {
			r.State = paas.RunFailed
		}
	case r.State == paas.RunKilled:
		r.Reason = "it was stopped in Nomad"
	case r.State == paas.RunFailed:
		r.Reason = cmp.Or(Reason(r.Name, task, memoryOf(a, a.TaskGroup)), r.Name+" failed: "+plain(a.ClientDescription))
	case r.Exits > 0 && r.State != paas.RunComplete, r.State == paas.RunPending:
		r.Reason = Reason(r.Name, task, memoryOf(a, a.TaskGroup))
	}
}

func tooLong(r paas.Run, app App) string {
	if limit, ok := app.Releases[r.Release].Spec.Timeout(r.Name); ok {
		return fmt.Sprintf("%s did not end within its timeout of %s", r.Name, limit)
	}
	return r.Name + " did not end within its timeout"
}

// forgotten is a run whose allocation Nomad no longer lists.
func (f *folding) forgotten(r paas.Run) paas.Run {
	if r.State.Ended() {
		return r
	}
	r.State, r.EndedAt = paas.RunFailed, &f.now
	r.Reason = "Nomad has forgotten " + r.Name + ", whatever became of it"
	return r
}

// unplaced gives a run for each job that Nomad found no room for.
func (f *folding) unplaced(placed map[string]paas.Run) map[string]paas.Run {
	last := map[string]*nomadapi.Evaluation{}
	for _, e := range f.in.evals {
		ref, _, ok := sideOf(e.Namespace, e.JobID)
		if _, known := f.in.apps[ref]; !ok || !known || !decided(e) {
			continue
		}
		id := paas.Unplaced(e.Namespace, e.JobID)
		if before := last[id]; before == nil || later(e, before) {
			last[id] = e
		}
	}
	for _, r := range placed {
		delete(last, paas.Unplaced(r.Team, r.Job))
	}
	waiting := map[string]paas.Run{}
	for id, e := range last {
		ref, job, _ := sideOf(e.Namespace, e.JobID)
		side, wished := f.in.apps[ref].Sides[paas.ParentJob(e.JobID)]
		if !wished || len(e.FailedTGAllocs) == 0 {
			continue
		}
		text, err := jobspec.Decode(side.Text)
		if err != nil {
			text = nil // the sentence only lacks the size asked for
		}
		waiting[id] = paas.Run{
			ID: id, Team: ref.Team, App: ref.App, Job: e.JobID, Kind: job.Kind, Name: side.Name, Release: side.Release,
			State: paas.RunPending, Reason: jobspec.PlacementReason(e.FailedTGAllocs, text), CreatedAt: side.CreatedAt,
		}
	}
	return waiting
}

func sameRun(a, b paas.Run) bool {
	return a.State == b.State && a.ExitCode == b.ExitCode && a.Exits == b.Exits && a.Reason == b.Reason && a.Node == b.Node &&
		a.Name == b.Name && a.Release == b.Release && sameTime(a.StartedAt, b.StartedAt) && sameTime(a.EndedAt, b.EndedAt)
}

// runEvent tells of what changed with a run, for a person. A cron speaks only when it fails.
func runEvent(before, after paas.Run, side paas.Side, now time.Time) (paas.Event, bool) {
	if before.ID == "" && after.State.Ended() && now.Sub(after.CreatedAt) > oldNews {
		return paas.Event{}, false
	}
	words := ""
	switch {
	case before.State == after.State && before.Reason == after.Reason:
	case after.State == paas.RunFailed:
		words = "failed: " + after.Reason
	case after.Kind == paas.JobCron:
	case after.State == paas.RunPending && !after.Placed():
		words = "waits: " + after.Reason
	case after.Exits > before.Exits && !after.State.Ended() && after.ExitCode != 0: // one that ended well is not started again
		words = "is started again: " + after.Reason
	case before.State == after.State:
	case after.State == paas.RunRunning && after.Exits == 0:
		words = "started on node " + after.Node
	case after.State == paas.RunComplete:
		words = "is complete"
	case after.State == paas.RunKilled:
		words = "was stopped: " + after.Reason
	}
	e := paas.Event{
		Time: now, Team: after.Team, App: after.App, Kind: paas.EventRunState, Release: after.Release,
		Deployment: side.Deployment, Process: after.Name, Message: kindWord(after.Kind) + " " + after.Name + " " + words,
	}
	if after.Placed() {
		e.Instance = after.ID
	}
	return e, words != ""
}

func kindWord(kind paas.JobKind) string {
	if kind == paas.JobRun {
		return "run of"
	}
	return string(kind)
}
