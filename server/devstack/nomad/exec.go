package nomad

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/devstack/nomad/executor"
	"github.com/crumpet-paas/crumpet/server/devstack/nomad/state"
)

// execLimit bounds one frame of input: Nomad's clients send 2 KiB at a time.
const execLimit = 1 << 20

// execAlloc runs a command beside a task, in its environment, folder and user, over a websocket with Nomad's frames:
//
//	in   {"stdin":{"data":...,"close":true}}  {"tty_size":{"height":..,"width":..}}  {} (a sign of life)
//	out  {"stdout":{"data":...}}  {"stderr":...}  {"stdout":{"close":true}}  {"exited":true,"result":{"exit_code":0}}
//
// What can't be run is said as the reason of the closing frame, as in Nomad. The command ends with its task.
func (s *Server) execAlloc(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	var command []string
	if err := json.Unmarshal([]byte(query.Get("command")), &command); err != nil {
		s.refuse(w, fail(http.StatusInternalServerError, "failed to marshal command into json: %v", err))
		return
	}
	tty, err := strconv.ParseBool(orDefault(query.Get("tty"), "false"))
	if err != nil {
		s.refuse(w, fail(http.StatusInternalServerError, "tty value is not a boolean: %v", err))
		return
	}
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{CompressionMode: websocket.CompressionDisabled})
	if err != nil {
		return // it has been answered
	}
	defer conn.CloseNow() //nolint:errcheck // nothing is left to be said
	conn.SetReadLimit(execLimit)
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	in := make(chan executor.Input)
	var reading sync.WaitGroup
	reading.Go(func() { // ends with the connection, at the latest when this function closes it
		defer close(in)
		for ctx.Err() == nil {
			next, err := readInput(ctx, conn)
			if err != nil {
				return
			}
			select {
			case in <- next:
			case <-ctx.Done():
			}
		}
	})
	defer reading.Wait()
	defer cancel()
	code, err := s.exec(ctx, r, query.Get("task"), command, tty, in, func(stderr bool, data []byte) error { return writeOutput(ctx, conn, stderr, data) })
	if err != nil {
		status := websocket.StatusPolicyViolation
		if known, ok := errors.AsType[*failure](err); !ok || known.status == http.StatusInternalServerError {
			status = websocket.StatusInternalError
		}
		_ = conn.Close(status, clip(err.Error())) // whoever asked may be gone
		return
	}
	if wsjson.Write(ctx, conn, &nomadapi.ExecStreamingOutput{Exited: true, Result: &nomadapi.ExecStreamingExitResult{ExitCode: code}}) == nil {
		_ = conn.Close(websocket.StatusNormalClosure, "") // as above
	}
}

// clip bounds the reason of a closing frame, which has 123 bytes at most.
func clip(text string) string {
	const most = 120
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "")
	}
	return text
}

// exec finds the task and runs the command until it, its task or the connection ends.
func (s *Server) exec(ctx context.Context, r *http.Request, name string, command []string, tty bool, in <-chan executor.Input, out executor.Output) (int, error) {
	a, err := s.clientAlloc(r)
	if err != nil {
		return 0, err
	}
	switch {
	case name == "":
		return 0, fail(http.StatusBadRequest, "must provide task name")
	case len(command) == 0:
		return 0, fail(http.StatusBadRequest, "command is not present")
	}
	spec, started, err := s.beside(a, name, command)
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() {
		s.untilTaskEnds(ctx, a.ID, name, started)
		cancel()
	})
	defer watching.Wait()
	defer cancel()
	return spec.Run(ctx, tty, in, out)
}

// beside describes a process in the place of a running task.
func (s *Server) beside(a *state.Alloc, name string, command []string) (executor.Beside, time.Time, error) {
	var none executor.Beside
	ts := a.TaskStates[name]
	var def *nomadapi.Task
	for _, t := range a.Group().Tasks {
		if t.Name == name {
			def = t
		}
	}
	switch {
	case def == nil:
		return none, time.Time{}, fail(http.StatusBadRequest, "unknown task name %q", name)
	case ts == nil || ts.StartedAt.IsZero():
		return none, time.Time{}, fail(http.StatusNotFound, "task %q not started yet.", name)
	}
	run, number := executor.Latest(s.runDir(a.ID, name))
	if ts.State != "running" || number == 0 {
		return none, time.Time{}, fail(http.StatusNotFound, "task %q is not running.", name)
	}
	handle, err := executor.Attach(run)
	if err != nil {
		return none, time.Time{}, fail(http.StatusNotFound, "task %q is not running.", name)
	}
	environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", handle.Pid()))
	if err != nil {
		return none, time.Time{}, fail(http.StatusNotFound, "task %q is not running.", name)
	}
	user, err := executor.LookUser(def.User)
	if err != nil {
		return none, time.Time{}, err
	}
	dir, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", handle.Pid())) // that of the task's work_dir, unless it went elsewhere
	if err != nil {
		return none, time.Time{}, fail(http.StatusNotFound, "task %q is not running.", name)
	}
	return executor.Beside{
		Dir: dir, Command: command, User: user,
		Env: strings.Split(strings.TrimRight(string(environ), "\x00"), "\x00"),
	}, ts.StartedAt, nil
}

// untilTaskEnds returns when this start of a task is over, its client or this server ends, or ctx.
func (s *Server) untilTaskEnds(ctx context.Context, alloc, task string, started time.Time) {
	for {
		news := s.state.Changed()
		runs := false
		s.state.View(func(v *state.View) {
			if a := v.Alloc(alloc); a != nil && a.TaskStates[task] != nil {
				ts := a.TaskStates[task]
				runs = ts.State == "running" && ts.StartedAt.Equal(started)
			}
		})
		if !runs {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-s.ended:
			return
		case <-news:
		}
	}
}

// readInput gives the next input; a sign of life is an empty one.
func readInput(ctx context.Context, conn *websocket.Conn) (in executor.Input, err error) {
	var frame nomadapi.ExecStreamingInput
	if err := wsjson.Read(ctx, conn, &frame); err != nil {
		return in, err
	}
	if frame.Stdin != nil {
		in.Data, in.Close = frame.Stdin.Data, frame.Stdin.Close
	}
	if frame.TTYSize != nil {
		in.Rows, in.Columns = frame.TTYSize.Height, frame.TTYSize.Width
	}
	return in, nil
}

// writeOutput sends output, or with no data that a stream is at its end.
func writeOutput(ctx context.Context, conn *websocket.Conn, stderr bool, data []byte) error {
	op := &nomadapi.ExecStreamingIOOperation{Data: data, Close: len(data) == 0}
	frame := &nomadapi.ExecStreamingOutput{Stdout: op}
	if stderr {
		frame = &nomadapi.ExecStreamingOutput{Stderr: op}
	}
	return wsjson.Write(ctx, conn, frame)
}
