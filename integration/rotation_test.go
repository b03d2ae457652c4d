package integration_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestRotation: while 50 requests a second each ask the database, the credentials of the app are replaced,
// and no request fails. An app that takes files and a signal goes on with the same instances, which none of
// them notices but for its user's name; one that takes variables walks. Then what was before opens nothing.
func TestRotation(t *testing.T) {
	t.Parallel()
	d, pg := startDatabases(t)
	dir := t.TempDir()
	rotator(t, dir)
	times := 1
	if proving {
		times = 3
	}

	t.Run("files and a signal", func(t *testing.T) {
		t.Parallel()
		d, pg := d.in(t), &database{d.in(t), pg.address, pg.password}
		app := d.rotates(dir, "filed", "as = \"files\"\n      change = \"signal\"\n      signal = \"SIGHUP\"")
		for turn := range times {
			before, old := d.alive(app), d.credentials(app, "${NOMAD_SECRETS_DIR}/bindings/db/uri")
			l := startLoad(t, d.info.Router, app+".localhost", 50, 20000)
			d.rotated(pg, app, turn+2)
			l.end(t)
			if after := d.alive(app); !slices.Equal(before, after) {
				t.Errorf("instances and restarts were %v and are %v", before, after)
			}
			d.ended(pg, app, turn+2, old)
			if now := d.credentials(app, "${NOMAD_SECRETS_DIR}/bindings/db/uri"); slices.ContainsFunc(now, func(a string) bool { return slices.Contains(old, a) }) {
				t.Error("an instance still has the old credentials")
			}
		}
	})
	t.Run("variables and a walk", func(t *testing.T) {
		t.Parallel()
		d, pg := d.in(t), &database{d.in(t), pg.address, pg.password}
		app := d.rotates(dir, "varied", `as = "env"`)
		for turn := range times {
			before, old := d.alive(app), d.credentials(app, "")
			l := startLoad(t, d.info.Router, app+".localhost", 50, 20000)
			d.rotated(pg, app, turn+2)
			l.end(t)
			if after := d.alive(app); len(after) != 2 || slices.ContainsFunc(after, func(i string) bool { return slices.Contains(before, i) }) {
				t.Errorf("instances were %v and are %v: they did not walk", before, after)
			}
			d.ended(pg, app, turn+2, old)
		}
	})
}

// rotator builds the program of the apps.
func rotator(t testing.TB, dir string) {
	t.Helper()
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", filepath.Join(dir, "rotation"), "./testdata/rotation")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the program: %v\n%s", err, out)
	}
}

// rotates pushes an app of two instances whose binding reaches it as bind says.
func (d *dev) rotates(program, app, bind string) string {
	d.t.Helper()
	dir := filepath.Join(d.t.TempDir(), app)
	text, err := os.ReadFile(filepath.Join(program, "rotation"))
	if err != nil {
		d.t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		d.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "rotation"), text, 0o755); err != nil {
		d.t.Fatal(err)
	}
	write(d.t, filepath.Join(dir, "crumpet.hcl"), fmt.Sprintf(`app %q {
  build { builder = "none" }

  service "db" {
    offering = "postgres"
    plan     = "small"
    bind {
      %s
    }
  }

  process "web" {
    command        = ["./rotation"]
    instances      = 2
    memory         = "64MiB"
    shutdown_delay = "1s"
    port "http" {}
    route "%s.localhost/" {}
    health { path = "/" }
  }
}
`, app, bind, app))
	d.ok(dir, "push")
	return app
}

// alive are the instances of an app that run, with how often each was restarted.
func (d *dev) alive(app string) (list []string) {
	d.t.Helper()
	var s struct {
		Instances []struct {
			ID, State string
			Restarts  int
		}
	}
	d.shown(&s, app)
	for _, i := range s.Instances {
		if i.State == "running" {
			list = append(list, fmt.Sprintf("%s restarted %d times", i.ID, i.Restarts))
		}
	}
	slices.Sort(list)
	return list
}

// rotated has the credentials of an app replaced, and waits until each instance asks by the new ones.
func (d *dev) rotated(pg *database, app string, generation int) {
	d.t.Helper()
	began := time.Now()
	out := d.ok(d.home, "services", "rotate", app+"-db")
	d.t.Logf("rotated within %s:\n%s", time.Since(began).Round(100*time.Millisecond), out)
	users := pg.users(app, generation)
	if len(users) != 2 {
		d.t.Errorf("two instances are %d users of generation %d", len(users), generation)
	}
	seen := map[string]bool{}
	d.until(time.Minute, "each new user answers", func() bool {
		code, text := d.page(app+".localhost", "/")
		if _, user, ok := strings.Cut(strings.TrimSpace(text), " "); ok && code == http.StatusOK {
			if !slices.Contains(users, user) {
				d.t.Errorf("%s answers, which is none of %v", user, users)
			}
			seen[user] = true
		}
		return len(seen) == 2
	})
}

// ended says that nothing is left of the credentials before.
func (d *dev) ended(pg *database, app string, generation int, old []string) {
	d.t.Helper()
	for before := range generation {
		if users := pg.users(app, before); len(users) > 0 {
			d.t.Errorf("generation %d still has the users %v", before, users)
		}
	}
	for _, address := range old {
		pg.refused(address)
	}
}
