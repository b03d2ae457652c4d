package integration_test

import (
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// late is how much later than Consul's other answers those about the KV come, for the routers of this story, and settled
// how long a release takes to be healthy: twice that, so that a walk that does not wait for every router is caught.
var (
	late    = map[bool]time.Duration{true: 3 * time.Second, false: 1500 * time.Millisecond}[proving]
	settled = 2 * late
)

// TestShare: a canary gets its share of requests and not one more. One router reads its rules late, others
// start while the canary is dark and while the release before is kept warm. Each is asked only once it
// shows the app's fence, as docs/routing.md asks of whoever adds a Fabio; what they answer before that is
// printed and not judged.
//
//	   0 %  from the push until the canary runs dark, healthy and paused: not one request reaches it
//	1..50 % within four standard errors of the binomial
//	 100 %  with the release before still warm: not one request reaches that
func TestShare(t *testing.T) {
	t.Parallel()
	count, none, shares := 1000, 300, []int{25}
	if proving {
		count, none, shares = 40_000, 40_000, []int{1, 5, 25, 50}
	}
	d := startDev(t)
	app := t.TempDir()
	shareRelease(t, app, 1, shares)
	d.ok(app, "push")

	consul := d.lateKV(late)
	slow := d.startRouter(consul)
	d.until(time.Minute, "the late router serves the first release", func() bool { return slow.ask("walker.localhost", 1)[1] == 1 })
	routers := map[string]*router{ours: {URL: d.info.Router, admin: d.info.Fabio}, "the late router": slow}

	shareRelease(t, app, 2, shares)
	quiet := d.watchDark(routers, 1)
	d.pushing(app)
	d.pauseDark(2, 1)
	quiet.end(t)
	routers["the router started while the canary is dark"] = d.join(consul, "walker", 1, none)
	exactly(t, "0 %", routers, none, 1)

	d.ok(app, "resume", "--detach")
	for _, share := range shares {
		d.until(time.Minute, fmt.Sprintf("the canary is held at %d %%", share), func() bool {
			w := d.deployments("walker")[0]
			return w.Waits == "hold" && w.Step < len(w.Steps) && w.Steps[w.Step].Share != nil && *w.Steps[w.Step].Share == share
		})
		for _, name := range slices.Sorted(maps.Keys(routers)) {
			requests := part(name, count)
			nearShare(t, name, routers[name].ask("walker.localhost", requests), requests, share)
		}
		d.ok(app, "promote", "--detach")
	}
	d.until(2*time.Minute, "the deployment is done", func() bool { return d.deployments("walker")[0].State == "healthy" })

	blueGreenRelease(t, app, 3)
	quiet = d.watchDark(routers, 2)
	d.pushing(app)
	d.pauseDark(3, 2)
	quiet.end(t)
	d.ok(app, "resume")
	if both := routers[ours].services("walker.localhost/"); len(both) < 4 {
		t.Errorf("the release before is not kept warm: the table has %v", both)
	}
	exactly(t, "100 %", routers, none, 3)
	last := d.join(consul, "walker", 3, none)
	exactly(t, "100 %", map[string]*router{"the router started while the release before is warm": last}, none, 3)
}

// forgotten is how long Consul keeps a router that was killed, at least: its TTL, and a minute.
const forgotten = 75 * time.Second

// TestLostRouter: of two routers one is stopped and then killed while a canary takes its share. Stopped, it may go on
// at any moment, so the walk waits for it and says so. Killed, it is left out within seconds, long before Consul
// forgets it, and the walk goes on.
func TestLostRouter(t *testing.T) {
	t.Parallel()
	d := startDev(t)
	app := t.TempDir()
	shareRelease(t, app, 1, []int{25})
	d.ok(app, "push")
	second := d.startRouter(d.info.Consul)
	d.until(time.Minute, "the second router serves", func() bool { return second.ask("walker.localhost", 1)[1] == 1 })
	shareRelease(t, app, 2, []int{25})
	d.pushing(app)
	d.until(2*time.Minute, "the canary is held", func() bool { return d.deployments("walker")[0].Waits == "hold" })

	if err := second.process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	d.ok(app, "promote", "--detach")
	d.until(time.Minute, "the walk waits for the router that was stopped", func() bool {
		return strings.Contains(d.ok(app, "status"), second.admin+" does not answer within 3s")
	})
	if err := second.process.Kill(); err != nil {
		t.Fatal(err)
	}
	killed := time.Now()
	d.until(forgotten, "the deployment is done", func() bool { return d.deployments("walker")[0].State == "healthy" })
	took := time.Since(killed)
	t.Logf("the deployment was done %.1f s after the router was killed", took.Seconds())
	if took > forgotten-15*time.Second { // it was stopped before it was killed, so its TTL may have run out earlier
		t.Errorf("a router that was killed held the deployment for %s", took)
	}
}

// ours is the router of the stack.
const ours = "the stack's router"

// part is how many of the requests a router gets: the others a quarter, when there are many.
func part(name string, count int) int {
	if name != ours && count >= 10_000 {
		return count / 4
	}
	return count
}

func shareRelease(t testing.TB, app string, number int, shares []int) {
	t.Helper()
	shareSpec(t, app, number, fmt.Sprintf(`strategy = "canary"
    canary {
      traffic = [%s]
      promote = "manual"
    }`, strings.Trim(strings.ReplaceAll(fmt.Sprint(shares), " ", ", "), "[]")))
}

func blueGreenRelease(t testing.TB, app string, number int) {
	t.Helper()
	shareSpec(t, app, number, `strategy = "blue-green"
    blue_green { warm = "10m" }`)
}

// shareSpec writes a release of two instances that says its number. It takes long to be healthy, so that a
// router that reads its rules late would be caught.
func shareSpec(t testing.TB, app string, number int, deploy string) {
	t.Helper()
	write(t, filepath.Join(app, "index.html"), fmt.Sprintf("<h1>release %d</h1>\n", number))
	write(t, filepath.Join(app, "crumpet.hcl"), fmt.Sprintf(`app "walker" {
  build { builder = "static" }

  process "web" {
    instances      = 2
    memory         = "64MiB"
    port "http" {}
    route "walker.localhost/" {}
    min_healthy    = "%s"
    shutdown_delay = "1s"
  }

  deploy {
    %s
  }
}
`, settled, deploy))
}

// pushing begins a push; whether it waits or leaves is of no consequence here.
func (d *dev) pushing(app string) {
	d.t.Helper()
	push := d.command(d.t.Context(), app, "push")
	var out buffer
	push.Stdout, push.Stderr = &out, &out
	if err := push.Start(); err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() {
		_ = push.Wait() // it is ended with the test, if not before
		if d.t.Failed() {
			d.t.Logf("push said:\n%s", &out)
		}
	})
}

