package vault_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	vaultapi "github.com/hashicorp/vault/api"

	"github.com/crumpet-paas/crumpet/server/store/pgtest"
)

func unsealKey(t testing.TB, data string) string {
	t.Helper()
	key, err := os.ReadFile(filepath.Join(data, "unseal.key"))
	check(t, err)
	return strings.TrimSpace(string(key))
}

func TestLeasesExpire(t *testing.T) {
	t.Parallel()
	e := newEngine(t, pgtest.Start(t))
	check(t, e.Sys().PutPolicy("app", `path "db/creds/*" { capabilities = ["read"] }`))
	owner := e.as(t, &vaultapi.TokenCreateRequest{Policies: []string{"app"}, TTL: "30m"})
	orphaned, plain, renewed := creds(t, owner, "app"), creds(t, e.Client, "app"), creds(t, e.Client, "app")
	e.clock.add(29 * time.Minute)
	if _, err := e.Sys().Renew(renewed.LeaseID, 3600); err != nil {
		t.Fatal(err)
	}
	e.clock.add(2 * time.Minute)
	until(t, "the user goes whose token has expired", func() bool { return !e.there(t, orphaned) })
	if !e.there(t, plain) || e.isRefused(t, plain) {
		t.Error("a user is gone before its time")
	}
	e.clock.add(30 * time.Minute)
	until(t, "the user goes whose lease has expired", func() bool { return !e.there(t, plain) })
	_, err := e.Sys().Renew(renewed.LeaseID, 7200)
	check(t, err)
	l, err := e.Sys().Lookup(renewed.LeaseID)
	check(t, err)
	if ttl := l.Data["ttl"]; ttl == nil || !e.there(t, renewed) {
		t.Errorf("lease is %v", l.Data)
	}
	e.clock.add(time.Hour) // two hours and a minute since it began: its longest life
	until(t, "the user goes that can't be renewed any more", func() bool { return e.users(t) == 0 })
	_, err = e.Sys().Lookup(renewed.LeaseID)
	refused(t, err, 400, "invalid lease")
}

func TestLeasesSurviveARestart(t *testing.T) {
	t.Parallel()
	e := newEngine(t, pgtest.Start(t))
	check(t, e.role("long", map[string]any{"default_ttl": "2h"}))
	short, long := creds(t, e.Client, "app"), creds(t, e.Client, "long")
	root, c := e.Token(), e.clock
	e.stop()

	entries, err := os.ReadDir(e.data)
	check(t, err)
	for _, entry := range entries {
		raw, err := os.ReadFile(filepath.Join(e.data, entry.Name()))
		check(t, err)
		for _, secret := range []any{rootPassword, short.Data["username"], short.Data["password"], short.LeaseID, "postgresql", "CREATE ROLE"} {
			if bytes.Contains(raw, []byte(secret.(string))) {
				t.Errorf("%s contains %q", entry.Name(), secret)
			}
		}
	}

	c.add(90 * time.Minute)
	s := startAt(t, e.data, c)
	s.SetToken(root)
	until(t, "what expired while it was away is gone", func() bool { return !e.there(t, short) })
	if !e.there(t, long) {
		t.Error("a lease that has half an hour left is gone")
	}
	got, err := s.Sys().Renew(long.LeaseID, 7200)
	check(t, err)
	if got.LeaseDuration < 1700 || got.LeaseDuration > 1801 {
		t.Errorf("it was renewed for %d s, want the half hour that is left", got.LeaseDuration)
	}
	check(t, s.Sys().Unmount("db"))
	if n := e.users(t); n != 0 {
		t.Errorf("%d users are left without their mount", n)
	}
}

func TestACredentialThatWasCutOffByTheEndOfTheServerIsRevoked(t *testing.T) {
	t.Parallel()
	e := newEngine(t, pgtest.Start(t))
	l := e.latch(t)
	check(t, e.role("slow", map[string]any{"creation_statements": e.makeUser() + l.statement()}))
	// As a server of an earlier version had it: it knew no leases.
	check(t, e.Sys().PutPolicy("default", `
path "auth/token/lookup-self" { capabilities = ["read"] }
path "auth/token/renew-self" { capabilities = ["update"] }
path "auth/token/revoke-self" { capabilities = ["update"] }
path "sys/capabilities-self" { capabilities = ["update"] }
`))
	ended := background(func() error { _, err := e.Logical().Read("db/creds/slow"); return err })
	l.reached(t, e)
	data := t.TempDir()
	check(t, os.CopyFS(data, os.DirFS(e.data))) // what a server leaves that is killed now
	l.release(t)
	check(t, <-ended)
	if n := e.users(t); n != 1 {
		t.Fatalf("%d users are there", n)
	}
	s := startAt(t, data, e.clock)
	until(t, "the user nobody was told of is gone", func() bool { return e.users(t) == 0 })
	s.SetToken(e.Token())
	text, err := s.Sys().GetPolicy("default")
	check(t, err)
	if !strings.Contains(text, `path "sys/leases/renew"`) {
		t.Errorf("the default policy is still %s", text)
	}
}

