package service

import (
	"context"
	"encoding/json"
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
	// Binding reads a generation, for a key that is shown to a person.
	Binding(ctx context.Context, b paas.Binding, generation int) (map[string]string, error)
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
	// Wake has the app looked at soon: variables of its jobs may have to be written, or a deployment that
	// waited for a binding can go on.
	Wake(ref paas.AppRef)
	// Rebind walks the app from its release to itself, with the bindings as they are now. Code conflict: a
	// deployment is under way.
	Rebind(ctx context.Context, ref paas.AppRef, cause, by string) (paas.DeployResult, error)
}

// Nomad says which generation the running programs of a job take from its variable: by binding's name.
type Nomad interface {
	Generations(ctx context.Context, team, job string) (map[string]int, error)
}

// Leases counts the credentials that Vault's engine has given out for one generation and not yet taken back.
type Leases interface {
	Leases(ctx context.Context, b paas.Binding, generation int) (int, error)
}

// Config is what Services needs.
type Config struct {
	Store    Store
	Vault    Vault
	Engines  map[paas.ServiceKind]Engine
	Deployer Deployer
	Nomad    Nomad
	Leases   Leases
	// Validate holds parameters to a plan's schema: code invalid, with every fault.
	Validate func(schema json.RawMessage, given paas.Secret) error
	Overlap  time.Duration // how long an old generation outlives the moment at which all have the new one; 30 s by default
	Now      func() time.Time
	NewID    func() string
	Log      *slog.Logger
	// Around is called with each write and call of the loop, for tests that kill a server at its
	// boundaries; nil but there.
	Around func(name string, call func())
}

// Services is the use case.
type Services struct {
	cfg  Config
	wake chan struct{}

	mu       sync.Mutex
	woken    map[paas.AppRef]bool // apps to be looked at; guarded by mu
	inflight map[string]bool      // ids of operations that are being called; guarded by mu
}
