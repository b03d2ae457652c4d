package server_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/api"
	"github.com/crumpet-paas/crumpet/server/api/apitest"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/store"
	"github.com/crumpet-paas/crumpet/server/store/pgtest"
)

// listRounds is how often each list is read; the first reads of each are left out.
const (
	listRounds = 50
	listWarm   = 5
	listMoved  = 10 // apps that change between two reads
)

// BenchmarkListAppsAgainstNomad reads four lists over loopback, in turns with the list of as many jobs of a
// real Nomad: all apps while nothing happens; all apps each time an event was written; all apps each time ten of
// them changed, so that the answer differs; and a page. It does so with both databases. Each app has two instances
// and a route that answers; each job wants two instances, of which none is placed, as no client is there.
func BenchmarkListAppsAgainstNomad(b *testing.B) {
	path, err := exec.LookPath("nomad")
	if err != nil {
		b.Skip("nomad is not on PATH: nothing to compare with")
	}
	nomad := startNomad(b, path)
	stores := map[string]func(b *testing.B) store.Config{
		"SQLite":     func(b *testing.B) store.Config { return store.Config{Path: filepath.Join(b.TempDir(), "crumpet.db")} },
		"PostgreSQL": func(b *testing.B) store.Config { return store.Config{URL: pgtest.Start(b).Database(b)} },
	}
	jobs := 0
	for _, n := range []int{1000, 5000} {
		seedJobs(b, nomad, jobs, n)
		jobs = n
		for _, engine := range slices.Sorted(maps.Keys(stores)) {
			b.Run(fmt.Sprintf("%d/%s", n, engine), func(b *testing.B) { benchLists(b, stores[engine](b), nomad, n) })
		}
	}
}

func benchLists(b *testing.B, of store.Config, nomad string, n int) {
	st, err := store.Open(b.Context(), of)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = st.Close() })
	seedApps(b, st, n)
	config := apitest.Config(b, apitest.NewPlatform())
	config.Store, config.Log = st, slog.New(slog.DiscardHandler)
	server := httptest.NewServer(api.New(config))
	b.Cleanup(server.Close)
	token := http.Header{"Authorization": {"Bearer " + apitest.Token}}
	ours := server.URL + fmt.Sprintf("/v1/apps?limit=%d", n)
	took, _ := timeGet(b, ours, token)
	b.Logf("%s, %d apps: the first list after a start took %.0f ms", st.Engine(), n, took.Seconds()*1000)
	write := func(o paas.Observation) {
		if err := st.Observe(b.Context(), 0, o); err != nil {
			b.Fatal(err)
		}
	}
	moves := 0
	moved := func() {
		var o paas.Observation
		for range listMoved {
			i := instanceOf(fmt.Sprintf("app-%d", moves%n), 0)
			if moves/n%2 == 0 {
				i.Health, i.Reason = paas.HealthCritical, "web answers its health check with 500"
			}
			o.Instances = append(o.Instances, i)
			moves++
		}
		write(o)
	}
	for b.Loop() {
		compareLists(b, "all", n, ours, nomad+"/v1/jobs", token, func() {})
		compareLists(b, "written", n, ours, nomad+"/v1/jobs", token, func() {
			write(paas.Observation{Events: []paas.Event{{Time: time.Now(), Team: "default", App: "app-1", Kind: paas.EventDrift}}})
		})
		compareLists(b, "changed", n, ours, nomad+"/v1/jobs", token, moved)
		compareLists(b, "page", 50, server.URL+"/v1/apps", nomad+"/v1/jobs?per_page=50", token, func() {})
	}
}

func compareLists(b *testing.B, what string, n int, ours, theirs string, header http.Header, before func()) {
	b.Helper()
	var mine, other []time.Duration
	var bytesMine, bytesOther int64
	for round := range listRounds {
		before()
		took, size := timeGet(b, ours, header)
		tookOther, sizeOther := timeGet(b, theirs, nil)
		if round >= listWarm {
			mine, other = append(mine, took), append(other, tookOther)
			bytesMine, bytesOther = size, sizeOther
		}
	}
	for _, p := range []int{50, 95} {
		m, o := percentile(mine, p), percentile(other, p)
		b.ReportMetric(m.Seconds()/o.Seconds(), fmt.Sprintf("%s-ratio-p%d", what, p))
		b.Logf("%s, %d items, p%d of %d reads in turns: crumpet %.2f ms (%d KB), nomad %.2f ms (%d KB), ratio %.3f", what, n, p, len(mine),
			m.Seconds()*1000, bytesMine>>10, o.Seconds()*1000, bytesOther>>10, m.Seconds()/o.Seconds())
	}
}