// pauseDark pauses the deployment of a release when so many of its instances pass their checks and none is to
// get a request.
func (d *dev) pauseDark(release, instances int) {
	d.t.Helper()
	d.until(2*time.Minute, fmt.Sprintf("release %d passes its checks, dark", release), func() bool {
		dark := 0
		for _, i := range d.status("walker").Instances {
			if i.Release == release && i.State == "running" && (i.Health == "passing" || i.Health == "healthy") {
				dark++
			}
		}
		return dark == instances && d.deployments("walker")[0].dark(release)
	})
	d.ok(d.home, "pause", "walker")
	if w := d.deployments("walker")[0]; w.Step >= len(w.Steps) || w.Steps[w.Step].Share == nil || *w.Steps[w.Step].Share != 0 {
		d.t.Fatalf("the deployment was paused too late: %+v", w)
	}
	for _, i := range d.status("walker").Instances {
		d.t.Logf("paused: release %d %s %s %s", i.Release, i.Slot, i.State, i.Health)
	}
}

// join starts a router and waits until it shows the app's fence. What it answers until then is printed: the
// hazard that the fence is for.
func (d *dev) join(consul, app string, release, most int) *router {
	d.t.Helper()
	r := d.startRouter(consul)
	before := map[int]int{}
	asked := 0
	d.until(time.Minute, "the new router shows the fence", func() bool {
		if r.fenced(app) {
			return true
		}
		if asked < most {
			for number, n := range r.ask(app+".localhost", min(20, most-asked)) {
				before[number] += n
				asked += n
			}
		}
		return false
	})
	d.t.Logf("a router that starts, before it shows the fence (not judged): %d requests, %s; release %d serves", asked, answered(before), release)
	return r
}

