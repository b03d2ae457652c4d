package logs_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/logs"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// clocked is a Logs that keeps, with a clock.
func clocked(c *cluster, dir string, after *time.Duration) *logs.Logs {
	return logs.New(logs.Config{
		Nomad: c, Store: c, Dir: dir, Reread: 5 * time.Millisecond, Keep: time.Hour,
		Now: func() time.Time { return time.Now().Add(*after) },
	})
}

func names(t *testing.T, dir string) (all []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if mode := info.Mode().Perm(); path != dir && mode != map[bool]fs.FileMode{true: 0o700, false: 0o600}[d.IsDir()] {
			t.Errorf("%s has mode %s", path, mode)
		}
		if !d.IsDir() {
			name, _ := filepath.Rel(dir, path)
			all = append(all, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestEndsOfLogsAreKeptBeforeNomadForgetsThem(t *testing.T) {
	t.Parallel()
	c, dir, after := newCluster(), t.TempDir(), time.Duration(0)
	c.size = 600 << 10
	c.set("a0", "web", paas.InstanceRunning)
	c.set("a1", "web", paas.InstanceRunning)
	c.write("a0", "stdout", "x\n")
	c.write("a1", "stderr", "panic\n")
	var text strings.Builder
	wrote := 0
	for ; text.Len() < 2<<20; wrote++ {
		fmt.Fprintf(&text, "line %06d %s\n", wrote, strings.Repeat("x", 100))
	}
	c.write("a1", "stdout", text.String())
	l := clocked(c, dir, &after)
	keep := func(want bool) {
		t.Helper()
		pending, err := l.KeepEnded(t.Context())
		if pending != want || err != nil {
			t.Fatalf("pending %t, %v", pending, err)
		}
	}
	keep(false) // both run
	c.set("a1", "web", paas.InstanceFailed)
	keep(true) // it may still be writing
	if got := names(t, dir); got != nil {
		t.Errorf("kept too early: %v", got)
	}
	after = 3 * time.Second
	c.locked(func() { c.failFn = func(call string) error { return map[string]error{"read": errBroken}[call] } })
	if pending, err := l.KeepEnded(t.Context()); !pending || err == nil {
		t.Errorf("while Nomad is away: pending %t, %v", pending, err)
	}
	c.locked(func() { c.failFn = nil })
	keep(false)
	base := "acme/shop/a1/"
	want := []string{base + "instance.json", base + "web.stderr.0", base + "web.stdout.0", base + "web.stdout.1", base + "web.stdout.2", base + "web.stdout.3"}
	if got := names(t, dir); !slices.Equal(got, want) {
		t.Errorf("kept are %v", got)
	}
	reads := c.calls["read"]
	keep(false)
	if c.calls["read"] != reads {
		t.Error("it was kept again")
	}

	// Nomad forgets, the store forgets, the server starts anew: the last MiB is there.
	c.locked(func() {
		c.gone["a1"] = true
		c.instances = slices.DeleteFunc(c.instances, func(i paas.Instance) bool { return i.ID == "a1" })
	})
	l = clocked(c, dir, &after)
	got := read(t, l, paas.LogQuery{Lines: 10_000, Instance: "a1"})
	if !slices.Contains(got.texts(), "panic") {
		t.Errorf("stderr is not there")
	}
	bytes, last := 0, ""
	for _, line := range got.lines {
		if line.Stream == "stdout" {
			bytes += len(line.Text) + 1
			last = line.Text
		}
	}
	if bytes > 1<<20 || bytes < 1<<20-200 || !strings.HasPrefix(last, fmt.Sprintf("line %06d", wrote-1)) {
		t.Errorf("%d bytes to %.20q", bytes, last)
	}
	whole := read(t, l, paas.LogQuery{Lines: 10_000, Instance: "a1", Since: moment.Add(-time.Hour)})
	if len(whole.lines) < len(got.lines) {
		t.Errorf("since before: %d lines, not %d", len(whole.lines), len(got.lines))
	}
}

func TestGapBeforeWhatIsKeptHasItsSize(t *testing.T) {
	t.Parallel()
	c, dir, after := newCluster(), t.TempDir(), time.Duration(0)
	c.set("a0", "web", paas.InstanceRunning)
	c.write("a0", "stdout", "line 0\n")
	l := clocked(c, dir, &after)
	got, stop := follow(t, l, paas.LogQuery{Lines: 1})
	eventually(t, "it begins", func() bool { return len(got.texts()) == 1 })
	_ = stop()
	line := strings.Repeat("x", 1023) + "\n"
	c.write("a0", "stdout", strings.Repeat(line, 3<<10)) // 3 MiB
	c.set("a0", "web", paas.InstanceFailed)
	after = 3 * time.Second
	if _, err := l.KeepEnded(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.locked(func() { c.gone["a0"] = true })
	again, stop := follow(t, l, paas.LogQuery{After: got.after})
	eventually(t, "the rest is told", func() bool { return len(again.texts()) == 1025 })
	_ = stop()
	if first := again.lines[0]; first.Lost != 2<<20 || first.Text != "--- 2,097,152 bytes of web[0] lost: Nomad had collected the instance, and only its last 1 MiB is kept ---" {
		t.Errorf("%d bytes are marked as lost: %q", first.Lost, first.Text)
	}
}

func TestWhatIsKeptGoesWithAgeAndWithItsApp(t *testing.T) {
	t.Parallel()
	c, dir, after := newCluster(), t.TempDir(), 3*time.Second
	for n := range 205 {
		id := fmt.Sprintf("a%03d", n)
		c.set(id, "web", paas.InstanceRunning)
		c.write(id, "stdout", "x\n")
		c.set(id, "web", paas.InstanceComplete)
	}
	l := clocked(c, dir, &after)
	round := func(want int) {
		t.Helper()
		if _, err := l.KeepEnded(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := l.Forget(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := len(names(t, dir)) / 2; got != want {
			t.Errorf("%d instances are kept, not %d", got, want)
		}
	}
	round(200)
	round(200) // and those that were let go are not kept again
	after = 2 * time.Hour
	round(0)
	after = 3 * time.Second
	l = clocked(c, dir, &after)
	round(200)
	c.locked(func() { c.destroyed, c.instances = true, nil })
	round(0)
}

func TestWhatCannotBeReadIsNoInstance(t *testing.T) {
	t.Parallel()
	c, dir, after := newCluster(), t.TempDir(), time.Duration(0)
	for name, text := range map[string]string{"a0": "{", "a1": `{"instance":{"id":"other"}}`} {
		path := filepath.Join(dir, "acme", "shop", name)
		if err := os.MkdirAll(path, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(path, "instance.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got := read(t, clocked(c, dir, &after), paas.LogQuery{Lines: 1}).texts(); got != nil {
		t.Errorf("got %v", got)
	}
}
