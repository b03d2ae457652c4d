package watch_test

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/watch"
)

// life is an allocation of shop whose task has ended at those moments, and is started again 10 s after
// the last, as Nomad shows it: with the last ten events.
func life(id string, created time.Duration, code string, ends ...time.Duration) *nomadapi.AllocationListStub {
	a := running(id, len(ends), after(created))
	a.ClientStatus = "pending"
	task := a.TaskStates["web"]
	add := func(kind string, at time.Duration, details ...string) {
		e := event(kind, details...)
		e.Time = after(at).UnixNano()
		task.Events = append(task.Events, e)
	}
	add(nomadapi.TaskReceived, created)
	for _, at := range ends {
		add(nomadapi.TaskStarted, at-100*time.Millisecond)
		add(nomadapi.TaskTerminated, at, "exit_code", code, "oom_killed", strconv.FormatBool(code == "137"))
		add(nomadapi.TaskRestarting, at, "start_delay", strconv.FormatInt(int64(10*time.Second), 10))
	}
	task.Events = task.Events[max(0, len(task.Events)-10):]
	return a
}

// failedLife is one that Nomad gave up, to be placed anew once the evaluation is due.
func failedLife(a *nomadapi.AllocationListStub, followup string) *nomadapi.AllocationListStub {
	a.ClientStatus, a.FollowupEvalID = "failed", followup
	task := a.TaskStates["web"]
	task.Events[len(task.Events)-1].Type = nomadapi.TaskNotRestarting
	task.Failed, task.Restarts = true, task.Restarts-1
	return a
}

func waiting(index uint64, id string, until time.Duration) watch.Seen {
	return watch.Seen{Evaluations: &watch.Evaluations{Index: index, List: []*nomadapi.Evaluation{
		{ID: id, Namespace: "acme", JobID: "shop.blue", Type: "service", Status: "pending", WaitUntil: after(until)},
	}}}
}

func TestACrashLoopIsToldWithItsBackOff(t *testing.T) {
	t.Parallel()
	f := newFolder(100)
	second := time.Second
	f.at(after(6*second), allocations(1, life("a", 0, "1", 5*second)))
	f.at(after(21*second), allocations(2, life("a", 0, "1", 5*second, 20*second)))
	if crash := f.kinds(paas.EventInstanceCrash); len(crash) != 0 {
		t.Errorf("two ends are a crash loop already: %q", crash)
	}
	a := life("a", 0, "1", 5*second, 20*second, 35*second)
	f.at(after(36*second), allocations(3, a))
	failed := failedLife(life("a", 0, "1", 5*second, 20*second, 35*second, 50*second), "e")
	f.at(after(51*second), allocations(4, failed)) // when Nomad tries again is not known yet
	f.at(after(52*second), waiting(1, "e", 80*second))
	f.at(after(53*second), waiting(2, "e", 80*second))
	i := f.facts.Instances()[0]
	if i.Crashes != 4 || i.NextTry == nil || !i.NextTry.Equal(after(80*second)) || i.ExitCode != 1 || i.State != paas.InstanceFailed {
		t.Errorf("instance = %+v, want 4 crashes with code 1 and the next try after 80 s", i)
	}
	replaced := *failed
	replaced.NextAllocation = "b"
	anew := life("b", 81*second, "1", 86*second)
	anew.CreateIndex = 130
	f.at(after(87*second), allocations(5, &replaced, anew))
	if diff := cmp.Diff([]string{
		"web 0 (blue) is in a crash loop: exited 3 times in 31 s with code 1; Nomad tries again at 19:00:45 UTC",
		"web 0 (blue) is in a crash loop: exited 4 times in 52 s with code 1; Nomad tries again at 19:01:20 UTC",
		"web 0 (blue) is in a crash loop: exited 5 times in 87 s with code 1; Nomad tries again at 19:01:36 UTC",
	}, f.kinds(paas.EventInstanceCrash)); diff != "" {
		t.Errorf("crash events (-want +got):\n%s", diff)
	}
	all := f.facts.Instances()
	if all[1].Previous != "a" || all[1].Crashes != 5 || all[0].NextTry != nil {
		t.Errorf("instances = %+v, want the second placed instead of the first, and only it tried again", all)
	}

	// It holds from then on: each end is forgotten after ten minutes, whoever looks or not.
	ran := running("b", 1, after(96*second))
	ran.TaskStates["web"].Events = slices.Clone(anew.TaskStates["web"].Events)
	ran.TaskStates["web"].Events = append(ran.TaskStates["web"].Events, &nomadapi.TaskEvent{Type: nomadapi.TaskStarted, Time: after(96 * second).UnixNano()})
	f.at(after(97*second), allocations(6, &replaced, ran))
	if !f.facts.Instances()[1].Looping() {
		t.Error("it is not called looping any more as soon as it runs")
	}
	f.at(after(700*second), watch.Seen{})
	if i := f.facts.Instances()[1]; i.Crashes != 0 || i.Looping() {
		t.Errorf("after ten quiet minutes it counts %d crashes", i.Crashes)
	}
}

