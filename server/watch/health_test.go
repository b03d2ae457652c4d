package watch_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/watch"
)

// running is an allocation of shop that runs since start.
func running(id string, restarts int, start time.Time) *nomadapi.AllocationListStub {
	return &nomadapi.AllocationListStub{
		ID: id, Name: "shop.blue.web[0]", Namespace: "acme", JobID: "shop.blue", TaskGroup: "web", NodeName: "vm",
		ClientStatus: "running", DesiredStatus: "run", CreateIndex: 120, CreateTime: start.UnixNano(),
		AllocatedResources: &nomadapi.AllocatedResources{Shared: nomadapi.AllocatedSharedResources{
			Ports: []nomadapi.PortMapping{{Label: "http", Value: 23456, HostIP: "127.0.0.1"}},
		}},
		TaskStates: map[string]*nomadapi.TaskState{"web": {State: "running", Restarts: uint64(restarts), StartedAt: start}},
	}
}

func allocations(index uint64, list ...*nomadapi.AllocationListStub) watch.Seen {
	return watch.Seen{Allocations: &watch.Allocations{Index: index, List: list}}
}

func checks(index uint64, alloc string, status ...paas.CheckStatus) watch.Seen {
	c := &watch.Checks{Index: index}
	for _, s := range status {
		c.List = append(c.List, paas.Check{
			Service: paas.Service{Team: "acme", App: "shop", Process: "web", Slot: paas.Blue},
			Alloc:   alloc, Port: "http", Status: s,
		})
	}
	return watch.Seen{Checks: c}
}

// health gives the health of the only instance.
func (f *folder) health(t *testing.T) paas.Health {
	t.Helper()
	all := f.facts.Instances()
	if len(all) != 1 {
		t.Fatalf("%d instances, want 1", len(all))
	}
	return all[0].Health
}

func after(d time.Duration) time.Time { return epoch.Add(d) }

func TestAnInstanceIsHealthyOnceItsChecksHavePassedLongEnough(t *testing.T) {
	t.Parallel()
	f := newFolder(100)
	f.at(after(0), allocations(1, running("a", 0, epoch)))
	steps := []struct {
		at   time.Duration
		seen watch.Seen
		want paas.Health
	}{
		{1 * time.Second, checks(1, "a"), paas.HealthUnknown},
		{2 * time.Second, checks(2, "a", paas.CheckCritical), paas.HealthCritical},
		{3 * time.Second, checks(3, "a", paas.CheckPassing, paas.CheckWarning), paas.HealthCritical},
		{4 * time.Second, checks(4, "a", paas.CheckPassing, paas.CheckPassing), paas.HealthPassing},
		{5999 * time.Millisecond, watch.Seen{}, paas.HealthPassing},
		{6 * time.Second, watch.Seen{}, paas.HealthHealthy},
		{7 * time.Second, checks(5, "a", paas.CheckCritical, paas.CheckPassing), paas.HealthCritical},
		{8 * time.Second, checks(6, "a", paas.CheckPassing, paas.CheckPassing), paas.HealthPassing},
	}
	for _, s := range steps {
		f.in = f.in.Take(s.seen)
		f.fold(after(s.at))
		if got := f.health(t); got != s.want {
			t.Errorf("at %s health = %s, want %s", s.at, got, s.want)
		}
	}
	if want := after(10 * time.Second); !f.due.Equal(want) {
		t.Errorf("due = %s, want %s, when it will be healthy", f.due, want)
	}
}

func TestARestartedTaskStartsTheClockAnew(t *testing.T) {
	t.Parallel()
	f := newFolder(100)
	f.at(after(0), allocations(1, running("a", 0, epoch)))
	f.at(after(time.Second), checks(1, "a", paas.CheckPassing))
	f.at(after(2*time.Second), allocations(2, running("a", 1, after(2*time.Second))))
	f.fold(after(3500 * time.Millisecond))
	if got := f.health(t); got != paas.HealthPassing {
		t.Errorf("1.5 s after the restart health = %s, want passing", got)
	}
	f.fold(after(4 * time.Second))
	if got := f.health(t); got != paas.HealthHealthy {
		t.Errorf("2 s after the restart health = %s, want healthy", got)
	}
}

func TestAProcessWithoutACheckIsHealthyAfterFiveSecondsWithoutARestart(t *testing.T) {
	t.Parallel()
	f := newFolder(100)
	worker := app("shop", 100)
	worker.Releases[3].Spec.Processes[0] = paas.Process{Name: "web", MinHealthy: 2 * time.Second}
	f.in = f.in.Take(watch.Seen{Apps: map[paas.AppRef]*watch.App{{Team: "acme", App: "shop"}: worker}})
	f.at(after(0), allocations(1, running("a", 0, epoch)))
	f.fold(after(4900 * time.Millisecond))
	if got := f.health(t); got != paas.HealthPassing {
		t.Errorf("health after 4.9 s = %s, want passing", got)
	}
	f.fold(after(5 * time.Second))
	if got := f.health(t); got != paas.HealthHealthy {
		t.Errorf("health after 5 s = %s, want healthy", got)
	}
}

func TestAServersRestartKeepsTheClockAndTheHealth(t *testing.T) {
	t.Parallel()
	f := newFolder(100)
	f.at(after(0), allocations(1, running("a", 0, epoch)))
	f.at(after(time.Second), checks(1, "a", paas.CheckPassing))

	again := newFolder(100)
	again.facts = watch.KnownFacts(f.facts.Instances(), nil, nil, nil)
	news := again.at(after(2500*time.Millisecond), allocations(1, running("a", 0, epoch)))
	if got := again.health(t); got != paas.HealthPassing || len(news.Instances) != 0 {
		t.Errorf("before Consul answers health = %s, news %+v, want what was known", got, news)
	}
	again.at(after(3*time.Second), checks(1, "a", paas.CheckPassing))
	if got := again.health(t); got != paas.HealthHealthy {
		t.Errorf("health = %s, want healthy: it has passed for 2 s", got)
	}
}

