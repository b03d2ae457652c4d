package logs_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/logs"
	"github.com/crumpet-paas/crumpet/server/paas"
)

var errLeft = errors.New("the reader left")

// reader follows as a client does: it comes back after the last part it had whole.
type reader struct {
	mu    sync.Mutex
	lines []paas.LogLine
	after string
	comes int
}

func (r *reader) follow(ctx context.Context, l *logs.Logs, leave func() bool) {
	for ctx.Err() == nil {
		r.mu.Lock()
		q := paas.LogQuery{Ref: shop, Lines: 10_000, Follow: true, After: r.after}
		r.comes++
		r.mu.Unlock()
		_ = l.Logs(ctx, q, func(p paas.LogPart) error {
			if leave() {
				return errLeft // before it has the part
			}
			r.mu.Lock()
			defer r.mu.Unlock()
			r.lines = append(r.lines, p.Lines...)
			r.after = p.After
			return nil
		})
	}
}

func (r *reader) got() []paas.LogLine {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.lines)
}

// count says how many lines of each instance and stream were lost, repeated or out of their order.
func count(lines []paas.LogLine, written map[string]int) (lost, repeated int) {
	next := map[string]int{}
	for _, l := range lines {
		if l.Source != paas.LogApp || l.Lost > 0 {
			continue
		}
		var n int
		name := l.Instance + "/" + l.Stream
		if _, err := fmt.Sscanf(l.Text, "line %d", &n); err != nil {
			repeated++ // a part of a line
			continue
		}
		switch {
		case n < next[name]:
			repeated++
		default:
			lost += n - next[name]
			next[name] = n + 1
		}
	}
	for name, n := range written {
		lost += n - next[name]
	}
	return lost, repeated
}

// TestNothingIsLostOrRepeatedWhateverBreaks writes to instances that come and end, into files that
// rotate, while every connection breaks again and again: that of the reader, and those to Nomad.
func TestNothingIsLostOrRepeatedWhateverBreaks(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			chance, faults := rand.New(rand.NewPCG(seed, 1)), rand.New(rand.NewPCG(seed, 2))
			var mu sync.Mutex // guards faults
			odds := func(n int) bool { mu.Lock(); defer mu.Unlock(); return faults.IntN(n) == 0 }
			c := newCluster()
			c.size = 1 << 10 // and all files are kept: nothing need be lost
			c.failFn = func(string) error {
				if odds(20) {
					return errBroken
				}
				return nil
			}
			c.breakFn = func(sent int) bool { return sent > 0 && odds(30) }
			written := map[string]int{}
			c.set("i0", "web", paas.InstanceRunning)
			for _, kind := range []string{"stdout", "stderr"} {
				c.write("i0", kind, "line 0\n")
				written["i0/"+kind] = 1
			}

			l := logs.New(logs.Config{Nomad: c, Store: c, Reread: time.Millisecond})
			ctx, cancel := context.WithCancel(t.Context())
			r, done := &reader{}, make(chan struct{})
			go func() { defer close(done); r.follow(ctx, l, func() bool { return odds(8) }) }()
			defer func() { cancel(); <-done }()
			eventually(t, "the reader has begun", func() bool { return len(r.got()) >= 2 })

			const instances, rounds = 5, 60
			for n := range instances * rounds {
				id := fmt.Sprintf("i%d", n/rounds)
				if n%rounds == 0 && n > 0 {
					c.set(id, "web", paas.InstanceRunning)
					c.set(fmt.Sprintf("i%d", n/rounds-1), "web", paas.InstanceFailed)
				}
				kind := []string{"stdout", "stderr"}[chance.IntN(2)]
				var text strings.Builder
				for range chance.IntN(30) {
					fmt.Fprintf(&text, "line %d %s\n", written[id+"/"+kind], strings.Repeat("x", chance.IntN(60)))
					written[id+"/"+kind]++
				}
				half := chance.IntN(text.Len() + 1)
				c.write(id, kind, text.String()[:half])
				if chance.IntN(4) == 0 {
					time.Sleep(time.Duration(chance.IntN(3)) * time.Millisecond) // lets the reader keep up now and then
				}
				c.write(id, kind, text.String()[half:])
			}
			total := 0
			for _, n := range written {
				total += n
			}
			enough := func() bool { return len(r.got()) >= total }
			for deadline := time.Now().Add(30 * time.Second); !enough() && time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) { //nolint:revive // until then
			}
			lost, repeated := count(r.got(), written)
			if lost > 0 || repeated > 0 {
				t.Errorf("of %d lines %d were lost and %d repeated, over %d connections", total, lost, repeated, r.comes)
			}
			if r.comes < 5 {
				t.Errorf("the reader came only %d times", r.comes)
			}
		})
	}
}

