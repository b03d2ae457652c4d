package logs_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/logs"
	"github.com/crumpet-paas/crumpet/server/paas"
)

var shop = paas.AppRef{Team: "acme", App: "shop"}

// file is what one task wrote to one stream; it grows.
type file struct {
	data    []byte
	changed chan struct{}
}

// cluster is a Nomad that keeps output, and the store that knows its instances.
type cluster struct {
	mu        sync.Mutex
	files     map[string]*file // by INSTANCE/STREAM
	instances []paas.Instance
	runs      []paas.Run
	tasks     map[string]string // the task asked for last, by instance
	fail      error
	streams   int // open ones
}

func newCluster() *cluster { return &cluster{files: map[string]*file{}} }

func (c *cluster) write(instance, stream, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.files[instance+"/"+stream]
	if f == nil {
		f = &file{changed: make(chan struct{})}
		c.files[instance+"/"+stream] = f
	}
	f.data = append(f.data, text...)
	close(f.changed)
	f.changed = make(chan struct{})
}

// set makes an instance, or changes its state.
func (c *cluster) set(id, process string, state paas.InstanceState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for n := range c.instances {
		if c.instances[n].ID == id {
			c.instances[n].State = state
			return
		}
	}
	c.instances = append(c.instances, paas.Instance{
		ID: id, Team: "acme", App: "shop", Process: process, State: state,
		CreatedAt: time.Unix(int64(len(c.instances)), 0),
	})
}

func (c *cluster) Snapshot(_ context.Context, ref paas.AppRef) (paas.Snapshot, error) {
	if ref != shop {
		return paas.Snapshot{}, paas.Errorf(paas.NotFound, "There is no app %s.", ref)
	}
	spec := paas.Spec{App: "shop", Processes: []paas.Process{{Name: "worker"}, {Name: "web"}}, Tasks: []paas.Task{{Name: "migrate"}}}
	withSidecar := paas.Spec{App: "shop", Processes: []paas.Process{{Name: "web", Sidecars: []paas.Sidecar{{Name: "proxy"}}}}}
	c.mu.Lock()
	defer c.mu.Unlock()
	return paas.Snapshot{Releases: map[int]paas.Release{1: {Spec: spec}, 2: {Spec: withSidecar}}, Runs: slices.Clone(c.runs)}, nil
}

func (c *cluster) Facts(context.Context) ([]paas.Instance, []paas.RouteFact, []paas.RouterFact, []paas.JobFact, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	other := paas.Instance{ID: "other", Team: "acme", App: "other", Process: "web", State: paas.InstanceRunning}
	return append([]paas.Instance{other}, c.instances...), nil, nil, nil, nil
}

func (c *cluster) Logs(ctx context.Context, alloc, task, stream string, follow bool, tail int64) (io.ReadCloser, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fail != nil {
		return nil, c.fail
	}
	if c.tasks == nil {
		c.tasks = map[string]string{}
	}
	c.tasks[alloc] = task
	f := c.files[alloc+"/"+stream]
	if f == nil {
		return nil, paas.Errorf(paas.NotFound, "task %q not started yet", task)
	}
	begin := max(0, len(f.data)-int(tail))
	if !follow {
		return io.NopCloser(bytes.NewReader(bytes.Clone(f.data[begin:]))), nil
	}
	c.streams++
	return &tailing{ctx: ctx, c: c, f: f, at: begin}, nil
}

// tailing follows a file until ctx ends.
type tailing struct {
	ctx context.Context
	c   *cluster
	f   *file
	at  int
}

func (r *tailing) Read(p []byte) (int, error) {
	for {
		r.c.mu.Lock()
		n, changed := copy(p, r.f.data[r.at:]), r.f.changed
		r.at += n
		r.c.mu.Unlock()
		if n > 0 {
			return n, nil
		}
		select {
		case <-changed:
		case <-r.ctx.Done():
			return 0, r.ctx.Err()
		}
	}
}

func (r *tailing) Close() error {
	r.c.mu.Lock()
	defer r.c.mu.Unlock()
	r.c.streams--
	return nil
}

// collector is an emit that can be asked what it got.
type collector struct {
	mu    sync.Mutex
	lines []string
}

