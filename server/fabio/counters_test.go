package fabio_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/fabio"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// Recorded from Fabio 1.7.3, shortened: 200, 500 and 502 (nobody listened any more) of one service, 502 of
// the other, and a service that is none of ours.
const metrics = `# HELP fabio_http_status 
# TYPE fabio_http_status histogram
fabio_http_status_bucket{code="200",service="acme--shop--web--blue",le="0.005"} 1
fabio_http_status_bucket{code="200",service="acme--shop--web--blue",le="+Inf"} 2
fabio_http_status_sum{code="200",service="acme--shop--web--blue"} 0.5
fabio_http_status_count{code="200",service="acme--shop--web--blue"} 2
fabio_http_status_bucket{code="500",service="acme--shop--web--blue",le="+Inf"} 3
fabio_http_status_sum{code="500",service="acme--shop--web--blue"} 0.25
fabio_http_status_count{code="500",service="acme--shop--web--blue"} 3
fabio_http_status_bucket{code="502",service="acme--shop--web--blue",le="+Inf"} 2
fabio_http_status_sum{code="502",service="acme--shop--web--blue"} 0.25
fabio_http_status_count{code="502",service="acme--shop--web--blue"} 2
fabio_http_status_bucket{code="502",service="acme--shop--web--green",le="+Inf"} 4
fabio_http_status_sum{code="502",service="acme--shop--web--green"} 0.125
fabio_http_status_count{code="502",service="acme--shop--web--green"} 4
fabio_http_status_bucket{code="404",service="somebody-elses",le="+Inf"} 4
fabio_http_status_sum{code="404",service="somebody-elses"} 0.125
fabio_http_status_count{code="404",service="somebody-elses"} 4
# HELP fabio_requests 
# TYPE fabio_requests histogram
fabio_requests_bucket{service="acme--shop--web--blue",le="+Inf"} 7
fabio_requests_sum{service="acme--shop--web--blue"} 1
fabio_requests_count{service="acme--shop--web--blue"} 7
# HELP process_start_time_seconds Start time of the process since unix epoch in seconds.
# TYPE process_start_time_seconds gauge
process_start_time_seconds 1.79539433184e+09
`

// fabioWith is a router whose admin API names a listener for its metrics.
func fabioWith(t *testing.T, listener http.HandlerFunc) (admin string) {
	t.Helper()
	_, port, _ := strings.Cut(strings.TrimPrefix(server(t, listener), "http://"), ":")
	return server(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/config" {
			http.NotFound(w, r)
			return
		}
		_, _ = fmt.Fprintf(w, `{"Listen":[{"Addr":"127.0.0.1:9999","Proto":"http"},{"Addr":":%s","Proto":"prometheus"}],
			"Metrics":{"Target":"prometheus","Prometheus":{"Path":"/counted"}}}`, port)
	})
}

func TestCountersAreThoseOfOurServicesOfEveryRouter(t *testing.T) {
	t.Parallel()
	one := fabioWith(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/counted" {
			http.NotFound(w, r)
			return
		}
		_, _ = io.WriteString(w, metrics)
	})
	none := fabioWith(t, func(http.ResponseWriter, *http.Request) {})
	all, err := client(t, fabio.Config{Addresses: []string{one, none}}).Counters(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]paas.RouterCounters{}
	for _, c := range all {
		got[c.Router] = c
	}
	blue := paas.Service{Team: "acme", App: "shop", Process: "web", Slot: paas.Blue}
	green := paas.Service{Team: "acme", App: "shop", Process: "web", Slot: paas.Green}
	want := map[string]paas.RouterCounters{
		none: {Router: none, Counts: map[paas.Service]paas.Count{}},
		one: {
			Router: one, Started: time.Unix(1795394331, 840_000_000).UTC(),
			Counts: map[paas.Service]paas.Count{
				blue:  {Requests: 7, Errors: 5, Took: time.Second},
				green: {Requests: 4, Errors: 4, Took: time.Second / 8},
			},
		},
	}
	started := cmp.Comparer(func(a, b time.Time) bool { return a.Sub(b).Abs() < time.Millisecond }) // it comes as a float
	if diff := cmp.Diff(want, got, started); diff != "" {
		t.Errorf("counters (-want +got):\n%s", diff)
	}
}

