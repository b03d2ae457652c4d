package auth_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/auth"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/store"
	"github.com/crumpet-paas/crumpet/server/store/pgtest"
)

func sorted(list []string) []string {
	slices.Sort(list)
	return list
}

const day = 24 * time.Hour

func TestATokenEndsAtItsMoment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, ann := w.session("ann")
	header, token := w.token(ann, paas.TokenWish{Lasts: time.Hour})
	if want := noon.Add(time.Hour); token.ExpiresAt == nil || !token.ExpiresAt.Equal(want) {
		t.Fatalf("ends at %v, want %s", token.ExpiresAt, want)
	}
	w.clock.add(time.Hour - time.Microsecond)
	w.check(header)
	w.clock.add(time.Microsecond)
	w.refused(header, "expired", "2026-11-22T13:00:00Z")
}

func TestHowLongATokenLasts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, ann := w.session("ann")
	plain, _, err := w.CreateToken(t.Context(), ann, paas.TokenWish{Name: "a week", Lasts: 7 * day})
	w.must(err)
	short := w.check("Bearer " + plain)
	endless, err := w.AdoptFirst(t.Context(), "first", auth.NewToken())
	w.must(err)
	if endless {
		t.Fatal("a token was adopted as the first, and there was one")
	}
	operator := paas.Identity{User: "first", Kind: paas.Operator, Admin: true, Token: &paas.Token{ID: "x", Name: "first"}}
	for name, test := range map[string]struct {
		who      paas.Identity
		lasts    time.Duration
		operator bool
		want     time.Duration // -1 for never, 0 for refused
	}{
		"not said":                          {ann, 0, false, 90 * day},
		"the longest":                       {ann, 365 * day, false, 365 * day},
		"longer":                            {ann, 365*day + 1, false, 0},
		"for ever, of a person":             {ann, -1, false, 0},
		"by a token: not said":              {short, 0, false, 7 * day},
		"by a token: shorter":               {short, time.Hour, false, time.Hour},
		"by a token: longer":                {short, 8 * day, false, 0},
		"for ever, of an operator":          {operator, -1, true, -1},
		"not said, of an operator":          {operator, 0, true, 90 * day},
		"an operator's own, without a word": {operator, -1, false, -1},
	} {
		_, token, err := w.CreateToken(t.Context(), test.who, paas.TokenWish{Name: "x", Lasts: test.lasts, Operator: test.operator})
		switch {
		case test.want == 0:
			if paas.CodeOf(err) != paas.Invalid || len(paas.FaultsOf(err)) != 1 || paas.FaultsOf(err)[0].Location != "expires_in" {
				t.Errorf("%s: %v", name, err)
			}
		case err != nil:
			t.Errorf("%s: %v", name, err)
		case test.want < 0 && token.ExpiresAt != nil, test.want > 0 && (token.ExpiresAt == nil || !token.ExpiresAt.Equal(noon.Add(test.want))):
			t.Errorf("%s: ends at %v", name, token.ExpiresAt)
		}
	}
}

