package secret

import (
	"context"
	"log/slog"
	"math"
	"slices"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Vault keeps values. Codes: conflict (the version is not the newest any more), not_found (a version that is
// not there, or is gone), unavailable (sealed, or not reached), forbidden.
type Vault interface {
	Secrets(ctx context.Context, ref paas.AppRef, version int) (map[string]string, error)
	PutSecrets(ctx context.Context, ref paas.AppRef, values map[string]string, cas int) (version int, err error)
	KeepVersions(ctx context.Context, ref paas.AppRef, versions int) error
	// Kept gives the numbers of the versions that can be read, lowest first.
	Kept(ctx context.Context, ref paas.AppRef) ([]int, error)
	DeleteSecrets(ctx context.Context, ref paas.AppRef) error
}

// Store keeps what is known of versions without their values.
type Store interface {
	// Snapshot has the code not_found for an app that was never pushed.
	Snapshot(ctx context.Context, ref paas.AppRef) (paas.Snapshot, error)
	// ConfigVersions lists all, newest first.
	ConfigVersions(ctx context.Context, ref paas.AppRef) ([]paas.ConfigVersion, error)
	// PutConfigVersion has the code conflict where a written version has the number.
	PutConfigVersion(ctx context.Context, v paas.ConfigVersion) error
	// ConfigWritten puts a version that Vault has, and tells of it once.
	ConfigWritten(ctx context.Context, v paas.ConfigVersion, events ...paas.Event) error
	// AddConfigVersion does nothing where a version has the number.
	AddConfigVersion(ctx context.Context, v paas.ConfigVersion, events ...paas.Event) error
	DropUnwritten(ctx context.Context, v paas.ConfigVersion) error
	DropConfigVersions(ctx context.Context, ref paas.AppRef, below int) error
	Emit(ctx context.Context, events ...paas.Event) error
}

// Deployer brings a version to a running app.
type Deployer interface {
	// Reconfigurable says whether Reconfigure of the same would be refused, and does nothing.
	Reconfigurable(ctx context.Context, r paas.Reconfigure) error
	Reconfigure(ctx context.Context, r paas.Reconfigure) (paas.DeployResult, error)
}

// Config is what Secrets needs.
type Config struct {
	Vault  Vault
	Store  Store
	Deploy Deployer
	// Check says what is wrong with names and sizes, with code invalid and without a value.
	Check func(values map[string]string) error
	Keep  int    // versions of an app that Vault is to keep; at least LeastKept
	Key   []byte // of the hashes that versions are known by
	Now   func() time.Time
	Log   *slog.Logger
}

// LeastKept is how many versions of an app are kept, however few releases are.
const LeastKept = 50

// settleAfter is how long another server may take between row and Vault: longer than any call to it.
const settleAfter = time.Minute

// finishWithin bounds what must be tried though the caller has left.
const finishWithin = 15 * time.Second

// Secrets keeps the configuration of all apps.
type Secrets struct {
	Config
	locks locks
}

// New makes a Secrets.
func New(c Config) *Secrets {
	c.Keep = max(c.Keep, LeastKept)
	c.Log = c.Log.With("component", "secret")
	return &Secrets{Config: c, locks: locks{held: map[paas.AppRef]chan struct{}{}}}
}

// Newest is the newest version that is written, 0 for none. Vault is asked only where somebody was
// interrupted in writing one.
func (s *Secrets) Newest(ctx context.Context, ref paas.AppRef) (int, error) {
	v, err := s.newest(ctx, ref)
	return v.Version, err
}

// Has says whether a version's values can still be read; version 0 holds none, and is always there.
func (s *Secrets) Has(ctx context.Context, ref paas.AppRef, version int) (bool, error) {
	if version == 0 {
		return true, nil
	}
	kept, err := s.Vault.Kept(ctx, ref)
	return slices.Contains(kept, version), err
}

// Gone gives those of some versions whose values can no longer be read.
func (s *Secrets) Gone(ctx context.Context, ref paas.AppRef, versions []int) ([]int, error) {
	kept, err := s.Vault.Kept(ctx, ref)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(versions), func(v int) bool { return v == 0 || slices.Contains(kept, v) }), nil
}

// Keys names what a version holds. Code: not_found.
func (s *Secrets) Keys(ctx context.Context, ref paas.AppRef, version int) ([]paas.ConfigKey, error) {
	if version == 0 {
		return nil, nil
	}
	v, err := s.Version(ctx, ref, version)
	return v.Keys, err
}

// Forget deletes all versions of an app, in Vault first.
func (s *Secrets) Forget(ctx context.Context, ref paas.AppRef) error {
	unlock, err := s.locks.take(ctx, ref)
	if err != nil {
		return err
	}
	defer unlock()
	rows, err := s.Store.ConfigVersions(ctx, ref)
	if err != nil || len(rows) == 0 {
		return err // nothing was ever begun, so Vault has nothing and need not answer
	}
	if err := s.Vault.DeleteSecrets(ctx, ref); err != nil {
		return err
	}
	return s.Store.DropConfigVersions(ctx, ref, math.MaxInt)
}

// Configuration is what is known of an app's configuration. An app that was never pushed may have one; what was
// never heard of has none.
func (s *Secrets) Configuration(ctx context.Context, ref paas.AppRef) (paas.Config, error) {
	newest, err := s.newest(ctx, ref)
	if err != nil {
		return paas.Config{}, err
	}
	snap, err := s.snapshot(ctx, ref)
	return paas.Config{Newest: newest, Serving: snap.Releases[snap.App.Release].Config}, err
}

// Versions lists the versions that are written, newest first.
func (s *Secrets) Versions(ctx context.Context, ref paas.AppRef) ([]paas.ConfigVersion, error) {
	if _, err := s.newest(ctx, ref); err != nil {
		return nil, err
	}
	rows, err := s.Store.ConfigVersions(ctx, ref)
	return slices.DeleteFunc(rows, func(v paas.ConfigVersion) bool { return !v.Written }), err
}

// Version is one that is written; 0 for the newest. Code: not_found.
func (s *Secrets) Version(ctx context.Context, ref paas.AppRef, number int) (paas.ConfigVersion, error) {
	list, err := s.Versions(ctx, ref)
	if err != nil {
		return paas.ConfigVersion{}, err
	}
	for _, v := range list {
		if v.Version == number || number == 0 {
			return v, nil
		}
	}
	if len(list) == 0 {
		return paas.ConfigVersion{}, paas.Errorf(paas.NotFound, "App %q has no configuration yet. `crumpet config set KEY=VALUE` begins one.", ref.App)
	}
	return paas.ConfigVersion{}, paas.Errorf(paas.NotFound,
		"App %q has no version %d of its configuration. `crumpet config versions` lists those that are kept.", ref.App, number)
}

// snapshot is that of an app, empty where it was never pushed.
func (s *Secrets) snapshot(ctx context.Context, ref paas.AppRef) (paas.Snapshot, error) {
	snap, err := s.Store.Snapshot(ctx, ref)
	if paas.CodeOf(err) == paas.NotFound {
		return paas.Snapshot{}, nil
	}
	return snap, err
}
