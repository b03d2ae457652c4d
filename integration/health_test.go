package integration_test

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// frail is an app that can be made unwell by a request.
const frail = `package main

import (
	"fmt"
	"net/http"
	"os"
	"sync/atomic"
	"time"
)

func main() {
	if delay, err := time.ParseDuration(os.Getenv("SLOW_START")); err == nil {
		time.Sleep(delay)
	}
	var unready, hung atomic.Bool
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "well") })
	http.HandleFunc("/unready", func(w http.ResponseWriter, r *http.Request) {
		unready.Store(true)
		time.AfterFunc(8*time.Second, func() { unready.Store(false) })
	})
	http.HandleFunc("/hang", func(w http.ResponseWriter, r *http.Request) { hung.Store(true) })
	http.HandleFunc("/die", func(w http.ResponseWriter, r *http.Request) {
		time.AfterFunc(100*time.Millisecond, func() { os.Exit(3) })
	})
	probe := func(bad *atomic.Bool) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if bad.Load() {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		}
	}
	http.HandleFunc("/ready", probe(&unready))
	http.HandleFunc("/live", probe(&hung))
	fmt.Println(http.ListenAndServe(os.Getenv("HOST")+":"+os.Getenv("PORT"), nil))
}
`

func writeFrail(t testing.TB, dir string, instances int, env string) {
	t.Helper()
	write(t, filepath.Join(dir, "main.go"), frail)
	write(t, filepath.Join(dir, "go.mod"), "module frail\n\ngo 1.24\n")
	write(t, filepath.Join(dir, "crumpet.hcl"), fmt.Sprintf(`app "frail" {
  process "web" {
    command   = ["./frail"]
    instances = %d
    port "http" {}
    restart {
      attempts = 2
      delay    = "1s"
    }
    health {
      readiness {
        http = "/ready"
      }
      liveness {
        http     = "/live"
        failures = 2
      }
    }
  }
  env = { %s }
}
`, instances, env))
}

// story gives what crumpet events tells of the app since a moment.
func (d *dev) story(app string) string { return d.ok("", "events", app, "-n", "1000") }

// tells waits until the story has a line that matches.
func (d *dev) tells(limit time.Duration, app, pattern string) {
	d.t.Helper()
	line := regexp.MustCompile(pattern)
	d.until(limit, "the story has "+pattern, func() bool { return line.MatchString(d.story(app)) })
}

func (d *dev) health(app string) paas.AppHealth {
	d.t.Helper()
	var s struct {
		Health paas.AppHealth `json:"health"`
	}
	d.shown(&s, app)
	return s.Health
}

