package integration_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// worker is a web app whose tasks tell a counter that they run, and do as it says.
const worker = `package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
)

func main() {
	if len(os.Args) > 1 {
		answer, err := http.Get(os.Getenv("COUNTER") + "/" + os.Args[1] + "?greeting=" + os.Getenv("GREETING"))
		if err != nil {
			fmt.Println(err)
			os.Exit(99)
		}
		text, _ := io.ReadAll(answer.Body)
		fmt.Printf("%s ran with %q\n", os.Args[1], os.Args[2:])
		code, _ := strconv.Atoi(strings.TrimSpace(string(text)))
		os.Exit(code)
	}
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, os.Getenv("GREETING")) })
	fmt.Println(http.ListenAndServe(os.Getenv("HOST")+":"+os.Getenv("PORT"), nil))
}
`

// counter counts the tasks that call it, and tells each how to end.
type counter struct {
	url string

	mu    sync.Mutex
	calls []string            // TASK GREETING
	codes map[string]int      // by task; 0 unless said
	held  map[string]struct{} // tasks that wait for release, until the test ends
}

func newCounter(t testing.TB) *counter {
	t.Helper()
	c := &counter{codes: map[string]int{}, held: map[string]struct{}{}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		task := strings.TrimPrefix(r.URL.Path, "/")
		c.mu.Lock()
		c.calls = append(c.calls, task+" "+r.URL.Query().Get("greeting"))
		c.mu.Unlock()
		for c.holds(task) {
			select {
			case <-r.Context().Done():
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		_, _ = io.WriteString(w, fmt.Sprint(c.codes[task]))
	}))
	t.Cleanup(server.Close)
	c.url = server.URL
	return c
}

func (c *counter) holds(task string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, held := c.held[task]
	return held
}

func (c *counter) hold(task string, on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if on {
		c.held[task] = struct{}{}
	} else {
		delete(c.held, task)
	}
}

func (c *counter) ends(task string, code int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.codes[task] = code
}

// take gives the calls since it was last asked, in order.
func (c *counter) take() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	calls := strings.Join(c.calls, ", ")
	c.calls = nil
	return calls
}

func (c *counter) count(task string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, call := range c.calls {
		if strings.HasPrefix(call, task+" ") {
			n++
		}
	}
	return n
}

// writeWorker makes the app with further blocks.
func writeWorker(t testing.TB, dir string, c *counter, greeting, blocks string) {
	t.Helper()
	write(t, filepath.Join(dir, "main.go"), worker)
	write(t, filepath.Join(dir, "go.mod"), "module worker\n\ngo 1.24\n")
	write(t, filepath.Join(dir, "crumpet.hcl"), fmt.Sprintf(`app "worker" {
  process "web" {
    command        = ["./worker"]
    min_healthy    = "1s"
    shutdown_delay = "1s"
    port "http" {}
  }
  %s
  env = {
    COUNTER  = %q
    GREETING = %q
  }
}
`, blocks, c.url, greeting))
}

const phases = `
  task "migrate" {
    command = ["./worker", "migrate"]
    phase   = "before"
  }
  task "seed" {
    command = ["./worker", "seed"]
  }
  task "slow" {
    command = ["./worker", "slow"]
    timeout = "15s"
  }
  task "warm" {
    command = ["./worker", "warm"]
    phase   = "after"
  }`

type runs struct {
	Items []struct {
		ID, Task, Kind, Status, Reason string
		ExitCode                       int `json:"exit_code"`
	}
}