func TestAReleaseIsFoundFromTheSlotAndThenKept(t *testing.T) {
	t.Parallel()
	release := func(f *folder) int { return f.facts.Instances()[0].Release }
	for _, tt := range []struct {
		name  string
		first uint64
		want  int
	}{
		{"made after the release was registered", 119, 3},
		{"made before", 121, 0},
		{"not registered yet, as far as is saved", 0, 0},
	} {
		f := newFolder(tt.first)
		f.at(after(0), allocations(1, running("a", 0, epoch)))
		if got := release(f); got != tt.want {
			t.Errorf("%s: release = %d, want %d", tt.name, got, tt.want)
		}
	}
	f := newFolder(0)
	f.at(after(0), allocations(1, running("a", 0, epoch)))
	f.at(after(1), watch.Seen{Apps: apps(110)})
	if got := release(f); got != 3 {
		t.Errorf("once the index is saved release = %d, want 3", got)
	}
	next := app("shop", 500)
	slot := next.Slots[paas.Blue]
	slot.Release = 5
	next.Slots[paas.Blue] = slot
	f.at(after(2), watch.Seen{Apps: map[paas.AppRef]*watch.App{{Team: "acme", App: "shop"}: next}})
	if got := release(f); got != 3 {
		t.Errorf("with the next release in its slot release = %d, want 3 still", got)
	}
}

func TestInstancesNomadForgotAreGoneButNotThoseOfAnUnreadNomad(t *testing.T) {
	t.Parallel()
	f := newFolder(100)
	f.facts = watch.KnownFacts([]paas.Instance{{ID: "old", Team: "acme", App: "shop"}}, nil, nil, nil)
	if news := f.at(after(0), checks(1, "a", paas.CheckPassing)); len(news.Gone) != 0 {
		t.Errorf("gone before Nomad was read: %v", news.Gone)
	}
	if news := f.at(after(1), allocations(1)); !cmp.Equal(news.Gone, []string{"old"}) {
		t.Errorf("gone = %v, want old", news.Gone)
	}
	f.at(after(2), allocations(9, running("a", 0, epoch)))
	empty := watch.Seen{Allocations: &watch.Allocations{Index: 2, Fresh: true}}
	if news := f.at(after(3), empty); !cmp.Equal(news.Gone, []string{"a"}) {
		t.Errorf("gone after a new cluster with a lower index = %v, want a", news.Gone)
	}
}

func TestAppsTheStoreDoesNotHaveAreLeftAlone(t *testing.T) {
	t.Parallel()
	f := newFolder(100)
	foreign := running("x", 0, epoch)
	foreign.JobID = "foreign.blue"
	if news := f.at(after(0), allocations(1, foreign)); len(news.Instances) != 0 {
		t.Errorf("wrote %+v", news.Instances)
	}
	if got := f.in.Unknown(); !cmp.Equal(got, []paas.AppRef{{Team: "acme", App: "foreign"}}) {
		t.Errorf("Unknown = %v", got)
	}
}

func TestADeafInstanceIsExplainedByItsSockets(t *testing.T) {
	t.Parallel()
	f := newFolder(100)
	f.at(after(0), allocations(1, running("a", 0, epoch)))
	f.at(after(time.Second), checks(1, "a", paas.CheckCritical))
	if list, due := watch.Looks(f.in, f.facts, after(1500*time.Millisecond)); len(list) != 0 || !due.Equal(after(2*time.Second)) {
		t.Errorf("after 1.5 s Looks = %v, due %s, want none before 2 s", list, due)
	}
	list, _ := watch.Looks(f.in, f.facts, after(2*time.Second))
	if len(list) != 1 || list[0].ID != "a" {
		t.Fatalf("after 2 s Looks = %v, want a", list)
	}
	f.at(after(2*time.Second), watch.Seen{Looks: map[string]watch.Look{"a": {
		Addresses: []string{"127.0.0.1:8080"}, Output: "dial tcp 127.0.0.1:23456: connect: connection refused", At: after(2 * time.Second),
	}}})
	want := "web did not listen on port 23456 (PORT); it listens on 127.0.0.1:8080 instead"
	if got := f.facts.Instances()[0].Reason; got != want {
		t.Errorf("reason = %q, want %q", got, want)
	}
	if list, due := watch.Looks(f.in, f.facts, after(3*time.Second)); len(list) != 0 || !due.Equal(after(4*time.Second)) {
		t.Errorf("1 s later Looks = %v, due %s, want none before another 2 s", list, due)
	}
	f.at(after(8*time.Second), checks(2, "a", paas.CheckPassing))
	f.fold(after(20 * time.Second))
	if got := f.facts.Instances()[0]; got.Reason != "" || got.Health != paas.HealthHealthy {
		t.Errorf("once healthy = %s, reason %q", got.Health, got.Reason)
	}
}

func TestAnInstanceThatEndedBeforeItWasSeenIsToldOfWhileItIsNews(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		after time.Duration
		told  int
	}{{time.Second, 1}, {time.Hour, 0}} {
		f := newFolder(100)
		failed := running("a", 0, epoch)
		failed.ClientStatus = "failed"
		f.at(after(tt.after), allocations(1, failed))
		if told := f.told("shop"); len(told) != tt.told {
			t.Errorf("after %s told %q, want %d events", tt.after, told, tt.told)
		}
	}
}
