//go:build linux

package integration_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// machine builds a disk from a disk, boots it as a cloud does, with a name and a key that the image did not know, and
// has the agents run in their units.
func (w *imageWorks) machine(t *testing.T) {
	w.t = t
	for program, from := range map[string]string{
		"qemu-system-x86_64": "qemu-system-x86", "qemu-img": "qemu-utils", "extlinux": "extlinux", "sfdisk": "fdisk", "mkfs.ext4": "e2fsprogs", "losetup": "mount", "ssh": "openssh-client",
	} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is missing: apt-get install %s to build and boot the image of a machine", program, from)
		}
	}
	if _, err := os.Stat("/usr/lib/EXTLINUX/mbr.bin"); err != nil {
		t.Skip("/usr/lib/EXTLINUX/mbr.bin is missing: apt-get install extlinux syslinux-common to build and boot the image of a machine")
	}
	if _, err := os.Stat("/dev/loop-control"); err != nil {
		t.Skip("/dev/loop-control is missing: a disk to begin with is made on a loop device")
	}
	disk := filepath.Join(w.dir, "base.qcow2")
	args := []string{disk}
	if w.accelerator() == "tcg" {
		t.Log("ACCELERATOR=tcg: QEMU reckons every instruction itself, and takes several times as long as with kvm; the largest packages are in the disk before")
		args = append(args, "docker.io", "iptables", "chrony", "unattended-upgrades", "logrotate")
	}
	w.must(15*time.Minute, "packer/root", args...)
	w.log("made a disk to begin with")
	w.sum(disk)
	w.build("qemu.all-in-one")

	m := w.boot(filepath.Join(w.dir, "output/qemu-all-in-one/all-in-one.qcow2"))
	if name := strings.TrimSpace(m.must("hostname")); name != "node-7" {
		t.Errorf("the machine is called %q: cloud-init did not name it", name)
	}
	out, err := m.run("/opt/crumpet/image/check")
	t.Logf("of a machine that booted:\n%s", out)
	if err != nil {
		t.Errorf("the machine does not pass: %v", err)
	}
	w.log("%s", strings.TrimSpace(m.must("systemd-analyze | head -n 1; free -m | sed -n 2p | awk '{print $3 \" MB in use\"}'")))

	w.agents(m.run)
	drivers := m.must(`curl -fsS "127.0.0.1:4646/v1/node/$(curl -fsS 127.0.0.1:4646/v1/nodes | sed 's/.*"ID":"\([0-9a-f-]*\)".*/\1/')" | tr , '\n' | grep -c '"driver.\(docker\|exec\)":"1"'`)
	if strings.TrimSpace(drivers) != "2" {
		t.Errorf("Nomad finds %s of the drivers docker and exec", strings.TrimSpace(drivers))
	}
}

// agents starts the three in their units, where systemd is at work: what it takes away from them they must not need.
func (w *imageWorks) agents(run func(script string) (string, error)) {
	w.t.Helper()
	if on, _ := run("systemctl is-enabled crumpet-consul crumpet-nomad crumpet-vault"); on != "disabled\ndisabled\ndisabled\n" {
		w.t.Errorf("units that nobody has set up: %s", on)
	}
	if out, err := run(agentsAlone); err != nil {
		w.t.Fatalf("start the agents: %v\n%s", err, out)
	}
	for _, agent := range []struct{ name, answers string }{
		{"consul", `curl -fsS 127.0.0.1:8500/v1/status/leader | grep -q 8300`},
		{"nomad", `curl -fsS 127.0.0.1:4646/v1/status/leader | grep -q 4647 && { [ ! -e /etc/crumpet/nomad/client.hcl ] || curl -fsS 127.0.0.1:4646/v1/nodes | grep -q '"Status":"ready"'; }`},
		{"vault", `curl -sS 127.0.0.1:8200/v1/sys/health | grep -q '"initialized":false'`},
	} {
		if out, err := run("for i in $(seq 150); do { " + agent.answers + "; } 2>/dev/null && exit; sleep 2; done; journalctl --no-pager -n 40 -u crumpet-" + agent.name + "; exit 1"); err != nil {
			w.t.Errorf("%s does not run in its unit: %v\n%s", agent.name, err, out)
			continue
		}
		exposed, _ := run("systemd-analyze security --no-pager crumpet-" + agent.name + ".service | tail -n 1 | sed 's/[^ -~]//g'")
		w.log("%s answers, %s", agent.name, strings.TrimSpace(exposed))
	}
}

