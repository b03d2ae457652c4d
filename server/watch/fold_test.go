package watch_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/watch"
)

// moment is one line of testdata/stream.jsonl, recorded from Nomad 2.0.6-dev and Consul 1.8.7: two
// instances of shop come up, bad exits at once three times, huge asks for more memory than there
// is, deaf listens on another port than its own; shop is scaled to 3, then to 1, huge to 0.
type moment struct {
	MS          int64
	Allocations *watch.Allocations
	Evaluations *watch.Evaluations
	Checks      *watch.Checks
}

func (m moment) seen() watch.Seen {
	return watch.Seen{Allocations: m.Allocations, Evaluations: m.Evaluations, Checks: m.Checks}
}

func stream(t *testing.T) []moment {
	t.Helper()
	f, err := os.Open("testdata/stream.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	var all []moment
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var m moment
		if err := json.Unmarshal(lines.Bytes(), &m); err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
	}
	if err := lines.Err(); err != nil || len(all) < 40 {
		t.Fatalf("read %d moments: %v", len(all), err)
	}
	return all
}

var epoch = time.Date(2026, 11, 22, 19, 0, 0, 0, time.UTC)

// apps are the wishes at the time of the recording.
func apps(first uint64) map[paas.AppRef]*watch.App {
	all := map[paas.AppRef]*watch.App{}
	for _, name := range []string{"shop", "bad", "huge", "deaf"} {
		all[paas.AppRef{Team: "acme", App: name}] = app(name, first)
	}
	return all
}

func app(name string, first uint64) *watch.App {
	web := paas.Process{
		Name: "web", Ports: []paas.Port{{Name: "http"}}, MinHealthy: 2 * time.Second,
		Health: paas.Probes{Readiness: &paas.Probe{Type: paas.ProbeHTTP, Path: "/", Port: "http"}},
	}
	memory := 400000
	return &watch.App{
		Slots:    map[paas.Slot]paas.Slotted{paas.Blue: {Team: "acme", App: name, Slot: paas.Blue, Release: 3, First: first}},
		Releases: map[int]paas.Release{3: {Number: 3, Spec: paas.Spec{App: name, Processes: []paas.Process{web}}}},
		Jobs: map[paas.Slot]*nomadapi.Job{paas.Blue: {TaskGroups: []*nomadapi.TaskGroup{{
			Name: new("web"), Tasks: []*nomadapi.Task{{Name: "web", Resources: &nomadapi.Resources{MemoryMB: &memory}}},
		}}}},
	}
}

// folder folds as the loop does: after each piece of news, and when something is due.
type folder struct {
	in    watch.Inputs
	facts watch.Facts
	due   time.Time
	all   []paas.Observation
}

func newFolder(first uint64) *folder {
	f := &folder{facts: watch.KnownFacts(nil, nil, nil, nil)}
	f.in = f.in.Take(watch.Seen{Apps: apps(first)})
	return f
}

func (f *folder) at(now time.Time, s watch.Seen) paas.Observation {
	for !f.due.IsZero() && f.due.Before(now) {
		f.fold(f.due)
	}
	f.in = f.in.Take(s)
	return f.fold(now)
}

func (f *folder) fold(now time.Time) paas.Observation {
	var news paas.Observation
	f.facts, news, f.due = watch.Fold(f.in, f.facts, now)
	f.all = append(f.all, news)
	return news
}

// told gives the messages of all events, of one app or of all.
func (f *folder) told(app string) []string {
	var messages []string
	for _, news := range f.all {
		for _, e := range news.Events {
			if app == "" || e.App == app {
				messages = append(messages, e.Message)
			}
		}
	}
	return messages
}

// byName gives the instances by app and index, without what only a clock decides.
func byName(instances []paas.Instance) map[string]paas.Instance {
	named := map[string]paas.Instance{}
	for _, i := range instances {
		named[fmt.Sprintf("%s %d", i.App, i.Index)] = i
	}
	return named
}

