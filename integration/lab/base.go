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

// packages are what a host has beside Debian's smallest set: sshd, a first process that reaps, and what agents of
// clusters ask the system with.
const packages = "openssh-server,ca-certificates,iproute2,procps,tini,curl,unzip"

// prepare makes of a fresh Debian what all hosts are alike in: who may come in, and no keys of its own.
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

// makeBase gives the folder of the base, which is made once for a user and a set of packages.
func makeBase(t testing.TB, cache string) string {
	t.Helper()
	one := lockFile(t, filepath.Join(cache, "lock-base"), 0)
	defer one.Close() //nolint:errcheck // the end of the lock, nothing was written
	sum := sha256.Sum256([]byte(packages + prepare))
	base := filepath.Join(cache, fmt.Sprintf("base-%x", sum[:6]))
	if _, err := os.Stat(base); err == nil {
		return base
	}
	if _, err := exec.LookPath("debootstrap"); err != nil {
		t.Skip(`a lab needs the program "debootstrap" to make its base: install debootstrap`)
	}
	site, release := mirror(t)
	old, _ := filepath.Glob(filepath.Join(cache, "base-*")) // the pattern is right
	for _, dir := range old {                               // of other packages, or not finished
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
	}
	fresh := base + ".new"
	start := time.Now()
	if out, err := command(15*time.Minute, "debootstrap", "--variant=minbase", "--include="+packages, release, fresh, site); err != nil {
		t.Fatalf("debootstrap: %v\n%s", err, end(out))
	}
	if out, err := command(time.Minute, "sh", "-c", prepare, "prepare", fresh); err != nil {
		t.Fatalf("prepare the base: %v\n%s", err, out)
	}
	if err := os.Rename(fresh, base); err != nil {
		t.Fatal(err)
	}
	t.Logf("made a base of %s in %s", release, time.Since(start).Round(time.Second))
	return base
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
