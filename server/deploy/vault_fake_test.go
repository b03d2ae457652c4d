package deploy_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/crumpet-paas/crumpet/server/deploy"
	"github.com/crumpet-paas/crumpet/server/jobspec"
	"github.com/crumpet-paas/crumpet/server/paas"
)

var mounts = jobspec.Vault{KV: "crumpet", Database: "database", Audience: "vault.io"}

// fakeVault is Vault, and Nomad's variables, as far as package deploy asks of them.
type fakeVault struct {
	mu      sync.Mutex
	newest  int
	lost    []int             // versions that are gone
	sealed  bool              // everything is refused
	grants  []string          // what was granted, each time
	ended   []string          // what was revoked and forgotten, in order
	items   map[string]string // of the team's variable
	index   uint64
	written int // how often the variable was
}

func (v *fakeVault) set(edit func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	edit()
}

// look reads under the lock.
func look[T any](v *fakeVault, read func() T) T {
	v.mu.Lock()
	defer v.mu.Unlock()
	return read()
}

// configs and the like are nil interfaces for no Vault at all.
func (v *fakeVault) configs() deploy.Configs {
	if v == nil {
		return nil
	}
	return v
}

func (v *fakeVault) access() deploy.Access {
	if v == nil {
		return nil
	}
	return v
}

func (v *fakeVault) variables() deploy.Variables {
	if v == nil {
		return nil
	}
	return v
}

const sealedText = "Vault at http://127.0.0.1:8200 is sealed. Unseal it with `vault operator unseal`."

func (v *fakeVault) away() error {
	if v.sealed {
		return paas.Errorf(paas.Unavailable, sealedText)
	}
	return nil
}

func (v *fakeVault) Newest(context.Context, paas.AppRef) (int, error) {
	return look(v, func() int { return v.newest }), nil
}

func (v *fakeVault) Has(_ context.Context, _ paas.AppRef, version int) (bool, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return !slices.Contains(v.lost, version), v.away()
}

func (v *fakeVault) Keys(_ context.Context, _ paas.AppRef, version int) ([]paas.ConfigKey, error) {
	return []paas.ConfigKey{{Name: "LOG_LEVEL", Version: 1}, {Name: "API_KEY", Secret: true, Version: version}}, nil
}

func (v *fakeVault) Forget(context.Context, paas.AppRef) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if err := v.away(); err != nil {
		return err
	}
	v.newest, v.ended = 0, append(v.ended, "config")
	return nil
}

func (v *fakeVault) Ready(context.Context) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.away()
}

func (v *fakeVault) Grant(_ context.Context, ref paas.AppRef, jobs []string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if err := v.away(); err != nil {
		return err
	}
	v.grants = append(v.grants, ref.App+": "+strings.Join(jobs, " "))
	return nil
}

func (v *fakeVault) Revoke(context.Context, paas.AppRef) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if err := v.away(); err != nil {
		return err
	}
	v.ended = append(v.ended, "access")
	return nil
}

func (v *fakeVault) Variable(context.Context, string, string) (map[string]string, uint64, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return maps.Clone(v.items), v.index, nil
}

func (v *fakeVault) PutVariable(_ context.Context, _, path string, items map[string]string, index uint64) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if index != v.index || path != "nomad/jobs" {
		return paas.Errorf(paas.Conflict, "%s is at %d, not %d", path, v.index, index)
	}
	v.items, v.index, v.written = maps.Clone(items), v.index+1, v.written+1
	return nil
}

func (v *fakeVault) DeleteVariable(_ context.Context, _, _ string, index uint64) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if index != v.index {
		return paas.Errorf(paas.Conflict, "the variable is at %d, not %d", v.index, index)
	}
	v.items, v.index = nil, 0
	return nil
}
