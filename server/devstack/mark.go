package devstack

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// markName names the environment variable that every process of a folder's stack inherits, tasks too.
const markName = "CRUMPET_DEV_DIR"

func mark(dir string) string { return markName + "=" + dir }

// marked returns the processes that carry the mark of dir, but for those with the given pids. Each is held by
// a handle: a signal can't reach another process that got its pid since.
func marked(dir string, except ...int) []*os.Process {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	want := []byte(mark(dir))
	var found []*os.Process
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil || slices.Contains(except, pid) {
			continue
		}
		process, err := os.FindProcess(pid) // before the look at its environment
		if err != nil {
			continue
		}
		environ, err := os.ReadFile(filepath.Join("/proc", entry.Name(), "environ"))
		if err != nil || !slices.ContainsFunc(bytes.Split(environ, []byte{0}), func(v []byte) bool { return bytes.Equal(v, want) }) {
			_ = process.Release()
			continue
		}
		found = append(found, process)
	}
	return found
}

// sweep kills every marked process, and what those start meanwhile, until none is left.
func sweep(ctx context.Context, dir string, except ...int) int {
	killed := map[int]bool{}
	for ctx.Err() == nil {
		processes := marked(dir, except...)
		if len(processes) == 0 {
			break
		}
		for _, p := range processes {
			killed[p.Pid] = true
			_ = p.Kill() // gone already, or gone at the next look
			_ = p.Release()
		}
		pause(ctx, 10*time.Millisecond)
	}
	return len(killed)
}

// endTasks asks every marked process but for those given to end, waits, and kills the rest. Executors are left
// alone: one ends with its task, and its death would kill the task at once. Nomad's wait to be asked for the
// exit code, by nobody any more.
func endTasks(ctx context.Context, dir string, grace time.Duration, except ...int) {
	for _, p := range marked(dir, except...) {
		if !isExecutor(p.Pid) {
			_ = p.Signal(syscall.SIGTERM) // gone already, or gone at the next look
		}
		_ = p.Release()
	}
	awaitEnd(ctx, grace, func() bool { return anyMarked(dir, false, except...) })
	awaitEnd(ctx, executorGrace, func() bool { return anyMarked(dir, true, except...) })
	sweep(ctx, dir, except...)
}

// executorGrace is how long an executor may take to note how its task ended.
const executorGrace = 500 * time.Millisecond

func awaitEnd(ctx context.Context, limit time.Duration, running func() bool) {
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for bounded.Err() == nil && running() {
		pause(bounded, 20*time.Millisecond)
	}
}

func anyMarked(dir string, executors bool, except ...int) bool {
	found := false
	for _, p := range marked(dir, except...) {
		found = found || executors || !isExecutor(p.Pid)
		_ = p.Release()
	}
	return found
}

// isExecutor knows the executors of the stand-in ("crumpet devstack executor") and of Nomad ("nomad executor",
// "nomad logmon").
func isExecutor(pid int) bool {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cmdline"))
	if err != nil {
		return false
	}
	args := strings.Split(string(text), "\x00")
	for _, arg := range args[:min(len(args), 3)] {
		if arg == "executor" || arg == "logmon" {
			return true
		}
	}
	return false
}
