package auth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Check gives whom an Authorization header proves. The store is asked at each call: what was revoked a
// moment ago, by whichever server, proves nothing. Codes: unauthorized, and those of the store when it does
// not answer.
func (a *Auth) Check(ctx context.Context, header string) (paas.Identity, error) {
	plain, err := bearer(header)
	if err != nil {
		return paas.Identity{}, err
	}
	access, err := a.store.TokenAccess(ctx, hash(plain))
	switch {
	case paas.CodeOf(err) == paas.NotFound:
		return paas.Identity{}, paas.Errorf(paas.Unauthorized, "The server does not know this token. Run `crumpet login` with a valid one, or set CRUMPET_TOKEN.")
	case err != nil:
		return paas.Identity{}, err
	}
	return a.tokenIdentity(access)
}

// CheckSession gives whom the value of a session's cookie proves. Codes as for Check.
func (a *Auth) CheckSession(ctx context.Context, value string) (paas.Identity, error) {
	if value == "" {
		return paas.Identity{}, ended()
	}
	access, err := a.store.SessionAccess(ctx, hash(value))
	switch {
	case paas.CodeOf(err) == paas.NotFound:
		return paas.Identity{}, ended()
	case err != nil:
		return paas.Identity{}, err
	}
	who, err := a.sessionIdentity(access)
	if err == nil && a.now().Sub(access.Session.SeenAt) >= min(time.Minute, a.idle/4) {
		a.note(paas.Use{Session: access.Session.ID, At: a.now()})
	}
	return who, err
}

// Used notes that a call came with a token, from an address; it is written once a minute.
func (a *Auth) Used(who paas.Identity, from string) {
	if who.Token == nil {
		return
	}
	if last := who.Token.LastUsedAt; last == nil || last.Before(a.now().Truncate(time.Minute)) {
		a.note(paas.Use{Token: who.Token.ID, At: a.now().UTC(), From: from})
	}
}

// bearer gives the token of an Authorization header.
func bearer(header string) (string, error) {
	scheme, plain, found := strings.Cut(header, " ")
	plain = strings.TrimSpace(plain)
	switch {
	case header == "":
		return "", paas.Errorf(paas.Unauthorized, "This call needs a token. Run `crumpet login`, or set CRUMPET_TOKEN.")
	case !found || !strings.EqualFold(scheme, "Bearer"):
		return "", paas.Errorf(paas.Unauthorized, "The Authorization header must be `Bearer TOKEN`.")
	case !strings.HasPrefix(plain, Prefix):
		return "", paas.Errorf(paas.Unauthorized, "That is no token of Crumpet's: those begin with %s. Run `crumpet login` with a valid one, or set CRUMPET_TOKEN.", Prefix)
	}
	return plain, nil
}

// tokenIdentity is who has a token now. It tells why a token is no longer taken: whoever has it knew it before.
func (a *Auth) tokenIdentity(access paas.Access) (paas.Identity, error) {
	token := access.Token
	switch {
	case token.RevokedAt != nil:
		return paas.Identity{}, paas.Errorf(paas.Unauthorized, "The token %q was revoked. Run `crumpet login` for another one.", token.Name)
	case token.ExpiresAt != nil && !a.now().Before(*token.ExpiresAt):
		return paas.Identity{}, paas.Errorf(paas.Unauthorized, "The token %q expired at %s. Run `crumpet login`, or make another one with `crumpet tokens create`.",
			token.Name, token.ExpiresAt.Format(time.RFC3339))
	case token.Owner == "":
		return paas.Identity{User: token.Name, Kind: paas.Operator, Admin: true, Token: token}, nil
	}
	who, err := ownerOf(access)
	who.Token = token
	return who, err
}

func (a *Auth) sessionIdentity(access paas.Access) (paas.Identity, error) {
	if !a.now().Before(a.sessionEnds(*access.Session)) {
		return paas.Identity{}, ended()
	}
	who, err := ownerOf(access)
	who.Session = access.Session.ID
	return who, err
}

// sessionEnds is when a session ends if no call comes with it any more.
func (a *Auth) sessionEnds(s paas.Session) time.Time {
	if idle := s.SeenAt.Add(a.idle); idle.Before(s.ExpiresAt) {
		return idle
	}
	return s.ExpiresAt
}

func ended() error {
	return paas.Errorf(paas.Unauthorized, "The session has ended. Sign in again.")
}

func ownerOf(access paas.Access) (paas.Identity, error) {
	switch {
	case access.User == "" || access.Kind != paas.Person && access.Kind != paas.Bot:
		return paas.Identity{}, paas.Errorf(paas.Unauthorized, "This token is nobody's.")
	case access.Disabled:
		return paas.Identity{}, paas.Errorf(paas.Unauthorized, "The user %q is disabled. Ask an admin of the platform.", access.User)
	case access.Kind == paas.Bot && len(access.Roles) == 0:
		return paas.Identity{}, paas.Errorf(paas.Unauthorized, "The bot %q is in no team any more.", access.User)
	}
	return paas.Identity{User: access.User, Kind: access.Kind, Admin: access.Admin && access.Kind == paas.Person, Roles: access.Roles}, nil
}

// hash is what of a secret is stored. A plain SHA-256 is enough: there is nothing to guess in 256 random bits.
// The store finds a row by it, and what a timing of that would tell is a hash, which proves nothing.
func hash(plain string) string {
	sum := sha256.Sum256([]byte(plain))
	return hex.EncodeToString(sum[:])
}
