package auth_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/auth"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// people is a store in memory, and what those have who sign in.
type people struct {
	mu       sync.Mutex
	users    map[string]paas.User
	logins   map[string]paas.Login
	groups   map[string][]paas.Member
	sessions map[string]string // user by id
	tokens   map[string]paas.Token
	changes  int
	told     []string // events
	n        int
}

func newPeople() *people {
	return &people{
		users: map[string]paas.User{}, logins: map[string]paas.Login{}, groups: map[string][]paas.Member{}, sessions: map[string]string{}, tokens: map[string]paas.Token{},
	}
}

func (p *people) User(_ context.Context, name string) (paas.User, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	u, ok := p.users[name]
	if !ok {
		return u, paas.Errorf(paas.NotFound, "no user")
	}
	return u, nil
}

func (p *people) UserBySubject(_ context.Context, provider, subject string) (paas.User, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, u := range p.users {
		if u.Provider == provider && u.Subject == subject {
			return u, nil
		}
	}
	return paas.User{}, paas.Errorf(paas.NotFound, "no user")
}

func (p *people) AddUser(_ context.Context, u paas.User, _ ...paas.Member) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, taken := p.users[u.Name]; taken {
		return paas.Errorf(paas.Conflict, "taken")
	}
	p.users[u.Name] = u
	return nil
}

func (p *people) ChangeUser(_ context.Context, name string, fn func(*paas.User) error) (paas.User, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	u, ok := p.users[name]
	if !ok {
		return u, paas.Errorf(paas.NotFound, "no user")
	}
	if err := fn(&u); err != nil {
		return paas.User{}, err
	}
	p.users[name] = u
	p.changes++
	return u, nil
}

func (p *people) Emit(_ context.Context, events ...paas.Event) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range events {
		p.told = append(p.told, string(e.Kind)+" "+e.Team+": "+e.Message)
	}
	return nil
}

func (p *people) PutGroups(_ context.Context, user, _ string, want []paas.Member) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.groups[user] = want
	return true, nil
}

func (p *people) AddLogin(_ context.Context, l paas.Login) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.logins[l.Hash] = l
	return nil
}

func (p *people) TakeLogin(_ context.Context, kind paas.LoginKind, hash string, now time.Time) (paas.Login, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l, ok := p.logins[hash]
	if !ok || l.Kind != kind || !now.Before(l.ExpiresAt) {
		return paas.Login{}, paas.Errorf(paas.NotFound, "no login")
	}
	delete(p.logins, hash)
	return l, nil
}

func (p *people) StartSession(_ context.Context, user, _, _ string) (string, paas.Session, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.users[user].Disabled {
		return "", paas.Session{}, paas.Errorf(paas.Forbidden, "disabled")
	}
	p.n++
	id := fmt.Sprintf("s%d", p.n)
	p.sessions[id] = user
	return "cookie-" + id, paas.Session{ID: id, User: user, ExpiresAt: time.Now().Add(time.Hour)}, nil
}

func (p *people) EndSession(_ context.Context, id string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.sessions, id)
	return nil
}

func (p *people) ForgetSession(_ context.Context, hash string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id := range p.sessions {
		if auth.Hash("cookie-"+id) == hash {
			delete(p.sessions, id)
		}
	}
	return nil
}

// has says whether a session is there.
func (p *people) has(cookie string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sessions[strings.TrimPrefix(cookie, "cookie-")] != ""
}

func (p *people) EndSessions(_ context.Context, user, but string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, whose := range p.sessions {
		if whose == user && id != but {
			delete(p.sessions, id)
		}
	}
	return nil
}

func (p *people) IssuePersonal(_ context.Context, owner, name string, lasts time.Duration) (string, paas.Token, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	until := time.Now().Add(lasts)
	token := paas.Token{ID: fmt.Sprintf("t%d", len(p.tokens)), Name: name, Owner: owner, ExpiresAt: &until}
	p.tokens[token.ID] = token
	return auth.NewToken(), token, nil
}

