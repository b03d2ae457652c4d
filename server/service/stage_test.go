package service_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/broker"
	"github.com/crumpet-paas/crumpet/server/broker/brokertest"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/service"
	"github.com/crumpet-paas/crumpet/server/store"
	"github.com/crumpet-paas/crumpet/server/store/storetest"
)

const catalogText = `{"services":[{"id":"o1","name":"queue","description":"queues","bindable":true,"bindings_retrievable":true,"plan_updateable":true,"tags":["amqp"],
	"plans":[
		{"id":"p1","name":"small","description":"one","binding_rotatable":true,"maintenance_info":{"version":"1.0.0"},
		 "schemas":{"service_instance":{"create":{"parameters":{"$schema":"http://json-schema.org/draft-06/schema#","type":"object","properties":{"size":{"type":"integer"},"owner":{"type":"string"}},"additionalProperties":false}}}}},
		{"id":"p2","name":"large","description":"more"},
		{"id":"p3","name":"mute","description":"no bindings","bindable":false}]}]}`

func credentialsOf(id string) string {
	return fmt.Sprintf(`{"uri":"amqp://user:pw-%s@host/","password":"pw-%s","port":5672}`, id, id)
}

// stage is the use case with a real store and a real broker client, before a broker of the test's own.
type stage struct {
	testing.TB
	*service.Services
	store    *store.Store
	path     string
	vault    *memoryVault
	broker   *brokertest.Keeper
	url      string
	clock    *clock
	deployer *deployer
	nomad    variables
	cfg      service.Config
}

// clock runs faster than the world, so that back-off and polling take no time of the test's.
type clock struct {
	mu     sync.Mutex
	began  time.Time
	speed  int
	offset time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.began.Add(time.Since(c.began)*time.Duration(c.speed) + c.offset)
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset += d
}

const fast = 40

type (
	answerWriter = http.ResponseWriter
	request      = http.Request
)

func newStage(t testing.TB, with ...func(*service.Config)) *stage {
	t.Helper()
	s := &stage{
		TB: t, path: storetest.Path(t), vault: newMemoryVault(), broker: brokertest.Keep(catalogText, credentialsOf),
		clock: &clock{began: time.Now(), speed: fast}, nomad: newVariables(),
	}
	server := httptest.NewServer(s.broker)
	t.Cleanup(server.Close)
	s.url = server.URL
	var err error
	if s.store, err = store.Open(t.Context(), store.Config{Path: s.path}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.store.Close() })
	s.deployer = &deployer{}
	s.cfg = service.Config{
		Store: s.store, Vault: s.vault, Deployer: s.deployer, Variables: s.nomad, Leases: s.nomad, Validate: broker.Validate, Reads: readJob,
		Now: s.clock.now, NewID: newID(), Late: time.Second,
		Engines: map[paas.ServiceKind]service.Engine{
			paas.KindBroker: service.Brokers{Dial: dial(2 * time.Second)}, paas.KindUser: service.Users{},
		},
	}
	for _, change := range with {
		change(&s.cfg)
	}
	s.Services = service.New(s.cfg)
	return s
}

func dial(timeout time.Duration) func(a service.Account) (service.Broker, error) {
	return func(a service.Account) (service.Broker, error) {
		return broker.New(broker.Config{Name: a.Name, URL: a.URL, Username: a.Username, Password: a.Secret.Password.Reveal(), Timeout: timeout})
	}
}

func newID() func() string {
	var mu sync.Mutex
	n := 0
	return func() string {
		mu.Lock()
		defer mu.Unlock()
		n++
		return fmt.Sprintf("id-%d", n)
	}
}

// lead runs the loop until the test ends, or end is called. It looks without pause, as the clock is fast.
func (s *stage) lead() (end func()) {
	s.Helper()
	epoch, err := s.store.Lead(s.Context())
	s.must(err)
	ctx, cancel := context.WithCancel(s.Context())
	var loops sync.WaitGroup
	loops.Go(func() { _ = s.Run(ctx, epoch) })
	loops.Go(func() { wakeful(ctx, s.Services, s.store) })
	var once sync.Once
	end = func() { once.Do(func() { cancel(); loops.Wait() }) }
	s.Cleanup(end)
	return end
}

func wakeful(ctx context.Context, s *service.Services, from *store.Store) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			refs, err := from.Refs(ctx)
			if err != nil {
				continue
			}
			s.Wake(paas.AppRef{})
			for _, ref := range refs {
				s.Wake(ref)
			}
		}
	}
}

