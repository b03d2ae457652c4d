package integration_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestRunCommand: a command runs once beside an app, with its artifact and environment; what it writes and its exit code
// are the caller's; Ctrl-C stops it. One instance of several is replaced under load, and no request fails; the only one
// that serves is not without being forced.
func TestRunCommand(t *testing.T) {
	t.Parallel()
	d := startDev(t)
	app := filepath.Join(t.TempDir(), "sick")
	sick(t, app, `NUMBER = "1"`, "instances = 2\n    shutdown_delay = \"2s\"")
	d.ok(app, "push")

	r := d.cli(app, "run", "--", "sh", "-c", `echo "number $NUMBER"; echo wrong >&2; test -x sick && exit 7`)
	if r.code != 7 || r.out != "number 1\n" || !strings.Contains(r.errOut, "wrong\n") || !strings.Contains(r.errOut, "code 7") {
		t.Errorf("%s", r)
	}
	if r := d.cli(d.home, "run", "sick", "--process", "web", "--", "sh", "-c", "echo fine"); r.code != 0 || r.out != "fine\n" {
		t.Errorf("%s", r)
	}
	if r := d.cli(d.home, "run", "sick", "--process", "db", "--", "sh"); r.code != 255 || !strings.Contains(r.errOut, `has no process "db"`) {
		t.Errorf("%s", r)
	}

	long := d.command(t.Context(), app, "run", "--", "sh", "-c", "echo begun; while :; do sleep 1; done")
	var said buffer
	long.Stdout, long.Stderr = &said, &said
	if err := long.Start(); err != nil {
		t.Fatal(err)
	}
	d.until(time.Minute, "the command has begun", func() bool { return strings.Contains(said.String(), "begun") })
	if err := long.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if _ = long.Wait(); long.ProcessState.ExitCode() != 130 || !strings.Contains(said.String(), "is being stopped") {
		t.Errorf("Ctrl-C gives %d:\n%s", long.ProcessState.ExitCode(), &said)
	}
	d.until(time.Minute, "the run is stopped", func() bool {
		return strings.Contains(d.ok(app, "run", "--list"), "killed")
	})
	if events := d.ok(d.home, "events", "sick"); !strings.Contains(events, `run of "sh" with 2 arguments as web asked for by`) || strings.Contains(events, "NUMBER") {
		t.Errorf("events:\n%s", events)
	}

	rate, _ := size()
	load := startLoad(t, d.info.Router, "sick.localhost", rate, 100_000)
	before := d.status("sick").Instances[0].ID
	d.ok(d.home, "restart", "sick", "--instance", before)
	for _, i := range d.status("sick").Instances {
		if i.ID == before && i.State == "running" {
			t.Errorf("it was not replaced: %+v", i)
		}
	}
	load.end(t)

	d.ok(d.home, "scale", "sick", "web=1")
	if r := d.cli(d.home, "restart", "sick", "--instance", "0"); r.code != 1 || !strings.Contains(r.errOut, "is the only instance") {
		t.Errorf("%s", r)
	}
	d.ok(d.home, "restart", "sick", "--instance", "0", "--force")
	if s := d.status("sick"); len(s.Processes) != 1 || s.Processes[0].Healthy != 1 {
		t.Errorf("%+v", s)
	}
}
