//go:build linux

package integration_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestImages builds node images from nothing but Debian's packages and the programs that the other stories run, starts
// them, and has their own check list judge them: whole, and after each of several faults was put in.
//
//	root folder (debootstrap) -> docker import -> Packer, docker builder -> a client, and a server that systemd runs
//	disk (debootstrap)        -> cloud-init    -> Packer, qemu builder   -> server and client in one, booted with systemd
//
// CRUMPET_PACKER may name a current Packer, whose validation is then asked for as well; ACCELERATOR=kvm is faster where
// KVM boots a machine.
func TestImages(t *testing.T) {
	w := newImageWorks(t)

	w.log("validate every template, in full")
	w.validates()

	t.Run("container", func(t *testing.T) { w.container(t) })
	t.Run("machine", func(t *testing.T) { w.machine(t) })
}

// container builds a client from a root folder.
func (w *imageWorks) container(t *testing.T) {
	w.t = t
	w.rootFolder()

	w.log("a program that was changed ends the build")
	w.refusesAChangedProgram()

	w.log("a client and a server for containers")
	client := w.buildContainer("docker.client")
	w.checks(client)
	w.manifest(client)
	w.systemd(w.buildContainer("docker.server"))
}

// rootFolder makes what images for containers begin with.
func (w *imageWorks) rootFolder() {
	w.t.Helper()
	w.log("a root folder to begin with")
	base := filepath.Join(w.dir, "root.tar")
	w.must(10*time.Minute, "packer/root", base)
	w.must(2*time.Minute, "docker", "import", base, "crumpet/root:test")
}

// buildContainer gives the id of the image.
func (w *imageWorks) buildContainer(name string) string {
	w.t.Helper()
	return w.imageOf(w.build(name), name)
}

// imageOf reads the id of an image out of what Packer printed.
func (w *imageWorks) imageOf(built, name string) string {
	w.t.Helper()
	m := regexp.MustCompile(regexp.QuoteMeta(name) + `: Image ID: (sha256:[0-9a-f]{64})`).FindStringSubmatch(built)
	if m == nil {
		w.t.Fatalf("Packer names no image %s:\n%s", name, end(built))
	}
	return m[1]
}

// systemd starts the image of a server with its init and has the agents run. A client would want cgroups of its own.
func (w *imageWorks) systemd(image string) {
	w.t.Helper()
	w.must(time.Minute, "docker", "run", "-d", "--name", "node", "--network", "none", "--cap-add", "SYS_ADMIN", "--security-opt", "seccomp=unconfined",
		"--cgroupns", "private", "--tmpfs", "/run", "--tmpfs", "/run/lock", "--tmpfs", "/tmp:exec", "-e", "container=docker", image)
	run := func(script string) (string, error) {
		return w.run(6*time.Minute, "docker", "exec", "node", "sh", "-c", script)
	}
	state, err := run("for i in $(seq 60); do systemctl is-system-running >/dev/null 2>&1 && break; case $(systemctl is-system-running) in degraded) break ;; esac; sleep 1; done; systemctl is-system-running; systemctl list-units --failed --plain --no-legend")
	w.log("a container with systemd is %s", strings.Join(strings.Fields(state), " "))
	if strings.TrimSpace(state) == "" {
		w.t.Fatalf("systemd does not run: %v", err)
	}
	out, err := run("/opt/crumpet/image/check")
	if err != nil {
		w.t.Errorf("the container does not pass: %v\n%s", err, out)
	}
	w.agents(run)
}

// imageWorks is a folder with programs, a list of their digests and its signature, and a Docker of its own.
type imageWorks struct {
	t       *testing.T
	dir     string
	vars    string // file of Packer's variables
	env     []string
	started time.Time
}

// imageProgram is one by the name that the templates have.
type imageProgram struct{ name, command, version string }

func newImageWorks(t *testing.T) *imageWorks {
	t.Helper()
	if !proving || stack != "real" {
		t.Skip("images of real programs are built only with PROVE=1 STACK=real (make prove STORY=images STACK=real)")
	}
	for program, from := range map[string]string{
		"packer": "packer", "debootstrap": "debootstrap", "docker": "docker.io", "dockerd": "docker.io", "containerd": "containerd",
		"gpg": "gpg", "gpgv": "gpgv", "curl": "curl", "unzip": "unzip", "dpkg-deb": "dpkg", "ssh-keygen": "openssh-client",
	} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is missing: apt-get install %s to build images", program, from)
		}
	}
	if os.Geteuid() != 0 {
		t.Skip("this is not root: debootstrap and Docker want it")
	}
	// Docker's socket has a short path: t.TempDir's would be too long.
	dir, err := os.MkdirTemp("", "images")
	if err != nil {
		t.Fatal(err)
	}
	w := &imageWorks{t: t, dir: dir, vars: filepath.Join(dir, "images.pkrvars.hcl"), started: time.Now()}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	w.env = append(os.Environ(), "DOCKER_HOST=unix://"+dir+"/docker.sock", "CHECKPOINT_DISABLE=1", "GNUPGHOME="+dir+"/gnupg",
		"PACKER_CACHE_DIR="+dir+"/cache")
	w.docker()
	w.variables(w.programs())
	return w
}

