package api

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
	"github.com/labstack/echo/v4"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// execPeer is whoever asked for a command, at the other end of a WebSocket.
type execPeer struct {
	conn    *websocket.Conn
	within  time.Duration // a write may take
	beat    time.Duration // between signs of life
	last    atomic.Int64  // when something was typed or written, in Unix nanoseconds
	reading atomic.Bool   // its answers to pings are heard
	reader  sync.WaitGroup
}

func (a *API) accept(c echo.Context) (*execPeer, error) {
	conn, err := websocket.Accept(c.Response(), c.Request(), &websocket.AcceptOptions{CompressionMode: websocket.CompressionDisabled})
	if err != nil {
		return nil, err
	}
	conn.SetReadLimit(wire.MaxExecMessage)
	return &execPeer{conn: conn, within: a.WriteWithin, beat: a.Heartbeat}, nil
}

// start reads the first message.
func (p *execPeer) start(ctx context.Context) (wire.ExecStart, error) {
	limited, cancel := context.WithTimeout(ctx, execStartWithin)
	defer cancel()
	var in wire.ExecIn
	if err := wsjson.Read(limited, p.conn, &in); err != nil || in.Start == nil {
		return wire.ExecStart{}, paas.Wrap(paas.Invalid, err, "The first message must be JSON with start, and come within %s.", execStartWithin)
	}
	return *in.Start, nil
}

// serve hands on what comes in until session ends, and ends it when the peer is gone, or when nobody has said anything
// for idle. Reading goes on under the request's ctx, to the end of the connection: ending a read ends that too.
func (p *execPeer) serve(ctx, session context.Context, cancel context.CancelCauseFunc, in chan<- paas.ExecInput, size paas.TerminalSize, idle time.Duration) {
	p.active()
	p.reader.Go(func() {
		for next := (paas.ExecInput{Size: size}); ; {
			select {
			case in <- next:
			case <-session.Done():
				return
			}
			var message wire.ExecIn
			p.reading.Store(true)
			err := wsjson.Read(ctx, p.conn, &message)
			p.reading.Store(false)
			if err != nil {
				cancel(errExecLeft)
				return
			}
			p.active()
			next = paas.ExecInput{Data: message.Data, EOF: message.EOF}
			if message.Size != nil {
				next.Size = *message.Size
			}
		}
	})
	p.reader.Go(func() {
		for pause(session, min(p.beat, idle)) {
			if time.Since(time.Unix(0, p.last.Load())) >= idle {
				cancel(errExecIdle)
				return
			}
			// While the command takes no input none is read, and no pong is heard.
			if err := p.ping(ctx); err != nil && (p.reading.Load() || !errors.Is(err, context.DeadlineExceeded)) {
				cancel(errExecLeft)
				return
			}
		}
	})
}

func (p *execPeer) ping(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, p.within)
	defer cancel()
	return p.conn.Ping(limited)
}

func (p *execPeer) active() { p.last.Store(time.Now().UnixNano()) }

// write sends a message. A peer that takes none is gone.
func (p *execPeer) write(ctx context.Context, out *wire.ExecOut) error {
	limited, cancel := context.WithTimeout(ctx, p.within)
	defer cancel()
	if err := wsjson.Write(limited, p.conn, out); err != nil {
		return errors.Join(errExecLeft, err)
	}
	return nil
}

// close ends the connection, and so whoever reads it.
func (p *execPeer) close() {
	_ = p.conn.Close(websocket.StatusNormalClosure, "") // it may be gone
	p.reader.Wait()
}

// pause waits, or returns false when ctx ends first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
