package integration_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestLogs: instances write numbered lines, while some of them are killed and placed anew, the reader's
// connection is cut, and the server is killed. What an instance says it wrote is what the reader must
// have: each line once, in its order. Then, on the real stack, one stream is followed side by side with
// `nomad alloc logs -f`.
func TestLogs(t *testing.T) {
	t.Parallel()
	instances, each, kills, cuts := 4, 5_000, 2, 2
	if proving {
		instances, each, kills, cuts = 20, 50_000, 10, 5
	}
	d := startDev(t)
	f := newFaucet(t)
	if os.Getenv("CELL") == "beside" { // only the last part
		f.push(d, 1, 1_000)
		f.allow(1_000)
		d.besideNomad(f)
		return
	}
	f.push(d, instances, each)

	r := readNumbered(d)
	r.until("it has begun", func() bool { return r.begun() })
	began := time.Now()
	total := instances * each
	killed := map[string]bool{}
	steps := kills + cuts + 1
	for n := 1; n <= steps; n++ { // in each step some lines are let out, and while they come something breaks
		seen := r.count()
		f.allow(each * n / steps)
		r.until("more lines have come", func() bool { return r.count() >= seen+total/steps/10 })
		switch {
		case n == steps/2:
			d.killServer()
		case n%2 == 0 && cuts > 0 || len(killed) == kills:
			cuts--
			r.proxy.cut()
		default:
			r.until("an instance that writes is killed", func() bool { return f.kill(d, r, killed) })
		}
	}
	r.until("every instance has written what it was to", func() bool { return f.finished(each) >= instances && f.reports() >= instances+kills })
	wrote := f.wrote()
	all := 0
	for _, n := range wrote {
		all += n
	}
	r.until("all lines have come, or none came for a while", func() bool { return r.count() >= all || r.quiet() > 15*time.Second })
	took := time.Since(began)
	r.stop()
	lost, repeated, strange := r.judge(wrote)
	t.Logf("%d lines of %d instances, %d of them killed and placed anew, over %d connections: %d lost, %d repeated (%s, %.0f lines a second)",
		all, len(wrote), len(killed), r.proxy.made(), lost, repeated, took.Round(time.Millisecond), float64(all)/took.Seconds())
	if lost != 0 || repeated != 0 || len(strange) > 0 {
		t.Errorf("%d lines were lost, %d repeated; not lines of an instance: %q", lost, repeated, strange)
	}
	if all < total || len(wrote) != instances+kills {
		t.Errorf("%d lines of %d instances are no proof", all, len(wrote))
	}
	if r.proxy.made() < 3 {
		t.Errorf("the reader came back only over %d connections", r.proxy.made())
	}
	d.endedLogs(f, killed)
	d.besideNomad(f)
}

// endedLogs: what the killed instances wrote last can still be read, also when Nomad has collected them.
func (d *dev) endedLogs(f *faucet, killed map[string]bool) {
	d.t.Helper()
	wrote := f.wrote()
	last := func(when string) {
		for id := range killed {
			out := strings.TrimSpace(d.ok(d.home, "logs", "faucet", "--instance", id[:8], "-n", "1", "--source", "app"))
			if want := fmt.Sprintf("%s %d ", id, wrote[id]-1); !strings.Contains(out, want) {
				d.t.Errorf("%s the last line of %s is %q, not that with %q", when, id, out, want)
			}
		}
	}
	last("while Nomad has it")
	for id := range killed {
		kept := filepath.Join(d.dir, "crumpet", "logs", "default", "faucet", id)
		d.until(time.Minute, "the end of "+id+" is kept", func() bool { _, err := os.Stat(filepath.Join(kept, "instance.json")); return err == nil })
		info, err := os.Stat(filepath.Join(kept, "faucet.stdout.0"))
		if err != nil || info.Mode().Perm() != 0o600 {
			d.t.Errorf("what is kept of %s: %v, %v", id, info, err)
		}
	}
	d.until(time.Minute, "Nomad has collected them", func() bool {
		request, err := http.NewRequestWithContext(d.t.Context(), http.MethodPut, d.info.Nomad+"/v1/system/gc", nil)
		if err != nil {
			d.t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			d.t.Fatal(err)
		}
		_ = answer.Body.Close() // it says nothing
		for id := range killed {
			if code, _ := d.get(d.info.Nomad+"/v1/client/fs/ls/"+id+"?path=alloc/logs", ""); code == http.StatusOK {
				return false
			}
		}
		return true
	})
	last("after Nomad has collected it")
	if r := d.cli(d.home, "logs", "faucet", "--instance", "999"); r.code != 1 || !strings.Contains(r.errOut, `has no instance "999"; it has faucet[`) {
		d.t.Errorf("an instance that is not there: %s", r)
	}
}

