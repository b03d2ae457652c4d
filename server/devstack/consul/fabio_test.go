package consul_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	consulapi "github.com/hashicorp/consul/api"
)

// TestRealFabioRoutesByIt is run where a fabio is on PATH: the stand-in must do for a Fabio that nobody here wrote.
func TestRealFabioRoutesByIt(t *testing.T) {
	t.Parallel()
	fabio, err := exec.LookPath("fabio")
	if err != nil {
		t.Skip("fabio is not on PATH")
	}
	a := start(t, t.TempDir())
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, "from the app") }))
	t.Cleanup(app.Close)
	host, port := app.Listener.Addr().(*net.TCPAddr).IP.String(), app.Listener.Addr().(*net.TCPAddr).Port
	check(t, a.Agent().ServiceRegister(&consulapi.AgentServiceRegistration{
		ID: "app1", Name: "app", Address: host, Port: port, Tags: []string{"urlprefix-app.localhost/"},
		Check: &consulapi.AgentServiceCheck{HTTP: app.URL, Interval: "20ms"},
	}))

	proxy, ui := freeAddr(t), freeAddr(t)
	cmd := exec.Command(fabio, "-proxy.addr", proxy, "-ui.addr", ui, "-registry.consul.addr", a.url[len("http://"):],
		"-registry.consul.kvpath", "/fabio/config/", "-registry.consul.register.addr", ui, "-log.level", "WARN")
	log, err := os.Create(filepath.Join(t.TempDir(), "fabio.log"))
	check(t, err)
	cmd.Stdout, cmd.Stderr = log, log
	check(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if raw, err := os.ReadFile(log.Name()); err == nil && t.Failed() {
			t.Logf("fabio said:\n%s", raw)
		}
	})

	status := func() int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+proxy+"/", nil)
		check(t, err)
		req.Host = "app.localhost"
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return 0
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	eventually(t, "the app is routed", func() bool { return status() == http.StatusOK })
	eventually(t, "fabio registered itself and passes", func() bool {
		list, _, err := a.Health().Service("fabio", "", true, nil)
		check(t, err)
		return len(list) == 1
	})
	_, err = a.KV().Put(&consulapi.KVPair{Key: "fabio/config/app", Value: []byte("route del app")}, nil)
	check(t, err)
	eventually(t, "a rule takes the route away", func() bool { return status() == http.StatusNotFound })
	_, err = a.KV().DeleteTree("fabio/config/", nil)
	check(t, err)
	eventually(t, "without the rule it is back", func() bool { return status() == http.StatusOK })
	app.Close()
	eventually(t, "a critical instance is not routed", func() bool { return status() == http.StatusNotFound })
}

func freeAddr(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	defer func() { check(t, l.Close()) }()
	return l.Addr().String()
}
