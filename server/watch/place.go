package watch

import (
	"slices"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// A cluster has thousands of allocations, and one of them changes. So that a fold costs what has changed,
// an instance is derived again only when something it depends on is another than when it was last derived:
//
//	its allocation, its checks, those that it was placed instead of     by identity: Take keeps what did not change
//	apps, looks, and evaluations where one is waited for             one number each, which grows with their news
//	the time                                             when the derivation itself asked to be made again
//
// An instance that is skipped is what a whole derivation would give; a test holds it to that.

// allocation is one of Nomad's, with whose it is.
type allocation struct {
	*nomadapi.AllocationListStub
	ref    paas.AppRef
	slot   paas.Slot
	inSlot bool // of an instance
	aside  bool // of a run
}

func allocationOf(a *nomadapi.AllocationListStub) *allocation {
	of := &allocation{AllocationListStub: a}
	if of.ref, of.slot, of.inSlot = owner(a.Namespace, a.JobID); !of.inSlot {
		of.ref, _, of.aside = sideOf(a.Namespace, a.JobID)
	}
	return of
}

// unchanged says that a list shows an allocation as an earlier one did.
func (a *allocation) unchanged(next *nomadapi.AllocationListStub) bool {
	return a != nil && next.ModifyIndex > 0 && a.ModifyIndex == next.ModifyIndex && a.CreateIndex == next.CreateIndex && a.ModifyTime == next.ModifyTime
}

// checked are the checks of one allocation.
type checked struct{ list []paas.Check }

// byAllocation sorts checks, and keeps what is as it was before.
func byAllocation(list []paas.Check, before map[string]*checked) map[string]*checked {
	all := make(map[string]*checked, len(before))
	for _, c := range list {
		if all[c.Alloc] == nil {
			all[c.Alloc] = &checked{}
		}
		all[c.Alloc].list = append(all[c.Alloc].list, c)
	}
	for id, of := range all {
		if was := before[id]; was != nil && slices.Equal(was.list, of.list) {
			all[id] = was
		}
	}
	return all
}

// news numbers what was read: each grows when there is something new.
type news struct{ apps, looks, evals uint64 }

// never is a number that no news has.
const never = ^uint64(0)

// newsFor is what of the news an instance depends on.
func (in Inputs) newsFor(a *allocation) news {
	n := in.news
	if a.FollowupEvalID == "" {
		n.evals = 0
	}
	return n
}

// held is an instance, with what it was derived from.
type held struct {
	paas.Instance
	alloc      *allocation
	chain      []*allocation // those it was placed instead of, as far as was looked; the last may be nil
	checks     *checked
	checksRead bool
	of         news
	due        time.Time // when it wants to be derived again; zero for never
}

// stands says that an instance would be derived as it was.
func (h *held) stands(a *allocation, f *folding) bool {
	if h == nil || h.alloc != a || (!h.due.IsZero() && !h.due.After(f.now)) || h.of != f.in.newsFor(a) ||
		h.checks != f.in.checks[a.ID] || h.checksRead != f.in.checksRead {
		return false
	}
	for _, before := range h.chain {
		if f.in.allocs[f.previous(a.AllocationListStub)] != before {
			return false
		}
		a = before
	}
	return true
}
