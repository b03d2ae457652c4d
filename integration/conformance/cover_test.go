package conformance_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// front is a reverse proxy before a part of a stack.
func front(t *testing.T, to string, transport http.RoundTripper) string {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(target); r.Out.Host = r.In.Host },
		Transport:     transport,
		FlushInterval: -1, // followed logs
		// A reader that left is the usual cause; the server's own log tells of any other.
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	s := httptest.NewServer(proxy)
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s.URL
}

// TestConformanceCoversTheServer: a server works through recording proxies while the command line drives it
// through the life of an app. Each of its calls must be one that a row of the table makes.
func TestConformanceCoversTheServer(t *testing.T) {
	t.Parallel()
	s := start(t, "embedded")
	var calls record
	at := map[string]string{}
	for _, part := range []string{"nomad", "consul", "vault", "fabio"} {
		transport := &http.Transport{}
		t.Cleanup(transport.CloseIdleConnections)
		at[part] = front(t, s.at[part], recorder{part, &calls, transport})
	}
	c := serve(t, s, at, at["fabio"])

	dir := filepath.Join(t.TempDir(), "covered")
	writeApp(t, dir, "hi", "serve")
	c.ok(t.TempDir(), "init", "--template", "go-web", "other")
	c.ok(dir, "push")
	writeApp(t, dir, "hi again", "serve")
	c.fails(dir, "plan") // it would change something
	c.ok(dir, "push")
	c.ok(dir, "plan")
	c.ok(dir, "run", "seed", "--", "0")
	c.ok(dir, "run", "report", "--detach")
	c.ok(dir, "run", "--list")
	c.ok(dir, "crons")
	c.ok(dir, "repair")
	c.ok(dir, "cluster", "status")
	c.fails(dir, "diff", "covered", "1", "2")
	c.ok(dir, "scale", "web=3")
	c.ok(dir, "scale", "web=1")
	c.ok(dir, "restart")
	c.ok(dir, "logs")
	c.follow(dir)
	c.ok(dir, "status")
	c.ok(dir, "apps")
	c.ok(dir, "events")
	writeApp(t, dir, "hi", "exit", "1")
	c.fails(dir, "push")
	c.ok(dir, "stop")
	c.ok(dir, "node", "drain", c.node())
	c.ok(dir, "node", "drain", "--undo", c.node())
	c.ok(dir, "start")
	c.ok(dir, "destroy", "--yes")
	writeApp(t, dir, "hi", "serve")
	c.ok(dir, "hosts", "release", "covered.localhost") // or team default keeps it
	c.ok(dir, "teams", "create", "covering")
	c.ok(dir, "push", "--team", "covering")
	c.ok(dir, "destroy", "--yes", "--team", "covering")
	serve(t, s, at) // one that finds the routers in Consul

	rows := map[string]bool{}
	for _, r := range table() {
		for _, name := range r.calls {
			rows[name] = true
		}
	}
	made := calls.names()
	for _, name := range made {
		if !rows[name] {
			t.Errorf("the server calls %q, which no row of the table does", name)
		}
	}
	t.Logf("the server made %d kinds of calls:\n  %s", len(made), strings.Join(made, "\n  "))
	for _, part := range []string{"nomad PUT /v1/jobs", "consul PUT /v1/kv/", "vault PUT /v1/:mount/data/", "fabio GET /api/routes"} {
		if !slices.ContainsFunc(made, func(name string) bool { return strings.HasPrefix(name, part) }) {
			t.Errorf("no call %s... was recorded: the server did not work through the proxies", part)
		}
	}
}

// writeApp writes an app of the tasks' program: it needs no compiler, and what a server asks of its backends
// does not depend on the builder.
func writeApp(t *testing.T, dir, greeting string, web ...string) {
	t.Helper()
	program, err := os.ReadFile(artifact.path)
	if err != nil {
		t.Fatal(err)
	}
	spec := fmt.Sprintf(`
app "covered" {
  build { builder = "none" }
  process "web" {
    command   = ["./task", "%s"]
    instances = 2
    memory    = "32MiB"
    port "http" {}
    route "covered.localhost/" {}
    health {
      readiness { http = "/health" }
      liveness { exec = ["./task", "probe"] }
    }
    restart {
      attempts = 1
      delay    = "1s"
    }
    file "conf/app.conf" { content = "port ${port.http}" }
    sidecar "side" {
      command = ["./task", "idle"]
      memory  = "32MiB"
    }
    placement {
      constraint {
        attribute = "attr.kernel.name"
        value     = "linux"
      }
    }
  }
  process "worker" {
    command = ["./task", "idle"]
    memory  = "32MiB"
  }
  task "migrate" {
    command = ["./task", "exit", "0"]
    memory  = "32MiB"
    phase   = "before"
  }
  task "seed" {
    command = ["./task", "exit"]
    memory  = "32MiB"
  }
  cron "report" {
    command  = ["./task", "exit", "0"]
    memory   = "32MiB"
    schedule = "0 3 * * *"
  }
  env = { GREETING = %q }
}
`, strings.Join(web, `", "`), greeting)
	err = errors.Join(os.MkdirAll(dir, 0o755),
		os.WriteFile(filepath.Join(dir, "task"), program, 0o755), os.WriteFile(filepath.Join(dir, "crumpet.hcl"), []byte(spec), 0o644))
	if err != nil {
		t.Fatal(err)
	}
}

