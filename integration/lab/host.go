//go:build linux

package lab

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

//go:embed boot.sh
var bootScript string

// Host is one machine of a lab.
type Host struct {
	Name    string
	Address string

	lab   *Lab
	base  string // what its disk is laid over
	image bool   // that is an image's root, which makes keys and the machine's id itself
	boots int    // how often it was booted: each time with another cable

	mu    sync.Mutex
	pid   int           // guarded by mu: of its first process, 0 while it is off
	ended chan struct{} // guarded by mu: closed when that process has ended
	out   lockedBuffer  // of its first process
}

// Boot turns the host on and returns when its sshd answers. Its disk is as it was.
func (h *Host) Boot() {
	t := h.lab.t
	t.Helper()
	if h.Running() {
		t.Fatalf("host %s is on already", h.Name)
	}
	for _, dir := range []string{"upper", "work", "root"} {
		if err := os.MkdirAll(h.disk(dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	script := filepath.Join(h.lab.dir, "boot.sh")
	if err := os.WriteFile(script, []byte(bootScript), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", script)
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "BOOT=" + script, "NAME=" + h.Name, "DISK=" + h.disk(""), "BASE=" + h.base,
		"GROUP=" + h.lab.group(), "CONTROLLERS=" + strings.Join(controllers(), " "), "OPERATOR=" + h.lab.PublicKey(),
		"INIT=" + string(h.lab.init), "HUSHED=" + strings.Join(strings.Fields(hushed), " "),
		"IMAGE=" + map[bool]string{true: "yes", false: "no"}[h.image],
	}
	cmd.Stdout, cmd.Stderr = &h.out, &h.out
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC,
		Pdeathsig:  syscall.SIGKILL,
		Setsid:     true,
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	h.start(cmd)
	h.plug(cmd.Process.Pid)
	if _, err := io.WriteString(in, "go\n"); err != nil {
		t.Fatalf("host %s did not start: %v\n%s", h.Name, err, h.out.String())
	}
	h.awaitSSH()
}

// start has one thread start the process and wait for it, because the process is to die with the thread that started it.
func (h *Host) start(cmd *exec.Cmd) {
	h.lab.t.Helper()
	started, ended := make(chan error, 1), make(chan struct{})
	go func() {
		runtime.LockOSThread()
		defer close(ended)
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // it is killed: that is how a host ends
		}
		h.mu.Lock()
		h.pid = 0
		h.mu.Unlock()
	}()
	if err := <-started; err != nil {
		h.lab.t.Fatalf("start host %s: %v", h.Name, err)
	}
	h.mu.Lock()
	h.pid, h.ended = cmd.Process.Pid, ended
	h.mu.Unlock()
}

// plug puts a cable between the bridge and the host. It goes away with the host.
func (h *Host) plug(pid int) {
	t := h.lab.t
	t.Helper()
	h.boots++
	here := h.cable()
	h.lab.must("ip", "link", "add", here, "type", "veth", "peer", "name", "eth0", "netns", fmt.Sprint(pid))
	h.lab.must("ip", "link", "set", here, "master", h.lab.bridge(), "up")
	for _, args := range []string{
		"link set lo up",
		"link set eth0 address " + h.mac(), // the same after each boot: others remember it
		"link set eth0 up",
		"addr add " + h.Address + "/24 dev eth0",
		"route add default via " + h.lab.Gateway(),
	} {
		h.lab.must("nsenter", append([]string{"--net", "--target", fmt.Sprint(pid), "ip"}, strings.Fields(args)...)...)
	}
}

func (h *Host) awaitSSH() {
	t := h.lab.t
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		conn, err := net.DialTimeout("tcp", net.JoinHostPort(h.Address, "22"), time.Second)
		if err == nil {
			_ = conn.Close() // it answers: that was the question
			return
		}
		if !h.Running() || time.Now().After(deadline) {
			t.Fatalf("host %s did not come up: %v\n%s", h.Name, err, h.out.String())
		}
	}
}

// Running says whether the host is on.
func (h *Host) Running() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.pid != 0
}

// Kill takes the power away: every process of the host is killed at once. Its disk stays.
func (h *Host) Kill() {
	h.mu.Lock()
	pid, ended := h.pid, h.ended
	h.mu.Unlock()
	if pid == 0 {
		return
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		h.lab.t.Errorf("kill host %s: %v", h.Name, err)
		return
	}
	<-ended
	removeLink(h.lab.t, h.cable()) // by itself it goes only when the last connection has timed out
}

// Wipe gives the host an empty disk: it is a new machine with the old address. It must be off.
func (h *Host) Wipe() {
	h.lab.t.Helper()
	if h.Running() {
		h.lab.t.Fatalf("host %s is on: kill it first", h.Name)
	}
	if err := os.RemoveAll(h.disk("")); err != nil {
		h.lab.t.Fatal(err)
	}
}

// Cut pulls the cable; Heal puts it back. Nobody is told: connections just go silent.
func (h *Host) Cut() { h.lab.t.Helper(); h.lab.must("ip", "link", "set", h.cable(), "down") }

// Heal puts the cable back.
func (h *Host) Heal() { h.lab.t.Helper(); h.lab.must("ip", "link", "set", h.cable(), "up") }

// cable is the name of its end at the bridge.
func (h *Host) cable() string { return fmt.Sprintf("%s%d-%d", h.lab.cables(), h.last(), h.boots) }

func (h *Host) mac() string { return fmt.Sprintf("02:10:77:00:%02x:%02x", h.lab.place, h.last()) }

// last is the last byte of its address.
func (h *Host) last() byte { return net.ParseIP(h.Address).To4()[3] }

// Console runs a shell script on the host as at its console, without ssh and whatever its cable does.
func (h *Host) Console(script string) (string, error) {
	h.mu.Lock()
	pid := h.pid
	h.mu.Unlock()
	if pid == 0 {
		return "", fmt.Errorf("host %s is off", h.Name)
	}
	return command(2*time.Minute, "nsenter", "--all", "--target", fmt.Sprint(pid), "env", "-i",
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "sh", "-c", script)
}

func (h *Host) console(script string) {
	h.lab.t.Helper()
	if out, err := h.Console(script); err != nil {
		h.lab.t.Fatalf("on host %s: %s: %v\n%s", h.Name, script, err, out)
	}
}

// disk is a path of the host's disk: the folder "upper" below it holds what the host wrote.
func (h *Host) disk(path string) string { return filepath.Join(h.lab.dir, "disks", h.Name, path) }

// lockedBuffer keeps what a process writes.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
