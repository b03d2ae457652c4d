package auth_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/integration/provider"
	"github.com/crumpet-paas/crumpet/server/auth"
	"github.com/crumpet-paas/crumpet/server/paas"
)

const redirect = "http://127.0.0.1:4780/v1/login/oidc/corp/callback"

// corp is a Logins with a provider.
type corp struct {
	*auth.Logins
	*people
	at       *clock
	provider *provider.Provider
}

func newCorp(t *testing.T) corp {
	t.Helper()
	p := provider.Start(t)
	p.Register(redirect)
	p.SetUser(provider.User{Subject: "17", Name: "Ann.Lee@corp.example", Full: "Ann Lee", Email: "ann@corp.example", Claims: map[string]any{"groups": []string{"devs"}}})
	c := corp{people: newPeople(), at: &clock{at: time.Now()}, provider: p}
	c.Logins = auth.NewLogins(auth.LoginsConfig{
		Store: c.people, Grants: c.people, Passwords: auth.Cheap(), Now: c.at.now, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		Providers: []auth.ProviderConfig{{
			Name: "corp", Issuer: p.URL, ClientID: provider.ClientID, Secret: func() (string, error) { return provider.Secret, nil }, Redirect: redirect,
			Scopes: []string{"profile", "email"}, GroupsClaim: "groups", NameClaim: "preferred_username",
			Groups: []auth.GroupRule{
				{Group: "devs", Team: "shop", Role: paas.Developer},
				{Group: "leads", Team: "shop", Role: paas.Maintainer},
				{Group: "everybody", Team: "shop", Role: paas.Viewer},
				{Group: "everybody", Team: "blog", Role: paas.Viewer},
				{Group: "platform", Admin: true},
			},
		}},
	})
	return c
}

// browse begins a sign-in, and gives what the browser would bring back.
func (c corp) browse(t *testing.T) (query url.Values, binding string) {
	t.Helper()
	return c.browseWith(t, paas.Browser{})
}