func (s *stage) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *stage) code(err error, want paas.Code, words ...string) {
	s.Helper()
	if paas.CodeOf(err) != want {
		s.Errorf("code %q, want %q: %v", paas.CodeOf(err), want, err)
	}
	for _, w := range words {
		if err == nil || !strings.Contains(paas.MessageOf(err), w) {
			s.Errorf("%v does not say %q", err, w)
		}
	}
}

// until waits for something to become so.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not so in time: %s", what)
		}
	}
}

func (s *stage) add() {
	s.Helper()
	_, err := s.AddProvider(s.Context(), paas.ProviderAdd{Name: "acme", Kind: paas.KindBroker, URL: s.url, Username: "crumpet", Password: paas.NewSecret("broker-password"), By: "root"})
	s.must(err)
}

func (s *stage) create(name, plan string) paas.ServiceInstance {
	s.Helper()
	i, err := s.Create(s.Context(), paas.ServiceCreate{Team: "default", Name: name, Offering: "queue", Plan: plan, By: "ann"})
	s.must(err)
	return i
}

func (s *stage) instance(name string) (paas.ServiceInstance, bool) {
	s.Helper()
	d, err := s.Show(s.Context(), "default", name)
	if paas.CodeOf(err) == paas.NotFound {
		return paas.ServiceInstance{}, false
	}
	s.must(err)
	return d.Instance, true
}

func (s *stage) reaches(name string, state paas.ServiceState) paas.ServiceInstance {
	s.Helper()
	var i paas.ServiceInstance
	until(s, fmt.Sprintf("instance %s is %s", name, state), func() bool {
		i, _ = s.instance(name)
		return i.State == state
	})
	return i
}

func (s *stage) gone(name string) {
	s.Helper()
	until(s, "instance "+name+" is gone", func() bool { _, there := s.instance(name); return !there })
}

var shop = paas.AppRef{Team: "default", App: "shop"}

func (s *stage) binding(name string) (paas.Binding, bool) {
	s.Helper()
	all, err := s.store.Bindings(s.Context(), shop)
	s.must(err)
	i := slices.IndexFunc(all, func(b paas.Binding) bool { return b.Name == name })
	if i < 0 {
		return paas.Binding{}, false
	}
	return all[i], true
}

func (s *stage) bound(name string, ok func(b paas.Binding) bool) paas.Binding {
	s.Helper()
	var b paas.Binding
	until(s, "binding "+name, func() bool {
		b, _ = s.binding(name)
		return ok(b)
	})
	return b
}

func ready(b paas.Binding) bool { return b.State == paas.BindingReady && b.Generation > 0 }

// job is the text of a job of the test's: the generations that it names by binding, 0 for one it follows.
func job(names map[string][]int) []byte {
	b, err := json.Marshal(names)
	if err != nil {
		panic(err)
	}
	return b
}

func readJob(text []byte) (map[string][]int, error) {
	var names map[string][]int
	err := json.Unmarshal(text, &names)
	return names, err
}

// release makes an app, or a new release of it, that serves from a slot with a job that reads nothing.
func (s *stage) release(number int, slot paas.Slot, text []byte, uses ...paas.ServiceUse) {
	s.Helper()
	version := int64(0)
	if snap, err := s.store.Snapshot(s.Context(), shop); err == nil {
		version = snap.Version
	}
	s.must(s.store.Save(s.Context(), 0, paas.Change{
		Ref: shop, Version: version, App: &paas.App{Team: shop.Team, Name: shop.App, Live: slot, Release: number, Counts: map[string]int{"web": 1}},
		Releases: []paas.Release{{Team: shop.Team, App: shop.App, Number: number, CreatedBy: "ann", Spec: paas.Spec{App: shop.App, Services: uses}}},
		Slots: []paas.Slotted{
			{Team: shop.Team, App: shop.App, Slot: slot, Release: number, Job: text, Counts: map[string]int{"web": 1}},
			{Team: shop.Team, App: shop.App, Slot: slot.Other(), Release: number, Job: []byte("{}"), Counts: map[string]int{"web": 0}},
		},
	}))
}

// rendered gives the live slot another text, as a walk would.
func (s *stage) rendered(text []byte) {
	s.Helper()
	snap, err := s.store.Snapshot(s.Context(), shop)
	s.must(err)
	row := snap.Slots[snap.App.Live]
	row.Job = text
	s.must(s.store.Save(s.Context(), 0, paas.Change{Ref: shop, Version: snap.Version, Slots: []paas.Slotted{row}}))
}

// empty checks that a broker and Vault have nothing that nobody knows of.
func (s *stage) empty() {
	s.Helper()
	instances, bindings := s.broker.Has()
	if len(instances)+len(bindings) > 0 {
		s.Errorf("orphans: instances %v, bindings %v", instances, bindings)
	}
	if left := s.vault.left(); len(left) > 0 {
		s.Errorf("left in Vault: %v", left)
	}
}

