package vault_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/store/pgtest"
)

// database is a PostgreSQL's, with an account that Vault makes users by.
type database struct {
	address string // as superuser
	bare    string // without user and password
	account string
}

const accountPassword = `not-to-be-seen "%/@ä'`

func newDatabase(t *testing.T) database {
	t.Helper()
	address := pgtest.Start(t).Database(t)
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	d := database{address: address, account: "account_" + strings.TrimPrefix(u.Path, "/")}
	u.User = nil
	u.Scheme, u.RawQuery = "postgresql", "sslmode=disable"
	d.bare = u.String()
	pgtest.Exec(t.Context(), t, address, fmt.Sprintf("CREATE ROLE %s LOGIN CREATEROLE PASSWORD '%s'", d.account, strings.ReplaceAll(accountPassword, "'", "''")))
	return d
}

func (d database) connection(name, password string) paas.DatabaseConnection {
	return paas.DatabaseConnection{
		Name: name, URL: d.bare, Username: d.account, Password: paas.NewSecret(password), Roles: []string{"crumpet-alpha--shop--*"},
	}
}

// login is nil where the database lets somebody in.
func (d database) login(t *testing.T, user, password string) error {
	t.Helper()
	u, err := url.Parse(d.bare)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(user, password)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, u.String())
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}

func role(generation int) paas.DatabaseRole {
	return paas.DatabaseRole{
		Name: fmt.Sprintf("crumpet-alpha--shop--db--%d", generation), Connection: "crumpet-pg", TTL: time.Hour, Max: 2 * time.Hour,
		Create: []string{`CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'`},
		Revoke: []string{`DROP ROLE IF EXISTS "{{name}}"`},
	}
}

func TestDatabaseUsersAreMadeCountedAndEnded(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, v *target) {
		ctx, d := t.Context(), newDatabase(t)
		check := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		wantError(t, v.crumpet.PutDatabase(ctx, d.connection("crumpet-pg", accountPassword)), paas.Unavailable, "mounted at database/", "vault secrets enable -path=database database")
		v.must("POST", "sys/mounts/database", map[string]any{"type": "database"}, nil)
		_, err := v.crumpet.Database(ctx, "crumpet-pg")
		wantError(t, err, paas.NotFound)
		check(v.crumpet.PutDatabase(ctx, d.connection("crumpet-pg", accountPassword)))
		got, err := v.crumpet.Database(ctx, "crumpet-pg")
		check(err)
		if got.URL != d.bare || got.Username != d.account || !got.Password.Empty() || len(got.Roles) != 1 {
			t.Errorf("the connection is %+v", got)
		}

		check(v.crumpet.RotateDatabase(ctx, "crumpet-pg"))
		if d.login(t, d.account, accountPassword) == nil {
			t.Error("the password that was given still opens the database")
		}
		got.Roles = append(got.Roles, "crumpet-alpha--store--*")
		check(v.crumpet.PutDatabase(ctx, got)) // without a password: Vault's own is kept

		for _, r := range []paas.DatabaseRole{role(1), role(10)} {
			check(v.crumpet.PutDatabaseRole(ctx, r))
		}
		var users []paas.DatabaseUser
		for _, generation := range []int{1, 1, 1, 10} {
			u, err := v.crumpet.Credentials(ctx, role(generation).Name)
			check(err)
			if u.TTL < 59*time.Minute || u.TTL > time.Hour {
				t.Errorf("a credential lives for %s", u.TTL)
			}
			if err := d.login(t, u.Username, u.Password.Reveal()); err != nil {
				t.Errorf("a credential does not open the database: %v", err)
			}
			users = append(users, u)
		}
		count := func(generation, want int) {
			t.Helper()
			b := paas.Binding{Team: "alpha", App: "shop", Name: "db"}
			if n, err := v.crumpet.Leases(ctx, b, generation); err != nil || n != want {
				t.Errorf("generation %d has %d users, %v; want %d", generation, n, err, want)
			}
		}
		count(1, 3)
		count(2, 0)
		check(v.crumpet.RevokeLease(ctx, users[0].Lease))
		count(1, 2)

		for range 2 { // a role that is gone is as wanted
			check(v.crumpet.DeleteDatabaseRole(ctx, role(1).Name))
		}
		_, err = v.crumpet.Credentials(ctx, role(1).Name)
		wantError(t, err, paas.NotFound, role(1).Name)
		for range 2 {
			check(v.crumpet.RevokeCredentials(ctx, role(1).Name)) // also of a role that is gone
		}
		check(v.crumpet.RevokeLease(ctx, users[0].Lease))
		count(1, 0)
		count(10, 1)
		for i, u := range users {
			if alive := d.login(t, u.Username, u.Password.Reveal()) == nil; alive != (i == 3) {
				t.Errorf("user %d: opens the database: %t", i, alive)
			}
		}
		check(v.crumpet.RevokeCredentials(ctx, role(10).Name))
		for range 2 {
			check(v.crumpet.DeleteDatabase(ctx, "crumpet-pg"))
		}
		_, err = v.crumpet.Database(ctx, "crumpet-pg")
		wantError(t, err, paas.NotFound)
	})
}