func TestResumedStoryHasNothingOfBefore(t *testing.T) {
	t.Parallel()
	c := newCluster()
	for n := range 25 { // more than are read
		id := fmt.Sprintf("old%02d", n)
		c.set(id, "web", paas.InstanceRunning)
		c.write(id, "stdout", "before\n")
		c.change(id, func(i *paas.Instance) { i.State = paas.InstanceComplete })
	}
	c.set("a0", "web", paas.InstanceRunning)
	c.write("a0", "stdout", "before\n")
	c.tell(time.Second, paas.Event{Kind: paas.EventAppChanged, Message: "before"})
	l := newLogs(c)
	got, stop := follow(t, l, paas.LogQuery{Lines: 100})
	eventually(t, "what was there is told", func() bool { return len(got.texts()) == 22 })
	_ = stop()
	c.write("a0", "stdout", "after\n")
	c.tell(2*time.Second, paas.Event{Kind: paas.EventAppChanged, Message: "after"})
	again, stop := follow(t, l, paas.LogQuery{After: got.after, Lines: 100})
	eventually(t, "what came since is told", func() bool { return len(again.texts()) >= 2 })
	c.write("a0", "stdout", "last\n")
	eventually(t, "what comes is told", func() bool { return slices.Contains(again.texts(), "last") })
	_ = stop()
	equal(t, "lines", again.texts(), []string{"after", "after", "last"})
}

func TestLineThatWasLeftInItsMiddleGoesOnThere(t *testing.T) {
	t.Parallel()
	c := newCluster()
	c.size = 50_000
	c.set("a0", "web", paas.InstanceRunning)
	c.write("a0", "stdout", "line 0\n")
	l := newLogs(c)
	got, stop := follow(t, l, paas.LogQuery{Lines: 1})
	eventually(t, "it begins", func() bool { return len(got.texts()) == 1 })
	_ = stop()
	var long strings.Builder
	for long.Len() < 300_000 {
		fmt.Fprintf(&long, "%d \u00e9 ", long.Len())
	}
	c.write("a0", "stdout", long.String()+"\nline 2\n")
	text, after, parts := "", got.after, 0
	for ; !strings.HasSuffix(text, "line 2"); parts++ {
		err := l.Logs(t.Context(), paas.LogQuery{Ref: shop, After: after}, func(p paas.LogPart) error {
			for _, line := range p.Lines {
				text += line.Text
			}
			after = p.After
			return errLeft
		})
		if !errors.Is(err, errLeft) {
			t.Fatal(err)
		}
	}
	if text != long.String()+"line 2" || parts < 4 {
		t.Errorf("%d bytes in %d parts, of %d", len(text), parts, long.Len()+6)
	}
}

func TestGapIsMarkedWithItsSize(t *testing.T) {
	t.Parallel()
	c := newCluster()
	c.size, c.keep = 100, 3
	c.set("a0", "web", paas.InstanceRunning)
	c.write("a0", "stdout", "line 0\n")
	l := newLogs(c)
	got, stop := follow(t, l, paas.LogQuery{Lines: 10})
	eventually(t, "it begins", func() bool { return len(got.texts()) == 1 })
	_ = stop()
	// 100 lines of 8 bytes and 900 of 9, while nobody reads: of 8,900 bytes the last three files are left.
	text := strings.Builder{}
	for n := range 900 {
		fmt.Fprintf(&text, "line %d\n", n+100)
	}
	c.write("a0", "stdout", text.String())
	again, stop := follow(t, l, paas.LogQuery{After: got.after})
	eventually(t, "the rest is told", func() bool { return slices.Contains(again.texts(), "line 999") })
	_ = stop()
	lines := again.lines
	if lines[0].Lost == 0 || lines[0].Name != "web[0]" {
		t.Fatalf("the first line is %+v", lines[0])
	}
	left := 0
	for _, l := range lines[1:] {
		left += len(l.Text) + 1
	}
	if sum := int64(left) + lines[0].Lost; sum != int64(text.Len()) {
		t.Errorf("%d bytes came and %d were lost, of %d: %s", left, lines[0].Lost, text.Len(), lines[0].Text)
	}
	if !strings.HasPrefix(lines[0].Text, "--- about ") || !strings.HasSuffix(lines[0].Text, " bytes of web[0] lost: Nomad had rotated the file away ---") {
		t.Errorf("it is marked as %q", lines[0].Text)
	}
}