// agentsAlone has the three run on loopback, each alone: enough to see that they can do what they do.
const agentsAlone = `set -e
cat >/etc/crumpet/consul/alone.hcl <<'END'
server = true
bootstrap_expect = 1
bind_addr = "127.0.0.1"
data_dir = "/var/lib/crumpet/consul"
END
cat >/etc/crumpet/nomad/alone.hcl <<'END'
bind_addr = "127.0.0.1"
advertise {
  http = "127.0.0.1"
  rpc = "127.0.0.1"
  serf = "127.0.0.1"
}
data_dir = "/var/lib/crumpet/nomad"
server {
  enabled = true
  bootstrap_expect = 1
}
END
[ ! -e /etc/crumpet/nomad/10-image.hcl ] || cat >/etc/crumpet/nomad/client.hcl <<'END'
client {
  enabled = true
  network_interface = "lo"
  options = { "fingerprint.denylist" = "env_aws,env_gce,env_azure,env_digitalocean" }
}
END
cat >/etc/crumpet/vault/alone.hcl <<'END'
disable_mlock = true
api_addr = "http://127.0.0.1:8200"
cluster_addr = "http://127.0.0.1:8201"
storage "raft" {
  path = "/var/lib/crumpet/vault"
  node_id = "alone"
}
listener "tcp" {
  address = "127.0.0.1:8200"
  tls_disable = true
}
END
chmod 0644 /etc/crumpet/*/*.hcl
systemctl start crumpet-consul crumpet-nomad crumpet-vault
`

// sum writes the digest of the disk that there is now into the variables.
func (w *imageWorks) sum(disk string) {
	w.t.Helper()
	f, err := os.Open(disk)
	if err != nil {
		w.t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // only read
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		w.t.Fatal(err)
	}
	text, err := os.ReadFile(w.vars)
	if err != nil {
		w.t.Fatal(err)
	}
	text = bytes.ReplaceAll(text, bytes.Repeat([]byte("0"), 64), fmt.Appendf(nil, "%x", sum.Sum(nil)))
	if err := os.WriteFile(w.vars, text, 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// booted is a machine that runs.
type booted struct {
	w         *imageWorks
	port, key string
}

// boot starts a disk, which stays as it is, with the seed of a cloud, and returns when its user may do everything.
func (w *imageWorks) boot(disk string) *booted {
	w.t.Helper()
	start := time.Now()
	m := &booted{w: w, port: freePort(w.t), key: filepath.Join(w.dir, "operator")}
	w.must(time.Minute, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", m.key)
	public, err := os.ReadFile(m.key + ".pub")
	if err != nil {
		w.t.Fatal(err)
	}
	seed := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/user-data":
			_, _ = fmt.Fprintf(rw, "#cloud-config\nssh_authorized_keys:\n  - %s", public)
		case "/meta-data":
			_, _ = fmt.Fprint(rw, "instance-id: node-7\nlocal-hostname: node-7\n")
		default:
			http.NotFound(rw, r)
		}
	}))
	w.t.Cleanup(seed.Close)
	_, port, err := net.SplitHostPort(seed.Listener.Addr().String())
	if err != nil {
		w.t.Fatal(err)
	}
	console := filepath.Join(w.dir, "console.log")
	c := exec.Command("qemu-system-x86_64", "-machine", "type=pc,accel="+w.accelerator(), "-cpu", w.cpu(), "-m", "3072", "-smp", "2",
		"-snapshot", "-drive", "file="+disk+",if=virtio", "-device", "virtio-net,netdev=n", "-device", "virtio-rng-pci",
		"-netdev", "user,id=n,hostfwd=tcp:127.0.0.1:"+m.port+"-:22", "-smbios", "type=1,serial=ds=nocloud-net;s=http://10.0.2.2:"+port+"/",
		"-display", "none", "-monitor", "none", "-serial", "file:"+console)
	if err := c.Start(); err != nil {
		w.t.Fatal(err)
	}
	ended := make(chan struct{})
	var failed error // once ended is closed
	go func() { failed = c.Wait(); close(ended) }()
	w.t.Cleanup(func() {
		_ = c.Process.Kill() // it may have ended
		<-ended
	})
	for deadline := time.Now().Add(15 * time.Minute); ; {
		if _, err := m.run("cloud-init status --wait >/dev/null; systemctl is-system-running --wait >/dev/null; true"); err == nil {
			w.log("the image booted in %s", time.Since(start).Round(time.Second))
			return m
		}
		select {
		case <-ended:
			w.t.Fatalf("the machine ended: %v", failed)
		case <-time.After(2 * time.Second):
		}
		if time.Now().After(deadline) {
			said, _ := os.ReadFile(console)
			w.t.Fatalf("the machine lets nobody in:\n%s", end(string(said)))
		}
	}
}

// run runs a script as root.
func (m *booted) run(script string) (string, error) {
	ctx, cancel := context.WithTimeout(m.w.t.Context(), 10*time.Minute)
	defer cancel()
	var out, faults bytes.Buffer
	c := exec.CommandContext(ctx, "ssh", "-i", m.key, "-p", m.port, "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes",
		"-o", "IdentitiesOnly=yes", "-o", "ConnectTimeout=20", "-o", "LogLevel=ERROR", "debian@127.0.0.1", "sudo sh -s")
	c.Stdin, c.Stdout, c.Stderr = strings.NewReader(script), &out, &faults
	if err := c.Run(); err != nil {
		return out.String(), errors.Join(err, errors.New(strings.TrimSpace(faults.String())))
	}
	return out.String(), nil
}

func (m *booted) must(script string) string {
	m.w.t.Helper()
	out, err := m.run(script)
	if err != nil {
		m.w.t.Fatalf("on the machine: %v\n%s\n%s", err, script, out)
	}
	return out
}