// TestHealth: readiness gates the route, liveness restarts, startup gives time, and a program that ends again and
// again is called a crash loop, with the time of Nomad's next try.
func TestHealth(t *testing.T) {
	t.Parallel()
	d := startDev(t)
	app := filepath.Join(t.TempDir(), "frail")
	writeFrail(t, app, 2, `SLOW_START = "6s"`)
	d.ok(app, "push") // readiness fails for six seconds, which startup gives
	if got := d.health("frail"); got != paas.AppHealthy {
		t.Fatalf("after a slow start it is %s", got)
	}
	if strings.Contains(d.story("frail"), "crash loop") || strings.Contains(d.story("frail"), "restart") {
		t.Errorf("a slow start is no trouble:\n%s", d.story("frail"))
	}

	d.page("frail.localhost", "/unready")
	d.tells(time.Minute, "frail", `web \d \(\w+\) is not healthy any more`)
	if got := d.health("frail"); got != paas.AppDegraded {
		t.Errorf("with one of two instances unready it is %s", got)
	}
	load := startLoad(t, d.info.Router, "frail.localhost", 20, 40)
	load.finish(t) // nobody is sent to the unready one
	d.until(time.Minute, "it is ready again", func() bool { return d.health("frail") == paas.AppHealthy })
	if strings.Contains(d.story("frail"), "restart") {
		t.Errorf("an instance that was not ready was restarted:\n%s", d.story("frail"))
	}

	d.page("frail.localhost", "/hang")
	d.until(2*time.Minute, "Nomad has restarted the one that hangs", func() bool {
		var s struct{ Instances []struct{ Restarts int } }
		d.shown(&s, "frail")
		restarts := 0
		for _, i := range s.Instances {
			restarts += i.Restarts
		}
		return restarts > 0
	})
	d.until(time.Minute, "it is well again", func() bool { return d.health("frail") == paas.AppHealthy })

	writeFrail(t, app, 1, "")
	d.ok(app, "push")
	for range 3 {
		d.until(time.Minute, "it dies once more", func() bool {
			status, _ := d.page("frail.localhost", "/die")
			return status == 200
		})
		d.until(time.Minute, "it has died", func() bool { status, _ := d.page("frail.localhost", "/"); return status != 200 })
	}
	d.tells(time.Minute, "frail", `is in a crash loop: exited \d times in \d+ s with code 3; Nomad tries again at \d\d:\d\d:\d\d UTC`)
	if got := d.health("frail"); got != paas.AppCrashing {
		t.Errorf("in its crash loop it is %s", got)
	}
	d.until(2*time.Minute, "Nomad has placed it anew", func() bool { status, _ := d.page("frail.localhost", "/"); return status == 200 })
	if got := d.health("frail"); got != paas.AppCrashing {
		t.Errorf("it just serves again, and is called %s: nobody would know that it flaps", got)
	}
}

// TestDrain: an app with one instance loses no request when its node is drained by Crumpet, and a lost node is told
// of with what became of its instances.
func TestDrain(t *testing.T) {
	t.Parallel()
	d := startNodes(t, 2)
	app := filepath.Join(t.TempDir(), "sick")
	sick(t, app, `NUMBER = "1"`, "instances = 1")
	d.ok(app, "push")
	var list struct{ Items []paas.NodeView }
	d.until(time.Minute, "both nodes are known", func() bool {
		d.json(&list, "", "nodes", "--json")
		return len(list.Items) == 2 && list.Items[0].Status == paas.NodeReady && list.Items[1].Status == paas.NodeReady &&
			list.Items[0].Instances+list.Items[1].Instances == 1
	})
	from, to := "dev", "dev-2"
	if d.healthyOn("sick")["dev"] == 0 {
		from, to = to, from
	}
	rate, _ := size()
	load := startLoad(t, d.info.Router, "sick.localhost", rate, 100_000)
	said := d.ok("", "node", "drain", from)
	load.end(t)
	if !strings.Contains(said, "is empty") {
		t.Errorf("the drain says:\n%s", said)
	}
	if on := d.healthyOn("sick"); on[to] != 1 || on[from] != 0 {
		t.Errorf("healthy instances by node: %v, want one on %s", on, to)
	}
	d.tells(time.Minute, "sick", `leaves node `+from+`, which is to be drained, asked for by \S+`)
	d.tells(time.Minute, "sick", `node `+from+` is empty`)
	d.ok("", "node", "drain", from, "--undo")
	if n := d.node(from); n.Drain || n.SchedulingEligibility != "eligible" {
		t.Errorf("undone, the node is %+v", n)
	}

	d.ok("", "scale", "sick", "web=4")
	d.ok("", "restart", "sick")
	d.until(time.Minute, "instances are on both nodes", func() bool { return len(d.healthyOn("sick")) == 2 })
	lost := d.healthyOn("sick")["dev-2"]
	d.killNode("dev-2")
	d.until(2*time.Minute, "all instances are well on the other node", func() bool { return d.healthyOn("sick")["dev"] == 4 })
	d.tells(time.Minute, "sick", fmt.Sprintf(`node dev-2 (is down|does not answer): %d instances? of sick placed anew on dev`, lost))
	if n := strings.Count(d.story("sick"), "placed anew on dev"); n != 1 {
		t.Errorf("told %d times that instances were placed anew:\n%s", n, d.story("sick"))
	}
}
