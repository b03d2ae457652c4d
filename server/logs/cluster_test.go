package logs_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/crumpet-paas/crumpet/server/logs"
	"github.com/crumpet-paas/crumpet/server/paas"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var shop = paas.AppRef{Team: "acme", App: "shop"}

// moment is when the instances of a cluster were placed.
var moment = time.Date(2026, 11, 22, 14, 0, 0, 0, time.UTC)

// stream is what one task wrote to one of its streams: files by number, of which the lowest go.
type stream struct {
	files map[int]*logFile
	last  int
}

type logFile struct {
	data     []byte
	modified time.Time
}

// cluster is a Nomad that keeps output in files that rotate, and the store that knows its instances.
type cluster struct {
	mu        sync.Mutex // guards all below
	changed   chan struct{}
	streams   map[string]*stream // by INSTANCE/TASK/STREAM
	instances []paas.Instance
	runs      []paas.Run
	events    []paas.Event
	spec      map[int]paas.Spec
	gone      map[string]bool // allocations that Nomad has forgotten
	destroyed bool            // the app is

	size, keep int // of files, in bytes and number; 0 for no end

	failFn  func(call string) error // before a call is answered
	breakFn func(sent int) bool     // after so many bytes of a followed stream: it breaks off
	delayFn func(kind string)       // before a followed stream begins, after the caller has listed
	hasty   bool                    // Nomad goes on to the next file before the end of one
	calls   map[string]int
	open    int // followed streams
}

func newCluster() *cluster {
	return &cluster{changed: make(chan struct{}), streams: map[string]*stream{}, gone: map[string]bool{}, calls: map[string]int{}, spec: map[int]paas.Spec{
		1: {App: "shop", Processes: []paas.Process{{Name: "worker"}, {Name: "web"}}, Tasks: []paas.Task{{Name: "migrate"}}},
		2: {App: "shop", Processes: []paas.Process{{Name: "web", Sidecars: []paas.Sidecar{{Name: "proxy"}}}}},
	}}
}

func (c *cluster) locked(do func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	do()
	close(c.changed)
	c.changed = make(chan struct{})
}

// write adds text to a stream of an instance's only task, from file to file.
func (c *cluster) write(instance, kind, text string) { c.writeTask(instance, "web", kind, text) }

func (c *cluster) writeTask(instance, task, kind, text string) {
	c.locked(func() {
		s := c.streams[instance+"/"+task+"/"+kind]
		if s == nil {
			s = &stream{files: map[int]*logFile{0: {modified: moment}}}
			c.streams[instance+"/"+task+"/"+kind] = s
		}
		for len(text) > 0 {
			f := s.files[s.last]
			if c.size > 0 && len(f.data) >= c.size {
				s.last++
				f = &logFile{}
				s.files[s.last] = f
				if c.keep > 0 {
					delete(s.files, s.last-c.keep)
				}
			}
			n := len(text)
			if c.size > 0 {
				n = min(n, c.size-len(f.data))
			}
			f.data = append(f.data, text[:n]...)
			f.modified = moment.Add(time.Minute)
			text = text[n:]
		}
	})
}

// set makes an instance of release 1, or changes its state.
func (c *cluster) set(id, process string, state paas.InstanceState) {
	c.locked(func() {
		for n := range c.instances {
			if c.instances[n].ID == id {
				c.instances[n].State, c.instances[n].Since = state, time.Now()
				return
			}
		}
		index := 0
		for _, i := range c.instances {
			if i.Process == process {
				index++
			}
		}
		c.instances = append(c.instances, paas.Instance{
			ID: id, Team: "acme", App: "shop", Process: process, Index: index, Release: 1, State: state,
			CreatedAt: moment, Since: moment.Add(time.Duration(len(c.instances)) * time.Second),
		})
	})
}

func (c *cluster) change(id string, do func(*paas.Instance)) {
	c.locked(func() {
		for n := range c.instances {
			if c.instances[n].ID == id {
				do(&c.instances[n])
			}
		}
	})
}

