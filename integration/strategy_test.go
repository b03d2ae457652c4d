package integration_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestStrategies: one app is walked from release to release by each strategy, under load: no request
// fails, a dark instance gets none, a canary about its share, and what is kept warm is gone back to at
// once.
func TestStrategies(t *testing.T) {
	t.Parallel()
	d := startDev(t)
	app := t.TempDir()
	release := func(number int, deploy string) {
		write(t, filepath.Join(app, "index.html"), fmt.Sprintf("<h1>release %d</h1>\n", number))
		write(t, filepath.Join(app, "crumpet.hcl"), fmt.Sprintf(`app "walker" {
  build { builder = "static" }

  process "web" {
    instances      = 2
    memory         = "64MiB"
    port "http" {}
    route "walker.localhost/" {}
    min_healthy    = "1s"
    shutdown_delay = "1s"
  }

  deploy {
%s
  }
}
`, deploy))
	}
	release(1, `strategy = "rolling"`)
	d.ok(app, "push")
	l := startLoad(t, d.info.Router, "walker.localhost", 50, 10000)

	release(2, `strategy = "rolling"
    surge = "50%"
    max_in_flight = 1`)
	d.ok(app, "push")
	d.answersFrom("walker.localhost", 100, map[int][2]int{2: {100, 100}})

	release(3, `strategy = "canary"
    canary {
      traffic = [20]
      promote = "manual"
    }`)
	d.canary(app, 3, 2)

	release(4, `strategy = "blue-green"
    blue_green { warm = "5m" }`)
	d.blueGreen(app, 4, 3)
	l.end(t)
	d.until(time.Minute, "one slot is left, and no rule", func() bool {
		s := d.status("walker")
		return len(s.Instances) >= 2 && running(s) == 2 && !strings.Contains(d.rule("walker"), "route")
	})

	release(5, `strategy = "stop-first"`)
	d.ok(app, "push")
	d.answersFrom("walker.localhost", 50, map[int][2]int{5: {50, 50}})
}

// canary walks to a release by hand: dark, a fifth, everything.
func (d *dev) canary(app string, next, before int) {
	d.t.Helper()
	watched := make(chan [2]int)
	stop := make(chan struct{})
	go func() { watched <- d.whileDark(next, stop) }()
	out := d.ok(app, "push")
	close(stop)
	if seen := <-watched; seen[1] > 0 {
		d.t.Errorf("%d of %d requests reached release %d while it was dark", seen[1], seen[0], next)
	} else {
		d.t.Logf("%d requests while release %d was dark", seen[0], next)
	}
	if !strings.Contains(out, "20 % of requests until somebody decides") {
		d.t.Errorf("push did not say that the canary is held:\n%s", out)
	}
	d.answersFrom("walker.localhost", 500, map[int][2]int{next: {50, 150}, before: {350, 450}})
	d.paused(app)
	d.ok(app, "promote")
	d.answersFrom("walker.localhost", 100, map[int][2]int{next: {100, 100}})
}

// paused has the canary stay where it is: it says who wants that and why, can be scaled, and goes on when
// it is told to.
func (d *dev) paused(app string) {
	d.t.Helper()
	d.ok(app, "pause", "--reason", "looking at it")
	if s := d.ok(app, "status"); !strings.Contains(s, "looking at it") || !strings.Contains(s, "paused by") {
		d.t.Errorf("status does not say that the deployment is paused, and why:\n%s", s)
	}
	if r := d.cli(app, "pause"); r.code == 0 || !strings.Contains(r.errOut, "already") {
		d.t.Errorf("paused twice: %s", r)
	}
	d.ok(app, "scale", "--detach", "web=4")
	d.until(time.Minute, "both slots have grown", func() bool { return running(d.status("walker")) == 5 })
	d.answersFrom("walker.localhost", 500, map[int][2]int{3: {50, 150}, 2: {350, 450}})
	d.ok(app, "scale", "--detach", "web=2")
	d.ok(app, "resume")
	if r := d.cli(app, "resume"); r.code == 0 || !strings.Contains(r.errOut, "was not paused") {
		d.t.Errorf("resumed twice: %s", r)
	}
}

