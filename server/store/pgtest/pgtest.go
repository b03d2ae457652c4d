package pgtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Password is that of every cluster, for tests that look for it where it must not be.
const Password = "pw-that-no-log-may-show"

// Cluster is a running PostgreSQL.
type Cluster struct {
	Port int
	dir  string
	bin  string
	as   *syscall.Credential // nil for who we are

	mu      sync.Mutex
	process *exec.Cmd // guarded by mu: nil while it is stopped
	input   io.Closer // guarded by mu: its end ends the process
}

var (
	shared = sync.OnceValues(func() (*Cluster, error) { return newCluster() })
	number atomic.Int64
)

// missing is why there can be no cluster.
type missing struct{ what string }

func (m missing) Error() string { return m.what }

// Start gives the cluster of this process, or skips the test where there is no PostgreSQL.
func Start(t testing.TB) *Cluster {
	t.Helper()
	return use(t, shared)
}

// Own gives the test a cluster of its own, which it may stop, and ends it with the test.
func Own(t testing.TB) *Cluster {
	t.Helper()
	c := use(t, newCluster)
	t.Cleanup(c.Stop)
	return c
}

func use(t testing.TB, open func() (*Cluster, error)) *Cluster {
	t.Helper()
	c, err := open()
	if none, ok := errors.AsType[missing](err); ok {
		t.Skip(none.what)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Database makes an empty database and gives its URL.
func (c *Cluster) Database(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("test_%d_%d", os.Getpid(), number.Add(1))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	Exec(ctx, t, c.URL("postgres"), "CREATE DATABASE "+name)
	return c.URL(name)
}

// URL is the address of a database.
func (c *Cluster) URL(database string) string {
	return (&url.URL{
		Scheme: "postgres", User: url.UserPassword("crumpet", Password),
		Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(c.Port)), Path: database,
	}).String()
}

// Exec runs a statement in a database.
func Exec(ctx context.Context, t testing.TB, address, statement string) {
	t.Helper()
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx) //nolint:errcheck // the statement's error is the one that counts
	if _, err := conn.Exec(ctx, statement); err != nil {
		t.Fatal(err)
	}
}

func newCluster() (*Cluster, error) {
	bin, err := programs()
	if err != nil {
		return nil, err
	}
	c := &Cluster{bin: bin}
	if os.Geteuid() == 0 {
		if c.as, err = stranger(); err != nil {
			return nil, err
		}
	}
	if c.dir, err = os.MkdirTemp("", "crumpet-postgres-"); err != nil {
		return nil, err
	}
	if c.as != nil {
		if err := os.Chown(c.dir, int(c.as.Uid), int(c.as.Gid)); err != nil {
			return nil, err
		}
	}
	if err := c.init(); err != nil {
		return nil, err
	}
	return c, c.Restart()
}

// programs finds the folder of the newest PostgreSQL.
func programs() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return "", missing{"PostgreSQL is not installed: there is no /usr/lib/postgresql/*/bin/initdb (apt-get install postgresql)"}
	}
	slices.SortFunc(found, func(a, b string) int { return version(a) - version(b) })
	return filepath.Dir(found[len(found)-1]), nil
}

func version(path string) int {
	n, err := strconv.Atoi(strings.Split(path, "/")[4])
	if err != nil {
		return 0
	}
	return n
}

// stranger is somebody who is not root.
func stranger() (*syscall.Credential, error) {
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
		if uidErr == nil && gidErr == nil {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
		}
	}
	return nil, missing{"PostgreSQL refuses to run as root, and there is neither a user postgres nor nobody"}
}

func (c *Cluster) data() string { return filepath.Join(c.dir, "data") }

func (c *Cluster) init() error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	secret := filepath.Join(c.dir, "password")
	if err := os.WriteFile(secret, []byte(Password), 0o644); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(c.bin, "initdb"), "--pgdata", c.data(), "--username", "crumpet", "--pwfile", secret,
		"--auth", "scram-sha-256", "--encoding", "UTF8", "--no-locale", "--no-sync")
	cmd.Dir, cmd.SysProcAttr = "/", &syscall.SysProcAttr{Credential: c.as}
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, &said)
	}
	return nil
}

// script runs PostgreSQL until its input ends.
const script = `"$@" </dev/null & server=$!; cat; kill -INT $server; wait $server; [ -e "$PG_KEEP" ] || rm -rf "$PG_DIR"`

// Restart starts the cluster again, on the same port and data, once Stop or Kill has ended it.
func (c *Cluster) Restart() error {
	for try := 0; ; try++ {
		if c.Port == 0 || try > 0 {
			port, err := freePort()
			if err != nil {
				return err
			}
			c.Port = port
		}
		err := c.start()
		if err == nil || try == 5 {
			return err
		}
	}
}

func (c *Cluster) start() error {
	keep := filepath.Join(c.dir, "keep")
	if err := os.WriteFile(keep, nil, 0o600); err != nil {
		return err
	}
	logged, err := os.OpenFile(filepath.Join(c.dir, "log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer logged.Close() //nolint:errcheck // the child has its own
	cmd := exec.Command("/bin/sh", "-c", script, "sh", filepath.Join(c.bin, "postgres"), "-D", c.data(),
		"-c", "listen_addresses=127.0.0.1", "-p", strconv.Itoa(c.Port), "-c", "unix_socket_directories=",
		"-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=400", "-c", "shared_buffers=32MB", "-c", "deadlock_timeout=200ms")
	cmd.Dir, cmd.SysProcAttr = "/", &syscall.SysProcAttr{Credential: c.as, Setpgid: true}
	cmd.Env = append(os.Environ(), "PG_KEEP="+keep, "PG_DIR="+c.dir)
	cmd.Stdout, cmd.Stderr = logged, logged
	input, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }() // its log says why it ended
	c.mu.Lock()
	c.process, c.input = cmd, input
	c.mu.Unlock()
	if err := c.answers(ended); err != nil {
		return err
	}
	return os.Remove(keep) // from now on the folder goes with the process
}

func (c *Cluster) answers(ended <-chan struct{}) error {
	deadline := time.Now().Add(time.Minute)
	for {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		conn, err := pgx.Connect(ctx, c.URL("postgres"))
		if err == nil {
			_ = conn.Close(ctx) // it answered
		}
		cancel()
		if err == nil {
			return nil
		}
		select {
		case <-ended:
			text, _ := os.ReadFile(filepath.Join(c.dir, "log")) // best effort: it ended in any case
			return fmt.Errorf("postgres ended: %w\n%s", err, text)
		case <-time.After(50 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("postgres does not answer: %w", err)
		}
	}
}

// Halt ends the cluster at once, as a crash does, and leaves its data for Restart.
func (c *Cluster) Halt() error {
	if err := os.WriteFile(filepath.Join(c.dir, "keep"), nil, 0o600); err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(c.data(), "postmaster.pid"))
	if err != nil {
		return err
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil {
		return err
	}
	if err := syscall.Kill(pid, syscall.SIGQUIT); err != nil { // immediate shutdown: no checkpoint, no farewell
		return err
	}
	c.end()
	return nil
}

// Stop ends the cluster and removes its folder.
func (c *Cluster) Stop() { c.end() }

func (c *Cluster) end() {
	c.mu.Lock()
	process, input := c.process, c.input
	c.process = nil
	c.mu.Unlock()
	if process == nil {
		return
	}
	_ = input.Close() // what the shell waits for
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if syscall.Kill(process.Process.Pid, 0) != nil {
			return
		}
	}
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close() //nolint:errcheck // the number is all that is wanted
	return l.Addr().(*net.TCPAddr).Port, nil
}
