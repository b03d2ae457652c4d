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
	l := lab.New(t, lab.Config{Hosts: []string{"one", "two"}})
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
	if got := ssh(one, "ps -e | grep -c sshd; cat /proc/self/cgroup | cut -d: -f3 | sort -u; df --output=fstype / | tail -1"); !strings.HasSuffix(got, "/\noverlay") {
		t.Errorf("host one sees more than its own groups and root:\n%s", got)
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
