package integration_test

import (
	"context"
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// router is one more router beside that of the stack, with the same settings.
type router struct {
	URL, admin string
	log        string
	process    *os.Process
}

// freeAddr gives a loopback address that nobody listens on.
func freeAddr(t testing.TB) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }() // taken again by whoever it is for
	return l.Addr().String()
}

// startRouter starts a router that reads the Consul at this URL, and ends it with the test. It doesn't wait
// until it serves.
func (d *dev) startRouter(consul string) *router {
	d.t.Helper()
	listen, admin, metrics := freeAddr(d.t), freeAddr(d.t), freeAddr(d.t)
	r := &router{URL: "http://" + listen, admin: "http://" + admin, log: filepath.Join(d.t.TempDir(), "router.log")}
	name, args := crumpet, []string{"devstack", "router", "--listen", listen, "--admin", admin, "--metrics", metrics, "--consul", consul}
	if stack == "real" {
		// As crumpet dev starts it, and as docs/routing.md asks for.
		name, args = "fabio", []string{
			"-proxy.addr", listen + "," + metrics + ";proto=prometheus", "-metrics.target", "prometheus", "-metrics.prefix", "fabio",
			"-proxy.strategy", "rnd", "-proxy.dialtimeout", "1s", "-ui.addr", admin, "-ui.access", "ro",
			"-registry.consul.addr", strings.TrimPrefix(consul, "http://"), "-registry.consul.kvpath", "/fabio/config/",
			"-registry.consul.checksRequired", "all", "-registry.consul.register.addr", admin, "-insecure",
		}
	}
	file, err := os.Create(r.log)
	if err != nil {
		d.t.Fatal(err)
	}
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = file, file
	if err := cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	r.process = cmd.Process
	d.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended already
		ended := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait() // how it ends is of no consequence
		ended.Stop()
		_ = file.Close()
		if text, err := os.ReadFile(r.log); err == nil && d.t.Failed() {
			lines := strings.Split(string(text), "\n")
			d.t.Logf("last lines of the router at %s:\n%s", r.URL, strings.Join(lines[max(0, len(lines)-30):], "\n"))
		}
	})
	return r
}

// services are those with an entry in the router's table whose source begins with prefix; none while it
// shows no table.
func (r *router) services(prefix string) (names []string) {
	client := http.Client{Timeout: 5 * time.Second}
	answer, err := client.Get(r.admin + "/api/routes")
	if err != nil {
		return nil
	}
	defer func() { _ = answer.Body.Close() }()
	var rows []struct{ Service, Src string }
	if json.NewDecoder(answer.Body).Decode(&rows) != nil {
		return nil
	}
	for _, row := range rows {
		if strings.HasPrefix(row.Src, prefix) {
			names = append(names, row.Service)
		}
	}
	return names
}

// fenced says that the router has read a rule of the app: the operator's condition for sending clients to it.
func (r *router) fenced(app string) bool {
	return len(r.services("crumpet.invalid/default/"+app+"/")) > 0
}

// lateKV is a Consul whose answers about the KV come so much later.
func (d *dev) lateKV(by time.Duration) string {
	d.t.Helper()
	target, err := url.Parse(d.info.Consul)
	if err != nil {
		d.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.FlushInterval = -1
	proxy.ErrorLog = log.New(io.Discard, "", 0) // a query is given up when its router ends
	proxy.ModifyResponse = func(answer *http.Response) error {
		if !strings.HasPrefix(answer.Request.URL.Path, "/v1/kv/") {
			return nil
		}
		select {
		case <-time.After(by):
			return nil
		case <-answer.Request.Context().Done():
			return answer.Request.Context().Err()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	server := httptest.NewServer(proxy)
	d.t.Cleanup(func() {
		cancel()
		server.CloseClientConnections()
		server.Close()
	})
	return server.URL
}
