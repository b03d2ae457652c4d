package executor

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Main is the shim's process. Args are its arguments: the run's folder. It
// returns the process's exit code.
func Main(args []string, stdin io.Reader, stdout io.WriteCloser) int {
	// The kernel ties the death signal of a child to the thread that forked it.
	runtime.LockOSThread()
	started := false
	if err := shim(args, stdin, func() error { started = true; return stdout.Close() }); err != nil {
		if !started {
			_, _ = fmt.Fprintf(stdout, "error: %v", err) // nobody else to tell
		}
		return 1
	}
	return 0
}

func shim(args []string, stdin io.Reader, started func() error) error {
	if len(args) != 1 {
		return errors.New("usage: executor RUN")
	}
	var spec Spec
	if err := json.NewDecoder(stdin).Decode(&spec); err != nil {
		return fmt.Errorf("read task: %w", err)
	}
	dir := args[0]
	// Caught and dropped, not ignored: the task would inherit that.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP, syscall.SIGINT, syscall.SIGPIPE)
	terminate := make(chan os.Signal, 1)
	signal.Notify(terminate, syscall.SIGTERM)
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("become subreaper: %w", err)
	}
	path := filepath.Join(dir, aliveFile)
	if err := unix.Mkfifo(path, 0o600); err != nil {
		return fmt.Errorf("make fifo: %w", err)
	}
	// Read-write, so that opening waits for nobody. It closes with the process.
	alive, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("open fifo: %w", err)
	}
	logs, err := openLogs(spec)
	if err != nil {
		return err
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return fmt.Errorf("open input: %w", err)
	}
	process, err := start(spec.Command, spec.Args, &os.ProcAttr{
		Dir:   spec.Dir,
		Env:   spec.Env,
		Files: []*os.File{null, logs.stdout, logs.stderr},
		Sys:   &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL, Credential: Credential(spec.User)},
	})
	if err != nil {
		return err
	}
	r := run{Shim: os.Getpid(), Pid: process.Pid, PidStart: startTicks(process.Pid), StartedAt: time.Now()}
	if err := errors.Join(null.Close(), logs.started(), r.write(dir), started()); err != nil {
		return errors.Join(err, process.Kill())
	}
	go func() {
		<-terminate // ends with the process
		_ = syscall.Kill(-r.Pid, syscall.SIGKILL)
	}()

	status := waitFor(process.Pid)
	sweep(process.Pid)
	logs.drain()
	exit := Exit{Code: status.ExitStatus(), At: time.Now()}
	if status.Signaled() {
		exit.Signal = int(status.Signal())
		exit.Code = 128 + exit.Signal
	}
	r.Exit = &exit
	return errors.Join(r.write(dir), alive.Close())
}

// busyFor is how long a program may be held open for writing: a process that was
// forked while its file was written holds it until its own start.
const busyFor = 2 * time.Second

func start(command string, args []string, attr *os.ProcAttr) (*os.Process, error) {
	argv := append([]string{command}, args...)
	for end := time.Now().Add(busyFor); ; {
		process, err := os.StartProcess(command, argv, attr)
		if !errors.Is(err, syscall.ETXTBSY) || time.Now().After(end) {
			return process, err
		}
		<-time.After(10 * time.Millisecond)
	}
}

// waitFor reaps children, also those that were left to the shim, until the task
// itself has ended.
func waitFor(pid int) syscall.WaitStatus {
	for {
		var status syscall.WaitStatus
		ended, err := syscall.Wait4(-1, &status, 0, nil)
		if err != nil && !errors.Is(err, syscall.EINTR) {
			return status
		}
		if ended == pid {
			return status
		}
	}
}

// sweep kills what the task left behind. Killing one parent may hand its
// children to the shim, so it goes on until there is no child.
func sweep(pid int) {
	_ = syscall.Kill(-pid, syscall.SIGKILL) // none left is the usual case
	for {
		for _, child := range children() {
			_ = syscall.Kill(child, syscall.SIGKILL)
		}
		var status syscall.WaitStatus
		_, err := syscall.Wait4(-1, &status, 0, nil)
		if err != nil && !errors.Is(err, syscall.EINTR) {
			return // ECHILD
		}
	}
}

func children() []int {
	var pids []int
	lists, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil {
		return nil
	}
	for _, list := range lists {
		raw, err := os.ReadFile(list)
		if err != nil {
			continue // a thread that has just ended
		}
		for field := range strings.FieldsSeq(string(raw)) {
			if pid, err := strconv.Atoi(field); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// logs are the two streams of a task: the ends it writes to and the copying.
type logs struct {
	stdout, stderr *os.File
	reads          []*os.File
	copying        sync.WaitGroup
}

func openLogs(spec Spec) (*logs, error) {
	l := &logs{}
	for stream, end := range map[string]**os.File{"stdout": &l.stdout, "stderr": &l.stderr} {
		if spec.NoLogs {
			null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
			if err != nil {
				return nil, fmt.Errorf("open log: %w", err)
			}
			*end = null
			continue
		}
		file, err := openRotated(spec.Logs, spec.Task+"."+stream, spec.MaxFiles, int64(spec.MaxFileSizeMB)<<20)
		if err != nil {
			return nil, err
		}
		read, write, err := os.Pipe()
		if err != nil {
			return nil, fmt.Errorf("open log: %w", err)
		}
		*end = write
		l.reads = append(l.reads, read)
		l.copying.Go(func() {
			// A full disk must not stop the task: what can't be kept is read
			// and dropped.
			if _, err := io.Copy(file, read); err != nil {
				_, _ = io.Copy(io.Discard, read)
			}
			_ = file.Close() // the process ends next
		})
	}
	return l, nil
}

// started closes the shim's own copies of what the task writes to.
func (l *logs) started() error { return errors.Join(l.stdout.Close(), l.stderr.Close()) }

// drain waits until all is written. A process elsewhere that was handed the
// pipe must not hold the exit back for long.
func (l *logs) drain() {
	for _, read := range l.reads {
		_ = read.SetReadDeadline(time.Now().Add(2 * time.Second)) // pipes can
	}
	l.copying.Wait()
}
