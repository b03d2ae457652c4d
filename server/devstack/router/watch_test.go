package router_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	consulapi "github.com/hashicorp/consul/api"

	"github.com/crumpet-paas/crumpet/server/devstack/router"
)

func freeAddr(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

type running struct {
	*router.Server
	config router.Config
	stop   context.CancelFunc
	done   chan error
}

// run starts a router on the fake Consul; the end of the test stops it.
func run(t *testing.T, f *fakeConsul, c router.Config) *running {
	t.Helper()
	c.Listen, c.Admin, c.ConsulAddr = freeAddr(t), freeAddr(t), f.URL
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{Server: open(t, c), config: c, stop: cancel, done: make(chan error, 1)}
	go func() { r.done <- r.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-r.done:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(30 * time.Second):
			t.Error("the router did not end")
		}
	})
	return r
}

// eventually asks until got equals want.
func eventually[T any](t *testing.T, want T, got func() T) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		diff := cmp.Diff(want, got())
		if diff == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(diff)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (r *running) sources(t *testing.T) func() []string {
	return func() []string { return sources(decode(t, admin(t, r.Admin(), "/api/routes"))) }
}

func TestTheTableFollowsTagsAndKeys(t *testing.T) {
	t.Parallel()
	f := newFakeConsul(t)
	f.instance("web", "w1", "passing", 8001, "live", "urlprefix-Shop.$DC.example.com/Cart strip=/Cart weight=0.5", "urlprefix-:7000 proto=tcp")
	f.instance("web", "w2", "critical", 8002, "urlprefix-shop.dc7.example.com/Cart")
	f.instance("old", "o1", "passing", 8003, "urlprefix-/old redirect=301,https://new.example.com$path")
	f.instance("none", "n1", "passing", 8004, "no-route")
	f.key("fabio/config", "route add kv a.example.com/ http://1.1.1.1:1/")
	f.key("fabio/config-backup/old", "route add prefix b.example.com/ http://1.1.1.1:1/")
	f.key("other", "nonsense")
	r := run(t, f, router.Config{})

	want := []listed{
		{Service: "old", Src: "/old", Dst: "https://new.example.com$path", Opts: "redirect=301", Weight: 1},
		{Service: "web", Src: ":7000", Dst: "tcp://10.9.9.9:8001", Tags: []string{"live"}, Weight: 1},
		{Service: "kv", Src: "a.example.com/", Dst: "http://1.1.1.1:1/", Weight: 1},
		{Service: "prefix", Src: "b.example.com/", Dst: "http://1.1.1.1:1/", Weight: 1},
		{Service: "web", Src: "shop.dc7.example.com/Cart", Dst: "http://10.9.9.9:8001/", Opts: "strip=/Cart", Tags: []string{"live"}, Weight: 1},
	}
	eventually(t, want, func() []listed { return decode(t, admin(t, r.Admin(), "/api/routes")) })

	f.key("fabio/config/z", "route del web\nroute del kv\nroute del prefix\nroute del old")
	eventually(t, []string{}, r.sources(t))
}

func TestABadKeyFreezesTheTableUntilItGoes(t *testing.T) {
	t.Parallel()
	f := newFakeConsul(t)
	f.instance("web", "w1", "passing", 8001, "urlprefix-h/")
	r := run(t, f, router.Config{})
	eventually(t, []string{"web h/ http://10.9.9.9:8001/"}, r.sources(t))

	f.key("fabio/config/bad", "route wieght web h/ weight 1")
	f.instance("web", "w2", "passing", 8002, "urlprefix-h/")
	if got := r.sources(t)(); len(got) != 1 {
		t.Errorf("the table moved to %v", got)
	}
	f.change(func() { f.keys = nil })
	eventually(t, []string{"web h/ http://10.9.9.9:8002/", "web h/ http://10.9.9.9:8001/"}, r.sources(t))
}

