package service_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/service"
	"github.com/crumpet-paas/crumpet/server/store/pgtest"
)

func pgRun(t testing.TB, conn *pgx.Conn, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := conn.Exec(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

func mustFail(t testing.TB, conn *pgx.Conn, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := conn.Exec(t.Context(), s); err == nil {
			t.Errorf("%s: was allowed", s)
		}
	}
}

func TestARegisteredServersPasswordIsNobodys(t *testing.T) {
	t.Parallel()
	onEachPG(t, func(t *testing.T, w *pgWorld) {
		ctx := t.Context()
		login := func() error {
			address := url.URL{Scheme: "postgres", User: url.UserPassword("account", accountPassword), Host: fmt.Sprintf("127.0.0.1:%d", w.port), Path: "postgres", RawQuery: "sslmode=disable"}
			conn, err := pgx.Connect(ctx, address.String())
			if err != nil {
				return err
			}
			return conn.Close(ctx)
		}
		wrong := w.account
		wrong.Secret.Password = paas.NewSecret("wrong-" + accountPassword)
		_, err := w.Register(ctx, wrong)
		if paas.CodeOf(err) != paas.Invalid || !strings.Contains(paas.MessageOf(err), "refuses the password") || strings.Contains(err.Error(), accountPassword) {
			t.Errorf("a wrong password: %v", err)
		}
		if _, err := w.vault.Database(ctx, "crumpet-pg"); paas.CodeOf(err) != paas.NotFound {
			t.Errorf("Vault keeps a server that could not be registered: %v", err)
		}

		kept := w.account
		kept.KeepPassword = true
		_, err = w.Register(ctx, kept)
		w.check(err)
		w.check(login())
		_, err = w.Register(ctx, w.account)
		w.check(err)
		if login() == nil {
			t.Error("the password that was given still opens the server")
		}
		_, err = w.Register(ctx, w.account) // as after a server that was killed before it could note the provider
		w.check(err)
		_, err = w.Register(ctx, wrong)
		w.check(err) // it changes nothing
		other := w.account
		other.Username = "somebody"
		if _, err = w.Register(ctx, other); paas.CodeOf(err) != paas.Invalid {
			t.Errorf("another user with a wrong password: %v", err)
		}

		w.account.Secret = service.ProviderSecret{}
		catalog, err := w.Catalog(ctx, w.account)
		w.check(err)
		var plans []string
		for _, p := range catalog.Offerings[0].Plans {
			plans = append(plans, catalog.Offerings[0].Name+"/"+p.Name)
		}
		if diff := gocmp.Diff([]string{"postgres/small", "postgres/standard"}, plans); diff != "" {
			t.Error(diff)
		}
		if n := w.users(); n != 0 {
			t.Errorf("%d users are left of what was tried", n)
		}
		for range 2 {
			w.check(w.Unregister(ctx, w.account))
		}
		if _, err := w.Catalog(ctx, w.account); paas.CodeOf(err) != paas.Unavailable || !strings.Contains(paas.MessageOf(err), "providers add") {
			t.Errorf("the catalog of a server that Vault has forgotten: %v", err)
		}
	})
}

func TestAnAccountThatMayNotMakeRolesIsRefused(t *testing.T) {
	t.Parallel()
	onEachPG(t, func(t *testing.T, w *pgWorld) {
		pgtest.Exec(t.Context(), t, w.super, "ALTER ROLE account NOCREATEROLE")
		_, err := w.Register(t.Context(), w.account)
		if paas.CodeOf(err) != paas.Invalid || !strings.Contains(paas.MessageOf(err), "CREATEROLE") {
			t.Errorf("got %v", err)
		}
		if _, err := w.vault.Database(t.Context(), "crumpet-pg"); paas.CodeOf(err) != paas.NotFound {
			t.Errorf("Vault keeps a server that could not be registered: %v", err)
		}
	})
}

func TestProgramsShareADatabaseAndNobodyElseDoes(t *testing.T) {
	t.Parallel()
	onEachPG(t, func(t *testing.T, w *pgWorld) {
		ctx := t.Context()
		w.registered()
		mine, err := w.Provision(ctx, w.call("one", 0))
		w.check(err)
		want := map[string]string{"host": "127.0.0.1", "port": fmt.Sprint(w.port), "database": "crumpet_one", "sslmode": "disable"}
		if diff := gocmp.Diff(want, mine.Facts); diff != "" {
			t.Error(diff)
		}
		theirs, err := w.Provision(ctx, w.call("two", 0))
		w.check(err)
		bound, err := w.Bind(ctx, w.call("one", 1))
		w.check(err)
		if diff := gocmp.Diff(paas.Entries{Type: "postgresql", Provider: "pg", Facts: mine.Facts, Keys: []string{"password", "username"}}, bound.Entries); diff != "" {
			t.Error(diff)
		}
		if bound.Values != nil || !bound.RenewBefore.After(time.Now().Add(20*24*time.Hour)) {
			t.Errorf("the answer is %+v", bound)
		}
		if n := w.users(); n != 0 {
			t.Errorf("%d users are left of what was tried", n)
		}

		first, second := w.connected(mine.Facts, w.user(1)), w.connected(mine.Facts, w.user(1))
		pgRun(t, first, "CREATE TABLE notes (text text)", "INSERT INTO notes VALUES ('hello')", "CREATE SCHEMA more", "CREATE EXTENSION pg_trgm")
		pgRun(t, second, "INSERT INTO notes VALUES ('too')", "ALTER TABLE notes ADD COLUMN by text", "CREATE TABLE more.things ()", "DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
		mustFail(
			t, first, "DROP DATABASE crumpet_one", "CREATE ROLE more", "GRANT crumpet_one_owner TO account",
			"ALTER DATABASE crumpet_one CONNECTION LIMIT 1", "SET ROLE crumpet_one_vault", "SET ROLE crumpet_admin", "ALTER ROLE crumpet_one_vault PASSWORD 'x'",
		)
		pgRun(t, first, "REVOKE ALL ON DATABASE crumpet_one FROM crumpet_one_vault") // it warns, and Vault can go on
		comment := w.count("SELECT count(*) FROM pg_roles r JOIN pg_shdescription d ON d.objoid = r.oid WHERE rolname LIKE 'v-%' AND description = 'Crumpet: binding db of app shop of team alpha, generation 1'")
		if comment != 2 {
			t.Errorf("%d users say whose they are, want 2", comment)
		}
		stranger := w.user(1)
		if _, err := w.connect(theirs.Facts, stranger); err == nil || !strings.Contains(err.Error(), "permission denied") {
			t.Errorf("another instance's database lets a user in: %v", err)
		}
		if n := w.count("SELECT rolconnlimit FROM pg_roles WHERE rolname = $1", stranger.Username); n != 10 {
			t.Errorf("a user may have %d connections", n)
		}
		update := w.call("one", 0)
		update.Row.Target.PlanID = "postgres-standard"
		_, err = w.Update(ctx, update)
		w.check(err)
		if n := w.count("SELECT datconnlimit FROM pg_database WHERE datname = 'crumpet_one'"); n != 80 {
			t.Errorf("after the change of plan the database takes %d connections", n)
		}
	})
}

func TestTheEndOfABindingEndsItsUsersAndNothingElse(t *testing.T) {
	t.Parallel()
	onEachPG(t, func(t *testing.T, w *pgWorld) {
		ctx := t.Context()
		w.registered()
		at, err := w.Provision(ctx, w.call("one", 0))
		w.check(err)
		for generation := range 2 {
			_, err = w.Bind(ctx, w.call("one", generation+1))
			w.check(err)
		}
		old, next := w.user(1), w.user(2)
		w.user(1) // of a program that is gone
		conn := w.connected(at.Facts, old)
		pgRun(
			t, conn, "CREATE TABLE shared ()", "SET ROLE NONE", "CREATE SCHEMA own", "CREATE TABLE own.table ()", "SELECT lo_create(0)",
			// What a team may leave for Vault's account to stumble over.
			"SET ROLE crumpet_one_owner", "CREATE TABLE hits (n int)",
			"CREATE FUNCTION public.pg_terminate_backend(int, int) RETURNS bool LANGUAGE sql AS 'INSERT INTO public.hits VALUES (1); SELECT false'",
			"CREATE FUNCTION public.pg_stat_clear_snapshot() RETURNS void LANGUAGE sql AS 'INSERT INTO public.hits VALUES (1)'",
			"CREATE VIEW public.pg_stat_activity AS SELECT 1 AS pid, 'x'::name AS usename",
			"BEGIN", "LOCK TABLE shared", // a session in the middle of something
		)
		for range 2 {
			_, err = w.Unbind(ctx, w.call("one", 1))
			w.check(err)
		}
		if err := conn.Ping(ctx); err == nil {
			t.Error("an old connection still works")
		}
		if _, err := w.connect(at.Facts, old); err == nil {
			t.Error("the old credentials still open the database")
		}
		if _, err := w.vault.Credentials(ctx, paas.Binding{Team: "alpha", App: "shop", Name: "db"}.CredentialsRole(1)); paas.CodeOf(err) != paas.NotFound {
			t.Errorf("more of the old credentials can be had: %v", err)
		}
		if n := w.users(); n != 1 {
			t.Errorf("%d users are left, want the new one", n)
		}
		after := w.connected(at.Facts, next)
		pgRun(t, after, "INSERT INTO shared DEFAULT VALUES", "ALTER TABLE own.table ADD COLUMN a int", "DROP SCHEMA own CASCADE")
		var hits int
		w.check(after.QueryRow(ctx, "SELECT count(*) FROM public.hits").Scan(&hits))
		if hits != 0 {
			t.Error("Vault's account called what the application had made")
		}
	})
}

// TestAnAppThatComesBackAtOnceIsOut: a pool whose connections end has others within milliseconds, and one that
// was let in while its user was being dropped would work on for ever.
func TestAnAppThatComesBackAtOnceIsOut(t *testing.T) {
	t.Parallel()
	onEachPG(t, func(t *testing.T, w *pgWorld) {
		ctx := t.Context()
		w.registered()
		at, err := w.Provision(ctx, w.call("one", 0))
		w.check(err)
		for round := range 5 {
			_, err = w.Bind(ctx, w.call("one", round+1))
			w.check(err)
			u := w.user(round + 1)
			stop, cancel := context.WithCancel(ctx)
			var pool sync.WaitGroup
			var seen sync.WaitGroup
			for range 6 {
				seen.Add(1)
				pool.Go(func() {
					once := sync.OnceFunc(seen.Done)
					defer once()
					for stop.Err() == nil {
						conn, err := pgx.Connect(stop, fmt.Sprintf("postgres://%s:%s@127.0.0.1:%d/%s?sslmode=disable", u.Username, u.Password.Reveal(), w.port, at.Facts["database"]))
						if err != nil {
							if stop.Err() == nil && w.count("SELECT count(*) FROM pg_roles WHERE rolname = $1", u.Username) == 0 {
								return
							}
							continue
						}
						once()
						_, _ = conn.Exec(stop, "SELECT pg_sleep(60)") // until it is ended
						_ = conn.Close(context.Background())
					}
				})
			}
			seen.Wait()
			began := time.Now()
			_, err = w.Unbind(ctx, w.call("one", round+1))
			w.check(err)
			if n := w.count("SELECT count(*) FROM pg_stat_activity WHERE datname = 'crumpet_one' AND usename IS DISTINCT FROM 'crumpet_one_vault'"); n != 0 {
				t.Errorf("%d connections are left", n)
			}
			t.Logf("ended within %s", time.Since(began))
			cancel()
			pool.Wait()
		}
	})
}

func TestAServerThatIsKilledAnywhereLeavesNothing(t *testing.T) {
	t.Parallel()
	// What Vault runs is the same at a real one; the other tests hold it to that.
	w := newPGWorld(t, openStandIn(t))
	ctx := t.Context()
	w.registered()
	stride := 3 // every statement with PROVE=1
	if os.Getenv("PROVE") != "" {
		stride = 1
	}
	for step := 0; ; step += stride {
		id := fmt.Sprintf("k%d", step)
		dying, m := w.dies(step)
		_, err := dying.Provision(ctx, w.call(id, 0))
		if err != nil && !errors.Is(err, errKilled) {
			t.Fatalf("step %d: %v", step, err)
		}
		at, err := w.Provision(ctx, w.call(id, 0))
		if err != nil {
			t.Fatalf("after a death at step %d: %v", step, err)
		}
		if _, err := w.Bind(ctx, w.call(id, step+1)); err != nil {
			t.Fatalf("after a death at step %d: %v", step, err)
		}
		pgRun(t, w.connected(at.Facts, w.user(step+1)), "CREATE TABLE it_works ()")

		if step%2 == 0 { // else the users are still there: their revocation failed, and the instance is cleaned up
			dying, _ = w.dies(step / 2)
			if _, err := dying.Unbind(ctx, w.call(id, step+1)); err != nil && !errors.Is(err, errKilled) {
				t.Fatalf("step %d: %v", step, err)
			}
			_, err = w.Unbind(ctx, w.call(id, step+1))
			w.check(err)
		}
		clean := w.call(id, 0)
		clean.Row.Cleaning = true
		dying, d := w.dies(step)
		if _, err := dying.Deprovision(ctx, clean); err != nil && !errors.Is(err, errKilled) {
			t.Fatalf("step %d: %v", step, err)
		}
		if _, err := w.Deprovision(ctx, clean); err != nil {
			t.Fatalf("after a death at step %d: %v", step, err)
		}
		if n := w.left(id); n != 0 {
			t.Errorf("after a death at step %d: %d things are left", step, n)
		}
		if m.left > 0 && d.left > 0 { // neither died
			t.Logf("%d steps at most", step)
			break
		}
	}
	if n := w.users(); n != 0 { // provisioners of those that died: Vault ends them within minutes
		w.check(w.vault.RevokeCredentials(ctx, "crumpet-_server--pg"))
		if n = w.users(); n != 0 {
			t.Errorf("%d users are left", n)
		}
	}
}

func TestABoundInstanceIsNotDropped(t *testing.T) {
	t.Parallel()
	c := service.Call{Bound: []string{"b1"}, Row: paas.Operation{Instance: "shop-db"}}
	if _, err := (service.Postgres{}).Deprovision(t.Context(), c); paas.CodeOf(err) != paas.Conflict {
		t.Errorf("got %v", err)
	}
}

func TestAKeyIsGivenAtOnce(t *testing.T) {
	t.Parallel()
	onEachPG(t, func(t *testing.T, w *pgWorld) {
		ctx := t.Context()
		w.registered()
		_, err := w.Provision(ctx, w.call("one", 0))
		w.check(err)
		c := w.call("one", 1)
		c.Row.App, c.Row.Binding = "", "laptop"
		for range 2 { // nobody heard of the first
			got, err := w.Bind(ctx, c)
			w.check(err)
			conn, err := pgx.Connect(ctx, got.Values[got.Entries.URL].Reveal())
			w.check(err)
			pgRun(t, conn, "CREATE TABLE IF NOT EXISTS by_hand ()")
			w.check(conn.Close(ctx))
			if left := time.Until(got.ExpiresAt); left < 31*24*time.Hour || left > paas.LeaseMax {
				t.Errorf("a key lives for %s", left)
			}
		}
		if n := w.users(); n != 1 {
			t.Errorf("there are %d users for one key", n)
		}
		_, err = w.Unbind(ctx, c)
		w.check(err)
		if n := w.users(); n != 0 {
			t.Errorf("%d users are left", n)
		}
	})
}

func TestAddressesOfServers(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"postgres://db.example.com":                                 "db.example.com 5432 verify-full",
		"postgresql://admin@db.example.com:6000/x?sslmode=require":  "db.example.com 6000 require",
		"postgres://127.0.0.1:5433/":                                "127.0.0.1 5433 disable",
		"postgres://localhost":                                      "localhost 5432 disable",
		"postgres://[::1]:5433/postgres":                            "::1 5433 disable",
		"postgres://[2001:db8::1]":                                  "2001:db8::1 5432 verify-full",
		"http://db.example.com":                                     "",
		"postgres://":                                               "",
		"postgres://db/?sslmode=prefer":                             "",
		"postgres://db/?host=elsewhere":                             "",
		"postgres://db:99999/":                                      "",
		"postgres://a,b/":                                           "",
		"postgres://db/?sslmode=require&sslpassword=not-to-be-seen": "",
	} {
		facts, err := service.FactsOf(given)
		got := strings.TrimSpace(facts["host"] + " " + facts["port"] + " " + facts["sslmode"])
		if got != want || (err == nil) == (want == "") {
			t.Errorf("%s: %q, %v; want %q", given, got, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "not-to-be-seen") {
			t.Errorf("%s: the error shows a secret: %v", given, err)
		}
	}
}
