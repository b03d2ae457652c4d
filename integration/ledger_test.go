package integration_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// entry is a release as `crumpet releases --json` prints it.
type entry struct {
	Release                         int
	Outcome, Note, Artifact, Commit string
	SpecDigest                      string `json:"spec_digest"`
	CreatedBy                       string `json:"created_by"`
	RollbackTo                      int    `json:"rollback_to"`
	ConfigVersion                   int    `json:"config_version"`
	Dirty                           bool
}

func (d *dev) ledger(app string) []entry {
	d.t.Helper()
	var list struct{ Items []entry }
	d.json(&list, d.home, "releases", app)
	return list.Items
}

// TestLedger: three releases, and the way back to the second and to the first, under load: each time the
// spec and the artifact of then are served again, by a release of its own, and no request fails. What
// retention lets go of can't be gone back to, and says so; what serves stays.
func TestLedger(t *testing.T) {
	t.Parallel()
	d := startDev(t)
	app := t.TempDir()
	push := func(number int, more string, args ...string) {
		t.Helper()
		write(t, filepath.Join(app, "index.html"), fmt.Sprintf("<h1>release %d</h1>\n", number))
		write(t, filepath.Join(app, "crumpet.hcl"), `app "ledger" {
  build { builder = "static" }

  process "web" {
    instances      = 2
    memory         = "64MiB"
    port "http" {}
    route "ledger.localhost/" {}
    `+more+`
    min_healthy    = "1s"
    shutdown_delay = "1s"
  }
}
`)
		d.ok(app, append([]string{"push"}, args...)...)
	}
	push(1, "", "--note", "the first of them")
	l := startLoad(t, d.info.Router, "ledger.localhost", 50, 20_000)
	push(2, `route "second.localhost/" {}`)
	push(3, "")

	list := d.ledger("ledger")
	if len(list) != 3 || list[0].Outcome != "live" || list[1].Outcome != "healthy" || list[2].Outcome != "healthy" ||
		list[2].Note != "the first of them" || list[2].CreatedBy != "root" || list[2].Commit != "" {
		t.Fatalf("releases: %+v", list)
	}
	if list[0].SpecDigest != list[2].SpecDigest || list[0].SpecDigest == list[1].SpecDigest || list[0].Artifact == list[2].Artifact {
		t.Errorf("digests: %+v", list)
	}
	if spec := d.ok(app, "release", "2", "--spec"); !strings.Contains(spec, "second.localhost/") {
		t.Errorf("the spec of release 2 is\n%s", spec)
	}
	if r := d.cli(app, "diff", "ledger", "2"); r.code != 1 || !strings.Contains(r.out, "second.localhost") {
		t.Errorf("diff of release 2 and the one that serves: %s", r)
	}

	// One step back, then another: from 3 to 2, to 1.
	if r := d.cli(app, "rollback", "--plan"); r.code != 1 || !strings.Contains(r.out, "second.localhost") {
		t.Errorf("plan of a rollback: %s", r)
	}
	d.back(app, 4, 2, "two is what they want")
	if code, body := d.page("second.localhost", "/"); code != http.StatusOK || !strings.Contains(body, "release 2") {
		t.Errorf("the route of release 2 answers %d %q", code, body)
	}
	d.back(app, 5, 1, "and now the first")
	d.until(30*time.Second, "the route that release 1 does not have is gone", func() bool {
		code, _ := d.page("second.localhost", "/")
		return code != http.StatusOK
	})
	if r := d.cli(app, "rollback"); r.code != 1 || !strings.Contains(r.errOut, "no other release before it") {
		t.Errorf("a third step back: %s", r)
	}
	if r := d.cli(app, "rollback", "77"); r.code != 1 || !strings.Contains(r.errOut, "no release 77; its newest is 5") {
		t.Errorf("to a release that never was: %s", r)
	}
	l.end(t)
	d.retention(app, push)
}

// back rolls back without a number, and sees that all of the old release is there again.
func (d *dev) back(app string, number, to int, note string) {
	d.t.Helper()
	d.ok(app, "rollback", "--note", note)
	list := d.ledger("ledger")
	now, old := list[0], list[len(list)-to]
	if now.Release != number || now.RollbackTo != to || now.Outcome != "live" || now.Note != note ||
		now.SpecDigest != old.SpecDigest || now.Artifact != old.Artifact || now.ConfigVersion != old.ConfigVersion {
		d.t.Errorf("rolled back to %+v from %+v", old, now)
	}
	d.answersFrom("ledger.localhost", 20, map[int][2]int{to: {20, 20}})
}

// retention makes the server keep two releases and no content that they don't name.
func (d *dev) retention(app string, push func(int, string, ...string)) {
	d.t.Helper()
	push(6, "")
	push(7, "")
	first := d.artifact("ledger", 1)
	live := d.artifact("ledger", 7)
	if _, err := os.Stat(d.blob(first)); err != nil {
		d.t.Fatalf("the artifact of release 1: %v", err)
	}
	path := filepath.Join(d.dir, "crumpet", "server.hcl")
	text, err := os.ReadFile(path)
	if err != nil {
		d.t.Fatal(err)
	}
	write(d.t, path, string(text)+`
retention {
  releases  = 2
  rollbacks = 1
  events    = "1s"
  content   = "1s"
  every     = "1s"
}
`)
	killed := d.info.Pids["server"]
	if err := syscall.Kill(killed, syscall.SIGKILL); err != nil {
		d.t.Fatal(err)
	}
	d.until(time.Minute, "the server is started again", func() bool { return d.read() == nil && d.info.Pids["server"] != killed })
	var left []int
	d.until(time.Minute, "two releases are left", func() bool {
		left = nil
		for _, r := range d.ledger("ledger") {
			left = append(left, r.Release)
		}
		return slices.Equal(left, []int{7, 6})
	})
	d.until(time.Minute, "the artifact of release 1 is gone", func() bool {
		_, err := os.Stat(d.blob(first))
		return os.IsNotExist(err)
	})
	if _, err := os.Stat(d.blob(live)); err != nil {
		d.t.Errorf("the artifact that serves: %v", err)
	}
	if r := d.cli(app, "rollback", "1"); r.code != 1 || !strings.Contains(r.errOut, "Release 1 of app \"ledger\" is not kept any more") {
		d.t.Errorf("to a release that is gone: %s", r)
	}
	if r := d.cli(app, "release", "1"); r.code != 1 || !strings.Contains(r.errOut, "no release 1") {
		d.t.Errorf("a release that is gone: %s", r)
	}
	d.ok(app, "restart") // needs nothing that is gone
	d.answersFrom("ledger.localhost", 20, map[int][2]int{7: {20, 20}})
	d.ok(app, "rollback", "6")
	if list := d.ledger("ledger"); list[0].Release != 8 || list[0].RollbackTo != 6 {
		d.t.Errorf("after a rollback: %+v", list)
	}
	d.answersFrom("ledger.localhost", 20, map[int][2]int{6: {20, 20}})
}

func (d *dev) blob(digest string) string {
	return filepath.Join(d.dir, "crumpet", "blobs", "sha256", digest[:2], digest)
}
