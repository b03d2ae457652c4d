package meter_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/meter"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// nomad answers as it is told, and counts.
type nomad struct {
	mu     sync.Mutex // guards asked, now and most
	asked  map[string]int
	now    int // calls under way
	most   int
	answer func(ctx context.Context, alloc string) (paas.Measured, error)
}

func (n *nomad) Measure(ctx context.Context, team, alloc string) (paas.Measured, error) {
	if team != "red" {
		return paas.Measured{}, fmt.Errorf("team %q", team)
	}
	n.mu.Lock()
	n.asked[alloc]++
	n.now++
	n.most = max(n.most, n.now)
	n.mu.Unlock()
	defer func() { n.mu.Lock(); n.now--; n.mu.Unlock() }()
	return n.answer(ctx, alloc)
}

func (n *nomad) count(alloc string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.asked[alloc]
}

var at = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

func fixed(context.Context, string) (paas.Measured, error) {
	return paas.Measured{At: at, CPU: 120.5, Memory: 48 << 20}, nil
}

func snapshot(instances ...paas.Instance) paas.Snapshot {
	for n := range instances {
		instances[n].Team, instances[n].App, instances[n].Process, instances[n].Release, instances[n].Node = "red", "shop", "web", 3, "node-1"
	}
	return paas.Snapshot{
		App: paas.App{Team: "red", Name: "shop"}, Instances: instances,
		Releases: map[int]paas.Release{3: {Spec: paas.Spec{Processes: []paas.Process{{
			Name: "web", Program: paas.Program{CPU: 100, Memory: 64, MemoryMax: 256},
			Sidecars: []paas.Sidecar{{Name: "proxy", Program: paas.Program{Cores: 1, Memory: 32}}},
		}}}}},
	}
}

func TestAnInstanceIsMeasuredAgainstItsRelease(t *testing.T) {
	t.Parallel()
	m := meter.New(&nomad{asked: map[string]int{}, answer: fixed}, nil)
	got := m.Measure(t.Context(), snapshot(
		paas.Instance{ID: "a", Slot: paas.Blue, Index: 1, State: paas.InstanceRunning},
		paas.Instance{ID: "b", State: paas.InstancePending},
		paas.Instance{ID: "c", State: paas.InstanceFailed}))
	limits := paas.InstanceUsage{Process: "web", Release: 3, Node: "node-1", CPULimit: 100, Cores: 1, MemoryLimit: 96, MemoryMax: 288}
	running, pending := limits, limits
	running.Instance, running.Slot, running.Index, running.Known, running.At, running.CPU, running.Memory = "a", paas.Blue, 1, true, &at, 120.5, 48
	pending.Instance, pending.Reason = "b", "It does not run yet."
	if diff := cmp.Diff([]paas.InstanceUsage{running, pending}, got); diff != "" {
		t.Error(diff)
	}
}

func TestANodeThatDoesNotAnswerMakesItsInstancesUnknown(t *testing.T) {
	t.Parallel()
	n := &nomad{asked: map[string]int{}, answer: func(ctx context.Context, alloc string) (paas.Measured, error) {
		switch alloc {
		case "silent":
			return paas.Measured{}, paas.Errorf(paas.Unavailable, "Nomad does not answer.")
		case "gone":
			return paas.Measured{}, paas.Errorf(paas.NotFound, "Nomad knows no such thing.")
		case "denied":
			return paas.Measured{}, paas.Errorf(paas.Forbidden, "Nomad does not allow it.")
		}
		return fixed(ctx, alloc)
	}}
	m := meter.New(n, nil)
	want := map[string]string{"silent": "Node node-1 does not say", "gone": "just ended", "denied": "does not allow", "well": ""}
	var instances []paas.Instance
	for id := range want {
		instances = append(instances, paas.Instance{ID: id, State: paas.InstanceRunning})
	}
	for _, u := range m.Measure(t.Context(), snapshot(instances...)) {
		if u.Known != (u.Instance == "well") || !strings.Contains(u.Reason, want[u.Instance]) || u.MemoryLimit != 96 {
			t.Errorf("%+v", u)
		}
	}
}

func TestAnAnswerServesAllWhoAskWithinTwoSeconds(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	now := at
	n := &nomad{asked: map[string]int{}, answer: fixed}
	m := meter.New(n, func() time.Time { mu.Lock(); defer mu.Unlock(); return now })
	snap := snapshot(paas.Instance{ID: "a", State: paas.InstanceRunning})
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if got := m.Measure(t.Context(), snap); !got[0].Known {
				t.Errorf("%+v", got)
			}
		})
	}
	all.Wait()
	if n.count("a") != 1 {
		t.Errorf("asked %d times at one moment", n.count("a"))
	}
	mu.Lock()
	now = now.Add(3 * time.Second)
	mu.Unlock()
	m.Measure(t.Context(), snap)
	if n.count("a") != 2 {
		t.Errorf("asked %d times, want again after three seconds", n.count("a"))
	}
}

func TestFewNodesAreAskedSideBySide(t *testing.T) {
	t.Parallel()
	n := &nomad{asked: map[string]int{}, answer: func(ctx context.Context, alloc string) (paas.Measured, error) {
		time.Sleep(2 * time.Millisecond)
		return fixed(ctx, alloc)
	}}
	var instances []paas.Instance
	for i := range 60 {
		instances = append(instances, paas.Instance{ID: fmt.Sprintf("i%d", i), State: paas.InstanceRunning})
	}
	got := meter.New(n, nil).Measure(t.Context(), snapshot(instances...))
	if len(got) != 60 || slices.ContainsFunc(got, func(u paas.InstanceUsage) bool { return !u.Known }) {
		t.Errorf("%d answers: %+v", len(got), got)
	}
	if n.most > 8 {
		t.Errorf("%d were asked at the same time", n.most)
	}
}

func TestNobodyWaitsForASilentNode(t *testing.T) {
	t.Parallel()
	n := &nomad{asked: map[string]int{}, answer: func(ctx context.Context, _ string) (paas.Measured, error) {
		<-ctx.Done()
		return paas.Measured{}, ctx.Err()
	}}
	m := meter.New(n, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	var instances []paas.Instance
	for i := range 30 { // more than are asked at once
		instances = append(instances, paas.Instance{ID: fmt.Sprintf("i%d", i), State: paas.InstanceRunning})
	}
	for _, u := range m.Measure(ctx, snapshot(instances...)) {
		if u.Known || u.Reason == "" {
			t.Errorf("%+v", u)
		}
	}
	// Whoever asks next is not told of the patience of the one before.
	n.answer = fixed
	if got := m.Measure(t.Context(), snapshot(instances[0])); !got[0].Known {
		t.Errorf("%+v", got)
	}
}