func TestACrashLoopForWantOfMemorySaysSo(t *testing.T) {
	t.Parallel()
	f := newFolder(100)
	f.at(after(40*time.Second), allocations(1, life("a", 0, "137", 10*time.Second, 20*time.Second, 30*time.Second)))
	if diff := cmp.Diff([]string{
		"web 0 (blue) is in a crash loop: ran out of memory, 3 ends in 30 s; Nomad tries again at 19:00:40 UTC",
	}, f.kinds(paas.EventInstanceCrash)); diff != "" {
		t.Errorf("crash events (-want +got):\n%s", diff)
	}
	if i := f.facts.Instances()[0]; !i.OOM || i.ExitCode != 137 {
		t.Errorf("instance = %+v, want out of memory and code 137", i)
	}
}

func TestCrashesOfAnEarlierReleaseDontCount(t *testing.T) {
	t.Parallel()
	f := newFolder(125)
	old := life("a", 0, "1", 10*time.Second, 20*time.Second, 30*time.Second)
	old.NextAllocation, old.DesiredStatus, old.ClientStatus = "b", "stop", "complete"
	anew := running("b", 0, after(35*time.Second))
	anew.CreateIndex = 130
	f.at(after(40*time.Second), allocations(1, old, anew))
	if i := f.facts.Instances()[1]; i.Crashes != 0 || i.Previous != "a" {
		t.Errorf("instance = %+v, want no crash of its own", i)
	}
}

func TestAnInstanceThatIsNotHealthyIsOverdueWhenItsStartupIsOver(t *testing.T) {
	t.Parallel()
	f := newFolder(100)
	slow := app("shop", 100)
	slow.Releases[3].Spec.Processes[0].Startup = 30 * time.Second
	f.in = f.in.Take(watch.Seen{Apps: map[paas.AppRef]*watch.App{{Team: "acme", App: "shop"}: slow}})
	f.at(after(0), allocations(1, running("a", 0, epoch)))
	f.at(after(time.Second), checks(1, "a", paas.CheckCritical))
	f.at(after(29*time.Second), watch.Seen{})
	if f.facts.Instances()[0].Overdue {
		t.Error("overdue within its startup time")
	}
	if !f.due.Equal(after(30 * time.Second)) {
		t.Errorf("due = %s, want the end of its startup time", f.due)
	}
	f.at(after(31*time.Second), watch.Seen{})
	if !f.facts.Instances()[0].Overdue {
		t.Error("not overdue after its startup time")
	}
	f.at(after(32*time.Second), checks(2, "a", paas.CheckPassing))
	if f.facts.Instances()[0].Overdue {
		t.Error("overdue though its checks pass")
	}
}

func TestWhatChecksSayIsAFact(t *testing.T) {
	t.Parallel()
	f := newFolder(100)
	f.at(after(0), allocations(1, running("a", 0, epoch)))
	said := func(index uint64, at time.Duration, status paas.CheckStatus, output string) {
		f.at(after(at), watch.Seen{Checks: &watch.Checks{Index: index, List: []paas.Check{
			{ID: "1", Alloc: "a", Port: "http", Name: "readiness", Status: status, Output: output},
			{ID: "2", Alloc: "a", Port: "http", Name: "liveness", Status: paas.CheckPassing, Output: fmt.Sprint("run ", index)},
		}}})
	}
	said(1, 1*time.Second, paas.CheckCritical, "500")
	said(2, 2*time.Second, paas.CheckCritical, "") // as Consul has it before the status has changed once
	asked := "HTTP GET http://127.0.0.1:23456/healthz: 503 Service Unavailable"
	f.at(after(3*time.Second), watch.Seen{Looks: map[string]watch.Look{"a": {Output: asked, At: after(3 * time.Second)}}})
	if got := f.facts.Instances()[0].Checks[1]; got.Output != asked {
		t.Errorf("where Consul has no output the check printed %q, want what it answers us: %q", got.Output, asked)
	}
	f.at(after(3*time.Second), watch.Seen{Looks: map[string]watch.Look{"a": {At: after(3 * time.Second)}}})
	said(2, 3*time.Second, paas.CheckCritical, "503")
	want := []paas.CheckFact{
		{Name: "liveness", Status: paas.CheckPassing, Since: after(time.Second)},
		{Name: "readiness", Status: paas.CheckCritical, Output: "503", Since: after(time.Second)},
	}
	if diff := cmp.Diff(want, f.facts.Instances()[0].Checks); diff != "" {
		t.Errorf("checks (-want +got):\n%s", diff)
	}
	said(3, 4*time.Second, paas.CheckPassing, "200")
	want[1] = paas.CheckFact{Name: "readiness", Status: paas.CheckPassing, Since: after(4 * time.Second)}
	if diff := cmp.Diff(want, f.facts.Instances()[0].Checks); diff != "" {
		t.Errorf("checks (-want +got):\n%s", diff)
	}
	written := 0
	said(4, 10*time.Second, paas.CheckPassing, "200") // min_healthy is over by now
	for n := uint64(5); n < 9; n++ {
		said(n, time.Duration(n+10)*time.Second, paas.CheckPassing, fmt.Sprint("200 at ", n))
		written += len(f.all[len(f.all)-1].Instances)
	}
	if written != 0 {
		t.Errorf("%d writes though the checks went on passing", written)
	}
}

// kinds gives the messages of one kind of event.
func (f *folder) kinds(kind paas.EventKind) []string {
	var messages []string
	for _, news := range f.all {
		for _, e := range news.Events {
			if e.Kind == kind {
				messages = append(messages, e.Message)
			}
		}
	}
	return messages
}
