package devstack_test

import (
	"context"
	"errors"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/crumpet-paas/crumpet/server/devstack"
)

func foundPostgres(t *testing.T) devstack.Postgres {
	t.Helper()
	found := devstack.FindPostgres()
	if found.Missing != "" {
		t.Skip(found.Missing)
	}
	return found
}

// opened logs in to the stack's PostgreSQL.
func opened(t testing.TB, address, user, password string) (*pgx.Conn, error) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	u.User, u.RawQuery = url.UserPassword(user, password), "sslmode=disable"
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return pgx.Connect(ctx, u.String())
}

// ofPostgres are the processes that work in a data folder.
func ofPostgres(dir string) (n int) {
	links, _ := filepath.Glob("/proc/[0-9]*/cwd") // the pattern is right
	for _, link := range links {
		if at, err := os.Readlink(link); err == nil && at == filepath.Join(dir, "postgres", "data") {
			n++
		}
	}
	return n
}

func TestAPostgresIsFoundStartedAndKept(t *testing.T) {
	t.Parallel()
	// The way to a data folder in somebody's home is shut for the user that PostgreSQL runs as.
	home := filepath.Join(t.TempDir(), "home")
	if err := os.Mkdir(home, 0o700); err != nil {
		t.Fatal(err)
	}
	c := config(self(t), filepath.Join(home, "dev"))
	c.Postgres = foundPostgres(t)
	var user, password string
	c.Serves = func(ctx context.Context, s devstack.Stack, token string) error {
		has, err := s.Postgres.HasAccount(ctx)
		if has || err != nil || token != "token-of-test" || s.Postgres.Missing != "" {
			return errors.Join(errors.New("the account is there before it was made"), err)
		}
		for range 2 { // the second time it gets another password
			if user, password, err = s.Postgres.Account(ctx); err != nil {
				return err
			}
		}
		return nil
	}
	r := start(t, c)
	conn, err := opened(t, r.info.Postgres, user, password)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "CREATE DATABASE kept"); err != nil {
		t.Error(err)
	}
	if _, err := conn.Exec(t.Context(), "CREATE ROLE mighty SUPERUSER"); err == nil {
		t.Error("the account for the server is a superuser's")
	}
	_ = conn.Close(context.Background()) // all is said
	if _, err := opened(t, r.info.Postgres, user, "wrong"); err == nil {
		t.Error("a wrong password is let in")
	}
	if err := syscall.Kill(r.info.Pids["postgres"], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "postgres runs again", func() bool {
		info, err := readInfo(c.Dir)
		return err == nil && info.Pids["postgres"] != r.info.Pids["postgres"]
	})
	r.end(t)
	if n := ofPostgres(c.Dir); n != 0 {
		t.Errorf("%d processes of postgres are left", n)
	}

	c.Serves = nil
	again := start(t, c)
	if again.info.Postgres != r.info.Postgres {
		t.Errorf("it was at %s and is at %s now: databases know it by the former", r.info.Postgres, again.info.Postgres)
	}
	if conn, err = opened(t, again.info.Postgres, user, password); err != nil {
		t.Fatal(err)
	}
	var kept bool
	if err := conn.QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM pg_database WHERE datname = 'kept')").Scan(&kept); err != nil || !kept {
		t.Errorf("the database was not kept: %v", err)
	}
	again.end(t) // also while somebody is connected
	address := strings.TrimSuffix(strings.TrimPrefix(r.info.Postgres, "postgres://"), "/postgres")
	taken, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close() //nolint:errcheck // it is in the way, and that is all
	missing := ""
	c.Serves = func(_ context.Context, s devstack.Stack, _ string) error { missing = s.Postgres.Missing; return nil }
	without := start(t, c)
	if without.info.Postgres != "" || without.info.Pids["postgres"] != 0 || !strings.Contains(missing, "is taken by another program") {
		t.Errorf("while its port is taken: %q, pid %d, %q", without.info.Postgres, without.info.Pids["postgres"], missing)
	}
	without.end(t)
}

func TestADevThatIsKilledLeavesNoPostgres(t *testing.T) {
	t.Parallel()
	foundPostgres(t)
	dir := t.TempDir()
	cmd := exec.Command(self(t), "dev", dir)
	cmd.Env = append(os.Environ(), "TEST_POSTGRES=1")
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	eventually(t, "dev.json of this dev", func() bool {
		info, err := readInfo(dir)
		return err == nil && info.Pids["dev"] == cmd.Process.Pid
	})
	info, err := readInfo(dir)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := os.ReadFile(filepath.Join(dir, "postgres", "keys.json"))
	if err != nil {
		t.Fatal(err)
	}
	password := strings.Split(string(keys), `"`)[3]
	conn, err := opened(t, info.Postgres, "postgres", password)
	if err != nil {
		t.Fatal(err)
	}
	busy := make(chan error, 1)
	go func() { // it looks at nothing until it has counted
		_, err := conn.Exec(context.Background(), "SELECT count(*) FROM generate_series(1, 1000000) a, generate_series(1, 1000000) b")
		busy <- err
	}()
	eventually(t, "somebody counts", func() bool { return ofPostgres(dir) > 0 && busyWith(t, info.Postgres, password) })
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	eventually(t, "no process of postgres is left", func() bool { return ofPostgres(dir) == 0 })
	if err := <-busy; err == nil {
		t.Error("a billion was counted")
	}
}

func busyWith(t testing.TB, address, password string) (busy bool) {
	conn, err := opened(t, address, "postgres", password)
	if err != nil {
		return false
	}
	defer conn.Close(context.Background()) //nolint:errcheck // a reader
	err = conn.QueryRow(context.Background(), "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT count(*) FROM generate_series%')").Scan(&busy)
	return err == nil && busy
}

func TestAMachineWithoutPostgresSaysSo(t *testing.T) {
	t.Parallel()
	c := config(self(t), t.TempDir())
	c.Postgres = devstack.Postgres{Missing: "There is none here."}
	told := ""
	c.Serves = func(_ context.Context, s devstack.Stack, _ string) error { told = s.Postgres.Missing; return nil }
	r := start(t, c)
	if told != "There is none here." || r.info.Postgres != "" {
		t.Errorf("told %q, at %q", told, r.info.Postgres)
	}
	r.end(t)
}
