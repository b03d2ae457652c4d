package router

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metricsPrefix is Fabio's metrics.prefix, metricsPath its metrics.prometheus.path.
const (
	metricsPrefix = "fabio"
	metricsPath   = "/metrics"
)

// metrics has the names and labels of Fabio's Prometheus provider, and the begin of the process, by which
// a reader tells counters that began anew.
type metrics struct {
	registry   *prometheus.Registry
	requests   *prometheus.HistogramVec // service
	status     *prometheus.HistogramVec // code, service
	redirects  *prometheus.CounterVec   // code
	noRoute    prometheus.Counter
	websockets prometheus.Gauge
}

func newMetrics() *metrics {
	const namespace = metricsPrefix
	buckets := []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
	histogram := func(name, help string, labels ...string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets}, labels)
	}
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: histogram("requests", "Seconds per forwarded request.", "service"),
		status:   histogram("http_status", "Seconds per forwarded request, by status.", "code", "service"),
		redirects: prometheus.NewCounterVec(
			prometheus.CounterOpts{Namespace: namespace, Name: "http_redirect_count", Help: "Requests answered by a redirect."}, []string{"code"}),
		noRoute:    prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Name: "notfound", Help: "Requests without a route."}),
		websockets: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: namespace, Name: "ws_conn", Help: "Open websockets."}),
	}
	m.registry.MustRegister(m.requests, m.status, m.redirects, m.noRoute, m.websockets,
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) observe(service string, code int, took time.Duration) {
	m.requests.WithLabelValues(service).Observe(took.Seconds())
	if code > 0 {
		m.status.WithLabelValues(strconv.Itoa(code), service).Observe(took.Seconds())
	}
}

// handler is what Fabio's listener with proto=prometheus serves.
func (m *metrics) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle(metricsPath, promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
	mux.Handle("/", http.RedirectHandler(metricsPath, http.StatusPermanentRedirect))
	return mux
}
