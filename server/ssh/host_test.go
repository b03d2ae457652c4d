package ssh_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/ssh"
)

func reach(t *testing.T, config ssh.Config) *ssh.Host {
	t.Helper()
	network, err := ssh.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	host := network.Host("server-1", "127.0.0.1", "/")
	t.Cleanup(func() {
		if err := errors.Join(host.Close(), network.Close()); err != nil {
			t.Error(err)
		}
	})
	return host
}

// me may be given a file by whoever runs the tests.
func me(t *testing.T) string {
	t.Helper()
	u, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	return u.Uid + ":" + u.Gid
}

func wantCode(t *testing.T, err error, code paas.Code, words ...string) {
	t.Helper()
	if paas.CodeOf(err) != code {
		t.Fatalf("code %q of %v, want %q", paas.CodeOf(err), err, code)
	}
	for _, word := range words {
		if !strings.Contains(paas.MessageOf(err), word) {
			t.Errorf("%q does not name %q", paas.MessageOf(err), word)
		}
	}
}

func TestACommandGetsItsInputAndNoSecretIsInItsText(t *testing.T) {
	t.Parallel()
	d, config := startSSHD(t)
	host := reach(t, config)
	output, err := host.Run(t.Context(), `read -r x; printf '%s' "got $x, it's"`, []byte("s3cret\n"))
	if err != nil || string(output) != "got s3cret, it's" {
		t.Fatalf("%q, %v", output, err)
	}
	for _, command := range d.commands() {
		if strings.Contains(command, "s3cret") {
			t.Errorf("the input stands in the command %q", command)
		}
	}
}

func TestAFailedCommandSaysWhatItWroteLast(t *testing.T) {
	t.Parallel()
	_, config := startSSHD(t)
	_, err := reach(t, config).Run(t.Context(), "head -c 9000 /dev/zero | tr '\\0' x >&2; echo 'no space left' >&2; exit 3", nil)
	wantCode(t, err, paas.Internal, `machine "server-1"`, "status 3", "no space left")
	if n := len(err.Error()); n > 3000 {
		t.Errorf("the error is %d bytes long", n)
	}
}

func TestFilesAreWrittenWholeWithTheirModeAndRead(t *testing.T) {
	t.Parallel()
	_, config := startSSHD(t)
	host := reach(t, config)
	path := filepath.Join(t.TempDir(), "a b", "it's.hcl")
	for _, text := range []string{"first\x00\n", "second"} {
		if err := host.Write(t.Context(), ssh.File{Path: path, Content: []byte(text), Mode: 0o640, Owner: me(t)}); err != nil {
			t.Fatal(err)
		}
		if got, err := host.Read(t.Context(), path); err != nil || string(got) != text {
			t.Fatalf("%q, %v", got, err)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".crumpet*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	_, err = host.Read(t.Context(), path+".none")
	wantCode(t, err, paas.NotFound, path+".none", "server-1")
	_, err = host.Read(t.Context(), filepath.Dir(path))
	wantCode(t, err, paas.Internal, "can't be read")
}

func TestAnUploadThatBreaksOffLeavesTheOldFile(t *testing.T) {
	t.Parallel()
	d, config := startSSHD(t)
	host := reach(t, config)
	folder := t.TempDir()
	path := filepath.Join(folder, "program")
	if err := os.WriteFile(path, []byte("old"), 0o755); err != nil {
		t.Fatal(err)
	}
	from, to := io.Pipe()
	go func() {
		_, _ = to.Write(bytes.Repeat([]byte("x"), 100_000))
		d.cut()
		_ = to.Close()
	}()
	err := host.Upload(t.Context(), path, from, 1_000_000, 0o755)
	wantCode(t, err, paas.Unavailable, "server-1")
	d.served.Go(func() {}) // what the broken session ran ends by itself
	waitFor(t, func() bool {
		left, _ := filepath.Glob(filepath.Join(folder, ".crumpet*"))
		return len(left) == 0
	})
	if text, err := os.ReadFile(path); err != nil || string(text) != "old" {
		t.Errorf("%d bytes, %v", len(text), err)
	}
	// The next call makes a connection of its own.
	if _, err := host.Run(t.Context(), "true", nil); err != nil {
		t.Error(err)
	}
	// A source that fails here is not taken for one that ended.
	broken := io.MultiReader(strings.NewReader("new"), failing{})
	wantCode(t, host.Upload(t.Context(), path, broken, 100, 0o755), paas.Internal, "can't be read here", path)
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("the disk is gone") }

func waitFor(t *testing.T, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it did not happen within 20 s")
		}
	}
}

