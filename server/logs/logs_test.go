package logs_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/paas"
)

func equal(t *testing.T, what string, got, want []string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// stamped is a line that begins with the time so many seconds after moment.
func stamped(seconds float64, text string) string {
	return moment.Add(time.Duration(seconds*float64(time.Second))).Format(time.RFC3339Nano) + " " + text + "\n"
}

func short(texts []string) (rest []string) {
	for _, t := range texts {
		if _, after, ok := strings.Cut(t, "Z "); ok {
			t = after
		}
		rest = append(rest, t)
	}
	return rest
}

func TestLinesOfAllSourcesComeInTheOrderOfTheirTimes(t *testing.T) {
	t.Parallel()
	c := newCluster()
	c.set("a0", "web", paas.InstanceRunning)
	c.set("a1", "web", paas.InstanceComplete)
	c.set("a2", "web", paas.InstancePending) // not started: it has no output
	c.write("a0", "stdout", stamped(1, "one")+stamped(4, "four"))
	c.write("a0", "stderr", stamped(3, "three")+"  trace of three\n"+stamped(2, "late: order within a stream stays"))
	c.write("a1", "stdout", stamped(2.5, "two and a half")+stamped(6, "six, without an end"))
	c.tell(2*time.Second, paas.Event{Kind: paas.EventBuildLog, Message: "compiling"})
	c.tell(5*time.Second, paas.Event{Kind: paas.EventInstanceState, Instance: "a1", Process: "web", Release: 1, Message: "web 1 ended"})
	l := newLogs(c)
	want := []string{"one", "compiling", "two and a half", "three", "  trace of three", "late: order within a stream stays", "four", "web 1 ended", "six, without an end"}
	got := read(t, l, paas.LogQuery{Lines: 100})
	equal(t, "all", short(got.texts()), want)
	for n, line := range got.lines {
		source, name := paas.LogApp, fmt.Sprintf("web[%d]", 0)
		switch n {
		case 1:
			source, name = paas.LogBuild, "build"
		case 7:
			source, name = paas.LogPlatform, "platform"
		case 2, 8:
			name = "web[1]"
		}
		if line.Source != source || line.Name != name {
			t.Errorf("line %d is %+v", n, line)
		}
	}
	equal(t, "the last two", short(read(t, l, paas.LogQuery{Lines: 2}).texts()), want[7:])
	equal(t, "none", read(t, l, paas.LogQuery{}).texts(), nil)
	equal(t, "only builds", read(t, l, paas.LogQuery{Lines: 9, Sources: []paas.LogSource{paas.LogBuild}}).texts(), []string{"compiling"})
	equal(t, "only of the app", short(read(t, l, paas.LogQuery{Lines: 3, Sources: []paas.LogSource{paas.LogApp}}).texts()), []string{want[5], want[6], want[8]})
	equal(t, "since", short(read(t, l, paas.LogQuery{Lines: 100, Since: moment.Add(4 * time.Second)}).texts()), want[6:])
	equal(t, "until", short(read(t, l, paas.LogQuery{Lines: 100, Until: moment.Add(4 * time.Second)}).texts()), want[:7])
	equal(t, "the last before a moment", short(read(t, l, paas.LogQuery{Lines: 1, Until: moment.Add(4 * time.Second)}).texts()), want[6:7])
	equal(t, "of a while", short(read(t, l, paas.LogQuery{Lines: 100, Since: moment.Add(4 * time.Second), Until: moment.Add(5 * time.Second)}).texts()), want[6:8])
	equal(t, "that match", short(read(t, l, paas.LogQuery{Lines: 100, Match: "^.*(two|comp)"}).texts()), []string{"compiling", "two and a half"})
	equal(t, "of an instance", short(read(t, l, paas.LogQuery{Lines: 100, Instance: "1"}).texts()), []string{want[2], want[7], want[8]})
	equal(t, "of an instance by its id", short(read(t, l, paas.LogQuery{Lines: 100, Instance: "a1"}).texts()), []string{want[2], want[7], want[8]})
	equal(t, "of a release", read(t, l, paas.LogQuery{Lines: 100, Release: 2}).texts(), nil)
}

func TestLinesWithoutTimesAreGuessedBetweenTheBoundsOfTheirFile(t *testing.T) {
	t.Parallel()
	c := newCluster()
	c.set("a0", "web", paas.InstanceRunning)
	c.set("a1", "web", paas.InstanceRunning)
	for n := range 4 { // the file is written from moment to a minute later
		c.write("a0", "stdout", fmt.Sprintf("a%d\n", n))
		c.write("a1", "stdout", fmt.Sprintf("b%d\n", n))
	}
	c.change("a1", func(i *paas.Instance) { at := moment.Add(5 * time.Second); i.StartedAt = &at })
	got := read(t, newLogs(c), paas.LogQuery{Lines: 100})
	equal(t, "lines, but for the last two, which are of one time", got.texts()[:6], []string{"a0", "b0", "a1", "b1", "a2", "b2"})
	for _, l := range got.lines {
		if l.TimeFrom != paas.TimeFile || l.Time.Before(moment) || l.Time.After(moment.Add(time.Minute)) {
			t.Errorf("%+v", l)
		}
	}
}

func TestTextIsCleanedAndLongLinesComeInPieces(t *testing.T) {
	t.Parallel()
	c := newCluster()
	c.set("a0", "web", paas.InstanceRunning)
	const most = 16 << 10
	long := strings.Repeat("x", most-1) + "\u00e9" + strings.Repeat("y", most) // a letter of two bytes across the border
	c.write("a0", "stdout", "carriage\r\nnot text \xff\n\n"+long+"\n"+strings.Repeat("z", most)+"\nno end")
	want := []string{"carriage", "not text \uFFFD", "", strings.Repeat("x", most-1), "\u00e9" + strings.Repeat("y", most-2), "yy", strings.Repeat("z", most), "no end"}
	equal(t, "lines", read(t, newLogs(c), paas.LogQuery{Lines: 100}).texts(), want)
}

func TestTheLastLinesAreFoundAcrossFiles(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 7, 64, 1000, 100_000} {
		for _, end := range []string{"\n", ""} {
			c := newCluster()
			c.size = size
			c.set("a0", "web", paas.InstanceRunning)
			var all []string
			for n := range 4000 {
				all = append(all, fmt.Sprintf("line %d", n))
			}
			c.write("a0", "stdout", strings.Join(all, "\n")+end)
			l := newLogs(c)
			for _, n := range []int{1, 2, 333, 4000, 5000} {
				got := read(t, l, paas.LogQuery{Lines: n}).texts()
				if want := all[max(0, len(all)-n):]; !slices.Equal(got, want) {
					t.Fatalf("files of %d bytes, the last %d lines: %d lines, from %q", size, n, len(got), got[:min(1, len(got))])
				}
			}
		}
	}
}