// killServer kills the server of the stack, which is started again.
func (d *dev) killServer() {
	d.t.Helper()
	if err := d.read(); err != nil {
		d.t.Fatal(err)
	}
	if err := syscall.Kill(d.info.Pids["server"], syscall.SIGKILL); err != nil {
		d.t.Fatal(err)
	}
}

// faucet is an app that writes numbered lines, as many as it is allowed, and the place where it reports how many.
type faucet struct {
	t   testing.TB
	dir string
	at  string

	mu      sync.Mutex     // guards all below
	allowed int            // lines each may write for now
	counts  map[string]int // by allocation, as reported at its end
	target  string         // the allocation that is to write more lines at once
	burst   int            // so many
}

func newFaucet(t testing.TB) *faucet {
	t.Helper()
	f := &faucet{t: t, dir: filepath.Join(t.TempDir(), "faucet"), counts: map[string]int{}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		switch r.URL.Path {
		case "/allowed":
			fmt.Fprint(w, f.allowed)
		case "/wrote":
			n, err := strconv.Atoi(r.FormValue("n"))
			if err != nil {
				t.Errorf("an instance reports %q", r.FormValue("n"))
			}
			f.counts[r.FormValue("id")] = max(n, f.counts[r.FormValue("id")])
		case "/burst":
			if r.FormValue("id") == f.target {
				fmt.Fprint(w, f.burst)
				f.burst, f.target = 0, ""
			}
		}
	}))
	t.Cleanup(server.Close)
	f.at = server.URL
	return f
}

func (f *faucet) push(d *dev, instances, each int) {
	f.t.Helper()
	write(f.t, filepath.Join(f.dir, "go.mod"), "module faucet\n\ngo 1.24\n")
	write(f.t, filepath.Join(f.dir, "main.go"), faucetSource)
	write(f.t, filepath.Join(f.dir, "crumpet.hcl"), fmt.Sprintf(`app "faucet" {
  build {
    builder = "go"
  }
  process "faucet" {
    command   = ["./faucet", "%s", "%d"]
    instances = %d
    cpu       = 20
    memory    = "32MiB"
    logs {
      max_files = 10
      max_size  = "10MiB"
    }
  }
}
`, f.at, each, instances))
	d.ok(f.dir, "push")
}

func (f *faucet) allow(lines int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.allowed = lines
}

// pour asks an allocation for some lines at once.
func (f *faucet) pour(alloc string, lines int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.target, f.burst = alloc, lines
}

func (f *faucet) wrote() map[string]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.counts)
}

func (f *faucet) reports() int { return len(f.wrote()) }

func (f *faucet) finished(each int) (n int) {
	for _, count := range f.wrote() {
		if count >= each {
			n++
		}
	}
	return n
}

// kill stops one allocation that has written something, and not yet all, by Nomad's API.
func (f *faucet) kill(d *dev, r *numbered, killed map[string]bool) bool {
	f.t.Helper()
	seen, reported := r.seen(), f.wrote()
	ids := make([]string, 0, len(seen))
	for id := range seen {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		if _, ended := reported[id]; ended || killed[id] || seen[id] < 10 {
			continue
		}
		request, err := http.NewRequestWithContext(f.t.Context(), http.MethodPut, d.info.Nomad+"/v1/allocation/"+id+"/stop", nil)
		if err != nil {
			f.t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			f.t.Fatal(err)
		}
		_ = answer.Body.Close() // its status says all
		if answer.StatusCode != http.StatusOK {
			f.t.Fatalf("stop %s: %s", id, answer.Status)
		}
		killed[id] = true
		return true
	}
	return false
}

const faucetSource = `package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

const pad = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"

func main() {
	at, id := os.Args[1], os.Getenv("NOMAD_ALLOC_ID")
	each, _ := strconv.Atoi(os.Args[2])
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	n := 0
	write := func(count int) {
		var b []byte
		for range count {
			b = fmt.Appendf(b, "%s %d %s\n", id, n, pad)
			n++
			if len(b) > 60_000 {
				os.Stdout.Write(b)
				b = b[:0]
			}
		}
		os.Stdout.Write(b)
	}
	report := func() { ask(fmt.Sprintf("%s/wrote?id=%s&n=%d", at, id, n)) }
	for allowed := 0; n < each; {
		select {
		case <-stop:
			report()
			return
		case <-time.After(10 * time.Millisecond):
		}
		if n == allowed {
			_, text := ask(at + "/allowed")
			allowed, _ = strconv.Atoi(text)
			allowed = max(n, allowed)
		}
		write(min(25, allowed-n))
	}
	report()
	for {
		select {
		case <-stop:
			report()
			return
		case <-time.After(50 * time.Millisecond):
		}
		if _, text := ask(at + "/burst?id=" + id); text != "" {
			count, _ := strconv.Atoi(text)
			write(count)
		}
	}
}

func ask(url string) (int, string) {
	answer, err := http.Get(url)
	if err != nil {
		return 0, ""
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	return answer.StatusCode, string(text)
}
`
