package auth

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"strings"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// SessionStore keeps sessions by the hash of their cookie's value.
type SessionStore interface {
	// AddSession adds a session. Codes: not_found without its user, forbidden when that one is disabled.
	AddSession(ctx context.Context, session paas.Session) error
	Session(ctx context.Context, id string) (paas.Session, error)
	// Sessions lists the sessions of a user, newest first; "" for those of all.
	Sessions(ctx context.Context, user string) ([]paas.Session, error)
	DropSession(ctx context.Context, id string) error
	// DropSessions ends all sessions of a user but the one with that id; "" for all.
	DropSessions(ctx context.Context, user, but string) error
	SessionAccess(ctx context.Context, hash string) (paas.Access, error)
}

const maxAgent = 200 // bytes of a User-Agent that are kept

// StartSession begins a session, and gives the value of its cookie: it is given here once. Each sign-in has a
// value of its own, so that none that was put into a browser before is ever taken. Codes: not_found without
// that user, forbidden when it is disabled.
func (a *Auth) StartSession(ctx context.Context, user, from, agent string) (value string, s paas.Session, err error) {
	secret := make([]byte, tokenBytes)
	_, _ = rand.Read(secret) // never fails: crypto/rand ends the program instead
	value = base64.RawURLEncoding.EncodeToString(secret)
	now := a.moment()
	s = paas.Session{
		ID: newID(), Hash: hash(value), User: user, CreatedAt: now, SeenAt: now, ExpiresAt: now.Add(a.absolute), From: from,
		Agent: strings.ToValidUTF8(agent[:min(len(agent), maxAgent)], ""),
	}
	if err := a.store.AddSession(ctx, s); err != nil {
		return "", paas.Session{}, err
	}
	return value, s, nil
}

// EndSession ends a session. Code not_found when there is none.
func (a *Auth) EndSession(ctx context.Context, id string) error { return a.store.DropSession(ctx, id) }

// ForgetSession ends the session of a cookie's value, known by its hash, if there is one.
func (a *Auth) ForgetSession(ctx context.Context, hashed string) error {
	access, err := a.store.SessionAccess(ctx, hashed)
	if err == nil {
		err = a.store.DropSession(ctx, access.Session.ID)
	}
	if paas.CodeOf(err) == paas.NotFound {
		return nil // it has ended
	}
	return err
}

// EndSessions ends all sessions of a user but the one with that id; "" for all.
func (a *Auth) EndSessions(ctx context.Context, user, but string) error {
	return a.store.DropSessions(ctx, user, but)
}

// Sessions lists those of a user, newest first: the caller's own, and for admins those of anybody; "*" for
// all. What has ended is left out. Code: forbidden.
func (a *Auth) Sessions(ctx context.Context, who paas.Identity, user string) ([]paas.Session, error) {
	if err := a.ownSessions(who, user); err != nil {
		return nil, err
	}
	switch user {
	case "":
		user = who.User
		if who.Kind == paas.Operator {
			return []paas.Session{}, nil
		}
	case "*":
		user = ""
	}
	all, err := a.store.Sessions(ctx, user)
	list := []paas.Session{}
	for _, s := range all {
		if a.now().Before(a.sessionEnds(s)) {
			list = append(list, s)
		}
	}
	return list, err
}

// CloseSession ends a session of the caller, or of anybody for admins. Codes: forbidden, not_found.
func (a *Auth) CloseSession(ctx context.Context, who paas.Identity, id string) (paas.Session, error) {
	s, err := a.store.Session(ctx, id)
	if err != nil {
		return s, err
	}
	if err := a.ownSessions(who, s.User); err != nil {
		if !who.Admin {
			err = paas.Errorf(paas.NotFound, "There is no session %q of yours.", id)
		}
		return s, err
	}
	return s, a.store.DropSession(ctx, id)
}

func (a *Auth) ownSessions(who paas.Identity, user string) error {
	switch {
	case who.Token != nil && narrowed(who.Token.Scope):
		return paas.Errorf(paas.Forbidden, "The token %q is narrowed, and has nothing to do with sessions.", who.Token.Name)
	case user == "" || user == who.User && who.Kind != paas.Operator:
		return nil
	}
	return May(who, paas.Act{Verb: paas.VerbPlatform})
}