func TestOnlyPassingInstancesAreRouted(t *testing.T) {
	t.Parallel()
	tag := "urlprefix-h/"
	for _, tt := range []struct {
		name     string
		required string
		extra    *consulapi.HealthCheck
		routed   bool
	}{
		{"one of two checks passes", "one", &consulapi.HealthCheck{Node: "n1", CheckID: "c2", ServiceID: "w1", ServiceName: "web", ServiceTags: []string{tag}, Status: "critical"}, true},
		{"one of two checks passes, all required", "all", &consulapi.HealthCheck{Node: "n1", CheckID: "c2", ServiceID: "w1", ServiceName: "web", ServiceTags: []string{tag}, Status: "warning"}, false},
		{"the node is down", "one", &consulapi.HealthCheck{Node: "n1", CheckID: "serfHealth", Status: "critical"}, false},
		{"another node is down", "one", &consulapi.HealthCheck{Node: "n2", CheckID: "serfHealth", Status: "critical"}, true},
		{"the node is in maintenance", "one", &consulapi.HealthCheck{Node: "n1", CheckID: "_node_maintenance", Status: "critical"}, false},
		{"the instance is in maintenance", "one", &consulapi.HealthCheck{Node: "n1", CheckID: "_service_maintenance:w1", ServiceID: "w1", Status: "critical"}, false},
		{"another instance is in maintenance", "one", &consulapi.HealthCheck{Node: "n1", CheckID: "_service_maintenance:w9", ServiceID: "w9", Status: "critical"}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFakeConsul(t)
			f.instance("web", "w1", "passing", 8001, tag)
			f.instance("mark", "m1", "passing", 8002, "urlprefix-mark/") // says when the table is there
			f.change(func() { f.checks[1].Node = "n3"; f.instances["mark"][0].Node = "n3" })
			f.check(tt.extra)
			r := run(t, f, router.Config{ChecksRequired: tt.required})
			want := []string{"mark mark/ http://10.9.9.9:8002/"}
			if tt.routed {
				want = []string{"web h/ http://10.9.9.9:8001/", want[0]}
			}
			eventually(t, want, r.sources(t))
		})
	}
}

func TestACatalogThatFailsKeepsTheRoutes(t *testing.T) {
	t.Parallel()
	f := newFakeConsul(t)
	f.instance("web", "w1", "passing", 8001, "urlprefix-h/")
	r := run(t, f, router.Config{})
	want := []string{"web h/ http://10.9.9.9:8001/"}
	eventually(t, want, r.sources(t))
	f.change(func() { f.broken = true })
	f.key("fabio/config/seen", "route add seen seen/ http://1.1.1.1:1/")
	eventually(t, append(want, "seen seen/ http://1.1.1.1:1/"), r.sources(t))
}

func TestRunListensRegistersAndFinishesItsRequests(t *testing.T) {
	t.Parallel()
	arrived, leave := make(chan struct{}), make(chan struct{})
	upstream := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(arrived)
		<-leave
		_, _ = io.WriteString(w, "done")
	})}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = upstream.Serve(l) }()
	t.Cleanup(func() { _ = upstream.Close() })

	f := newFakeConsul(t)
	f.key("fabio/config/slow", fmt.Sprintf("route add slow / http://%s/", l.Addr()))
	r := run(t, f, router.Config{})
	eventually(t, []string{"slow / http://" + l.Addr().String() + "/"}, r.sources(t))
	eventually(t, true, func() bool { return reachable(r.config.Listen) })
	eventually(t, 1, func() int { return len(f.registered()) })
	service := f.registered()[0]
	if service.Name != "fabio" || net.JoinHostPort(service.Address, fmt.Sprint(service.Port)) != r.config.Admin {
		t.Errorf("registered as %s at %s:%d", service.Name, service.Address, service.Port)
	}
	if got := service.Checks[1].HTTP; got != "http://"+r.config.Admin+"/health" {
		t.Errorf("checked at %s", got)
	}

	body := make(chan string, 1)
	go func() {
		answer, err := http.Get("http://" + r.config.Listen + "/")
		if err != nil {
			body <- err.Error()
			return
		}
		defer func() { _ = answer.Body.Close() }()
		text, _ := io.ReadAll(answer.Body)
		body <- string(text)
	}()
	<-arrived
	r.stop()
	eventually(t, false, func() bool { return reachable(r.config.Listen) })
	close(leave)
	if got := <-body; got != "done" {
		t.Errorf("the request in flight got %q", got)
	}
	if err := <-r.done; err != nil {
		t.Error(err)
	}
	r.done <- nil // for the clean-up
	if left := f.registered(); len(left) != 0 {
		t.Errorf("still registered: %v", left)
	}
}

func TestAnAddressInUseEndsTheRun(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	f := newFakeConsul(t)
	s := open(t, router.Config{Listen: l.Addr().String(), Admin: freeAddr(t), ConsulAddr: f.URL})
	if err := s.Run(context.Background()); err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("got %v", err)
	}
}

func TestTheAdminAPIIsReadOnly(t *testing.T) {
	t.Parallel()
	s := open(t, router.Config{})
	for path, want := range map[string]int{"/api/manual/x": 403, "/api/paths": 403, "/manual": 403, "/api/config": 200, "/metrics": 501, "/health": 200, "/api/version": 200} {
		r := get("admin", path)
		if w := sendTo(s.Admin(), r); w != want {
			t.Errorf("%s: %d, want %d", path, w, want)
		}
	}
}

func reachable(addr string) bool {
	conn, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}
