package router_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/devstack/router"
)

type listed struct {
	Service, Src, Dst, Opts string
	Tags                    []string
	Weight                  float64
}

func open(t testing.TB, c router.Config) *router.Server {
	t.Helper()
	s, err := router.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func admin(t testing.TB, h http.Handler, path string) string {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	if w.Code != http.StatusOK {
		t.Fatalf("GET %s: %d %s", path, w.Code, w.Body)
	}
	return w.Body.String()
}

func decode(t testing.TB, body string) []listed {
	t.Helper()
	var routes []listed
	if err := json.Unmarshal([]byte(body), &routes); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return routes
}

func sources(routes []listed) []string {
	list := []string{}
	for _, r := range routes {
		list = append(list, r.Service+" "+r.Src+" "+r.Dst)
	}
	return list
}

// texts are route texts that Fabio takes, with the routes they leave. TestFabioAgrees gives the same texts to a real one.
var texts = []struct {
	name, text string
	want       []string
}{
	{"hosts are lower-cased and paths are not", "route add a Shop.Example.com/Cart http://1.1.1.1:1/", []string{"a shop.example.com/Cart http://1.1.1.1:1/"}},
	{"any run of white space separates", "  route \t add  a   h/ \t http://1.1.1.1:1/  ", []string{"a h/ http://1.1.1.1:1/"}},
	{"comments and blank lines are passed over", "# one\n\n// two\nroute add a h/ http://1.1.1.1:1/", []string{"a h/ http://1.1.1.1:1/"}},
	{"a bare host gets the path /", "route add a h http://1.1.1.1:1/", []string{"a h/ http://1.1.1.1:1/"}},
	{"a port has no path", "route add a :5000 tcp://1.1.1.1:1", []string{"a :5000 tcp://1.1.1.1:1"}},
	{
		"longer paths come first", "route add a h/ http://1.1.1.1:1/\nroute add a h/b/c http://1.1.1.1:1/\nroute add a h/b http://1.1.1.1:1/",
		[]string{"a h/b/c http://1.1.1.1:1/", "a h/b http://1.1.1.1:1/", "a h/ http://1.1.1.1:1/"},
	},
	{"the same target is added once", "route add a h/ http://1.1.1.1:1/\nroute add a h/ http://1.1.1.1:1/ opts \"strip=/x\"", []string{"a h/ http://1.1.1.1:1/"}},
	{"del by service", "route add a h/ http://1.1.1.1:1/\nroute add b h/ http://1.1.1.1:2/\nroute del a", []string{"b h/ http://1.1.1.1:2/"}},
	{"del by service and source", "route add a h/ http://1.1.1.1:1/\nroute add a g/ http://1.1.1.1:1/\nroute del a h/", []string{"a g/ http://1.1.1.1:1/"}},
	{"del by destination", "route add a h/ http://1.1.1.1:1/\nroute add a h/ http://1.1.1.1:2/\nroute del a h/ http://1.1.1.1:1/", []string{"a h/ http://1.1.1.1:2/"}},
	{"del by service and tags", "route add a h/ http://1.1.1.1:1/ tags \"x,y\"\nroute add a h/ http://1.1.1.1:2/ tags \"x\"\nroute del a tags \"x,y\"", []string{"a h/ http://1.1.1.1:2/"}},
	{"del by tags", "route add a h/ http://1.1.1.1:1/ tags \"x\"\nroute add b h/ http://1.1.1.1:2/\nroute del tags \"x\"", []string{"b h/ http://1.1.1.1:2/"}},
	{"del before add does nothing", "route del a\nroute add a h/ http://1.1.1.1:1/", []string{"a h/ http://1.1.1.1:1/"}},
	{"del with tags without quotes does nothing", "route add a h/ http://1.1.1.1:1/ tags \"x\"\nroute del a tags x", []string{"a h/ http://1.1.1.1:1/"}},
	{"del with empty tags deletes the service", "route add a h/ http://1.1.1.1:1/\nroute del a tags \"\"", []string{}},
	{"del of tags that are empty does nothing", "route add a h/ http://1.1.1.1:1/\nroute del tags \"\"", []string{"a h/ http://1.1.1.1:1/"}},
	{"a weight that matches nothing is passed over", "route add a h/ http://1.1.1.1:1/\nroute weight b h/ weight 0.5", []string{"a h/ http://1.1.1.1:1/"}},
	{"lines after one of more than 64 KB are not read", "route add a h/ http://1.1.1.1:1/\n# " + strings.Repeat("x", 70_000) + "\nroute del a", []string{"a h/ http://1.1.1.1:1/"}},
	{"a route after an unknown option", "route add a h/ http://1.1.1.1:1/ opts \"surprise=1\"", []string{"a h/ http://1.1.1.1:1/"}},
}

func TestRoutesLeftByAText(t *testing.T) {
	t.Parallel()
	for _, tt := range texts {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := open(t, router.Config{})
			if err := s.SetRoutes(tt.text); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, sources(decode(t, admin(t, s.Admin(), "/api/routes")))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// badLines are lines that freeze a table, in Fabio too.
var badLines = []string{
	"route wieght a h/ weight 1",
	"rout add a h/ http://1.1.1.1:1/",
	"route add a h/",
	"route add a h/ http://1.1.1.1:1/ # why",
	"route add a h/ http://1.1.1.1:1/ weight 0,05",
	"route add a h/ http://1.1.1.1:1/ tags \"a\\\"b\"",
	"route add a h/ http://1.1.1.1:1/ opts \"a=b\" tags \"x\"",
	"route add a h/ http://[::1",
	"route add a h/[ http://1.1.1.1:1/",
	"route del",
	"route del a h/ http://1.1.1.1:1/ more",
	"route weight a h/ 0.5",
	"route weight a h/ weight much",
	"route weight h/ weight 0.5",
}

func TestABadLineKeepsTheLastTable(t *testing.T) {
	t.Parallel()
	s := open(t, router.Config{})
	if err := s.SetRoutes("route add good h/ http://1.1.1.1:1/"); err != nil {
		t.Fatal(err)
	}
	for _, line := range badLines {
		if err := s.SetRoutes("route add other h/ http://1.1.1.1:1/\n" + line); err == nil {
			t.Errorf("%q was accepted", line)
		}
	}
	want := []string{"good h/ http://1.1.1.1:1/"}
	if diff := cmp.Diff(want, sources(decode(t, admin(t, s.Admin(), "/api/routes")))); diff != "" {
		t.Error(diff)
	}
}

func TestAnEmptyTableIsListedAsNull(t *testing.T) {
	t.Parallel()
	s := open(t, router.Config{})
	if got := admin(t, s.Admin(), "/api/routes"); got != "null" {
		t.Errorf("got %q", got)
	}
}

// A text is accepted exactly if each of its lines is, and the table of any accepted text can be asked.
func FuzzParse(f *testing.F) {
	for _, tt := range texts {
		f.Add(tt.text)
	}
	for _, line := range badLines {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 60_000 { // the scanner's limit ends a text
			return
		}
		s := open(t, router.Config{})
		err := s.SetRoutes(text)
		var faults int
		for line := range strings.Lines(text) {
			if open(t, router.Config{}).SetRoutes(line) != nil {
				faults++
			}
		}
		if (err != nil) != (faults > 0) {
			t.Fatalf("%d bad lines, yet %v: %q", faults, err, text)
		}
		for _, path := range []string{"/api/routes", "/api/routes?raw"} {
			s.Admin().ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, path, nil))
		}
		s.Find("h", "/")
	})
}
