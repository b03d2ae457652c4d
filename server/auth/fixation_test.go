package auth_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/auth"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// Who has, or has planted, the session that a browser signs in with is not to go on by it; a sign-in that fails
// ends nobody's.
func TestASignInEndsTheSessionThatTheBrowserHad(t *testing.T) {
	t.Parallel()
	c := newCorp(t)
	hashed, err := auth.Cheap().Hash(t.Context(), password)
	if err != nil {
		t.Fatal(err)
	}
	c.users["ann"] = paas.User{Name: "ann", Kind: paas.Person, Password: hashed}
	signIn := func(had, plain string) string {
		in, _ := c.Password(t.Context(), "ann", plain, paas.Browser{Session: had}) // without a cookie where it fails
		return in.Cookie
	}
	other, first := signIn("", password), signIn("", password)
	if signIn(first, "a wrong password") != "" || len(c.sessions) != 2 {
		t.Fatalf("after a wrong password: %v", c.sessions)
	}
	second := signIn(first, password)
	if c.has(first) || !c.has(second) || !c.has(other) {
		t.Errorf("after the second: %v", c.sessions)
	}
	if signIn(strings.Repeat("A", 43), password) == "" {
		t.Error("a cookie that is nobody's kept somebody out")
	}
	for name, back := range map[string]paas.Browser{"a provider's page sends the browser back": {}, "a page of ours": {Session: second}} {
		had := signIn("", password)
		query, binding := c.browseWith(t, paas.Browser{Session: had})
		if _, _, err := c.Finish(t.Context(), "corp", query, binding+"0", back); err == nil {
			t.Errorf("%s: a binding that was changed is taken", name)
		}
		query, binding = c.browseWith(t, paas.Browser{Session: had})
		in, _, err := c.Finish(t.Context(), "corp", query, binding, back)
		if err != nil || c.has(had) || !c.has(in.Cookie) || !c.has(other) || back.Session != "" && c.has(back.Session) {
			t.Errorf("%s: %v, %v", name, c.sessions, err)
		}
	}
}

// The audit is told of the try that locks a user; who tries is not.
func TestTheTryThatLocksIsKnownByItsError(t *testing.T) {
	t.Parallel()
	logins, _, at := local(t)
	var first error
	for try := 1; try <= 7; try++ {
		_, err := logins.Password(t.Context(), "ann", "wrong", paas.Browser{})
		locked, ok := errors.AsType[paas.Locked](err)
		if ok != (try == 5) || ok && !locked.Until.Equal(at.now().Add(time.Minute)) {
			t.Errorf("try %d: locked %t until %s", try, ok, locked.Until)
		}
		if first == nil {
			first = err
		}
		if paas.CodeOf(err) != paas.Unauthorized || paas.MessageOf(err) != paas.MessageOf(first) {
			t.Errorf("try %d: %v", try, err)
		}
	}
}
