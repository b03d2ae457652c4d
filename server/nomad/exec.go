package nomad

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/paas"
)

const (
	execFrame = 1 << 20          // the largest frame that is read
	execAlive = 10 * time.Second // between the signs of life that Nomad wants
)

// Exec runs a command beside a task and returns its exit code. It hands on what comes from in, and calls out, from one
// goroutine, with what the command writes. When ctx ends, the connection does; Nomad then ends a command that has a
// terminal, and closes the input of another. Codes: invalid (there is no such program), not_found (the task does not
// run), forbidden, unavailable.
//
// Two limits of Nomad 2.0.6 (seen, of its own command too): without a terminal it never answers about a program that is not
// there, and with one its reason does not fit into the closing frame, so that none comes.
//
// The frames are our own: those of the official client go to the node itself first, which need not be reachable, and
// lose errors of sending.
func (c *Client) Exec(ctx context.Context, r paas.ExecRequest, in <-chan paas.ExecInput, out func(stderr bool, data []byte) error) (exitCode int, err error) {
	does := "run a command in allocation " + r.Instance
	conn, err := c.dial(ctx, r, does)
	if err != nil {
		return 0, err
	}
	defer conn.CloseNow() //nolint:errcheck // nothing is left to be said
	conn.SetReadLimit(execFrame)
	ctx, cancel := context.WithCancelCause(ctx)
	var sending sync.WaitGroup
	sending.Go(func() {
		if err := send(ctx, conn, in); err != nil {
			cancel(err)
		}
	})
	defer sending.Wait()
	defer cancel(nil)
	for {
		var frame nomadapi.ExecStreamingOutput
		if err := wsjson.Read(ctx, conn, &frame); err != nil {
			return 0, c.execFailure(ctx, r, err, does)
		}
		for _, op := range []*nomadapi.ExecStreamingIOOperation{frame.Stdout, frame.Stderr} {
			if op == nil || len(op.Data) == 0 {
				continue
			}
			if err := out(op == frame.Stderr, op.Data); err != nil {
				return 0, err
			}
		}
		if frame.Exited && frame.Result != nil {
			_ = conn.Close(websocket.StatusNormalClosure, "") // all is said
			return frame.Result.ExitCode, nil
		}
	}
}

// dial opens the connection, through the configured address.
func (c *Client) dial(ctx context.Context, r paas.ExecRequest, does string) (*websocket.Conn, error) {
	command, err := json.Marshal(r.Command)
	if err != nil {
		return nil, err
	}
	query := url.Values{"task": {r.Task}, "tty": {strconv.FormatBool(r.TTY)}, "command": {string(command)}, "namespace": {r.Team}}
	if c.region != "" {
		query.Set("region", c.region)
	}
	header := http.Header{}
	if c.token != "" {
		header.Set("X-Nomad-Token", c.token)
	}
	limited, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	conn, answer, err := websocket.Dial(limited, c.base+"/v1/client/allocation/"+url.PathEscape(r.Instance)+"/exec?"+query.Encode(), &websocket.DialOptions{ //nolint:bodyclose // the library closes it
		HTTPClient: c.http, HTTPHeader: header, CompressionMode: websocket.CompressionDisabled,
	})
	if err == nil {
		return conn, nil
	}
	if answer == nil || answer.StatusCode < http.StatusBadRequest {
		return nil, c.fail(ctx, errors.New("no connection"), does) // the address, which the error names, has the command in it
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, 1<<10)) // the library has read as much and closed it
	if err != nil {
		body = nil
	}
	return nil, c.answered(does, answer.StatusCode, string(body))
}

// send hands on input until ctx ends. A write has no deadline of its own: a command that takes no input holds it up.
func send(ctx context.Context, conn *websocket.Conn, in <-chan paas.ExecInput) error {
	alive := time.NewTicker(execAlive)
	defer alive.Stop()
	for {
		frame := &nomadapi.ExecStreamingInput{}
		select {
		case <-ctx.Done():
			return nil
		case <-alive.C:
		case next, more := <-in:
			if !more {
				in = nil
				continue
			}
			if next.Size.Rows > 0 && next.Size.Columns > 0 {
				frame.TTYSize = &nomadapi.TerminalSize{Height: next.Size.Rows, Width: next.Size.Columns}
			}
			if len(next.Data) > 0 || next.EOF {
				frame.Stdin = &nomadapi.ExecStreamingIOOperation{Data: next.Data, Close: next.EOF}
			}
			if frame.TTYSize == nil && frame.Stdin == nil {
				continue // an empty frame before any other leaves Nomad deaf to what follows (seen)
			}
		}
		if err := wsjson.Write(ctx, conn, frame); err != nil && ctx.Err() == nil {
			return fmt.Errorf("send input: %w", err)
		}
	}
}

// execFailure reads what Nomad gives as the reason when it closes the connection.
func (c *Client) execFailure(ctx context.Context, r paas.ExecRequest, err error, does string) error {
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, ctx.Err()) {
		err = cause
	} else if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", does, ctx.Err())
	}
	var closed websocket.CloseError
	if !errors.As(err, &closed) || closed.Reason == "" {
		return paas.Wrap(paas.Unavailable, fmt.Errorf("%s: %w", does, err), "Nomad ended the connection without saying why. Is there a program %q where the instance runs? If so, its node or Nomad may be down; try again.", r.Command[0])
	}
	reason, cause := oneLine(closed.Reason), fmt.Errorf("%s: %w", does, err)
	has := func(texts ...string) bool {
		for _, text := range texts {
			if strings.Contains(reason, text) {
				return true
			}
		}
		return false
	}
	switch {
	case has("not running", "not started", "Unknown allocation", "unknown allocation", "nknown task"):
		return paas.Wrap(paas.NotFound, cause, "Task %s of the instance does not run now: %s.", r.Task, reason)
	case has("No path to node", "Unknown node"):
		return paas.Wrap(paas.Unavailable, cause, "The node of the instance can't be reached: %s.", reason)
	case has("Permission denied"):
		return paas.Wrap(paas.Forbidden, cause, "Nomad at %s does not allow it. The policy of the token in nomad.token needs alloc-exec.", c.address)
	case has("executable file not found", "no such file or directory", "could not be found", "not found in"):
		return paas.Wrap(paas.Invalid, cause, "There is no program %q where the instance runs. The task has only what its artifact and the node give it.", r.Command[0])
	}
	return paas.Wrap(paas.Internal, cause, "Nomad could not run the command: %s.", reason)
}