func (c corp) browseWith(t *testing.T, from paas.Browser) (query url.Values, binding string) {
	t.Helper()
	address, binding, err := c.Begin(t.Context(), "corp", "/apps", from)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if r.URL.Path == "/v1/login/oidc/corp/callback" {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	answer, err := browser.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close() //nolint:errcheck // nothing is read
	back, err := answer.Location()
	if err != nil {
		t.Fatalf("%s: %v", answer.Status, err)
	}
	return back.Query(), binding
}

func (c corp) signIn(t *testing.T) (paas.SignedIn, error) {
	t.Helper()
	query, binding := c.browse(t)
	in, then, err := c.Finish(t.Context(), "corp", query, binding, paas.Browser{From: "127.0.0.1", Agent: "test"})
	if err == nil && then != "/apps" {
		t.Errorf("goes on to %q", then)
	}
	return in, err
}

func TestAPersonOfAProviderIsMadeOnceAndHasTheRolesOfTheGroups(t *testing.T) {
	t.Parallel()
	c := newCorp(t)
	c.users["ann-lee"] = paas.User{Name: "ann-lee", Kind: paas.Person} // somebody else
	in, err := c.signIn(t)
	if err != nil || in.User != "ann-lee-2" || in.Cookie == "" {
		t.Fatalf("%+v, %v", in, err)
	}
	want := paas.User{
		Name: "ann-lee-2", Kind: paas.Person, Provider: "corp", Subject: "17", FullName: "Ann Lee", Email: "ann@corp.example", CreatedBy: "corp", CreatedAt: c.at.now().UTC(),
	}
	if diff := cmp.Diff(want, c.users["ann-lee-2"]); diff != "" {
		t.Error(diff)
	}
	roles := func() string {
		text := ""
		for _, m := range c.groups["ann-lee-2"] {
			text += fmt.Sprintf("%s=%s by %s, ", m.Team, m.Role, m.Source)
		}
		return text
	}
	if got := roles(); got != "shop=developer by corp:devs, " {
		t.Errorf("roles %s", got)
	}
	// Named and grouped anew: the same user, with what the groups of now say.
	c.provider.SetUser(provider.User{Subject: "17", Name: "other", Claims: map[string]any{"groups": []string{"everybody", "leads", "platform"}}})
	if in, err := c.signIn(t); err != nil || in.User != "ann-lee-2" {
		t.Fatalf("%+v, %v", in, err)
	}
	if got := roles(); got != "blog=viewer by corp:everybody, shop=maintainer by corp:leads, " || !c.users["ann-lee-2"].Admin {
		t.Errorf("roles %s, admin %t", got, c.users["ann-lee-2"].Admin)
	}
	// Groups that only the user info tells count as well; one that is no list is one group.
	c.provider.SetUser(provider.User{Subject: "17", Name: "other", Info: map[string]any{"groups": "devs"}})
	if _, err := c.signIn(t); err != nil || roles() != "shop=developer by corp:devs, " || c.users["ann-lee-2"].Admin {
		t.Errorf("roles %s, admin %t, %v", roles(), c.users["ann-lee-2"].Admin, err)
	}
	// Without the claim nobody keeps what groups gave.
	c.provider.SetUser(provider.User{Subject: "17", Name: "other"})
	if _, err := c.signIn(t); err != nil || roles() != "" {
		t.Errorf("roles %s, %v", roles(), err)
	}
	// Another subject of the same name and address is another user.
	c.provider.SetUser(provider.User{Subject: "18", Name: "Ann.Lee@corp.example", Email: "ann@corp.example"})
	if in, err := c.signIn(t); err != nil || in.User != "ann-lee-3" {
		t.Errorf("%+v, %v", in, err)
	}
	told := []string{ // the groups' doings are told where they are written
		"user.changed : ann-lee-2 signed in for the first time, by provider corp",
		"user.changed : provider corp made ann-lee-2 an admin, described ann-lee-2 anew",
		"user.changed : provider corp took the rights of an admin from ann-lee-2",
		"user.changed : ann-lee-3 signed in for the first time, by provider corp",
	}
	if diff := cmp.Diff(told, c.told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}

func TestWhatAProviderMayNotSay(t *testing.T) {
	t.Parallel()
	for name, twist := range map[string]func(header, claims map[string]any){
		"another nonce":           func(_, c map[string]any) { c["nonce"] = "x" },
		"no nonce":                func(_, c map[string]any) { delete(c, "nonce") },
		"another audience":        func(_, c map[string]any) { c["aud"] = "other" },
		"made for another client": func(_, c map[string]any) { c["azp"] = "other" },
		"two audiences and no party": func(_, c map[string]any) {
			c["aud"] = []string{"crumpet", "other"}
			delete(c, "azp")
		},
		"expired":                 func(_, c map[string]any) { c["exp"] = time.Now().Add(-time.Minute).Unix() },
		"not yet valid":           func(_, c map[string]any) { c["nbf"] = time.Now().Add(time.Hour).Unix() },
		"another issuer":          func(_, c map[string]any) { c["iss"] = "https://other.example" },
		"no subject":              func(_, c map[string]any) { c["sub"] = "" },
		"algorithm none":          func(h, _ map[string]any) { h["alg"] = "none" },
		"an algorithm of its own": func(h, _ map[string]any) { h["alg"] = "HS256" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCorp(t)
			c.provider.Twist(twist)
			_, err := c.signIn(t)
			if paas.CodeOf(err) != paas.Unauthorized || c.Refused(err) != "provider" {
				t.Errorf("%s: %v", c.Refused(err), err)
			}
			c.provider.Twist(nil)
			if _, err := c.signIn(t); err != nil {
				t.Errorf("once it says so no more: %v", err)
			}
		})
	}
	t.Run("signed by somebody else", func(t *testing.T) {
		t.Parallel()
		c := newCorp(t)
		c.provider.Forge(true)
		if _, err := c.signIn(t); c.Refused(err) != "provider" {
			t.Error(err)
		}
	})
	t.Run("user info of somebody else", func(t *testing.T) {
		t.Parallel()
		c := newCorp(t)
		c.provider.SetUser(provider.User{Subject: "17", Name: "ann", Info: map[string]any{"sub": "18", "groups": []string{"platform"}}})
		if _, err := c.signIn(t); c.Refused(err) != "provider" || len(c.users) != 0 {
			t.Errorf("%v, %d users", err, len(c.users))
		}
	})
	t.Run("groups that are no names", func(t *testing.T) {
		t.Parallel()
		c := newCorp(t)
		c.provider.SetUser(provider.User{Subject: "17", Name: "ann", Claims: map[string]any{"groups": []any{map[string]any{"admin": true}, 7, "platform"}}})
		if in, err := c.signIn(t); err != nil || c.users[in.User].Admin || len(c.groups[in.User]) != 0 {
			t.Errorf("%+v, %v", c.groups, err)
		}
	})
}

func TestWhatABrowserMayNotBringBack(t *testing.T) {
	t.Parallel()
	c := newCorp(t)
	refused := func(what, word string, query url.Values, binding string) {
		t.Helper()
		_, _, err := c.Finish(t.Context(), "corp", query, binding, paas.Browser{})
		if paas.CodeOf(err) != paas.Unauthorized || c.Refused(err) != word {
			t.Errorf("%s: %s, %v", what, c.Refused(err), err)
		}
	}
	query, binding := c.browse(t)
	if _, _, err := c.Finish(t.Context(), "corp", query, binding, paas.Browser{}); err != nil {
		t.Fatal(err)
	}
	refused("the same twice", "expired", query, binding)
	used := query.Get("code")

	query, binding = c.browse(t)
	query.Set("code", used)
	refused("a code that was used", "provider", query, binding)

	query, binding = c.browse(t)
	query.Set("state", "x")
	refused("a state of its own", "expired", query, binding)

	query, _ = c.browse(t)
	refused("no cookie", "expired", query, "")
	query, _ = c.browse(t)
	_, other := c.browse(t)
	refused("the cookie of another sign-in", "expired", query, other)

	// A code of somebody else's sign-in: its verifier is not that of the state.
	mine, binding := c.browse(t)
	theirs, _ := c.browse(t)
	mine.Set("code", theirs.Get("code"))
	refused("somebody else's code", "provider", mine, binding)

	query, binding = c.browse(t)
	query.Set("iss", "https://other.example")
	refused("the answer of another issuer", "provider", query, binding)

	query, binding = c.browse(t)
	c.at.add(11 * time.Minute)
	refused("too late", "expired", query, binding)

	c.provider.Deny(true)
	query, binding = c.browse(t)
	refused("a refusal", "denied", query, binding)
	c.provider.Deny(false)

	if in, err := c.signIn(t); err != nil {
		t.Errorf("after all that: %+v, %v", in, err)
	}
	for name, u := range c.users {
		u.Disabled = true
		c.users[name] = u
	}
	query, binding = c.browse(t)
	refused("somebody who is disabled", "disabled", query, binding)
	if len(c.sessions) != 2 {
		t.Errorf("%d sessions, want 2", len(c.sessions))
	}
}

func TestAProviderThatIsDownIsNamedAndAskedAgain(t *testing.T) {
	t.Parallel()
	c := newCorp(t)
	c.provider.Down(true)
	for range 3 {
		_, _, err := c.Begin(t.Context(), "corp", "", paas.Browser{})
		var known *paas.Error
		if !errors.As(err, &known) || known.Code != paas.Unavailable || c.Refused(err) != "unavailable" {
			t.Fatalf("%v", err)
		}
		if diff := cmp.Diff(`The provider "corp" does not answer as an OIDC provider at `+c.provider.URL+`. Try again, or ask whoever looks after it.`, known.Message); diff != "" {
			t.Error(diff)
		}
	}
	if n := c.provider.Asked(); n != 1 {
		t.Errorf("it was asked %d times within a moment", n)
	}
	c.provider.Down(false)
	c.at.add(6 * time.Second)
	if _, err := c.signIn(t); err != nil {
		t.Errorf("once it is up: %v", err)
	}
	query, binding := c.browse(t)
	c.provider.Down(true)
	if _, _, err := c.Finish(t.Context(), "corp", query, binding, paas.Browser{}); c.Refused(err) != "unavailable" {
		t.Errorf("down when the code is redeemed: %v", err)
	}
	if _, _, err := c.Begin(t.Context(), "none", "", paas.Browser{}); paas.CodeOf(err) != paas.NotFound {
		t.Errorf("a provider that there is not: %v", err)
	}
}

func TestNamesThatUsersOfAProviderGet(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Ann.Lee@corp.example": "ann-lee", "ann": "ann", "CORP\\ann": "corp-ann", "7up": "up", "ÄÖÜ": "user", "": "user", "--a--b--": "a-b", "x@y": "x",
		"a-very-long-name-that-nobody-would-ever-choose": "a-very-long-name-that-nobody",
	} {
		got := auth.UserName(text)
		if got != want || paas.CheckName("user", got+"-99", paas.MaxUser) != "" {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
	if got := auth.UserName("", "bob@x"); got != "bob" {
		t.Errorf("without a name: %q", got)
	}
}
