package consul_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	consulapi "github.com/hashicorp/consul/api"

	"github.com/crumpet-paas/crumpet/server/consul"
	standin "github.com/crumpet-paas/crumpet/server/devstack/consul"
)

// agent is the stand-in of a Consul, with sessions that may be short, which can be cut off.
type agent struct {
	*consul.Client
	api   *consulapi.Client
	front *httptest.Server
	cut   atomic.Bool
}

// cutOff breaks what waits, and whatever comes.
func (a *agent) cutOff() {
	a.cut.Store(true)
	a.front.CloseClientConnections()
}

func startAgent(t *testing.T) *agent {
	t.Helper()
	s, err := standin.Open(standin.Config{Data: t.TempDir(), SessionTTLMin: 100 * time.Millisecond, CheckIntervalMin: 10 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		_ = s.Run(ctx) // its end is the test's
		close(ended)
	}()
	a := &agent{}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a.cut.Load() {
			panic(http.ErrAbortHandler)
		}
		s.ServeHTTP(w, r)
	}))
	a.front = front
	t.Cleanup(func() { cancel(); front.CloseClientConnections(); front.Close(); <-ended })
	if a.Client, err = consul.New(consul.Config{Address: front.URL}); err != nil {
		t.Fatal(err)
	}
	if a.api, err = consulapi.NewClient(&consulapi.Config{Address: front.URL}); err != nil {
		t.Fatal(err)
	}
	return a
}

const soon = 20 * time.Second // as long as a slow machine may need

func acquire(t *testing.T, l *consul.Lock) (context.Context, func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	t.Cleanup(cancel)
	held, release, err := l.Acquire(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return held, release
}

func ends(t *testing.T, held context.Context, what string) {
	t.Helper()
	select {
	case <-held.Done():
		if errors.Is(context.Cause(held), context.DeadlineExceeded) {
			t.Fatalf("%s: not noticed: %v", what, context.Cause(held))
		}
		t.Logf("%s: %v", what, context.Cause(held))
	case <-time.After(soon):
		t.Fatalf("%s: the hold goes on", what)
	}
}

func TestALockIsHeldByOneAtATimeAndPassedOnAtOnce(t *testing.T) {
	t.Parallel()
	a := startAgent(t)
	cfg := consul.LockConfig{Key: "several/leader", Holder: "one", TTL: time.Minute, Delay: time.Minute} // neither is waited for
	var holders, most atomic.Int32
	done := make(chan struct{})
	const rivals = 4
	for range rivals {
		go func() {
			defer func() { done <- struct{}{} }()
			for range 3 {
				held, release, err := a.Lock(cfg).Acquire(t.Context())
				if err != nil {
					t.Errorf("Acquire: %v", err)
					return
				}
				if n := holders.Add(1); n > most.Load() {
					most.Store(n)
				}
				if held.Err() != nil {
					t.Errorf("a hold began ended: %v", context.Cause(held))
				}
				holders.Add(-1)
				release()
			}
		}()
	}
	for range rivals {
		select {
		case <-done:
		case <-time.After(3 * soon):
			t.Fatal("the lock was not passed on")
		}
	}
	if most.Load() != 1 {
		t.Errorf("%d held the lock at once", most.Load())
	}
	sessions, _, err := a.api.Session().List(nil)
	if err != nil || len(sessions) != 0 {
		t.Errorf("%d sessions are left, %v", len(sessions), err)
	}
}

func TestAHoldEndsWithItsSession(t *testing.T) {
	t.Parallel()
	a := startAgent(t)
	l := a.Lock(consul.LockConfig{Key: "several/leader", Holder: "one", TTL: time.Minute, Delay: time.Millisecond})
	held, release := acquire(t, l)
	pair, _, err := a.api.KV().Get("several/leader", nil)
	if err != nil || string(pair.Value) != "one" {
		t.Fatalf("the key says %+v, %v", pair, err)
	}
	if _, err := a.api.Session().Destroy(pair.Session, nil); err != nil {
		t.Fatal(err)
	}
	ends(t, held, "session destroyed") // long before it was to be renewed: the key tells
	release()
	_, again := acquire(t, l)
	again()
}

func TestAHoldEndsWithItsCheck(t *testing.T) {
	t.Parallel()
	a := startAgent(t)
	var well atomic.Bool
	well.Store(true)
	probed := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !well.Load() {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	t.Cleanup(probed.Close)
	me := consul.Self{ID: "crumpet-1", Name: "crumpet", Address: "127.0.0.1", Port: 1, Probe: probed.URL}
	l := a.Lock(consul.LockConfig{Key: "several/leader", Holder: "one", Check: consul.CheckOf(me.ID), TTL: time.Minute, Delay: time.Millisecond})
	if _, _, err := l.Acquire(t.Context()); err == nil {
		t.Fatal("the lock was taken though its check is not there")
	}
	if err := a.Register(t.Context(), me); err != nil {
		t.Fatal(err)
	}
	if known, err := a.Registered(t.Context(), me.ID); !known || err != nil {
		t.Fatalf("registered: %t, %v", known, err)
	}
	held, release := acquire(t, l)
	well.Store(false)
	ends(t, held, "check critical")
	release()
	well.Store(true)
	if err := errors.Join(a.Deregister(t.Context(), me.ID), a.Register(t.Context(), me)); err != nil {
		t.Fatal(err)
	}
	held, release = acquire(t, l)
	if err := a.Deregister(t.Context(), me.ID); err != nil { // as a process that follows one that was killed does
		t.Fatal(err)
	}
	ends(t, held, "check gone")
	release()
	if err := a.Register(t.Context(), me); err != nil {
		t.Fatal(err)
	}
	if err := a.Deregister(t.Context(), me.ID); err != nil {
		t.Fatal(err)
	}
	if known, err := a.Registered(t.Context(), me.ID); known || err != nil {
		t.Fatalf("still registered: %t, %v", known, err)
	}
	if err := a.Deregister(t.Context(), me.ID); err != nil { // as after a crash of the agent
		t.Errorf("Deregister of one that is not there: %v", err)
	}
}

func TestAHoldEndsWhenConsulDoesNotAnswerForATTL(t *testing.T) {
	t.Parallel()
	a := startAgent(t)
	const ttl = 2 * time.Second
	l := a.Lock(consul.LockConfig{Key: "several/leader", Holder: "one", TTL: ttl, Delay: time.Millisecond})
	held, release := acquire(t, l)
	select {
	case <-held.Done():
		t.Fatalf("the hold ended while Consul answers: %v", context.Cause(held))
	case <-time.After(2 * ttl): // it is renewed
	}
	a.cutOff()
	ends(t, held, "Consul cut off")
	a.cut.Store(false)
	release()
	_, again := acquire(t, l)
	again()
}

func TestAWaiterLeavesWithItsContext(t *testing.T) {
	t.Parallel()
	a := startAgent(t)
	cfg := consul.LockConfig{Key: "several/leader", TTL: time.Minute}
	_, release := acquire(t, a.Lock(cfg))
	defer release()
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	go func() {
		_, _, err := a.Lock(cfg).Acquire(ctx)
		failed <- err
	}()
	select {
	case err := <-failed:
		t.Fatalf("Acquire of a lock that is held: %v", err)
	case <-time.After(200 * time.Millisecond):
	}
	cancel()
	select {
	case err := <-failed:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	case <-time.After(soon):
		t.Fatal("the waiter did not leave")
	}
}
