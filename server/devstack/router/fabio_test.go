package router_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/devstack/router"
)

func needFabio(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("fabio"); err != nil {
		t.Skip("no fabio on PATH to compare with")
	}
}

// fabio starts a real Fabio with a fixed text and returns the addresses of its proxy and admin API.
func fabio(t *testing.T, text string) (proxy, admin string) {
	t.Helper()
	proxy, admin = freeAddr(t), freeAddr(t)
	cmd := exec.Command("fabio", "-registry.backend", "static", "-registry.static.routes", text,
		"-proxy.addr", proxy, "-ui.addr", admin, "-ui.access", "ro")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	eventually(t, true, func() bool { return reachable(admin) })
	return proxy, admin
}

func fetch(t *testing.T, url string) string {
	t.Helper()
	client := http.Client{Timeout: 10 * time.Second}
	response, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func normalized(t *testing.T, body string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return v
}

func TestFabioListsTheSameRoutes(t *testing.T) {
	t.Parallel()
	needFabio(t)
	cases := map[string]string{
		"weight 1 over six": instances("green", 1000, 6) + instances("blue", 2000, 3) + "route weight green h/ weight 1",
		"weight 2 over six": instances("green", 1000, 6) + instances("blue", 2000, 3) + "route weight green h/ weight 2",
		"tags and weights":  "route add a h/ http://1.1.1.1:1/ weight 0.3 tags \"x, y\" opts \"strip=/a\"\nroute add b *.h/ http://1.1.1.1:2/?q=1",
	}
	for _, tt := range texts {
		cases[tt.name] = tt.text
	}
	for name, text := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proxy, api := fabio(t, text)
			eventually(t, true, func() bool { return reachable(proxy) })
			s := open(t, router.Config{})
			set(t, s, text)
			for _, path := range []string{"/api/routes", "/health"} {
				theirs, ours := fetch(t, "http://"+api+path), admin(t, s.Admin(), path)
				if path == "/api/routes" {
					if diff := cmp.Diff(normalized(t, theirs), normalized(t, ours)); diff != "" {
						t.Error(diff)
					}
				} else if theirs != ours {
					t.Errorf("%s: %q, Fabio says %q", path, ours, theirs)
				}
			}
			if theirs, ours := fetch(t, "http://"+api+"/api/routes?raw"), admin(t, s.Admin(), "/api/routes?raw"); theirs != ours {
				t.Errorf("raw: %q, Fabio says %q", ours, theirs)
			}
		})
	}
}

func TestFabioRefusesTheSameLines(t *testing.T) {
	t.Parallel()
	needFabio(t)
	for _, line := range badLines {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			_, api := fabio(t, "route add a h/ http://1.1.1.1:1/\n"+line)
			// Fabio shows the table as soon as it took the text: give it as long as the others need.
			for range 20 {
				if got := fetch(t, "http://"+api+"/api/routes"); got != "null" {
					t.Fatalf("Fabio took it: %s", got)
				}
				time.Sleep(10 * time.Millisecond)
			}
		})
	}
}

func TestFabioAnswersTheSame(t *testing.T) {
	t.Parallel()
	needFabio(t)
	up, echo := named(t, "up"), named(t, "echo")
	text := "route add a strip/api " + up + "/ opts \"strip=/api\"\n" +
		"route add a prepend/ " + up + "/?a=1 opts \"prepend=/v1\"\n" +
		"route add a *.glob/ " + echo + "/\nroute add a x.glob/ " + up + "/\n" +
		"route add a port:81/ " + up + "/\nroute add a plain/ " + up + "/\n" +
		"route add a refused/ http://127.0.0.1:1/\n" +
		"route add a moved/ https://new$path opts \"redirect=302\"\n" +
		"route add a denied/ " + up + "/ opts \"deny=ip:127.0.0.1\"\n" +
		"route add a auth/ " + up + "/ opts \"auth=x\"\n"
	proxy, _ := fabio(t, text)
	eventually(t, true, func() bool { return reachable(proxy) })
	s := open(t, router.Config{})
	set(t, s, text)
	client := http.Client{
		Timeout:       10 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	for _, tt := range []struct{ host, path string }{
		{"strip", "/api/x?q=1"},
		{"strip", "/api"},
		{"strip", "/apix"},
		{"strip", "/other"},
		{"prepend", "/p?b=2"},
		{"prepend", "/a%2Fb"},
		{"a.glob", "/"},
		{"x.glob", "/"},
		{"A.Glob:80", "/"},
		{"port:81", "/"},
		{"port", "/"},
		{"plain:9999", "/"},
		{"plain", "/a/../b//c/"},
		{"plain", "/%2e%2e/x"},
		{"plain", "/a%3Fb"},
		{"refused", "/"},
		{"moved", "/a/b?c=1"},
		{"denied", "/"},
		{"auth", "/"},
		{"nowhere", "/"},
	} {
		r, err := http.NewRequest(http.MethodGet, "http://"+proxy+tt.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = tt.host
		theirs, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(theirs.Body)
		_ = theirs.Body.Close()
		ours := send(s, func() *http.Request { r := get(tt.host, tt.path); r.RemoteAddr = "127.0.0.1:5"; return r }())
		want := fmt.Sprintf("%d %s %q", theirs.StatusCode, theirs.Header.Get("Location"), body)
		if got := fmt.Sprintf("%d %s %q", ours.Code, ours.Header().Get("Location"), ours.Body.Bytes()); got != want {
			t.Errorf("%s%s: %s, Fabio says %s", tt.host, tt.path, got, want)
		}
	}
}
