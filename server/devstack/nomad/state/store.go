package state

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"sync"

	nomadapi "github.com/hashicorp/nomad/api"
)

// Store is the durable state of one stand-in.
type Store struct {
	mu      sync.RWMutex // guards everything below
	tables  tables
	log     *logFile
	changed chan struct{} // closed and replaced at each commit
	events  ring
}

type tables struct {
	index      uint64
	last       map[string]uint64 // table -> index of its last change
	jobs       map[string]*Job
	evals      map[string]*nomadapi.Evaluation
	allocs     map[string]*Alloc
	nodes      map[string]*nomadapi.Node
	namespaces map[string]*nomadapi.Namespace
	variables  map[string]*nomadapi.Variable
	volumes    map[string]*nomadapi.HostVolume
}

func newTables() tables {
	return tables{
		last:       map[string]uint64{},
		jobs:       map[string]*Job{},
		evals:      map[string]*nomadapi.Evaluation{},
		allocs:     map[string]*Alloc{},
		nodes:      map[string]*nomadapi.Node{},
		namespaces: map[string]*nomadapi.Namespace{},
		variables:  map[string]*nomadapi.Variable{},
		volumes:    map[string]*nomadapi.HostVolume{},
	}
}

// Open reads the log of dir and makes the folder when there is none.
func Open(dir string) (*Store, error) {
	s := &Store{tables: newTables(), changed: make(chan struct{})}
	log, err := openLog(dir, &s.tables)
	if err != nil {
		return nil, err
	}
	s.log = log
	return s, nil
}

// Close ends writing. Transactions after it fail.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.close()
}

// Changed is closed at the next commit. Take it before reading.
func (s *Store) Changed() <-chan struct{} {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.changed
}

// View reads one consistent state.
func (s *Store) View(read func(v *View)) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	read(&View{t: &s.tables})
}

// errNothing marks a transaction that put no row: it takes no index.
var errNothing = errors.New("nothing put")

// Update runs one transaction. Kind is the type its events carry, as in
// Nomad's stream (JobRegistered, PlanResult, AllocationUpdated...). It returns
// the index of the transaction, or the present index when nothing was put.
func (s *Store) Update(kind string, write func(tx *Tx) error) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()

	tx := &Tx{View: View{t: &s.tables}, index: s.tables.index + 1}
	err := write(tx)
	if err == nil && len(tx.changes) == 0 {
		err = errNothing
	}
	if err == nil {
		err = s.log.append(record{Index: tx.index, Set: tx.changes})
	}
	if err != nil {
		tx.undo()
		if errors.Is(err, errNothing) {
			return s.tables.index, nil
		}
		return 0, err
	}
	s.tables.index = tx.index
	s.events.add(eventsOf(kind, tx))
	close(s.changed)
	s.changed = make(chan struct{})
	return tx.index, s.log.compact(&s.tables)
}

// View is a consistent state, valid inside the function it was given to.
type View struct{ t *tables }

// Index is the index of the newest transaction.
func (v *View) Index() uint64 { return v.t.index }

// Last is the index at which any of the tables last changed.
func (v *View) Last(tables ...string) uint64 {
	var last uint64
	for _, table := range tables {
		last = max(last, v.t.last[table])
	}
	return last
}

// Job returns nil when there is no such job.
func (v *View) Job(namespace, id string) *Job { return v.t.jobs[Key(namespace, id)] }

// Jobs are sorted by namespace and id. Namespace "*" is all.
func (v *View) Jobs(namespace string) []*Job {
	var jobs []*Job
	for _, key := range slices.Sorted(maps.Keys(v.t.jobs)) {
		if in, _ := splitKey(key); namespace == "*" || in == namespace {
			jobs = append(jobs, v.t.jobs[key])
		}
	}
	return jobs
}

// Eval returns nil when there is no such evaluation.
func (v *View) Eval(id string) *nomadapi.Evaluation { return v.t.evals[id] }

// Evals are sorted by index of creation, the newest last.
func (v *View) Evals(namespace string) []*nomadapi.Evaluation {
	var evals []*nomadapi.Evaluation
	for _, e := range v.t.evals {
		if namespace == "*" || e.Namespace == namespace {
			evals = append(evals, e)
		}
	}
	slices.SortFunc(evals, func(a, b *nomadapi.Evaluation) int {
		return cmp.Or(cmp.Compare(a.CreateIndex, b.CreateIndex), cmp.Compare(a.ID, b.ID))
	})
	return evals
}

// JobEvals are the evaluations of one job, the newest last.
func (v *View) JobEvals(namespace, job string) []*nomadapi.Evaluation {
	return slices.DeleteFunc(v.Evals(namespace), func(e *nomadapi.Evaluation) bool { return e.JobID != job })
}

// Alloc returns nil when there is no such allocation.
func (v *View) Alloc(id string) *Alloc { return v.t.allocs[id] }

// Allocs are sorted by index of creation and name.
func (v *View) Allocs(namespace string) []*Alloc {
	var allocs []*Alloc
	for _, a := range v.t.allocs {
		if namespace == "*" || a.Namespace == namespace {
			allocs = append(allocs, a)
		}
	}
	slices.SortFunc(allocs, func(a, b *Alloc) int {
		return cmp.Or(cmp.Compare(a.CreateIndex, b.CreateIndex), cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	return allocs
}

// JobAllocs are the allocations of one job.
func (v *View) JobAllocs(namespace, job string) []*Alloc {
	return slices.DeleteFunc(v.Allocs(namespace), func(a *Alloc) bool { return a.JobID != job })
}

// Node returns nil when there is no such node.
func (v *View) Node(id string) *nomadapi.Node { return v.t.nodes[id] }

// Nodes are all nodes, sorted by id.
func (v *View) Nodes() []*nomadapi.Node {
	return slices.SortedFunc(maps.Values(v.t.nodes), func(a, b *nomadapi.Node) int { return cmp.Compare(a.ID, b.ID) })
}

// Namespace returns nil when there is no such namespace.
func (v *View) Namespace(name string) *nomadapi.Namespace { return v.t.namespaces[name] }

// Namespaces are sorted by name.
func (v *View) Namespaces() []*nomadapi.Namespace {
	return slices.SortedFunc(maps.Values(v.t.namespaces), func(a, b *nomadapi.Namespace) int { return cmp.Compare(a.Name, b.Name) })
}

// Variable returns nil when there is no such variable.
func (v *View) Variable(namespace, path string) *nomadapi.Variable {
	return v.t.variables[Key(namespace, path)]
}

// Variables are sorted by namespace and path. Namespace "*" is all.
func (v *View) Variables(namespace string) []*nomadapi.Variable {
	var some []*nomadapi.Variable
	for _, key := range slices.Sorted(maps.Keys(v.t.variables)) {
		if in, _ := splitKey(key); namespace == "*" || in == namespace {
			some = append(some, v.t.variables[key])
		}
	}
	return some
}

// Volume returns nil when there is no such host volume.
func (v *View) Volume(id string) *nomadapi.HostVolume { return v.t.volumes[id] }

// Volumes are sorted by index of creation. Namespace "*" is all.
func (v *View) Volumes(namespace string) []*nomadapi.HostVolume {
	var some []*nomadapi.HostVolume
	for _, vol := range v.t.volumes {
		if namespace == "*" || vol.Namespace == namespace {
			some = append(some, vol)
		}
	}
	slices.SortFunc(some, func(a, b *nomadapi.HostVolume) int {
		return cmp.Or(cmp.Compare(a.CreateIndex, b.CreateIndex), cmp.Compare(a.ID, b.ID))
	})
	return some
}
