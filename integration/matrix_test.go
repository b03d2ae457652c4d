package integration_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// steady is an app that finishes what it has begun: it has slow answers, and drains when it is told to stop.
const steady = `package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "release", os.Getenv("NUMBER")) })
	http.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(2 * time.Second)
		fmt.Fprintln(w, "slow release", os.Getenv("NUMBER"))
	})
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	server := &http.Server{Addr: ":" + os.Getenv("PORT")}
	go func() {
		if err := server.ListenAndServe(); err != http.ErrServerClosed {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}()
	<-ctx.Done()
	ctx, end := context.WithTimeout(context.Background(), 8*time.Second)
	defer end()
	_ = server.Shutdown(ctx)
}
`

// cell is one thing that is done to an app, or happens to its platform, while requests come.
type cell struct {
	name  string
	small bool // also told by make test; the others have a story of their own under load there, or are in make prove only
	do    func(m *matrix)
}

// matrix is the app in whose requests failures are looked for.
type matrix struct {
	*dev
	app    string // its folder
	number int    // of the release that is written in the spec
}

var cells = []cell{
	{"deploy, rolling", false, func(m *matrix) { m.release(rolling); m.push() }},
	{"canary, each step of its own accord", true, func(m *matrix) {
		traffic := map[bool]string{true: "5, 25, 50", false: "25, 50"}[proving]
		m.release(fmt.Sprintf(`strategy = "canary"
    canary {
      traffic = [%s]
      hold    = "2s"
    }`, traffic))
		m.push()
	}},
	{"canary, promoted by hand", false, func(m *matrix) { m.release(manual); m.ok(m.app, "push"); m.ok(m.app, "promote"); m.serves() }},
	{"canary, aborted at half the requests", false, func(m *matrix) {
		before := m.number
		m.release(manual)
		m.ok(m.app, "push")
		m.ok(m.app, "abort")
		m.ended("canceled")
		m.number = before
		m.serves()
	}},
	{"rollback", false, func(m *matrix) {
		m.release(rolling)
		m.push()
		m.ok(m.home, "rollback", "steady")
		m.number--
		m.serves()
	}},
	{"scale out", false, func(m *matrix) { m.ok(m.home, "scale", "steady", "web=8"); m.healthy(8) }},
	{"scale in", false, func(m *matrix) { m.ok(m.home, "scale", "steady", "web=4"); m.healthy(4) }},
	{"restart", false, func(m *matrix) { m.ok(m.home, "restart", "steady"); m.healthy(4) }},
	{"node drain", true, func(m *matrix) {
		m.ok(m.home, "node", "drain", "dev-2")
		m.until(2*time.Minute, "nothing runs on dev-2", func() bool { return m.healthyOn("steady")["dev"] == 4 && len(m.instancesOn("steady", "dev-2")) == 0 })
		m.ok(m.home, "node", "drain", "dev-2", "--undo")
		if proving { // no other cell of the small size needs both nodes
			m.spread()
		}
	}},
	{"SIGKILL of one of two clients", false, func(m *matrix) {
		m.killClient("dev-2")
		m.givenUp("dev-2")
		m.until(2*time.Minute, "its instances are replaced", func() bool { return m.healthyOn("steady")["dev"] == 4 })
		m.reviveNode("dev-2")
		m.until(2*time.Minute, "the node is ready", func() bool { return m.node("dev-2").Status == "ready" })
		m.healthy(4)
		m.spread()
	}},
	{"SIGKILL of Crumpet in the middle of a push", true, func(m *matrix) {
		m.release(rolling)
		m.whilePushing(func() { m.kill("server") })
	}},
	{"restart of the Nomad server", false, func(m *matrix) { m.kill("nomad"); m.healthy(4) }},
	{"restart of the Nomad server in the middle of a push", false, func(m *matrix) {
		m.release(rolling)
		m.whilePushing(func() { m.kill("nomad") })
	}},
	{"Vault sealed, and a push meanwhile", false, func(m *matrix) {
		m.seal()
		m.release(rolling)
		m.push()
		m.kill("vault") // dev unseals it when it starts
	}},
	{"Consul restarted", false, func(m *matrix) { m.kill("consul"); time.Sleep(5 * time.Second); m.healthy(4) }},
	{"Consul restarted in the middle of a push", false, func(m *matrix) {
		m.release(rolling)
		m.whilePushing(func() { m.kill("consul") })
	}},
}

const rolling = `strategy = "rolling"
    surge    = "50%"`

const manual = `strategy = "canary"
    canary {
      traffic = [50]
      promote = "manual"
    }`