// TestSlowReaderIsToldWhatItMissed: the reader stops while files rotate away under it. What was seen of
// them gives the size of the gap.
func TestSlowReaderIsToldWhatItMissed(t *testing.T) {
	t.Parallel()
	c := newCluster()
	c.size, c.keep = 64<<10, 3
	c.set("a0", "web", paas.InstanceRunning)
	c.write("a0", "stdout", "line 0\n")
	l := newLogs(c)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	hold, told := make(chan struct{}), &collector{}
	ended := make(chan error, 1)
	go func() {
		ended <- l.Logs(ctx, paas.LogQuery{Ref: shop, Lines: 10, Follow: true}, func(p paas.LogPart) error {
			_ = told.emit(p)
			if slices.ContainsFunc(p.Lines, func(l paas.LogLine) bool { return strings.HasPrefix(l.Text, "line 1 ") }) {
				<-hold
			}
			return nil
		})
	}()
	eventually(t, "it begins", func() bool { return len(told.texts()) == 1 })
	wrote, n := len("line 0\n"), 1
	filler := strings.Repeat("x", 1000)
	for range 40 { // of 64 KiB
		for range 64 {
			line := fmt.Sprintf("line %d %s\n", n, filler)
			c.write("a0", "stdout", line)
			wrote += len(line)
			n++
		}
		before := 0
		c.mu.Lock()
		before = c.calls["ls"]
		c.mu.Unlock()
		eventually(t, "the files are looked at", func() bool { c.mu.Lock(); defer c.mu.Unlock(); return c.calls["ls"] > before+1 })
	}
	close(hold)
	last := fmt.Sprintf("line %d ", n-1)
	eventually(t, "the last line is told", func() bool {
		texts := told.texts()
		return strings.HasPrefix(texts[len(texts)-1], last)
	})
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v", err)
	}
	came, lost, gaps := 0, 0, 0
	for _, line := range told.lines {
		if line.Lost > 0 {
			gaps++
			lost += int(line.Lost)
			if !strings.HasPrefix(line.Text, "--- ") || strings.Contains(line.Text, "about") {
				t.Errorf("a gap whose size was seen is marked as %q", line.Text)
			}
			continue
		}
		came += len(line.Text) + 1
	}
	// A line that was cut by the gap came without its newline.
	if gaps == 0 || came+lost-wrote > gaps || came+lost < wrote {
		t.Errorf("%d bytes came and %d were lost in %d gaps, of %d", came, lost, gaps, wrote)
	}
}

// TestFileThatGoesWhileAStreamBegins: between our list and Nomad's own a file goes away, so that Nomad
// counts from another one.
func TestFileThatGoesWhileAStreamBegins(t *testing.T) {
	t.Parallel()
	c := newCluster()
	c.size, c.keep = 100, 3
	c.set("a0", "web", paas.InstanceRunning)
	n := 0
	line := func() string { n++; return fmt.Sprintf("line %03d\n", n-1) } // 9 bytes: files of 11 and a bit
	c.size = 9                                                            // the first file holds one line: without it Nomad begins one line too late, in the file that is meant
	c.write("a0", "stdout", line())
	c.size = 100
	for range 20 {
		c.write("a0", "stdout", line())
	}
	rotations := 0
	c.delayFn = func(kind string) {
		if kind == "stderr" {
			return
		}
		if rotations++; rotations <= 3 {
			for range 12 {
				c.write("a0", "stdout", line())
			}
		}
	}
	got, stop := follow(t, newLogs(c), paas.LogQuery{Lines: 100})
	eventually(t, "all is told", func() bool { return slices.Contains(got.texts(), "line 056") })
	_ = stop()
	if lost, repeated := count(got.lines, map[string]int{"a0/stdout": 57}); lost > 0 || repeated > 0 {
		t.Errorf("%d lost, %d repeated: %q", lost, repeated, got.texts())
	}
}

// TestFileThatIsLeftBeforeItsEnd: a followed stream goes on to the next file though there is more in the
// one before: what is there is read, and not called lost.
func TestFileThatIsLeftBeforeItsEnd(t *testing.T) {
	t.Parallel()
	c := newCluster()
	c.size, c.hasty = 2000, true // a chunk of 700 at a time
	c.set("a0", "web", paas.InstanceRunning)
	c.write("a0", "stdout", "line 0\n")
	got, stop := follow(t, newLogs(c), paas.LogQuery{Lines: 10})
	eventually(t, "it is followed", func() bool { c.mu.Lock(); defer c.mu.Unlock(); return c.open > 0 && len(c.calls) > 0 })
	var text strings.Builder
	for n := range 2000 {
		fmt.Fprintf(&text, "line %d\n", n+1)
	}
	c.write("a0", "stdout", text.String())
	eventually(t, "the last line is told", func() bool { return slices.Contains(got.texts(), "line 2000") })
	_ = stop()
	if lost, repeated := count(got.lines, map[string]int{"a0/stdout": 2001}); lost > 0 || repeated > 0 {
		t.Errorf("%d lost, %d repeated", lost, repeated)
	}
}

func TestMemoryIsBoundedWhateverIsPrinted(t *testing.T) {
	t.Parallel()
	c := newCluster()
	c.set("a0", "web", paas.InstanceRunning)
	c.write("a0", "stdout", strings.Repeat("x", 8<<20)) // without a newline
	got := read(t, newLogs(c), paas.LogQuery{Lines: 10})
	if len(got.lines) != 10 {
		t.Fatalf("%d lines", len(got.lines))
	}
	for _, l := range got.lines {
		if len(l.Text) > 16<<10 {
			t.Errorf("a line of %d bytes", len(l.Text))
		}
	}
}
