package auth_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite" // reads the rows as they are

	"github.com/crumpet-paas/crumpet/server/auth"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/store"
	"github.com/crumpet-paas/crumpet/server/store/storetest"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// world is a store with users: ann maintains red and is a viewer of default, bob develops in red, cy is in no
// team, root administers, and ci is a bot of red.
type world struct {
	testing.TB
	*auth.Auth
	store *store.Store
	clock *clock
	path  string
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{TB: t, clock: &clock{at: noon}, path: storetest.Path(t)}
	w.store = w.open(t, store.Config{Path: w.path, Notify: func(paas.AppRef) {
		if w.Auth != nil {
			w.Wake()
		}
	}})
	w.must(w.store.AddTeam(t.Context(), paas.Team{Name: "red", CreatedAt: noon}))
	w.Auth = auth.New(auth.Config{Store: w.store, Now: w.clock.now, Idle: time.Hour, Absolute: 8 * time.Hour})
	in := func(team string, role paas.Role) paas.Member {
		return paas.Member{Team: team, Role: role, Source: paas.Given, CreatedAt: noon}
	}
	user := func(name string, kind paas.UserKind, admin bool, members ...paas.Member) {
		w.must(w.store.AddUser(t.Context(), paas.User{Name: name, Kind: kind, Admin: admin, CreatedAt: noon}, members...))
	}
	user("ann", paas.Person, false, in("red", paas.Maintainer), in("default", paas.Viewer))
	user("bob", paas.Person, false, in("red", paas.Developer))
	user("cy", paas.Person, false)
	user("root", paas.Person, true)
	user("ci", paas.Bot, false, in("red", paas.Developer))
	return w
}

func (w *world) open(t testing.TB, c store.Config) *store.Store {
	t.Helper()
	s, err := store.Open(context.Background(), c)
	w.must(err)
	t.Cleanup(func() { _ = s.Close() }) // the test is over
	return s
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) code(err error, want paas.Code) {
	w.Helper()
	if got := paas.CodeOf(err); got != want {
		w.Fatalf("code %q, want %q: %v", got, want, err)
	}
}

// session signs somebody in.
func (w *world) session(user string) (string, paas.Identity) {
	w.Helper()
	value, _, err := w.StartSession(w.Context(), user, "127.0.0.1", "Firefox")
	w.must(err)
	who, err := w.CheckSession(w.Context(), value)
	w.must(err)
	return value, who
}

// token makes one, and gives its header.
func (w *world) token(who paas.Identity, wish paas.TokenWish) (string, paas.Token) {
	w.Helper()
	if wish.Name == "" {
		wish.Name = "test"
	}
	plain, token, err := w.CreateToken(w.Context(), who, wish)
	w.must(err)
	return "Bearer " + plain, token
}

func (w *world) check(header string) paas.Identity {
	w.Helper()
	who, err := w.Check(w.Context(), header)
	w.must(err)
	return who
}

func (w *world) refused(header string, words ...string) {
	w.Helper()
	_, err := w.Check(w.Context(), header)
	w.code(err, paas.Unauthorized)
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			w.Errorf("no %q in %q", word, err)
		}
	}
}

func TestATokenIsWhoItsOwnerIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, ann := w.session("ann")
	header, token := w.token(ann, paas.TokenWish{})
	if !strings.HasPrefix(header, "Bearer "+auth.Prefix) || len(header) < 50 {
		t.Errorf("token %q", header)
	}
	for _, scheme := range []string{"Bearer ", "bearer ", "BEARER  "} {
		who := w.check(scheme + strings.TrimPrefix(header, "Bearer "))
		if who.User != "ann" || who.Kind != paas.Person || who.Admin || who.Role("red") != paas.Maintainer || who.Role("default") != paas.Viewer ||
			who.Role("blue") != "" || who.Token.ID != token.ID || who.Session != "" {
			t.Errorf("who = %+v", who)
		}
	}
	w.must(w.store.DropMember(t.Context(), "red", "ann"))
	if who := w.check(header); who.Role("red") != "" || who.Role("default") != paas.Viewer {
		t.Errorf("after ann left red: %+v", who)
	}
	w.must(w.store.DropUser(t.Context(), "ann"))
	w.refused(header)

	_, root := w.session("root")
	header, _ = w.token(root, paas.TokenWish{})
	if who := w.check(header); !who.Admin || who.Role("anything") != paas.Admin {
		t.Errorf("an admin's token: %+v", who)
	}
	w.change("root", func(u *paas.User) { u.Admin = false })
	if who := w.check(header); who.Admin || who.Role("red") != "" {
		t.Errorf("an admin's token, when it is none any more: %+v", who)
	}
}

func (w *world) change(user string, fn func(u *paas.User)) {
	w.Helper()
	_, err := w.store.ChangeUser(w.Context(), user, func(u *paas.User) error { fn(u); return nil })
	w.must(err)
}

