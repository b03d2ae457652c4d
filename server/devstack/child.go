package devstack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

const (
	firstBackoff = 100 * time.Millisecond
	lastBackoff  = 5 * time.Second
	settledAfter = 10 * time.Second // up that long, a child starts over at the first backoff
	readyWithin  = 60 * time.Second
	askEvery     = 25 * time.Millisecond
	logLimit     = 16 << 20 // a larger log is put aside at the child's next start
)

// Child is one process of the stack.
type Child struct {
	Name string   // as in dev.json
	Argv []string // the program and its arguments
	Env  []string // what it sees besides the mark; nil: what dev sees
	Log  string   // file for its output
	// Ready says whether the child serves; it is asked until it returns nil. It may do what a fresh start needs
	// (unseal a vault).
	Ready func(ctx context.Context) error
	Grace time.Duration // between SIGTERM and SIGKILL; default 15 s
	// Hold is a file: while it is there, the child is not started again when it has ended. "": it always is.
	Hold string
	// Prepare is called before each start; a child whose first one fails never gets ready.
	Prepare func(ctx context.Context) error
	As      *syscall.Credential // who it runs as; nil: who we are
	Folder  string              // a folder that it gets opened, as its file 3; "": none
	Stop    syscall.Signal      // asks it to end; default SIGTERM
	// Background: the others do not wait until it serves, but the server does.
	Background bool
}

// minder keeps one child running.
type minder struct {
	Child
	log *slog.Logger
	dir string
	// ready is called after each start, when the child serves.
	ready func(name string, pid int)
}

// run starts the child, and again whenever it dies, until ctx ends; then it stops it. The error is that of a child which never
// became ready: started is closed when it did.
func (m *minder) run(ctx context.Context, started chan<- struct{}) error {
	backoff := firstBackoff
	for first := true; ; {
		begin := time.Now()
		logged := m.logSize()
		err := m.once(ctx, func(pid int) {
			m.ready(m.Name, pid)
			if first {
				close(started)
				first = false
			}
		})
		if ctx.Err() != nil {
			return nil
		}
		if first && !errors.Is(err, errStuck) {
			return fmt.Errorf("%s did not start: %w%s", m.Name, err, m.lastLines(logged))
		}
		if time.Since(begin) > settledAfter {
			backoff = firstBackoff
		}
		m.log.Warn("child ended, starting it again", "name", m.Name, "err", err, "after_ms", backoff.Milliseconds())
		pause(ctx, backoff)
		m.held(ctx)
		if ctx.Err() != nil {
			return nil
		}
		backoff = min(2*backoff, lastBackoff)
	}
}

// held waits until nothing holds the child back.
func (m *minder) held(ctx context.Context) {
	for m.Hold != "" && ctx.Err() == nil {
		if _, err := os.Stat(m.Hold); err != nil {
			return
		}
		pause(ctx, 4*askEvery)
	}
}

// once runs the child from start to exit. It returns why the child ended or had to be stopped.
func (m *minder) once(ctx context.Context, ready func(pid int)) error {
	if err := os.MkdirAll(filepath.Dir(m.Log), 0o700); err != nil {
		return err
	}
	if m.Prepare != nil {
		if err := m.Prepare(ctx); err != nil {
			return err
		}
	}
	if m.logSize() > logLimit {
		if err := os.Rename(m.Log, m.Log+".1"); err != nil {
			return err
		}
	}
	output, err := os.OpenFile(m.Log, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = output.Close() }()
	cmd := exec.Command(m.Argv[0], m.Argv[1:]...)
	cmd.Stdout, cmd.Stderr = output, output
	cmd.Env = m.Env
	if cmd.Env == nil {
		cmd.Env = os.Environ()
	}
	cmd.Env = append(slices.Clip(cmd.Env), mark(m.dir))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: m.As} // the terminal's keys are for dev, which stops all in order
	if m.Folder != "" {
		folder, err := os.Open(m.Folder)
		if err != nil {
			return err
		}
		defer folder.Close() //nolint:errcheck // only read
		cmd.ExtraFiles = []*os.File{folder}
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }() // ends with the child, which is awaited on every way out

	probing, stopProbing := context.WithTimeout(ctx, readyWithin)
	defer stopProbing()
	probed := make(chan error, 1)
	go func() { probed <- untilReady(probing, m.Ready) }()

	select {
	case err = <-exited:
		stopProbing()
		return errors.Join(exitReason(err), dropCanceled(<-probed))
	case err = <-probed:
	}
	if err != nil {
		m.stop(cmd, exited)
		return fmt.Errorf("not ready: %w", err)
	}
	ready(cmd.Process.Pid)
	select {
	case err = <-exited:
		return exitReason(err)
	case <-ctx.Done():
		m.stop(cmd, exited)
		return ctx.Err()
	}
}

// dropCanceled leaves out a probe that was only cut short: what it last heard from a dead child says nothing.
func dropCanceled(err error) error {
	if errors.Is(err, errStuck) {
		return err
	}
	return nil
}

func exitReason(err error) error {
	if err == nil {
		return errors.New("exited with code 0")
	}
	return err
}

// untilReady asks until the answer is nil or ctx ends; then it returns the last answer.
func untilReady(ctx context.Context, ready func(context.Context) error) error {
	if ready == nil {
		return nil
	}
	last := ctx.Err()
	for ctx.Err() == nil {
		bounded, cancel := context.WithTimeout(ctx, 5*time.Second)
		err := ready(bounded)
		cancel()
		if err == nil {
			return nil
		}
		if errors.Is(err, errStuck) {
			return err
		}
		last = err
		pause(ctx, askEvery)
	}
	return last
}

// stop asks the child to end and kills it after its grace.
func (m *minder) stop(cmd *exec.Cmd, exited <-chan error) {
	grace := m.Grace
	if grace == 0 {
		grace = 15 * time.Second
	}
	ask := m.Stop
	if ask == 0 {
		ask = syscall.SIGTERM
	}
	_ = cmd.Process.Signal(ask) // it may have exited
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case err := <-exited:
		m.log.Debug("child ended", "name", m.Name, "err", err)
	case <-timer.C:
		m.log.Warn("child killed: it did not end when asked to", "name", m.Name)
		_ = cmd.Process.Kill()
		m.log.Debug("child ended", "name", m.Name, "err", <-exited)
	}
}

func (m *minder) logSize() int64 {
	info, err := os.Stat(m.Log)
	if err != nil {
		return 0
	}
	return info.Size()
}

// lastLines returns what the child wrote last, from offset on.
func (m *minder) lastLines(offset int64) string {
	const lines, most = 12, 8 << 10
	f, err := os.Open(m.Log)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()
	if size := m.logSize(); size-offset > most {
		offset = size - most
	}
	text, err := io.ReadAll(io.NewSectionReader(f, offset, most))
	if err != nil || len(bytes.TrimSpace(text)) == 0 {
		return ". It wrote nothing to " + m.Log
	}
	all := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	all = all[max(len(all)-lines, 0):]
	return ". Last lines of " + m.Log + ":\n" + string(bytes.Join(all, []byte("\n")))
}