// TestMatrix: nothing that is done to an app, and nothing that happens to its platform, costs a request,
// with connections that are kept and such that are not, and with slow answers among them.
func TestMatrix(t *testing.T) {
	t.Parallel()
	rate, least := 50, 200
	if proving {
		rate, least = 200, 5000
	}
	only := os.Getenv("CELL")
	m := &matrix{dev: startNodes(t, 2), app: filepath.Join(t.TempDir(), "steady")}
	write(t, filepath.Join(m.app, "main.go"), steady)
	write(t, filepath.Join(m.app, "go.mod"), "module steady\n\ngo 1.24\n")
	m.release(rolling)
	m.push()
	m.spread()
	paths := make([]string, 40)
	for i := range paths {
		paths[i] = "/"
	}
	paths[0], paths[21] = slow, slow // one with a connection that is kept, one with its own
	for _, c := range cells {
		if (!proving && !c.small) || !strings.Contains(c.name, only) {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			in := &matrix{dev: m.in(t), app: m.app, number: m.number}
			defer func() { m.number = in.number }()
			l := startMixed(t, m.info.Router, "steady.localhost", rate, 100_000, paths)
			began := time.Now()
			c.do(in)
			took := time.Since(began)
			in.until(5*time.Minute, "enough requests are sent", func() bool { return l.sent.Load() >= int64(least) })
			l.end(t)
			t.Logf("%-55s %6d requests, %d failed, %s", c.name, l.sent.Load(), l.failed.Load(), took.Round(100*time.Millisecond))
		})
	}
}

// release writes the spec of another release, to be deployed so.
func (m *matrix) release(deploy string) {
	m.t.Helper()
	m.number++
	write(m.t, filepath.Join(m.app, "crumpet.hcl"), fmt.Sprintf(`app "steady" {
  process "web" {
    command        = ["./steady"]
    instances      = 4
    memory         = "64MiB"
    min_healthy    = "1s"
    shutdown_delay = "3s"
    kill_timeout   = "10s"
    port "http" {}
    route "steady.localhost/" {}
  }

  env = { NUMBER = "%d" }

  deploy {
    %s
  }
}
`, m.number, deploy))
}

func (m *matrix) push() { m.t.Helper(); m.ok(m.app, "push"); m.serves() }

// whilePushing does something in the middle of a push, which is to end well all the same.
func (m *matrix) whilePushing(do func()) {
	m.t.Helper()
	push := m.command(m.t.Context(), m.app, "push")
	var out buffer
	push.Stdout, push.Stderr = &out, &out
	if err := push.Start(); err != nil {
		m.t.Fatal(err)
	}
	m.until(2*time.Minute, "the walk has begun", func() bool {
		return strings.Contains(out.String(), "Registered") || strings.Contains(out.String(), "step ")
	})
	do()
	if err := push.Wait(); err != nil {
		m.t.Errorf("push: %v\n%s", err, &out)
	}
	m.serves()
}

// serves demands that the release that was written last is served, and no other.
func (m *matrix) serves() {
	m.t.Helper()
	want := fmt.Sprintf("release %d\n", m.number)
	for range 20 {
		if code, page := m.page("steady.localhost", "/"); code != http.StatusOK || page != want {
			m.t.Errorf("%d %q is served, not %q", code, page, want)
			return
		}
	}
}

func (m *matrix) ended(state string) {
	m.t.Helper()
	m.until(2*time.Minute, "the deployment is "+state, func() bool { return m.deployments("steady")[0].State == state })
}

// healthy waits until so many instances serve, and no others run.
func (m *matrix) healthy(n int) {
	m.t.Helper()
	m.until(3*time.Minute, fmt.Sprintf("%d instances are healthy", n), func() bool {
		s := m.status("steady")
		return len(s.Processes) == 1 && s.Processes[0].Healthy == n && running(s) == n
	})
}

// spread has the app run on both nodes, as a node that has come back is empty.
func (m *matrix) spread() {
	m.t.Helper()
	for range 5 {
		if on := m.healthyOn("steady"); on["dev"] > 0 && on["dev-2"] > 0 {
			return
		}
		m.ok(m.home, "restart", "steady")
		m.healthy(4)
	}
	m.t.Errorf("the instances are not spread over both nodes: %+v", m.status("steady").Instances)
}

// kill ends a child of dev with SIGKILL, and waits until dev has started it again.
func (m *matrix) kill(child string) {
	m.t.Helper()
	if err := m.read(); err != nil {
		m.t.Fatal(err)
	}
	killed := m.info.Pids[child]
	if err := syscall.Kill(killed, syscall.SIGKILL); err != nil {
		m.t.Fatalf("kill %s, %d: %v", child, killed, err)
	}
	m.until(time.Minute, child+" runs again", func() bool { return m.read() == nil && m.info.Pids[child] != killed })
}

// seal seals the vault, as an operator would in an emergency.
func (m *matrix) seal() {
	m.t.Helper()
	var keys struct {
		Root string `json:"root_token"`
	}
	files, _ := filepath.Glob(filepath.Join(m.dir, "vault", "*keys.json"))
	if len(files) != 1 {
		m.t.Fatalf("keys of the vault: %v", files)
	}
	text, err := os.ReadFile(files[0])
	if err != nil || json.Unmarshal(text, &keys) != nil {
		m.t.Fatalf("keys of the vault: %v", err)
	}
	req, err := http.NewRequestWithContext(m.t.Context(), http.MethodPut, m.info.Vault+"/v1/sys/seal", nil)
	if err != nil {
		m.t.Fatal(err)
	}
	req.Header.Set("X-Vault-Token", keys.Root)
	answer, err := http.DefaultClient.Do(req)
	if err != nil || answer.StatusCode/100 != 2 {
		m.t.Fatalf("seal the vault: %v %+v", err, answer)
	}
	_ = answer.Body.Close() // it has none
}
