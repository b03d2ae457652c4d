package nomad_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"
)

// said is what a command writes, to be read while it runs.
type said struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.String()
}

func (s *stack) exec(ctx context.Context, a *nomadapi.Allocation, task string, tty bool, in io.Reader, out, errOut io.Writer, sizes <-chan nomadapi.TerminalSize, command ...string) (int, error) {
	if sizes == nil {
		sizes = make(chan nomadapi.TerminalSize)
	}
	return s.Allocations().Exec(ctx, &nomadapi.Allocation{ID: a.ID, NodeID: a.NodeID}, task, tty, command, in, out, errOut, sizes, nil)
}

func TestACommandRunsBesideATask(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	j := job("app", 1, forever)
	j.TaskGroups[0].Tasks[0].Env = map[string]string{"GREETING": "hello"}
	s.register(t, j)
	stub := s.running(t, "app", 1)["app.web[0]"]
	a := &nomadapi.Allocation{ID: stub.ID, NodeID: stub.NodeID}

	var out, errOut said
	code, err := s.exec(t.Context(), a, "web", false, strings.NewReader("typed\n"), &out, &errOut, nil,
		"/bin/sh", "-c", `read line; echo "$GREETING $line $(basename $PWD)"; echo wrong >&2; exit 7`)
	if err != nil || code != 7 || out.String() != "hello typed web\n" || errOut.String() != "wrong\n" {
		t.Errorf("got %d %v, %q and %q", code, err, &out, &errOut)
	}

	// A closed input is an end, and all that is written arrives.
	out = said{}
	big := strings.Repeat("0123456789abcdef", 1<<16)
	code, err = s.exec(t.Context(), a, "web", false, strings.NewReader(big), &out, io.Discard, nil, "cat")
	if err != nil || code != 0 || out.String() != big {
		t.Errorf("got %d %v and %d of %d bytes", code, err, len(out.String()), len(big))
	}

	for name, test := range map[string]struct {
		task    string
		command []string
		want    string
	}{
		"another task": {"db", []string{"true"}, `unknown task name "db"`},
		"no task":      {"", []string{"true"}, "must provide task name"},
		"no command":   {"web", nil, "command is not present"},
		"no program":   {"web", []string{"nope-nope"}, "could not be found"},
	} {
		_, err := s.exec(t.Context(), a, test.task, false, strings.NewReader(""), io.Discard, io.Discard, nil, test.command...)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestACommandHasATerminal(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	s.register(t, job("app", 1, forever))
	stub := s.running(t, "app", 1)["app.web[0]"]
	in, typing := io.Pipe()
	defer typing.Close() //nolint:errcheck // nothing is read any more
	sizes := make(chan nomadapi.TerminalSize, 1)
	sizes <- nomadapi.TerminalSize{Height: 33, Width: 99}
	var out said
	type end struct {
		code int
		err  error
	}
	ended := make(chan end, 1)
	go func() {
		code, err := s.exec(t.Context(), &nomadapi.Allocation{ID: stub.ID, NodeID: stub.NodeID}, "web", true, in, &out, io.Discard, sizes,
			"/bin/sh", "-c", `trap 'echo caught; exit 3' INT; while ! stty size | grep 33; do sleep 0.05; done; echo ready; while :; do sleep 0.05; done`)
		ended <- end{code, err}
	}()
	s.until(t, "the terminal has the size", func() bool { return strings.Contains(out.String(), "33 99") && strings.Contains(out.String(), "ready") })
	if _, err := typing.Write([]byte{3}); err != nil { // Ctrl-C
		t.Fatal(err)
	}
	if got := <-ended; got.err != nil || got.code != 3 || !strings.Contains(out.String(), "caught") {
		t.Errorf("got %+v and %q", got, &out)
	}
}

func TestACommandEndsWithItsTaskAndWithItsCaller(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	s.register(t, job("app", 1, forever))
	stub := s.running(t, "app", 1)["app.web[0]"]
	a := &nomadapi.Allocation{ID: stub.ID, NodeID: stub.NodeID}
	pidFile := t.TempDir() + "/pid"
	command := []string{"/bin/sh", "-c", "echo $$ > " + pidFile + "; while :; do sleep 0.05; done"}
	pid := func() string { return strings.TrimSpace(readFile(t, pidFile)) }

	ctx, leave := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() {
		_, err := s.exec(ctx, a, "web", false, blocked{ctx}, io.Discard, io.Discard, nil, command...)
		left <- err
	}()
	s.until(t, "the command runs", func() bool { return pid() != "" })
	first := pid()
	leave()
	<-left //nolint:errcheck // a caller who is gone is told nothing
	s.until(t, "the command of a caller who is gone is killed", func() bool { return !alive(first) })

	codes := make(chan int, 1)
	go func() {
		code, _ := s.exec(t.Context(), a, "web", false, blocked{t.Context()}, io.Discard, io.Discard, nil, command...)
		codes <- code
	}()
	s.until(t, "the command runs again", func() bool { return pid() != first })
	if err := s.Allocations().Restart(a, "", nil); err != nil {
		t.Fatal(err)
	}
	select {
	case code := <-codes:
		if code != 137 {
			t.Errorf("the command of a task that ended got %d", code)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the command outlives its task")
	}
}

// blocked is an input that nobody types at.
type blocked struct{ ctx context.Context }

func (b blocked) Read([]byte) (int, error) {
	<-b.ctx.Done()
	return 0, io.EOF
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return string(text)
}

// alive tells of a process that is no zombie.
func alive(pid string) bool {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	return err == nil && !strings.Contains(string(stat), ") Z ")
}
