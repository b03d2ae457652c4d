package integration_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestBoundaries: the server gets SIGKILL just before and just after each store write and each outside
// call that a push by canary makes, as one push that is watched has shown them, each that only the
// first push of an app makes, and each write of its end. Each time another server takes over: what is served is the old
// release or the new one, nothing of either is left behind or there twice, and no request fails.
// Proving, every write is met at each time it is made, and every question at some of them; else any three of
// them. POINTS picks those of a push whose names contain it, such as "store.Save 1".
func TestBoundaries(t *testing.T) {
	t.Parallel()
	b := &boundaries{dir: t.TempDir()}
	b.d = startDevWith(t, []string{"CRUMPET_DEV_BOUNDARIES=" + b.dir})
	b.app = filepath.Join(t.TempDir(), "edge")
	b.write(t, "edge", b.app)
	first := b.recorded(t, func() { b.d.ok(b.app, "push") })
	b.settled(t, "edge", 1)
	b.pushed(t, "edge", b.app) // both slots have been used now
	b.settled(t, "edge", 2)
	again := b.recorded(t, func() { b.pushed(t, "edge", b.app); b.settled(t, "edge", 3) })
	t.Logf("a push meets %v", again)

	points := pointsOf(again)
	var born, ended []point
	if proving {
		gone := b.first(t, "gone")
		end := b.recorded(t, func() { b.destroy(t, gone) })
		for _, name := range asks {
			delete(end, name)
		}
		born, ended = onlyIn(first, again), pointsOf(end)
	}
	if part := os.Getenv("POINTS"); part != "" {
		points = slices.DeleteFunc(points, func(p point) bool { return !strings.Contains(p.String(), part) })
	} else if !proving {
		rand.Shuffle(len(points), func(i, j int) { points[i], points[j] = points[j], points[i] })
		points = points[:3]
	}
	rate, count := 100, 1_000_000 // as long as it takes
	if !proving {
		rate = 50
	}
	l := startLoad(t, b.d.info.Router, "edge.localhost", rate, count)
	met := 0
	defer func() { // what is known of the points before one that failed
		t.Logf("%d points met, %d requests sent, %d failed", met, l.sent.Load(), l.failed.Load())
	}()
	for _, p := range points {
		if b.killed(t, p, func() (string, int) { return "edge", b.pushed(t, "edge", b.app) }) {
			met++
		}
	}
	for n, p := range born {
		b.killed(t, p, func() (string, int) {
			name := fmt.Sprintf("born%d", n)
			dir := filepath.Join(t.TempDir(), name)
			b.write(t, name, dir)
			return name, b.pushed(t, name, dir)
		})
	}
	for n, p := range ended {
		name := b.first(t, fmt.Sprintf("end%d", n))
		b.killed(t, p, func() (string, int) {
			b.destroy(t, name)
			return "", 0
		})
	}
	l.end(t)
	t.Logf("the server was killed at %d of %d boundaries of a push, %d of a first one and %d of an end", met, len(points), len(born), len(ended))
	if met < len(points)*8/10 {
		t.Errorf("only %d of %d boundaries were met", met, len(points))
	}
}

// boundaries is a stack whose server notes the boundaries it passes, and dies at one.
type boundaries struct {
	d     *dev
	dir   string // of the notes
	app   string // folder of the app that serves all the time
	pages int    // written so far
}

// point is one time that a boundary is passed.
type point struct {
	at  string // such as "before store.Save"
	nth int    // from the moment on that the push began
}

func (p point) String() string { return fmt.Sprintf("%s %d", p.at, p.nth) }

// recorded counts the calls that are made while something is done.
func (b *boundaries) recorded(t *testing.T, do func()) map[string]int {
	t.Helper()
	path := filepath.Join(b.dir, "calls")
	_ = os.Remove(path) // there is none before the first call
	do()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("the server notes no boundaries: %v", err)
	}
	counts := map[string]int{}
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "before "); ok {
			counts[name]++
		}
	}
	return counts
}

// asks are calls that change nothing, or only repeat facts: six times of each tell as much as all.
var asks = []string{"nomad.Job", "nomad.Plan", "consul.Rule", "store.Observe"}

func pointsOf(counts map[string]int) []point {
	var points []point
	for _, name := range slices.Sorted(keys(counts)) {
		n, step := counts[name], 1
		if slices.Contains(asks, name) {
			step = max(1, n/6)
		}
		for nth := 1; nth <= n; nth += step {
			points = append(points, point{"before " + name, nth}, point{"after " + name, nth})
		}
	}
	return points
}