func TestARecordedStreamBecomesFacts(t *testing.T) {
	t.Parallel()
	f := newFolder(100)
	for _, m := range stream(t) {
		f.at(epoch.Add(time.Duration(m.MS)*time.Millisecond), m.seen())
	}
	type want struct {
		State  paas.InstanceState
		Health paas.Health
		Exits  int
		Reason string
	}
	got := map[string]want{}
	for name, i := range byName(f.facts.Instances()) {
		got[name] = want{i.State, i.Health, i.Exits, i.Reason}
		if i.Release != 3 || i.Process != "web" || i.Slot != paas.Blue || i.Node != "vm" || i.Ports["http"].Port == 0 {
			t.Errorf("%s = %+v", name, i)
		}
	}
	if diff := cmp.Diff(map[string]want{
		"shop 0": {paas.InstanceRunning, paas.HealthHealthy, 0, ""},
		"shop 1": {paas.InstanceComplete, paas.HealthUnknown, 0, ""},
		"shop 2": {paas.InstanceComplete, paas.HealthUnknown, 0, ""},
		"bad 0":  {paas.InstanceFailed, paas.HealthUnknown, 3, "web exited 3 times with code 1"},
		"deaf 0": {paas.InstanceRunning, paas.HealthCritical, 0, ""},
	}, got); diff != "" {
		t.Errorf("instances (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{
		"web 0 (blue) was placed on node vm",
		"web 0 (blue) runs on node vm",
		"web 0 (blue) waits for its restart: web exited with code 1",
		"web 0 (blue) runs on node vm",
		"web 0 (blue) waits for its restart: web exited 2 times with code 1",
		"web 0 (blue) runs on node vm",
		"web 0 (blue) failed: web exited 3 times with code 1",
		"web 0 (blue) is in a crash loop: exited 3 times in 1 s with code 1",
	}, f.told("bad")); diff != "" {
		t.Errorf("events of bad (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{
		"web 2 (blue) was placed on node vm",
		"web 2 (blue) runs on node vm",
		"web 2 (blue) is healthy",
		"web 2 (blue) is stopping",
		"web 2 (blue) has stopped",
	}, only(f.told("shop"), "web 2")); diff != "" {
		t.Errorf("events of shop 2 (-want +got):\n%s", diff)
	}
}

func only(all []string, prefix string) []string {
	var some []string
	for _, s := range all {
		if strings.HasPrefix(s, prefix) {
			some = append(some, s)
		}
	}
	return some
}

func TestPlacementIsBlockedUntilNothingIsWanted(t *testing.T) {
	t.Parallel()
	f := newFolder(100)
	var facts []paas.JobFact
	for _, m := range stream(t) {
		for _, j := range f.at(epoch.Add(time.Duration(m.MS)*time.Millisecond), m.seen()).Jobs {
			if j.App == "huge" {
				facts = append(facts, j)
			}
		}
	}
	if len(facts) != 2 || !strings.Contains(facts[0].Blocked, "no node has 400000 MB of free memory") || facts[1].Blocked != "" || facts[1].Index <= facts[0].Index {
		t.Errorf("facts of huge = %+v, want blocked on memory, then not", facts)
	}
}

func TestAnyOrderOfTheStreamEndsInTheSameFacts(t *testing.T) {
	t.Parallel()
	recorded := stream(t)
	end := epoch.Add(time.Hour)
	// result folds everything at one moment and then lets all clocks run out.
	result := func(moments []moment) []paas.Instance {
		f := newFolder(100)
		for _, m := range moments {
			f.at(end, m.seen())
		}
		f.at(end.Add(time.Hour), watch.Seen{})
		return f.facts.Instances()
	}
	want := result(recorded)
	clocks := cmpopts.IgnoreFields(paas.Instance{}, "Since", "PassingAt") // when it was seen first
	if len(want) != 5 {
		t.Fatalf("%d instances, want 5", len(want))
	}
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 7))
		moments := append([]moment(nil), recorded[:3]...) // the fresh reads come first
		rest := append([]moment(nil), recorded[3:]...)
		switch seed % 3 {
		case 0: // shuffled
			r.Shuffle(len(rest), func(i, j int) { rest[i], rest[j] = rest[j], rest[i] })
		case 1: // cut: anything but the last of each kind may be lost
			rest = cut(rest, r)
		case 2: // duplicated, and late
			rest = append(rest, rest[:r.IntN(len(rest))]...)
		}
		if diff := cmp.Diff(want, result(append(moments, rest...)), clocks); diff != "" {
			t.Errorf("seed %d (-in order +otherwise):\n%s", seed, diff)
		}
	}
}

func cut(moments []moment, r *rand.Rand) []moment {
	var last [3]int
	for i, m := range moments {
		switch {
		case m.Allocations != nil:
			last[0] = i
		case m.Evaluations != nil:
			last[1] = i
		case m.Checks != nil:
			last[2] = i
		}
	}
	var kept []moment
	for i, m := range moments {
		if i == last[0] || i == last[1] || i == last[2] || r.IntN(2) == 0 {
			kept = append(kept, m)
		}
	}
	return kept
}

func TestFoldingAgainWritesNothing(t *testing.T) {
	t.Parallel()
	f := newFolder(100)
	for _, m := range stream(t) {
		now := epoch.Add(time.Duration(m.MS) * time.Millisecond)
		f.at(now, m.seen())
		if again := f.fold(now); !cmp.Equal(again, paas.Observation{}) {
			t.Fatalf("at %d ms the same inputs gave more news: %+v", m.MS, again)
		}
	}
}
