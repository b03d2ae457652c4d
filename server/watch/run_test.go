package watch_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/watch"
)

// aside is the app of these tests: its wishes for side jobs as they were registered.
func aside() *folder {
	a := app("shop", 0)
	rel := a.Releases[3]
	rel.Spec.Tasks = []paas.Task{{Name: "migrate", Phase: paas.PhaseBefore, Timeout: 10 * time.Minute}}
	rel.Spec.Crons = []paas.Cron{{Name: "report"}}
	a.Releases[3] = rel
	a.CreatedAt = after(0)
	a.Sides = map[string]paas.Side{}
	for _, s := range []paas.Side{
		{Job: "shop.task.migrate.3", Kind: paas.JobTask, Name: "migrate", Deployment: "d1"},
		{Job: "shop.run.x1", Kind: paas.JobRun, Name: "migrate"},
		{Job: "shop.cron.report", Kind: paas.JobCron, Name: "report"},
	} {
		s.Team, s.App, s.Release, s.Index, s.Stands, s.CreatedAt = "acme", "shop", 3, 20, true, after(0)
		a.Sides[s.Job] = s
	}
	f := &folder{facts: watch.KnownFacts(nil, nil, nil, nil)}
	f.in = f.in.Take(watch.Seen{Apps: map[paas.AppRef]*watch.App{{Team: "acme", App: "shop"}: a}})
	return f
}

// firing is an allocation of a side job, as Nomad lists it.
func firing(id, job, group, status string, at time.Duration, events ...*nomadapi.TaskEvent) *nomadapi.AllocationListStub {
	task := &nomadapi.TaskState{State: "running", Events: events, StartedAt: after(at)}
	for _, e := range events {
		if e.Type == nomadapi.TaskTerminated {
			task.FinishedAt = after(at + time.Second)
		}
	}
	return &nomadapi.AllocationListStub{
		ID: id, Namespace: "acme", JobID: job, TaskGroup: group, NodeName: "n1", ClientStatus: status, DesiredStatus: "run",
		CreateIndex: 30, CreateTime: after(at).UnixNano(), TaskStates: map[string]*nomadapi.TaskState{group: task},
	}
}

func exited(code string) *nomadapi.TaskEvent {
	return &nomadapi.TaskEvent{Type: nomadapi.TaskTerminated, Details: map[string]string{"exit_code": code}}
}

func allocs(index uint64, list ...*nomadapi.AllocationListStub) watch.Seen {
	return watch.Seen{Allocations: &watch.Allocations{Index: index, List: list}}
}

func states(o paas.Observation) map[string]string {
	all := map[string]string{}
	for _, r := range o.Runs {
		all[r.ID] = fmt.Sprintf("%s %d %q", r.State, r.ExitCode, r.Reason)
	}
	return all
}

var started = &nomadapi.TaskEvent{Type: nomadapi.TaskStarted}

func TestARunIsFollowedFromItsStartToItsEnd(t *testing.T) {
	t.Parallel()
	f := aside()
	killing := &nomadapi.TaskEvent{Type: nomadapi.TaskKilling}
	late := firing("late", "shop.run.x1", "migrate", "complete", 2, started, killing, exited("137"))
	late.ClientDescription = "allocation exceeded max_run_duration"
	for _, step := range []struct {
		about string
		seen  watch.Seen
		want  map[string]string
	}{
		{"running", allocs(1, firing("m", "shop.task.migrate.3", "migrate", "running", 1, started)), map[string]string{"m": `running 0 ""`}},
		{"seen again", allocs(2, firing("m", "shop.task.migrate.3", "migrate", "running", 1, started)), map[string]string{}},
		{
			"after a first failure",
			allocs(3, firing("m", "shop.task.migrate.3", "migrate", "pending", 1, started, exited("3"))),
			map[string]string{"m": `pending 3 "migrate exited with code 3"`},
		},
		{
			"failed for good",
			allocs(4, firing("m", "shop.task.migrate.3", "migrate", "failed", 1, started, exited("3"), started, exited("4"))),
			map[string]string{"m": `failed 4 "migrate exited 2 times with code 4"`},
		},
		{
			"complete, stopped, and out of time",
			allocs(5,
				firing("c", "shop.cron.report/periodic-17", "report", "complete", 2, started, exited("0")),
				firing("k", "shop.run.x1", "migrate", "complete", 2, started, killing, exited("143"), &nomadapi.TaskEvent{Type: nomadapi.TaskKilled}), late),
			map[string]string{"c": `complete 0 ""`, "k": `killed 143 "it was stopped in Nomad"`, "late": `failed 137 "migrate did not end within its timeout of 10m0s"`},
		},
		{"an ended run stays what it was", allocs(6, firing("c", "shop.cron.report/periodic-17", "report", "failed", 2, started, exited("9"))), map[string]string{}},
		{"a running one of which Nomad forgets", allocs(7, firing("r", "shop.run.x1", "migrate", "running", 3, started)), map[string]string{"r": `running 0 ""`}},
		{"and then it has", allocs(8), map[string]string{"r": `failed 0 "Nomad has forgotten migrate, whatever became of it"`}},
	} {
		news := f.at(after(5*time.Second), step.seen)
		if diff := cmp.Diff(step.want, states(news)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.about, diff)
		}
		if len(news.Instances) > 0 {
			t.Errorf("%s: a side job's allocation was taken for an instance: %v", step.about, news.Instances)
		}
	}
	want := []string{
		"task migrate started on node n1",
		"task migrate is started again: migrate exited with code 3",
		"task migrate failed: migrate exited 2 times with code 4",
		"run of migrate was stopped: it was stopped in Nomad",
		"run of migrate failed: migrate did not end within its timeout of 10m0s",
		"run of migrate started on node n1",
		"run of migrate failed: Nomad has forgotten migrate, whatever became of it",
	}
	if diff := cmp.Diff(want, f.told("shop")); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}