func keys(counts map[string]int) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for name := range counts {
			if !yield(name) {
				return
			}
		}
	}
}

// onlyIn gives the first times of calls that are made in one thing and not in others.
func onlyIn(counts map[string]int, others ...map[string]int) []point {
	only := map[string]int{}
	for name := range counts {
		if !slices.ContainsFunc(others, func(o map[string]int) bool { return o[name] > 0 }) {
			only[name] = 1
		}
	}
	return pointsOf(only)
}

// write makes or changes an app: two instances, and a canary.
func (b *boundaries) write(t *testing.T, name, dir string) {
	t.Helper()
	b.pages++
	write(t, filepath.Join(dir, "index.html"), fmt.Sprintf("page %d\n", b.pages))
	write(t, filepath.Join(dir, "crumpet.hcl"), fmt.Sprintf(`app %q {
  build { builder = "static" }

  process "web" {
    instances      = 2
    memory         = "64MiB"
    port "http" {}
    route "%s.localhost/" {}
    min_healthy    = "1s"
    shutdown_delay = "1s"
  }

  deploy {
    strategy = "canary"
    canary {
      traffic = [50]
      hold    = "1s"
    }
  }
}
`, name, name))
}

// first pushes a new app, and gives its name.
func (b *boundaries) first(t *testing.T, name string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	b.write(t, name, dir)
	b.d.ok(dir, "push")
	b.settled(t, name, 1)
	return name
}

// killed does something whose server dies at a point. do gives the app that is to stand afterwards and
// how many releases it may have, or "". It says whether the point was met.
func (b *boundaries) killed(t *testing.T, p point, do func() (app string, releases int)) bool {
	t.Helper()
	die := filepath.Join(b.dir, "die")
	write(t, die, p.String())
	began := time.Now()
	app, releases := do()
	if app != "" {
		b.settled(t, app, releases) // the last boundaries come after the end of the push
	}
	_, err := os.Stat(die)
	met := os.IsNotExist(err)
	_ = os.Remove(die)
	if app != "" {
		b.settled(t, app, releases)
	}
	t.Logf("%s: met %t, %v", p, met, time.Since(began).Round(100*time.Millisecond))
	return met
}

// pushed changes an app and pushes it, again if the push says that it was not done. It gives how many
// releases there may be then.
func (b *boundaries) pushed(t *testing.T, name, dir string) (releases int) {
	t.Helper()
	before := 0
	if list := b.deployments(name); len(list) > 0 {
		before = list[0].Release
	}
	b.write(t, name, dir)
	for try := 1; ; try++ {
		r := b.d.cli(dir, "push")
		if r.code == 0 {
			return before + try
		}
		if try == 3 {
			t.Fatalf("push %s: %s", name, r)
		}
		t.Logf("push of %s, once more: %s", name, r.errOut)
		b.d.until(time.Minute, "the server answers and nothing is under way", func() bool {
			list := b.deployments(name)
			return len(list) == 0 || list[0].ended()
		})
	}
}

func (w walked) ended() bool {
	return w.State != "pending" && w.State != "running" && w.State != "paused"
}

func (b *boundaries) deployments(app string) []walked {
	var list struct{ Items []walked }
	code, body := b.ask(b.d.info.Addr+"/v1/apps/"+app+"/deployments", b.d.info.Token)
	if code == http.StatusNotFound || json.Unmarshal([]byte(body), &list) != nil {
		return nil
	}
	return list.Items
}

