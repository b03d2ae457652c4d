package meter

import (
	"context"
	"sync"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

const (
	kept    = 2 * time.Second  // how long a measurement serves
	within  = 3 * time.Second  // for one instance
	parting = 30 * time.Second // until what nobody asked for again is forgotten
	atOnce  = 8                // instances that are measured side by side, of all apps
	mib     = 1 << 20
)

// Nomad measures one allocation. Codes: not_found, unavailable.
type Nomad interface {
	Measure(ctx context.Context, team, alloc string) (paas.Measured, error)
}

// Meter measures instances.
type Meter struct {
	nomad Nomad
	now   func() time.Time
	room  chan struct{} // of atOnce: whoever has put something in may ask a node

	mu    sync.Mutex
	known map[string]*reading // by allocation; guarded by mu
}

// reading is a measurement that is under way or done.
type reading struct {
	done     chan struct{} // closed when it is
	at       time.Time     // when it began
	measured paas.Measured
	err      error
}

// New makes a Meter.
func New(nomad Nomad, now func() time.Time) *Meter {
	if now == nil {
		now = time.Now
	}
	return &Meter{nomad: nomad, now: now, room: make(chan struct{}, atOnce), known: map[string]*reading{}}
}

// Measure gives what each instance of an app takes that has not ended.
func (m *Meter) Measure(ctx context.Context, snap paas.Snapshot) []paas.InstanceUsage {
	var list []paas.InstanceUsage
	for _, i := range snap.Instances {
		if !i.State.Ended() {
			list = append(list, limitsOf(snap, i))
		}
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	var all sync.WaitGroup
	for n := range list {
		i := instanceOf(snap, list[n].Instance)
		if i.State == paas.InstancePending {
			list[n].Reason = "It does not run yet."
			continue
		}
		all.Go(func() { fill(&list[n], m.measure(ctx, i.Team, i.ID)) })
	}
	all.Wait()
	return list
}

func instanceOf(snap paas.Snapshot, id string) paas.Instance {
	for _, i := range snap.Instances {
		if i.ID == id {
			return i
		}
	}
	return paas.Instance{}
}

func fill(u *paas.InstanceUsage, r *reading) {
	if r.err != nil {
		u.Reason = reason(u.Node, r.err)
		return
	}
	at := r.measured.At
	u.Known, u.At, u.CPU, u.Memory = true, &at, r.measured.CPU, float64(r.measured.Memory)/mib
}

// reason says why nothing is known. What Nomad's own words say is of paths and ids.
func reason(node string, err error) string {
	switch paas.CodeOf(err) { //nolint:exhaustive // the rest is the node's silence
	case paas.NotFound:
		return "The instance has just ended, or has just begun."
	case paas.Forbidden:
		return paas.MessageOf(err)
	}
	return "Node " + node + " does not say what its instances take."
}

// measure asks Nomad for an allocation, or takes what was measured a moment ago; several who ask at the same time ask
// once. The reading given is done.
func (m *Meter) measure(ctx context.Context, team, alloc string) *reading {
	r, mine := m.reading(alloc)
	if !mine {
		select {
		case <-r.done:
			return r
		case <-ctx.Done():
			return &reading{err: ctx.Err()}
		}
	}
	defer close(r.done)
	select {
	case m.room <- struct{}{}:
		defer func() { <-m.room }()
	case <-ctx.Done():
		r.err = ctx.Err()
		m.forget(alloc, r)
		return r
	}
	r.measured, r.err = m.nomad.Measure(ctx, team, alloc)
	if ctx.Err() != nil { // whoever asks next may have more time
		m.forget(alloc, r)
	}
	return r
}

// reading finds the one that serves now, or begins one, which is then the caller's to end.
func (m *Meter) reading(alloc string) (r *reading, mine bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	if r, ok := m.known[alloc]; ok && now.Sub(r.at) < kept {
		return r, false
	}
	for id, r := range m.known {
		if now.Sub(r.at) > parting {
			delete(m.known, id)
		}
	}
	r = &reading{done: make(chan struct{}), at: now}
	m.known[alloc] = r
	return r, true
}

func (m *Meter) forget(alloc string, r *reading) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known[alloc] == r {
		delete(m.known, alloc)
	}
}

// limitsOf is what an instance's release gives to it: to its program and those beside it.
func limitsOf(snap paas.Snapshot, i paas.Instance) paas.InstanceUsage {
	u := paas.InstanceUsage{Instance: i.ID, Process: i.Process, Slot: i.Slot, Release: i.Release, Index: i.Index, Node: i.Node}
	p, _ := snap.Releases[i.Release].Spec.Process(i.Process)
	programs := []paas.Program{p.Program}
	for _, s := range p.Sidecars {
		programs = append(programs, s.Program)
	}
	for _, p := range programs {
		u.CPULimit += p.CPU
		u.Cores += p.Cores
		u.MemoryLimit += p.Memory
		u.MemoryMax += max(p.Memory, p.MemoryMax)
	}
	return u
}
