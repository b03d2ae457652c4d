package integration_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/crumpet-paas/crumpet/server/devstack"
)

// database is the PostgreSQL of a stack, seen by its superuser.
type database struct {
	d        *dev
	address  string
	password string
}

// startDatabases is startDev with the machine's PostgreSQL.
func startDatabases(t testing.TB, args ...string) (*dev, *database) {
	t.Helper()
	if missing := devstack.FindPostgres().Missing; missing != "" {
		t.Skip(missing)
	}
	d := startDev(t, append([]string{"--postgres", "auto"}, args...)...)
	t.Cleanup(func() {
		if text, err := os.ReadFile(filepath.Join(d.dir, "postgres", "postgres.log")); t.Failed() && err == nil {
			t.Logf("postgres said:\n%s", text[max(0, len(text)-4000):])
		}
	})
	return d, d.database()
}

func (d *dev) database() *database {
	d.t.Helper()
	var info struct{ Postgres string }
	var keys struct {
		Password string `json:"superuser_password"`
	}
	for name, into := range map[string]any{"dev.json": &info, "postgres/keys.json": &keys} {
		text, err := os.ReadFile(filepath.Join(d.dir, name))
		if err == nil {
			err = json.Unmarshal(text, into)
		}
		if err != nil {
			d.t.Fatal(err)
		}
	}
	return &database{d, info.Postgres, keys.Password}
}

// list asks the superuser for texts.
func (p *database) list(query string, args ...any) []string {
	p.d.t.Helper()
	u, err := url.Parse(p.address)
	if err != nil {
		p.d.t.Fatal(err)
	}
	u.User, u.RawQuery = url.UserPassword("postgres", p.password), "sslmode=disable"
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, u.String())
	if err != nil {
		p.d.t.Fatal(err)
	}
	defer conn.Close(ctx) //nolint:errcheck // a reader
	rows, err := conn.Query(ctx, query, args...)
	if err != nil {
		p.d.t.Fatal(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		p.d.t.Fatal(err)
	}
	return list
}

// users are those that Vault made for a generation of an app's binding db.
func (p *database) users(app string, generation int) []string {
	p.d.t.Helper()
	return p.list("SELECT rolname::text FROM pg_roles WHERE pg_catalog.shobj_description(oid, 'pg_authid') = $1 ORDER BY 1",
		fmt.Sprintf("Crumpet: binding db of app %s of team default, generation %d", app, generation))
}

// everyUser are all that Vault made and has not ended.
func (p *database) everyUser() []string {
	p.d.t.Helper()
	return p.list("SELECT rolname::text FROM pg_roles WHERE rolname LIKE 'v-%' ORDER BY 1")
}

// session is a connection with a program's credentials.
func session(t testing.TB, address string) (*pgx.Conn, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, address)
	if err == nil {
		t.Cleanup(func() { _ = conn.Close(context.Background()) }) // it may have been ended
	}
	return conn, err
}

// credentials are the addresses that the instances of an app have: what a file holds, or DATABASE_URL.
func (d *dev) credentials(app, file string) (addresses []string) {
	d.t.Helper()
	script := `printf %s "$DATABASE_URL"`
	if file != "" {
		script = "cat " + file
	}
	for _, i := range d.status(app).Instances {
		if i.State != "running" {
			continue
		}
		address := d.ok(d.home, "exec", app, "--instance", i.ID[:8], "--", "sh", "-c", script)
		if u, err := url.Parse(strings.TrimSpace(address)); err != nil || u.User == nil {
			d.t.Fatalf("instance %s of %s has no address of a database", i.ID, app)
		}
		addresses = append(addresses, strings.TrimSpace(address))
	}
	slices.Sort(addresses)
	return addresses
}

// refused says that a credential opens nothing any more.
func (p *database) refused(address string) {
	p.d.t.Helper()
	if conn, err := session(p.d.t, address); err == nil {
		p.d.t.Errorf("credentials that have ended still open the database")
		_ = conn.Close(context.Background()) // it should not be there
	} else if !strings.Contains(err.Error(), "28P01") && !strings.Contains(err.Error(), "28000") {
		p.d.t.Errorf("credentials that have ended are refused for another reason: %v", err)
	}
}
