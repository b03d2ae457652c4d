package secret_test

import (
	"bytes"
	"context"
	"log/slog"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/secret"
	"github.com/crumpet-paas/crumpet/server/store"
	"github.com/crumpet-paas/crumpet/server/store/storetest"
	"github.com/crumpet-paas/crumpet/server/vault"
)

var (
	shop = paas.AppRef{Team: "default", App: "shop"}
	noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	away = paas.Errorf(paas.Unavailable, "Vault at http://vault is sealed. Unseal it with `vault operator unseal`.")
)

// fakeVault is a KV v2 in memory, which can be away, and can do or not do what it fails to confirm.
type fakeVault struct {
	mu       sync.Mutex // guards all below
	versions map[paas.AppRef]map[int]map[string]string
	newest   map[paas.AppRef]int
	keep     map[paas.AppRef]int
	away     bool
	calls    int
	onPut    func() (lost bool, err error) // called before a write: it fails with err, and is done all the same if lost
}

func newVault() *fakeVault {
	return &fakeVault{versions: map[paas.AppRef]map[int]map[string]string{}, newest: map[paas.AppRef]int{}, keep: map[paas.AppRef]int{}}
}

func (v *fakeVault) locked(do func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	do()
}

func (v *fakeVault) call(do func() error) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.calls++
	if v.away {
		return away
	}
	return do()
}

func (v *fakeVault) Secrets(_ context.Context, ref paas.AppRef, version int) (values map[string]string, err error) {
	err = v.call(func() error {
		found, ok := v.versions[ref][version]
		if !ok {
			return paas.Errorf(paas.NotFound, "Version %d is not in Vault.", version)
		}
		values = maps.Clone(found)
		return nil
	})
	return values, err
}

func (v *fakeVault) PutSecrets(_ context.Context, ref paas.AppRef, values map[string]string, cas int) (version int, err error) {
	err = v.call(func() error {
		lost, failed := false, error(nil)
		if v.onPut != nil {
			lost, failed = v.onPut()
		}
		if failed != nil && !lost {
			return failed
		}
		if v.newest[ref] != cas {
			return paas.Errorf(paas.Conflict, "The config and secrets of app %s are no longer at version %d.", ref, cas)
		}
		version = v.put(ref, values)
		return failed
	})
	return version, err
}

func (v *fakeVault) put(ref paas.AppRef, values map[string]string) int {
	if v.versions[ref] == nil {
		v.versions[ref] = map[int]map[string]string{}
	}
	v.newest[ref]++
	v.versions[ref][v.newest[ref]] = maps.Clone(values)
	delete(v.versions[ref], v.newest[ref]-v.keep[ref])
	return v.newest[ref]
}

func (v *fakeVault) KeepVersions(_ context.Context, ref paas.AppRef, n int) error {
	return v.call(func() error { v.keep[ref] = n; return nil })
}

func (v *fakeVault) Kept(_ context.Context, ref paas.AppRef) (kept []int, err error) {
	err = v.call(func() error {
		for n := 1; n <= v.newest[ref]; n++ {
			if _, ok := v.versions[ref][n]; ok {
				kept = append(kept, n)
			}
		}
		return nil
	})
	return kept, err
}

func (v *fakeVault) DeleteSecrets(_ context.Context, ref paas.AppRef) error {
	return v.call(func() error { delete(v.versions, ref); delete(v.newest, ref); return nil })
}

// fakeDeployer notes what it is asked for.
type fakeDeployer struct {
	mu           sync.Mutex
	asked        []paas.Reconfigure
	check, reply func() error
}

func (d *fakeDeployer) Reconfigurable(context.Context, paas.Reconfigure) error {
	if d.check != nil {
		return d.check()
	}
	return nil
}

func (d *fakeDeployer) Reconfigure(_ context.Context, r paas.Reconfigure) (paas.DeployResult, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked = append(d.asked, r)
	if d.reply != nil {
		if err := d.reply(); err != nil {
			return paas.DeployResult{}, err
		}
	}
	return paas.DeployResult{Release: paas.Release{Number: 2, Config: r.Config}, Changed: true}, nil
}

