package logs

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

const (
	// settle is how long a stream must be silent until its last lines are taken to be all there.
	// Nomad gathers output for 200 ms.
	settle = 300 * time.Millisecond
	// settleMost ends that for an instance that never stops writing.
	settleMost = 2 * time.Second
	// drained is how long the stream of an instance that has ended must be silent to be closed.
	drained = time.Second
	// noLimit asks for all lines of the tail.
	noLimit = 1 << 30
	buffer  = 64
)

// source is one stream of one instance.
type source struct{ instance, process, stream string }

// follower reads many sources at once. Each has a goroutine of its own, which ends with ctx or when
// its instance has ended and been read.
type follower struct {
	*Logs
	lines   chan paas.LogLine
	failed  chan error // of the first reads; the readers never wait for it
	readers sync.WaitGroup
	reading atomic.Int64 // goroutines

	taken map[source]*reader // owned by the goroutine of follow

	mu    sync.Mutex
	ended map[string]bool // instances; guarded by mu
}

// reader is the state of one source.
type reader struct {
	heard atomic.Int64 // when bytes last came, in nanoseconds
	busy  atomic.Bool  // bytes have come whose lines are not handed on yet

	mu    sync.Mutex
	close context.CancelFunc // of the present stream; guarded by mu
}

func (l *Logs) follow(ctx context.Context, q paas.LogQuery, instances []paas.Instance, emit func(paas.LogLine) error) error {
	ctx, cancel := context.WithCancel(ctx)
	f := &follower{
		Logs: l, lines: make(chan paas.LogLine, buffer), failed: make(chan error, 1),
		taken: map[source]*reader{}, ended: map[string]bool{},
	}
	defer f.readers.Wait()
	defer cancel()
	f.take(ctx, instances, q.Lines)

	since := time.Now()
	reread := time.NewTicker(l.cfg.Reread)
	defer reread.Stop()
	heard := false // once something was read, trouble is worth waiting for
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case line := <-f.lines:
			heard = true
			if err := emit(line); err != nil {
				return err
			}
		case err := <-f.failed:
			if !heard {
				return err
			}
		case <-reread.C:
			instances, err := l.instances(ctx, q, since)
			if err != nil && paas.CodeOf(err) != paas.NotFound && ctx.Err() == nil {
				l.log.WarnContext(ctx, "instances not read", "err", err)
				continue
			}
			f.settle(instances)
			f.take(ctx, instances, noLimit)
			if q.Instance != "" && f.reading.Load() == 0 && len(f.lines) == 0 {
				return nil
			}
		}
	}
}

// take begins to read the sources that are not taken yet.
func (f *follower) take(ctx context.Context, instances []paas.Instance, lines int) {
	for _, i := range instances {
		for _, stream := range streams {
			s := source{i.ID, i.Process, stream}
			if f.taken[s] != nil {
				continue
			}
			r := &reader{}
			f.taken[s] = r
			f.end(i.ID, i.State.Ended())
			f.reading.Add(1)
			f.readers.Go(func() {
				defer f.reading.Add(-1)
				f.keepReading(ctx, s, r, lines)
			})
		}
	}
}

// settle notes which instances have ended, and closes the streams of those once they are silent.
func (f *follower) settle(instances []paas.Instance) {
	alive := map[string]bool{}
	for _, i := range instances {
		alive[i.ID] = !i.State.Ended()
	}
	for s, r := range f.taken {
		if alive[s.instance] {
			continue
		}
		f.end(s.instance, true)
		if !r.busy.Load() && time.Since(time.Unix(0, r.heard.Load())) > drained {
			r.stop()
		}
	}
}

func (f *follower) end(instance string, ended bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ended[instance] = ended
}

func (f *follower) hasEnded(instance string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ended[instance]
}

func (r *reader) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.close != nil {
		r.close()
	}
}