// blueGreen switches to a release, goes back to the one before, and switches again for good.
func (d *dev) blueGreen(app string, next, before int) {
	d.t.Helper()
	out := d.ok(app, "push")
	if !strings.Contains(out, "stays warm for 5m0s") {
		d.t.Errorf("push did not say how long the release before stays warm:\n%s", out)
	}
	d.answersFrom("walker.localhost", 100, map[int][2]int{next: {100, 100}})
	began := time.Now()
	d.ok(app, "abort")
	d.until(time.Minute, "the release before serves again", func() bool {
		return strings.Contains(d.text("walker.localhost"), fmt.Sprintf("release %d", before))
	})
	d.t.Logf("back after %v", time.Since(began))
	d.answersFrom("walker.localhost", 100, map[int][2]int{before: {100, 100}})
	d.until(time.Minute, "the deployment has ended", func() bool { return d.deployments("walker")[0].State == "canceled" })
	d.ok(app, "push", "--force")
	d.ok(app, "promote")
	d.answersFrom("walker.localhost", 100, map[int][2]int{next: {100, 100}})
}

// whileDark asks for the app as long as its newest deployment keeps a release dark, and counts the
// answers, and those of that release.
func (d *dev) whileDark(release int, stop chan struct{}) (seen [2]int) {
	limit := time.After(2 * time.Minute)
	for {
		select {
		case <-stop:
			return seen
		case <-limit:
			return seen
		case <-time.After(5 * time.Millisecond): // 200 a second
		}
		if !d.deployments("walker")[0].dark(release) {
			continue
		}
		text := d.text("walker.localhost")
		if !d.deployments("walker")[0].dark(release) {
			continue // it may have been answered after the step was over
		}
		seen[0]++
		if strings.Contains(text, fmt.Sprintf("release %d", release)) {
			seen[1]++
		}
	}
}

// answersFrom sends so many requests, and compares how many each release answers with the least and
// the most that may be.
func (d *dev) answersFrom(host string, count int, want map[int][2]int) {
	d.t.Helper()
	got := map[int]int{}
	for range count {
		var number int
		if _, err := fmt.Sscanf(d.text(host), "<h1>release %d</h1>", &number); err != nil {
			number = -1
		}
		got[number]++
	}
	for number, n := range got {
		if limits, known := want[number]; !known || n < limits[0] || n > limits[1] {
			d.t.Errorf("%d of %d answers are of release %d; want %v", n, count, number, want)
		}
	}
}

func (d *dev) text(host string) string {
	code, body := d.page(host, "/")
	if code != http.StatusOK {
		return fmt.Sprintf("status %d", code)
	}
	return body
}

// walked is a deployment as the API shows it.
type walked struct {
	ID      string
	Release int
	State   string `json:"status"`
	Reason  string
	Waits   string
	Step    int
	Steps   []struct{ Share *int }
}

// dark says that the deployment is of a release that is to get no request at its step.
func (w walked) dark(release int) bool {
	return w.Release == release && w.State == "running" && w.Step < len(w.Steps) && w.Steps[w.Step].Share != nil && *w.Steps[w.Step].Share == 0
}

func (d *dev) deployments(app string) []walked {
	var list struct{ Items []walked }
	code, body := d.get(d.info.Addr+"/v1/apps/"+app+"/deployments", d.info.Token)
	if err := json.Unmarshal([]byte(body), &list); err != nil || code != http.StatusOK || len(list.Items) == 0 {
		return []walked{{}}
	}
	return list.Items
}

// rule is the text of an app's rule as every router reads it.
func (d *dev) rule(app string) string {
	_, text := d.get(d.info.Consul+"/v1/kv/fabio/config/crumpet/default/"+app+"?raw", "")
	return text
}
