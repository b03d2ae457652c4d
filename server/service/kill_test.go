package service_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"net/rpc"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/broker"
	"github.com/crumpet-paas/crumpet/server/broker/brokertest"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/service"
	"github.com/crumpet-paas/crumpet/server/store"
)

// TestMain is also the program that is killed: this binary, with a plan in its environment.
func TestMain(m *testing.M) {
	if plan := os.Getenv("CRUMPET_TEST_MORTAL"); plan != "" {
		if err := live(plan); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// mortalPlan is what a mortal server is told.
type mortalPlan struct {
	Store, Broker, Vault string
	Calls                string // the file in which it notes the boundaries it meets
	Die                  string // at which of them it kills itself; "" for never
	Nth                  int    // and at which time that it meets it, from 1
}

// Between the journal and the call, between the call and the note of its answer, and everywhere else where
// something is written or sent, a server is killed by SIGKILL. Its successor finishes what was wished for,
// and takes it back; then neither the broker nor Vault has anything, and the journal is empty.
func TestAServerKilledAnywhereLeavesNoOrphan(t *testing.T) {
	t.Parallel()
	for name, async := range map[string][]brokertest.Kind{
		"at once": nil,
		"later":   {brokertest.Provision, brokertest.Update, brokertest.Deprovision, brokertest.Bind, brokertest.Unbind},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			whole := newDoomed(t, async)
			if killed, err := whole.run("", 0); killed || err != nil {
				t.Fatalf("a server that was not to be killed: killed %t, %v", killed, err)
			}
			if err := whole.nothingLeft(); err != nil {
				t.Fatal(err)
			}
			points := whole.points()
			for _, op := range []string{"provision", "update", "deprovision", "bind", "unbind"} {
				for _, point := range []string{"before engine." + op, "after engine." + op} {
					if !slices.Contains(points, point) {
						t.Errorf("the whole life of an instance does not meet %q: %v", point, points)
					}
				}
				if len(async) > 0 && !slices.Contains(points, "after engine.poll-"+op) {
					t.Errorf("nothing polls %s: %v", op, points)
				}
			}
			// In goroutines, not in subtests: those wait for each other, and these mostly for time to pass.
			var all sync.WaitGroup
			room := make(chan struct{}, 8)
			times := map[string]int{}
			for _, point := range points {
				times[point]++
				nth := times[point]
				// Every boundary with PROVE=1. Else each operation dies once before its call and once after it.
				when := "after engine."
				if len(async) > 0 {
					when = "before engine."
				}
				if os.Getenv("PROVE") == "" && (!strings.HasPrefix(point, when) || strings.Contains(point, "poll") || nth > 1) {
					continue
				}
				m := newDoomed(t, async)
				all.Go(func() {
					room <- struct{}{}
					defer func() { <-room }()
					killed, err := m.run(point, nth)
					// How often it polls and saves is a matter of time, so that a life may be over before.
					if err != nil || !killed && strings.Contains(point, "engine.") && !strings.Contains(point, "poll") {
						t.Errorf("%s %d: killed %t, %v", point, nth, killed, err)
						return
					}
					if _, err := m.run("", 0); err != nil {
						t.Errorf("%s %d: its successor: %v", point, nth, err)
						return
					}
					if err := m.nothingLeft(); err != nil {
						t.Errorf("%s %d: %v", point, nth, err)
					}
				})
			}
			all.Wait()
		})
	}
}

type doomed struct {
	*testing.T
	plan   mortalPlan
	broker *brokertest.Keeper
	vault  *memoryVault
}

func newDoomed(t *testing.T, async []brokertest.Kind) *doomed {
	t.Helper()
	dir := t.TempDir()
	m := &doomed{T: t, broker: brokertest.Keep(catalogText, credentialsOf), vault: newMemoryVault()}
	m.broker.Async(async...)
	web := httptest.NewServer(m.broker)
	t.Cleanup(web.Close)
	far := rpc.NewServer()
	if err := far.RegisterName("Vault", &served{m.vault}); err != nil {
		t.Fatal(err)
	}
	vault := httptest.NewServer(far)
	t.Cleanup(vault.Close)
	m.plan = mortalPlan{
		Store: filepath.Join(dir, "store.db"), Broker: web.URL, Vault: strings.TrimPrefix(vault.URL, "http://"), Calls: filepath.Join(dir, "calls"),
	}
	return m
}

// run lets a server live until it has done all, or is killed.
func (m *doomed) run(die string, nth int) (killed bool, err error) {
	plan := m.plan
	plan.Die, plan.Nth = die, nth
	text, err := json.Marshal(plan)
	if err != nil {
		return false, err
	}
	ctx, cancel := context.WithTimeout(m.Context(), 2*time.Minute)
	defer cancel()
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), "CRUMPET_TEST_MORTAL="+string(text))
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	err = cmd.Run()
	var exit *exec.ExitError
	if ctx.Err() == nil && errors.As(err, &exit) {
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signal() == syscall.SIGKILL {
			return true, nil
		}
	}
	if err != nil {
		return false, fmt.Errorf("it ended by itself: %w\n%s\n%v", err, &out, m.points())
	}
	return false, nil
}

