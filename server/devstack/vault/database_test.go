package vault_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	vaultapi "github.com/hashicorp/vault/api"
	"github.com/jackc/pgx/v5"

	"github.com/crumpet-paas/crumpet/server/store/pgtest"
)

// rootPassword is that of the user a connection has.
const rootPassword = "root-password-in-the-clear"

// engine is a stand-in with a database engine at db/, that makes users in a database of its own.
type engine struct {
	*server
	data    string
	cluster *pgtest.Cluster
	address string // of the database, for a test
	name    string // of the database
}

// makeUser are the statements that make a user. All databases of a cluster have the same users; a comment says whose
// this one is.
func (e *engine) makeUser() string {
	return fmt.Sprintf(`CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'; COMMENT ON ROLE "{{name}}" IS '%s'; GRANT USAGE ON SCHEMA public TO "{{name}}"`, e.name)
}

func newEngine(t testing.TB, cluster *pgtest.Cluster) *engine {
	t.Helper()
	e := &engine{data: t.TempDir(), cluster: cluster, address: cluster.Database(t)}
	e.server = ready(t, e.data)
	e.name = e.address[strings.LastIndex(e.address, "/")+1:]
	pgtest.Exec(t.Context(), t, e.address, fmt.Sprintf("CREATE ROLE %s_root LOGIN SUPERUSER PASSWORD '%s'", e.name, rootPassword))
	check(t, e.Sys().Mount("db", &vaultapi.MountInput{Type: "database"}))
	check(t, e.write("config/main", map[string]any{
		"plugin_name":    "postgresql-database-plugin",
		"connection_url": fmt.Sprintf("postgresql://{{username}}:{{password}}@127.0.0.1:%d/%s", cluster.Port, e.name),
		"username":       e.name + "_root", "password": rootPassword, "allowed_roles": "*",
	}))
	check(t, e.role("app", nil))
	return e
}

func (e *engine) write(path string, data map[string]any) error {
	_, err := e.Logical().Write("db/"+path, data)
	return err
}

func (e *engine) role(name string, more map[string]any) error {
	data := map[string]any{"db_name": "main", "creation_statements": e.makeUser(), "default_ttl": "1h", "max_ttl": "2h"}
	maps.Copy(data, more)
	return e.write("roles/"+name, data)
}

func creds(t testing.TB, c *vaultapi.Client, role string) *vaultapi.Secret {
	t.Helper()
	s, err := c.Logical().Read("db/creds/" + role)
	check(t, err)
	return s
}

// ask reads one value from the database.
func ask[T any](t testing.TB, address, query string, args ...any) (value T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, address)
	check(t, err)
	defer conn.Close(ctx) //nolint:errcheck // a reader
	check(t, conn.QueryRow(ctx, query, args...).Scan(&value))
	return value
}

// users are the users of the engine that are in the database.
func (e *engine) users(t testing.TB) int {
	t.Helper()
	return ask[int](t, e.address, "SELECT count(*) FROM pg_shdescription WHERE description = $1", e.name)
}

func (e *engine) there(t testing.TB, s *vaultapi.Secret) bool {
	t.Helper()
	return ask[bool](t, e.address, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", s.Data["username"])
}

func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// latch is a lock in the database, which statements wait for that ask for it.
type latch struct {
	conn *pgx.Conn
	id   int64
}

func (e *engine) latch(t testing.TB) *latch {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), e.address)
	check(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	l := &latch{conn, time.Now().UnixNano() >> 8}
	_, err = conn.Exec(t.Context(), "SELECT pg_advisory_lock($1)", l.id)
	check(t, err)
	return l
}

func (l *latch) statement() string { return fmt.Sprintf("; SELECT pg_advisory_xact_lock(%d)", l.id) }

func (l *latch) reached(t testing.TB, e *engine) {
	t.Helper()
	until(t, "a statement waits for the latch", func() bool {
		return ask[int](t, e.address, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = $1)", e.name) > 0
	})
}

func (l *latch) release(t testing.TB) {
	t.Helper()
	_, err := l.conn.Exec(t.Context(), "SELECT pg_advisory_unlock_all()")
	check(t, err)
}

// background makes a call that ends later.
func background(call func() error) <-chan error {
	ended := make(chan error, 1)
	go func() { ended <- call() }()
	return ended
}

