package integration_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// keeper is an app with a process that keeps a diary in its volume, and one beside it without. Every start writes a
// line; pages show what is kept, and hold a lock so that two programs in one folder would be caught.
const keeperMain = `package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
)

func main() {
	dir := os.Getenv("VOLUME_DATA")
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		fmt.Fprintln(os.Stderr, "somebody else has the folder:", err)
		os.Exit(3)
	}
	diary, err := os.OpenFile(filepath.Join(dir, "diary"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Fprintf(diary, "number %s release %s\n", os.Getenv("NOMAD_ALLOC_INDEX"), os.Getenv("NUMBER"))
	if os.Getenv("SICK") != "" {
		os.Exit(4)
	}
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		text, _ := os.ReadFile(filepath.Join(dir, "diary"))
		fmt.Fprintf(w, "serving %s of release %s\n%s", os.Getenv("NOMAD_ALLOC_INDEX"), os.Getenv("NUMBER"), text)
	})
	http.HandleFunc("/write/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(diary, r.URL.Path[len("/write/"):])
	})
	fmt.Fprintln(os.Stderr, http.ListenAndServe(os.Getenv("HOST")+":"+os.Getenv("PORT"), nil))
}
`

func keeper(t testing.TB, app string, release int, more string) {
	t.Helper()
	write(t, filepath.Join(app, "go.mod"), "module keeper\n\ngo 1.24\n")
	write(t, filepath.Join(app, "main.go"), keeperMain)
	write(t, filepath.Join(app, "crumpet.hcl"), fmt.Sprintf(`app "keeper" {
  process "db" {
    command = ["./keeper"]
    memory  = "64MiB"
    port "http" {}
    route "keeper.localhost/" {}
    shutdown_delay = "1s"
    startup        = "20s"
    env = {
      NUMBER = "%d"
      %s
    }
    volume "data" {
      size  = "10MiB"
      mount = "/data"
    }
  }
}
`, release, more))
}

// TestVolumes: what a process writes to its volume is there after a deploy, a restart, a rollback, a stop and a lost
// node; every instance has its own; none is deleted but by hand.
func TestVolumes(t *testing.T) {
	t.Parallel()
	d := startDev(t)
	app := filepath.Join(t.TempDir(), "keeper")
	diary := func() []string {
		t.Helper()
		var body string
		d.until(time.Minute, "the diary is shown", func() bool {
			var code int
			code, body = d.page("keeper.localhost", "/")
			return code == 200
		})
		return strings.Split(strings.TrimSpace(body), "\n")
	}
	written := []string{}
	has := func(what string, release int, lines ...string) {
		t.Helper()
		written = append(written, lines...)
		want := append([]string{fmt.Sprintf("serving 0 of release %d", release)}, written...)
		if got := diary(); !slices.Equal(got, want) {
			t.Fatalf("after %s the diary says %q, want %q", what, got, want)
		}
	}

	keeper(t, app, 1, "")
	d.ok(app, "push")
	d.page("keeper.localhost", "/write/kept")
	has("the first push", 1, "number 0 release 1", "kept")

	keeper(t, app, 2, "")
	plan := d.cli(app, "plan")
	if !strings.Contains(plan.out, "db is stopped first: for about") {
		t.Errorf("the plan does not say what stop-first means:\n%s", plan)
	}
	d.ok(app, "push")
	has("another push", 2, "number 0 release 2")
	d.ok(app, "restart")
	has("a restart", 2, "number 0 release 2")
	d.ok(app, "stop")
	d.ok(app, "start")
	has("a stop and a start", 2, "number 0 release 2")
	d.ok(app, "rollback")
	has("a rollback", 1, "number 0 release 1")

	keeper(t, app, 4, `SICK = "1"`)
	if r := d.cli(app, "push"); r.code == 0 {
		t.Fatalf("a push of a release that fails went well: %s", r)
	}
	has("a push that failed", 1, sickStarts(diary())...)
}

// sickStarts are the lines that a release which fails has written, and the one of the release that came back.
func sickStarts(lines []string) []string {
	at := slices.Index(lines, "number 0 release 4")
	if at < 0 {
		return nil
	}
	return lines[at:]
}
