package integration_test

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestGuestbook: an app from the template has a database; each of its instances is a user of its own there,
// which belongs to the binding, and which is gone within five seconds of unbinding, with whoever is
// connected. The next push has it back, with what was written; the end of the app ends it again.
func TestGuestbook(t *testing.T) {
	t.Parallel()
	d, pg := startDatabases(t)
	home := t.TempDir()
	if out := d.ok(home, "services", "catalog"); !strings.Contains(out, "postgres") || !strings.Contains(out, "standard") {
		t.Fatalf("the catalog:\n%s", out)
	}
	d.ok(home, "init", "--template", "guestbook", "book")
	app := filepath.Join(home, "book")
	d.ok(app, "push")
	d.signs("book", "Ada", "the first")

	users := pg.users("book", 1)
	if len(users) != 2 {
		t.Fatalf("two instances are %d users of the database: %v", len(users), users)
	}
	if diff := pg.list("SELECT DISTINCT a.usename::text FROM pg_stat_activity a WHERE a.usename LIKE 'v-%' ORDER BY 1"); !slices.Equal(diff, users) {
		t.Errorf("%v are connected, want %v", diff, users)
	}
	if code, page := d.page("book.localhost", "/"); code != http.StatusOK || !slices.ContainsFunc(users, func(u string) bool { return strings.Contains(page, u) }) {
		t.Errorf("the page answers %d and does not say by which user:\n%s", code, page)
	}
	addresses := d.credentials("book", "")
	if len(addresses) != 2 || addresses[0] == addresses[1] {
		t.Fatalf("two instances have %d credentials", len(addresses))
	}
	conn, err := session(t, addresses[0])
	if err != nil {
		t.Fatal(err)
	}

	began := time.Now()
	done := make(chan result, 1)
	go func() { done <- d.cli(d.home, "services", "unbind", "book-db", "--app", "book") }()
	d.until(time.Minute, "no user of the binding is left", func() bool { return len(pg.everyUser()) == 0 })
	took := time.Since(began)
	t.Logf("gone %s after unbinding began", took.Round(time.Millisecond))
	if took > 5*time.Second {
		t.Errorf("the users were gone after %s, want 5 s", took)
	}
	if err := conn.Ping(context.Background()); err == nil {
		t.Error("a connection outlived its user")
	}
	for _, address := range addresses {
		pg.refused(address)
	}
	// The guestbook can't do without, so the walk that takes the variable away from it fails, and is told.
	if r := <-done; !strings.Contains(r.out, "no credentials") || !strings.Contains(r.errOut, "DATABASE_URL is not set") {
		t.Errorf("unbind: %s", r)
	}
	if r := d.cli(d.home, "services", "unbind", "book-db", "--app", "book"); r.code != 0 {
		t.Errorf("unbinding again: %s", r)
	}

	d.ok(app, "push", "--supersede")
	if _, page := d.page("book.localhost", "/"); !strings.Contains(page, "the first") {
		t.Errorf("what was written is gone:\n%s", page)
	}
	if n := len(pg.everyUser()); n != 2 {
		t.Errorf("bound again, two instances are %d users", n)
	}
	for _, address := range addresses {
		pg.refused(address)
	}

	if r := d.cli(d.home, "services", "delete", "book-db", "--confirm", "book-db"); r.code == 0 || !strings.Contains(r.errOut, "book") {
		t.Errorf("an instance that is bound was deleted: %s", r)
	}
	began = time.Now()
	d.ok(d.home, "destroy", "book", "--yes")
	d.until(time.Minute, "no user is left of an app that is gone", func() bool { return len(pg.everyUser()) == 0 })
	t.Logf("gone %s after the app's end began", time.Since(began).Round(time.Millisecond))
	databases := func() []string {
		return pg.list("SELECT datname::text FROM pg_database WHERE datname LIKE 'crumpet%' UNION ALL SELECT rolname::text FROM pg_roles WHERE rolname LIKE 'crumpet\\_%\\_%'")
	}
	if left := databases(); len(left) != 3 {
		t.Errorf("the instance is kept when its app goes: want a database and two roles, got %v", left)
	}
	d.ok(d.home, "services", "delete", "book-db", "--confirm", "book-db")
	d.until(time.Minute, "nothing is left of the instance", func() bool { return len(databases()) == 0 })
}

// signs writes into a guestbook, and sees it there.
func (d *dev) signs(app, name, text string) {
	d.t.Helper()
	form := url.Values{"name": {name}, "text": {text}}
	req, err := http.NewRequestWithContext(d.t.Context(), http.MethodPost, d.info.Router+"/", strings.NewReader(form.Encode()))
	if err != nil {
		d.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Host = app + ".localhost:" + req.URL.Port() // as a browser sends it
	client := &http.Client{Timeout: 10 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	defer answer.Body.Close() //nolint:errcheck // nothing is read
	if answer.StatusCode != http.StatusSeeOther {
		d.t.Errorf("signing answers %d", answer.StatusCode)
	}
	if code, page := d.page(app+".localhost", "/"); code != http.StatusOK || !strings.Contains(page, text) {
		d.t.Errorf("what was signed is not shown: %d\n%s", code, page)
	}
}

// TestAbsentDatabases: where dev has no PostgreSQL, the catalog has its offering all the same, and says why
// it can't be had; so does a push that wants it. It is there again with the PostgreSQL.
func TestAbsentDatabases(t *testing.T) {
	t.Parallel()
	d, pg := startDatabases(t)
	home := t.TempDir()
	d.ok(home, "init", "--template", "guestbook", "book")
	d.stop()
	address, err := url.Parse(pg.address)
	if err != nil {
		t.Fatal(err)
	}
	taken, err := net.Listen("tcp", address.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close() //nolint:errcheck // it may be closed below
	d.start()
	const why = "is taken by another program"
	for _, args := range [][]string{{"services", "catalog"}, {"services", "catalog", "postgres"}} {
		if out := d.ok(home, args...); !strings.Contains(out, "standard") || !strings.Contains(out, why) {
			t.Errorf("crumpet %s does not say why:\n%s", strings.Join(args, " "), out)
		}
	}
	if r := d.cli(filepath.Join(home, "book"), "push"); r.code == 0 || !strings.Contains(r.errOut, why) {
		t.Errorf("push: %s", r)
	}
	d.stop()
	if err := taken.Close(); err != nil {
		t.Fatal(err)
	}
	d.start()
	if out := d.ok(home, "services", "catalog"); strings.Contains(out, why) {
		t.Errorf("the catalog:\n%s", out)
	}
	d.ok(home, "services", "create", "notes", "--offering", "postgres", "--plan", "small")
	if out := d.ok(home, "services", "list"); !strings.Contains(out, "ready") {
		t.Errorf("the instance:\n%s", out)
	}
}