func TestACredentialWhoseTokenEndsWhileItIsMadeIsNotGiven(t *testing.T) {
	t.Parallel()
	e := newEngine(t, pgtest.Start(t))
	l := e.latch(t)
	check(t, e.role("slow", map[string]any{"creation_statements": e.makeUser() + l.statement()}))
	check(t, e.Sys().PutPolicy("slow", `path "db/creds/*" { capabilities = ["read"] }`))
	c := e.as(t, &vaultapi.TokenCreateRequest{Policies: []string{"slow"}})
	ended := background(func() error { _, err := c.Logical().Read("db/creds/slow"); return err })
	l.reached(t, e)
	if s, err := e.Logical().List("sys/leases/lookup/db/creds/slow"); err != nil || s != nil {
		t.Errorf("a lease that is not given yet is listed: %v, %v", s, err)
	}
	check(t, e.Auth().Token().RevokeTree(c.Token())) // is answered although a database is slow
	l.release(t)
	refused(t, <-ended, 400, "Secret cannot be returned")
	until(t, "its user is gone", func() bool { return e.users(t) == 0 })
}

func TestACredentialIsNotGivenByASealedVault(t *testing.T) {
	t.Parallel()
	e := newEngine(t, pgtest.Start(t))
	l := e.latch(t)
	given := creds(t, e.Client, "app")
	check(t, e.role("slow", map[string]any{"creation_statements": e.makeUser() + l.statement()}))
	ended := background(func() error { _, err := e.Logical().Read("db/creds/slow"); return err })
	l.reached(t, e)
	key := unsealKey(t, e.data)
	check(t, e.Sys().Seal())
	_, err := e.Logical().Read("db/creds/app")
	refused(t, err, 503, "sealed")
	l.release(t)
	refused(t, <-ended, 503, "sealed")
	_, err = e.Sys().Unseal(key)
	check(t, err)
	until(t, "the user nobody was told of is gone", func() bool { return e.users(t) == 1 })
	if !e.there(t, given) {
		t.Error("the user of another lease is gone")
	}
	_, err = e.Sys().Lookup(given.LeaseID)
	check(t, err)
}

func TestALastUseGivesNoCredential(t *testing.T) {
	t.Parallel()
	e := newEngine(t, pgtest.Start(t))
	check(t, e.Sys().PutPolicy("once", `path "db/creds/*" { capabilities = ["read"] }`))
	c := e.as(t, &vaultapi.TokenCreateRequest{Policies: []string{"once"}, NumUses: 1})
	_, err := c.Logical().Read("db/creds/app")
	refused(t, err, 400, "Secret cannot be returned")
	until(t, "its user is gone", func() bool { return e.users(t) == 0 })
}

func TestStatementsThatFailLeaveNothing(t *testing.T) {
	t.Parallel()
	e := newEngine(t, pgtest.Start(t))
	check(t, e.role("broken", map[string]any{"creation_statements": []string{e.makeUser(), `SELECT 1 FROM "{{password}}"`}}))
	_, err := e.Logical().Read("db/creds/broken")
	refused(t, err, 500, `relation "[password]" does not exist`)
	if n := e.users(t); n != 0 {
		t.Errorf("%d users are left", n)
	}
	if s, err := e.Logical().List("sys/leases/lookup/db/creds/broken"); err != nil || s != nil {
		t.Errorf("leases are %v, %v", s, err)
	}
	check(t, e.role("empty", map[string]any{"creation_statements": " "}))
	_, err = e.Logical().Read("db/creds/empty")
	refused(t, err, 500, "empty creation statements")
}

func TestAStatementMayHoldABlock(t *testing.T) {
	t.Parallel()
	e := newEngine(t, pgtest.Start(t))
	check(t, e.role("block", map[string]any{"creation_statements": `DO $$ BEGIN
		CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}';
		COMMENT ON ROLE "{{name}}" IS '` + e.name + `';
	END $$;`}))
	creds(t, e.Client, "block")
	if n := e.users(t); n != 1 {
		t.Errorf("%d users are there", n)
	}
}

func TestARotationThatIsCutOffLocksNobodyOut(t *testing.T) {
	t.Parallel()
	e := newEngine(t, pgtest.Start(t))
	l := e.latch(t)
	check(t, e.write("config/main", map[string]any{
		"root_rotation_statements": []string{`ALTER ROLE "{{username}}" PASSWORD '{{password}}'` + l.statement()},
	}))
	ended := background(func() error { return e.write("rotate-root/main", nil) })
	l.reached(t, e)
	creds(t, e.Client, "app") // by the old password
	key := unsealKey(t, e.data)
	check(t, e.Sys().Seal())
	l.release(t)
	refused(t, <-ended, 503, "sealed") // the database has the new password, and the server could not note it
	_, err := e.Sys().Unseal(key)
	check(t, err)
	old := strings.Replace(e.address, "crumpet:"+pgtest.Password, e.name+"_root:"+rootPassword, 1)
	if conn, err := pgx.Connect(t.Context(), old); err == nil {
		check(t, conn.Close(t.Context()))
		t.Error("the old password still works")
	}
	creds(t, e.Client, "app")
	check(t, e.write("rotate-root/main", nil))
	creds(t, e.Client, "app")
}

