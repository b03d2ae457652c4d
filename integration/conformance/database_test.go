package conformance_test

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	vaultapi "github.com/hashicorp/vault/api"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// engine makes a database engine of the row's name that knows a database of its own.
func (p *probe) engine() (address string) {
	p.check(p.vault.Sys().MountWithContext(p.ctx, p.id, &vaultapi.MountInput{Type: "database", Description: "of a row"}))
	p.later(func() {
		_ = p.vault.Sys().RevokeForceWithContext(p.ctx, p.id)
		_ = p.vault.Sys().UnmountWithContext(p.ctx, p.id)
	})
	p.sql(p.postgres.URL("postgres"), "CREATE DATABASE "+p.id)
	p.sql(p.postgres.URL("postgres"), `CREATE ROLE "`+p.id+`_admin" LOGIN SUPERUSER PASSWORD 'first-password'`)
	p.check(p.give("config/db", p.connection("db")))
	return p.postgres.URL(p.id)
}

func (p *probe) connection(name string) map[string]any {
	return map[string]any{
		"plugin_name":    "postgresql-database-plugin",
		"connection_url": fmt.Sprintf("postgresql://{{username}}:{{password}}@127.0.0.1:%d/%s?sslmode=disable", p.postgres.Port, p.id),
		"username":       p.id + "_admin", "password": "first-password", "allowed_roles": []string{"app", "other-*"},
	}
}

func (p *probe) give(path string, data map[string]any) error {
	_, err := p.vault.Logical().WriteWithContext(p.ctx, p.id+"/"+path, data)
	return err
}

const creation = `CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'; GRANT CREATE ON SCHEMA public TO "{{name}}";`

// role writes a role; more are pairs.
func (p *probe) role(name string, more ...any) {
	data := map[string]any{
		"db_name": "db", "creation_statements": creation, "default_ttl": "1h", "max_ttl": "2h",
		"revocation_statements": []string{`REVOKE CREATE ON SCHEMA public FROM "{{name}}"; DROP ROLE "{{name}}"`},
	}
	for i := 0; i < len(more); i += 2 {
		data[more[i].(string)] = more[i+1]
	}
	p.check(p.give("roles/"+name, data))
}

func (p *probe) creds(role string) *vaultapi.Secret {
	s, err := p.vault.Logical().ReadWithContext(p.ctx, p.id+"/creds/"+role)
	p.check(err)
	return s
}

func (p *probe) sql(address, statement string) {
	conn, err := pgx.Connect(p.ctx, address)
	p.check(err)
	defer conn.Close(p.ctx) //nolint:errcheck // the statement's error counts
	_, err = conn.Exec(p.ctx, statement)
	p.check(err)
}

// enters says whether a credential works, or what PostgreSQL says.
func (p *probe) enters(s *vaultapi.Secret) string {
	address := fmt.Sprintf("postgresql://%s:%s@127.0.0.1:%d/%s", s.Data["username"], s.Data["password"], p.postgres.Port, p.id)
	conn, err := pgx.Connect(p.ctx, address)
	var said *pgconn.PgError
	switch {
	case errors.As(err, &said):
		return said.Code
	case err != nil:
		return err.Error()
	}
	defer conn.Close(p.ctx) //nolint:errcheck // it has answered
	return "enters"
}

// users are how many users of the engine there are in the database.
func (p *probe) users(address string) (n int) {
	conn, err := pgx.Connect(p.ctx, address)
	p.check(err)
	defer conn.Close(p.ctx) //nolint:errcheck // a reader
	p.check(conn.QueryRow(p.ctx, "SELECT count(*) FROM pg_roles WHERE has_schema_privilege(oid, 'public', 'CREATE') AND rolname LIKE 'v-%'").Scan(&n))
	return n
}

func (p *probe) lookup(id string) string {
	s, err := p.vault.Sys().LookupWithContext(p.ctx, id)
	if err != nil {
		return refusal(err)
	}
	return fmt.Sprintf("renewable %v, path %v, last renewal %t", s.Data["renewable"], s.Data["path"], s.Data["last_renewal"] != nil)
}

func (p *probe) listed(path string) string {
	s, err := p.vault.Logical().ListWithContext(p.ctx, path)
	if err != nil {
		return refusal(err)
	}
	if s == nil {
		return "none"
	}
	return fmt.Sprint(s.Data["keys"])
}

// one is a call that answers or is refused.
func one(_ *vaultapi.Secret, err error) string {
	if err != nil {
		return refusal(err)
	}
	return "done"
}