// Between the end of a program and that of its allocation Nomad may be seen with the first only.
func TestARunThatEndedWellIsNotCalledStartedAgain(t *testing.T) {
	t.Parallel()
	f := aside()
	f.at(after(time.Second), allocs(1, firing("m", "shop.task.migrate.3", "migrate", "running", 1, started)))
	f.at(after(2*time.Second), allocs(2, firing("m", "shop.task.migrate.3", "migrate", "running", 1, started, exited("0"))))
	f.at(after(3*time.Second), allocs(3, firing("m", "shop.task.migrate.3", "migrate", "complete", 1, started, exited("0"))))
	want := []string{"task migrate started on node n1", "task migrate is complete"}
	if diff := cmp.Diff(want, f.told("shop")); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}

func TestAnAllocationOfAnEarlierAppOfTheNameIsNoRunOfThisOne(t *testing.T) {
	t.Parallel()
	f := aside()
	old := firing("old", "shop.task.migrate.3", "migrate", "complete", 1, started, exited("0"))
	old.CreateIndex = 19 // the job was registered at 20
	before := firing("before", "shop.cron.report/periodic-1", "report", "complete", -time.Hour, started, exited("0"))
	unknown := firing("unknown", "shop.run.other", "migrate", "complete", 1, started, exited("0"))
	if news := f.at(after(time.Second), allocs(1, old, before, unknown)); len(news.Runs) > 0 {
		t.Errorf("runs %v, want none", news.Runs)
	}
}

func TestAJobThatFindsNoRoomWaitsAndThenRuns(t *testing.T) {
	t.Parallel()
	f := aside()
	f.at(after(0), allocs(1))
	news := f.at(after(0), watch.Seen{Evaluations: &watch.Evaluations{Index: 2, List: []*nomadapi.Evaluation{{
		ID: "e", Namespace: "acme", JobID: "shop.task.migrate.3", Status: "complete", ModifyIndex: 2,
		FailedTGAllocs: map[string]*nomadapi.AllocationMetric{"migrate": {}},
	}}}})
	want := map[string]string{"acme/shop.task.migrate.3": `pending 0 "no node is ready to run migrate"`}
	if diff := cmp.Diff(want, states(news)); diff != "" {
		t.Errorf("without room (-want +got):\n%s", diff)
	}
	news = f.at(after(time.Second), allocs(3, firing("m", "shop.task.migrate.3", "migrate", "running", 1, started)))
	if diff := cmp.Diff([]string{"acme/shop.task.migrate.3"}, news.GoneRuns); diff != "" {
		t.Errorf("gone once it was placed (-want +got):\n%s", diff)
	}
}

func TestOnlyTheLastRunsOfACronAreKept(t *testing.T) {
	t.Parallel()
	f := aside()
	var list []*nomadapi.AllocationListStub
	gone := 0
	for n := range paas.KeptRuns + 5 {
		id := fmt.Sprintf("c%02d", n)
		list = append(list, firing(id, fmt.Sprintf("shop.cron.report/periodic-%d", n), "report", "complete", time.Duration(n)*time.Second, started, exited("0")))
		news := f.at(after(time.Hour), allocs(uint64(n+1), list...))
		gone += len(news.GoneRuns)
		if len(news.Runs) != 1 {
			t.Fatalf("firing %d: %d runs are news, want 1: %v", n, len(news.Runs), states(news))
		}
	}
	if gone != 5 {
		t.Errorf("%d runs were forgotten, want 5", gone)
	}
}
