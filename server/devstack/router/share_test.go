package router_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/devstack/router"
)

func instances(service string, from, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "route add %s h/ http://1.1.1.1:%d/\n", service, from+i)
	}
	return b.String()
}

func slotsFor(t *testing.T, text string) map[string]int {
	t.Helper()
	s := open(t, router.Config{})
	if err := s.SetRoutes(text); err != nil {
		t.Fatal(err)
	}
	return s.Slots("h", "/")
}

func TestWeightOneLeaksForTwentyFourCountsAndWeightTwoForNone(t *testing.T) {
	t.Parallel()
	var leaks []int
	for green := 1; green <= 60; green++ {
		both := instances("green", 1000, green) + instances("blue", 2000, 3)
		if slotsFor(t, both+"route weight green h/ weight 1")["blue"] > 0 {
			leaks = append(leaks, green)
		}
		if blue := slotsFor(t, both+"route weight green h/ weight 2")["blue"]; blue != 0 {
			t.Errorf("weight 2 over %d green leaves blue %d slots", green, blue)
		}
	}
	if len(leaks) != 24 {
		t.Errorf("%d counts leak, want 24", len(leaks))
	}
	if diff := cmp.Diff([]int{6, 7, 10, 13, 14, 15, 19}, leaks[:7]); diff != "" {
		t.Error(diff)
	}
}

func TestShares(t *testing.T) {
	t.Parallel()
	two := instances("a", 1000, 1) + instances("b", 2000, 1)
	for name, tt := range map[string]struct {
		text string
		want map[string]int
	}{
		"no weight is an even share":                {two, map[string]int{"a": 1, "b": 1}},
		"weight 0 is an even share":                 {two + "route weight a h/ weight 0", map[string]int{"a": 1, "b": 1}},
		"a negative weight is an even share":        {two + "route weight a h/ weight -1", map[string]int{"a": 1, "b": 1}},
		"NaN is an even share":                      {two + "route weight a h/ weight NaN", map[string]int{"a": 1, "b": 1}},
		"an infinite weight empties the ring":       {two + "route weight a h/ weight Inf", map[string]int{"a": 0, "b": 0}},
		"a weight is of the service, not each":      {instances("a", 1000, 2) + instances("b", 2000, 1) + "route weight a h/ weight 0.5", map[string]int{"a": 5000, "b": 5000}},
		"a tiny weight gets one slot":               {two + "route weight a h/ weight 0.00001", map[string]int{"a": 1, "b": 9999}},
		"weights below one are scaled up":           {two + "route weight a h/ weight 0.1\nroute weight b h/ weight 0.3", map[string]int{"a": 2500, "b": 7500}},
		"a weight in the tag is that of each":       {"route add a h/ http://1.1.1.1:1/ weight 0.05\nroute add a h/ http://1.1.1.1:2/ weight 0.05\n" + instances("b", 2000, 1), map[string]int{"a": 1000, "b": 9000}},
		"the host of a weight is not lower-cased":   {two + "route weight a H/ weight 0.9", map[string]int{"a": 1, "b": 1}},
		"a weight by tags alone is for any service": {"route add a h/ http://1.1.1.1:1/ tags \"x\"\n" + instances("b", 2000, 1) + "route weight h/ weight 0.25 tags \"x\"", map[string]int{"a": 2500, "b": 7500}},
	} {
		if diff := cmp.Diff(tt.want, slotsFor(t, tt.text)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestRoundRobinSpreadsTheRing(t *testing.T) {
	t.Parallel()
	s := open(t, router.Config{Strategy: router.RoundRobin})
	var hits [2]int
	var text string
	for i := range hits {
		upstream := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits[i]++ }))
		t.Cleanup(upstream.Close)
		text += fmt.Sprintf("route add s%d h/ %s/\n", i, upstream.URL)
	}
	if err := s.SetRoutes(text + "route weight s0 h/ weight 0.25"); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		s.ServeHTTP(httptest.NewRecorder(), get("h", "/"))
	}
	// Four requests of a ring of 10,000 in which every fourth slot is s0's.
	if hits != [2]int{25, 75} {
		t.Errorf("got %v", hits)
	}
}

func get(host, path string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Host = host
	r.RemoteAddr = "127.0.0.9:1234"
	return r
}

func BenchmarkTwoThousandApps(b *testing.B) {
	var text strings.Builder
	for app := range 2000 {
		for i := range 4 {
			fmt.Fprintf(&text, "route add app%d app%d.example.com/ http://10.0.%d.%d:8080/ tags \"live\"\n", app, app, app%250, i)
		}
		fmt.Fprintf(&text, "route add crumpet-fence crumpet.invalid/default/app%d/1 http://127.0.0.1:9/\n", app)
		fmt.Fprintf(&text, "route weight app%d app%d.example.com/ weight 2\n", app, app)
	}
	s := open(b, router.Config{})
	for b.Loop() {
		if err := s.SetRoutes(text.String()); err != nil {
			b.Fatal(err)
		}
	}
}
