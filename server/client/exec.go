package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// ExecStreams are the ends of a command on this side.
type ExecStreams struct {
	In       io.Reader // nil: at its end at once
	Out, Err io.Writer
	Sizes    <-chan paas.TerminalSize // of a terminal that changes; nil for none
}

// ExecEnd is how a command ended.
type ExecEnd struct {
	Instance string // where it ran
	Exit     int    // its exit code
	Reason   string // why, where it did not end by itself; a sentence
}

// execRead is how much of the input goes into one message.
const execRead = 32 << 10

// Exec runs a command in an instance and returns when it has ended. Whatever reads from In may stay behind in its last
// read. Codes: invalid, not_found, quota, forbidden, unavailable (also when the connection broke meanwhile).
func (c *Client) Exec(ctx context.Context, app string, start wire.ExecStart, s ExecStreams) (ExecEnd, error) {
	var end ExecEnd
	conn, err := c.dial(ctx, appPath(app, "/exec"))
	if err != nil {
		return end, err
	}
	defer conn.CloseNow() //nolint:errcheck // nothing is left to be said
	conn.SetReadLimit(1 << 20)
	if err := wsjson.Write(ctx, conn, &wire.ExecIn{Start: &start}); err != nil {
		return end, c.unreached(err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	input := make(chan *wire.ExecIn)
	go pump(ctx, s.In, input) // see above
	var sending sync.WaitGroup
	sending.Go(func() { sendInput(ctx, cancel, conn, input, s.Sizes) })
	defer sending.Wait()
	defer cancel(nil)
	for {
		var out wire.ExecOut
		if err := wsjson.Read(ctx, conn, &out); err != nil {
			if ctx.Err() != nil {
				return end, context.Cause(ctx)
			}
			return end, paas.Wrap(paas.Unavailable, err, "The connection to the server was lost. The command may have ended with it.")
		}
		if out.Instance != "" {
			end.Instance = out.Instance
		}
		_, err := s.Out.Write(out.Stdout)
		if _, errErr := s.Err.Write(out.Stderr); err != nil || errErr != nil {
			return end, errors.Join(err, errErr)
		}
		switch {
		case out.Problem != nil:
			return end, problemError(wire.Problem(*out.Problem))
		case out.Exit != nil:
			end.Exit, end.Reason = *out.Exit, out.Reason
			_ = conn.Close(websocket.StatusNormalClosure, "") // all is said
			return end, nil
		}
	}
}

// dial opens a WebSocket, again while the server can't be reached.
func (c *Client) dial(ctx context.Context, path string) (conn *websocket.Conn, err error) {
	err = c.retry(ctx, unsent, func() error {
		limited, cancel := context.WithTimeout(ctx, callWithin)
		defer cancel()
		r, err := c.request(limited, http.MethodGet, path, nil)
		if err != nil {
			return err
		}
		var answer *http.Response
		conn, answer, err = websocket.Dial(limited, r.URL.String(), &websocket.DialOptions{ //nolint:bodyclose // the library closes it
			HTTPClient: c.http, HTTPHeader: r.Header, CompressionMode: websocket.CompressionDisabled,
		})
		switch {
		case err == nil:
			c.known.Store(true)
			return nil
		case answer != nil && answer.StatusCode >= http.StatusMultipleChoices:
			return c.problem(answer)
		case answer != nil:
			return paas.Wrap(paas.Internal, err, "The server at %s does not take WebSockets. Is there a proxy in between that drops them?", c.Addr())
		}
		return c.unreached(err)
	})
	return conn, err
}

// pump reads the input until its end.
func pump(ctx context.Context, in io.Reader, out chan<- *wire.ExecIn) {
	send := func(m *wire.ExecIn) bool {
		select {
		case out <- m:
			return true
		case <-ctx.Done():
			return false
		}
	}
	for in != nil {
		buffer := make([]byte, execRead)
		n, err := in.Read(buffer)
		if n > 0 && !send(&wire.ExecIn{Data: buffer[:n]}) {
			return
		}
		if err != nil {
			break
		}
	}
	send(&wire.ExecIn{EOF: true})
}

// sendInput sends what is typed, and sizes, until ctx ends.
func sendInput(ctx context.Context, cancel context.CancelCauseFunc, conn *websocket.Conn, input <-chan *wire.ExecIn, sizes <-chan paas.TerminalSize) {
	for {
		var message *wire.ExecIn
		select {
		case <-ctx.Done():
			return
		case message = <-input:
		case size := <-sizes:
			message = &wire.ExecIn{Size: &size}
		}
		// Under no deadline: a command that takes no input holds it up.
		if err := wsjson.Write(ctx, conn, message); err != nil {
			if ctx.Err() == nil {
				cancel(paas.Wrap(paas.Unavailable, fmt.Errorf("send input: %w", err), "The connection to the server was lost. The command may have ended with it."))
			}
			return
		}
	}
}