func TestARevocationWaitsForItsDatabase(t *testing.T) {
	t.Parallel()
	e := newEngine(t, pgtest.Own(t))
	first, second := creds(t, e.Client, "app"), creds(t, e.Client, "app")
	check(t, e.cluster.Halt())
	sync := func(id string) error {
		return e.Sys().RevokeWithOptions(&vaultapi.RevokeOptions{LeaseID: id, Sync: true})
	}
	refused(t, sync(first.LeaseID), 400, "failed to revoke entry")
	for _, s := range []*vaultapi.Secret{first, second} {
		check(t, e.Sys().RevokeWithOptions(&vaultapi.RevokeOptions{LeaseID: s.LeaseID}))
	}
	for _, s := range []*vaultapi.Secret{first, second} {
		var why string
		until(t, "the lease says why it is still there", func() bool {
			l, err := e.Sys().Lookup(s.LeaseID)
			check(t, err)
			why, _ = l.Data["revoke_error"].(string)
			return why != ""
		})
		if strings.Contains(why, rootPassword) {
			t.Errorf("it says %q", why)
		}
		_, err := e.Sys().Renew(s.LeaseID, 60)
		refused(t, err, 400, "lease expired")
	}
	_, err := e.Logical().Read("db/creds/app")
	refused(t, err, 500, "failed to connect")
	refused(t, e.Sys().Unmount("db"), 400, "failed to revoke")
	check(t, e.cluster.Restart())
	if n := e.users(t); n != 2 {
		t.Fatalf("%d users are there, want 2", n)
	}
	e.clock.add(2 * time.Minute) // beyond the longest wait
	until(t, "the users are gone", func() bool {
		e.clock.add(2 * time.Minute) // a try that began before the restart may have failed since
		return e.users(t) == 0
	})
	until(t, "the leases are gone", func() bool {
		s, err := e.Logical().List("sys/leases/lookup/db/creds/app")
		check(t, err)
		return s == nil
	})
}

func TestARevocationIsTriedLaterAndLater(t *testing.T) {
	t.Parallel()
	e := newEngine(t, pgtest.Start(t))
	s := creds(t, e.Client, "app")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	var tries atomic.Int64
	ended := background(func() error {
		for {
			conn, err := l.Accept()
			if err != nil {
				return nil // closed
			}
			asked := make([]byte, 1024)
			_, readErr := conn.Read(asked)
			said := fmt.Sprintf("SFATAL\x00C57P03\x00Mtry %d\x00\x00", tries.Add(1)) // an ErrorResponse of PostgreSQL
			_, writeErr := conn.Write(append(binary.BigEndian.AppendUint32([]byte("E"), uint32(len(said)+4)), said...))
			if err := errors.Join(readErr, writeErr, conn.Close()); err != nil {
				return err
			}
		}
	})
	defer func() {
		check(t, l.Close())
		check(t, <-ended)
	}()
	check(t, e.write("config/main", map[string]any{
		"connection_url": "postgresql://{{username}}:{{password}}@" + l.Addr().String() + "/x?sslmode=disable", "verify_connection": false,
	}))
	check(t, e.Sys().RevokeWithOptions(&vaultapi.RevokeOptions{LeaseID: s.LeaseID}))
	for i, wait := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second} {
		want := int64(i + 1)
		until(t, "it is tried", func() bool {
			l, err := e.Sys().Lookup(s.LeaseID)
			check(t, err)
			why, _ := l.Data["revoke_error"].(string)
			return strings.Contains(why, fmt.Sprintf("try %d", want))
		})
		e.clock.add(wait - 10*time.Millisecond)
		for range 10 {
			check(t, e.Sys().PutPolicy("x", `path "x" {}`)) // each change has what is due looked for
		}
		if n := tries.Load(); n != want {
			t.Errorf("it was tried %d times, want %d", n, want)
		}
		e.clock.add(20 * time.Millisecond)
	}
}

func TestARevocationIsDoneOnce(t *testing.T) {
	t.Parallel()
	e := newEngine(t, pgtest.Start(t))
	// Statements that fail where there is no such user, as most do.
	check(t, e.role("app", map[string]any{"revocation_statements": `REVOKE USAGE ON SCHEMA public FROM "{{name}}"; DROP ROLE "{{name}}"`}))
	s := creds(t, e.Client, "app")
	var calls []<-chan error
	for range 5 {
		calls = append(calls, background(func() error {
			return client(t, e.url, e.Token()).Sys().RevokeWithOptions(&vaultapi.RevokeOptions{LeaseID: s.LeaseID, Sync: true})
		}))
	}
	for _, ended := range calls {
		check(t, <-ended)
	}
	s = creds(t, e.Client, "app")
	user, _ := s.Data["username"].(string)
	pgtest.Exec(t.Context(), t, e.address, `REVOKE USAGE ON SCHEMA public FROM "`+user+`"; DROP ROLE "`+user+`"`) // as one that was cut off after its commit
	check(t, e.Sys().RevokeWithOptions(&vaultapi.RevokeOptions{LeaseID: s.LeaseID, Sync: true}))
	_, err := e.Sys().Lookup(s.LeaseID)
	refused(t, err, 400, "invalid lease")
}

func TestALeaseWithoutItsConnectionIsLeftUntilForce(t *testing.T) {
	t.Parallel()
	e := newEngine(t, pgtest.Start(t))
	s := creds(t, e.Client, "app")
	_, err := e.Logical().Delete("db/config/main")
	check(t, err)
	sync := &vaultapi.RevokeOptions{LeaseID: s.LeaseID, Sync: true}
	refused(t, e.Sys().RevokeWithOptions(sync), 400, `failed to find entry for connection with name: "main"`)
	refused(t, e.Sys().RevokePrefix("db"), 400, "failed to find entry for connection")
	check(t, e.Sys().RevokeForce("db"))
	_, err = e.Sys().Lookup(s.LeaseID)
	refused(t, err, 400, "invalid lease")
	if n := e.users(t); n != 1 {
		t.Errorf("%d users are there, want the one that was forgotten", n)
	}
}
