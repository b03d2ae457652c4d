package nomad_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/crumpet-paas/crumpet/server/nomad"
	"github.com/crumpet-paas/crumpet/server/paas"
)

func TestAskPrintsWhatACheckWouldPrint(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/moved" {
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
			return
		}
		w.WriteHeader(http.StatusTeapot)
	}))
	t.Cleanup(s.Close)
	at := endpoint(t, s.Listener)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := endpoint(t, closed)
	_ = closed.Close()
	c := client(t, nomad.Config{})
	for _, tt := range []struct {
		name string
		at   paas.Endpoint
		path string
		want string // "" for nothing printed
	}{
		{"a status", at, "/healthz", "HTTP GET " + s.URL + "/healthz: 418 I'm a teapot"},
		{"a redirect, not followed", at, "/moved", "HTTP GET " + s.URL + "/moved: 302 Found"},
		{"a connection", at, "", ""},
		{"nobody there", nobody, "", "connection refused"},
		{"nobody there for http", nobody, "/", "connection refused"},
	} {
		got := c.Ask(t.Context(), tt.at, tt.path)
		if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func endpoint(t *testing.T, l net.Listener) paas.Endpoint {
	t.Helper()
	addr, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		t.Fatalf("%s is no TCP address", l.Addr())
	}
	return paas.Endpoint{Host: addr.IP.String(), Port: addr.Port}
}