// commandLine is a user of a server.
type commandLine struct {
	t           *testing.T
	addr, token string
}

// serve runs a second server beside that of the stack: with a data folder, a Vault mount and keys of rules of its own.
func serve(t *testing.T, s *stack, at map[string]string, routers ...string) commandLine {
	t.Helper()
	data := t.TempDir()
	listen := freeAddress(t)
	config := filepath.Join(data, "server.hcl")
	for i := range routers {
		routers[i] = strconv.Quote(routers[i])
	}
	vaultToken := filepath.Join(data, "vault-token")
	if err := os.WriteFile(vaultToken, []byte(s.vaultToken), 0o600); err != nil { // dev's own server may not reach another mount
		t.Fatal(err)
	}
	text := fmt.Sprintf(`
listen  = %q
data    = %q
domain  = "covered.localhost"
drivers = ["exec"]
nomad  { address = %q }
consul {
  address = %q
  rules   = "fabio/config/covered/"
}
vault {
  address    = %q
  token_file = %q
  mount      = "covered"
}
fabio {
  addresses = [%s]
  url       = %q
}
`, listen, filepath.Join(data, "data"), at["nomad"], at["consul"], at["vault"], vaultToken, strings.Join(routers, ", "), s.at["router"])
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var out buffer
	cmd := exec.Command(crumpet, "server", "--config", config)
	cmd.Env = environ(t.TempDir())
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		_ = cmd.Wait() // its log says why it ended
		close(done)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended already
		select {
		case <-done:
		case <-time.After(30 * time.Second):
			t.Error("the server did not end within 30 s")
			_ = cmd.Process.Kill()
			<-done
		}
		if t.Failed() {
			t.Logf("the server said:\n%s", &out)
		}
	})
	within(t, time.Minute, "the server is ready", func() bool {
		select {
		case <-done:
			t.Fatalf("the server ended:\n%s", &out)
		default:
		}
		resp, err := http.Get("http://" + listen + "/readyz")
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	token, err := os.ReadFile(filepath.Join(data, "data", "root-token"))
	if err != nil {
		t.Fatal(err)
	}
	return commandLine{t: t, addr: "http://" + listen, token: strings.TrimSpace(string(token))}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	return strings.TrimPrefix(s.URL, "http://")
}

func (c commandLine) command(ctx context.Context, dir string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, crumpet, args...)
	cmd.Dir = dir
	cmd.Env = append(environ(c.t.TempDir()), "CRUMPET_ADDR="+c.addr, "CRUMPET_TOKEN="+c.token)
	return cmd
}

// ok runs the program, which must succeed.
func (c commandLine) ok(dir string, args ...string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 2*time.Minute)
	defer cancel()
	began := time.Now()
	out, err := c.command(ctx, dir, args...).CombinedOutput()
	if err != nil {
		c.t.Fatalf("crumpet %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	c.t.Logf("%5.1f s  crumpet %s", time.Since(began).Seconds(), strings.Join(args, " "))
}

// fails runs the program, which must end with 1.
func (c commandLine) fails(dir string, args ...string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 2*time.Minute)
	defer cancel()
	out, err := c.command(ctx, dir, args...).CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		c.t.Fatalf("crumpet %s: %v, want exit code 1\n%s", strings.Join(args, " "), err, out)
	}
	c.t.Logf("as it should, crumpet %s failed:\n%s", strings.Join(args, " "), out)
}

// node is the name of the only node.
func (c commandLine) node() string {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), time.Minute)
	defer cancel()
	out, err := c.command(ctx, c.t.TempDir(), "nodes", "--json").Output()
	var list struct{ Items []struct{ Name string } }
	if err == nil {
		err = json.Unmarshal(out, &list)
	}
	if err != nil || len(list.Items) != 1 {
		c.t.Fatalf("crumpet nodes: %v: %s", err, out)
	}
	return list.Items[0].Name
}

// follow follows the log of an app until a line has come.
func (c commandLine) follow(dir string) {
	c.t.Helper()
	ctx, cancel := context.WithCancel(c.t.Context())
	defer cancel()
	cmd := c.command(ctx, dir, "logs", "--follow")
	var out buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	within(c.t, time.Minute, "a followed log brings a line", func() bool { return strings.Contains(out.String(), "\n") })
	cancel()
	var exit *exec.ExitError
	if err := cmd.Wait(); err != nil && !errors.As(err, &exit) {
		c.t.Fatal(err)
	}
}
