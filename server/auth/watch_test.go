package auth_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/auth"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/store"
	"github.com/crumpet-paas/crumpet/server/store/pgtest"
)

// run runs an Auth, until the function that it gives is called.
func run(t testing.TB, a *auth.Auth) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); a.Run(ctx) }()
	return func() { cancel(); <-done }
}

// ends waits until a stream has ended, and gives why.
func ends(t *testing.T, what string, stream context.Context) error {
	t.Helper()
	select {
	case <-stream.Done():
	case <-time.After(20 * time.Second):
		t.Fatalf("%s: the stream goes on", what)
	}
	var why *paas.Error
	if !errors.As(context.Cause(stream), &why) {
		t.Fatalf("%s: ended by %v, which tells nobody why", what, context.Cause(stream))
	}
	return why
}

// TestAStreamEndsWithTheRightToIt, and no other does.
func TestAStreamEndsWithTheRightToIt(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		act  paas.Act
		end  func(w *world, token paas.Token, session string) error
		stay bool // the stream of the session, which is of the same user
		code paas.Code
	}{
		"the token is revoked": {
			paas.Act{Verb: paas.VerbLogs, Team: "red", App: "shop"},
			func(w *world, token paas.Token, _ string) error {
				return w.store.RevokeToken(w.Context(), token.ID, noon)
			}, true, paas.Unauthorized,
		},
		"the user is disabled": {
			paas.Act{Verb: paas.VerbLogs, Team: "red", App: "shop"},
			func(w *world, _ paas.Token, _ string) error {
				w.change("bob", func(u *paas.User) { u.Disabled = true })
				return nil
			}, false, paas.Unauthorized,
		},
		"the user is deleted": {
			paas.Act{Verb: paas.VerbLogs, Team: "red"},
			func(w *world, _ paas.Token, _ string) error { return w.store.DropUser(w.Context(), "bob") }, false, paas.Unauthorized,
		},
		"the membership ends": {
			paas.Act{Verb: paas.VerbRead, Team: "red"},
			func(w *world, _ paas.Token, _ string) error {
				return w.store.DropMember(w.Context(), "red", "bob")
			}, false, paas.Forbidden,
		},
		"the role is too low now": {
			paas.Act{Verb: paas.VerbExec, Team: "red", App: "shop"},
			func(w *world, _ paas.Token, _ string) error {
				return w.store.PutMember(w.Context(), paas.Member{Team: "red", User: "bob", Role: paas.Viewer, Source: paas.Given, CreatedAt: noon})
			}, false, paas.Forbidden,
		},
		"every team would be others now": {
			paas.Act{Verb: paas.VerbRead, Team: "*"},
			func(w *world, _ paas.Token, _ string) error {
				return w.store.PutMember(w.Context(), paas.Member{Team: "default", User: "bob", Role: paas.Viewer, Source: paas.Given, CreatedAt: noon})
			}, false, paas.Unauthorized,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			t.Cleanup(run(t, w.Auth))
			value, bob := w.session("bob")
			header, token := w.token(bob, paas.TokenWish{})
			byToken, stop := w.Watch(t.Context(), w.check(header), test.act)
			defer stop()
			bySession, stop := w.Watch(t.Context(), bob, test.act)
			defer stop()
			_, root := w.session("root")
			others, stop := w.Watch(t.Context(), root, test.act)
			defer stop()
			w.must(test.end(w, token, value))
			w.code(ends(t, "by token", byToken), test.code)
			if !test.stay {
				w.code(ends(t, "by session", bySession), test.code)
			} else if bySession.Err() != nil {
				t.Errorf("the session's stream has ended as well: %v", context.Cause(bySession))
			}
			if others.Err() != nil {
				t.Errorf("the stream of somebody else has ended: %v", context.Cause(others))
			}
		})
	}
}

// TestAStreamEndsByWhatAnotherServerWrites: two servers over one database, each with a connection of its own.
func TestAStreamEndsByWhatAnotherServerWrites(t *testing.T) {
	t.Parallel()
	address := pgtest.Start(t).Database(t)
	w := newWorld(t)
	w.store = w.open(t, store.Config{URL: address})
	var here *auth.Auth
	var ready sync.Mutex // guards here: the store tells of commits before there is an Auth
	near := w.open(t, store.Config{URL: address, Notify: func(paas.AppRef) {
		ready.Lock()
		defer ready.Unlock()
		if here != nil {
			here.Wake()
		}
	}})
	ready.Lock()
	here = auth.New(auth.Config{Store: near, Now: w.clock.now, Idle: time.Hour})
	ready.Unlock()
	w.Auth = auth.New(auth.Config{Store: w.store, Now: w.clock.now, Idle: time.Hour})
	t.Cleanup(run(t, here))
	ctx, cancel := context.WithCancel(context.Background())
	listening := make(chan struct{})
	go func() { defer close(listening); _ = near.Run(ctx) }() // ends with ctx only
	t.Cleanup(func() { cancel(); <-listening })
	w.must(w.store.AddUser(t.Context(), paas.User{Name: "bob", Kind: paas.Person, CreatedAt: noon}))
	value, _ := w.session("bob")
	bob, err := here.CheckSession(t.Context(), value)
	w.must(err)
	stream, stop := here.Watch(t.Context(), bob, paas.Act{Verb: paas.VerbNone})
	defer stop()
	w.must(w.EndSession(t.Context(), bob.Session)) // by the other
	w.code(ends(t, "on the server that did not write", stream), paas.Unauthorized)
}

