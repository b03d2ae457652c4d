package fabio_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/fabio"
	"github.com/crumpet-paas/crumpet/server/paas"
)

func server(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return s.URL
}

func says(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/routes" {
			http.NotFound(w, r)
			return
		}
		_, _ = io.WriteString(w, body)
	}
}

func client(t *testing.T, cfg fabio.Config) *fabio.Client {
	t.Helper()
	if cfg.RouterURL == "" {
		cfg.RouterURL = "http://127.0.0.1:9999"
	}
	c, err := fabio.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Recorded from Fabio of August 2026, shortened.
const routes = `[
    {"service":"crumpet-fence","host":"crumpet.invalid","path":"/acme/shop/7","src":"crumpet.invalid/acme/shop/7","dst":"http://127.0.0.1:9/","opts":"","cmd":"route add","weight":1,"rate1":0,"pct99":0},
    {"service":"acme--shop--web--blue","host":"shop.localhost","path":"/","src":"shop.localhost/","dst":"http://127.0.0.1:28172","opts":"","cmd":"route add","weight":0.5,"rate1":0,"pct99":0}
]`

func TestTablesAreThoseOfEveryRouter(t *testing.T) {
	t.Parallel()
	full, empty := server(t, says(routes)), server(t, says("null"))
	c := client(t, fabio.Config{
		Addresses: []string{full},
		Discover: func(context.Context) ([]fabio.Router, error) {
			return []fabio.Router{{Address: strings.TrimPrefix(empty, "http://")}, {Address: strings.TrimPrefix(full, "http://")}}, nil
		},
	})
	tables, err := c.Tables(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]paas.RouterEntry{}
	for _, table := range tables {
		got[table.Router] = table.Entries
	}
	want := map[string][]paas.RouterEntry{
		full: {
			{Service: "crumpet-fence", Host: "crumpet.invalid", Path: "/acme/shop/7", Dst: "127.0.0.1:9", Weight: 1},
			{Service: "acme--shop--web--blue", Host: "shop.localhost", Path: "/", Dst: "127.0.0.1:28172", Weight: 0.5},
		},
		empty: {},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("tables (-want +got):\n%s", diff)
	}
}

func TestAnUnreachableRouterIsNamedAndTheOthersAreRead(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	broken := server(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
	c := client(t, fabio.Config{Addresses: []string{gone.URL, broken, server(t, says(routes))}})
	tables, err := c.Tables(t.Context())
	if len(tables) != 1 || paas.CodeOf(err) != paas.Unavailable || !strings.Contains(err.Error(), gone.URL) || !strings.Contains(err.Error(), broken) {
		t.Errorf("%d tables, error %v, want 1 and an error naming %s and %s", len(tables), err, gone.URL, broken)
	}
}

func TestNoRouterAtAllIsAnError(t *testing.T) {
	t.Parallel()
	if _, err := client(t, fabio.Config{}).Tables(t.Context()); paas.CodeOf(err) != paas.Unavailable {
		t.Errorf("error = %v, want unavailable", err)
	}
	lost := errors.New("consul is away")
	c := client(t, fabio.Config{Addresses: []string{server(t, says("null"))}, Discover: func(context.Context) ([]fabio.Router, error) { return nil, lost }})
	if _, err := c.Tables(t.Context()); !errors.Is(err, lost) {
		t.Errorf("error = %v, want %v: a router that can't be found may hold another table", err, lost)
	}
}

func TestAnswersGoesThroughTheRouterAndFollowsNoRedirect(t *testing.T) {
	t.Parallel()
	var asked []string
	router := server(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.Host+r.URL.Path)
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	})
	c := client(t, fabio.Config{RouterURL: router + "/"})
	for _, host := range []string{"shop.localhost", "*.shop.localhost"} {
		status, err := c.Answers(t.Context(), host, "/a/")
		if status != http.StatusFound || err != nil {
			t.Errorf("Answers = %d, %v, want 302", status, err)
		}
	}
	port := router[strings.LastIndex(router, ":"):]
	if diff := cmp.Diff([]string{"GET shop.localhost" + port + "/a/", "GET crumpet-probe.shop.localhost" + port + "/a/"}, asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	if _, err := client(t, fabio.Config{RouterURL: gone.URL}).Answers(t.Context(), "x", "/"); paas.CodeOf(err) != paas.Unavailable {
		t.Errorf("error = %v, want unavailable", err)
	}
}
