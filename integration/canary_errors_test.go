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

// faulty answers 500 to so many of a hundred requests, evenly; its check never fails.
const faulty = `package main

import (
	"fmt"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
)

func main() {
	faults, err := strconv.ParseInt(os.Getenv("FAULTS"), 10, 64)
	if err != nil {
		panic(err)
	}
	var requests atomic.Int64
	http.HandleFunc("/healthz", func(http.ResponseWriter, *http.Request) {})
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if n := requests.Add(1); n*faults/100 != (n-1)*faults/100 {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		fmt.Fprintf(w, "<h1>release %s</h1>\n", os.Getenv("NUMBER"))
	})
	panic(http.ListenAndServe(":"+os.Getenv("PORT"), nil))
}
`

// TestCanaryErrors: a canary that answers 500 to a fifth of its requests, while its checks pass, is turned
// back by what the routers count within seconds of its step; the release before answers everything after.
// One without faults goes through under the same load. The numbers of `crumpet metrics` are those that
// the load saw.
func TestCanaryErrors(t *testing.T) {
	t.Parallel()
	d := startDev(t)
	app := t.TempDir()
	write(t, filepath.Join(app, "go.mod"), "module faulty\n\ngo 1.24\n")
	write(t, filepath.Join(app, "main.go"), faulty)
	release := func(number, faults int) {
		write(t, filepath.Join(app, "crumpet.hcl"), fmt.Sprintf(`app "walker" {
  build { builder = "go" }

  process "web" {
    command        = ["./faulty"]
    instances      = 2
    memory         = "64MiB"
    port "http" {}
    route "walker.localhost/" {}
    health {
      readiness { http = "/healthz" }
    }
    min_healthy    = "1s"
    shutdown_delay = "1s"
  }

  env = {
    NUMBER = "%d"
    FAULTS = "%d"
  }

  deploy {
    strategy = "canary"
    canary {
      traffic = [25]
      hold    = "20s"
    }
  }
}
`, number, faults))
	}
	release(1, 0)
	d.ok(app, "push")

	l := startLoad(t, d.info.Router, "walker.localhost", 100, 30_000)
	release(2, 20)
	pushed := d.cli(app, "push")
	t.Logf("push of the faulty release:\n%s", pushed)
	failed := d.deployments("walker")[0]
	if pushed.code == 0 || failed.State != "reverted" || !strings.Contains(failed.Reason, "answered 5xx") {
		t.Errorf("push ended with %d; the deployment is %s: %s", pushed.code, failed.State, failed.Reason)
	}
	stepped, aborting := d.eventTime("walker", "deployment.step", "25 %"), d.eventTime("walker", "deployment.aborting", "answered 5xx")
	t.Logf("turned back %.1f s after its step: %s", aborting.Sub(stepped).Seconds(), failed.Reason)
	if took := aborting.Sub(stepped); stepped.IsZero() || aborting.IsZero() || took < 0 || took > 18*time.Second {
		t.Errorf("the step was at %v and turned back at %v: want it turned back well before its 20 s are over", stepped, aborting)
	}
	d.answersFrom("walker.localhost", 100, map[int][2]int{1: {100, 100}})

	faults := l.seen("status 500, <nil>")
	release(3, 0)
	d.ok(app, "push")
	if good := d.deployments("walker")[0]; good.State != "healthy" {
		t.Errorf("the good release's deployment is %s: %s", good.State, good.Reason)
	}
	l.stop()
	<-l.done
	if all := l.failed.Load(); all != faults || faults == 0 {
		t.Errorf("%d requests failed, %d of them with the faulty release's 500: %v", all, faults, l.faults)
	}
	d.answersFrom("walker.localhost", 50, map[int][2]int{3: {50, 50}})

	d.until(time.Minute, "the metrics of the faulty release are all there", func() bool {
		_, errors := d.answeredBy("walker", 2)
		return errors >= faults
	})
	requests, errors := d.answeredBy("walker", 2)
	t.Logf("release 2: the load saw %d answers of 500; the routers counted %d of %d", faults, errors, requests)
	// Crumpet's own probes of the route are among the routers' requests.
	if errors > faults+20 || float64(errors) < .15*float64(requests) || float64(errors) > .25*float64(requests) {
		t.Errorf("release 2: %d errors of %d requests counted, the load saw %d", errors, requests, faults)
	}
	if requests, errors := d.answeredBy("walker", 1); errors != 0 || requests == 0 {
		t.Errorf("release 1: %d errors of %d requests, want none", errors, requests)
	}
	t.Logf("crumpet metrics:\n%s", d.ok(d.home, "metrics", "walker"))
}

// seen says how often a fault was seen so far.
func (l *load) seen(fault string) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return int64(l.faults[fault])
}

// eventTime says when an event of this kind, whose message holds text, was told last; never is the zero time.
func (d *dev) eventTime(app, kind, text string) (at time.Time) {
	d.t.Helper()
	code, body := d.get(d.info.Addr+"/v1/history?last=1000&app="+app, d.info.Token)
	var list struct {
		Items []struct {
			Time          time.Time
			Kind, Message string
		}
	}
	if err := json.Unmarshal([]byte(body), &list); err != nil || code != http.StatusOK {
		d.t.Fatalf("history: %d %s", code, body)
	}
	for _, e := range list.Items {
		if e.Kind == kind && strings.Contains(e.Message, text) {
			at = e.Time
		}
	}
	return at
}

// answeredBy adds up what the routers counted of a release.
func (d *dev) answeredBy(app string, release int) (requests, errors int64) {
	d.t.Helper()
	var m struct {
		Items []struct {
			Release int
			Buckets []struct{ Requests, Errors int64 }
		}
	}
	d.json(&m, d.home, "metrics", app)
	for _, item := range m.Items {
		if item.Release != release {
			continue
		}
		for _, b := range item.Buckets {
			requests, errors = requests+b.Requests, errors+b.Errors
		}
	}
	return requests, errors
}
