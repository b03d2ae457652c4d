package watch

import (
	"maps"
	"slices"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Inputs is the last that was read of each source. A value is never changed once made: Take gives a
// new one.
type Inputs struct {
	apps map[paas.AppRef]App

	allocs     map[string]*allocation // by id
	asides     []*allocation          // those of runs
	list       []*allocation          // in the order in which they were read
	moved      []*allocation          // those that the list before did not show, or showed otherwise
	before     map[string]string      // allocation by the one placed instead of it
	after      map[string][]string    // the other way round
	allocsRead bool
	allocIndex uint64

	nodes     []*nomadapi.NodeListStub
	nodesRead bool
	nodeIndex uint64

	backends map[string]paas.Backend // by name

	evals     []*nomadapi.Evaluation
	waits     map[string]time.Time // until when evaluations wait, by id
	evalIndex uint64

	checks     map[string]*checked // by allocation
	checksRead bool
	checkIndex uint64

	tables     []paas.RouterTable
	tablesErr  string // why not every table is known
	tablesRead bool

	answers map[paas.Claim]Answer
	looks   map[string]Look // by allocation

	news news
}

// App is what facts depend on of an app's wishes.
type App struct {
	Slots     map[paas.Slot]paas.Slotted
	Jobs      map[paas.Slot]*nomadapi.Job // decoded from the slots; a slot that can't be is missing
	Releases  map[int]paas.Release
	Claims    []paas.Claim
	Sides     map[string]paas.Side // by job id
	CreatedAt time.Time
	Idle      bool      // wanted nowhere
	Walking   bool      // a deployment has not ended
	StepAt    time.Time // when its current step began, zero while it is paused
}

// Answer is what a request for a route got through the router.
type Answer struct {
	Targets []string // that stood in every table when it was asked
	Status  int      // 0 with an error
	At      time.Time
	Tries   int // without success, for these targets
}

// OK says that the app answered, not the router in its place.
func (a Answer) OK() bool {
	return a.Status > 0 && a.Status != 502 && a.Status != 503 && a.Status != 504
}

// Look is what was found when an instance that doesn't pass its checks was looked at.
type Look struct {
	Addresses []string // it listens on; none where that can't be seen
	Output    string   // what its check prints when done from here
	At        time.Time
}

// Seen is one piece of news. Lists are whole, never a difference; a nil one was not read.
type Seen struct {
	Apps        map[paas.AppRef]*App // by reference; nil for an app that is no more
	Allocations *Allocations
	Evaluations *Evaluations
	Checks      *Checks
	Nodes       *Nodes
	Backends    map[string]paas.Backend // by name
	Tables      *Tables
	Answers     map[paas.Claim]Answer
	Looks       map[string]Look
}

// Allocations is a full list at an index. Fresh lists were read without waiting for an index, so
// they hold even if it went backwards, as it does when a cluster is made anew.
type Allocations struct {
	Index uint64
	Fresh bool
	List  []*nomadapi.AllocationListStub
}

// Evaluations is a full list at an index; see Allocations.
type Evaluations struct {
	Index uint64
	Fresh bool
	List  []*nomadapi.Evaluation
}

// Checks is a full list at an index; see Allocations.
type Checks struct {
	Index uint64
	Fresh bool
	List  []paas.Check
}

// Nodes is a full list at an index; see Allocations.
type Nodes struct {
	Index uint64
	Fresh bool
	List  []*nomadapi.NodeListStub
}

// Tables are the tables of all routers, or those that were read and why the others were not.
type Tables struct {
	List []paas.RouterTable
	Err  string
}

// Take adds news. Lists older than the one known are dropped, so the order of arrival is of no
// consequence.
func (in Inputs) Take(s Seen) Inputs {
	if len(s.Apps) > 0 {
		in.news.apps++
		in.apps = maps.Clone(in.apps)
		if in.apps == nil {
			in.apps = map[paas.AppRef]App{}
		}
		for ref, app := range s.Apps {
			if app == nil {
				delete(in.apps, ref)
			} else {
				in.apps[ref] = *app
			}
		}
		held := map[paas.Claim]bool{}
		for _, claim := range in.claims() {
			held[claim] = true
		}
		in.answers = keep(in.answers, func(c paas.Claim) bool { return held[c] })
	}
	if l := s.Allocations; l != nil && (l.Fresh || l.Index >= in.allocIndex) {
		in.allocIndex, in.allocsRead = l.Index, true
		in = in.takeAllocations(l.List)
		in.looks = keep(in.looks, func(id string) bool { return in.allocs[id] != nil })
	}
	if l := s.Evaluations; l != nil && (l.Fresh || l.Index >= in.evalIndex) {
		in.news.evals++
		in.evalIndex, in.evals = l.Index, l.List
		in.waits = map[string]time.Time{}
		for _, e := range l.List {
			if !e.WaitUntil.IsZero() {
				in.waits[e.ID] = stamp(e.WaitUntil)
			}
		}
	}
	if l := s.Nodes; l != nil && (l.Fresh || l.Index >= in.nodeIndex) {
		in.nodeIndex, in.nodes, in.nodesRead = l.Index, l.List, true
	}
	in.backends = merge(in.backends, s.Backends)
	if l := s.Checks; l != nil && (l.Fresh || l.Index >= in.checkIndex) {
		in.news.checks++
		in.checkIndex, in.checksRead = l.Index, true
		in.checks = byAllocation(l.List, in.checks)
	}
	if s.Tables != nil {
		in.news.tables++
		in.tables, in.tablesErr, in.tablesRead = s.Tables.List, s.Tables.Err, true
	}
	if len(s.Answers) > 0 {
		in.news.tables++
		in.answers = merge(in.answers, s.Answers)
	}
	if len(s.Looks) > 0 {
		in.news.looks++
		in.looks = merge(in.looks, s.Looks)
	}
	return in
}

// keep gives the entries whose key is wanted.
func keep[K comparable, V any](old map[K]V, wanted func(K) bool) map[K]V {
	kept := maps.Clone(old)
	maps.DeleteFunc(kept, func(k K, _ V) bool { return !wanted(k) })
	return kept
}

// merge gives both, the news over the old.
func merge[K comparable, V any](old, news map[K]V) map[K]V {
	if len(news) == 0 {
		return old
	}
	all := maps.Clone(old)
	if all == nil {
		all = map[K]V{}
	}
	maps.Copy(all, news)
	return all
}

// Unknown gives the apps that allocations name and that have not been taken.
func (in Inputs) Unknown() []paas.AppRef {
	var refs []paas.AppRef
	for _, a := range in.allocs {
		if !a.inSlot && !a.aside {
			continue
		}
		if _, known := in.apps[a.ref]; !known && !slices.Contains(refs, a.ref) {
			refs = append(refs, a.ref)
		}
	}
	return refs
}

// owner names the app and slot of a job.
func owner(namespace, job string) (paas.AppRef, paas.Slot, bool) {
	app, slot, ok := paas.ParseJobID(job)
	return paas.AppRef{Team: namespace, App: app}, slot, ok
}
