package service

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Store keeps the rows. Codes: not_found, conflict (a row changed meanwhile, a name is taken, or the epoch
// is past).
type Store interface {
	ServiceProviders(ctx context.Context) ([]paas.Provider, error)
	// ServiceInstances gives those of a team, of all teams where it is "".
	ServiceInstances(ctx context.Context, team string) ([]paas.ServiceInstance, error)
	// ServiceDetail gives all of one instance at one moment.
	ServiceDetail(ctx context.Context, team, name string) (paas.ServiceDetail, error)
	// Bindings gives those of one app; those of all apps, and keys, where ref is empty.
	Bindings(ctx context.Context, ref paas.AppRef) ([]paas.Binding, error)
	Operations(ctx context.Context) ([]paas.Operation, error)
	SaveServices(ctx context.Context, epoch int64, c paas.ServiceChange) error
	Snapshot(ctx context.Context, ref paas.AppRef) (paas.Snapshot, error)
	Refs(ctx context.Context) ([]paas.AppRef, error)
}

// Vault keeps what is secret. A version is that of Vault's KV, from 1.
type Vault interface {
	// PutBinding writes the next generation of a binding's credentials and says its number.
	PutBinding(ctx context.Context, b paas.Binding, values map[string]string) (generation int, err error)
	// Binding reads the newest, for a key that is shown to a person.
	Binding(ctx context.Context, b paas.Binding) (map[string]string, error)
	// DestroyBinding destroys one generation for good; DeleteBinding all of them. None is as well.
	DestroyBinding(ctx context.Context, b paas.Binding, generation int) error
	DeleteBinding(ctx context.Context, b paas.Binding) error

	// PutParams writes the next version of what was given for an instance, or for a binding of it.
	PutParams(ctx context.Context, p paas.ParamsPath, values map[string]string) (version int, err error)
	Params(ctx context.Context, p paas.ParamsPath, version int) (map[string]string, error)
	DeleteParams(ctx context.Context, p paas.ParamsPath) error

	PutProvider(ctx context.Context, name string, values map[string]string) error
	Provider(ctx context.Context, name string) (map[string]string, error)
	DeleteProvider(ctx context.Context, name string) error
}

// Deployer is what carries bindings to the programs of an app.
type Deployer interface {
	// Wake has the app looked at soon: the team's variable may have to be written, or a deployment that
	// waited for a binding can go on.
	Wake(ref paas.AppRef)
	// Rebind walks the app from its release to itself, with the bindings as they are now. Code conflict: a
	// deployment is under way.
	Rebind(ctx context.Context, ref paas.AppRef, cause, by string) (paas.DeployResult, error)
}

// Variables reads Nomad's. In paas.GenerationsVariable package deploy writes which generation the running
// programs of a team take.
type Variables interface {
	// Variable gives nil, 0 for one that is not there.
	Variable(ctx context.Context, team, path string) (items map[string]string, index uint64, err error)
}

// Leases counts the credentials that Vault's engine has given out for one generation and not yet taken back.
type Leases interface {
	Leases(ctx context.Context, b paas.Binding, generation int) (int, error)
}

// Config is what Services needs. All fields but Log, Overlap, Late and Around are required.
type Config struct {
	Store     Store
	Vault     Vault
	Engines   map[paas.ServiceKind]Engine
	Deployer  Deployer
	Variables Variables
	Leases    Leases
	// Validate holds parameters to a plan's schema: code invalid, with every fault.
	Validate validate
	// Reads gives the generations of bindings that the text of a job names, by the binding's name; a binding
	// that it follows by the team's variable is there with none.
	Reads   reads
	Overlap time.Duration // how long old credentials outlive the moment at which all have the new ones; 30 s by default
	// Late is how long after its begin a call that was cut off may still reach its provider; twice the longest
	// that a call may take by default.
	Late  time.Duration
	Now   func() time.Time
	NewID func() string
	Log   *slog.Logger
	// Around is called with each write and call of the loop, for tests that kill a server between them; nil
	// but there.
	Around func(name string, call func())
}

type (
	validate = func(schema json.RawMessage, given paas.Secret) error
	reads    = func(job []byte) (map[string][]int, error)
)

// Services is the use case.
type Services struct {
	cfg  Config
	log  *slog.Logger
	wake chan struct{} // holds one signal

	mu    sync.Mutex
	woken map[paas.AppRef]bool // apps to be looked at; guarded by mu
	busy  map[string]bool      // ids of operations that are being called, names of providers that are read; guarded by mu
	free  map[string]time.Time // since when nobody uses an old generation, by binding and generation; guarded by mu
	tried map[string]time.Time // when a catalog was last asked for, by provider; guarded by mu
	again map[string]bool      // providers whose catalog has changed, as they say; guarded by mu
}

// New makes Services; it does nothing by itself until Run.
func New(c Config) *Services {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Overlap <= 0 {
		c.Overlap = 30 * time.Second
	}
	if c.Late <= 0 {
		c.Late = 2 * callLimit
	}
	if c.Around == nil {
		c.Around = func(_ string, call func()) { call() }
	}
	return &Services{
		cfg: c, log: c.Log.With("component", "service"), wake: make(chan struct{}, 1),
		woken: map[paas.AppRef]bool{}, busy: map[string]bool{}, free: map[string]time.Time{}, tried: map[string]time.Time{}, again: map[string]bool{},
	}
}

// Wake asks for a look at one app, and at the journal; only at that for the empty ref. It never blocks.
func (s *Services) Wake(ref paas.AppRef) {
	s.mu.Lock()
	if ref.App != "" {
		s.woken[ref] = true
	}
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// save writes a change, under the leader's epoch or 0.
func (s *Services) save(ctx context.Context, epoch int64, c paas.ServiceChange) (err error) {
	s.cfg.Around("store.SaveServices", func() { err = s.cfg.Store.SaveServices(ctx, epoch, c) })
	if epoch == 0 && paas.CodeOf(err) == paas.Conflict {
		return moved{err}
	}
	return err
}

// moved is that somebody else, the loop most often, wrote a row between a wish's look at it and its write.
type moved struct{ error }

// Unwrap gives what the store said.
func (m moved) Unwrap() error { return m.error }

// tries is how often a wish looks again at what has moved.
const tries = 5

// afresh has a wish look and decide anew when what it saw has moved.
func afresh[T any](wish func() (T, error)) (result T, err error) {
	for range tries {
		if result, err = wish(); !errors.As(err, new(moved)) {
			break
		}
	}
	return result, err
}

// event tells of an instance or binding, in words without secrets.
func (s *Services) event(kind paas.EventKind, ref paas.AppRef, by, message string) paas.Event {
	return paas.Event{Time: s.cfg.Now(), Team: ref.Team, App: ref.App, Kind: kind, By: by, Message: message}
}
