package watch

import (
	"maps"
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
// Most lists of allocations show one that changed. When nothing else has been read since the last fold, and
// nothing is due, then only those that moved in the list are looked at, and those placed instead of them.
//
// An instance that is skipped is what a whole derivation would give; a test holds it to that.

// allocation is one of Nomad's, with whose it is.
type allocation struct {
	*nomadapi.AllocationListStub
	ref     paas.AppRef
	slot    paas.Slot
	inSlot  bool   // of an instance
	aside   bool   // of a run
	instead string // the one it says it was placed instead of; "" for none
}

func allocationOf(a *nomadapi.AllocationListStub) *allocation {
	of := &allocation{AllocationListStub: a, instead: rescheduled(a)}
	if of.ref, of.slot, of.inSlot = owner(a.Namespace, a.JobID); !of.inSlot {
		of.ref, _, of.aside = sideOf(a.Namespace, a.JobID)
	}
	return of
}

// unchanged says that a list shows an allocation as an earlier one did.
func (a *allocation) unchanged(next *nomadapi.AllocationListStub) bool {
	return a != nil && next.ModifyIndex > 0 && a.ModifyIndex == next.ModifyIndex && a.CreateIndex == next.CreateIndex && a.ModifyTime == next.ModifyTime
}

// takeAllocations takes a list, and finds what moved in it. Nomad's lists are in the order of ids, so that an
// allocation mostly follows the one it followed before.
func (in Inputs) takeAllocations(stubs []*nomadapi.AllocationListStub) Inputs {
	known, before, found, relinked := in.allocs, in.list, 0, false
	in.news.allocs++
	in.list, in.moved, in.asides = make([]*allocation, 0, len(stubs)), nil, nil
	in.before, in.after = map[string]string{}, map[string][]string{}
	for _, a := range stubs {
		var was *allocation
		if len(before) > 0 && before[0].ID == a.ID {
			was, before = before[0], before[1:]
		} else {
			was = known[a.ID]
		}
		is := was
		if was != nil {
			found++
		}
		if !was.unchanged(a) {
			is = allocationOf(a)
			in.moved = append(in.moved, is)
			relinked = relinked || was != nil && was.NextAllocation != "" && was.NextAllocation != a.NextAllocation
		}
		in.list = append(in.list, is)
		if is.aside {
			in.asides = append(in.asides, is)
		}
		if next := is.NextAllocation; next != "" {
			in.before[next] = is.ID
			in.after[is.ID] = append(in.after[is.ID], next)
		}
		if is.instead != "" {
			in.after[is.instead] = append(in.after[is.instead], is.ID)
		}
	}
	if known == nil || found < len(known) || relinked {
		in.news.allocs++ // a number that no fold has seen: the next one looks at all
	}
	news := in.list
	if len(known) == found && len(known) == len(in.list) && found > 0 { // the same ones: a copy costs less
		in.allocs, news = maps.Clone(known), in.moved
	} else {
		in.allocs = make(map[string]*allocation, len(in.list))
	}
	for _, a := range news {
		in.allocs[a.ID] = a
	}
	return in
}

// near gives the allocations that moved, and those whose crashes may count theirs, each once.
func (in Inputs) near() []*allocation {
	var list []*allocation
	seen := map[string]bool{}
	add := func(id string) {
		if a := in.allocs[id]; a != nil && !seen[id] {
			seen[id] = true
			list = append(list, a)
		}
	}
	for _, a := range in.moved {
		add(a.ID)
	}
	for n := 0; n < len(list); n++ {
		for _, id := range in.after[list[n].ID] {
			add(id)
		}
	}
	return list
}

// onlyMoved says that since the fold before at most one list of allocations was read, which lacks none of those
// before, and nothing else that instances depend on.
func (f *folding) onlyMoved(before news, due time.Time) bool {
	now := f.in.news
	lists := now.allocs - before.allocs
	now.allocs, now.tables = before.allocs, before.tables
	return lists <= 1 && now == before && (due.IsZero() || due.After(f.now))
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
type news struct{ apps, looks, evals, checks, allocs, tables uint64 }

// notYet are the numbers of facts that were folded from nothing.
var notYet = news{^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0)}

// newsFor is what of the news an instance depends on.
func (in Inputs) newsFor(a *allocation) news {
	n := news{apps: in.news.apps, looks: in.news.looks}
	if a.FollowupEvalID != "" {
		n.evals = in.news.evals
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
