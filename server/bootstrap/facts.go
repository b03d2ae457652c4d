package bootstrap

import (
	"bufio"
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/agents"
	"github.com/crumpet-paas/crumpet/server/fleet"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// factsScript says what a machine is, a word and its value on each line. It changes nothing.
const factsScript = `echo "now $(date +%s.%N)"
echo "os $(uname -s)"
echo "arch $(uname -m)"
echo "uid $(id -u)"
echo "free_kb $(df -Pk / | awk 'NR == 2 {print $4}')"
echo "memory_kb $(awk '$1 == "MemTotal:" {print $2}' /proc/meminfo)"
echo "swap $(awk 'NR > 1' /proc/swaps | wc -l)"
echo "ephemeral $(cat /proc/sys/net/ipv4/ip_local_port_range)"
if [ -d /run/systemd/system ]; then echo "init systemd"; fi
if cat /etc/cloud/cloud.cfg /etc/cloud/cloud.cfg.d/*.cfg 2>/dev/null | grep '^ *manage_etc_hosts:' | tail -n 1 | grep -qiE 'true|template'; then echo "hosts cloud-init"; fi
for t in awk chown find flock head install mktemp mount sha256sum sync timeout umount useradd systemctl start-stop-daemon docker; do
  if command -v "$t" >/dev/null 2>&1; then echo "tool $t"; fi
done
awk 'FNR > 1 && $4 == "0A" {n = split($2, a, ":"); print "port " a[n]}' /proc/net/tcp /proc/net/tcp6 2>/dev/null || true
`

// facts are what a machine is.
type facts struct {
	now       time.Time
	os, arch  string
	uid       string
	freeKB    int64
	memoryKB  int64
	swaps     int
	ephemeral [2]int
	systemd   bool
	hosts     string // what writes /etc/hosts anew at each boot, "" for nothing
	tools     map[string]bool
	listening map[int]bool
}

func readFacts(text []byte) (facts, error) {
	f := facts{tools: map[string]bool{}, listening: map[int]bool{}}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		key, value, _ := strings.Cut(lines.Text(), " ")
		var err error
		switch key {
		case "now":
			var seconds float64
			seconds, err = strconv.ParseFloat(value, 64)
			f.now = time.UnixMicro(int64(seconds * 1e6))
		case "os":
			f.os = value
		case "arch":
			f.arch = value
		case "uid":
			f.uid = value
		case "free_kb":
			f.freeKB, err = strconv.ParseInt(value, 10, 64)
		case "memory_kb":
			f.memoryKB, err = strconv.ParseInt(value, 10, 64)
		case "swap":
			f.swaps, err = strconv.Atoi(strings.TrimSpace(value))
		case "ephemeral":
			_, err = fmt.Sscan(value, &f.ephemeral[0], &f.ephemeral[1])
		case "init":
			f.systemd = value == "systemd"
		case "hosts":
			f.hosts = value
		case "tool":
			f.tools[value] = true
		case "port":
			var port int64
			port, err = strconv.ParseInt(value, 16, 32)
			f.listening[int(port)] = true
		}
		if err != nil {
			return f, paas.Wrap(paas.Internal, err, "It says of itself %q, which can't be read.", lines.Text())
		}
	}
	if f.now.IsZero() {
		return f, paas.Errorf(paas.Internal, "It says nothing of itself: is it Linux, with a POSIX shell and coreutils?")
	}
	return f, nil
}

// archs are Go's names for what uname says.
var archs = map[string]string{"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64"}

const (
	leastFreeKB   = 2 << 20
	leastMemoryKB = 900 << 10
)