type deployer struct {
	mu     sync.Mutex
	causes []string
	err    error
}

func (*deployer) Wake(paas.AppRef) {}

func (d *deployer) Rebind(_ context.Context, _ paas.AppRef, cause, _ string) (paas.DeployResult, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.causes = append(d.causes, cause)
	return paas.DeployResult{Changed: true}, d.err
}

func (d *deployer) asked() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.causes)
}

// variables is Nomad's, and Vault's count of leases.
type variables struct {
	mu     *sync.Mutex
	items  map[string]map[string]string // guarded by mu; by path
	leases map[int]int                  // by generation
}

func newVariables() variables {
	return variables{&sync.Mutex{}, map[string]map[string]string{}, map[int]int{}}
}

func (v variables) set(path string, items map[string]string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.items[path] = items
}

func (v variables) Variable(_ context.Context, _, path string) (map[string]string, uint64, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.items[path], 1, nil
}

func (v variables) Leases(_ context.Context, _ paas.Binding, generation int) (int, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.leases[generation], nil
}

// memoryVault keeps versions as Vault does.
type memoryVault struct {
	mu     sync.Mutex
	paths  map[string][]map[string]string // versions from 1; nil for one destroyed
	sealed bool
}

func newMemoryVault() *memoryVault { return &memoryVault{paths: map[string][]map[string]string{}} }

func (v *memoryVault) seal(sealed bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.sealed = sealed
}

func (v *memoryVault) left() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	paths := slices.Sorted(maps.Keys(v.paths))
	return slices.DeleteFunc(paths, func(p string) bool { return strings.HasPrefix(p, "provider") })
}

func (v *memoryVault) put(path string, values map[string]string) (int, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.sealed {
		return 0, paas.Errorf(paas.Unavailable, "Vault is sealed.")
	}
	v.paths[path] = append(v.paths[path], maps.Clone(values))
	return len(v.paths[path]), nil
}

func (v *memoryVault) get(path string, version int) (map[string]string, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	versions := v.paths[path]
	if version == 0 {
		version = len(versions)
	}
	if v.sealed {
		return nil, paas.Errorf(paas.Unavailable, "Vault is sealed.")
	}
	if version > len(versions) || version < 1 || versions[version-1] == nil {
		return nil, paas.Errorf(paas.NotFound, "nothing at %s", path)
	}
	return versions[version-1], nil
}

func (v *memoryVault) drop(path string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.sealed {
		return paas.Errorf(paas.Unavailable, "Vault is sealed.")
	}
	delete(v.paths, path)
	return nil
}

func pathOf(b paas.Binding) string       { return "binding " + b.App + "/" + b.Instance + "/" + b.Name }
func givenPath(p paas.ParamsPath) string { return "given " + p.Instance + " " + p.Binding }

func (v *memoryVault) PutBinding(_ context.Context, b paas.Binding, values map[string]string) (int, error) {
	return v.put(pathOf(b), values)
}

func (v *memoryVault) Binding(_ context.Context, b paas.Binding) (map[string]string, error) {
	return v.get(pathOf(b), 0)
}

func (v *memoryVault) DestroyBinding(_ context.Context, b paas.Binding, generation int) error {
	if _, err := v.get(pathOf(b), generation); paas.CodeOf(err) == paas.Unavailable {
		return err
	}
	v.destroy(pathOf(b), generation)
	return nil
}

func (v *memoryVault) destroy(path string, version int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if versions := v.paths[path]; version > 0 && version <= len(versions) {
		versions[version-1] = nil
	}
}

func (v *memoryVault) DeleteBinding(_ context.Context, b paas.Binding) error {
	return v.drop(pathOf(b))
}

func (v *memoryVault) PutParams(_ context.Context, p paas.ParamsPath, values map[string]string) (int, error) {
	return v.put(givenPath(p), values)
}

func (v *memoryVault) Params(_ context.Context, p paas.ParamsPath, version int) (map[string]string, error) {
	return v.get(givenPath(p), version)
}

func (v *memoryVault) DeleteParams(_ context.Context, p paas.ParamsPath) error {
	return v.drop(givenPath(p))
}

func (v *memoryVault) PutProvider(_ context.Context, name string, values map[string]string) error {
	_, err := v.put("provider "+name, values)
	return err
}

func (v *memoryVault) Provider(_ context.Context, name string) (map[string]string, error) {
	return v.get("provider "+name, 0)
}

func (v *memoryVault) DeleteProvider(_ context.Context, name string) error {
	return v.drop("provider " + name)
}