func TestWhatIsNoTokenIsUnauthorized(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cookie, ann := w.session("ann")
	header, token := w.token(ann, paas.TokenWish{})
	plain := strings.TrimPrefix(header, "Bearer ")
	for name, header := range map[string]string{
		"no header":         "",
		"no scheme":         plain,
		"basic":             "Basic " + plain,
		"empty":             "Bearer ",
		"another":           "Bearer " + auth.Prefix + strings.Repeat("x", 43),
		"cut":               "Bearer " + plain[:len(plain)-1],
		"without prefix":    "Bearer " + strings.TrimPrefix(plain, auth.Prefix),
		"more after it":     "Bearer " + plain + "x",
		"two of them":       "Bearer " + plain + " " + plain,
		"the stored hash":   "Bearer " + token.Hash,
		"hash, with prefix": "Bearer " + auth.Prefix + token.Hash,
		"its id":            "Bearer " + auth.Prefix + token.ID,
		"a session":         "Bearer " + cookie,
		"SQL":               "Bearer " + auth.Prefix + "' OR '1'='1",
	} {
		_, err := w.Check(t.Context(), header)
		if paas.CodeOf(err) != paas.Unauthorized {
			t.Errorf("%s: %v", name, err)
		} else if strings.Contains(err.Error(), plain) {
			t.Errorf("%s: the error shows the token", name)
		}
		if strings.HasPrefix(header, "Bearer ") && !strings.Contains(err.Error(), "crumpet login") {
			t.Errorf("%s: no next step in %q", name, err)
		}
	}
	for name, value := range map[string]string{"none": "", "a token": plain, "an id": ann.Session, "its end cut": cookie[:len(cookie)-1]} {
		if _, err := w.CheckSession(t.Context(), value); paas.CodeOf(err) != paas.Unauthorized {
			t.Errorf("session, %s: %v", name, err)
		}
	}
}

// TestNothingPlainIsAtRest looks for what was given out in every row of every table, and in the file itself.
func TestNothingPlainIsAtRest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cookie, ann := w.session("ann")
	header, _ := w.token(ann, paas.TokenWish{})
	secrets := []string{cookie, strings.TrimPrefix(header, "Bearer "+auth.Prefix)}
	w.Used(w.check(header), "10.0.0.1")
	db, err := sql.Open("sqlite", "file:"+w.path)
	w.must(err)
	defer db.Close() //nolint:errcheck // the test is over
	read := 0
	for table := range strings.FieldsSeq("users tokens sessions logins members teams events") {
		func() {
			rows, err := db.QueryContext(t.Context(), "SELECT * FROM "+table)
			w.must(err)
			defer rows.Close() //nolint:errcheck // Err has told
			columns, err := rows.Columns()
			w.must(err)
			for rows.Next() {
				values, into := make([]any, len(columns)), make([]any, len(columns))
				for i := range values {
					into[i] = &values[i]
				}
				w.must(rows.Scan(into...))
				read++
				for _, secret := range secrets {
					if strings.Contains(fmt.Sprintf("%s", values), secret) {
						t.Errorf("a row of %s has a secret: %s", table, values)
					}
				}
			}
			w.must(rows.Err())
		}()
	}
	if read < 10 {
		t.Errorf("only %d rows were read", read)
	}
}

func TestAStoreThatDoesNotAnswerIsNotUnauthorized(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cookie, ann := w.session("ann")
	header, _ := w.token(ann, paas.TokenWish{})
	w.must(w.store.Close())
	if _, err := w.Check(t.Context(), header); paas.CodeOf(err) == paas.Unauthorized || err == nil {
		t.Errorf("a token without a store: %v", err)
	}
	if _, err := w.CheckSession(t.Context(), cookie); paas.CodeOf(err) == paas.Unauthorized || err == nil {
		t.Errorf("a session without a store: %v", err)
	}
}

func TestOnlyTheFirstOfFirstTokensIsAdopted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, weak := range []string{"", "crumpet_", "crumpet_short", strings.Repeat("x", 60)} {
		if _, err := w.AdoptFirst(t.Context(), "root", weak); paas.CodeOf(err) != paas.Invalid {
			t.Errorf("%q: %v", weak, err)
		}
	}
	first, second := auth.NewToken(), auth.NewToken()
	if adopted, err := w.AdoptFirst(t.Context(), "root", first); !adopted || err != nil {
		t.Fatalf("the first: %t, %v", adopted, err)
	}
	if adopted, err := w.AdoptFirst(t.Context(), "root", second); adopted || err != nil {
		t.Fatalf("the second: %t, %v", adopted, err)
	}
	who := w.check("Bearer " + first)
	if who.User != "root" || who.Kind != paas.Operator || !who.Admin {
		t.Errorf("who = %+v", who)
	}
	w.refused("Bearer " + second)
}
