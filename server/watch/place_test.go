package watch_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/watch"
)

// TestAFoldOfWhatChangedEqualsAFoldOfAll lets instances start, crash, be placed anew, pass and fail their
// checks, be looked at and be released anew in any order, and holds each observation to that of a fold which
// derives everything again.
func TestAFoldOfWhatChangedEqualsAFoldOfAll(t *testing.T) {
	t.Parallel()
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			s := newStage(seed)
			quick, whole := newFolder(100), newFolder(100)
			at := time.Duration(0)
			for range 120 {
				at += time.Duration(s.r.IntN(4000)) * time.Millisecond
				seen := s.next(at)
				whole.facts = whole.facts.Anew()
				want := whole.at(after(at), seen)
				got := quick.at(after(at), seen)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("after %s (-whole +quick):\n%s", at, diff)
				}
				if !whole.due.IsZero() && (quick.due.IsZero() || quick.due.After(whole.due)) { // before is only a fold for nothing
					t.Fatalf("after %s it is due at %s, a whole fold at %s", at, quick.due, whole.due)
				}
			}
			if n := len(s.allocs); n < 5 {
				t.Errorf("only %d allocations came about", n)
			}
		})
	}
}

// stage makes up what a cluster shows.
type stage struct {
	r      *rand.Rand
	index  uint64
	allocs []*nomadapi.AllocationListStub
	checks map[string]paas.CheckStatus
}

func newStage(seed uint64) *stage {
	return &stage{r: rand.New(rand.NewPCG(seed, 11)), index: 120, checks: map[string]paas.CheckStatus{}}
}

// next changes one thing and gives the list that shows it.
func (s *stage) next(at time.Duration) watch.Seen {
	s.index++
	n := s.r.IntN(8)
	if len(s.allocs) < 3 {
		n = 0
	}
	switch n {
	case 0:
		a := life(fmt.Sprintf("a%d", len(s.allocs)), at, "1")
		a.CreateIndex, a.ModifyIndex = s.index, s.index
		a.ClientStatus, a.Name = "running", fmt.Sprintf("shop.blue.web[%d]", len(s.allocs)%3)
		s.allocs = append(s.allocs, a)
	case 1: // it ends once more
		s.edit(func(a *nomadapi.AllocationListStub) {
			ends := []time.Duration{at - 2*time.Second, at - time.Second}
			b := life(a.ID, 0, "1", ends[:1+s.r.IntN(2)]...)
			a.ClientStatus, a.TaskStates = "pending", b.TaskStates
		})
	case 2: // it is given up, and placed anew
		s.edit(func(a *nomadapi.AllocationListStub) {
			a.ClientStatus, a.FollowupEvalID = "failed", "e"+a.ID
			if a.NextAllocation != "" { // or another is
				a.NextAllocation = s.allocs[s.r.IntN(len(s.allocs))].ID
			} else if s.r.IntN(2) == 0 {
				b := life("b"+a.ID, at, "1")
				b.CreateIndex, b.ModifyIndex, b.ClientStatus = s.index, s.index, "running"
				a.NextAllocation = b.ID
				s.allocs = append(s.allocs, b)
			}
		})
	case 3:
		list := &watch.Evaluations{Index: s.index}
		for _, a := range s.allocs {
			list.List = append(list.List, &nomadapi.Evaluation{
				ID: "e" + a.ID, Namespace: "acme", JobID: "shop.blue", Type: "service", Status: "pending", WaitUntil: after(at + time.Minute),
			})
		}
		return watch.Seen{Evaluations: list}
	case 4, 5:
		list := &watch.Checks{Index: s.index}
		for _, a := range s.allocs {
			if s.r.IntN(3) == 0 {
				s.checks[a.ID] = []paas.CheckStatus{paas.CheckPassing, paas.CheckCritical, paas.CheckWarning}[s.r.IntN(3)]
			}
			if status := s.checks[a.ID]; status != "" {
				list.List = append(list.List, paas.Check{ID: "c", Alloc: a.ID, Port: "http", Name: "readiness", Status: status, Output: "503"})
			}
		}
		return watch.Seen{Checks: list}
	case 6:
		a := s.allocs[s.r.IntN(len(s.allocs))]
		return watch.Seen{Looks: map[string]watch.Look{a.ID: {Addresses: []string{"127.0.0.1:80"}, Output: "connection refused", At: after(at)}}}
	case 7:
		app := app("shop", 100)
		app.Releases[3].Spec.Processes[0].Startup = time.Duration(s.r.IntN(30)) * time.Second
		return watch.Seen{Apps: map[paas.AppRef]*watch.App{{Team: "acme", App: "shop"}: app}}
	}
	list := &watch.Allocations{Index: s.index}
	for _, a := range s.allocs { // each list is decoded anew
		again := *a
		list.List = append(list.List, &again)
	}
	return watch.Seen{Allocations: list}
}

func (s *stage) edit(change func(*nomadapi.AllocationListStub)) {
	n := s.r.IntN(len(s.allocs))
	a := *s.allocs[n]
	a.ModifyIndex = s.index
	s.allocs[n] = &a
	change(&a)
}
