package conformance_test

import (
	"fmt"
	"strings"
	"time"

	vaultapi "github.com/hashicorp/vault/api"
	"github.com/jackc/pgx/v5"
)

// within says whether a user may log in until end, or a few seconds longer.
func (p *probe) within(address string, user any, end time.Time) bool {
	conn, err := pgx.Connect(p.ctx, address)
	p.check(err)
	defer conn.Close(p.ctx) //nolint:errcheck // a reader
	var until time.Time
	p.check(conn.QueryRow(p.ctx, "SELECT rolvaliduntil FROM pg_roles WHERE rolname = $1", user).Scan(&until))
	over := until.Sub(end)
	return over > 0 && over < 10*time.Second
}

var leaseRows = []row{
	{
		name:     "Vault: a lease is renewed up to its longest life, and not when it is gone",
		calls:    []string{"vault PUT /v1/sys/leases/renew", "vault PUT /v1/sys/leases/revoke/*id"},
		postgres: true,
		want: `
			renewed: the same lease true, renewable true, 100 s
			as it was: an hour true
			too long: two hours true, warned true
			looked up: renewable true, path ID/creds/app, last renewal true
			its user: until the lease ends or a little later true
			its role is gone: 400, no role true
			revoked: 400 ["lease not found"]
			never there: 400 ["lease not found"]
			no id: 400 ["lease_id must be specified"]`,
		run: func(p *probe) {
			address := p.engine()
			p.role("app")
			s := p.creds("app")
			renew := func(increment int) *vaultapi.Secret {
				r, err := p.vault.Sys().RenewWithContext(p.ctx, s.LeaseID, increment)
				p.check(err)
				return r
			}
			r := renew(100)
			p.say("renewed: the same lease %t, renewable %t, %d s", r.LeaseID == s.LeaseID, r.Renewable, r.LeaseDuration)
			p.say("as it was: an hour %t", about(renew(0).LeaseDuration, time.Hour))
			r = renew(86400)
			p.say("too long: two hours %t, warned %t", about(r.LeaseDuration, 2*time.Hour), len(r.Warnings) == 1 && strings.Contains(r.Warnings[0], `exceeded the effective max_ttl`))
			p.say("looked up: %s", p.lookup(s.LeaseID))
			l, err := p.vault.Sys().LookupWithContext(p.ctx, s.LeaseID)
			p.check(err)
			end, err := time.Parse(time.RFC3339Nano, l.Data["expire_time"].(string))
			p.check(err)
			p.say("its user: until the lease ends or a little later %t", p.within(address, s.Data["username"], end))
			_, err = p.vault.Logical().DeleteWithContext(p.ctx, p.id+"/roles/app")
			p.check(err)
			said := one(p.vault.Sys().RenewWithContext(p.ctx, s.LeaseID, 100))
			p.say("its role is gone: %s, no role %t", said[:3], strings.Contains(said, "could not find role with name"))
			p.check(p.vault.Sys().RevokeWithOptionsWithContext(p.ctx, &vaultapi.RevokeOptions{LeaseID: s.LeaseID, Sync: true}))
			p.say("revoked: %s", one(p.vault.Sys().RenewWithContext(p.ctx, s.LeaseID, 100)))
			p.say("never there: %s", one(p.vault.Sys().RenewWithContext(p.ctx, p.id+"/creds/app/nothing", 100)))
			p.say("no id: %s", one(p.vault.Sys().RenewWithContext(p.ctx, "", 100)))
		},
	},
	{
		name: "Vault: what is revoked is gone from the database",
		calls: []string{
			"vault PUT /v1/sys/leases/revoke", "vault PUT /v1/sys/leases/revoke/*id", "vault PUT /v1/sys/leases/revoke-prefix/*prefix", "vault PUT /v1/sys/leases/revoke-force/*prefix",
		},
		postgres: true,
		want: `
			at once: users 1, the lease 400 ["invalid lease"], its user 28P01
			again: <nil>
			by and by: gone true
			by a part of a name: users 2
			by prefix: users 0
			a prefix of nothing: <nil>
			by Vault's own statements: users 0, a connection that is open goes on true
			statements that fail: 400, told true, users 1
			put right: users 0
			forgotten by force: the lease 400 ["invalid lease"], users 1
			unmounted: users 1`,
		run: func(p *probe) {
			address := p.engine()
			p.role("app")
			at := func(id string) error {
				return p.vault.Sys().RevokeWithOptionsWithContext(p.ctx, &vaultapi.RevokeOptions{LeaseID: id, Sync: true})
			}
			first, second := p.creds("app"), p.creds("app")
			p.check(at(first.LeaseID))
			p.say("at once: users %d, the lease %s, its user %s", p.users(address), p.lookup(first.LeaseID), p.enters(first))
			p.say("again: %v", at(first.LeaseID))
			p.check(p.vault.Sys().RevokeWithContext(p.ctx, second.LeaseID))
			p.until("the user is gone", func() bool { return p.users(address) == 0 })
			p.say("by and by: gone true")
			p.creds("app")
			p.creds("app")
			prefix := &vaultapi.RevokeOptions{LeaseID: p.id + "/creds/app", Prefix: true, Sync: true}
			p.check(p.vault.Sys().RevokePrefixWithContext(p.ctx, p.id+"/creds/ap"))
			p.say("by a part of a name: users %d", p.users(address))
			p.check(p.vault.Sys().RevokeWithOptionsWithContext(p.ctx, prefix))
			p.say("by prefix: users %d", p.users(address))
			p.say("a prefix of nothing: %v", p.vault.Sys().RevokeWithOptionsWithContext(p.ctx, prefix))

			p.sql(address, "CREATE SCHEMA extra; CREATE TABLE extra.t (n int); CREATE TABLE t (n int)")
			p.role("other-own", "revocation_statements", []string{}, "creation_statements",
				`CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}'; GRANT USAGE ON SCHEMA extra TO "{{name}}"; GRANT ALL ON extra.t, t TO "{{name}}"`)
			own := p.creds("other-own")
			conn, err := pgx.Connect(p.ctx, fmt.Sprintf("postgresql://%s:%s@127.0.0.1:%d/%s", own.Data["username"], own.Data["password"], p.postgres.Port, p.id))
			p.check(err)
			p.later(func() { _ = conn.Close(p.ctx) })
			p.check(at(own.LeaseID))
			p.say("by Vault's own statements: users %d, a connection that is open goes on %t", p.users(address), conn.Ping(p.ctx) == nil)

			p.role("app", "revocation_statements", `DROP ROLE "{{name}}"`) // it may not go while it has privileges
			third := p.creds("app")
			said := refusal(at(third.LeaseID))
			p.say("statements that fail: %s, told %t, users %d", said[:3], strings.Contains(said, "failed to revoke entry"), p.users(address))
			p.role("app")
			p.check(at(third.LeaseID))
			p.say("put right: users %d", p.users(address))
			p.role("app", "revocation_statements", `DROP ROLE "{{name}}"`)
			fourth := p.creds("app")
			p.check(p.vault.Sys().RevokeForceWithContext(p.ctx, p.id+"/creds/app"))
			p.say("forgotten by force: the lease %s, users %d", p.lookup(fourth.LeaseID), p.users(address))
			p.role("app")
			p.creds("app")
			p.check(p.vault.Sys().UnmountWithContext(p.ctx, p.id))
			p.say("unmounted: users %d", p.users(address))
		},
	},
	{
		name: "Vault: a lease ends with the token that asked for it, and only who may can ask",
		calls: []string{
			"vault GET /v1/:mount/creds/:role", "vault PUT /v1/auth/token/revoke-self", "vault PUT /v1/sys/leases/renew", "vault PUT /v1/sys/leases/revoke-prefix/*prefix",
		},
		postgres: true,
		want: `
			its own role: enters
			another role: 403 ["1 error occurred: * permission denied"]
			the connection: 403 ["1 error occurred: * permission denied"]
			renewed without the default policy: 403 ["1 error occurred: * permission denied"]
			renewed with it: done
			a prefix without sudo: 403 ["1 error occurred: * permission denied"]
			a token's last use: 400, not given true
			its token revoked: the user gone true, the lease 400 ["invalid lease"]
			its parent revoked: the user gone true
			at the end of its lease: the user gone true`,
		run: func(p *probe) {
			address := p.engine()
			p.role("app")
			p.role("other-x")
			p.check(p.vault.Sys().PutPolicyWithContext(p.ctx, p.id, `
				path "`+p.id+`/creds/app" { capabilities = ["read"] }
				path "sys/leases/revoke-prefix/`+p.id+`/*" { capabilities = ["update"] }
				path "auth/token/create" { capabilities = ["update"] }
				path "auth/token/revoke-self" { capabilities = ["update"] }`))
			p.later(func() { _ = p.vault.Sys().DeletePolicyWithContext(p.ctx, p.id) })
			p.later(func() { p.vault.SetToken(p.vaultToken) })
			child := func() string {
				made, err := p.vault.Auth().Token().CreateWithContext(p.ctx, &vaultapi.TokenCreateRequest{Policies: []string{p.id}, NoDefaultPolicy: true, TTL: "5m"})
				p.check(err)
				return made.Auth.ClientToken
			}
			p.vault.SetToken(child())
			s := p.creds("app")
			p.say("its own role: %s", p.enters(s))
			p.say("another role: %s", one(p.vault.Logical().ReadWithContext(p.ctx, p.id+"/creds/other-x")))
			p.say("the connection: %s", one(p.vault.Logical().ReadWithContext(p.ctx, p.id+"/config/db")))
			p.say("renewed without the default policy: %s", one(p.vault.Sys().RenewWithContext(p.ctx, s.LeaseID, 100)))
			own := p.vault.Token()
			p.vault.SetToken(p.vaultToken)
			made, err := p.vault.Auth().Token().CreateWithContext(p.ctx, &vaultapi.TokenCreateRequest{Policies: []string{"default"}, TTL: "5m"})
			p.check(err)
			p.vault.SetToken(made.Auth.ClientToken)
			p.say("renewed with it: %s", one(p.vault.Sys().RenewWithContext(p.ctx, s.LeaseID, 100)))
			p.vault.SetToken(own)
			p.say("a prefix without sudo: %s", refusal(p.vault.Sys().RevokePrefixWithContext(p.ctx, p.id+"/creds/app")))
			p.vault.SetToken(p.vaultToken)
			made, err = p.vault.Auth().Token().CreateWithContext(p.ctx, &vaultapi.TokenCreateRequest{Policies: []string{p.id}, NoDefaultPolicy: true, TTL: "5m", NumUses: 1})
			p.check(err)
			p.vault.SetToken(made.Auth.ClientToken)
			said := one(p.vault.Logical().ReadWithContext(p.ctx, p.id+"/creds/app"))
			p.say("a token's last use: %s, not given %t", said[:3], strings.Contains(said, "Secret cannot be returned"))
			p.vault.SetToken(own)
			p.check(p.vault.Auth().Token().RevokeSelfWithContext(p.ctx, ""))
			p.vault.SetToken(p.vaultToken)
			gone := func() bool { return p.users(address) == 0 }
			p.until("the user is gone with its token", gone)
			p.until("the lease is gone too", func() bool { return strings.HasPrefix(p.lookup(s.LeaseID), "400") })
			p.say("its token revoked: the user gone true, the lease %s", p.lookup(s.LeaseID))

			parent := child()
			p.vault.SetToken(parent)
			p.vault.SetToken(child())
			p.creds("app")
			p.vault.SetToken(p.vaultToken)
			p.check(p.vault.Auth().Token().RevokeTreeWithContext(p.ctx, parent))
			p.until("the user is gone with the parent of its token", gone)
			p.say("its parent revoked: the user gone true")

			p.role("app", "default_ttl", "1s")
			p.creds("app")
			p.until("the user is gone with its lease", gone)
			p.say("at the end of its lease: the user gone true")
		},
	},
	{
		name:     "Vault: while a database is away nothing is issued, renewed or revoked",
		calls:    []string{"vault GET /v1/:mount/creds/:role", "vault PUT /v1/sys/leases/renew", "vault PUT /v1/sys/leases/revoke/*id", "vault DELETE /v1/sys/mounts/:mount"},
		postgres: true,
		want: `
			issued: 500, cited false
			renewed: 400
			revoked: 400
			the lease: renewable true, path ID/creds/app, last renewal false, its user enters
			back: users 0
			unmounted: 400
			from then on: 404, tainted true, still listed true
			after force: listed false, users 1`,
		run: func(p *probe) {
			address := p.engine()
			p.role("app")
			s := p.creds("app")
			away := p.connection("db")
			away["connection_url"], away["verify_connection"] = "postgresql://{{username}}:{{password}}@127.0.0.1:1/none", false
			p.check(p.give("config/db", away))
			said := one(p.vault.Logical().ReadWithContext(p.ctx, p.id+"/creds/app"))
			p.say("issued: %s, cited %t", said[:3], strings.Contains(said, "first-password"))
			p.say("renewed: %s", one(p.vault.Sys().RenewWithContext(p.ctx, s.LeaseID, 100))[:3])
			at := &vaultapi.RevokeOptions{LeaseID: s.LeaseID, Sync: true}
			p.say("revoked: %s", refusal(p.vault.Sys().RevokeWithOptionsWithContext(p.ctx, at))[:3])
			p.say("the lease: %s, its user %s", p.lookup(s.LeaseID), p.enters(s))
			p.check(p.give("config/db", p.connection("db")))
			p.check(p.vault.Sys().RevokeWithOptionsWithContext(p.ctx, at))
			p.say("back: users %d", p.users(address))
			p.creds("app")
			p.check(p.give("config/db", away))
			p.say("unmounted: %s", refusal(p.vault.Sys().UnmountWithContext(p.ctx, p.id))[:3])
			said = refusal(p.give("config/db", p.connection("db")))
			listed := func() bool {
				all, err := p.vault.Sys().ListMountsWithContext(p.ctx)
				p.check(err)
				return all[p.id+"/"] != nil
			}
			p.say("from then on: %s, tainted %t, still listed %t", said[:3], strings.Contains(said, "tainted"), listed())
			p.check(p.vault.Sys().RevokeForceWithContext(p.ctx, p.id))
			p.check(p.vault.Sys().UnmountWithContext(p.ctx, p.id))
			p.say("after force: listed %t, users %d", listed(), p.users(address))
		},
	},
}