func (c *cluster) tell(at time.Duration, e paas.Event) {
	c.locked(func() {
		e.ID, e.Team, e.App, e.Time = int64(len(c.events)+1), "acme", "shop", moment.Add(at)
		c.events = append(c.events, e)
	})
}

func (c *cluster) Snapshot(_ context.Context, ref paas.AppRef) (paas.Snapshot, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if ref != shop || c.destroyed {
		return paas.Snapshot{}, paas.Errorf(paas.NotFound, "There is no app %s.", ref)
	}
	return paas.Snapshot{Newest: 2, Releases: map[int]paas.Release{1: {Spec: c.spec[1]}}, Runs: slices.Clone(c.runs)}, nil
}

func (c *cluster) Release(_ context.Context, _ paas.AppRef, number int) (paas.Release, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	spec, ok := c.spec[number]
	if !ok {
		return paas.Release{}, paas.Errorf(paas.NotFound, "There is no release %d.", number)
	}
	return paas.Release{Spec: spec}, nil
}

func (c *cluster) Instances(_ context.Context, ref paas.AppRef) ([]paas.Instance, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(c.instances), func(i paas.Instance) bool { return ref != paas.AppRef{} && i.Ref() != ref }), nil
}

func (c *cluster) Runs(context.Context) ([]paas.Run, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.runs), nil
}

func (c *cluster) Events(_ context.Context, f paas.EventFilter) ([]paas.Event, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := slices.DeleteFunc(slices.Clone(c.events), func(e paas.Event) bool { return e.ID <= f.After })
	if f.Last {
		return list[max(0, len(list)-f.Limit):], nil
	}
	return list[:min(len(list), f.Limit)], nil
}

// asked counts a call, and may fail it. mu is held.
func (c *cluster) asked(call, alloc string) error {
	c.calls[call]++
	if c.failFn != nil {
		if err := c.failFn(call); err != nil {
			return err
		}
	}
	if c.gone[alloc] {
		return paas.Errorf(paas.NotFound, "Unknown allocation %q", alloc)
	}
	return nil
}

func (c *cluster) LogFiles(_ context.Context, alloc string) ([]paas.LogFile, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.asked("ls", alloc); err != nil {
		return nil, err
	}
	var list []paas.LogFile
	for _, name := range slices.Sorted(maps.Keys(c.streams)) {
		parts := strings.Split(name, "/")
		if parts[0] != alloc {
			continue
		}
		for n, f := range c.streams[name].files {
			list = append(list, paas.LogFile{Task: parts[1], Stream: parts[2], Number: n, Size: int64(len(f.data)), Modified: f.modified})
		}
	}
	if list == nil {
		return nil, paas.Errorf(paas.NotFound, "no folder")
	}
	return list, nil
}

func (c *cluster) ReadLog(_ context.Context, alloc string, f paas.LogFile, offset, size int64, hear func([]byte) error) error {
	for sent := 0; size > 0; {
		c.mu.Lock()
		err := c.asked("read", alloc)
		if err == nil && c.breakFn != nil && c.breakFn(sent) {
			err = errBroken
		}
		file := c.streams[alloc+"/"+f.Task+"/"+f.Stream].files[f.Number]
		if err == nil && (file == nil || offset >= int64(len(file.data))) {
			err = paas.Errorf(paas.NotFound, "no such file")
		}
		if err != nil {
			c.mu.Unlock()
			return err
		}
		part := bytes.Clone(file.data[offset:min(int64(len(file.data)), offset+min(size, 900))])
		c.mu.Unlock()
		if err := hear(part); err != nil {
			return err
		}
		sent += len(part)
		offset, size = offset+int64(len(part)), size-int64(len(part))
	}
	return nil
}

var errBroken = paas.Wrap(paas.Unavailable, errors.New("connection reset"), "Nomad does not answer.")

