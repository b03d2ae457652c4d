package executor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// Handle is one run of a task, started or attached.
type Handle struct {
	dir string
	run run
	cmd *exec.Cmd // of the shim; nil when attached
}

// Start starts the shim and returns when the task runs or could not be started.
// Argv is the shim's command line; the run's folder is added to it.
func Start(ctx context.Context, argv []string, spec Spec) (*Handle, error) {
	if err := os.MkdirAll(spec.Run, 0o700); err != nil {
		return nil, fmt.Errorf("make run folder: %w", err)
	}
	input, err := json.Marshal(spec)
	if err != nil {
		return nil, fmt.Errorf("encode task: %w", err)
	}
	// Not CommandContext: the task must outlive whoever started it.
	cmd := exec.Command(argv[0], append(argv[1:len(argv):len(argv)], spec.Run)...)
	cmd.Stdin = bytes.NewReader(input)
	cmd.Env = shimEnv()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start executor: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start executor: %w", err)
	}
	answer, err := io.ReadAll(out) // the shim closes it once the task runs
	if err != nil {
		return nil, fmt.Errorf("start executor: %w", err)
	}
	if why, failed := bytes.CutPrefix(answer, []byte("error: ")); failed {
		return nil, errors.Join(errors.New(string(why)), reap(cmd))
	}
	r, err := readRun(spec.Run)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("executor did not start the task: %w", err), reap(cmd))
	}
	return &Handle{dir: spec.Run, run: r, cmd: cmd}, nil
}

// shimEnv is the little that the shim itself needs. The guard of the
// development stack finds left-over processes by its variable.
func shimEnv() []string {
	env := []string{"PATH=" + os.Getenv("PATH")}
	if dir, set := os.LookupEnv("CRUMPET_DEV_DIR"); set {
		env = append(env, "CRUMPET_DEV_DIR="+dir)
	}
	return env
}

// reap takes the exit of a shim that is on its way out. That it failed is known.
func reap(cmd *exec.Cmd) error {
	var failed *exec.ExitError
	if err := cmd.Wait(); err != nil && !errors.As(err, &failed) {
		return fmt.Errorf("wait for executor: %w", err)
	}
	return nil
}

// Attach takes over a run that another process started.
func Attach(dir string) (*Handle, error) {
	r, err := readRun(dir)
	if err != nil {
		return nil, err
	}
	return &Handle{dir: dir, run: r}, nil
}

// Latest is the folder of the newest run below dir, and its number; 0 is none.
func Latest(dir string) (path string, number int) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", 0
	}
	for _, e := range entries {
		if n, err := strconv.Atoi(e.Name()); err == nil {
			number = max(number, n)
		}
	}
	return filepath.Join(dir, strconv.Itoa(number)), number
}

// Pid is the task's first process.
func (h *Handle) Pid() int { return h.run.Pid }

// StartedAt is when the task was started.
func (h *Handle) StartedAt() time.Time { return h.run.StartedAt }

// Wait returns when the task and all its children have ended. When ctx ends
// first, the task lives on and the error is ctx's.
func (h *Handle) Wait(ctx context.Context) (Exit, error) {
	if err := h.waitShim(ctx); err != nil {
		return Exit{}, err
	}
	if h.cmd != nil {
		if err := reap(h.cmd); err != nil {
			return Exit{}, err
		}
		h.cmd = nil
	}
	r, err := readRun(h.dir)
	if err != nil {
		return Exit{}, err
	}
	if r.Exit == nil {
		return Exit{Code: -1, Lost: true, At: time.Now()}, nil
	}
	return *r.Exit, nil
}

// waitShim reads the fifo to its end, which is when nobody can write to it.
func (h *Handle) waitShim(ctx context.Context) error {
	alive, err := os.OpenFile(filepath.Join(h.dir, aliveFile), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return fmt.Errorf("wait for task: %w", err)
	}
	interrupt := context.AfterFunc(ctx, func() {
		_ = alive.SetReadDeadline(time.Now()) // fails only when closed, and then nobody reads
	})
	_, err = io.Copy(io.Discard, alive)
	interrupt()
	closeErr := alive.Close()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return ctx.Err()
	}
	return errors.Join(err, closeErr)
}

// Signal sends a signal to the task's process group. One that has ended is no
// error.
func (h *Handle) Signal(signal syscall.Signal) error {
	if startTicks(h.run.Pid) != h.run.PidStart {
		return nil
	}
	if err := syscall.Kill(-h.run.Pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("signal task: %w", err)
	}
	return nil
}
