//go:build linux

package lab

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// base is what the disks of hosts are laid over: packages beside Debian's smallest set, which are sshd, a first process,
// and what agents of clusters ask the system with; and a script that makes of a fresh Debian what all hosts are alike in.
type base struct{ packages, prepare string }

const packages = "openssh-server,ca-certificates,iproute2,procps,tini,curl,unzip"

// bases are one for each first process.
var bases = map[Init]base{
	Tini:    {packages, prepare},
	Systemd: {packages + ",systemd,systemd-sysv,dbus", prepare + own},
}

// prepare: who may come in, and nothing of its own by which hosts would be taken for one.
const prepare = `set -eu
cd "$1"
rm -f etc/ssh/ssh_host_*
: > etc/resolv.conf
cat > etc/ssh/sshd_config.d/lab.conf <<'END'
HostKey /etc/ssh/ssh_host_ed25519_key
PermitRootLogin prohibit-password
PasswordAuthentication no
UsePAM no
UseDNS no
MaxSessions 100
MaxStartups 100
END
mkdir -p -m 0700 root/.ssh
rm -rf var/cache/apt/archives/*.deb var/lib/apt/lists/* usr/share/doc/* usr/share/locale/*
`

// own takes away by what one machine with systemd is told from another: it is made at the first boot.
const own = `rm -f etc/machine-id var/lib/dbus/machine-id
`

// hushed are what systemd would do to the kernel, which all hosts and this machine have in common, and what it would do
// by the clock. Hosts boot with them masked, whatever their root is.
const hushed = `systemd-sysctl.service systemd-modules-load.service systemd-udevd.service systemd-udev-trigger.service
systemd-journald-audit.socket systemd-binfmt.service proc-sys-fs-binfmt_misc.automount
dev-hugepages.mount dev-mqueue.mount sys-kernel-config.mount sys-kernel-debug.mount sys-kernel-tracing.mount
sys-fs-fuse-connections.mount getty.target apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer
fstrim.timer`

// unused is how long a base that no lab asks for is kept: other versions of this package may have labs on it.
const unused = 24 * time.Hour

// makeBase gives the folder of a base, which is made once for a user.
func makeBase(t testing.TB, cache string, b base) string {
	t.Helper()
	one := lockFile(t, filepath.Join(cache, "lock-base"), 0)
	defer one.Close() //nolint:errcheck // the end of the lock, nothing was written
	sum := sha256.Sum256([]byte(b.packages + b.prepare))
	dir := filepath.Join(cache, fmt.Sprintf("base-%x", sum[:6]))
	if _, err := os.Stat(dir); err == nil {
		inUse(t, dir)
		return dir
	}
	if _, err := exec.LookPath("debootstrap"); err != nil {
		t.Skip(`a lab needs the program "debootstrap" to make its base: install debootstrap`)
	}
	site, release := mirror(t)
	removeOld(t, cache)
	fresh := dir + ".new"
	start := time.Now()
	if out, err := command(15*time.Minute, "debootstrap", "--variant=minbase", "--include="+b.packages, release, fresh, site); err != nil {
		t.Fatalf("debootstrap: %v\n%s", err, end(out))
	}
	if out, err := command(time.Minute, "sh", "-c", b.prepare, "prepare", fresh); err != nil {
		t.Fatalf("prepare the base: %v\n%s", err, out)
	}
	if err := os.Rename(fresh, dir); err != nil {
		t.Fatal(err)
	}
	inUse(t, dir)
	t.Logf("made a base of %s in %s", release, time.Since(start).Round(time.Second))
	return dir
}

// inUse notes by its time that a lab has taken a base.
func inUse(t testing.TB, dir string) {
	t.Helper()
	now := time.Now()
	if err := os.Chtimes(dir, now, now); err != nil {
		t.Fatal(err)
	}
}

// removeOld takes away bases that were not finished, and those of other packages that nobody has used for long. Whoever
// calls it holds the lock.
func removeOld(t testing.TB, cache string) {
	t.Helper()
	all, _ := filepath.Glob(filepath.Join(cache, "base-*")) // the pattern is right
	for _, dir := range all {
		info, err := os.Stat(dir)
		if err != nil {
			t.Fatal(err)
		}
		if time.Since(info.ModTime()) < unused && !strings.HasSuffix(dir, ".new") {
			continue
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
	}
}

// mirror is where apt on this machine has its packages from, and the first release that it takes.
func mirror(t testing.TB) (site, release string) {
	t.Helper()
	out, err := command(time.Minute, "apt-get", "indextargets", "--format", "$(CREATED_BY) $(SITE) $(CODENAME)")
	if err != nil {
		t.Skipf("a lab needs apt, to know where Debian's packages are: %v", err)
	}
	for line := range strings.Lines(out) {
		words := strings.Fields(line)
		if len(words) == 3 && words[0] == "Packages" && !strings.Contains(words[2], "-") {
			return words[1], words[2]
		}
	}
	t.Skip("a lab needs a source of Debian's packages in apt's list: run apt-get update")
	return "", ""
}

// end is the last of a long output.
func end(out string) string {
	if len(out) > 3000 {
		return "..." + out[len(out)-3000:]
	}
	return out
}
