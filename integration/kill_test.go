package integration_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestKillAnywhere: the server is killed at many moments of a push: while it uploads, builds, makes the
// release and walks. Each time the push completes or says why, no request fails, and what is served is
// what the server says it serves.
func TestKillAnywhere(t *testing.T) {
	if !proving {
		t.Skip("takes minutes: run `make prove STORY=killanywhere`")
	}
	d := startDev(t)
	app := filepath.Join(t.TempDir(), "sick")
	sick(t, app, `NUMBER = "start"`, "instances = 2")
	d.ok(app, "push")
	l := startLoad(t, d.info.Router, "sick.localhost", 100, 60_000)
	last := "start"
	for i, after := range []time.Duration{0, 20, 50, 100, 200, 400, 800, 1500, 2500, 4000, 6000} {
		number := fmt.Sprint("kill", i)
		edit(t, filepath.Join(app, "crumpet.hcl"), `NUMBER = "`+last+`"`, `NUMBER = "`+number+`"`)
		edit(t, filepath.Join(app, "main.go"), "package main", "package main // "+number) // so that it is built anew
		last = number
		push := d.command(t.Context(), app, "push")
		var out buffer
		push.Stdout, push.Stderr = &out, &out
		if err := push.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(after * time.Millisecond) // the moment is the point of the story
		if err := d.read(); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(d.info.Pids["server"], syscall.SIGKILL); err != nil {
			t.Logf("the server was not killed after %d ms: %v", after, err)
		}
		err := push.Wait()
		t.Logf("killed after %d ms: push ended with %v", after, err)
		if err != nil && !strings.Contains(out.String(), "again") {
			t.Errorf("killed after %d ms: push does not say what to do:\n%s", after, &out)
		}
		if err != nil {
			d.ok(app, "push")
		}
		code, page := d.page("sick.localhost", "/")
		if want := "release " + number + "\n"; code != http.StatusOK || page != want {
			t.Errorf("killed after %d ms: %d %q is served, not %q", after, code, page, want)
		}
		if s := d.status("sick"); s.Status != "running" || running(s) > 4 {
			t.Errorf("killed after %d ms: %+v", after, s)
		}
	}
	l.end(t)
}