func (m *doomed) points() []string {
	text, err := os.ReadFile(m.plan.Calls)
	if err != nil {
		return nil // it has met none
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}

func (m *doomed) nothingLeft() error {
	instances, bindings := m.broker.Has()
	if len(instances)+len(bindings) > 0 {
		return fmt.Errorf("orphans: instances %v, bindings %v\n%v", instances, bindings, m.points())
	}
	if left := m.vault.left(); len(left) > 0 {
		return fmt.Errorf("left in Vault: %v\n%v", left, m.points())
	}
	return nil
}

// live is the life of a mortal server: the loop, and somebody who wants one instance, with a binding, an
// update, a rotation and a key, and in the end none of it. Begun again, it goes on where the store is.
func live(text string) error {
	var plan mortalPlan
	if err := json.Unmarshal([]byte(text), &plan); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	defer cancel()
	rows, err := store.Open(ctx, store.Config{Path: plan.Store})
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // it is killed in most cases
	far, err := rpc.DialHTTP("tcp", plan.Vault)
	if err != nil {
		return err
	}
	c := &clock{began: time.Now(), speed: fast}
	points := &mortality{plan: plan}
	v := &remoteVault{far}
	services := service.New(service.Config{
		Store: rows, Vault: v, Deployer: &deployer{}, Variables: newVariables(), Leases: newVariables(), Validate: broker.Validate, Reads: readJob,
		Now: c.now, NewID: randomID, Late: time.Second, Overlap: time.Second, Around: points.around, Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
		Engines: map[paas.ServiceKind]service.Engine{paas.KindBroker: service.Brokers{Dial: dial(5 * time.Second)}, paas.KindUser: service.Users{}},
	})
	epoch, err := rows.Lead(ctx)
	if err != nil {
		return err
	}
	loop, end := context.WithCancel(ctx)
	var loops sync.WaitGroup
	loops.Go(func() { _ = services.Run(loop, epoch) })
	loops.Go(func() { wakeful(loop, services, rows) })
	err = (&wisher{ctx: ctx, Services: services, store: rows, plan: plan}).all()
	end()
	loops.Wait()
	return err
}

// randomID is unique over the lives of a server.
func randomID() string { return fmt.Sprintf("%d-%d", os.Getpid(), time.Now().UnixNano()) }

// mortality notes boundaries, and kills at one.
type mortality struct {
	plan mortalPlan
	mu   sync.Mutex
	n    int
}

func (m *mortality) around(name string, call func()) {
	m.at("before " + name)
	call()
	m.at("after " + name)
}

func (m *mortality) at(point string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if point == m.plan.Die {
		m.n++
	}
	f, err := os.OpenFile(m.plan.Calls, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	_, _ = f.WriteString(point + "\n")
	_ = f.Close()
	if m.n == m.plan.Nth && m.n > 0 {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // with the lock: nothing more is done, however late the signal comes
	}
}

// wisher wants things, one after the other, each until it is so.
type wisher struct {
	ctx context.Context
	*service.Services
	store *store.Store
	plan  mortalPlan
}

// all begins where the store says that it was. What was reached is in the store as an event of its own.
func (w *wisher) all() error {
	steps := []func() (bool, error){w.provided, w.served, w.made, w.boundOnce, w.updated, w.rotated, w.keyed, w.unkeyed, w.unbound, w.deleted, w.quiet}
	events, err := w.store.Events(w.ctx, paas.EventFilter{Kinds: []paas.EventKind{paas.EventExec}})
	if err != nil {
		return err
	}
	for n := len(events); n < len(steps); n++ {
		for {
			done, err := steps[n]()
			if code := paas.CodeOf(err); err != nil && code != paas.Conflict && code != paas.NotFound {
				return fmt.Errorf("step %d: %w", n, err)
			}
			if done {
				break
			}
			select {
			case <-w.ctx.Done():
				operations, _ := w.store.Operations(context.WithoutCancel(w.ctx))
				bindings, _ := w.store.Bindings(context.WithoutCancel(w.ctx), paas.AppRef{})
				return fmt.Errorf("step %d is not reached: %w; %+v; %+v", n, errors.Join(w.ctx.Err(), err), operations, bindings)
			case <-time.After(10 * time.Millisecond):
			}
		}
		if err := w.store.Emit(w.ctx, paas.Event{Time: time.Now(), Team: "default", App: "shop", Kind: paas.EventExec}); err != nil {
			return err
		}
	}
	return nil
}

func (w *wisher) provided() (bool, error) {
	_, err := w.AddProvider(w.ctx, paas.ProviderAdd{Name: "acme", Kind: paas.KindBroker, URL: w.plan.Broker, Username: "u", Password: paas.NewSecret("p")})
	return err == nil, err
}

func (w *wisher) served() (bool, error) { return w.render(nil) }

func (w *wisher) render(names map[string][]int) (bool, error) {
	version := int64(0)
	if snap, err := w.store.Snapshot(w.ctx, shop); err == nil {
		version = snap.Version
	}
	change := paas.Change{
		Ref: shop, Version: version, App: &paas.App{Team: shop.Team, Name: shop.App, Live: paas.Blue, Release: 1, Counts: map[string]int{"web": 1}},
		Slots: []paas.Slotted{{Team: shop.Team, App: shop.App, Slot: paas.Blue, Release: 1, Job: job(names), Counts: map[string]int{"web": 1}}},
	}
	if version == 0 {
		change.Releases = []paas.Release{{Team: shop.Team, App: shop.App, Number: 1}}
	}
	err := w.store.Save(w.ctx, 0, change)
	return err == nil, err
}

func (w *wisher) made() (bool, error) {
	d, err := w.Show(w.ctx, "default", "jobs")
	if paas.CodeOf(err) == paas.NotFound {
		_, err = w.Create(w.ctx, paas.ServiceCreate{Team: "default", Name: "jobs", Offering: "queue", Plan: "small", Parameters: paas.NewSecret(`{"owner":"planted"}`)})
		return false, err
	}
	if d.Instance.State == paas.ServiceFailed {
		return false, errors.New(d.Instance.Reason)
	}
	return d.Instance.State == paas.ServiceReady, err
}

func (w *wisher) binding() (paas.Binding, bool, error) {
	all, err := w.store.Bindings(w.ctx, shop)
	if err != nil || len(all) == 0 {
		return paas.Binding{}, false, err
	}
	return all[0], true, nil
}

func (w *wisher) boundOnce() (bool, error) {
	b, there, err := w.binding()
	if err != nil || !there {
		_, err = w.Bind(w.ctx, paas.ServiceBind{Team: "default", App: "shop", Instance: "jobs"})
		return false, err
	}
	if b.State == paas.BindingFailed {
		return false, errors.New(b.Reason)
	}
	if !ready(b) {
		return false, nil
	}
	return w.render(map[string][]int{"jobs": {b.Generation}})
}

func (w *wisher) updated() (bool, error) {
	d, err := w.Show(w.ctx, "default", "jobs")
	if err != nil || d.Instance.State != paas.ServiceReady {
		return false, err
	}
	if d.Instance.Plan == "large" {
		return true, nil
	}
	_, err = w.Update(w.ctx, paas.ServiceUpdate{Team: "default", Name: "jobs", Plan: "large"})
	return false, err
}

// rotated is reached once the app has the second generation, and the first has ended.
func (w *wisher) rotated() (bool, error) {
	b, _, err := w.binding()
	if err != nil {
		return false, err
	}
	if len(b.Retiring) > 0 {
		_, err := w.render(map[string][]int{"jobs": {b.Generation}})
		return false, err
	}
	snap, err := w.store.Snapshot(w.ctx, shop)
	if err != nil {
		return false, err
	}
	first, err := readJob(snap.Slots[paas.Blue].Job)
	if err != nil || len(first["jobs"]) == 1 && first["jobs"][0] == b.Generation && b.Generation > w.firstGeneration() {
		return err == nil, err
	}
	_, err = w.Rotate(w.ctx, paas.ServiceRotate{Team: "default", App: "shop"})
	return false, err
}

// firstGeneration is the lowest that the first credentials can have had; the file outlives the server.
func (w *wisher) firstGeneration() int {
	path := w.plan.Calls + ".first"
	if text, err := os.ReadFile(path); err == nil {
		n := 0
		_, _ = fmt.Sscan(string(text), &n)
		return n
	}
	b, _, _ := w.binding()
	_ = os.WriteFile(path, fmt.Append(nil, b.Generation), 0o600)
	return b.Generation
}

func (w *wisher) keyed() (bool, error) {
	keys, err := w.Keys(w.ctx, "default", "jobs")
	if err == nil && len(keys) == 0 {
		_, err = w.CreateKey(w.ctx, paas.ServiceKey{Team: "default", Instance: "jobs", Name: "admin"})
		return false, err
	}
	return err == nil && ready(keys[0]), err
}

func (w *wisher) unkeyed() (bool, error) {
	keys, err := w.Keys(w.ctx, "default", "jobs")
	if err != nil || len(keys) == 0 {
		return err == nil, err
	}
	_, err = w.DeleteKey(w.ctx, paas.ServiceKey{Team: "default", Instance: "jobs", Name: "admin"})
	return false, err
}

func (w *wisher) unbound() (bool, error) {
	_, there, err := w.binding()
	if err != nil || !there {
		return err == nil, err
	}
	_, err = w.Unbind(w.ctx, paas.ServiceUnbind{Team: "default", App: "shop", Name: "jobs"})
	return false, err
}

func (w *wisher) deleted() (bool, error) {
	_, err := w.Delete(w.ctx, paas.ServiceDelete{Team: "default", Name: "jobs"})
	return paas.CodeOf(err) == paas.NotFound, err
}

// quiet is reached once the journal is empty.
func (w *wisher) quiet() (bool, error) {
	operations, err := w.store.Operations(w.ctx)
	return err == nil && len(operations) == 0, err
}