// TestTasks: the tasks of a release run once before and after its walk, decide over it, and on demand.
func TestTasks(t *testing.T) {
	t.Parallel()
	d := startDev(t)
	c := newCounter(t)
	app := t.TempDir()

	writeWorker(t, app, c, "one", phases)
	c.hold("migrate", true)
	pushing := make(chan result, 1)
	go func() { pushing <- d.cli(app, "push") }()
	d.until(2*time.Minute, "migrate runs", func() bool { return c.count("migrate") > 0 })
	if s := d.status("worker"); len(s.Instances) > 0 {
		t.Errorf("instances before migrate was complete: %+v", s.Instances)
	}
	if err := syscall.Kill(d.info.Pids["server"], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	d.until(30*time.Second, "the server is back", func() bool { return d.cli(app, "status").code == 0 })
	c.hold("migrate", false)
	r := <-pushing
	if r.code != 0 || !strings.Contains(r.out, "task migrate is complete") || !strings.Contains(r.out, "task warm is complete") {
		t.Fatalf("push: %s", r)
	}
	if got := c.take(); got != "migrate one, warm one" {
		t.Errorf("tasks of the first push: %s", got)
	}
	if logs := d.ok(app, "logs", "--process", "migrate"); !strings.Contains(logs, `migrate ran with []`) {
		t.Errorf("logs of migrate: %s", logs)
	}
	d.ok(app, "restart")
	if got := c.take(); got != "" {
		t.Errorf("a restart ran %s", got)
	}

	onDemand(d, c, app)

	// A task that fails before anything changed, and one that fails when all had.
	c.ends("migrate", 3)
	writeWorker(t, app, c, "two", phases)
	r = d.cli(app, "push")
	if r.code != 1 || !strings.Contains(r.errOut, "task migrate failed: migrate exited with code 3") || !strings.Contains(r.errOut, "Release 1 is still serving") {
		t.Errorf("push with a migration that fails: %s", r)
	}
	if !strings.Contains(r.errOut, "migrate ran with") {
		t.Errorf("the last lines of migrate are not shown: %s", r)
	}
	c.ends("migrate", 0)
	c.ends("warm", 1)
	r = d.cli(app, "push")
	if r.code != 1 || !strings.Contains(r.errOut, "task warm failed: warm exited with code 1") {
		t.Errorf("push with a last task that fails: %s", r)
	}
	d.until(20*time.Second, "the first release answers", func() bool { _, page := d.page("worker.localhost", "/"); return page == "one\n" })
	c.ends("warm", 0)
	c.take()
	d.ok(app, "push")
	if got := c.take(); got != "migrate two, warm two" {
		t.Errorf("tasks of the last push: %s", got)
	}
	d.ok(app, "destroy", "worker", "--yes")
	if jobs := d.standing("worker"); len(jobs) > 0 {
		t.Errorf("jobs are left in Nomad: %s", jobs)
	}
}

// onDemand runs the task seed in each way.
func onDemand(d *dev, c *counter, app string) {
	d.t.Helper()
	if out := d.ok(app, "run", "seed", "--", "-n", "a b", "${NOMAD_TOKEN}", "{{ x }}"); out != `seed ran with ["-n" "a b" "${NOMAD_TOKEN}" "{{ x }}"]`+"\n" {
		d.t.Errorf("run seed wrote %s", out)
	}
	c.ends("seed", 5)
	if r := d.cli(app, "run", "seed"); r.code != 5 || !strings.Contains(r.errOut, "seed exited with code 5") {
		d.t.Errorf("run of a task that ends with 5: %s", r)
	}
	c.ends("seed", 0)
	c.hold("slow", true)
	if r := d.cli(app, "run", "slow"); r.code == 0 || !strings.Contains(r.errOut, "slow did not end within its timeout of 15s") {
		d.t.Errorf("run of a task that does not end: %s", r)
	}
	cmd := d.command(d.t.Context(), app, "run", "migrate")
	c.hold("migrate", true)
	before := c.count("migrate")
	if err := cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	d.until(30*time.Second, "migrate runs", func() bool { return c.count("migrate") > before })
	_ = cmd.Process.Signal(syscall.SIGINT)
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 130 {
		d.t.Errorf("exit code after Ctrl-C: %d", code)
	}
	var list runs
	d.until(30*time.Second, "the run was stopped", func() bool {
		d.json(&list, app, "run", "--list", "migrate")
		if s := list.Items[0].Status; s == "complete" || s == "failed" {
			d.t.Fatalf("the run that was stopped is %+v", list.Items[0])
		}
		return list.Items[0].Status == "killed"
	})
	d.json(&list, app, "run", "--list")
	if got := list.Items[0]; got.Kind != "run" || !strings.HasPrefix(got.Reason, "stopped by ") {
		d.t.Errorf("the run that was stopped: %+v", got)
	}
	c.hold("slow", false)
	c.hold("migrate", false)
	c.take()
}
