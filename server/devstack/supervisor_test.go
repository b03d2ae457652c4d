package devstack_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/devstack"
)

func self(t testing.TB) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// eventually asks until ok, or fails with what was waited for.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); !ok(); {
		if time.Now().After(deadline) {
			t.Fatalf("never happened: %s", what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// gone says whether a process ended; a zombie has.
func gone(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || strings.Contains(string(stat), ") Z ")
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func taskPid(t testing.TB, dir string) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "nomad", "task.pid"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(string(text))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// running is a supervisor in the test's own process.
type running struct {
	dir  string
	info devstack.Info
	stop context.CancelFunc
	done chan error
}

func start(t testing.TB, c devstack.Config) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	up := make(chan devstack.Info, 1)
	c.Started = func(i devstack.Info) { up <- i }
	s, err := devstack.New(c)
	if err != nil {
		t.Fatal(err)
	}
	r := &running{dir: c.Dir, stop: cancel, done: make(chan error, 1)}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.done <- s.Run(ctx)
	}()
	t.Cleanup(func() { cancel(); <-ended })
	select {
	case r.info = <-up:
	case err := <-r.done:
		t.Fatalf("ended before it was ready: %v", err)
	case <-time.After(60 * time.Second):
		t.Fatal("never ready")
	}
	return r
}

func (r *running) end(t testing.TB) {
	t.Helper()
	r.stop()
	select {
	case err := <-r.done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(60 * time.Second):
		t.Fatal("did not end")
	}
}

func TestAStackStartsIsDescribedAndEnds(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := start(t, config(self(t), dir))

	info, err := readInfo(dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r.info, info); diff != "" {
		t.Error(diff)
	}
	if names := slices.Sorted(maps.Keys(info.Pids)); !slices.Equal(names, []string{"consul", "dev", "nomad", "router", "server", "vault"}) {
		t.Errorf("pids of %v", names)
	}
	if stat, err := os.Stat(filepath.Join(dir, "dev.json")); err != nil || stat.Mode().Perm() != 0o600 {
		t.Errorf("dev.json: %v %v", stat, err)
	}
	for _, url := range []string{info.Addr, info.Nomad, info.Consul, info.Vault, info.Router, info.Fabio} {
		if response, err := http.Get(url); err != nil {
			t.Error(err)
		} else {
			_ = response.Body.Close()
		}
	}
	if info.Token != "token-of-test" || info.Stack["nomad"] != devstack.Embedded {
		t.Errorf("got %+v", info)
	}

	task := taskPid(t, dir)
	eventually(t, "the task started", func() bool { return exists(filepath.Join(dir, "nomad", "task.started")) })
	r.end(t)
	if exists(filepath.Join(dir, "dev.json")) {
		t.Error("dev.json is still there")
	}
	if !exists(filepath.Join(dir, "nomad", "task.ended")) {
		t.Error("the task was not asked to end")
	}
	delete(info.Pids, "dev")
	info.Pids["task"] = task
	for name, pid := range info.Pids {
		if !gone(pid) {
			t.Errorf("%s (%d) is still there", name, pid)
		}
	}
}

func TestAChildThatDiesIsStartedAgainAndTasksStay(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := start(t, config(self(t), dir))
	task := taskPid(t, dir)
	for _, name := range []string{"nomad", "server", "consul"} {
		if err := syscall.Kill(r.info.Pids[name], syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		eventually(t, name+" runs under a new pid in dev.json", func() bool {
			info, err := readInfo(dir)
			return err == nil && info.Pids[name] != r.info.Pids[name] && !gone(info.Pids[name])
		})
	}
	if gone(task) {
		t.Error("the task ended with nomad")
	}
	r.end(t)
	if !gone(task) {
		t.Error("the task outlived dev")
	}
}

func TestPortsAreKept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := start(t, config(self(t), dir))
	first.end(t)
	again := start(t, config(self(t), dir))
	defer again.end(t)
	if first.info.Nomad != again.info.Nomad || first.info.Consul != again.info.Consul || first.info.Addr != again.info.Addr {
		t.Errorf("got %+v after %+v", again.info, first.info)
	}
}

func TestTwoStacksRunSideBySide(t *testing.T) {
	t.Parallel()
	one, two := start(t, config(self(t), t.TempDir())), start(t, config(self(t), t.TempDir()))
	one.end(t)
	for name, pid := range two.info.Pids {
		if gone(pid) {
			t.Errorf("%s of the other stack ended too", name)
		}
	}
	two.end(t)
}

func TestASecondDevOnAFolderNamesTheFirst(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := start(t, config(self(t), dir))
	defer r.end(t)
	s, err := devstack.New(config(self(t), dir))
	if err != nil {
		t.Fatal(err)
	}
	err = s.Run(context.Background())
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("pid %d", os.Getpid())) {
		t.Errorf("got %v", err)
	}
}

func TestAnAddressInUseIsNamed(t *testing.T) {
	t.Parallel()
	r := start(t, config(self(t), t.TempDir()))
	defer r.end(t)
	c := config(self(t), t.TempDir())
	c.Listen = strings.TrimPrefix(r.info.Addr, "http://")
	s, err := devstack.New(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Run(context.Background()); err == nil || !strings.Contains(err.Error(), c.Listen+" is in use") {
		t.Errorf("got %v", err)
	}
}

func TestAChildThatNeverStartsSaysWhy(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := config(self(t), dir)
	c.Server = func(devstack.Stack) (devstack.Server, error) {
		return devstack.Server{Argv: []string{self(t), "devstack", "broken"}}, nil
	}
	pids := map[string]int{}
	c.Ready = func(name string, pid int) { pids[name] = pid } // called one by one until the first failure
	s, err := devstack.New(c)
	if err != nil {
		t.Fatal(err)
	}
	err = s.Run(context.Background())
	if err == nil || !strings.Contains(err.Error(), "server did not start: exit status 3") || !strings.Contains(err.Error(), "no luck today") {
		t.Errorf("got %v", err)
	}
	if len(pids) != 4 {
		t.Errorf("ready: %v", pids)
	}
	for name, pid := range pids {
		if !gone(pid) {
			t.Errorf("%s is still there", name)
		}
	}
	if _, err := readInfo(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("dev.json: %v", err)
	}
}

func TestNothingOutlivesADevThatIsKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	startKilled := func() devstack.Info {
		cmd := exec.Command(self(t), "dev", dir)
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = cmd.Process.Kill() })
		eventually(t, "dev.json of this dev", func() bool {
			info, err := readInfo(dir)
			return err == nil && info.Pids["dev"] == cmd.Process.Pid
		})
		info, err := readInfo(dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		return info
	}
	first := startKilled()
	first.Pids["task"] = taskPid(t, dir)
	for name, pid := range first.Pids {
		eventually(t, name+" is gone", func() bool { return gone(pid) })
	}
	// The next dev on the folder waits for the guard, and starts.
	if err := os.Remove(filepath.Join(dir, "nomad", "task.pid")); err != nil {
		t.Fatal(err)
	}
	second := startKilled()
	for name, pid := range second.Pids {
		eventually(t, name+" is gone", func() bool { return gone(pid) })
	}
}