func TestALargeUploadArrives(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("uploads belong to root: run as root to see one arrive")
	}
	_, config := startSSHD(t)
	path := filepath.Join(t.TempDir(), "program")
	const size = 5 << 20
	if err := reach(t, config).Upload(t.Context(), path, io.LimitReader(endless{}, size), size, 0o755); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Size() != size || info.Mode().Perm() != 0o755 {
		t.Errorf("%v, %v", info, err)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestACommandEndsWithItsContext(t *testing.T) {
	t.Parallel()
	_, config := startSSHD(t)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(200*time.Millisecond, cancel)
	_, err := reach(t, config).Run(ctx, "exec sleep 5 < /dev/null > /dev/null 2>&1", nil)
	wantCode(t, err, paas.Unavailable, "server-1")
}

func TestConnectionsBeginOnTheMachine(t *testing.T) {
	t.Parallel()
	_, config := startSSHD(t)
	host := reach(t, config)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		conn, err := listener.Accept()
		if err == nil {
			_, _ = io.WriteString(conn, "hello")
			_ = conn.Close()
		}
	}()
	conn, err := host.Dial(t.Context(), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if text, err := io.ReadAll(conn); err != nil || string(text) != "hello" {
		t.Errorf("%q, %v", text, err)
	}
	_ = listener.Close()
	_, err = host.Dial(t.Context(), "tcp", listener.Addr().String())
	wantCode(t, err, paas.Unavailable, listener.Addr().String(), "server-1")
}

func TestAServerThatForwardsNothingIsNamedWithTheCure(t *testing.T) {
	t.Parallel()
	_, config := startSSHD(t, func(d *sshd) { d.noForwarding = true })
	_, err := reach(t, config).Dial(t.Context(), "tcp", "127.0.0.1:1")
	wantCode(t, err, paas.Forbidden, "AllowTcpForwarding", "server-1")
}

func TestOnlyKnownMachinesAreSpokenTo(t *testing.T) {
	t.Parallel()
	d, config := startSSHD(t)
	config.KnownHosts = filepath.Join(t.TempDir(), "folder", "known_hosts")
	run := func() error {
		_, err := reach(t, config).Run(t.Context(), "true", nil)
		return err
	}
	wantCode(t, run(), paas.Forbidden, "ssh-keyscan -p ", config.KnownHosts, "--trust-new-hosts", gossh.FingerprintSHA256(d.hostKeys[0].PublicKey()))
	if _, err := os.Stat(config.KnownHosts); err == nil {
		t.Error("the key was written down unasked")
	}
	config.TrustNew = true
	if err := run(); err != nil {
		t.Fatal(err)
	}
	config.TrustNew = false
	if err := run(); err != nil {
		t.Fatalf("the key is not known after all: %v", err)
	}
	other := knownhosts.Line([]string{d.listener.Addr().String()}, newKey(t).PublicKey())
	if err := os.WriteFile(config.KnownHosts, []byte(other+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	config.TrustNew = true
	wantCode(t, run(), paas.Forbidden, "another key", "ssh-keygen -R", "line 1")
}

func TestAMachineWithSeveralKeysShowsTheOneThatIsKnown(t *testing.T) {
	t.Parallel()
	// The first of the server's kinds is asked for by default; known_hosts has the second only.
	d, config := startSSHD(t, func(d *sshd) {
		signer, err := gossh.ParsePrivateKey([]byte(ecdsaKey(t)))
		if err != nil {
			t.Fatal(err)
		}
		d.hostKeys = append(d.hostKeys, signer)
	})
	for _, key := range d.hostKeys {
		line := knownhosts.Line([]string{d.listener.Addr().String()}, key.PublicKey())
		if err := os.WriteFile(config.KnownHosts, []byte(line+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := reach(t, config).Run(t.Context(), "true", nil); err != nil {
			t.Errorf("%s: %v", key.PublicKey().Type(), err)
		}
	}
}

func TestWhatIsWrongIsSaidWithTheNextStep(t *testing.T) {
	t.Parallel()
	d, config := startSSHD(t)
	d.allowed = newKey(t).PublicKey()
	_, err := reach(t, config).Run(t.Context(), "true", nil)
	wantCode(t, err, paas.Unauthorized, `"root"`, "authorized_keys", "server-1")
	_ = d.listener.Close()
	_, err = reach(t, config).Run(t.Context(), "true", nil)
	wantCode(t, err, paas.Unavailable, "server-1", "refused", "cluster.hcl")

	config.KeyFile = filepath.Join(t.TempDir(), "none")
	_, err = ssh.Open(config)
	wantCode(t, err, paas.NotFound, config.KeyFile, "ssh-keygen")
	config.KeyFile = ""
	_, err = ssh.Open(config)
	wantCode(t, err, paas.Invalid, "ssh-agent", "key_file")
	config.Agent = filepath.Join(t.TempDir(), "none")
	_, err = ssh.Open(config)
	wantCode(t, err, paas.Unavailable, "ssh-agent", config.Agent)
}

func TestASilentMachineIsGivenUp(t *testing.T) {
	t.Parallel()
	_, config := startSSHD(t)
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	config.Port, config.Timeout = silent.Addr().(*net.TCPAddr).Port, 300*time.Millisecond //nolint:forcetypeassert // it listens on tcp
	_, err = reach(t, config).Run(t.Context(), "true", nil)
	wantCode(t, err, paas.Unavailable, "no SSH server answered", "300ms")
}

func TestALockIsHeldByOne(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("locks lie in /run/lock: run as root to take one")
	}
	_, config := startSSHD(t)
	name := "test-" + filepath.Base(t.TempDir()) + filepath.Base(filepath.Dir(t.TempDir()))
	t.Cleanup(func() { _ = os.Remove("/run/lock/crumpet-" + name) })
	one, two := reach(t, config), reach(t, config)
	lost, release, err := one.Hold(t.Context(), name, "ada on laptop, it's hers")
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = two.Hold(t.Context(), name, "grace")
	wantCode(t, err, paas.Conflict, "ada on laptop, it's hers", "server-1")
	if isLost(lost) {
		t.Error("lost, as another asked for it")
	}
	release()
	release()
	if lost, release, err = two.Hold(t.Context(), name, "grace"); err != nil {
		t.Fatalf("not held any more, and yet: %v", err)
	}
	// The end of a connection is that of its locks.
	if err := two.Close(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { return isLost(lost) })
	waitFor(t, func() bool {
		_, again, err := one.Hold(t.Context(), name, "ada")
		if err == nil {
			again()
		}
		return err == nil
	})
	release()
}

func isLost(lost <-chan struct{}) bool {
	select {
	case <-lost:
		return true
	default:
		return false
	}
}

func TestAHolderKnowsWhenItsLockIsLost(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("locks lie in /run/lock: run as root to take one")
	}
	d, config := startSSHD(t)
	network, err := ssh.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	const times = 20 // a beat each 500 ms, that may go unanswered for 2 s
	network.Hurry(times)
	host := network.Host("server-1", "127.0.0.1", "/")
	t.Cleanup(func() { _ = host.Close() })
	name := "test-" + filepath.Base(t.TempDir()) + filepath.Base(filepath.Dir(t.TempDir()))
	t.Cleanup(func() { _ = os.Remove("/run/lock/crumpet-" + name) })
	hold := func() (<-chan struct{}, func()) {
		lost, release, err := host.Hold(t.Context(), name, "ada")
		if err != nil {
			t.Fatal(err)
		}
		return lost, release
	}
	lost, release := hold()
	// Calls that hang take their connection down, and not the lock's.
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	_, _ = host.Run(ctx, "exec sleep 5 < /dev/null > /dev/null 2>&1", nil)
	if isLost(lost) {
		t.Fatal("lost while every beat was answered")
	}
	d.cut()
	waitFor(t, func() bool { return isLost(lost) })
	release()

	waitFor(t, func() bool {
		_, again, err := host.Hold(t.Context(), name, "ada")
		if err == nil {
			again()
		}
		return err == nil
	})
	lost, release = hold()
	d.silence()
	waitFor(t, func() bool { return isLost(lost) })
	release()
}

func TestOthersThanRootUseSudo(t *testing.T) {
	t.Parallel()
	d, config := startSSHD(t)
	config.User = "ada"
	network, err := ssh.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	host := network.Host("server-1", "127.0.0.1", "/srv/root/")
	defer func() { _ = host.Close() }()
	_, _ = host.Run(t.Context(), "true", nil) // sudo need not be here
	if got := d.commands()[0]; got != `sudo -n -- chroot '/srv/root' /bin/sh -c 'true'` {
		t.Errorf("ran %s", got)
	}
}