// about says that a lease lasts as long as it should, give or take the time that has gone by.
func about(seconds int, want time.Duration) bool {
	d := time.Duration(seconds) * time.Second
	return d <= want && d > want-time.Minute
}

var username = regexp.MustCompile(`^v-[a-zA-Z0-9]{1,8}-app-[a-zA-Z0-9]{20}-[0-9]{10}$`)

var databaseRows = []row{
	{
		name: "Vault: a database is known by a connection, whose password is never given back",
		calls: []string{
			"vault PUT /v1/:mount/config/:name", "vault GET /v1/:mount/config/:name", "vault GET /v1/:mount/config?list", "vault DELETE /v1/:mount/config/:name",
		},
		postgres: true,
		want: `
			mounted: database, "of a row"
			listed: [db]
			read: postgresql-database-plugin, allowed [app other-*]
			details: connection_url postgresql://{{username}}:{{password}}@ADDR/ID?sslmode=disable, username ID_admin, password none true
			partly written: allowed [app], username ID_admin
			wrong password: 400, verifying true, cited false
			not verified: <nil>
			no plugin: 400 ["empty plugin name"]
			nothing there: none
			deleted: none`,
		run: func(p *probe) {
			p.engine()
			all, err := p.vault.Sys().ListMountsWithContext(p.ctx)
			p.check(err)
			p.say("mounted: %s, %q", all[p.id+"/"].Type, all[p.id+"/"].Description)
			p.say("listed: %s", p.listed(p.id+"/config"))
			read := func() *vaultapi.Secret {
				s, err := p.vault.Logical().ReadWithContext(p.ctx, p.id+"/config/db")
				p.check(err)
				return s
			}
			s := read()
			p.say("read: %v, allowed %v", s.Data["plugin_name"], s.Data["allowed_roles"])
			details := s.Data["connection_details"].(map[string]any)
			p.say("details: connection_url %v, username %v, password none %t", details["connection_url"], details["username"], details["password"] == nil)
			p.check(p.give("config/db", map[string]any{"allowed_roles": "app"}))
			s = read()
			p.say("partly written: allowed %v, username %v", s.Data["allowed_roles"], s.Data["connection_details"].(map[string]any)["username"])
			wrong := p.connection("wrong")
			wrong["password"] = "wrong-password"
			err = p.give("config/wrong", wrong)
			said := refusal(err)
			p.say("wrong password: %s, verifying %t, cited %t", said[:3], strings.Contains(said, "error creating database object: error verifying connection"), strings.Contains(said, "wrong-password"))
			wrong["verify_connection"] = false
			p.say("not verified: %v", p.give("config/wrong", wrong))
			delete(wrong, "plugin_name")
			p.say("no plugin: %s", refusal(p.give("config/third", wrong)))
			p.say("nothing there: %s", p.none("config/third"))
			_, err = p.vault.Logical().DeleteWithContext(p.ctx, p.id+"/config/db")
			p.check(err)
			p.say("deleted: %s", p.none("config/db"))
		},
	},
	{
		name: "Vault: a role says what a user is made with, and is written in parts",
		calls: []string{
			"vault PUT /v1/:mount/roles/:name", "vault GET /v1/:mount/roles/:name", "vault GET /v1/:mount/roles?list", "vault DELETE /v1/:mount/roles/:name",
		},
		postgres: true,
		want: `
			none yet: none
			read: db, ttl 3600 of 7200, statements 1 1 0 0
			partly written: db, ttl 60 of 7200, statements 1 0 0 0
			without a database: 400 ["database name is required"]
			listed: [app]
			deleted: none`,
		run: func(p *probe) {
			p.engine()
			p.say("none yet: %s", p.listed(p.id+"/roles"))
			p.role("app")
			show := func() string {
				s, err := p.vault.Logical().ReadWithContext(p.ctx, p.id+"/roles/app")
				p.check(err)
				count := func(name string) int { return len(s.Data[name].([]any)) }
				return fmt.Sprintf("%v, ttl %v of %v, statements %d %d %d %d", s.Data["db_name"], s.Data["default_ttl"], s.Data["max_ttl"],
					count("creation_statements"), count("revocation_statements"), count("renew_statements"), count("rollback_statements"))
			}
			p.say("read: %s", show())
			p.check(p.give("roles/app", map[string]any{"default_ttl": 60, "revocation_statements": []string{""}}))
			p.say("partly written: %s", show())
			p.say("without a database: %s", refusal(p.give("roles/none", map[string]any{"creation_statements": creation})))
			p.say("listed: %s", p.listed(p.id+"/roles"))
			_, err := p.vault.Logical().DeleteWithContext(p.ctx, p.id+"/roles/app")
			p.check(err)
			p.say("deleted: %s", p.none("roles/app"))
		},
	},
	{
		name:     "Vault: a credential is a user of its own, for the time of its lease",
		calls:    []string{"vault GET /v1/:mount/creds/:role", "vault PUT /v1/sys/leases/lookup", "vault GET /v1/sys/leases/lookup/*prefix?list"},
		postgres: true,
		want: `
			lease: of the role true, renewable true, an hour true
			user: named as it should true, a password of 20 true, enters
			another: another user true, enters
			looked up: renewable true, path ID/creds/app, last renewal false
			listed: 2, both true
			folders: [app/]
			unknown role: 400 ["unknown role: nope"]
			role not allowed: 500 ["1 error occurred: * \"stranger\" is not an allowed role"]
			statements that fail: 500, password told false, users 2
			a longest life below the lease's: 60 s, warned true`,
		run: func(p *probe) {
			address := p.engine()
			p.role("app")
			s := p.creds("app")
			p.say("lease: of the role %t, renewable %t, an hour %t", strings.HasPrefix(s.LeaseID, p.id+"/creds/app/"), s.Renewable, about(s.LeaseDuration, time.Hour))
			name, password := s.Data["username"].(string), s.Data["password"].(string)
			p.say("user: named as it should %t, a password of 20 %t, %s", username.MatchString(name), len(password) == 20, p.enters(s))
			other := p.creds("app")
			p.say("another: another user %t, %s", other.Data["username"] != s.Data["username"], p.enters(other))
			p.say("looked up: %s", p.lookup(s.LeaseID))
			list, err := p.vault.Logical().ListWithContext(p.ctx, "sys/leases/lookup/"+p.id+"/creds/app")
			p.check(err)
			keys := list.Data["keys"].([]any)
			last := func(s *vaultapi.Secret) any { return strings.TrimPrefix(s.LeaseID, p.id+"/creds/app/") }
			p.say("listed: %d, both %t", len(keys), slices.Contains(keys, last(s)) && slices.Contains(keys, last(other)))
			p.say("folders: %s", p.listed("sys/leases/lookup/"+p.id+"/creds"))
			p.say("unknown role: %s", one(p.vault.Logical().ReadWithContext(p.ctx, p.id+"/creds/nope")))
			p.role("stranger")
			p.say("role not allowed: %s", one(p.vault.Logical().ReadWithContext(p.ctx, p.id+"/creds/stranger")))
			p.role("other-broken", "creation_statements", []string{creation, `GRANT no_such_role TO "{{name}}"`})
			said := one(p.vault.Logical().ReadWithContext(p.ctx, p.id+"/creds/other-broken"))
			p.say("statements that fail: %s, password told %t, users %d", said[:3], strings.Contains(said, "PASSWORD"), p.users(address))
			p.role("other-short", "max_ttl", "1m")
			s = p.creds("other-short")
			p.say("a longest life below the lease's: %d s, warned %t", s.LeaseDuration, len(s.Warnings) == 1 && strings.Contains(s.Warnings[0], `TTL of "1h" exceeded the effective max_ttl of "1m"`))
		},
	},
	{
		name:     "Vault: the password of a connection's own user is rotated",
		calls:    []string{"vault PUT /v1/:mount/rotate-root/:name"},
		postgres: true,
		want: `
			before: enters
			after: 28P01
			credentials: enters
			of nothing: 500, no entry true`,
		run: func(p *probe) {
			p.engine()
			p.role("app")
			admin := &vaultapi.Secret{Data: map[string]any{"username": p.id + "_admin", "password": "first-password"}}
			p.say("before: %s", p.enters(admin))
			p.check(p.give("rotate-root/db", nil))
			p.say("after: %s", p.enters(admin))
			p.say("credentials: %s", p.enters(p.creds("app")))
			said := refusal(p.give("rotate-root/nope", nil))
			p.say("of nothing: %s, no entry %t", said[:3], strings.Contains(said, "failed to find entry for connection with name"))
		},
	},
}

// none reads what should not be there.
func (p *probe) none(path string) string {
	s, err := p.vault.Logical().ReadWithContext(p.ctx, p.id+"/"+path)
	if err != nil {
		return refusal(err)
	}
	if s == nil {
		return "none"
	}
	return "there"
}