func TestARouterThatDoesNotCountIsNamedWithTheRemedy(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	silent := server(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"Listen":[{"Addr":"127.0.0.1:9999","Proto":"http"}],"Metrics":{"Target":""}}`)
	})
	garbled := fabioWith(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "not { metrics") })
	fine := fabioWith(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, metrics) })
	all, err := client(t, fabio.Config{Addresses: []string{gone.URL, silent, garbled, fine}}).Counters(t.Context())
	if len(all) != 1 || all[0].Router != fine || paas.CodeOf(err) != paas.Unavailable {
		t.Fatalf("%d routers, error %v, want one and code unavailable", len(all), err)
	}
	for _, want := range []string{gone.URL, silent, garbled, "proto=prometheus"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not name %s", err, want)
		}
	}
}

// TestAListenerOnAnyAddressIsAskedWhereTheAdminAPIIs: on this machine ":9997" would be another Fabio's.
func TestAListenerOnAnyAddressIsAskedWhereTheAdminAPIIs(t *testing.T) {
	t.Parallel()
	elsewhere := func(handler http.HandlerFunc) *httptest.Server {
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.2:0")
		if err != nil {
			t.Fatal(err)
		}
		s := httptest.NewUnstartedServer(handler)
		_ = s.Listener.Close() // the one it came with
		s.Listener = l
		s.Start()
		t.Cleanup(s.Close)
		return s
	}
	listener := elsewhere(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, metrics) })
	_, port, _ := net.SplitHostPort(listener.Listener.Addr().String())
	for _, address := range []string{":" + port, "0.0.0.0:" + port, "[::]:" + port} {
		admin := elsewhere(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = fmt.Fprintf(w, `{"Listen":[{"Addr":%q,"Proto":"prometheus"}],"Metrics":{"Prometheus":{"Path":"/metrics"}}}`, address)
		})
		if all, err := client(t, fabio.Config{Addresses: []string{admin.URL}}).Counters(t.Context()); err != nil || len(all) != 1 {
			t.Errorf("%s: %d routers, error %v", address, len(all), err)
		}
	}
}

// TestARouterStartedAnewOnAnotherPortIsFoundAgain: the port of its counters is asked for once only, so it has
// to be asked for again.
func TestARouterStartedAnewOnAnotherPortIsFoundAgain(t *testing.T) {
	t.Parallel()
	counts := func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, metrics) }
	first := httptest.NewServer(http.HandlerFunc(counts))
	now := first.Listener.Addr().String()
	asked := 0
	admin := server(t, func(w http.ResponseWriter, _ *http.Request) {
		asked++
		_, _ = fmt.Fprintf(w, `{"Listen":[{"Addr":%q,"Proto":"prometheus"}],"Metrics":{"Prometheus":{"Path":"/"}}}`, now)
	})
	c := client(t, fabio.Config{Addresses: []string{admin}})
	for range 3 {
		if _, err := c.Counters(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if asked != 1 {
		t.Errorf("asked %d times for its configuration, want once", asked)
	}
	first.Close()
	now = strings.TrimPrefix(server(t, counts), "http://")
	if _, err := c.Counters(t.Context()); err == nil {
		t.Error("no error although nobody listens there any more")
	}
	if all, err := c.Counters(t.Context()); err != nil || len(all) != 1 {
		t.Errorf("%d routers, error %v, want the router again", len(all), err)
	}
}

// BenchmarkCounters reads what a Fabio shows for so many services with three codes each.
func BenchmarkCounters(b *testing.B) {
	for _, services := range []int{100, 1000} {
		b.Run(fmt.Sprintf("services=%d", services), func(b *testing.B) {
			var text strings.Builder
			text.WriteString("# TYPE fabio_http_status histogram\n")
			for n := range services {
				for _, code := range []int{200, 404, 500} {
					labels := fmt.Sprintf(`code="%d",service="acme--app%d--web--blue"`, code, n)
					for _, le := range []string{"0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf"} {
						fmt.Fprintf(&text, "fabio_http_status_bucket{%s,le=%q} 2\n", labels, le)
					}
					fmt.Fprintf(&text, "fabio_http_status_sum{%s} 0.5\nfabio_http_status_count{%s} 2\n", labels, labels)
				}
			}
			listener := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text.String()) }))
			defer listener.Close()
			admin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				_, _ = fmt.Fprintf(w, `{"Listen":[{"Addr":%q,"Proto":"prometheus"}],"Metrics":{"Prometheus":{"Path":"/"}}}`, listener.Listener.Addr())
			}))
			defer admin.Close()
			c, err := fabio.New(fabio.Config{Addresses: []string{admin.URL}, RouterURL: "http://127.0.0.1:9999"})
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if all, err := c.Counters(b.Context()); err != nil || len(all[0].Counts) != services {
					b.Fatal(err, len(all))
				}
			}
		})
	}
}
