package watch

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Nomad is what is read of the scheduler. The blocking lists answer when something changed since
// index, or after wait; index 0 asks for the list as it is. Errors are paas.Error.
type Nomad interface {
	Allocations(ctx context.Context, index uint64, wait time.Duration) ([]*nomadapi.AllocationListStub, uint64, error)
	Evaluations(ctx context.Context, index uint64, wait time.Duration) ([]*nomadapi.Evaluation, uint64, error)
	Nodes(ctx context.Context, index uint64, wait time.Duration) ([]*nomadapi.NodeListStub, uint64, error)
	// Hints calls hear with the topic and index of what happens, from one goroutine, until the stream
	// ends. Anything may be missing, come twice or late.
	Hints(ctx context.Context, hear func(topic nomadapi.Topic, index uint64)) error
	// Listening gives the addresses an allocation on this machine listens on, none elsewhere.
	Listening(alloc string) ([]string, error)
	// Ask does an instance's check once and gives what that prints; an empty path only connects.
	Ask(ctx context.Context, at paas.Endpoint, path string) (output string)
}

// Consul is what is read of the catalog.
type Consul interface {
	Checks(ctx context.Context, index uint64, wait time.Duration) ([]paas.Check, uint64, error)
}

// Fabio is what is read of the routers.
type Fabio interface {
	// Tables gives the tables of all routers that answer, and an error naming those that don't.
	Tables(ctx context.Context) ([]paas.RouterTable, error)
	// Answers gives the status of a request through the router.
	Answers(ctx context.Context, host, path string) (int, error)
	// Counters gives what all routers that answer have counted, and an error naming those that don't.
	Counters(ctx context.Context) ([]paas.RouterCounters, error)
}

// Store is where wishes are read and facts written. Observe fails with code conflict once another
// server leads.
type Store interface {
	Refs(ctx context.Context) ([]paas.AppRef, error)
	Snapshot(ctx context.Context, ref paas.AppRef) (paas.Snapshot, error)
	Claims(ctx context.Context) ([]paas.Claim, error)
	Facts(ctx context.Context) ([]paas.Instance, []paas.RouteFact, []paas.RouterFact, []paas.JobFact, error)
	// Runs gives the runs of side jobs of all apps, as Facts gives the other facts.
	Runs(ctx context.Context) ([]paas.Run, error)
	// Traffic gives what is kept of an app's traffic, of all apps for a zero AppRef.
	Traffic(ctx context.Context, ref paas.AppRef) ([]paas.Traffic, error)
	// Nodes and Backends give the facts of those.
	Nodes(ctx context.Context) ([]paas.Node, error)
	Backends(ctx context.Context) ([]paas.Backend, error)
	Observe(ctx context.Context, epoch int64, o paas.Observation) error
}

// Pinged is a program that Crumpet works with, by name.
type Pinged struct {
	Name string
	// Ping says why the program can't do its work now, in a sentence of a paas.Error.
	Ping func(ctx context.Context) error
}

// Config is what a Watch works with.
type Config struct {
	Nomad  Nomad
	Consul Consul
	Fabio  Fabio
	Pinged []Pinged
	Store  Store
	Log    *slog.Logger
	Now    func() time.Time // time.Now by default
	Epoch  func() int64     // of the lead we hold, for each write
	Wait   time.Duration    // how long a blocking query may wait; 1 minute by default
	Every  time.Duration    // how often backends are pinged; 2 s by default
}

// Watch keeps the store's facts true.
type Watch struct {
	cfg  Config
	log  *slog.Logger
	wake chan struct{} // holds one value when noted has something

	mu    sync.Mutex // guards noted
	noted map[paas.AppRef]bool

	read atomic.Pointer[map[paas.AppRef]App] // what the loop knows of apps' wishes; the map is never changed
}

// New makes a Watch; Run starts it.
func New(cfg Config) *Watch {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Epoch == nil {
		cfg.Epoch = func() int64 { return 0 }
	}
	if cfg.Wait == 0 {
		cfg.Wait = time.Minute
	}
	if cfg.Every == 0 {
		cfg.Every = 2 * time.Second
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Watch{
		cfg:   cfg,
		log:   cfg.Log.With("component", "watch"),
		wake:  make(chan struct{}, 1),
		noted: map[paas.AppRef]bool{},
	}
}

// Notify says that something of an app was written to the store: its wishes are read again. It
// never blocks, and may be called whether Run runs or not.
func (w *Watch) Notify(ref paas.AppRef) {
	w.mu.Lock()
	w.noted[ref] = true
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// notices takes what Notify has collected.
func (w *Watch) notices() []paas.AppRef {
	w.mu.Lock()
	defer w.mu.Unlock()
	refs := make([]paas.AppRef, 0, len(w.noted))
	for ref := range w.noted {
		refs = append(refs, ref)
	}
	clear(w.noted)
	return refs
}

// Run keeps the facts true until ctx ends or another server leads; the error says which.
func (w *Watch) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var readers sync.WaitGroup
	defer readers.Wait()
	defer cancel()

	loop := &loop{Watch: w, seen: make(chan Seen), poll: make(chan time.Duration, 1), probing: map[paas.Claim]bool{}}
	if err := loop.start(ctx); err != nil {
		return err
	}
	hinted := newReaders()
	readers.Go(func() { w.readAllocations(ctx, hinted, loop.seen) })
	readers.Go(func() { w.readEvaluations(ctx, hinted, loop.seen) })
	readers.Go(func() { w.readChecks(ctx, loop.seen) })
	readers.Go(func() { w.readNodes(ctx, hinted, loop.seen) })
	readers.Go(func() { w.readHints(ctx, hinted) })
	readers.Go(func() { w.mindHints(ctx, hinted) })
	for _, p := range w.cfg.Pinged {
		readers.Go(func() { w.ping(ctx, p, loop.seen) })
	}
	readers.Go(func() { w.readTables(ctx, loop.poll, loop.seen) })
	readers.Go(func() { w.countTraffic(ctx) })
	loop.readers = &readers
	return loop.run(ctx)
}
