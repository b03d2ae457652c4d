package router_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/devstack/router"
)

// named is an upstream that answers with its name and what it was sent.
func named(t testing.TB, name string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Upstream", name)
		_, _ = fmt.Fprintf(w, "%s %s %s", name, r.Host, r.RequestURI)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func set(t testing.TB, s *router.Server, lines ...string) {
	t.Helper()
	if err := s.SetRoutes(strings.Join(lines, "\n")); err != nil {
		t.Fatal(err)
	}
}

func send(s *router.Server, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func TestTheMostSpecificRouteAnswers(t *testing.T) {
	t.Parallel()
	s := open(t, router.Config{})
	var lines []string
	for _, src := range []string{"/", "shop.example.com/", "shop.example.com/cart", "*.example.com/", "*.a.example.com/", "port.example.com:8080/", "default.example.com:80/", "/only/here"} {
		lines = append(lines, "route add svc "+src+" "+named(t, src)+"/")
	}
	set(t, s, lines...)
	for _, tt := range []struct{ host, path, want string }{
		{"shop.example.com", "/", "shop.example.com/"},
		{"SHOP.example.com", "/cart/1", "shop.example.com/cart"},
		{"shop.example.com", "/cartoon", "shop.example.com/cart"},
		{"shop.example.com:80", "/", "shop.example.com/"},
		{"shop.example.com:9999", "/", "/"}, // another port is another host
		{"other.example.com", "/", "*.example.com/"},
		{"deep.a.example.com", "/", "*.a.example.com/"},
		{"port.example.com:8080", "/", "port.example.com:8080/"},
		{"default.example.com", "/", "default.example.com:80/"},
		{"elsewhere", "/only/here", "/only/here"},
		{"shop.example.com", "/cart/../x", "shop.example.com/"},
		{"shop.example.com", "/x/%2e%2e/cart", "shop.example.com/cart"},
	} {
		if got := send(s, get(tt.host, tt.path)).Header().Get("X-Upstream"); got != tt.want {
			t.Errorf("%s%s went to %q, want %q", tt.host, tt.path, got, tt.want)
		}
	}
}

func TestOptionsOfARoute(t *testing.T) {
	t.Parallel()
	s := open(t, router.Config{})
	up := named(t, "up")
	set(
		t, s,
		"route add a strip/api "+up+`/ opts "strip=/api"`,
		"route add a prepend/ "+up+`/ opts "prepend=/v1"`,
		"route add a host/ "+up+`/ opts "host=inner.example.com"`,
		"route add a query/ "+up+"/?a=1",
		"route add a deny/ "+up+`/ opts "deny=ip:127.0.0.0/8"`,
		"route add a allow/ "+up+`/ opts "allow=ip:127.0.0.9"`,
		"route add a xff/ "+up+`/ opts "deny=ip:10.0.0.0/8"`,
		"route add a auth/ "+up+`/ opts "auth=basic"`,
		`route add a moved/ https://new.example.com$path opts "redirect=301"`,
		`route add a badcode/ `+up+`/ opts "redirect=200"`,
	)
	for _, tt := range []struct {
		host, path string
		code       int
		want       string
	}{
		{"strip", "/api/users?q=1", 200, "up strip /users?q=1"},
		{"strip", "/api", 200, "up strip /"},
		{"prepend", "/x", 200, "up prepend /v1/x"},
		{"host", "/", 200, "up inner.example.com /"},
		{"query", "/?b=2", 200, "up query /?a=1&b=2"},
		{"query", "/a%20b", 200, "up query /a%20b?a=1"},
		{"deny", "/", 403, "access denied\n"},
		{"allow", "/", 200, "up allow /"},
		{"auth", "/", 401, "authorization failed\n"},
		{"moved", "/a/b?c=1", 301, "https://new.example.com/a/b?c=1"},
		{"badcode", "/", 200, "up badcode /"},
		{"nowhere", "/", 404, ""},
	} {
		w := send(s, get(tt.host, tt.path))
		got := w.Body.String()
		if location := w.Header().Get("Location"); location != "" {
			got = location
		}
		if w.Code != tt.code || got != tt.want {
			t.Errorf("%s%s: %d %q, want %d %q", tt.host, tt.path, w.Code, got, tt.code, tt.want)
		}
	}
	r := get("xff", "/")
	r.Header.Set("X-Forwarded-For", "192.0.2.1, 10.1.1.1")
	if w := send(s, r); w.Code != http.StatusForbidden {
		t.Errorf("denied address in X-Forwarded-For: %d", w.Code)
	}
}

func TestHeadersSayWhoCalled(t *testing.T) {
	t.Parallel()
	seen := make(chan http.Header, 1)
	up := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen <- r.Header.Clone() }))
	t.Cleanup(up.Close)
	s := open(t, router.Config{})
	set(t, s, "route add a h:81/ "+up.URL+`/ opts "strip=/x"`)
	pick := func(h http.Header) map[string]string {
		got := map[string]string{}
		for _, key := range []string{"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Proto", "X-Forwarded-Prefix", "X-Real-Ip", "Forwarded", "User-Agent", "Secret"} {
			if v := h.Get(key); v != "" {
				got[key] = v
			}
		}
		return got
	}
	send(s, get("h:81", "/"))
	want := map[string]string{
		"X-Forwarded-For": "127.0.0.9", "X-Forwarded-Host": "h:81", "X-Forwarded-Port": "81", "X-Forwarded-Proto": "http",
		"X-Forwarded-Prefix": "/x", "X-Real-Ip": "127.0.0.9", "Forwarded": "for=127.0.0.9; proto=http; httpproto=http/1.1",
	}
	if diff := cmp.Diff(want, pick(<-seen)); diff != "" {
		t.Error(diff)
	}
	r := get("h:81", "/")
	for key, value := range map[string]string{
		"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https", "X-Real-Ip": "192.0.2.7", "X-Forwarded-Host": "front",
		"Connection": "X-Real-Ip, Secret", "Secret": "hop",
	} {
		r.Header.Set(key, value)
	}
	send(s, r)
	want["X-Forwarded-For"], want["X-Forwarded-Proto"], want["X-Real-Ip"] = "192.0.2.7, 127.0.0.9", "https", "192.0.2.7"
	want["X-Forwarded-Host"], want["Forwarded"] = "front", "for=127.0.0.9; proto=https; httpproto=http/1.1"
	if diff := cmp.Diff(want, pick(<-seen)); diff != "" {
		t.Error(diff)
	}
}