// judge says what keeps a machine from being what it is to be, and what is not wise. The ports of one that is the
// cluster's already are in use by its own programs.
func (f facts) judge(all fleet.Fleet, m fleet.Machine, mine bool) (faults, warnings []string) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	warn := func(format string, args ...any) { warnings = append(warnings, fmt.Sprintf(format, args...)) }
	if f.os != "Linux" || archs[f.arch] == "" {
		fault("It is %s on %s: Linux on x86_64 or aarch64 is needed.", f.os, f.arch)
	}
	if f.uid != "0" {
		fault("Commands run as user %s there, not as root.", f.uid)
	}
	if f.freeKB < leastFreeKB && !mine {
		fault("It has %d MB of disk left: %d are needed for the programs and what they keep.", f.freeKB>>10, leastFreeKB>>10)
	}
	if all.Init == fleet.Systemd && !f.systemd {
		fault("It does not run systemd: write init = \"process\" in cluster.hcl for a trial, or use another image.")
	}
	if missing := f.missing(all, m); len(missing) > 0 {
		fault("It lacks the programs %s: install them.", strings.Join(missing, ", "))
	}
	if taken := f.taken(all, m); len(taken) > 0 && !mine {
		fault("Something listens on its ports already that are to be used: %s. End it there, or change the ports block.", strings.Join(taken, ", "))
	}
	if f.swaps > 0 {
		warn("it swaps: Vault's keys and apps' memory may come to lie on its disk, and timings of Consul's and Nomad's elections suffer; swapoff -a, and take swap out of /etc/fstab")
	}
	if f.hosts != "" {
		warn("%s writes /etc/hosts anew at each boot, and takes the way to Vault out of it: write manage_etc_hosts: false into /etc/cloud/cloud.cfg.d/99-hosts.cfg, and take it out of the machine's user data", f.hosts)
	}
	if f.memoryKB < leastMemoryKB {
		warn("it has %d MB of memory: 1024 are little for the servers already", f.memoryKB>>10)
	}
	if first, last := f.ephemeral[0], f.ephemeral[1]; m.Is(fleet.Client) && all.Clients.MinPort <= last && all.Clients.MaxPort >= first {
		warn("outgoing connections get ports from %d to %d, and apps from %d to %d: an app may find its port in use; set net.ipv4.ip_local_port_range, or min_port and max_port of the clients block", first, last, all.Clients.MinPort, all.Clients.MaxPort)
	}
	return faults, warnings
}

func (f facts) missing(all fleet.Fleet, m fleet.Machine) []string {
	wanted := []string{"awk", "chown", "find", "flock", "head", "install", "mktemp", "mount", "sha256sum", "sync", "timeout", "umount", "useradd"}
	switch all.Init {
	case fleet.Systemd:
		wanted = append(wanted, "systemctl")
	case fleet.Process:
		wanted = append(wanted, "start-stop-daemon")
	}
	if m.Is(fleet.Client) && slices.Contains(all.Clients.Drivers, "docker") {
		wanted = append(wanted, "docker")
	}
	return slices.DeleteFunc(wanted, func(t string) bool { return f.tools[t] })
}

// taken are the ports in use that the machine's role needs.
func (f facts) taken(all fleet.Fleet, m fleet.Machine) []string {
	wanted := map[int]string{8301: "Consul", 8500: "Consul", 8501: "Consul", 4646: "Nomad"}
	if m.Is(fleet.Server) {
		maps.Copy(wanted, map[int]string{8300: "Consul", 4647: "Nomad", 4648: "Nomad", 8200: "Vault", 8201: "Vault", all.Ports.JWKS: "the keys of Nomad"})
	}
	if m.Is(fleet.Client) {
		maps.Copy(wanted, map[int]string{all.Ports.Router: "the router", all.Ports.Admin: "Fabio"})
	}
	var taken []string
	for _, port := range slices.Sorted(maps.Keys(wanted)) {
		if f.listening[port] {
			taken = append(taken, fmt.Sprintf("%d (%s)", port, wanted[port]))
		}
	}
	return taken
}

// programsOf are the programs that a machine needs.
func programsOf(m fleet.Machine) []fleet.Name {
	names := []fleet.Name{fleet.Consul, fleet.Nomad, fleet.Crumpet}
	if m.Is(fleet.Server) {
		names = append(names, fleet.Vault)
	}
	if m.Is(fleet.Client) {
		names = append(names, fleet.Fabio)
	}
	return names
}

// programFile is where a version lies.
func programFile(p fleet.Program) string {
	return fmt.Sprintf("%s/%s-%s", agents.Programs, p.Name, p.Version)
}