// room is a Secrets with all that it asks.
type room struct {
	*testing.T
	*secret.Secrets
	vault  *fakeVault
	store  *store.Store
	deploy *fakeDeployer
	path   string
	now    time.Time
	log    *bytes.Buffer
}

func newRoom(t *testing.T) *room {
	t.Helper()
	r := &room{T: t, vault: newVault(), deploy: &fakeDeployer{}, path: storetest.Path(t), now: noon, log: &bytes.Buffer{}}
	var err error
	if r.store, err = store.Open(t.Context(), store.Config{Path: r.path}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.store.Close(); err != nil {
			t.Error(err)
		}
	})
	r.Secrets = r.another(r.store)
	return r
}

// another makes one more Secrets, as a second server has it.
func (r *room) another(s secret.Store) *secret.Secrets {
	return secret.New(secret.Config{
		Vault: r.vault, Store: s, Deploy: r.deploy, Check: vault.CheckSecrets, Key: []byte("a key for tests"),
		Now: func() time.Time { return r.now }, Log: slog.New(slog.NewTextHandler(r.log, nil)),
	})
}

// pushed gives the app a release that serves with a version, and the next number each time.
func (r *room) pushed(config int, edit func(*paas.Change)) {
	r.Helper()
	c := paas.Change{Ref: shop}
	snap, err := r.store.Snapshot(r.Context(), shop)
	if err == nil {
		c.Version = snap.Version
	}
	number := snap.Newest + 1
	c.App = &paas.App{Team: shop.Team, Name: shop.App, Release: number, Live: paas.Blue, CreatedAt: noon}
	c.Releases = []paas.Release{{Team: shop.Team, App: shop.App, Number: number, Config: config, CreatedAt: noon, Spec: paas.Spec{App: shop.App}}}
	if edit != nil {
		edit(&c)
	}
	if err := r.store.Save(r.Context(), 0, c); err != nil {
		r.Fatal(err)
	}
}

func set(pairs ...string) paas.ConfigChange {
	c := paas.ConfigChange{Ref: shop, By: "ann"}
	for i := 0; i < len(pairs); i += 2 {
		c.Set = append(c.Set, paas.ConfigValue{Name: pairs[i], Value: paas.NewSecret(pairs[i+1])})
	}
	return c
}

// made makes a change that must succeed.
func (r *room) made(c paas.ConfigChange) paas.ConfigResult {
	r.Helper()
	result, err := r.Change(r.Context(), c)
	if err != nil {
		r.Fatalf("change: %v", err)
	}
	return result
}

// refused makes a change that must fail, and must leave everything as it was.
func (r *room) refused(c paas.ConfigChange, code paas.Code) error {
	r.Helper()
	before, asked := r.rows(), len(r.deploy.asked)
	_, err := r.Change(r.Context(), c)
	if paas.CodeOf(err) != code {
		r.Fatalf("code %q, want %q: %v", paas.CodeOf(err), code, err)
	}
	if after := r.rows(); len(after) != len(before) || len(r.deploy.asked) != asked {
		r.Errorf("a refused change left something: %+v, then %+v", before, after)
	}
	return err
}

func (r *room) rows() []paas.ConfigVersion {
	r.Helper()
	rows, err := r.store.ConfigVersions(context.WithoutCancel(r.Context()), shop)
	if err != nil {
		r.Fatal(err)
	}
	return rows
}

func (r *room) values(version int) map[string]string {
	r.Helper()
	shown, err := r.Reveal(r.Context(), shop, version, nil, "ann")
	if err != nil {
		r.Fatal(err)
	}
	values := map[string]string{}
	for name, v := range shown.Values {
		values[name] = v.Reveal()
	}
	return values
}

func (r *room) newest() int {
	r.Helper()
	n, err := r.Newest(r.Context(), shop)
	if err != nil {
		r.Fatal(err)
	}
	return n
}

func (r *room) told(kind paas.EventKind) []string {
	r.Helper()
	events, err := r.store.Events(r.Context(), paas.EventFilter{Kinds: []paas.EventKind{kind}})
	if err != nil {
		r.Fatal(err)
	}
	var list []string
	for _, e := range events {
		list = append(list, e.Message)
	}
	return list
}
