package integration_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/url"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// numbered is a `crumpet logs -f` of the faucet, and what came of it.
type numbered struct {
	*dev
	proxy *cutter
	cmd   *exec.Cmd
	end   context.CancelFunc
	done  chan struct{}
	err   buffer

	mu       sync.Mutex // guards all below
	next     map[string]int
	lines    int
	lost     int
	repeated int
	strange  []string
	last     time.Time
}

// readNumbered follows the faucet's lines from now on, through a proxy that can be cut.
func readNumbered(d *dev) *numbered {
	d.t.Helper()
	r := &numbered{dev: d, next: map[string]int{}, last: time.Now(), done: make(chan struct{})}
	at, err := url.Parse(d.info.Addr)
	if err != nil {
		d.t.Fatal(err)
	}
	r.proxy = newCutter(d, at.Host)
	ctx, cancel := context.WithCancel(d.t.Context())
	r.end = cancel
	r.cmd = d.command(ctx, d.home, "logs", "faucet", "-f", "-n", "0", "--json", "--source", "app", "--addr", r.proxy.address())
	r.cmd.Stderr = &r.err
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		d.t.Fatal(err)
	}
	if err := r.cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	go func() { // until the command has ended
		defer close(r.done)
		r.read(out)
		_ = r.cmd.Wait() // it was killed
	}()
	d.t.Cleanup(r.stop)
	return r
}

func (r *numbered) stop() {
	r.end()
	<-r.done
}

func (r *numbered) read(out io.Reader) {
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var line struct {
			Instance, Text string
			Lost           int64
		}
		err := json.Unmarshal(lines.Bytes(), &line)
		id, rest, _ := strings.Cut(line.Text, " ")
		n := 0
		_, scanErr := fmt.Sscanf(rest, "%d ", &n)
		r.mu.Lock()
		r.last = time.Now()
		switch {
		case err != nil, line.Lost > 0, id != line.Instance, scanErr != nil, !strings.HasSuffix(line.Text, "xyz"):
			r.strange = append(r.strange, lines.Text())
		case n < r.next[id]:
			r.repeated++
		default:
			r.lost += n - r.next[id]
			r.next[id] = n + 1
			r.lines++
		}
		r.mu.Unlock()
	}
}

// until waits, and tells what the command said if it is in vain.
func (r *numbered) until(what string, ok func() bool) {
	r.t.Helper()
	deadline := time.Now().Add(5 * time.Minute)
	for !ok() {
		select {
		case <-r.done:
			r.t.Fatalf("crumpet logs ended before %s:\n%s", what, &r.err)
		default:
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("5 minutes passed and not %s; %d lines came of %v; crumpet logs said:\n%s", what, r.count(), r.seen(), &r.err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// begun says that the stream has been answered.
func (r *numbered) begun() bool { return r.proxy.answered() }

func (r *numbered) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lines
}

func (r *numbered) quiet() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return time.Since(r.last)
}

func (r *numbered) seen() map[string]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.next)
}

// judge counts what was lost and repeated of what each allocation wrote.
func (r *numbered) judge(wrote map[string]int) (lost, repeated int, strange []string) {
	seen := r.seen()
	r.mu.Lock()
	defer r.mu.Unlock()
	lost = r.lost
	for id, n := range wrote {
		lost += n - seen[id]
	}
	return lost, r.repeated, r.strange[:min(len(r.strange), 5)]
}

// cutter is a TCP proxy whose connections can all be cut at once.
type cutter struct {
	listener net.Listener
	to       string

	mu    sync.Mutex // guards all below
	open  map[net.Conn]bool
	count int
	heard bool // an id, of a stream
}

func newCutter(d *dev, to string) *cutter {
	d.t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(d.t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		d.t.Fatal(err)
	}
	c := &cutter{listener: listener, to: to, open: map[net.Conn]bool{}}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			in, err := listener.Accept()
			if err != nil {
				return // it was closed
			}
			all.Go(func() { c.pass(in) })
		}
	})
	d.t.Cleanup(func() {
		_ = listener.Close() // ends the loop
		c.cut()
		all.Wait()
	})
	return c
}

func (c *cutter) address() string { return "http://" + c.listener.Addr().String() }

func (c *cutter) pass(in net.Conn) {
	defer in.Close() //nolint:errcheck // cut
	out, err := net.DialTimeout("tcp", c.to, 5*time.Second)
	if err != nil {
		return // the server is away
	}
	defer out.Close() //nolint:errcheck // cut
	c.mu.Lock()
	c.count++
	c.open[in], c.open[out] = true, true
	c.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { _, _ = io.Copy(out, in); _ = out.Close() })
	both.Go(func() { _, _ = io.Copy(io.MultiWriter(in, c), out); _ = in.Close() })
	both.Wait()
	c.mu.Lock()
	delete(c.open, in)
	delete(c.open, out)
	c.mu.Unlock()
}

// Write looks for the first id of a stream.
func (c *cutter) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.heard = c.heard || bytes.Contains(p, []byte("id: "))
	return len(p), nil
}

func (c *cutter) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.open {
		_ = conn.Close() // that is the point
	}
}

func (c *cutter) made() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.count
}

// answered says that a stream has said where it begins.
func (c *cutter) answered() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.heard
}