func (c *collector) emit(l paas.LogLine) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lines = append(c.lines, fmt.Sprintf("%s %s %s: %s", l.Process, l.Instance, l.Stream, l.Text))
	return nil
}

func (c *collector) got() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string(nil), c.lines...)
}

func newLogs(c *cluster) *logs.Logs {
	return logs.New(logs.Config{Nomad: c, Store: c, Reread: 5 * time.Millisecond})
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline:
			t.Fatalf("in 20 s it did not come true that %s", what)
		case <-tick.C:
		}
	}
}

func TestWithoutFollowTheLastLinesOfEachInstanceComeInOrder(t *testing.T) {
	t.Parallel()
	c := newCluster()
	c.set("w1", "worker", paas.InstanceRunning)
	c.set("a1", "web", paas.InstanceRunning)
	c.set("a2", "web", paas.InstancePending) // not started: it has no output
	c.set("a0", "web", paas.InstanceComplete)
	c.write("a0", "stdout", "of an ended instance\n")
	c.write("a1", "stdout", "one\ntwo\r\nthree\nfour without an end")
	c.write("a1", "stderr", "oops \xff\n")
	c.write("w1", "stdout", "work\n")
	c.write("w1", "stderr", "")
	var got collector
	if err := newLogs(c).Logs(t.Context(), paas.LogQuery{Ref: shop, Lines: 3}, got.emit); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"web a1 stdout: two",
		"web a1 stdout: three",
		"web a1 stdout: four without an end",
		"web a1 stderr: oops \uFFFD",
		"worker w1 stdout: work",
	}
	if diff := cmp.Diff(want, got.got()); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

func TestWhereNoneRunsTheLastThatEndedSpeak(t *testing.T) {
	t.Parallel()
	c := newCluster()
	for i := range 4 {
		id := fmt.Sprintf("a%d", i)
		c.set(id, "web", paas.InstanceFailed)
		c.write(id, "stdout", "")
		c.write(id, "stderr", "panic in "+id+"\n")
	}
	var got collector
	if err := newLogs(c).Logs(t.Context(), paas.LogQuery{Ref: shop, Lines: 10}, got.emit); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"web a3 stderr: panic in a3", "web a2 stderr: panic in a2"}, got.got()); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	got = collector{}
	if err := newLogs(c).Logs(t.Context(), paas.LogQuery{Ref: shop, Instance: "a0", Lines: 10}, got.emit); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"web a0 stderr: panic in a0"}, got.got()); diff != "" {
		t.Errorf("lines of one that is asked for (-want +got):\n%s", diff)
	}
}

func TestUnknownAppsAndInstancesAreNotFound(t *testing.T) {
	t.Parallel()
	c := newCluster()
	c.set("a1", "web", paas.InstanceRunning)
	for _, q := range []paas.LogQuery{
		{Ref: paas.AppRef{Team: "acme", App: "nope"}, Lines: 1},
		{Ref: shop, Instance: "zzz", Lines: 1},
		{Ref: shop, Instance: "other", Lines: 1},
		{Ref: shop, Process: "wbe", Lines: 1},
	} {
		if err := newLogs(c).Logs(t.Context(), q, new(collector).emit); paas.CodeOf(err) != paas.NotFound {
			t.Errorf("Logs(%+v) = %v, want not_found", q, err)
		}
	}
}

func TestAnUnreachableNomadIsReported(t *testing.T) {
	t.Parallel()
	c := newCluster()
	c.set("a1", "web", paas.InstanceRunning)
	c.fail = paas.Errorf(paas.Unavailable, "Nomad is away.")
	for _, follow := range []bool{false, true} {
		err := newLogs(c).Logs(t.Context(), paas.LogQuery{Ref: shop, Lines: 1, Follow: follow}, new(collector).emit)
		if paas.CodeOf(err) != paas.Unavailable {
			t.Errorf("with follow %t: %v, want unavailable", follow, err)
		}
	}
}

func TestALineThatWasCutByTheTailIsLeftOut(t *testing.T) {
	t.Parallel()
	c := newCluster()
	long := strings.Repeat("x", 5000)
	c.write("a1", "stdout", long+"\n"+long+"\nend\n") // the tail of 8 KiB begins within the first
	c.write("a1", "stderr", "")
	got, err := newLogs(c).Tail(t.Context(), "a1", "web", 10)
	if err != nil || len(got) != 2 || got[0].Text != long || got[1].Text != "end" {
		t.Errorf("%d lines, %v, want the whole second and third", len(got), err)
	}
}