// keepReading reads a source until its instance has ended. A task that has not started is tried
// again from its first line; a stream that broke off goes on with what comes next.
func (f *follower) keepReading(ctx context.Context, s source, r *reader, lines int) {
	pause := time.NewTimer(f.cfg.Reread)
	defer pause.Stop()
	for {
		ended := f.hasEnded(s.instance) // before the read: what comes after is not missed
		streamed, err := f.read(ctx, s, r, lines, !ended)
		switch {
		case ctx.Err() != nil, ended, streamed && f.hasEnded(s.instance):
			return
		case streamed:
			lines = 0
		case paas.CodeOf(err) == paas.NotFound:
			lines = noLimit
		}
		if err != nil && paas.CodeOf(err) != paas.NotFound {
			f.log.InfoContext(ctx, "log stream broke off", "alloc", s.instance, "err", err)
			select {
			case f.failed <- err:
			default:
			}
		}
		pause.Reset(f.cfg.Reread)
		select {
		case <-pause.C:
		case <-ctx.Done():
			return
		}
	}
}

// read reads one stream to its end: the last lines of what is there first, then all that follows.
// streamed says that there was one.
func (f *follower) read(ctx context.Context, s source, r *reader, lines int, follow bool) (streamed bool, err error) {
	streamCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	tail := tailOf(lines)
	body, err := f.cfg.Nomad.Logs(streamCtx, s.instance, taskOf(s.process), s.stream, follow, tail)
	if err != nil {
		return false, err
	}
	defer func() { _ = body.Close() }()
	r.heard.Store(time.Now().UnixNano())
	r.mu.Lock()
	r.close = cancel
	r.mu.Unlock()

	var pumping sync.WaitGroup
	defer pumping.Wait()
	defer cancel()
	p := pump{chunks: make(chan []byte)}
	pumping.Go(func() { p.run(streamCtx, body) })

	out := &output{live: lines == noLimit || lines <= 0, tail: tail, lines: lines, kept: last{n: min(lines, noLimit-1) + 1}}
	out.send = func(text string) {
		select {
		case f.lines <- paas.LogLine{Instance: s.instance, Process: s.process, Stream: s.stream, Text: text}:
		case <-ctx.Done():
		}
	}
	cut := splitter{put: out.put}
	silent, most := time.NewTimer(settle), time.NewTimer(settleMost)
	defer silent.Stop()
	defer most.Stop()
	for {
		select {
		case chunk, more := <-p.chunks:
			if !more {
				cut.flush()
				out.begin()
				return true, p.err
			}
			r.busy.Store(true)
			out.read += int64(len(chunk))
			_, _ = cut.Write(chunk) // never fails
			silent.Reset(settle)
			r.heard.Store(time.Now().UnixNano())
			r.busy.Store(false)
		case <-silent.C:
			out.begin()
		case <-most.C:
			out.begin()
		}
	}
}

// output holds lines back until the last of those that are already there are known.
type output struct {
	live  bool
	lines int   // wanted of what is there
	tail  int64 // bytes asked for
	read  int64 // bytes that came
	kept  last
	send  func(text string)
}

func (o *output) put(text string) {
	if o.live {
		o.send(text)
		return
	}
	o.kept.put(text)
}

// begin hands the last lines on, and from now on each as it comes.
func (o *output) begin() {
	if o.live {
		return
	}
	o.live = true
	if o.lines <= 0 {
		return
	}
	for _, text := range trim(o.kept.kept, o.lines, o.read >= o.tail) {
		o.send(text)
	}
}

// pump reads a stream into chunks, so that its reader can wait for other things as well.
type pump struct {
	chunks chan []byte // closed at the end
	err    error       // why, if it broke off; to be read after chunks is closed
}

func (p *pump) run(ctx context.Context, body io.Reader) {
	defer close(p.chunks)
	for {
		chunk := make([]byte, 32<<10)
		n, err := body.Read(chunk)
		if n > 0 {
			select {
			case p.chunks <- chunk[:n]:
			case <-ctx.Done():
				return
			}
		}
		if err != nil {
			if !errors.Is(err, io.EOF) && ctx.Err() == nil {
				p.err = paas.Wrap(paas.Unavailable, err, "The output of an instance broke off. Try again.")
			}
			return
		}
	}
}