// FollowLog does as Nomad: it counts skip over the files there are when it begins, reads a file to its
// end once there is a next one, and leaves out files that went away meanwhile.
func (c *cluster) FollowLog(ctx context.Context, alloc, task, kind string, skip int64, hear func(paas.LogChunk) error) error {
	if c.delayFn != nil {
		c.delayFn(kind)
	}
	c.mu.Lock()
	if err := c.asked("follow", alloc); err != nil {
		c.mu.Unlock()
		return err
	}
	s := c.streams[alloc+"/"+task+"/"+kind]
	if s == nil {
		c.mu.Unlock()
		return paas.Errorf(paas.NotFound, "log entry not found")
	}
	c.open++
	numbers := slices.Sorted(maps.Keys(s.files))
	number, offset := numbers[0], skip
	for _, n := range numbers {
		number = n
		if offset <= int64(len(s.files[n].data)) {
			break
		}
		offset -= int64(len(s.files[n].data))
	}
	file := s.files[number]
	offset = min(offset, int64(len(file.data)))
	c.mu.Unlock()
	defer c.locked(func() { c.open-- })
	sent := 0
	for {
		c.mu.Lock()
		data, changed := bytes.Clone(file.data[offset:min(int64(len(file.data)), offset+700)]), c.changed
		numbers := slices.Sorted(maps.Keys(s.files))
		next := slices.IndexFunc(numbers, func(n int) bool { return n > number })
		whole := offset+int64(len(data)) == int64(len(file.data))
		broken := c.breakFn != nil && c.breakFn(sent)
		switch {
		case broken:
			c.mu.Unlock()
			return errBroken
		case c.gone[alloc]:
			c.mu.Unlock()
			return errBroken
		}
		at := number
		offset += int64(len(data))
		if next >= 0 && (whole || c.hasty) {
			number, offset = numbers[next], 0
			file = s.files[number]
		}
		c.mu.Unlock()
		sent += len(data)
		if len(data) > 0 {
			if err := hear(paas.LogChunk{File: at, Data: data}); err != nil {
				return err
			}
		}
		if len(data) > 0 || at != number {
			continue
		}
		beat := time.NewTimer(20 * time.Millisecond)
		select {
		case <-changed:
		case <-beat.C:
			if err := hear(paas.LogChunk{File: -1}); err != nil {
				beat.Stop()
				return err
			}
		case <-ctx.Done():
		}
		beat.Stop()
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// collector is an emit that can be asked what it got.
type collector struct {
	mu    sync.Mutex
	lines []paas.LogLine
	after string
}

func (c *collector) emit(p paas.LogPart) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lines = append(c.lines, p.Lines...)
	c.after = p.After
	return nil
}

func (c *collector) got() (texts []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range c.lines {
		texts = append(texts, fmt.Sprintf("%s %s: %s", l.Name, l.Stream, l.Text))
	}
	return texts
}

func (c *collector) texts() (texts []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range c.lines {
		texts = append(texts, l.Text)
	}
	return texts
}

func newLogs(c *cluster) *logs.Logs {
	return logs.New(logs.Config{Nomad: c, Store: c, Reread: 5 * time.Millisecond})
}

func read(t *testing.T, l *logs.Logs, q paas.LogQuery) *collector {
	t.Helper()
	q.Ref = shop
	got := &collector{}
	if err := l.Logs(t.Context(), q, got.emit); err != nil {
		t.Fatal(err)
	}
	return got
}

// follow reads until stop is called; stop gives what Logs returned.
func follow(t *testing.T, l *logs.Logs, q paas.LogQuery) (got *collector, stop func() error) {
	t.Helper()
	q.Ref, q.Follow = shop, true
	got = &collector{}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- l.Logs(ctx, q, got.emit) }()
	stop = sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() { _ = stop() })
	return got, stop
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline:
			t.Fatalf("in 30 s it did not come true that %s", what)
		case <-tick.C:
		}
	}
}