func (p *people) RevokeToken(_ context.Context, _ paas.Identity, id string) (paas.Token, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.tokens, id)
	return paas.Token{}, nil
}

// clock is a time that a test moves.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

const password = "correct horse battery"

// local gives a Logins with the local user ann, and others that can't sign in.
func local(t *testing.T) (*auth.Logins, *people, *clock) {
	t.Helper()
	store, at, passwords := newPeople(), &clock{at: time.Now()}, auth.Cheap()
	hashed, err := passwords.Hash(t.Context(), password)
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range []paas.User{
		{Name: "ann", Kind: paas.Person, Password: hashed},
		{Name: "off", Kind: paas.Person, Password: hashed, Disabled: true},
		{Name: "none", Kind: paas.Person},
		{Name: "corp", Kind: paas.Person, Provider: "corp", Subject: "1", Password: hashed},
		{Name: "robot", Kind: paas.Bot, Password: hashed},
	} {
		store.users[u.Name] = u
	}
	logs := slog.New(slog.NewTextHandler(t.Output(), nil))
	return auth.NewLogins(auth.LoginsConfig{Store: store, Grants: store, Passwords: passwords, Now: at.now, Log: logs}), store, at
}

func TestEverySignInThatFailsIsAnsweredTheSame(t *testing.T) {
	t.Parallel()
	logins, _, _ := local(t)
	in, err := logins.Password(t.Context(), "ann", password, paas.Browser{From: "127.0.0.1", Agent: "test"})
	if err != nil || in.User != "ann" || in.Cookie == "" {
		t.Fatalf("the right one: %+v, %v", in, err)
	}
	_, want := logins.Password(t.Context(), "ann", "wrong", paas.Browser{})
	if paas.CodeOf(want) != paas.Unauthorized {
		t.Fatalf("a wrong one: %v", want)
	}
	for name, plain := range map[string]string{
		"nobody": password, "off": password, "none": "", "corp": password, "robot": password, "ANN": password, "": password, "a b": password, "ann ": password,
	} {
		if _, err := logins.Password(t.Context(), name, plain, paas.Browser{}); err == nil || err.Error() != want.Error() || paas.CodeOf(err) != paas.Unauthorized {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestALockedUserIsNotLetInByTheRightPassword(t *testing.T) {
	t.Parallel()
	logins, store, at := local(t)
	_, wrong := logins.Password(t.Context(), "ann", "wrong", paas.Browser{})
	for range 4 {
		if _, err := logins.Password(t.Context(), "ann", "wrong", paas.Browser{}); paas.CodeOf(err) != paas.Unauthorized {
			t.Fatal(err)
		}
	}
	if _, err := logins.Password(t.Context(), "ann", password, paas.Browser{}); err == nil || err.Error() != wrong.Error() {
		t.Errorf("locked: %v", err)
	}
	at.add(61 * time.Second)
	if _, err := logins.Password(t.Context(), "ann", password, paas.Browser{}); err != nil {
		t.Errorf("after the lock: %v", err)
	}
	if u := store.users["ann"]; u.Failures != 0 || u.LockedUntil != nil {
		t.Errorf("after the right one: %d failures, locked until %v", u.Failures, u.LockedUntil)
	}
	for range 4 { // in a row: none of these locks
		_, _ = logins.Password(t.Context(), "ann", "wrong", paas.Browser{})
	}
	if _, err := logins.Password(t.Context(), "ann", password, paas.Browser{}); err != nil {
		t.Errorf("after four failures: %v", err)
	}
}

func TestOfManyGuessesAtOnceFiveAreLookedAt(t *testing.T) {
	t.Parallel()
	logins, store, _ := local(t)
	var all sync.WaitGroup
	for i := range 40 {
		all.Go(func() { _, _ = logins.Password(t.Context(), "ann", fmt.Sprint("guess ", i), paas.Browser{}) })
	}
	all.Wait()
	if u := store.users["ann"]; u.Failures != 5 {
		t.Errorf("%d guesses were looked at", u.Failures)
	}
}

func TestAHashOfOldParametersIsMadeAnewAtASignIn(t *testing.T) {
	t.Parallel()
	logins, store, _ := local(t)
	old := "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	store.users["old"] = paas.User{Name: "old", Kind: paas.Person, Password: old}
	for range 2 {
		if _, err := logins.Password(t.Context(), "old", "password", paas.Browser{}); err != nil {
			t.Fatal(err)
		}
	}
	if now := store.users["old"].Password; now == old || !strings.Contains(now, "m=64,t=1,p=1") {
		t.Errorf("hash is %q", now)
	}
}

func TestANewPasswordEndsTheOtherSessions(t *testing.T) {
	t.Parallel()
	logins, store, _ := local(t)
	for range 3 {
		if _, err := logins.Password(t.Context(), "ann", password, paas.Browser{}); err != nil {
			t.Fatal(err)
		}
	}
	ann := paas.Identity{User: "ann", Kind: paas.Person, Session: "s2"}
	const other = "another good password"
	for name, test := range map[string]struct {
		who      paas.Identity
		old, new string
		code     paas.Code
	}{
		"wrong old":         {ann, "wrong", other, paas.Forbidden},
		"weak new":          {ann, password, "short", paas.Invalid},
		"a narrowed token":  {paas.Identity{User: "ann", Kind: paas.Person, Token: &paas.Token{Scope: paas.Scope{Teams: []string{"a"}}}}, password, other, paas.Forbidden},
		"of a provider":     {paas.Identity{User: "corp", Kind: paas.Person}, password, other, paas.Forbidden},
		"an operator token": {paas.Identity{User: "root", Kind: paas.Operator, Admin: true}, password, other, paas.Forbidden},
	} {
		if err := logins.ChangePassword(t.Context(), test.who, test.old, test.new); paas.CodeOf(err) != test.code {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(store.sessions) != 3 {
		t.Errorf("refusals left %d sessions", len(store.sessions))
	}
	if err := logins.ChangePassword(t.Context(), ann, password, other); err != nil {
		t.Fatal(err)
	}
	if len(store.sessions) != 1 || store.sessions["s2"] != "ann" {
		t.Errorf("sessions left: %v", store.sessions)
	}
	if _, err := logins.Password(t.Context(), "ann", other, paas.Browser{}); err != nil {
		t.Errorf("the new one: %v", err)
	}
	if _, err := logins.Password(t.Context(), "ann", password, paas.Browser{}); err == nil {
		t.Error("the old one is still taken")
	}
}

func TestACLIRedeemsOnceWhatASessionAgreedTo(t *testing.T) {
	t.Parallel()
	logins, store, at := local(t)
	const verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" // with its challenge, of RFC 7636, appendix B
	const challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
	ann := paas.Identity{User: "ann", Kind: paas.Person, Session: "s1"}
	agree := func() string {
		t.Helper()
		agreed, err := logins.AgreeCLI(t.Context(), ann, challenge)
		if err != nil {
			t.Fatal(err)
		}
		return agreed.Code
	}
	redeem := func(code, verifier string) error {
		_, _, err := logins.RedeemCLI(t.Context(), code, verifier, "cli here")
		return err
	}
	if _, err := logins.AgreeCLI(t.Context(), paas.Identity{User: "ann", Kind: paas.Person, Token: &paas.Token{}}, challenge); paas.CodeOf(err) != paas.Forbidden {
		t.Errorf("a token agreed: %v", err)
	}
	code := agree()
	plain, token, err := logins.RedeemCLI(t.Context(), code, verifier, "cli \x1b[31mhere")
	if err != nil || !strings.HasPrefix(plain, auth.Prefix) || token.Owner != "ann" || token.Name != "cli [31mhere" || token.ExpiresAt == nil {
		t.Fatalf("%+v, %v", token, err)
	}
	if err := redeem(code, verifier); paas.CodeOf(err) != paas.Unauthorized {
		t.Errorf("twice: %v", err)
	}
	code = agree()
	if err := redeem(code, strings.Repeat("x", 43)); paas.CodeOf(err) != paas.Unauthorized {
		t.Errorf("another verifier: %v", err)
	}
	if err := redeem(code, verifier); paas.CodeOf(err) != paas.Unauthorized {
		t.Errorf("after a wrong guess: %v", err)
	}
	code = agree()
	at.add(3 * time.Minute)
	if err := redeem(code, verifier); paas.CodeOf(err) != paas.Unauthorized {
		t.Errorf("too late: %v", err)
	}
	code = agree()
	off := store.users["ann"]
	off.Disabled = true
	store.users["ann"] = off
	if err := redeem(code, verifier); paas.CodeOf(err) != paas.Unauthorized {
		t.Errorf("of a disabled user: %v", err)
	}
	if len(store.tokens) != 1 {
		t.Errorf("%d tokens were made", len(store.tokens))
	}
}

func TestSigningOutEndsWhatTheCallCameWith(t *testing.T) {
	t.Parallel()
	logins, store, _ := local(t)
	if _, err := logins.Password(t.Context(), "ann", password, paas.Browser{}); err != nil {
		t.Fatal(err)
	}
	_, token, err := store.IssuePersonal(t.Context(), "ann", "x", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for want, who := range map[string]paas.Identity{
		"session": {User: "ann", Kind: paas.Person, Session: "s1"},
		"token":   {User: "ann", Kind: paas.Person, Token: &token},
		"nothing": {User: "root", Kind: paas.Operator, Admin: true, Token: &paas.Token{ID: "root"}},
	} {
		if ended, err := logins.SignOut(t.Context(), who); ended != want || err != nil {
			t.Errorf("%s: %q, %v", want, ended, err)
		}
	}
	if len(store.sessions)+len(store.tokens) != 0 {
		t.Errorf("left: %v, %v", store.sessions, store.tokens)
	}
}

func TestABrowserIsLedToPathsOfOurOwnOnly(t *testing.T) {
	t.Parallel()
	for then, want := range map[string]string{
		"":                              "/",
		"/apps":                         "/apps",
		"/apps?team=shop#x":             "/apps?team=shop#x",
		"/login/cli?challenge=a":        "/login/cli?challenge=a",
		"https://evil.example":          "/",
		"//evil.example":                "/",
		"///evil.example":               "/",
		`/\evil.example`:                "/",
		`/%5cevil.example`:              "/",
		"/%2f/evil.example":             "/",
		"/\t/evil.example":              "/",
		"/\n/evil.example":              "/",
		" //evil.example":               "/",
		"javascript:alert(1)":           "/",
		"apps":                          "/",
		"http:evil.example":             "/",
		"/v1/logout":                    "/",
		"/" + strings.Repeat("x", 2000): "/",
	} {
		if got := auth.OwnPath(then); got != want {
			t.Errorf("%q leads to %q, want %q", then, got, want)
		}
	}
}

func TestATryThatWasNotLookedAtDoesNotCount(t *testing.T) {
	t.Parallel()
	store, at, passwords := newPeople(), &clock{at: time.Now()}, auth.Cheap()
	hashed, err := passwords.Hash(t.Context(), password)
	if err != nil {
		t.Fatal(err)
	}
	store.users["ann"] = paas.User{Name: "ann", Kind: paas.Person, Password: hashed, Failures: 4}
	logins := auth.NewLogins(auth.LoginsConfig{Store: store, Grants: store, Passwords: passwords, Now: at.now, Log: slog.New(slog.DiscardHandler)})
	var free []func()
	for range auth.AtOnce {
		free = append(free, passwords.Hold())
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := logins.Password(ctx, "ann", password, paas.Browser{}); paas.CodeOf(err) != paas.Limited {
		t.Errorf("without a turn: %v", err)
	}
	for _, let := range free {
		let()
	}
	if u := store.users["ann"]; u.Failures != 4 || u.LockedUntil != nil {
		t.Errorf("%d failures, locked until %v", u.Failures, u.LockedUntil)
	}
	if _, err := logins.Password(t.Context(), "ann", password, paas.Browser{}); err != nil {
		t.Error(err)
	}
}