func TestUpstreamFailures(t *testing.T) {
	t.Parallel()
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	ends := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_ = conn.Close()
		}
	}))
	t.Cleanup(ends.Close)
	s := open(t, router.Config{})
	set(t, s, "route add a refused/ "+closed.URL+"/", "route add a ends/ "+ends.URL+"/")
	for host, want := range map[string]int{"refused": 502, "ends": 502} {
		r := get(host, "/")
		r.Method = http.MethodPost
		if w := send(s, r); w.Code != want {
			t.Errorf("%s: %d, want %d", host, w.Code, want)
		}
	}
	metrics := admin(t, s.Metrics(), "/metrics")
	if want := `fabio_http_status_count{code="502",service="a"} 2`; !strings.Contains(metrics, want) {
		t.Errorf("%s is not in\n%s", want, metrics)
	}
}

func TestEventsArriveBeforeTheAnswerEnds(t *testing.T) {
	t.Parallel()
	more := make(chan struct{})
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: 1\n\n")
		_ = http.NewResponseController(w).Flush()
		<-more
	}))
	t.Cleanup(up.Close)
	s := open(t, router.Config{})
	set(t, s, "route add a / "+up.URL+"/")
	front := httptest.NewServer(s)
	t.Cleanup(front.Close)
	answer, err := http.Get(front.URL)
	if err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(answer.Body).ReadString('\n') // blocks for ever if the proxy holds it back
	close(more)
	_ = answer.Body.Close()
	if err != nil || line != "data: 1\n" {
		t.Errorf("%q %v", line, err)
	}
}

func TestAnUpgradedConnectionIsPassedThrough(t *testing.T) {
	t.Parallel()
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: " + r.Header.Get("Upgrade") + "\r\n\r\n")
		_ = rw.Flush()
		line, _ := rw.ReadString('\n')
		_, _ = rw.WriteString("echo " + line)
		_ = rw.Flush()
	}))
	t.Cleanup(up.Close)
	s := open(t, router.Config{})
	set(t, s, "route add a / "+up.URL+"/")
	front := httptest.NewServer(s)
	t.Cleanup(front.Close)
	conn, err := net.Dial("tcp", front.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	reader := bufio.NewReader(conn)
	answer, err := http.ReadResponse(reader, nil)
	if err != nil || answer.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%v %v", answer, err)
	}
	_ = answer.Body.Close()
	_, _ = io.WriteString(conn, "hello\n")
	if line, err := reader.ReadString('\n'); line != "echo hello\n" {
		t.Errorf("%q %v", line, err)
	}
}

// Requests that hold their connection open while the table moves back and forth are all answered, by the target
// they were given.
func TestSwapsUnderLoadLoseNothing(t *testing.T) {
	t.Parallel()
	s := open(t, router.Config{})
	blue, green := "route add blue h/ "+named(t, "blue")+"/", "route add green h/ "+named(t, "green")+"/"
	set(t, s, blue)
	front := httptest.NewServer(s)
	t.Cleanup(front.Close)

	var failed, answered atomic.Int64
	stop := make(chan struct{})
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				r, _ := http.NewRequest(http.MethodGet, front.URL+"/x", nil)
				r.Host = "h"
				answer, err := http.DefaultClient.Do(r)
				answered.Add(1)
				if err != nil {
					failed.Add(1)
					continue
				}
				body, err := io.ReadAll(answer.Body)
				_ = answer.Body.Close()
				if err != nil || answer.StatusCode != http.StatusOK || !strings.HasSuffix(string(body), "h /x") {
					failed.Add(1)
				}
			}
		})
	}
	for i := 0; answered.Load() < 2000; i++ {
		set(t, s, blue, green, fmt.Sprintf("route weight green h/ weight %g", float64(i%10)/10))
		set(t, s, green)
		set(t, s, green, blue, "route del green")
	}
	close(stop)
	callers.Wait()
	if n := failed.Load(); n != 0 {
		t.Errorf("%d of %d requests failed", n, answered.Load())
	}
}

func sendTo(h http.Handler, r *http.Request) int {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code
}
