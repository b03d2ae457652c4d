package deploy

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// How often the converger looks without having been woken.
const (
	Sweep   = 30 * time.Second // every app
	Glance  = time.Second      // an app that is walking: startup limits pass without a fact
	Retry   = time.Second      // after an error; doubled up to Sweep
	workers = 4                // apps converged at once
)

// Store keeps wishes and facts. Codes: not_found, conflict when the app changed since the snapshot.
type Store interface {
	Snapshot(ctx context.Context, ref paas.AppRef) (paas.Snapshot, error)
	Save(ctx context.Context, epoch int64, change paas.Change) error
	Refs(ctx context.Context) ([]paas.AppRef, error)
	Claims(ctx context.Context) ([]paas.Claim, error)
	// Hosts lists every host with whose it is.
	Hosts(ctx context.Context) ([]paas.Host, error)
	// Standing gives a team's quota and what it wants of it. Code not_found.
	Standing(ctx context.Context, team string) (paas.Standing, error)
	Ledger
}

// Config is what a Deployer needs. Log may be nil, and what Vault is about where no app uses it; all else
// is required.
type Config struct {
	Store     Store
	Scheduler Scheduler
	Rules     Rules
	Artifacts Artifacts
	Render    Renderer
	// RenderSide makes the jobs of tasks and crons; needed once an app has any.
	RenderSide SideRenderer
	Configs    Configs
	Access     Access
	Variables  Variables
	Services   Services
	Storage    Storage // and Nodes: needed once an app has a process with a volume
	Nodes      Nodes
	Driver     string   // of the jobs' tasks
	Fragments  []string // what specs may hold in nomad blocks; none for nothing
	Domain     string   // apps without a route get APP.Domain/
	Own        string   // host name under which Crumpet itself is reached: no app may have it; "" for none
	Port       string   // of the router, as clients reach it; "" for the scheme's own
	Now        func() time.Time
	NewID      func() string // of a deployment: lower case letters and digits
	Log        *slog.Logger
}

// Deployer edits the wishes for apps and, while Run runs, makes them so.
type Deployer struct {
	store      Store
	scheduler  Scheduler
	rules      Rules
	artifacts  Artifacts
	render     Renderer
	renderSide SideRenderer
	configs    Configs
	access     Access
	variables  Variables
	services   Services
	storage    Storage
	nodes      Nodes
	driver     string
	fragments  []string
	domain     string
	own        string
	port       string
	now        func() time.Time
	newID      func() string
	log        *slog.Logger

	mu    sync.Mutex
	led   time.Time                 // guarded by mu: when Run began
	due   map[paas.AppRef]time.Time // guarded by mu: when each app is to be looked at next
	wake  chan struct{}             // holds one signal: due has changed
	tries map[paas.AppRef]int       // guarded by mu: errors in a row
	heals map[paas.AppRef]time.Time // guarded by mu: when a walk was last begun to heal a live slot
	looks map[paas.AppRef]time.Time // guarded by mu: when the crons of an app were last looked at in Nomad

	evaluated map[paas.AppRef]time.Time // guarded by mu: when Nomad was last asked to look again at jobs of an app

	grants map[paas.AppRef]granted   // guarded by mu: what apps may read in Vault
	told   map[paas.AppRef]itemsTold // guarded by mu: what the variables of teams say of apps
}

// New makes a Deployer; it does nothing by itself until Run.
func New(c Config) *Deployer {
	log := c.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Deployer{
		store: c.Store, scheduler: c.Scheduler, rules: c.Rules, artifacts: c.Artifacts, render: c.Render, renderSide: c.RenderSide,
		configs: c.Configs, access: c.Access, variables: c.Variables, services: c.Services, storage: c.Storage, nodes: c.Nodes, driver: c.Driver, fragments: c.Fragments, domain: c.Domain, own: c.Own, port: c.Port,
		now: c.Now, newID: c.NewID, log: log.With("component", "deploy"),
		due: map[paas.AppRef]time.Time{}, wake: make(chan struct{}, 1),
		tries: map[paas.AppRef]int{}, heals: map[paas.AppRef]time.Time{}, looks: map[paas.AppRef]time.Time{}, evaluated: map[paas.AppRef]time.Time{},
		grants: map[paas.AppRef]granted{}, told: map[paas.AppRef]itemsTold{},
	}
}

