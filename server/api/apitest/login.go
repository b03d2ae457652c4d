package apitest

import (
	"context"
	"net/url"
	"sync"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// What the Logins of a test take.
const (
	LoginUser     = "ann"
	LoginPassword = "correct horse battery"
	LoginCode     = "code-of-test" // redeemed for Token
	LoginCookie   = "session-of-test"
	LoginLocked   = "bob" // whom each try locks
	LoginProvider = "corp"
	LoginBinding  = "binding-of-test"
	LoginState    = "state-of-test"
)

// Logins signs in one user by password, at one provider, and for a CLI.
type Logins struct {
	mu       sync.Mutex
	password string
	failing  error // of Begin and Finish
	word     string
	browser  paas.Browser // guarded by mu: of the last call
}

// NewLogins makes a Logins.
func NewLogins() *Logins { return &Logins{password: LoginPassword} }

// Browser is what the last call of a sign-in came from.
func (l *Logins) Browser() paas.Browser {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.browser
}

// Fail has sign-ins at the provider fail so, with a word for the page.
func (l *Logins) Fail(err error, word string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failing, l.word = err, word
}

// Providers names the provider.
func (l *Logins) Providers() []string { return []string{LoginProvider} }

func (l *Logins) signedIn() paas.SignedIn {
	return paas.SignedIn{Session: "s-of-test", User: LoginUser, Cookie: LoginCookie, ExpiresAt: time.Now().Add(time.Hour).UTC()}
}

// Password signs the user in.
func (l *Logins) Password(_ context.Context, user, plain string, browser paas.Browser) (paas.SignedIn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.browser = browser
	if user == LoginLocked {
		return paas.SignedIn{}, paas.Wrap(paas.Unauthorized, paas.Locked{Until: time.Date(2026, 11, 23, 12, 1, 0, 0, time.UTC)}, "That user and password do not go together.")
	}
	if user != LoginUser || plain != l.password {
		return paas.SignedIn{}, paas.Errorf(paas.Unauthorized, "That user and password do not go together.")
	}
	return l.signedIn(), nil
}

// SignOut says what it would have ended.
func (l *Logins) SignOut(_ context.Context, who paas.Identity) (string, error) {
	switch {
	case who.Session != "":
		return "session", nil
	case who.Kind == paas.Person:
		return "token", nil
	}
	return "nothing", nil
}

// ChangePassword changes the password of the user, whoever calls.
func (l *Logins) ChangePassword(_ context.Context, _ paas.Identity, old, plain string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case len(plain) < 12:
		return paas.Errorf(paas.Invalid, "The password has %d characters; it takes at least 12.", len(plain))
	case old != l.password:
		return paas.Errorf(paas.Forbidden, "The old password is not right.")
	}
	l.password = plain
	return nil
}

// Begin leads to a provider that is not there.
func (l *Logins) Begin(_ context.Context, provider, _ string, browser paas.Browser) (string, string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.browser = browser
	if provider != LoginProvider {
		return "", "", paas.Errorf(paas.NotFound, "There is no provider of that name to sign in at.")
	}
	return "https://login.example.com/authorize?state=" + LoginState, LoginBinding, l.failing
}

// Finish signs the user in who brings back what Begin gave.
func (l *Logins) Finish(_ context.Context, provider string, query url.Values, binding string, browser paas.Browser) (paas.SignedIn, string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.browser = browser
	if l.failing == nil && (provider != LoginProvider || query.Get("state") != LoginState || binding != LoginBinding) {
		return paas.SignedIn{}, "", paas.Errorf(paas.Unauthorized, "This sign-in is not under way in this browser.")
	}
	return l.signedIn(), "/apps", l.failing
}

// Refused is the word that Fail was told.
func (l *Logins) Refused(error) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.word
}

// AgreeCLI gives LoginCode.
func (l *Logins) AgreeCLI(_ context.Context, who paas.Identity, _ string) (paas.Agreed, error) {
	if who.Session == "" {
		return paas.Agreed{}, paas.Errorf(paas.Forbidden, "Only somebody who has signed in with a browser can let a CLI act as them.")
	}
	return paas.Agreed{Code: LoginCode, ExpiresAt: time.Now().Add(2 * time.Minute).UTC()}, nil
}

// RedeemCLI gives Token for LoginCode.
func (l *Logins) RedeemCLI(_ context.Context, code, _, name string) (string, paas.Token, error) {
	if code != LoginCode {
		return "", paas.Token{}, paas.Errorf(paas.Unauthorized, "This code can't be redeemed. Run `crumpet login` again.")
	}
	until := time.Now().Add(90 * 24 * time.Hour).UTC()
	return Token, paas.Token{ID: "t1", Name: name, Owner: LoginUser, ExpiresAt: &until}, nil
}
