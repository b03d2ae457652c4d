package auth_test

import (
	"strings"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/auth"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// flush has Run write what it holds: it does so at its end.
func (w *world) flush() {
	w.Helper()
	run(w.TB, w.Auth)()
}

func TestASessionEndsWithoutCallsAndInAnyCase(t *testing.T) {
	t.Parallel()
	w := newWorld(t) // an hour idle, eight in all
	value, ann := w.session("ann")
	if ann.User != "ann" || ann.Token != nil || ann.Session == "" || ann.Role("red") != paas.Maintainer {
		t.Errorf("who = %+v", ann)
	}
	alive := func(want bool) {
		t.Helper()
		_, err := w.CheckSession(t.Context(), value)
		if alive := err == nil; alive != want || !want && paas.CodeOf(err) != paas.Unauthorized {
			t.Fatalf("at %s: %v", w.clock.now().Format(time.TimeOnly), err)
		}
		w.flush()
	}
	for range 8 { // a call within each hour, but the first
		w.clock.add(time.Hour - time.Second)
		alive(true)
	}
	w.clock.add(8*time.Second - time.Microsecond)
	alive(true)
	w.clock.add(time.Microsecond)
	alive(false) // eight hours

	value, _ = w.session("ann")
	w.clock.add(time.Hour - time.Microsecond)
	alive(true)
	w.clock.add(time.Hour)
	alive(false) // an hour since the last call

	w.change("ann", func(u *paas.User) { u.Disabled = true })
	if _, _, err := w.StartSession(t.Context(), "ann", "", ""); paas.CodeOf(err) != paas.Forbidden {
		t.Errorf("a session of a disabled user: %v", err)
	}
	if _, _, err := w.StartSession(t.Context(), "nobody", "", ""); paas.CodeOf(err) != paas.NotFound {
		t.Errorf("a session of nobody: %v", err)
	}
}

func TestEachSignInHasAValueOfItsOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	seen := map[string]bool{}
	for range 20 {
		value, s, err := w.StartSession(t.Context(), "ann", "127.0.0.1", strings.Repeat("é", 500))
		w.must(err)
		if seen[value] || seen[s.ID] || len(value) < 43 || strings.Contains(s.Hash, value) || len(s.Agent) > 200 || strings.ContainsRune(s.Agent, '\uFFFD') {
			t.Fatalf("value %q, session %+v", value, s)
		}
		seen[value], seen[s.ID] = true, true
	}
}

func TestWhoMayListAndEndSessions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, ann := w.session("ann")
	two, again := w.session("ann")
	_, bob := w.session("bob")
	_, root := w.session("root")
	narrow := w.check(first(w.token(ann, paas.TokenWish{Scope: paas.Scope{Verbs: []paas.Verb{paas.VerbRead}}})))
	for _, test := range []struct {
		who  paas.Identity
		user string
		want int
		code paas.Code
	}{
		{ann, "", 2, ""},
		{ann, "ann", 2, ""},
		{ann, "bob", 0, paas.Forbidden},
		{ann, "*", 0, paas.Forbidden},
		{root, "*", 4, ""},
		{root, "bob", 1, ""},
		{narrow, "", 0, paas.Forbidden},
	} {
		list, err := w.Sessions(t.Context(), test.who, test.user)
		if paas.CodeOf(err) != test.code || len(list) != test.want {
			t.Errorf("%s lists those of %q: %d, %v", test.who.User, test.user, len(list), err)
		}
	}
	end := func(who paas.Identity, id string, code paas.Code) {
		t.Helper()
		_, err := w.CloseSession(t.Context(), who, id)
		w.code(err, code)
	}
	end(bob, ann.Session, paas.NotFound)
	end(narrow, ann.Session, paas.NotFound)
	end(ann, "nothing", paas.NotFound)
	end(ann, again.Session, "")
	end(root, bob.Session, "")
	if _, err := w.CheckSession(t.Context(), two); paas.CodeOf(err) != paas.Unauthorized {
		t.Errorf("a session that was ended is taken: %v", err)
	}
	_, third := w.session("ann")
	w.must(w.EndSessions(t.Context(), "ann", third.Session))
	if _, err := w.CheckSession(t.Context(), one); paas.CodeOf(err) != paas.Unauthorized {
		t.Errorf("a session that was ended with others is taken: %v", err)
	}
	list, err := w.Sessions(t.Context(), third, "")
	w.must(err)
	if len(list) != 1 || list[0].ID != third.Session {
		t.Errorf("sessions left: %+v", list)
	}
	w.clock.add(2 * time.Hour)
	list, err = w.Sessions(t.Context(), root, "*")
	w.must(err)
	if len(list) != 0 {
		t.Errorf("sessions that have ended are listed: %+v", list)
	}
}

// TestUsesAreWrittenOnceAMinute: calls cost no write, and what is shown is right to the minute.
func TestUsesAreWrittenOnceAMinute(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, ann := w.session("ann")
	header, token := w.token(ann, paas.TokenWish{})
	use := func(from string) {
		t.Helper()
		for range 5 {
			w.Used(w.check(header), from)
		}
		w.flush()
	}
	last := func(at time.Time, from string) {
		t.Helper()
		got, err := w.store.Token(t.Context(), token.ID)
		w.must(err)
		if got.LastUsedAt == nil || !got.LastUsedAt.Equal(at) || got.LastUsedBy != from {
			t.Errorf("last used at %v by %q, want %s by %q", got.LastUsedAt, got.LastUsedBy, at, from)
		}
	}
	use("10.0.0.1")
	last(noon, "10.0.0.1")
	w.clock.add(30 * time.Second)
	use("10.0.0.2")
	last(noon, "10.0.0.1") // within the minute
	w.clock.add(30 * time.Second)
	use("10.0.0.3")
	last(noon.Add(time.Minute), "10.0.0.3")
}

