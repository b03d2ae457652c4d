package integration_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// pushed is what `crumpet push --json` prints.
type pushed struct {
	App, Team, Deployment, Status, Reason string
	Release                               int
	URLs                                  []string
	Timings                               map[string]int
}

// TestPush: from a template to a page, and then everything that the CLI can do with the app.
func TestPush(t *testing.T) {
	t.Parallel()
	d := startDev(t)
	home := t.TempDir()
	d.ok(home, "init", "--template", "go-web", "hello")
	app := filepath.Join(home, "hello")
	if r := d.cli(home, "init", "--template", "go-web", "hello"); r.code != 1 {
		t.Errorf("init over an existing folder: %s", r)
	}

	var first pushed
	d.json(&first, app, "push")
	if first.Status != "healthy" || first.Release != 1 || len(first.URLs) != 1 {
		t.Fatalf("first push: %+v", first)
	}
	for _, phase := range []string{"pack", "upload", "build", "release", "plan", "register", "healthy", "routed", "total"} {
		if _, ok := first.Timings[phase]; !ok {
			t.Errorf("no timing of %s in %v", phase, first.Timings)
		}
	}
	code, page := d.page("hello.localhost", "/")
	if code != http.StatusOK || !strings.Contains(page, "Hello from hello") {
		t.Fatalf("page: %d\n%s", code, page)
	}

	s := d.status("hello")
	if s.Status != "running" || s.Release != 1 || s.Slot != "blue" || len(s.Instances) != 3 || s.Routes[0].State != "answering" {
		t.Errorf("status: %+v", s)
	}
	if again := d.ok(app, "push"); !strings.Contains(strings.ToLower(again), "nothing changed: release 1 is serving") {
		t.Errorf("second push: %s", again)
	}
	d.until(20*time.Second, "the log shows that an instance listens", func() bool {
		return strings.Contains(d.ok(app, "logs"), "listening on http://")
	})

	d.ok(app, "scale", "web=3")
	if s := d.status("hello"); s.Processes[0].Healthy != 3 || s.Slot != "blue" {
		t.Errorf("scaled: %+v", s)
	}
	before := d.status("hello").Instances
	d.ok(app, "restart")
	after := d.status("hello")
	if after.Slot != "green" || after.Processes[0].Healthy != 3 {
		t.Errorf("restarted: %+v", after)
	}
	for _, i := range after.Instances {
		if i.ID == before[0].ID && i.State == "running" {
			t.Errorf("instance %s survived the restart", i.ID)
		}
	}

	edit(t, filepath.Join(app, "crumpet.hcl"), "instances = 2", "instances = 4")
	d.ok(app, "push")
	grown := d.status("hello")
	if grown.Release != 2 || grown.Slot != "green" || grown.Processes[0].Healthy != 4 {
		t.Errorf("a release that only changes counts: %+v", grown)
	}
	for _, i := range grown.Instances {
		if i.State == "running" && i.Release != 2 {
			t.Errorf("instance %s is shown with release %d", i.ID, i.Release)
		}
	}
	d.ok(app, "stop")
	d.until(30*time.Second, "nothing runs", func() bool { return running(d.status("hello")) == 0 })
	if code, _ := d.page("hello.localhost", "/"); code != http.StatusNotFound {
		t.Errorf("a stopped app answers %d", code)
	}
	d.ok(app, "start")
	if code, _ := d.page("hello.localhost", "/"); code != http.StatusOK {
		t.Errorf("a started app answers %d", code)
	}
	var apps struct {
		Items []struct{ App, Status string }
	}
	d.json(&apps, home, "apps")
	if len(apps.Items) != 1 || apps.Items[0].App != "hello" {
		t.Errorf("apps: %+v", apps)
	}
	d.ok(home, "destroy", "hello", "--yes")
	if r := d.cli(home, "status", "hello"); r.code != 1 || !strings.Contains(r.errOut, "hello") {
		t.Errorf("status of a destroyed app: %s", r)
	}
	if jobs := d.standing("hello"); len(jobs) > 0 {
		t.Errorf("a destroyed app left %v", jobs)
	}
	d.ok(app, "push") // over the stopped jobs of the one that was destroyed
	if code, _ := d.page("hello.localhost", "/"); code != http.StatusOK {
		t.Errorf("an app with the name of a destroyed one answers %d", code)
	}
}

func running(s status) int {
	n := 0
	for _, i := range s.Instances {
		if i.State == "running" || i.State == "pending" {
			n++
		}
	}
	return n
}

// TestStaticSite: a folder becomes a site, served by crumpet itself on the node.
func TestStaticSite(t *testing.T) {
	t.Parallel()
	d := startDev(t)
	home := t.TempDir()
	d.ok(home, "init", "--template", "static-site", "pages")
	d.ok(filepath.Join(home, "pages"), "push")
	code, page := d.page("pages.localhost", "/")
	if code != http.StatusOK || !strings.Contains(page, "<html") {
		t.Errorf("page: %d\n%s", code, page)
	}
	if code, _ := d.page("pages.localhost", "/crumpet.hcl"); code != http.StatusNotFound {
		t.Errorf("the spec is served: %d", code)
	}
}
