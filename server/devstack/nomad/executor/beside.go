package executor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/creack/pty"
)

// Beside is a command that runs beside a task, for as long as whoever asked for it stays.
type Beside struct {
	Dir     string
	Command []string
	Env     []string
	User    *Identity // nil: whoever runs the stand-in
}

// Input is what a peer sends: bytes, the end of them, or the size of its terminal.
type Input struct {
	Data          []byte
	Close         bool
	Rows, Columns int
}

// Output sends what a command writes; no data is the end of that stream. It is called by several goroutines.
type Output func(stderr bool, data []byte) error

// Run starts the command, with a terminal of its own or without, and returns its exit code. It is killed when ctx
// ends, when the peer is gone, which closes in, and when it can't be told what the command writes.
func (b Beside) Run(ctx context.Context, tty bool, in <-chan Input, out Output) (int, error) {
	path, err := Look(b.Dir, lookup(b.Env, "PATH"), b.Command[0])
	if err != nil {
		return 0, err
	}
	cmd := &exec.Cmd{Path: path, Args: b.Command, Dir: b.Dir, Env: b.Env}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: Credential(b.User)}
	ends, err := b.open(cmd, tty)
	if err != nil {
		return 0, err
	}
	err = cmd.Start()
	for _, theirs := range ends.theirs {
		_ = theirs.Close() // the child has them
	}
	if err != nil {
		ends.close()
		return 0, fmt.Errorf("start %s: %w", b.Command[0], err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	kill := func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) } // it may have ended
	unhook := context.AfterFunc(ctx, kill)
	defer unhook()

	var writing, feeding sync.WaitGroup
	for i, from := range ends.out {
		writing.Go(func() {
			if forward(from, out, i == 1) != nil {
				cancel()
			}
		})
	}
	done := make(chan struct{})
	feeding.Go(func() {
		if !ends.feed(in, done) {
			cancel()
		}
	})
	failure := cmd.Wait()
	for _, from := range ends.out {
		_ = from.SetReadDeadline(time.Now().Add(lastWords)) // something it left behind may hold the other end
	}
	writing.Wait()
	close(done)
	ends.close()
	feeding.Wait()
	var exited *exec.ExitError
	if failure != nil && !errors.As(failure, &exited) {
		return 0, fmt.Errorf("wait for %s: %w", b.Command[0], failure)
	}
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal()), nil
	}
	return cmd.ProcessState.ExitCode(), nil
}

// lastWords is how long output may take to come once the command has ended.
const lastWords = 300 * time.Millisecond

func lookup(env []string, name string) string {
	for _, kv := range env {
		if v, ok := strings.CutPrefix(kv, name+"="); ok {
			return v
		}
	}
	return ""
}

// ends are ours and the command's of what connects the two.
type ends struct {
	in     *os.File   // what is written there, it reads
	out    []*os.File // what it writes: on a terminal one, else stdout and stderr
	theirs []*os.File
	tty    bool
}

func (b Beside) open(cmd *exec.Cmd, tty bool) (*ends, error) {
	if tty {
		ours, theirs, err := pty.Open()
		if err != nil {
			return nil, fmt.Errorf("open terminal: %w", err)
		}
		if b.User != nil {
			err = os.Chown(theirs.Name(), int(b.User.UID), int(b.User.GID))
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("give terminal away: %w", err), ours.Close(), theirs.Close())
		}
		cmd.Stdin, cmd.Stdout, cmd.Stderr = theirs, theirs, theirs
		cmd.SysProcAttr.Setctty = true
		return &ends{in: ours, out: []*os.File{ours}, theirs: []*os.File{theirs}, tty: true}, nil
	}
	e := &ends{}
	pipe := func() (read, write *os.File, err error) {
		if read, write, err = os.Pipe(); err != nil {
			e.close()
			for _, f := range e.theirs {
				_ = f.Close() // nothing was written
			}
		}
		return read, write, err
	}
	read, write, err := pipe()
	if err != nil {
		return nil, err
	}
	cmd.Stdin, e.in, e.theirs = read, write, []*os.File{read}
	for range 2 {
		if read, write, err = pipe(); err != nil {
			return nil, err
		}
		e.out, e.theirs = append(e.out, read), append(e.theirs, write)
	}
	cmd.Stdout, cmd.Stderr = e.theirs[1], e.theirs[2]
	return e, nil
}

func (e *ends) close() {
	if e.in != nil {
		_ = e.in.Close() // it may be closed already
	}
	for _, f := range e.out {
		_ = f.Close() // as above
	}
}

// feed hands input on until the command has ended; false when the peer has gone before. Input that the command does
// not take holds the peer up, and is dropped once the command reads no more.
func (e *ends) feed(in <-chan Input, done <-chan struct{}) bool {
	for {
		select {
		case <-done:
			return true
		case next, more := <-in:
			if !more {
				return false
			}
			if next.Rows > 0 && next.Columns > 0 && e.tty {
				_ = pty.Setsize(e.in, &pty.Winsize{Rows: uint16(next.Rows), Cols: uint16(next.Columns)}) // or keep the size it has
			}
			if len(next.Data) > 0 {
				_, _ = e.in.Write(next.Data) // what nobody reads is lost, as in a pipe
			}
			switch {
			case next.Close && e.tty:
				_, _ = e.in.Write([]byte{endOfInput}) // as Ctrl-D would
			case next.Close:
				_ = e.in.Close() // it reads to its end
			}
		}
	}
}

// endOfInput is what Ctrl-D sends on a terminal.
const endOfInput = 4

// forward hands output on until its end, which a terminal tells by an error.
func forward(from *os.File, out Output, stderr bool) error {
	buffer := make([]byte, 32<<10)
	last := false
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			if err := out(stderr, buffer[:n]); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded) && !last:
			last = true
		case err != nil:
			return out(stderr, nil)
		}
		if last {
			_ = from.SetReadDeadline(time.Now().Add(lastWords)) // what is there already is read, however slow the peer is
		}
	}
}
