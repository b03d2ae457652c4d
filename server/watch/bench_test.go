package watch_test

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/watch"
)

// BenchmarkFold folds changes of allocations on one core, while so many others stand still. A change is an
// allocation that has another state than in the list before: placed, running, healthy. They come in lists
// of one or of a hundred, as Nomad gives them while one app walks or while a node is lost.
func BenchmarkFold(b *testing.B) {
	for _, standing := range []int{100, 1000, 5000} {
		for _, at := range []int{1, 100} {
			b.Run(fmt.Sprintf("standing=%d/changes=%d", standing, at), func(b *testing.B) { benchFold(b, standing, at) })
		}
	}
}

func benchFold(b *testing.B, standing, changes int) {
	const perApp = 10
	apps := map[paas.AppRef]*watch.App{}
	var list []*nomadapi.AllocationListStub
	checks := &watch.Checks{Index: 1}
	for n := range standing {
		name := fmt.Sprintf("app-%d", n/perApp)
		if n%perApp == 0 {
			apps[paas.AppRef{Team: "acme", App: name}] = app(name, 100)
		}
		a := running(fmt.Sprintf("%08d", n), 0, epoch)
		a.JobID, a.Name, a.ModifyIndex = name+".blue", fmt.Sprintf("%s.blue.web[%d]", name, n%perApp), 1
		list = append(list, a)
		checks.List = append(checks.List, paas.Check{ID: "c", Alloc: a.ID, Port: "http", Name: "readiness", Status: paas.CheckPassing})
	}
	in := watch.Inputs{}.Take(watch.Seen{Apps: apps, Allocations: &watch.Allocations{Index: 1, Fresh: true, List: list}, Checks: checks})
	facts, _, _ := watch.Fold(in, watch.KnownFacts(nil, nil, nil, nil), epoch)
	facts, _, _ = watch.Fold(in, facts, epoch.Add(time.Minute))

	index, next, told := uint64(1), 0, 0
	states := []string{"pending", "running"}
	b.ReportAllocs()
	began := processorTime(b)
	for b.Loop() {
		index++
		for range changes {
			n := next % standing
			next++
			changed := *list[n]
			changed.ClientStatus = states[(next/standing)%2]
			changed.ModifyIndex = index
			list[n] = &changed
		}
		in = in.Take(watch.Seen{Allocations: &watch.Allocations{Index: index, List: list}})
		var news paas.Observation
		facts, news, _ = watch.Fold(in, facts, epoch.Add(2*time.Minute))
		told += len(news.Instances)
	}
	if told < b.N*changes/2 {
		b.Fatalf("%d changes were folded of %d", told, b.N*changes)
	}
	b.ReportMetric(float64(told)/(processorTime(b)-began).Seconds(), "changes/cpu-s")
}

// processorTime is what this process has used: of one core, whatever else the machine does.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