func TestALongLineComesInPiecesAndLosesNothing(t *testing.T) {
	t.Parallel()
	c := newCluster()
	long := strings.Repeat("abcdefg", 7000) // 49,000 bytes
	c.write("a1", "stdout", long+"\nend\n")
	c.write("a1", "stderr", "")
	got, err := newLogs(c).Tail(t.Context(), "a1", "web", 1000)
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, l := range got[:len(got)-1] {
		if len(l.Text) > 16<<10 {
			t.Errorf("a piece of %d bytes", len(l.Text))
		}
		all.WriteString(l.Text)
	}
	if all.String() != long || got[len(got)-1].Text != "end" {
		t.Errorf("%d bytes came, want %d and then the end", all.Len(), len(long))
	}
}

func TestFollowBeginsWithTheLastLinesAndGoesOn(t *testing.T) {
	t.Parallel()
	c := newCluster()
	c.set("a1", "web", paas.InstanceRunning)
	c.write("a1", "stdout", "one\ntwo\nthree\n")
	c.write("a1", "stderr", "")
	ctx, cancel := context.WithCancel(t.Context())
	var got collector
	done := make(chan error, 1)
	go func() {
		done <- newLogs(c).Logs(ctx, paas.LogQuery{Ref: shop, Lines: 2, Follow: true}, got.emit)
	}()
	eventually(t, "the last lines came", func() bool { return len(got.got()) == 2 })
	c.write("a1", "stdout", "four\n")
	eventually(t, "the next came", func() bool { return len(got.got()) == 3 })
	c.set("a2", "web", paas.InstancePending)
	c.write("a2", "stdout", "new one\nnew two\n")
	eventually(t, "the new instance's lines came", func() bool { return len(got.got()) == 5 })
	want := []string{
		"web a1 stdout: two", "web a1 stdout: three", "web a1 stdout: four",
		"web a2 stdout: new one", "web a2 stdout: new two",
	}
	if diff := cmp.Diff(want, got.got()); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Logs = %v, want context.Canceled", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.streams != 0 {
		t.Errorf("%d streams are still open", c.streams)
	}
}

func TestFollowOfAnInstanceEndsOnceItHasEndedAndBeenRead(t *testing.T) {
	t.Parallel()
	c := newCluster()
	c.set("a1", "web", paas.InstanceRunning)
	c.write("a1", "stdout", "one\n")
	c.write("a1", "stderr", "")
	var got collector
	done := make(chan error, 1)
	go func() {
		done <- newLogs(c).Logs(t.Context(), paas.LogQuery{Ref: shop, Instance: "a1", Lines: 5, Follow: true}, got.emit)
	}()
	eventually(t, "the first line came", func() bool { return len(got.got()) == 1 })
	c.set("a1", "web", paas.InstanceFailed)
	c.write("a1", "stdout", "last words")
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("Logs = %v, want nil", err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("Logs goes on")
	}
	if diff := cmp.Diff([]string{"web a1 stdout: one", "web a1 stdout: last words"}, got.got()); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

func TestASlowReaderLosesNothing(t *testing.T) {
	t.Parallel()
	c := newCluster()
	c.set("a1", "web", paas.InstanceRunning)
	c.write("a1", "stdout", "")
	c.write("a1", "stderr", "")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	const count = 20000
	next, hold := 0, make(chan struct{})
	done := make(chan error, 1)
	go func() {
		done <- newLogs(c).Logs(ctx, paas.LogQuery{Ref: shop, Lines: 0, Follow: true}, func(l paas.LogLine) error {
			if next == 10 {
				<-hold // the reader stands still while all the rest is written
			}
			if want := fmt.Sprintf("line %d", next); l.Text != want {
				return fmt.Errorf("got %q, want %q", l.Text, want)
			}
			if next++; next == count {
				return io.EOF
			}
			return nil
		})
	}()
	eventually(t, "the stream is open", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.streams == 2
	})
	for i := range count {
		c.write("a1", "stdout", fmt.Sprintf("line %d\n", i))
	}
	close(hold)
	select {
	case err := <-done:
		if !errors.Is(err, io.EOF) {
			t.Error(err)
		}
	case <-time.After(30 * time.Second):
		t.Errorf("only %d lines came", next)
	}
}

