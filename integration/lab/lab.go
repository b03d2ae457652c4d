//go:build linux

package lab

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// places is how many labs may be at once on a machine, each with names in the kernel and addresses of its own.
const places = 2

// Init is the first process of a host.
type Init string

// Tini starts sshd and nothing else. Systemd is that of Debian, with sshd as one of its units.
const (
	Tini    Init = "tini"
	Systemd Init = "systemd"
)

// Config is what a lab is to hold.
type Config struct {
	Hosts []string // names; the first one gets the address .11, and so on
	Init  Init     // Tini unless said
	// Roots are folders that hosts have as their root in place of a fresh Debian, by name: of images. Such a host makes its
	// own keys and its machine's id, or has no sshd that answers. Nobody else writes there while the lab is.
	Roots map[string]string
}

// Lab is a set of hosts on one cable.
type Lab struct {
	t     testing.TB
	place int    // which of the labs on this machine it is
	dir   string // of the hosts' disks and of the keys
	init  Init
	hosts []*Host
	lock  *os.File
}

// Names in the kernel, by which what an earlier test left is found.
func (l *Lab) bridge() string { return fmt.Sprintf("crumpet-lab%d", l.place) }
func (l *Lab) group() string  { return l.bridge() }

// cables is how names of cables begin: the end of the address and the number of the boot follow.
func (l *Lab) cables() string { return fmt.Sprintf("crumpet%d-", l.place) }

func (l *Lab) address(last int) string { return fmt.Sprintf("10.77.%d.%d", l.place, last) }

// Gateway is the address of this machine on the bridge: the operator's.
func (l *Lab) Gateway() string { return l.address(1) }

// New makes the hosts and boots them, or skips the test and names what is missing. The lab ends with the test.
func New(t testing.TB, c Config) *Lab {
	t.Helper()
	c.Init = cmp.Or(c.Init, Tini)
	need(t, c.Init)
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	cache = filepath.Join(cache, "crumpet-lab")
	if err := os.MkdirAll(cache, 0o755); err != nil {
		t.Fatal(err)
	}
	l := &Lab{t: t, init: c.Init}
	l.place, l.lock = takePlace(t, cache)
	l.dir = filepath.Join(cache, fmt.Sprintf("now-%d", l.place))
	t.Cleanup(l.Destroy)
	l.clear() // of a lab whose test was killed
	if err := os.MkdirAll(l.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	l.must("ip", "link", "add", l.bridge(), "type", "bridge")
	l.must("ip", "addr", "add", l.Gateway()+"/24", "dev", l.bridge())
	l.must("ip", "link", "set", l.bridge(), "up")
	l.must("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "operator", "-f", l.Key())
	base := ""
	for i, name := range c.Hosts {
		root := c.Roots[name]
		if root == "" && base == "" {
			base = makeBase(t, cache, bases[c.Init])
		}
		l.hosts = append(l.hosts, &Host{lab: l, Name: name, Address: l.address(11 + i), base: cmp.Or(root, base), image: root != ""})
	}
	for _, h := range l.hosts {
		h.Boot()
	}
	return l
}

// need skips the test when this machine can't hold a lab.
func need(t testing.TB, init Init) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("a lab of network namespaces needs root")
	}
	for _, program := range []string{"ip", "unshare", "nsenter", "mount", "ssh-keygen"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("a lab needs the program %q: install iproute2, util-linux, mount and openssh-client", program)
		}
	}
	if len(controllers()) == 0 {
		t.Skip("a lab needs the controllers of cgroup v1 below " + cgroups)
	}
	if init == Systemd && !slices.Contains(hierarchies(), named) {
		t.Skipf("a lab of hosts with systemd needs its hierarchy: mkdir %[1]s/%[2]s && mount -t cgroup -o none,name=systemd cgroup %[1]s/%[2]s", cgroups, named)
	}
}

// takePlace waits until one of the places for labs on this machine is free, and takes it.
func takePlace(t testing.TB, cache string) (int, *os.File) {
	t.Helper()
	for start := time.Now(); ; time.Sleep(time.Second) {
		for place := range places {
			if f := lockFile(t, filepath.Join(cache, fmt.Sprintf("lock-%d", place)), syscall.LOCK_NB); f != nil {
				return place, f
			}
		}
		if time.Since(start) > 30*time.Minute {
			t.Fatalf("the %d places for labs on this machine are taken, by the locks in %s", places, cache)
		}
	}
}

// lockFile locks a file until it is closed; nil where it is not to wait and somebody else has it.
func lockFile(t testing.TB, path string, flags int) *os.File {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|flags)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		_ = f.Close() // nothing was written to it
		return nil
	}
	if err != nil {
		t.Fatalf("lock %s: %v", path, err)
	}
	return f
}

// Host gives one by name.
func (l *Lab) Host(name string) *Host {
	l.t.Helper()
	i := slices.IndexFunc(l.hosts, func(h *Host) bool { return h.Name == name })
	if i < 0 {
		l.t.Fatalf("the lab has no host %q", name)
	}
	return l.hosts[i]
}

// Hosts are all of them.
func (l *Lab) Hosts() []*Host { return slices.Clone(l.hosts) }

// Key is the file of the operator's private key, with which root of every host lets them in.
func (l *Lab) Key() string { return filepath.Join(l.dir, "operator") }

// PublicKey is the line of the operator's public key.
func (l *Lab) PublicKey() string {
	l.t.Helper()
	line, err := os.ReadFile(l.Key() + ".pub")
	if err != nil {
		l.t.Fatal(err)
	}
	return strings.TrimSpace(string(line))
}

// KnownHosts is a file that names each host's key, as the hosts have them now.
func (l *Lab) KnownHosts() string {
	l.t.Helper()
	var lines strings.Builder
	for _, h := range l.hosts {
		key, err := os.ReadFile(h.disk("upper/etc/ssh/ssh_host_ed25519_key.pub"))
		if err != nil {
			l.t.Fatal(err)
		}
		fmt.Fprintf(&lines, "%s %s", h.Address, key)
	}
	path := filepath.Join(l.dir, "known_hosts")
	if err := os.WriteFile(path, []byte(lines.String()), 0o600); err != nil {
		l.t.Fatal(err)
	}
	return path
}

// Partition takes the ways between two sides, both ways; the operator still reaches every host.
func (l *Lab) Partition(some, others []*Host) {
	l.t.Helper()
	for _, a := range some {
		for _, b := range others {
			a.console("ip route replace blackhole " + b.Address + "/32")
			b.console("ip route replace blackhole " + a.Address + "/32")
		}
	}
}

// Join takes every partition away.
func (l *Lab) Join() {
	l.t.Helper()
	for _, h := range l.hosts {
		if h.Running() {
			h.console("ip route flush type blackhole")
		}
	}
}

// Destroy ends all hosts and takes their disks away. It may be called twice.
func (l *Lab) Destroy() {
	for _, h := range l.hosts {
		h.Kill()
	}
	if l.lock == nil {
		return
	}
	l.clear()
	_ = l.lock.Close() // lets the next lab begin
	l.lock = nil
}

// clear takes away whatever the kernel and the disk have of a lab. It holds the lock: nobody else has one.
func (l *Lab) clear() {
	l.t.Helper()
	l.clearStale()
	if err := os.RemoveAll(l.dir); err != nil {
		l.t.Error(err)
	}
}

func (l *Lab) must(program string, args ...string) {
	l.t.Helper()
	if out, err := command(time.Minute, program, args...); err != nil {
		l.t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
	}
}

func command(limit time.Duration, program string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	out, err := exec.CommandContext(ctx, program, args...).CombinedOutput()
	return string(out), err
}
