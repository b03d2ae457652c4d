package devstack

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
)

// guardian owns the guard process of a running dev.
type guardian struct {
	lifeline *os.File // the write end: its last copy closes with dev, however dev ends
	cmd      *exec.Cmd
}

// startGuard starts the guard of dir. It inherits the lock, in a session of its own so that no key of the terminal reaches it.
func startGuard(self []string, dir string, lock *os.File) (*guardian, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make lifeline: %w", err)
	}
	defer func() { _ = read.Close() }()
	argv := append(append([]string{}, self...), "guard", "--dir", dir)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdin = read
	cmd.ExtraFiles = []*os.File{lock}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		_ = write.Close()
		return nil, fmt.Errorf("start guard: %w", err)
	}
	return &guardian{lifeline: write, cmd: cmd}, nil
}

// release lets the guard do its work and returns when nothing of the folder is left.
func (g *guardian) release() error {
	_ = g.lifeline.Close()
	if err := g.cmd.Wait(); err != nil {
		return fmt.Errorf("guard: %w", err)
	}
	return nil
}

// guard waits for the end of the lifeline and kills what carries the mark of dir. Signals that ask it to
// end don't: it is what is left when everything else was killed.
func guard(log *slog.Logger, lifeline io.Reader, dir string) {
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	_, _ = io.Copy(io.Discard, lifeline)
	clean(context.Background(), log, dir, os.Getpid())
}

// clean kills what carries the mark of dir but for the given process, and takes away what tasks had mounted.
func clean(ctx context.Context, log *slog.Logger, dir string, self int) {
	n := sweep(ctx, dir, self)
	n += endStrays(ctx, filepath.Join(dir, "postgres", "data"))
	if n > 0 {
		log.Warn("processes left behind killed", "count", n, "dir", dir)
	}
	for _, err := range unmountTasks(dir) {
		log.Warn("mount of a task left behind", "err", err)
	}
}