func (c *cluster) run(id, name string, state paas.RunState, ended time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := paas.Run{ID: id, Team: "acme", App: "shop", Job: "shop.run." + id, Name: name, State: state, CreatedAt: time.Unix(100, 0)}
	if state.Ended() {
		r.EndedAt = &ended
	}
	c.runs = slices.DeleteFunc(c.runs, func(r paas.Run) bool { return r.ID == id })
	c.runs = append([]paas.Run{r}, c.runs...)
}

func TestTasksAreReadWhileTheyRunAndWhenAskedFor(t *testing.T) {
	t.Parallel()
	c := newCluster()
	c.set("w1", "web", paas.InstanceRunning)
	c.write("w1", "stdout", "web here\n")
	c.run("m1", "migrate", paas.RunFailed, time.Unix(200, 0))
	c.write("m1", "stdout", "no such table\n")
	c.run("m2", "migrate", paas.RunRunning, time.Time{})
	c.write("m2", "stdout", "migrating\n")
	l := logs.New(logs.Config{Nomad: c, Store: c})
	for about, step := range map[string]struct {
		q    paas.LogQuery
		want []string
	}{
		"all":      {paas.LogQuery{}, []string{"migrate m2 migrating", "web w1 web here"}},
		"the task": {paas.LogQuery{Process: "migrate"}, []string{"migrate m2 migrating"}},
		"one run":  {paas.LogQuery{Instance: "m1"}, []string{"migrate m1 no such table"}},
	} {
		step.q.Ref, step.q.Lines = shop, 10
		var got []string
		if err := l.Logs(t.Context(), step.q, func(line paas.LogLine) error {
			got = append(got, line.Process+" "+line.Instance+" "+line.Text)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(step.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", about, diff)
		}
	}
	err := l.Logs(t.Context(), paas.LogQuery{Ref: shop, Process: "migrat", Lines: 1}, func(paas.LogLine) error { return nil })
	if got := paas.MessageOf(err); !strings.Contains(got, "it has migrate, web, web/proxy, worker") {
		t.Errorf("a process that is not there: %q", got)
	}
}

func TestASidecarIsReadByItsOwnName(t *testing.T) {
	t.Parallel()
	c := newCluster()
	c.set("w1", "web", paas.InstanceRunning)
	c.instances[0].Release = 2
	c.write("w1", "stdout", "a line\n")
	l := logs.New(logs.Config{Nomad: c, Store: c})
	for process, want := range map[string][]string{"web": {"web", "web/proxy"}, "web/proxy": {"web/proxy"}} {
		var got []string
		if err := l.Logs(t.Context(), paas.LogQuery{Ref: shop, Process: process, Lines: 10}, func(line paas.LogLine) error {
			got = append(got, line.Process)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", process, diff)
		}
	}
	if c.tasks["w1"] != "proxy" {
		t.Errorf("Nomad was asked for task %q, want proxy", c.tasks["w1"])
	}
}

func TestFollowingTakesUpTasksThatWereTooShortToBeSeen(t *testing.T) {
	t.Parallel()
	c := newCluster()
	c.run("old", "migrate", paas.RunComplete, time.Unix(200, 0))
	c.write("old", "stdout", "long ago\n")
	l := logs.New(logs.Config{Nomad: c, Store: c, Reread: 5 * time.Millisecond})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	c.set("w1", "web", paas.InstanceRunning)
	c.write("w1", "stdout", "web here\n")
	var got []string
	_ = l.Logs(ctx, paas.LogQuery{Ref: shop, Lines: 10, Follow: true}, func(line paas.LogLine) error {
		got = append(got, line.Text)
		switch len(got) {
		case 1: // it follows
			c.write("new", "stdout", "just now\n")
			c.run("new", "migrate", paas.RunComplete, time.Now().Add(time.Minute))
		case 2:
			cancel()
		}
		return nil
	})
	if diff := cmp.Diff([]string{"web here", "just now"}, got); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}