func TestANarrowedTokenMakesNoneThatIsLessSo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	narrow := paas.Scope{Teams: []string{"red"}, Verbs: []paas.Verb{paas.VerbRead, paas.VerbDeploy}}
	_, ann := w.session("ann")
	header, _ := w.token(ann, paas.TokenWish{Scope: narrow})
	by := w.check(header)
	byApp := w.check(first(w.token(ann, paas.TokenWish{Scope: paas.Scope{Apps: []string{"red/shop", "red/mail"}}})))
	for name, test := range map[string]struct {
		who   paas.Identity
		scope paas.Scope
		ok    bool
	}{
		"nothing":                     {by, paas.Scope{}, false},
		"the same":                    {by, narrow, true},
		"fewer verbs":                 {by, paas.Scope{Teams: []string{"red"}, Verbs: []paas.Verb{paas.VerbRead}}, true},
		"an app of the team":          {by, paas.Scope{Apps: []string{"red/shop"}, Verbs: []paas.Verb{paas.VerbRead}}, true},
		"an app of another team":      {by, paas.Scope{Apps: []string{"default/shop"}, Verbs: []paas.Verb{paas.VerbRead}}, false},
		"another team":                {by, paas.Scope{Teams: []string{"default"}, Verbs: []paas.Verb{paas.VerbRead}}, false},
		"one team more":               {by, paas.Scope{Teams: []string{"red", "default"}, Verbs: []paas.Verb{paas.VerbRead}}, false},
		"another verb":                {by, paas.Scope{Teams: []string{"red"}, Verbs: []paas.Verb{paas.VerbExec}}, false},
		"every verb":                  {by, paas.Scope{Teams: []string{"red"}}, false},
		"no team":                     {by, paas.Scope{Verbs: []paas.Verb{paas.VerbRead}}, false},
		"of apps: one of them":        {byApp, paas.Scope{Apps: []string{"red/mail"}}, true},
		"of apps: one more":           {byApp, paas.Scope{Apps: []string{"red/mail", "red/other"}}, false},
		"of apps: their team":         {byApp, paas.Scope{Teams: []string{"red"}}, false},
		"of apps: with a verb alone":  {byApp, paas.Scope{Verbs: []paas.Verb{paas.VerbRead}}, false},
		"of apps: narrowed by a verb": {byApp, paas.Scope{Apps: []string{"red/mail"}, Verbs: []paas.Verb{paas.VerbRead}}, true},
	} {
		_, _, err := w.CreateToken(t.Context(), test.who, paas.TokenWish{Name: "x", Scope: test.scope})
		if test.ok != (err == nil) || err != nil && paas.CodeOf(err) != paas.Forbidden {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := w.CreateToken(t.Context(), by, paas.TokenWish{Name: "x", Owner: "ci", Scope: narrow}); paas.CodeOf(err) != paas.Forbidden {
		t.Errorf("a token that may not manage made one for a bot: %v", err)
	}
}

func first[A, B any](a A, _ B) A { return a }

func TestWhoMayMakeTokensForWhom(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	who := map[string]paas.Identity{}
	for _, name := range []string{"ann", "bob", "cy", "root"} {
		_, who[name] = w.session(name)
	}
	ciHeader, token := w.token(who["ann"], paas.TokenWish{Owner: "ci"})
	if token.Owner != "ci" || token.CreatedBy != "ann" {
		t.Errorf("token %+v", token)
	}
	who["ci"] = w.check(ciHeader)
	if who["ci"].Kind != paas.Bot || who["ci"].Role("red") != paas.Developer || who["ci"].Admin {
		t.Errorf("ci is %+v", who["ci"])
	}
	for name, test := range map[string]struct {
		by    string
		wish  paas.TokenWish
		wants paas.Code
	}{
		"a bot, by a maintainer":       {"ann", paas.TokenWish{Owner: "ci"}, ""},
		"a bot, by an admin":           {"root", paas.TokenWish{Owner: "ci"}, ""},
		"a bot, by itself":             {"ci", paas.TokenWish{}, ""},
		"a bot, by a developer":        {"bob", paas.TokenWish{Owner: "ci"}, paas.Forbidden},
		"a bot, by a stranger":         {"cy", paas.TokenWish{Owner: "ci"}, paas.Forbidden},
		"a person, by a maintainer":    {"ann", paas.TokenWish{Owner: "bob"}, paas.Forbidden},
		"a person, by an admin":        {"root", paas.TokenWish{Owner: "bob"}, paas.Forbidden},
		"a stranger, by an admin":      {"root", paas.TokenWish{Owner: "cy"}, paas.Forbidden},
		"nobody, by an admin":          {"root", paas.TokenWish{Owner: "nobody"}, paas.Forbidden},
		"an operator's, by an admin":   {"root", paas.TokenWish{Operator: true}, ""},
		"an operator's, by another":    {"ann", paas.TokenWish{Operator: true}, paas.Forbidden},
		"an operator's, by a bot":      {"ci", paas.TokenWish{Operator: true}, paas.Forbidden},
		"an operator's, for a bot":     {"root", paas.TokenWish{Operator: true, Owner: "ci"}, paas.Invalid},
		"a team the owner is not in":   {"bob", paas.TokenWish{Scope: paas.Scope{Teams: []string{"default"}}}, paas.Invalid},
		"an app of such a team":        {"bob", paas.TokenWish{Scope: paas.Scope{Apps: []string{"default/shop"}}}, paas.Invalid},
		"an app of a team not named":   {"ann", paas.TokenWish{Scope: paas.Scope{Teams: []string{"red"}, Apps: []string{"default/shop"}}}, paas.Invalid},
		"no app":                       {"ann", paas.TokenWish{Scope: paas.Scope{Apps: []string{"shop"}}}, paas.Invalid},
		"a verb that is none":          {"ann", paas.TokenWish{Scope: paas.Scope{Verbs: []paas.Verb{"fly"}}}, paas.Invalid},
		"the verb of nothing":          {"ann", paas.TokenWish{Scope: paas.Scope{Verbs: []paas.Verb{paas.VerbNone}}}, paas.Invalid},
		"a name of control characters": {"ann", paas.TokenWish{Name: "a\x1b[2J"}, paas.Invalid},
		"a name of spaces":             {"ann", paas.TokenWish{Name: " "}, paas.Invalid},
		"a name that is too long":      {"ann", paas.TokenWish{Name: strings.Repeat("x", 65)}, paas.Invalid},
	} {
		if test.wish.Name == "" {
			test.wish.Name = "x"
		}
		if _, _, err := w.CreateToken(t.Context(), who[test.by], test.wish); paas.CodeOf(err) != test.wants {
			t.Errorf("%s: %v", name, err)
		}
	}
	w.must(w.store.DropMember(t.Context(), "red", "ci"))
	w.refused(ciHeader, "no team")
}

func TestWhoMayListAndRevoke(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, ann := w.session("ann")
	_, bob := w.session("bob")
	_, root := w.session("root")
	mine, one := w.token(ann, paas.TokenWish{})
	narrowed, small := w.token(ann, paas.TokenWish{Scope: paas.Scope{Verbs: []paas.Verb{paas.VerbRead}}})
	_, bots := w.token(ann, paas.TokenWish{Owner: "ci"})
	_, ops := w.token(root, paas.TokenWish{Operator: true})
	list := func(who paas.Identity, owner string, code paas.Code, want ...string) {
		t.Helper()
		tokens, err := w.Tokens(t.Context(), who, owner)
		w.code(err, code)
		got := []string{}
		for _, one := range tokens {
			got = append(got, one.ID)
		}
		if !slices.Equal(sorted(got), sorted(want)) {
			t.Errorf("%s lists those of %q: %v, want %v", who.User, owner, got, want)
		}
	}
	list(ann, "", "", one.ID, small.ID)
	list(ann, "ci", "", bots.ID)
	list(ann, "bob", paas.Forbidden)
	list(ann, "*", paas.Forbidden)
	list(bob, "ci", paas.Forbidden)
	list(bob, "", "")
	list(root, "*", "", one.ID, small.ID, bots.ID, ops.ID)
	list(root, "ann", "", one.ID, small.ID)

	revoke := func(who paas.Identity, id string, code paas.Code) {
		t.Helper()
		token, err := w.RevokeToken(t.Context(), who, id)
		w.code(err, code)
		if err == nil && token.RevokedAt == nil {
			t.Errorf("%s is not revoked", id)
		}
	}
	revoke(bob, one.ID, paas.NotFound)
	revoke(bob, bots.ID, paas.NotFound)
	revoke(ann, ops.ID, paas.NotFound)
	revoke(ann, "nothing", paas.NotFound)
	revoke(w.check(narrowed), one.ID, paas.NotFound)
	w.check(mine)
	revoke(w.check(narrowed), small.ID, "") // itself
	w.refused(narrowed, "revoked")
	revoke(ann, one.ID, "")
	w.refused(mine, "revoked")
	revoke(ann, bots.ID, "")
	revoke(root, ops.ID, "")
}

// several are two servers over one store.
func several(t *testing.T, shared store.Config) (*world, *auth.Auth) {
	t.Helper()
	w := newWorld(t)
	if shared.Path == "" && shared.URL == "" {
		shared.Path = w.path
		other := w.open(t, shared)
		return w, auth.New(auth.Config{Store: other, Now: w.clock.now, Idle: time.Hour})
	}
	a, b := w.open(t, shared), w.open(t, shared)
	for _, u := range []string{"ann", "root"} {
		w.must(a.AddUser(t.Context(), paas.User{Name: u, Kind: paas.Person, Admin: u == "root", CreatedAt: noon}))
	}
	w.store, w.Auth = a, auth.New(auth.Config{Store: a, Now: w.clock.now, Idle: time.Hour})
	return w, auth.New(auth.Config{Store: b, Now: w.clock.now, Idle: time.Hour})
}

// TestWhatIsEndedOnOneServerIsRefusedByAnother at once, though it was taken there a moment before.
func TestWhatIsEndedOnOneServerIsRefusedByAnother(t *testing.T) {
	t.Parallel()
	shared := map[string]func(t *testing.T) store.Config{
		"SQLite":     func(*testing.T) store.Config { return store.Config{} },
		"PostgreSQL": func(t *testing.T) store.Config { return store.Config{URL: pgtest.Start(t).Database(t)} },
	}
	for name, open := range shared {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, other := several(t, open(t))
			ctx := t.Context()
			for what, end := range map[string]func(token paas.Token, session string) error{
				"revoked": func(token paas.Token, session string) error {
					_, ann := w.session("ann")
					_, err := w.RevokeToken(ctx, ann, token.ID)
					if err == nil {
						err = w.EndSession(ctx, session)
					}
					return err
				},
				"disabled": func(paas.Token, string) error {
					_, err := w.store.ChangeUser(ctx, "ann", func(u *paas.User) error { u.Disabled = true; return nil })
					return err
				},
			} {
				w.change("ann", func(u *paas.User) { u.Disabled = false })
				value, ann := w.session("ann")
				header, token := w.token(ann, paas.TokenWish{})
				for range 3 { // were there a cache, it would be filled
					if _, err := other.Check(ctx, header); err != nil {
						t.Fatal(err)
					}
					if _, err := other.CheckSession(ctx, value); err != nil {
						t.Fatal(err)
					}
				}
				w.must(end(token, ann.Session))
				if _, err := other.Check(ctx, header); paas.CodeOf(err) != paas.Unauthorized {
					t.Errorf("%s: the token is taken by the other server: %v", what, err)
				}
				if _, err := other.CheckSession(ctx, value); paas.CodeOf(err) != paas.Unauthorized {
					t.Errorf("%s: the session is taken by the other server: %v", what, err)
				}
			}
		})
	}
}