func TestDatabasePathsNeedTheirCapability(t *testing.T) {
	t.Parallel()
	e := newEngine(t, pgtest.Start(t))
	read := func(path string) func(*vaultapi.Client) error {
		return func(c *vaultapi.Client) error { _, err := c.Logical().Read(path); return err }
	}
	write := func(path string, data map[string]any) func(*vaultapi.Client) error {
		return func(c *vaultapi.Client) error { _, err := c.Logical().Write(path, data); return err }
	}
	list := func(path string) func(*vaultapi.Client) error {
		return func(c *vaultapi.Client) error { _, err := c.Logical().List(path); return err }
	}
	role := map[string]any{"db_name": "main"}
	for _, tc := range []struct {
		name, rule string
		call       func(*vaultapi.Client) error
		allowed    bool
	}{
		{"credentials need read", `path "db/creds/app" { capabilities = ["update", "list"] }`, read("db/creds/app"), false},
		{"credentials of another role are not allowed", `path "db/creds/other" { capabilities = ["read"] }`, read("db/creds/app"), false},
		{"a new role needs create", `path "db/roles/*" { capabilities = ["update"] }`, write("db/roles/new", role), false},
		{"a new role is allowed by create", `path "db/roles/*" { capabilities = ["create"] }`, write("db/roles/new", role), true},
		{"a role that is there needs update", `path "db/roles/*" { capabilities = ["create"] }`, write("db/roles/app", role), false},
		{"a connection that is there needs update", `path "db/config/*" { capabilities = ["create"] }`, write("db/config/main", map[string]any{"allowed_roles": "*"}), false},
		{"a rotation needs update", `path "db/rotate-root/*" { capabilities = ["read", "create"] }`, write("db/rotate-root/main", nil), false},
		{"a list of leases needs sudo", `path "sys/leases/lookup/*" { capabilities = ["list"] }`, list("sys/leases/lookup/db"), false},
		{"a list of leases is allowed by list and sudo", `path "sys/leases/lookup/*" { capabilities = ["list", "sudo"] }`, list("sys/leases/lookup/db"), true},
		{"a prefix needs sudo", `path "sys/leases/revoke-prefix/*" { capabilities = ["update"] }`, write("sys/leases/revoke-prefix/db/creds/app", nil), false},
		{"force needs sudo", `path "sys/leases/revoke-force/*" { capabilities = ["update"] }`, write("sys/leases/revoke-force/db/creds/app", nil), false},
		{"one lease needs no sudo", `path "sys/leases/revoke" { capabilities = ["update"] }`, write("sys/leases/revoke", map[string]any{"lease_id": "db/creds/app/none"}), true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			check(t, e.Sys().PutPolicy("caps", tc.rule))
			err := tc.call(e.as(t, &vaultapi.TokenCreateRequest{Policies: []string{"caps"}}))
			if tc.allowed {
				check(t, err)
				return
			}
			refused(t, err, 403, "permission denied")
		})
	}
}

func TestRolesAreAllowedByPattern(t *testing.T) {
	t.Parallel()
	e := newEngine(t, pgtest.Start(t))
	for pattern, allowed := range map[string][]string{
		"*": {"app", "app-web", "web-app"}, "app": {"app"}, "app*": {"app", "app-web"}, "*app": {"app", "web-app"}, "app-*": {"app-web"}, "": nil, "app*app": nil,
	} {
		check(t, e.write("config/main", map[string]any{"allowed_roles": pattern}))
		for _, name := range []string{"app", "app-web", "web-app"} {
			check(t, e.role(name, nil))
			_, err := e.Logical().Read("db/creds/" + name)
			if slices.Contains(allowed, name) {
				check(t, err)
				continue
			}
			refused(t, err, 500, `"`+name+`" is not an allowed role`)
		}
	}
}

func TestNamesOfUsersAreHarmless(t *testing.T) {
	t.Parallel()
	e := newEngine(t, pgtest.Start(t))
	check(t, e.Sys().PutPolicy("odd", `path "db/creds/*" { capabilities = ["read"] }`))
	c := e.as(t, &vaultapi.TokenCreateRequest{Policies: []string{"odd"}, DisplayName: `";'`})
	check(t, e.role("a-role-with-a-long-name", nil))
	name, _ := creds(t, c, "a-role-with-a-long-name").Data["username"].(string)
	if !strings.HasPrefix(name, "v-token----a-role-w-") || len(name) > 63 {
		t.Errorf("user is %q", name)
	}
}

// isRefused says whether PostgreSQL refuses a credential.
func (e *engine) isRefused(t testing.TB, s *vaultapi.Secret) bool {
	t.Helper()
	address := fmt.Sprintf("postgresql://%s:%s@127.0.0.1:%d/%s", s.Data["username"], s.Data["password"], e.cluster.Port, e.name)
	conn, err := pgx.Connect(t.Context(), address)
	if err == nil {
		check(t, conn.Close(t.Context()))
		return false
	}
	if errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	return true
}
