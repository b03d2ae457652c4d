package fabio

import (
	"errors"
	"maps"
	"sync"
	"syscall"
	"time"
)

// Router is one that somebody registered.
type Router struct {
	Address string // of its admin API, a URL or HOST:PORT
	Ill     bool   // a check of it fails
}

// Refusing is how long a router's admin port must have refused connections, at each look, until the router is gone.
// One that has just been registered does so for some milliseconds: Fabio registers, listens at its admin port, reads
// its table, and only then serves.
const Refusing = 2 * time.Second

// Gone says that a registered router serves nobody, so that its table need not be known: its admin port refuses
// connections, and its check fails, so that it is not only from here that it can't be reached. Fabio
// keeps that port open as long as it lives. One that accepts a connection and says nothing is not gone: it may be
// stopped, or slow, and serve by what it knew in a moment. Consul forgets one that was killed after 75 s and more. Pure.
func Gone(ill bool, refusing time.Duration) bool { return ill && refusing >= Refusing }

// refusals are the routers whose admin port refuses connections, with the time since when.
type refusals struct {
	mu    sync.Mutex
	since map[string]time.Time // guarded by mu
}

// note takes what came of a look at a router's admin port; a look that the caller ended says nothing.
func (r *refusals) note(address string, err error, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !errors.Is(err, syscall.ECONNREFUSED) {
		delete(r.since, address)
		return
	}
	if _, already := r.since[address]; !already {
		r.since[address] = now
	}
}

// keep forgets routers that are no longer known.
func (r *refusals) keep(known map[string]Router) {
	r.mu.Lock()
	defer r.mu.Unlock()
	maps.DeleteFunc(r.since, func(address string, _ time.Time) bool { _, is := known[address]; return !is })
}

func (r *refusals) gone(router Router, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	since, refuses := r.since[router.Address]
	return refuses && Gone(router.Ill, now.Sub(since))
}