// Wake asks for a look at one app now. It never blocks.
func (d *Deployer) Wake(ref paas.AppRef) { d.at(ref, d.now()) }

func (d *Deployer) at(ref paas.AppRef, when time.Time) {
	d.mu.Lock()
	if before, ok := d.due[ref]; !ok || when.Before(before) {
		d.due[ref] = when
	}
	d.mu.Unlock()
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// Run converges apps until ctx ends, under the leader's epoch. It returns when every turn has ended.
func (d *Deployer) Run(ctx context.Context, epoch int64) error {
	d.mu.Lock()
	d.led = d.now()
	d.mu.Unlock()
	var turns sync.WaitGroup
	defer turns.Wait()
	busy := map[paas.AppRef]bool{}
	done := make(chan paas.AppRef, workers)
	sweep := time.NewTimer(0)
	defer sweep.Stop()
	next := time.NewTimer(Sweep)
	defer next.Stop()
	for {
		for len(busy) < workers {
			ref, ok := d.take(busy)
			if !ok {
				break
			}
			busy[ref] = true
			turns.Go(func() {
				d.look(ctx, epoch, ref)
				done <- ref
			})
		}
		next.Reset(d.untilNext(busy))
		select {
		case <-ctx.Done():
			// Every turn under way sends once more, into a channel that has room for all of them.
			return nil
		case ref := <-done:
			delete(busy, ref)
		case <-d.wake:
		case <-next.C:
		case <-sweep.C:
			d.sweep(ctx)
			sweep.Reset(Sweep)
		}
	}
}

// take gives an app whose time has come and that nobody is looking at.
func (d *Deployer) take(busy map[paas.AppRef]bool) (paas.AppRef, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.now()
	for ref, when := range d.due {
		if !busy[ref] && !when.After(now) {
			delete(d.due, ref)
			return ref, true
		}
	}
	return paas.AppRef{}, false
}

// untilNext is the time until some app that nobody is looking at is due.
func (d *Deployer) untilNext(busy map[paas.AppRef]bool) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	wait := Sweep
	if len(busy) >= workers {
		return wait // a turn that ends wakes the loop
	}
	now := d.now()
	for ref, when := range d.due {
		if !busy[ref] {
			wait = min(wait, max(0, when.Sub(now)))
		}
	}
	return wait
}

func (d *Deployer) sweep(ctx context.Context) {
	refs, err := d.store.Refs(ctx)
	if err != nil {
		if ctx.Err() == nil {
			d.log.Error("apps not listed", "err", err)
		}
		return
	}
	for _, ref := range refs {
		d.Wake(ref)
	}
}

// look takes turns with one app until nothing is left to do now, and says when to look again.
func (d *Deployer) look(ctx context.Context, epoch int64, ref paas.AppRef) {
	for ctx.Err() == nil {
		again, more, err := d.turn(ctx, epoch, ref)
		switch {
		case err == nil:
			d.settle(ref, 0)
		case paas.CodeOf(err) == paas.Conflict:
			d.at(ref, d.now().Add(d.backoff(ref)/10)) // somebody wrote meanwhile: look at what is there now
			return
		default:
			if ctx.Err() == nil && !errors.Is(err, context.Canceled) {
				d.log.Warn("app not converged", "team", ref.Team, "app", ref.App, "err", err)
			}
			d.at(ref, d.now().Add(d.backoff(ref)))
			return
		}
		if again > 0 {
			d.at(ref, d.now().Add(again))
		}
		if !more {
			return
		}
	}
}

// leadsSince is when Run began.
func (d *Deployer) leadsSince() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.led
}

func (d *Deployer) settle(ref paas.AppRef, tries int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tries[ref] = tries
}

func (d *Deployer) backoff(ref paas.AppRef) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	wait := min(Sweep, Retry<<min(d.tries[ref], 5))
	d.tries[ref]++
	return wait
}
