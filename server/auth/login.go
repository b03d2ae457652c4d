package auth

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

const (
	flowWithin = 10 * time.Minute // between the start of a sign-in at a provider and its end
	codeWithin = 2 * time.Minute  // for a CLI to redeem what somebody agreed to
)

// LoginStore is what signing in asks of the store.
type LoginStore interface {
	// User gives a user by name. Code: not_found.
	User(ctx context.Context, name string) (paas.User, error)
	// UserBySubject gives the person that a provider knows by subject. Code: not_found.
	UserBySubject(ctx context.Context, provider, subject string) (paas.User, error)
	// AddUser adds a user. Code: conflict when the name, or the subject at its provider, is taken.
	AddUser(ctx context.Context, user paas.User, in ...paas.Member) error
	// ChangeUser has fn change a user, whom nobody else changes meanwhile. What fn refuses comes back.
	ChangeUser(ctx context.Context, name string, fn func(u *paas.User) error) (paas.User, error)
	// Emit tells of what is written by another call here.
	Emit(ctx context.Context, events ...paas.Event) error
	// PutGroups makes the memberships that come from a provider's groups those of the list, and tells of it.
	PutGroups(ctx context.Context, user, provider string, want []paas.Member) (differ bool, err error)
	AddLogin(ctx context.Context, login paas.Login) error
	// TakeLogin gives a sign-in under way to one of all who ask, and forgets it. Code: not_found.
	TakeLogin(ctx context.Context, kind paas.LoginKind, hash string, now time.Time) (paas.Login, error)
}

// Grants are what somebody has who has signed in; Auth makes and checks them.
type Grants interface {
	// StartSession gives the value of a new session's cookie. Codes: not_found, forbidden for who is disabled.
	StartSession(ctx context.Context, user, from, agent string) (string, paas.Session, error)
	EndSession(ctx context.Context, id string) error
	// ForgetSession ends the session of a cookie's value, known by its hash, if there is one.
	ForgetSession(ctx context.Context, hash string) error
	// EndSessions ends the sessions of a user but one; "" for all.
	EndSessions(ctx context.Context, user, but string) error
	// IssuePersonal gives the plain text of a new token that may what its owner may.
	IssuePersonal(ctx context.Context, owner, name string, lasts time.Duration) (string, paas.Token, error)
	RevokeToken(ctx context.Context, who paas.Identity, id string) (paas.Token, error)
}

// Logins signs people in. What they have then, sessions and tokens, is made and checked by Auth.
type Logins struct {
	store     LoginStore
	grants    Grants
	passwords *Passwords
	providers map[string]*Provider
	now       func() time.Time
	log       *slog.Logger
}

// LoginsConfig says how people sign in.
type LoginsConfig struct {
	Store     LoginStore
	Grants    Grants
	Passwords *Passwords
	Providers []ProviderConfig
	Now       func() time.Time
	Log       *slog.Logger
}

// NewLogins makes a Logins.
func NewLogins(c LoginsConfig) *Logins {
	l := &Logins{
		store: c.Store, grants: c.Grants, passwords: c.Passwords, providers: map[string]*Provider{}, now: c.Now, log: c.Log.With("component", "auth"),
	}
	for _, p := range c.Providers {
		l.providers[p.Name] = NewProvider(p, c.Now, c.Log)
	}
	return l
}