func TestFollowedLinesComeOnceWithNewInstancesAndEnds(t *testing.T) {
	t.Parallel()
	c := newCluster()
	c.set("a0", "web", paas.InstanceRunning)
	c.write("a0", "stdout", "old\nbefore\n")
	got, stop := follow(t, newLogs(c), paas.LogQuery{Lines: 1})
	eventually(t, "what was there is told", func() bool { return len(got.texts()) == 1 })
	c.write("a0", "stdout", "half")
	c.write("a0", "stdout", " and half\n")
	eventually(t, "a line is told", func() bool { return len(got.texts()) == 2 })
	c.set("a1", "web", paas.InstancePending)
	c.tell(time.Hour, paas.Event{Kind: paas.EventInstanceState, Message: "web 1 starts"})
	eventually(t, "the new one is looked for", func() bool { c.mu.Lock(); defer c.mu.Unlock(); return c.calls["ls"] > 6 })
	c.write("a1", "stdout", "first\n")
	c.set("a1", "web", paas.InstanceRunning)
	eventually(t, "its first line is told", func() bool { return slices.Contains(got.texts(), "first") })
	c.write("a0", "stderr", "goodbye without an end")
	c.set("a0", "web", paas.InstanceFailed)
	eventually(t, "its end is told", func() bool { return slices.Contains(got.texts(), "goodbye without an end") })
	eventually(t, "its streams are closed", func() bool { c.mu.Lock(); defer c.mu.Unlock(); return c.open == 1 })
	if err := stop(); err == nil {
		t.Error("following ended without an error")
	}
	want := []string{"before", "half and half", "web 1 starts", "first", "goodbye without an end"}
	texts := got.texts()
	slices.Sort(want)
	slices.Sort(texts)
	equal(t, "lines", texts, want)
}

func TestFollowingOneInstanceEndsWithIt(t *testing.T) {
	t.Parallel()
	c := newCluster()
	c.locked(func() {
		c.runs = []paas.Run{{ID: "r1", Team: "acme", App: "shop", Name: "migrate", Release: 1, State: paas.RunRunning, CreatedAt: moment}}
	})
	c.set("a0", "web", paas.InstanceRunning)
	c.write("a0", "stdout", "not asked for\n")
	c.writeTask("r1", "migrate", "stdout", "one\n")
	l := newLogs(c)
	got, stop := &collector{}, make(chan error, 1)
	go func() {
		stop <- l.Logs(t.Context(), paas.LogQuery{Ref: shop, Instance: "r1", Lines: 10, Follow: true}, got.emit)
	}()
	eventually(t, "it is told", func() bool { return len(got.texts()) == 1 })
	c.writeTask("r1", "migrate", "stdout", "two\n")
	c.locked(func() { at := time.Now(); c.runs[0].State, c.runs[0].EndedAt = paas.RunComplete, &at })
	select {
	case err := <-stop:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("it still follows")
	}
	equal(t, "lines", got.got(), []string{"migrate[r1] stdout: one", "migrate[r1] stdout: two"})
	equal(t, "of all instances, later", read(t, l, paas.LogQuery{Lines: 10}).texts(), []string{"not asked for"})
	equal(t, "of the task, later", read(t, l, paas.LogQuery{Lines: 10, Process: "migrate"}).texts(), []string{"one", "two"})
}