// ask is get for a server that may not be there.
func (b *boundaries) ask(url, token string) (int, string) {
	req, err := http.NewRequestWithContext(b.d.t.Context(), http.MethodGet, url, nil)
	if err != nil {
		return 0, err.Error()
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return answerTo(req)
}

// settled waits until an app serves its last page from one slot, and nothing else of it is anywhere.
func (b *boundaries) settled(t *testing.T, app string, releases int) {
	t.Helper()
	why := ""
	deadline := time.Now().Add(2 * time.Minute)
	for {
		if why = b.unsettled(app, releases); why == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after two minutes %s: %s", app, why)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// unsettled says what of an app is not as it should be in the end.
func (b *boundaries) unsettled(app string, releases int) string {
	list := b.deployments(app)
	if len(list) == 0 || !list[0].ended() {
		return fmt.Sprintf("deployments %+v", list)
	}
	if list[0].State != "healthy" || list[0].Release > releases {
		return fmt.Sprintf("release %d of at most %d ended as %s", list[0].Release, releases, list[0].State)
	}
	if code, page := b.d.page(app+".localhost", "/"); code != http.StatusOK || page != fmt.Sprintf("page %d\n", b.pages) {
		return fmt.Sprintf("%d %q is served", code, page)
	}
	var jobs []struct{ ID string }
	var allocs []struct{ JobID, ClientStatus, DesiredStatus string }
	code, text := b.ask(b.d.info.Nomad+"/v1/jobs", "")
	code2, text2 := b.ask(b.d.info.Nomad+"/v1/allocations", "")
	if code != http.StatusOK || code2 != http.StatusOK || json.Unmarshal([]byte(text), &jobs) != nil || json.Unmarshal([]byte(text2), &allocs) != nil {
		return "Nomad says " + text + text2
	}
	for _, j := range jobs {
		if strings.HasPrefix(j.ID, app+".") && j.ID != app+".blue" && j.ID != app+".green" {
			return "Nomad has the job " + j.ID
		}
	}
	running := map[string]int{}
	for _, a := range allocs {
		if strings.HasPrefix(a.JobID, app+".") && (a.ClientStatus == "running" || a.ClientStatus == "pending") {
			running[a.JobID]++
		}
	}
	if len(running) != 1 || (running[app+".blue"] != 2 && running[app+".green"] != 2) {
		return fmt.Sprintf("Nomad runs %v", running)
	}
	if text := b.d.rule(app); strings.Contains(text, "route") {
		return "Consul has the rule " + text
	}
	return b.services(app, 2)
}

// services says what of an app's services in Consul is more or less than so many instances of one.
func (b *boundaries) services(app string, want int) string {
	var names map[string][]string
	if code, text := b.ask(b.d.info.Consul+"/v1/catalog/services", ""); code != http.StatusOK || json.Unmarshal([]byte(text), &names) != nil {
		return "Consul says " + text
	}
	found := map[string]int{}
	for name := range names {
		if !strings.HasPrefix(name, "default--"+app+"--") {
			continue
		}
		var list []struct{ ServiceID string }
		if _, text := b.ask(b.d.info.Consul+"/v1/catalog/service/"+name, ""); json.Unmarshal([]byte(text), &list) != nil {
			return "Consul says " + text
		}
		if len(list) > 0 {
			found[name] = len(list)
		}
	}
	total := 0
	for _, n := range found {
		total += n
	}
	if total != want || (want > 0 && len(found) != 1) {
		return fmt.Sprintf("Consul has the services %v", found)
	}
	return ""
}

// standing are the jobs of an app in Nomad that were not stopped. Those that were it forgets by itself.
func (d *dev) standing(app string) (ids []string) {
	d.t.Helper()
	code, text := d.get(d.info.Nomad+"/v1/jobs?prefix="+app+".", "")
	var jobs []struct {
		ID   string
		Stop bool
	}
	if err := json.Unmarshal([]byte(text), &jobs); err != nil || code != http.StatusOK {
		return []string{fmt.Sprintf("unknown: %d %s", code, text)} // Nomad may be away for a moment
	}
	for _, j := range jobs {
		if !j.Stop {
			ids = append(ids, j.ID)
		}
	}
	return ids
}

// destroy takes an app away, and waits until nothing of it is left anywhere.
func (b *boundaries) destroy(t *testing.T, app string) {
	t.Helper()
	for try := 1; ; try++ {
		r := b.d.cli(b.d.home, "destroy", app, "--yes")
		if r.code == 0 || strings.Contains(r.errOut, "has no app") { // it was heard the first time
			break
		}
		if try == 3 {
			t.Fatalf("destroy %s: %s", app, r)
		}
		t.Logf("destroy %s, once more: %s", app, r.errOut)
		b.d.until(time.Minute, "the server answers", func() bool {
			code, _ := b.ask(b.d.info.Addr+"/healthz", "")
			return code == http.StatusOK
		})
	}
	left := func() string {
		code, _ := b.ask(b.d.info.Addr+"/v1/apps/"+app, b.d.info.Token)
		if jobs := b.d.standing(app); code != http.StatusNotFound || len(jobs) > 0 {
			return fmt.Sprintf("the server answers %d, Nomad has the jobs %v", code, jobs)
		}
		if text := b.d.rule(app); strings.Contains(text, "route") {
			return "Consul has the rule " + text
		}
		return b.services(app, 0)
	}
	deadline := time.Now().Add(2 * time.Minute)
	for left() != "" {
		if time.Now().After(deadline) {
			t.Fatalf("two minutes after its end, of %s: %s", app, left())
		}
		time.Sleep(50 * time.Millisecond)
	}
}