// Providers names the OIDC providers.
func (l *Logins) Providers() []string {
	var names []string
	for name := range l.providers {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// errNoMatch is all that is said of a sign-in by password that failed: who asks does not learn whether there
// is such a user, whether it is disabled, or whether it was locked.
func errNoMatch(locked error) error {
	return paas.Wrap(paas.Unauthorized, locked, "That user and password do not go together, or there were too many failures and the user is locked for up to an hour. Try again later, or ask an admin.")
}

// Password signs a local user in. The answer, and the work it takes, are the same for a user who is not
// there, has no password, is locked or disabled, and for a wrong password. Codes: unauthorized, limited.
func (l *Logins) Password(ctx context.Context, name, plain string, browser paas.Browser) (paas.SignedIn, error) {
	user, err := l.verify(ctx, name, plain)
	if err != nil {
		return paas.SignedIn{}, err
	}
	return l.signedIn(ctx, user.Name, browser, "")
}

// verify gives the user who has a name and password.
func (l *Logins) verify(ctx context.Context, name, plain string) (paas.User, error) {
	user, allowed, err := l.attempt(ctx, name)
	if err != nil {
		return paas.User{}, err
	}
	hashed := user.Password
	if !allowed {
		hashed = ""
	}
	ok, stale, err := l.passwords.Verify(ctx, hashed, plain)
	switch {
	case err != nil && allowed: // it was not looked at: it does not count
		_, back := l.store.ChangeUser(context.WithoutCancel(ctx), name, func(u *paas.User) error { *u = unattempt(*u); return nil })
		return paas.User{}, errors.Join(err, back)
	case err != nil:
		return paas.User{}, err
	case !ok && allowed && user.LockedUntil != nil: // by this try
		return paas.User{}, errNoMatch(paas.Locked{Until: *user.LockedUntil})
	case !ok:
		return paas.User{}, errNoMatch(nil)
	}
	anew := ""
	if stale {
		if anew, err = l.passwords.Hash(ctx, plain); err != nil {
			return paas.User{}, err
		}
	}
	return l.store.ChangeUser(ctx, name, func(u *paas.User) error {
		if u.Disabled || u.Password != hashed { // since it was read
			return errNoMatch(nil)
		}
		*u = forgive(*u)
		if anew != "" {
			u.Password = anew
		}
		return nil
	})
}

// attempt counts a try of a password, and says whether it may be looked at.
func (l *Logins) attempt(ctx context.Context, name string) (user paas.User, allowed bool, err error) {
	if paas.CheckName("user", name, paas.MaxUser) != "" {
		return paas.User{}, false, nil
	}
	user, err = l.store.ChangeUser(ctx, name, func(u *paas.User) error {
		allowed = u.Kind == paas.Person && u.Provider == "" && u.Password != "" && !u.Disabled
		if allowed {
			*u, allowed = attempt(*u, l.now())
		}
		return nil
	})
	if paas.CodeOf(err) == paas.NotFound {
		return paas.User{}, false, nil
	}
	return user, allowed, err
}

// signedIn begins a session in a browser, and ends the one that it had before, or that of which earlier is the
// hash: who can use a session of before is not to go on beside the new one.
func (l *Logins) signedIn(ctx context.Context, user string, browser paas.Browser, earlier string) (paas.SignedIn, error) {
	for _, hashed := range []string{hashOfSession(browser), earlier} {
		if hashed == "" {
			continue
		}
		if err := l.grants.ForgetSession(ctx, hashed); err != nil {
			return paas.SignedIn{}, err
		}
	}
	plain, session, err := l.grants.StartSession(ctx, user, browser.From, browser.Agent)
	if paas.CodeOf(err) == paas.Forbidden { // disabled in this moment
		return paas.SignedIn{}, paas.Wrap(paas.Unauthorized, errDisabled, "The user %q is disabled. Ask an admin.", user)
	}
	return paas.SignedIn{Session: session.ID, User: user, Cookie: plain, ExpiresAt: session.ExpiresAt}, err
}

// hashOfSession is by what the store knows the session that a browser has, "" for none.
func hashOfSession(b paas.Browser) string {
	if b.Session == "" {
		return ""
	}
	return hash(b.Session)
}

// ChangePassword gives a local user another password, and ends the user's sessions but one. Codes:
// unauthorized, invalid, forbidden for who has no password here.
func (l *Logins) ChangePassword(ctx context.Context, who paas.Identity, old, plain string) error {
	user, err := l.store.User(ctx, who.User)
	switch {
	case who.Kind != paas.Person || paas.CodeOf(err) == paas.NotFound:
		return paas.Errorf(paas.Forbidden, "%q is no person: it has no password.", who.User)
	case err != nil:
		return err
	case who.Token != nil && narrowed(who.Token.Scope):
		return paas.Errorf(paas.Forbidden, "The token %q is narrowed, and can't change the password. Sign in, and change it there.", who.Token.Name)
	case user.Provider != "":
		return paas.Errorf(paas.Forbidden, "%q signs in at the provider %q: the password is changed there.", user.Name, user.Provider)
	}
	if err := CheckPassword(user.Name, plain); err != nil {
		return err
	}
	if _, err := l.verify(ctx, user.Name, old); err != nil {
		if paas.CodeOf(err) == paas.Unauthorized {
			return paas.Errorf(paas.Forbidden, "The old password is not right, or there were too many failures. Try again later, or ask an admin for a new one.")
		}
		return err
	}
	hashed, err := l.passwords.Hash(ctx, plain)
	if err != nil {
		return err
	}
	if _, err := l.store.ChangeUser(ctx, user.Name, func(u *paas.User) error { u.Password = hashed; return nil }); err != nil {
		return err
	}
	return l.grants.EndSessions(ctx, user.Name, who.Session)
}

// SignOut ends what a call came with, and says which it was: "session", "token", or "nothing" for the token of
// an operator, which others may use as well.
func (l *Logins) SignOut(ctx context.Context, who paas.Identity) (ended string, err error) {
	switch {
	case who.Session != "":
		return "session", l.grants.EndSession(ctx, who.Session)
	case who.Token != nil && who.Token.Owner != "" && who.Kind == paas.Person:
		_, err := l.grants.RevokeToken(ctx, who, who.Token.ID)
		return "token", err
	}
	return "nothing", nil
}

// narrowed says that a token may less than its owner.
func narrowed(s paas.Scope) bool { return len(s.Teams)+len(s.Apps)+len(s.Verbs) > 0 }

// Begin begins a sign-in at a provider: it gives where the browser goes, and what its cookie must hold when
// it comes back. Codes: not_found, unavailable.
//
// The cookie of the session that the browser has does not come along when the provider sends it back, as it is
// of our own pages only: its hash goes into what the cookie of the sign-in holds, and the row vouches for it.
func (l *Logins) Begin(ctx context.Context, provider, then string, browser paas.Browser) (address, binding string, err error) {
	p, err := l.provider(provider)
	if err != nil {
		return "", "", err
	}
	state := newSecret()
	address, row, err := p.begin(ctx, state)
	if err != nil {
		return "", "", err
	}
	binding = newSecret() + "." + hashOfSession(browser)
	row.Hash, row.Binding, row.Then, row.ExpiresAt = hash(state), hash(binding), OwnPath(then), l.now().Add(flowWithin).UTC()
	return address, binding, l.store.AddLogin(ctx, row)
}

func (l *Logins) provider(name string) (*Provider, error) {
	p, ok := l.providers[name]
	if !ok {
		return nil, paas.Errorf(paas.NotFound, "There is no provider of that name to sign in at. The server's configuration has those that there are.")
	}
	return p, nil
}

// Finish ends a sign-in at a provider, and gives where the browser goes on to. query is what it brought
// along, binding what its cookie held. Codes: unauthorized, unavailable, not_found.
func (l *Logins) Finish(ctx context.Context, provider string, query url.Values, binding string, browser paas.Browser) (in paas.SignedIn, then string, err error) {
	p, err := l.provider(provider)
	if err != nil {
		return in, "", err
	}
	stale := func(reason string) error {
		return paas.Wrap(paas.Unauthorized, errors.Join(errStale, errors.New(reason)),
			"This sign-in is not under way in this browser: it took longer than 10 minutes, was done already, or began elsewhere. Begin again.")
	}
	row, err := l.store.TakeLogin(ctx, paas.LoginOIDC, hash(query.Get("state")), l.now())
	switch {
	case paas.CodeOf(err) == paas.NotFound:
		return in, "", stale("state is not known")
	case err != nil:
		return in, "", err
	case row.Provider != provider: // RFC 9700, 4.4: an answer of one provider is not to be given to another
		return in, "", stale("state is of another provider")
	case subtle.ConstantTimeCompare([]byte(row.Binding), []byte(hash(binding))) != 1:
		return in, "", stale("cookie is not of this sign-in")
	}
	who, err := p.finish(ctx, row, query)
	if err != nil {
		return in, "", err
	}
	user, err := l.welcome(ctx, p, who)
	if err != nil {
		return in, "", err
	}
	_, earlier, _ := strings.Cut(binding, ".")
	in, err = l.signedIn(ctx, user.Name, browser, earlier)
	return in, row.Then, err
}

// welcome gives the user that a person of a provider is, made at the first sign-in, with the memberships that
// the person's groups have now. Who it is, provider and subject say alone: names and addresses of mail can be
// taken over by somebody else.
func (l *Logins) welcome(ctx context.Context, p *Provider, who person) (paas.User, error) {
	user, err := l.store.UserBySubject(ctx, p.config.Name, who.Subject)
	if paas.CodeOf(err) == paas.NotFound {
		user, err = l.add(ctx, p, who)
	}
	if err != nil {
		return user, err
	}
	if user.Disabled {
		return user, paas.Wrap(paas.Unauthorized, errDisabled, "The user %q is disabled. Ask an admin.", user.Name)
	}
	members, admin, decides := p.config.grants(user.Name, who.Groups, l.now())
	if _, err := l.store.PutGroups(ctx, user.Name, p.config.Name, members); err != nil {
		return user, err
	}
	var before paas.User
	after, err := l.store.ChangeUser(ctx, user.Name, func(u *paas.User) error {
		before = *u
		u.FullName, u.Email = who.FullName, who.Email
		if decides {
			u.Admin = admin
		}
		return nil
	})
	if err == nil {
		if did := paas.TellUser("provider "+p.config.Name, before, after); did != "" {
			l.tell(ctx, p, did)
		}
	}
	return after, err
}

// tell tells of a user whom a sign-in has changed. That it could not be told keeps nobody out.
func (l *Logins) tell(ctx context.Context, p *Provider, did string) {
	if err := l.store.Emit(ctx, paas.UserChanged(l.now(), nil, p.config.Name, did)...); err != nil {
		l.log.WarnContext(ctx, "change of a user not told", "provider", p.config.Name, "err", err)
	}
}

// add makes the user of a person who signs in for the first time, under the first name that is free.
func (l *Logins) add(ctx context.Context, p *Provider, who person) (paas.User, error) {
	var err error
	for n := 1; n < 100; n++ {
		user := paas.User{
			Name: numbered(who.Name, n), Kind: paas.Person, Provider: p.config.Name, Subject: who.Subject, FullName: who.FullName, Email: who.Email,
			CreatedAt: l.now().UTC(), CreatedBy: p.config.Name,
		}
		switch err = l.store.AddUser(ctx, user); {
		case err == nil:
			l.tell(ctx, p, fmt.Sprintf("%s signed in for the first time, by provider %s", user.Name, p.config.Name))
			return user, nil
		case paas.CodeOf(err) != paas.Conflict:
			return user, err
		}
		// The name is taken, or the same person signs in twice at once.
		if same, found := l.store.UserBySubject(ctx, p.config.Name, who.Subject); found == nil {
			return same, nil
		}
	}
	return paas.User{}, err
}

// Refused gives the word of a sign-in that failed, for the page that tells of it.
func (l *Logins) Refused(err error) string {
	switch {
	case errors.Is(err, errDenied):
		return "denied"
	case errors.Is(err, errDisabled):
		return "disabled"
	case errors.Is(err, errStale):
		return "expired"
	case errors.Is(err, errDistrusted):
		return "provider"
	case paas.CodeOf(err) == paas.Unavailable:
		return "unavailable"
	case paas.CodeOf(err) == paas.Limited:
		return "limited"
	}
	return "failed"
}

// OwnPath gives a path of our own pages, "/" for anything that could lead a browser elsewhere.
func OwnPath(then string) string {
	u, err := url.Parse(then)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" || len(then) > 1024 || !strings.HasPrefix(then, "/") ||
		strings.HasPrefix(then, "//") || strings.HasPrefix(u.Path, "//") || strings.Contains(u.Path, `\`) ||
		strings.ContainsFunc(then, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '\\' }) || u.Path == "/v1" || strings.HasPrefix(u.Path, "/v1/") {
		return "/"
	}
	return u.String()
}