// TestWhatComesAfterTheEndIsTold: Nomad says that an instance has ended before it has written down all of
// its output.
func TestWhatComesAfterTheEndIsTold(t *testing.T) {
	t.Parallel()
	for _, before := range []string{"", "one\n"} {
		c := newCluster()
		c.set("a0", "web", paas.InstanceRunning)
		c.write("a0", "stdout", before)
		c.set("a0", "web", paas.InstanceFailed)
		var once sync.Once
		c.delayFn = func(kind string) {
			if kind == "stdout" {
				once.Do(func() { c.write("a0", "stdout", "its last words") })
			}
		}
		got := &collector{}
		if err := newLogs(c).Logs(t.Context(), paas.LogQuery{Ref: shop, Instance: "a0", Lines: 10, Follow: true}, got.emit); err != nil {
			t.Fatal(err)
		}
		if text := strings.Join(got.texts(), "\n"); text != before+"its last words" {
			t.Errorf("got %q", text)
		}
	}
}

func TestSidecarsAreNamedByTheirProcess(t *testing.T) {
	t.Parallel()
	c := newCluster()
	c.set("a0", "web", paas.InstanceRunning)
	c.change("a0", func(i *paas.Instance) { i.Release = 2 }) // not named by the snapshot
	c.write("a0", "stdout", stamped(1, "main"))
	c.writeTask("a0", "proxy", "stdout", stamped(2, "beside"))
	l := newLogs(c)
	for process, want := range map[string][]string{"": {"main", "beside"}, "web": {"main", "beside"}, "web/proxy": {"beside"}} {
		equal(t, "of "+process, short(read(t, l, paas.LogQuery{Lines: 9, Process: process}).texts()), want)
	}
	if name := read(t, l, paas.LogQuery{Lines: 1}).lines[0].Name; name != "web/proxy[0]" {
		t.Errorf("it is called %s", name)
	}
}

func TestMistakesAreNamedWithWhatIsThere(t *testing.T) {
	t.Parallel()
	c := newCluster()
	c.set("abc12345-6789", "web", paas.InstanceRunning)
	c.write("abc12345-6789", "stdout", "x\n")
	l := newLogs(c)
	for _, tt := range []struct {
		q    paas.LogQuery
		code paas.Code
		says string
	}{
		{paas.LogQuery{Process: "wbe"}, paas.NotFound, `App "shop" has no process "wbe" (did you mean "web"?); it has migrate, web, worker.`},
		{paas.LogQuery{Instance: "7"}, paas.NotFound, `has no instance "7"; it has web[0] abc12345.`},
		{paas.LogQuery{Instance: "abd12345"}, paas.NotFound, `(did you mean "abc12345"?)`},
		{paas.LogQuery{Release: 9}, paas.NotFound, `App "shop" has no release 9; its newest is 2.`},
		{paas.LogQuery{Match: "("}, paas.Invalid, `"(" is no regular expression`},
		{paas.LogQuery{After: "nonsense"}, paas.Invalid, `"nonsense" is no place in the logs`},
	} {
		tt.q.Ref = shop
		err := l.Logs(t.Context(), tt.q, (&collector{}).emit)
		if paas.CodeOf(err) != tt.code || !strings.Contains(paas.MessageOf(err), tt.says) {
			t.Errorf("%+v: %v", tt.q, err)
		}
	}
	if err := l.Logs(t.Context(), paas.LogQuery{Ref: paas.AppRef{Team: "acme", App: "ghost"}}, (&collector{}).emit); paas.CodeOf(err) != paas.NotFound {
		t.Errorf("no such app: %v", err)
	}
}

func TestErrorsOfNomadAndOfTheReaderEndIt(t *testing.T) {
	t.Parallel()
	c := newCluster()
	c.set("a0", "web", paas.InstanceRunning)
	c.write("a0", "stdout", "x\n")
	l := newLogs(c)
	full := errors.New("full")
	if err := l.Logs(t.Context(), paas.LogQuery{Ref: shop, Lines: 1, Follow: true}, func(paas.LogPart) error { return full }); !errors.Is(err, full) {
		t.Errorf("an error of emit: %v", err)
	}
	part := &collector{}
	c.set("a1", "web", paas.InstanceRunning)
	c.write("a1", "stdout", "y\n")
	c.locked(func() {
		c.failFn = func(call string) error { return map[bool]error{true: errBroken}[call == "read" && c.calls[call] > 2] }
	})
	if err := l.Logs(t.Context(), paas.LogQuery{Ref: shop, Lines: 9}, part.emit); paas.CodeOf(err) != paas.Unavailable {
		t.Errorf("when some can't be read: %v, %q", err, part.texts())
	}
	c.locked(func() { c.failFn = func(string) error { return errBroken } })
	for _, follow := range []bool{false, true} {
		if err := l.Logs(t.Context(), paas.LogQuery{Ref: shop, Lines: 1, Follow: follow}, (&collector{}).emit); paas.CodeOf(err) != paas.Unavailable {
			t.Errorf("without Nomad, follow %t: %v", follow, err)
		}
	}
}
