package auth

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Store keeps who may do what. Code for what is not there: not_found.
type Store interface {
	TokenStore
	SessionStore
	// AccessVersion grows whenever somebody may do less or more than before.
	AccessVersion(ctx context.Context) (int64, error)
	// Members lists the members of a team, or the memberships of a user; "" for all.
	Members(ctx context.Context, team, user string) ([]paas.Member, error)
	User(ctx context.Context, name string) (paas.User, error)
	PutUses(ctx context.Context, uses ...paas.Use) error
	// DropEnded forgets the tokens that ended before a time, and the sessions that did before now.
	DropEnded(ctx context.Context, before, now time.Time) error
}

// Config is what an Auth needs. Fields without a default are required.
type Config struct {
	Store    Store
	Now      func() time.Time
	Log      *slog.Logger  // default: none
	Idle     time.Duration // a session without a call ends; default 2 h
	Absolute time.Duration // a session ends; default 24 h
}

// Auth makes, checks and ends tokens and sessions.
type Auth struct {
	store    Store
	now      func() time.Time
	log      *slog.Logger
	idle     time.Duration
	absolute time.Duration

	mu      sync.Mutex
	uses    map[use]paas.Use  // guarded by mu: not yet written
	streams map[*watched]bool // guarded by mu: open
	woken   chan struct{}     // holds one signal at most
}

// use is whose use is to be written.
type use struct{ token, session string }

// New makes an Auth. Until Run runs no stream is ended, and no use is written.
func New(c Config) *Auth {
	a := &Auth{
		store: c.Store, now: c.Now, log: c.Log, idle: c.Idle, absolute: c.Absolute,
		uses: map[use]paas.Use{}, streams: map[*watched]bool{}, woken: make(chan struct{}, 1),
	}
	if a.log == nil {
		a.log = slog.New(slog.DiscardHandler)
	}
	a.log = a.log.With("component", "auth")
	if a.idle == 0 {
		a.idle = 2 * time.Hour
	}
	if a.absolute == 0 {
		a.absolute = 24 * time.Hour
	}
	return a
}

// May says with code forbidden that somebody may not do something.
func (a *Auth) May(who paas.Identity, act paas.Act) error { return May(who, act) }

// moment is now, as exactly as the store keeps it: what is told of a new row is what is read of it later.
func (a *Auth) moment() time.Time { return a.now().UTC().Truncate(time.Microsecond) }

// note has a use written soon. The last one of a time wins.
func (a *Auth) note(u paas.Use) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.uses[use{u.Token, u.Session}] = u
}
