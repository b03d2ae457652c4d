//go:build linux

package lab_test

import (
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/integration/lab"
)

// TestLab: two hosts that reach each other and are cut, killed, booted and wiped, as machines are.
func TestLab(t *testing.T) {
	if os.Getenv("PROVE") == "" {
		t.Skip("PROVE is not set: a lab needs a base of Debian, which takes a minute to make")
	}
	for _, init := range []lab.Init{lab.Tini, lab.Systemd} {
		t.Run(string(init), func(t *testing.T) { twoHosts(t, init) })
	}
}

func twoHosts(t *testing.T, init lab.Init) {
	l := lab.New(t, lab.Config{Hosts: []string{"one", "two"}, Init: init})
	one, two := l.Host("one"), l.Host("two")
	known := l.KnownHosts()
	ssh := func(h *lab.Host, script string) string {
		t.Helper()
		out, err := exec.Command("ssh", "-i", l.Key(), "-o", "UserKnownHostsFile="+known, "-o", "StrictHostKeyChecking=yes",
			"-o", "BatchMode=yes", "-o", "ConnectTimeout=5", "root@"+h.Address, script).CombinedOutput()
		if err != nil {
			t.Fatalf("ssh %s: %v\n%s", h.Name, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	for _, h := range []*lab.Host{one, two} {
		if got := ssh(h, "hostname"); got != h.Name {
			t.Errorf("host %s calls itself %q", h.Name, got)
		}
	}
	if got := ssh(one, "df --output=fstype /; cat /proc/self/cgroup /proc/1/cgroup"); !strings.Contains(got, "overlay") || strings.Contains(got, "crumpet") || strings.Contains(got, "..") {
		t.Errorf("host one sees more than its own groups and root:\n%s", got)
	}
	if first := ssh(two, "cat /proc/1/comm"); first != string(init) {
		t.Errorf("the first process of host two is %q, want %q", first, init)
	}
	if init == lab.Systemd {
		units(t, ssh, one)
	}

	reaches := func(from, to *lab.Host) bool {
		_, err := from.Console("timeout 2 bash -c ': < /dev/tcp/" + to.Address + "/22'")
		return err == nil
	}
	want := func(what string, got, want bool) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	want("one reaches two", reaches(one, two), true)
	two.Cut()
	want("one reaches two, whose cable is out", reaches(one, two), false)
	two.Heal()
	want("one reaches two again", reaches(one, two), true)
	l.Partition([]*lab.Host{one}, []*lab.Host{two})
	want("one reaches two over a partition", reaches(one, two), false)
	want("two reaches one over a partition", reaches(two, one), false)
	ssh(two, "true")
	l.Join()
	want("one reaches two after the partition", reaches(one, two), true)

	ssh(two, "echo kept > /var/lib/kept; sleep 1000 > /dev/null 2>&1 &")
	two.Kill()
	if conn, err := net.DialTimeout("tcp", two.Address+":22", time.Second); err == nil {
		_ = conn.Close() // nothing else is of use with it
		t.Error("a host that is off answers")
	}
	two.Boot()
	want("one reaches two after its boot", reaches(one, two), true)
	if got := ssh(two, "cat /var/lib/kept; pgrep -c sleep || true"); got != "kept\n0" {
		t.Errorf("after a boot host two has %q, want its file and no process", got)
	}
	two.Kill()
	two.Wipe()
	two.Boot()
	known = l.KnownHosts()
	if got := ssh(two, "cat /var/lib/kept 2>&1 || true"); !strings.Contains(got, "No such file") {
		t.Errorf("an empty disk holds %q", got)
	}
}

// units: systemd has nothing to complain about, runs what it is given in a group of its own, and again when it ends.
func units(t *testing.T, ssh func(h *lab.Host, script string) string, h *lab.Host) {
	t.Helper()
	if got := ssh(h, "systemctl is-system-running --wait; systemctl list-units --failed --plain --no-legend"); got != "running" {
		t.Errorf("systemd on host %s is %q", h.Name, got)
	}
	got := ssh(h, `cat > /etc/systemd/system/kept.service <<'END'
[Service]
ExecStart=/bin/sleep 1000
Restart=always
RestartSec=0
ProtectSystem=strict
PrivateDevices=yes
ProtectProc=invisible
ProtectControlGroups=yes
END
systemctl start kept
before=$(systemctl show -p MainPID --value kept)
kill -9 $before
for i in $(seq 100); do
  after=$(systemctl show -p MainPID --value kept)
  [ $after != $before ] && [ $after != 0 ] && [ $(cat /proc/$after/comm) = sleep ] && break
  sleep 0.1
done
[ $after != $before ] && grep name=systemd /proc/$after/cgroup | cut -d: -f3`)
	if got != "/system.slice/kept.service" {
		t.Errorf("a unit on host %s is %q", h.Name, got)
	}
}