// log says where the story is, and when.
func (w *imageWorks) log(format string, args ...any) {
	w.t.Helper()
	w.t.Logf("%5.0fs  "+format, append([]any{time.Since(w.started).Seconds()}, args...)...)
}

// run runs a command of the repository in it and gives all that it printed.
func (w *imageWorks) run(limit time.Duration, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(w.t.Context(), limit)
	defer cancel()
	var out bytes.Buffer
	c := exec.CommandContext(ctx, name, args...)
	c.Dir, c.Env, c.Stdout, c.Stderr = "..", w.env, &out, &out
	// Packer takes its machines and containers down when it is interrupted.
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	c.WaitDelay = time.Minute
	err := c.Run()
	if ctx.Err() != nil {
		err = fmt.Errorf("%w after %s", ctx.Err(), limit)
	}
	return out.String(), err
}

func (w *imageWorks) must(limit time.Duration, name string, args ...string) string {
	w.t.Helper()
	out, err := w.run(limit, name, args...)
	if err != nil {
		w.t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, end(out))
	}
	return out
}

func end(out string) string { return out[max(0, len(out)-6000):] }

// docker starts a daemon that nobody else uses. It makes no network: what is built has the machine's.
func (w *imageWorks) docker() {
	w.t.Helper()
	log, err := os.Create(filepath.Join(w.dir, "dockerd.log"))
	if err != nil {
		w.t.Fatal(err)
	}
	c := exec.Command("dockerd", "--data-root", w.dir+"/docker", "--exec-root", w.dir+"/exec", "--pidfile", w.dir+"/docker.pid",
		"--host", "unix://"+w.dir+"/docker.sock", "--bridge", "none", "--iptables=false")
	c.Stdout, c.Stderr = log, log
	if err := c.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		_ = c.Process.Signal(os.Interrupt) // it may have ended
		_ = c.Wait()
		_ = exec.Command("umount", w.dir+"/exec/netns/default").Run() // it leaves this one behind
		_ = log.Close()
	})
	for deadline := time.Now().Add(time.Minute); ; {
		if _, err := w.run(10*time.Second, "docker", "version"); err == nil {
			return
		}
		if time.Now().After(deadline) {
			said, _ := os.ReadFile(log.Name())
			w.t.Skipf("dockerd does not start on this machine: no image is built\n%s", end(string(said)))
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// programs fills a folder, and signs the list of what is in it.
func (w *imageWorks) programs() []imageProgram {
	w.t.Helper()
	folder := filepath.Join(w.dir, "programs")
	var all []imageProgram
	take := func(name, command, path, version string) {
		w.t.Helper()
		w.must(time.Minute, "install", "-D", "-m", "755", path, filepath.Join(folder, command))
		all = append(all, imageProgram{name, command, version})
	}
	for _, p := range []struct{ name, command, asks string }{{"consul", "consul", "version"}, {"nomad", "nomad", "version"}, {"vault", "bao", "version"}, {"fabio", "fabio", "-v"}} {
		path, err := exec.LookPath(p.command)
		if err != nil {
			w.t.Skipf("%s is not on PATH: no image is built without it", p.command)
		}
		said := w.must(time.Minute, path, p.asks)
		version := regexp.MustCompile(`\d+\.\d+\.\d+(-[0-9A-Za-z.]+)?`).FindString(said)
		if version == "" {
			w.t.Fatalf("%s says no version: %s", path, said)
		}
		take(p.name, p.command, path, version)
	}
	said := w.must(time.Minute, crumpet, "version")
	take("crumpet", "crumpet", crumpet, strings.Fields(said)[1])

	// The CNI plugins are Debian's, packed as their project packs them.
	w.must(5*time.Minute, "sh", "-ec", `mkdir -p "$1/cni" && cd "$1/cni" && apt-get -q download containernetworking-plugins && dpkg-deb -x ./*.deb x
		tar -C x/usr/lib/cni -czf "$1/programs/cni-1.1.1.tgz" .`, "cni", w.dir)
	all = append(all, imageProgram{"cni", "", "1.1.1"})
	w.must(time.Minute, "sh", "-ec", `mkdir -m 700 "$GNUPGHOME" && cd "$1/programs" && sha256sum -- * >SHA256SUMS
		gpg --batch --quiet --passphrase '' --quick-generate-key images@example.com ed25519 sign never
		gpg --batch --quiet --detach-sign SHA256SUMS && gpg --batch --armor --export >"$1/key.asc"
		gpgconf --kill gpg-agent`, "sign", w.dir)
	return all
}

// variables writes the file that says where everything is.
func (w *imageWorks) variables(programs []imageProgram) {
	w.t.Helper()
	var text strings.Builder
	text.WriteString("programs = {\n")
	for _, p := range programs {
		source := w.dir + "/programs"
		if p.command == "" {
			source += "/" + p.name + "-" + p.version + ".tgz"
		}
		fmt.Fprintf(&text, "  %s = {\n    command = %q\n    version = %q\n    source = %q\n    sha256 = \"\"\n    sums = %q\n    signature = \"\"\n    key = %q\n  }\n",
			p.name, p.command, p.version, source, w.dir+"/programs/SHA256SUMS", w.dir+"/key.asc")
	}
	// A disk that is not there yet is no fault of a template.
	fmt.Fprintf(&text, "}\ndate = \"2026-01-31T00:00:00Z\"\noutput = %q\ndisk = %q\ndisk_checksum = \"sha256:%s\"\naccelerator = %q\ncpu = %q\n",
		w.dir+"/output", w.dir+"/base.qcow2", strings.Repeat("0", 64), w.accelerator(), w.cpu())
	text.WriteString("container = \"crumpet/root:test\"\ncontainer_network = \"host\"\n")
	if err := os.WriteFile(w.vars, []byte(text.String()), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w *imageWorks) accelerator() string { return orElse(os.Getenv("ACCELERATOR"), "tcg") }

func (w *imageWorks) cpu() string {
	if w.accelerator() == "kvm" {
		return "host,-arch-capabilities"
	}
	return "max"
}

func (w *imageWorks) validates() {
	w.t.Helper()
	packers := []string{"packer"}
	if current := os.Getenv("CRUMPET_PACKER"); current != "" {
		packers = append(packers, current)
	} else {
		w.t.Log("CRUMPET_PACKER names no current Packer: Debian's alone has validated the templates")
	}
	for _, packer := range packers {
		version, _, _ := strings.Cut(w.must(time.Minute, packer, "version"), "\n")
		w.must(2*time.Minute, "env", "PACKER="+packer, "packer/image", "validate", w.vars)
		w.t.Logf("valid for %s", version)
	}
}

// build builds images, several at once, and gives what Packer printed.
func (w *imageWorks) build(images ...string) string {
	w.t.Helper()
	start := time.Now()
	out, err := w.run(40*time.Minute, "packer/image", append([]string{w.vars}, images...)...)
	if err != nil {
		w.t.Fatalf("build %s: %v\n%s", images, err, end(out))
	}
	counts := regexp.MustCompile(`\d+ checks of image [a-z-]+, 0 failed`).FindAllString(out, -1)
	if len(counts) != len(images) {
		w.t.Fatalf("of %s these were checked as they were built: %s\n%s", images, counts, end(out))
	}
	w.log("%s: built in %s: %s", strings.Join(images, ", "), time.Since(start).Round(time.Second), strings.Join(counts, "; "))
	return out
}

// refusesAChangedProgram changes a byte of what is signed.
func (w *imageWorks) refusesAChangedProgram() {
	w.t.Helper()
	file := filepath.Join(w.dir, "programs/fabio")
	good, err := os.ReadFile(file)
	if err != nil {
		w.t.Fatal(err)
	}
	bad := slices.Clone(good)
	bad[len(bad)/2] ^= 1
	if err := os.WriteFile(file, bad, 0o755); err != nil {
		w.t.Fatal(err)
	}
	out, err := w.run(5*time.Minute, "packer/image", w.vars, "docker.client")
	if err == nil || !strings.Contains(out, "fabio: ") || !strings.Contains(out, "has the SHA-256") {
		w.t.Errorf("a changed fabio was built in: %v\n%s", err, end(out))
	}
	if err := os.WriteFile(file, good, 0o755); err != nil {
		w.t.Fatal(err)
	}
}

// checks starts containers of the image: as it is, and with one fault each.
func (w *imageWorks) checks(image string) {
	w.t.Helper()
	const all = "/opt/crumpet/image/check --fresh"
	in := func(script string) (string, error) {
		return w.run(3*time.Minute, "docker", "run", "--rm", "--network", "none", "--entrypoint", "sh", image, "-c", script)
	}
	out, err := in(all)
	if err != nil {
		w.t.Fatalf("the image does not pass: %v\n%s", err, out)
	}
	w.t.Logf("of a container:\n%s", out)
	for _, fault := range []struct{ script, fails string }{
		{"sed -i 's/^PasswordAuthentication.*/PasswordAuthentication yes/' /etc/ssh/sshd_config.d/10-crumpet.conf", "sshd takes no passwords"},
		{"echo 'root:secret' | chpasswd", "root has no password"},
		{"printf x >>/opt/crumpet/bin/nomad", "has the digest of the manifest"},
		{"ln -sfn consul /opt/crumpet/bin/nomad", "nomad leads to nomad-"},
		{"chmod 777 /opt/crumpet/bin", "programs belong to root alone"},
		{"systemctl -q enable crumpet-nomad", "unit crumpet-nomad is off until cluster up"},
		{"sed -i 's/^ExecStart=.*/ExecStart=nothing/' /etc/systemd/system/crumpet-consul.service", "unit crumpet-consul has no fault"},
		{"chmod 755 /etc/crumpet/nomad", "/etc/crumpet/nomad is for nomad to read"},
		{"echo '/swapfile none swap sw 0 0' >>/etc/fstab", "/etc/fstab has no swap"},
		{"sed -i '/security/d' /etc/apt/apt.conf.d/52crumpet", "only security updates come by themselves"},
		{"sed -i 's,\"/usr/bin/dash\",\"/bin/sh\",' /etc/crumpet/nomad/10-image.hcl", "chroot_env names real files"},
		{"sed -i '/ld-linux/d' /etc/crumpet/nomad/10-image.hcl", "a shell runs in chroot_env"},
		{"rm /opt/cni/bin/bridge", "CNI plugins are where Nomad looks"},
		{"ssh-keygen -q -A", "there are no host keys"},
		{"echo 0123456789abcdef0123456789abcdef >/etc/machine-id", "there is no machine id"},
	} {
		out, err := in(fault.script + " 2>/dev/null; " + all)
		line := regexp.MustCompile(`(?m)^FAILED  .*` + regexp.QuoteMeta(fault.fails) + `.*$`).FindString(out)
		if err == nil || line == "" {
			w.t.Errorf("with %q the check %q did not fail: %v\n%s", fault.script, fault.fails, err, out)
			continue
		}
		w.t.Log(line)
	}
}

// manifest compares what the image says of itself with what lies beside it, and with what is in it.
func (w *imageWorks) manifest(image string) {
	w.t.Helper()
	inside := w.must(time.Minute, "docker", "run", "--rm", "--network", "none", "--entrypoint", "cat", image, "/etc/crumpet/image.json")
	if starts := strings.TrimSpace(w.must(time.Minute, "docker", "inspect", "--format", "{{.Config.Entrypoint}} {{.Config.Cmd}}", image)); starts != "[/sbin/init] []" {
		w.t.Errorf("a container of the image starts %s", starts)
	}
	beside, err := os.ReadFile(filepath.Join(w.dir, "output/docker-client.json"))
	if err != nil || inside != string(beside) {
		w.t.Errorf("the manifest beside the image is another than that inside: %v", err)
	}
	var said struct {
		Role, Date, Commit, Debian string
		Programs                   []struct {
			Name, Version, SHA256 string
			SignedBy              string `json:"signed_by"`
		}
		Packages []struct{ Name, Version string }
	}
	if err := json.Unmarshal([]byte(inside), &said); err != nil {
		w.t.Fatalf("%v\n%s", err, inside)
	}
	if said.Role != "client" || said.Date != "2026-01-31T00:00:00Z" || said.Commit == "" || !strings.HasPrefix(said.Debian, "1") || len(said.Packages) < 100 {
		w.t.Errorf("the manifest says it is a %q of %q, commit %q, Debian %q, %d packages", said.Role, said.Date, said.Commit, said.Debian, len(said.Packages))
	}
	var names []string
	for _, p := range said.Programs {
		names = append(names, p.Name)
		if len(p.SignedBy) != 40 {
			w.t.Errorf("%s is signed by %q", p.Name, p.SignedBy)
		}
	}
	if want := []string{"cni", "consul", "crumpet", "fabio", "nomad"}; !slices.Equal(names, want) {
		w.t.Errorf("the manifest names %s, want %s", names, want)
	}
}