func TestUsersAreChangedByAdminsWithoutANarrowedToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	users := auth.NewUsers(w.store, w.Auth, auth.Cheap(), w.clock.now)
	_, ann := w.session("ann")
	_, root := w.session("root")
	narrow := w.check(first(w.token(root, paas.TokenWish{Scope: paas.Scope{Verbs: []paas.Verb{paas.VerbPlatform}}})))
	text, yes, no := "x", true, false
	for name, who := range map[string]paas.Identity{"a maintainer": ann, "a narrowed token of an admin": narrow} {
		_, made := users.Create(t.Context(), who, paas.UserWish{Name: "eve"})
		_, _, changed := users.Change(t.Context(), who, "bob", paas.UserChange{Admin: &yes})
		_, deleted := users.Delete(t.Context(), who, "bob")
		for _, err := range []error{made, changed, deleted} {
			if paas.CodeOf(err) != paas.Forbidden {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	eve, err := users.Create(t.Context(), root, paas.UserWish{Name: "eve", FullName: "Eve", Email: "eve@example.com", Password: password})
	w.must(err)
	if eve.Password == "" || strings.Contains(eve.Password, password) || eve.CreatedBy != "root" {
		t.Errorf("user %+v", eve)
	}
	for name, wish := range map[string]paas.UserWish{
		"no name": {}, "a name of capitals": {Name: "Eve"}, "a weak password": {Name: "fay", Password: "short"},
		"no address": {Name: "fay", Email: "fay"}, "a name in full of lines": {Name: "fay", FullName: "a\nb"},
	} {
		if _, err := users.Create(t.Context(), root, wish); paas.CodeOf(err) != paas.Invalid || len(paas.FaultsOf(err)) != 1 {
			t.Errorf("%s: %v", name, err)
		}
	}
	w.must(w.store.AddUser(t.Context(), paas.User{Name: "oli", Kind: paas.Person, Provider: "corp", Subject: "1", CreatedAt: noon}))
	secret := "another long password"
	for name, test := range map[string]struct {
		user string
		c    paas.UserChange
		code paas.Code
	}{
		"nobody":                           {"nobody", paas.UserChange{FullName: &text}, paas.NotFound},
		"a password of a provider's":       {"oli", paas.UserChange{Password: &secret}, paas.Conflict},
		"a name of a provider's":           {"oli", paas.UserChange{FullName: &text}, paas.Conflict},
		"a password of a bot":              {"ci", paas.UserChange{Password: &secret}, paas.Conflict},
		"a bot as an admin":                {"ci", paas.UserChange{Admin: &yes}, paas.Conflict},
		"its own rights":                   {"root", paas.UserChange{Admin: &no}, paas.Conflict},
		"itself disabled":                  {"root", paas.UserChange{Disabled: &yes}, paas.Conflict},
		"a weak password":                  {"bob", paas.UserChange{Password: &text}, paas.Invalid},
		"another's rights":                 {"bob", paas.UserChange{Admin: &yes}, ""},
		"a bot that is disabled":           {"ci", paas.UserChange{Disabled: &yes}, ""},
		"a provider's that is let in more": {"oli", paas.UserChange{Admin: &yes}, ""},
	} {
		if _, _, err := users.Change(t.Context(), root, test.user, test.c); paas.CodeOf(err) != test.code {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := users.Delete(t.Context(), root, "root"); paas.CodeOf(err) != paas.Conflict {
		t.Errorf("an admin deleted itself: %v", err)
	}

	value, _ := w.session("eve")
	until := noon.Add(time.Hour)
	w.change("eve", func(u *paas.User) { u.Failures, u.LockedUntil = 7, &until })
	before, after, err := users.Change(t.Context(), root, "eve", paas.UserChange{Password: &secret})
	w.must(err)
	if before.Password == after.Password || after.Failures != 0 || after.LockedUntil != nil {
		t.Errorf("before %+v, after %+v", before, after)
	}
	if _, err := w.CheckSession(t.Context(), value); paas.CodeOf(err) != paas.Unauthorized {
		t.Errorf("a session outlives the password: %v", err)
	}
	value, _ = w.session("eve")
	for _, c := range []paas.UserChange{{Disabled: &yes}, {Disabled: &no}} {
		_, _, err = users.Change(t.Context(), root, "eve", c)
		w.must(err)
	}
	if _, err := w.CheckSession(t.Context(), value); paas.CodeOf(err) != paas.Unauthorized {
		t.Errorf("a session came back with its user: %v", err)
	}
	w.change("eve", func(u *paas.User) { u.Failures, u.LockedUntil = 7, &until })
	_, after, err = users.Change(t.Context(), root, "eve", paas.UserChange{Unlock: true})
	w.must(err)
	if after.Failures != 0 || after.LockedUntil != nil {
		t.Errorf("unlocked: %+v", after)
	}
}

func TestASessionIsForgottenByItsValue(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	value, _ := w.session("ann")
	other, _ := w.session("ann")
	for range 2 { // the second time there is none
		w.must(w.ForgetSession(t.Context(), auth.Hash(value)))
	}
	if _, err := w.CheckSession(t.Context(), value); paas.CodeOf(err) != paas.Unauthorized {
		t.Errorf("the one that was forgotten: %v", err)
	}
	if _, err := w.CheckSession(t.Context(), other); err != nil {
		t.Errorf("another one: %v", err)
	}
}