func TestAStreamThatLostItsRightBeforeItWasOpenEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, bob := w.session("bob")
	t.Cleanup(run(t, w.Auth))
	earlier, stop := w.Watch(t.Context(), bob, paas.Act{Verb: paas.VerbRead, Team: "red"})
	defer stop()
	w.must(w.EndSession(t.Context(), bob.Session)) // after the check, and before the stream
	w.code(ends(t, "the stream before", earlier), paas.Unauthorized)
	stream, stop := w.Watch(t.Context(), bob, paas.Act{Verb: paas.VerbRead, Team: "red"})
	defer stop()
	w.code(ends(t, "a stream too late", stream), paas.Unauthorized)
}

// TestAStreamEndsWhenItsTokenDoes: nothing is written then, and nobody told.
func TestAStreamEndsWhenItsTokenDoes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	began := time.Now()
	now := func() time.Time { return noon.Add(time.Since(began)) }
	a := auth.New(auth.Config{Store: w.store, Now: now, Idle: 1500 * time.Millisecond})
	t.Cleanup(run(t, a))
	value, _, err := a.StartSession(t.Context(), "bob", "", "")
	w.must(err)
	bob, err := a.CheckSession(t.Context(), value)
	w.must(err)
	plain, token, err := a.CreateToken(t.Context(), bob, paas.TokenWish{Name: "x", Lasts: time.Second})
	w.must(err)
	who, err := a.Check(t.Context(), "Bearer "+plain)
	w.must(err)
	act := paas.Act{Verb: paas.VerbRead, Team: "red"}
	byToken, stop := a.Watch(t.Context(), who, act)
	defer stop()
	bySession, stop := a.Watch(t.Context(), bob, act)
	defer stop()
	w.code(ends(t, "of a token", byToken), paas.Unauthorized)
	if now().Before(*token.ExpiresAt) {
		t.Error("the stream ended before its token")
	}
	w.code(ends(t, "of a session that is idle", bySession), paas.Unauthorized)
}

// counting counts how often access is asked for.
type counting struct {
	*store.Store
	mu              sync.Mutex
	versions, looks int
	fails           error
}

func (c *counting) AccessVersion(ctx context.Context) (int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.versions++; c.fails != nil {
		return 0, c.fails
	}
	return c.Store.AccessVersion(ctx)
}

func (c *counting) SessionAccess(ctx context.Context, hash string) (paas.Access, error) {
	c.mu.Lock()
	c.looks++
	c.mu.Unlock()
	return c.Store.SessionAccess(ctx, hash)
}

func (c *counting) counts() (versions, looks int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.versions, c.looks
}

// TestWakeUpsForNothingCostOneNumber: whatever is committed may wake; streams are looked at when who may do
// what has changed, all of one session by one query.
func TestWakeUpsForNothingCostOneNumber(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := &counting{Store: w.store}
	a := auth.New(auth.Config{Store: c, Now: w.clock.now, Idle: time.Hour})
	value, _, err := a.StartSession(t.Context(), "bob", "", "")
	w.must(err)
	bob, err := a.CheckSession(t.Context(), value)
	w.must(err)
	t.Cleanup(run(t, a))
	a.Wake()
	var streams []context.Context
	for range 20 {
		stream, stop := a.Watch(t.Context(), bob, paas.Act{Verb: paas.VerbRead, Team: "red"})
		defer stop()
		streams = append(streams, stream)
	}
	settled := func(enough int) (looks int) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
			versions, looks := c.counts()
			if versions >= enough {
				return looks
			}
			if time.Now().After(deadline) {
				t.Fatalf("access was asked for %d times, want %d", versions, enough)
			}
			a.Wake()
		}
	}
	versions, _ := c.counts()
	before := settled(versions + 3) // the streams that were new have been looked at
	if after := settled(versions + 23); after != before {
		t.Errorf("%d streams were looked at though nothing had changed", after-before)
	}
	w.must(w.store.PutMember(t.Context(), paas.Member{Team: "red", User: "bob", Role: paas.Viewer, Source: paas.Given, CreatedAt: noon}))
	versions, _ = c.counts()
	if after := settled(versions + 3); after != before+1 {
		t.Errorf("%d queries for 20 streams of one session, want 1", after-before)
	}
	for _, stream := range streams {
		if stream.Err() != nil {
			t.Fatalf("a stream has ended: %v", context.Cause(stream))
		}
	}
}

// TestWithoutAStoreStreamsEndAfterAWhile: nobody can say then whether they may go on.
func TestWithoutAStoreStreamsEndAfterAWhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := &counting{Store: w.store}
	a := auth.New(auth.Config{Store: c, Now: w.clock.now, Idle: time.Hour})
	_, bob := w.session("bob")
	c.mu.Lock()
	c.fails = paas.Errorf(paas.Unavailable, "The store does not answer.")
	c.mu.Unlock()
	t.Cleanup(run(t, a))
	stream, stop := a.Watch(t.Context(), bob, paas.Act{Verb: paas.VerbRead, Team: "red"})
	defer stop()
	for asked := 0; asked < 2; a.Wake() {
		asked, _ = c.counts()
		time.Sleep(5 * time.Millisecond)
	}
	if stream.Err() != nil {
		t.Fatalf("the stream ended at the first failure: %v", context.Cause(stream))
	}
	w.clock.add(time.Minute)
	a.Wake()
	w.code(ends(t, "without a store", stream), paas.Unavailable)
}