func TestADatabaseThatRefusesIsExplainedWithoutItsPassword(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, v *target) {
		ctx, d := t.Context(), newDatabase(t)
		v.must("POST", "sys/mounts/database", map[string]any{"type": "database"}, nil)
		wrong := d.connection("crumpet-pg", "not-to-be-seen/"+accountPassword)
		wantError(t, v.crumpet.PutDatabase(ctx, wrong), paas.Invalid, "refuses the password", d.account, "127.0.0.1:")
		away := d.connection("crumpet-pg", accountPassword)
		away.URL = "postgresql://" + freeAddress(t) + "/postgres?sslmode=disable&connect_timeout=3"
		wantError(t, v.crumpet.PutDatabase(ctx, away), paas.Unavailable, "nobody listens there")
		plain := d.connection("crumpet-pg", accountPassword)
		plain.URL = strings.Replace(d.bare, "sslmode=disable", "sslmode=require", 1)
		wantError(t, v.crumpet.PutDatabase(ctx, plain), paas.Invalid, "sslmode=disable")
		named := d.connection("crumpet-pg", accountPassword)
		named.URL = strings.Replace(d.bare, "://", "://u:not-to-be-seen@", 1)
		wantError(t, v.crumpet.PutDatabase(ctx, named), paas.Invalid, "without user and password")
		if _, err := v.crumpet.Database(ctx, "crumpet-pg"); paas.CodeOf(err) != paas.NotFound {
			t.Errorf("a connection that was refused is kept: %v", err)
		}

		good := d.connection("crumpet-pg", accountPassword)
		if err := v.crumpet.PutDatabase(ctx, good); err != nil {
			t.Fatal(err)
		}
		r := role(1)
		r.Create = []string{`CREATE DATABASE "{{name}}-{{password}}"`, `CREATE ROLE "{{name}}" SUPERUSER`}
		if err := v.crumpet.PutDatabaseRole(ctx, r); err != nil {
			t.Fatal(err)
		}
		_, err := v.crumpet.Credentials(ctx, r.Name)
		if err == nil {
			t.Fatal("the account may make databases")
		}
		wantError(t, err, paas.CodeOf(err))
		if n, err := v.crumpet.CountCredentials(ctx, r.Name); err != nil || n != 0 {
			t.Errorf("a user that could not be made leaves %d leases, %v", n, err)
		}
	})
}

func TestNamesThatLeadElsewhereAreRefused(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, v *target) {
		ctx := t.Context()
		for _, name := range []string{"", "crumpet-", "crumpet", "pg", "crumpet-../x", "crumpet-a/b", "crumpet-A", "crumpet-a*", "crumpet-a b", "crumpet-a%2fb", "crumpet-a?x=y"} {
			_, readErr := v.crumpet.Database(ctx, name)
			_, credsErr := v.crumpet.Credentials(ctx, name)
			_, countErr := v.crumpet.CountCredentials(ctx, name)
			for _, err := range []error{
				v.crumpet.PutDatabase(ctx, paas.DatabaseConnection{Name: name, URL: "postgresql://127.0.0.1:1/x"}), readErr, v.crumpet.RotateDatabase(ctx, name),
				v.crumpet.DeleteDatabase(ctx, name), v.crumpet.PutDatabaseRole(ctx, paas.DatabaseRole{Name: name}), v.crumpet.DeleteDatabaseRole(ctx, name),
				credsErr, countErr, v.crumpet.RevokeCredentials(ctx, name), v.crumpet.RevokeLease(ctx, "database/creds/"+strings.TrimPrefix(name, "crumpet-")),
			} {
				wantError(t, err, paas.Invalid)
			}
		}
	})
}
