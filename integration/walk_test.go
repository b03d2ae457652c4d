package integration_test

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// size is how many requests a load sends, and how many a second.
func size() (rate, count int) {
	if proving {
		return 200, 6000
	}
	return 50, 1500
}

// TestWalk: a second push with one changed line, under load: no request fails, the new text is served
// afterwards, and every old instance is gone.
func TestWalk(t *testing.T) {
	t.Parallel()
	d := startDev(t)
	app := newHello(t, d)
	d.ok(app, "push")
	old := d.status("hello")

	rate, count := size()
	l := startLoad(t, d.info.Router, "hello.localhost", rate, count)
	edit(t, filepath.Join(app, "page.html"), "</h1>", " again</h1>")
	d.ok(app, "push")
	if _, page := d.page("hello.localhost", "/"); !strings.Contains(page, "again</h1>") {
		t.Errorf("the new text is not served:\n%s", page)
	}
	if proving {
		l.finish(t) // all of them, however soon the push was done
	} else {
		l.end(t)
	}
	d.until(time.Minute, "every old instance is gone", func() bool {
		for _, now := range d.status("hello").Instances {
			for _, was := range old.Instances {
				if now.ID == was.ID && now.State != "complete" {
					return false
				}
			}
		}
		return true
	})
}

// TestKill: the server is killed in the middle of a push, under load. After its restart the push
// completes, and no request fails.
func TestKill(t *testing.T) {
	t.Parallel()
	d := startDev(t)
	app := newHello(t, d)
	d.ok(app, "push")
	rate, count := size()
	l := startLoad(t, d.info.Router, "hello.localhost", rate, count)
	edit(t, filepath.Join(app, "page.html"), "</h1>", " again</h1>")

	push := d.command(t.Context(), app, "push")
	var out buffer
	push.Stdout, push.Stderr = &out, &out
	if err := push.Start(); err != nil {
		t.Fatal(err)
	}
	d.until(2*time.Minute, "the walk has begun", func() bool {
		return strings.Contains(out.String(), "Registered") || strings.Contains(out.String(), "step ")
	})
	if err := d.read(); err != nil {
		t.Fatal(err)
	}
	killed := d.info.Pids["server"]
	if err := syscall.Kill(killed, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := push.Wait(); err != nil {
		t.Errorf("push: %v\n%s", err, &out)
	}
	if _, page := d.page("hello.localhost", "/"); !strings.Contains(page, "again</h1>") {
		t.Errorf("the new text is not served:\n%s", page)
	}
	if proving {
		l.finish(t)
	} else {
		l.end(t)
	}
	if err := d.read(); err != nil || d.info.Pids["server"] == killed {
		t.Errorf("the server was not started again: pid %d, %v", d.info.Pids["server"], err)
	}
}

// newHello makes the sample app: two instances of web, one worker.
func newHello(t testing.TB, d *dev) string {
	t.Helper()
	home := t.TempDir()
	d.ok(home, "init", "--template", "go-web", "hello")
	return filepath.Join(home, "hello")
}
