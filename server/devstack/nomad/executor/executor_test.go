package executor_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/devstack/nomad/executor"
)

// TestMain is the shim when the tests start themselves.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "shim" {
		os.Exit(executor.Main(os.Args[2:], os.Stdin, os.Stdout))
	}
	os.Exit(m.Run())
}

func start(t *testing.T, script string, edit func(*executor.Spec)) (*executor.Handle, executor.Spec) {
	t.Helper()
	dir := t.TempDir()
	spec := executor.Spec{
		Run: filepath.Join(dir, "run", "1"), Dir: dir, Logs: dir, Task: "web",
		Command: "/bin/sh", Args: []string{"-c", script}, Env: []string{"PATH=" + os.Getenv("PATH"), "SECRET=x"},
		MaxFiles: 3, MaxFileSizeMB: 1,
	}
	if edit != nil {
		edit(&spec)
	}
	h, err := executor.Start(t.Context(), []string{os.Args[0], "shim"}, spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // whatever the test did, nothing stays
		if err := h.Signal(syscall.SIGKILL); err != nil {
			t.Error(err)
		}
		if _, err := h.Wait(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return h, spec
}

func read(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatal("waited in vain: " + what)
}

func gone(pid int) bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

func TestExitCodesAndLogs(t *testing.T) {
	t.Parallel()
	h, spec := start(t, "echo out; echo err >&2; pwd; exit 3", nil)
	exit, err := h.Wait(t.Context())
	if err != nil || exit.Code != 3 || exit.Signal != 0 || exit.Lost {
		t.Errorf("got %+v, %v", exit, err)
	}
	if got := read(t, filepath.Join(spec.Logs, "web.stdout.0")); got != "out\n"+spec.Dir+"\n" {
		t.Errorf("stdout %q", got)
	}
	if got := read(t, filepath.Join(spec.Logs, "web.stderr.0")); got != "err\n" {
		t.Errorf("stderr %q", got)
	}
}

func TestASignalReachesTheGroupAndIsTold(t *testing.T) {
	t.Parallel()
	h, _ := start(t, "sleep 1000 & wait", nil)
	if err := h.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := h.Signal(syscall.SIGTERM); err != nil { // sh may pass over the first
		t.Fatal(err)
	}
	exit, err := h.Wait(t.Context())
	if err != nil || exit.Signal == 0 || exit.Code != 128+exit.Signal {
		t.Errorf("got %+v, %v", exit, err)
	}
}

func TestAnotherHandleLearnsOfTheExit(t *testing.T) {
	t.Parallel()
	h, spec := start(t, "while [ ! -e go ]; do sleep 0.02; done; exit 7", nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.Wait(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("a wait that was given up returned %v", err)
	}
	other, err := executor.Attach(spec.Run)
	if err != nil {
		t.Fatal(err)
	}
	if other.Pid() != h.Pid() || gone(h.Pid()) {
		t.Errorf("attached to %d, not %d", other.Pid(), h.Pid())
	}
	if err := os.WriteFile(filepath.Join(spec.Dir, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if exit, err := other.Wait(t.Context()); err != nil || exit.Code != 7 {
		t.Errorf("got %+v, %v", exit, err)
	}
	late, err := executor.Attach(spec.Run)
	if err != nil {
		t.Fatal(err)
	}
	if exit, err := late.Wait(t.Context()); err != nil || exit.Code != 7 {
		t.Errorf("long after: %+v, %v", exit, err)
	}
}

func TestNoChildSurvivesTheTask(t *testing.T) {
	t.Parallel()
	// One child leaves the process group and its parent.
	h, spec := start(t, "setsid sh -c 'echo $$ > pid; exec sleep 1000' & while [ ! -s pid ]; do sleep 0.02; done; exit 0", nil)
	if _, err := h.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(read(t, filepath.Join(spec.Dir, "pid"))))
	if err != nil {
		t.Fatal(err)
	}
	if !gone(pid) {
		t.Errorf("child %d lives", pid)
	}
}

func TestTheTaskDiesWithItsShim(t *testing.T) {
	t.Parallel()
	h, spec := start(t, "exec sleep 1000", nil)
	parent := strings.Fields(read(t, "/proc/"+strconv.Itoa(h.Pid())+"/stat"))[3]
	shim, err := strconv.Atoi(parent)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(shim, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	other, err := executor.Attach(spec.Run)
	if err != nil {
		t.Fatal(err)
	}
	if exit, err := other.Wait(t.Context()); err != nil || !exit.Lost {
		t.Errorf("got %+v, %v", exit, err)
	}
	eventually(t, "the task is gone", func() bool { return gone(h.Pid()) })
}

func TestLogsRotate(t *testing.T) {
	t.Parallel()
	h, spec := start(t, "head -c 4500000 /dev/zero; echo last", nil)
	if _, err := h.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	numbers, err := executor.LogNumbers(spec.Logs, "web.stdout")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{2, 3, 4}, numbers); diff != "" {
		t.Error(diff)
	}
	if got := read(t, filepath.Join(spec.Logs, "web.stdout.4")); !strings.HasSuffix(got, "last\n") {
		t.Error("the end is missing")
	}
}

func TestAStartThatFailsSaysWhy(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	spec := executor.Spec{Run: filepath.Join(dir, "1"), Dir: dir, Logs: dir, Task: "web", Command: filepath.Join(dir, "none")}
	_, err := executor.Start(t.Context(), []string{os.Args[0], "shim"}, spec)
	if err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("got %v", err)
	}
}

func TestTheEnvironmentStaysOffTheDisk(t *testing.T) {
	t.Parallel()
	_, spec := start(t, "sleep 1000", nil)
	entries, err := os.ReadDir(spec.Run)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Type().IsRegular() && strings.Contains(read(t, filepath.Join(spec.Run, e.Name())), "SECRET") {
			t.Errorf("%s holds the environment", e.Name())
		}
	}
}

func TestProgramsAreLookedForAsNomadDoes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "local"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, mode := range map[string]os.FileMode{"local/app": 0o755, "tool": 0o755, "plain": 0o644} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	for command, want := range map[string]string{
		"app":                       filepath.Join(dir, "local/app"),
		"./app":                     filepath.Join(dir, "local/app"),
		"local/app":                 filepath.Join(dir, "local/app"),
		"/local/app":                filepath.Join(dir, "local/app"),
		"tool":                      filepath.Join(dir, "tool"),
		filepath.Join(dir, "tool"):  filepath.Join(dir, "tool"),
		"sh":                        "/bin/sh",
		"nope":                      `binary "nope" could not be found`,
		"plain":                     `binary "plain" is not executable`,
		"/nowhere/at/all/something": `binary "/nowhere/at/all/something" could not be found`,
	} {
		got, err := executor.Look(dir, "/bin", command)
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", command, got, want)
		}
	}
}