// exactly asks each router, all of whose answers have to be of one release.
func exactly(t testing.TB, what string, routers map[string]*router, count, release int) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(routers)) {
		count := part(name, count)
		got := routers[name].ask("walker.localhost", count)
		t.Logf("%s, %s: %d requests, %d astray (%s)", what, name, count, count-got[release], answered(got))
		if got[release] != count {
			t.Errorf("%s, %s: %s of %d requests, want all from release %d", what, name, answered(got), count, release)
		}
	}
}

// nearShare holds release 2's part of the answers against the binomial.
func nearShare(t testing.TB, name string, got map[int]int, count, share int) {
	t.Helper()
	p := float64(share) / 100
	deviation := float64(got[2])/float64(count) - p
	allowed := 4 * math.Sqrt(p*(1-p)/float64(count))
	t.Logf("%d %%, %s: %d of %d requests, %.3f %% (%+.2f standard errors)", share, name, got[2], count, 100*float64(got[2])/float64(count), deviation/(allowed/4))
	if math.Abs(deviation) > allowed || got[1]+got[2] != count {
		t.Errorf("%d %%, %s: %s of %d requests, want %.3f %% to %.3f %% from release 2", share, name, answered(got), count, 100*(p-allowed), 100*(p+allowed))
	}
}

func answered(got map[int]int) string {
	var parts []string
	for _, number := range slices.Sorted(maps.Keys(got)) {
		what := fmt.Sprintf("release %d", number)
		if number <= 0 {
			what = fmt.Sprintf("status %d", -number)
		}
		parts = append(parts, fmt.Sprintf("%d x %s", got[number], what))
	}
	return strings.Join(parts, ", ")
}

// ask sends so many requests for a host, sixteen at a time, and counts the answers by release; what is no
// answer of a release counts under its status, negative, and 0 without one.
func (r *router) ask(host string, count int) map[int]int {
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
	defer client.CloseIdleConnections()
	todo := make(chan struct{}, count)
	for range count {
		todo <- struct{}{}
	}
	close(todo)
	var mu sync.Mutex
	got := map[int]int{}
	var all sync.WaitGroup
	for range min(16, count) {
		all.Go(func() {
			for range todo {
				number := r.release(client, host)
				mu.Lock()
				got[number]++
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return got
}

func (r *router) release(client *http.Client, host string) int {
	req, err := http.NewRequest(http.MethodGet, r.URL+"/", nil)
	if err != nil {
		return 0
	}
	req.Host = host
	answer, err := client.Do(req)
	if err != nil {
		return 0
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	var number int
	if _, failed := fmt.Sscanf(string(text), "<h1>release %d</h1>", &number); err != nil || failed != nil || answer.StatusCode != http.StatusOK {
		return -answer.StatusCode
	}
	return number
}

// quiet counts the answers of several routers while a release is not to answer.
type quiet struct {
	release int // that answers all
	stop    chan struct{}
	all     sync.WaitGroup
	mu      sync.Mutex
	got     map[string]map[int]int // guarded by mu
}

// watchDark asks each router about a hundred times a second, for two minutes at most, until end.
func (d *dev) watchDark(routers map[string]*router, release int) *quiet {
	q := &quiet{release: release, stop: make(chan struct{}), got: map[string]map[int]int{}}
	for name, r := range routers {
		q.got[name] = map[int]int{}
		q.all.Go(func() {
			client := &http.Client{Timeout: 10 * time.Second}
			defer client.CloseIdleConnections()
			tick := time.NewTicker(10 * time.Millisecond)
			defer tick.Stop()
			for range 12_000 {
				select {
				case <-q.stop:
					return
				case <-tick.C:
				}
				number := r.release(client, "walker.localhost")
				q.mu.Lock()
				q.got[name][number]++
				q.mu.Unlock()
			}
		})
	}
	return q
}

func (q *quiet) end(t testing.TB) {
	t.Helper()
	close(q.stop)
	q.all.Wait()
	for _, name := range slices.Sorted(maps.Keys(q.got)) {
		got, sum := q.got[name], 0
		for _, n := range got {
			sum += n
		}
		t.Logf("from the push until the new release passes its checks, dark, %s: %d requests, %d astray", name, sum, sum-got[q.release])
		if got[q.release] != sum {
			t.Errorf("from the push until the new release passes its checks, dark, %s: %s, want all from release %d", name, answered(got), q.release)
		}
	}
}