func percentile(all []time.Duration, p int) time.Duration {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[min(len(sorted)-1, len(sorted)*p/100)]
}

func timeGet(b *testing.B, url string, header http.Header) (time.Duration, int64) {
	b.Helper()
	r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, url, nil)
	if err != nil {
		b.Fatal(err)
	}
	r.Header = header
	if r.Header == nil {
		r.Header = http.Header{}
	}
	began := time.Now()
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	n, err := io.Copy(io.Discard, answer.Body)
	took := time.Since(began)
	_ = answer.Body.Close() // read to its end
	if err != nil || answer.StatusCode != http.StatusOK {
		b.Fatalf("GET %s: status %d, %v", url, answer.StatusCode, err)
	}
	return took, n
}

func seedApps(b *testing.B, st *store.Store, to int) {
	b.Helper()
	for n := range to {
		seedApp(b, st, fmt.Sprintf("app-%d", n))
	}
}

func seedJobs(b *testing.B, address string, from, to int) {
	b.Helper()
	c, err := nomadapi.NewClient(&nomadapi.Config{Address: address})
	if err != nil {
		b.Fatal(err)
	}
	next := make(chan int)
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() {
			for n := range next {
				name := fmt.Sprintf("app-%d.blue", n)
				count, kind := 2, "service"
				task := nomadapi.NewTask("web", "raw_exec").SetConfig("command", "/bin/true")
				group := nomadapi.NewTaskGroup("web", count).AddTask(task)
				job := nomadapi.NewServiceJob(name, name, "global", 50).AddTaskGroup(group)
				job.Type = &kind
				if _, _, err := c.Jobs().Register(job, nil); err != nil {
					b.Errorf("register %s: %v", name, err)
				}
			}
		})
	}
	for n := from; n < to; n++ {
		next <- n
	}
	close(next)
	workers.Wait()
}

// startNomad runs a Nomad server without a client, and gives its address.
func startNomad(b *testing.B, path string) string {
	b.Helper()
	dir := b.TempDir()
	ports := make([]any, 3)
	for n := range ports { // free now; the kernel gives none of those that are dev's for tasks
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		ports[n] = l.Addr().(*net.TCPAddr).Port //nolint:forcetypeassert // a tcp listener
		_ = l.Close()
	}
	config := filepath.Join(dir, "nomad.hcl")
	text := fmt.Sprintf(`data_dir = %q
bind_addr = "127.0.0.1"
ports {
  http = %d
  rpc  = %d
  serf = %d
}
advertise {
  http = "127.0.0.1"
  rpc  = "127.0.0.1"
  serf = "127.0.0.1"
}
server {
  enabled          = true
  bootstrap_expect = 1
}
client { enabled = false }
disable_update_check = true
log_level = "ERROR"
`, append([]any{filepath.Join(dir, "data")}, ports...)...)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, path, "agent", "-config", config)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(s string) bool { return len(s) > 3 && s[:4] == "AWS_" })
	out, err := os.Create(filepath.Join(dir, "nomad.log"))
	if err != nil {
		b.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = out, out
	return launch(b, cmd, cancel, fmt.Sprintf("http://127.0.0.1:%d", ports[0]), out)
}

func launch(b *testing.B, cmd *exec.Cmd, cancel context.CancelFunc, address string, log *os.File) string {
	b.Helper()
	if err := cmd.Start(); err != nil {
		cancel()
		b.Fatal(err)
	}
	b.Cleanup(func() { cancel(); _ = cmd.Wait(); _ = log.Close() })
	client := &http.Client{Timeout: time.Second}
	deadline := time.Now().Add(time.Minute)
	for time.Now().Before(deadline) {
		answer, err := client.Get(address + "/v1/status/leader") //nolint:noctx // bounded by the loop
		if err == nil {
			text, _ := io.ReadAll(answer.Body)
			_ = answer.Body.Close()
			if answer.StatusCode == http.StatusOK && len(text) > 4 {
				return address
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
	text, _ := os.ReadFile(log.Name())
	b.Fatalf("nomad has no leader after a minute:\n%s", text)
	return ""
}
