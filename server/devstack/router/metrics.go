package router

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics has the names and labels of Fabio's Prometheus provider under the prefix "fabio".
type metrics struct {
	registry   *prometheus.Registry
	requests   *prometheus.HistogramVec // service
	status     *prometheus.HistogramVec // code, service
	redirects  *prometheus.CounterVec   // code
	noRoute    prometheus.Counter
	websockets prometheus.Gauge
}

func newMetrics() *metrics {
	const namespace = "fabio"
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
	m.registry.MustRegister(m.requests, m.status, m.redirects, m.noRoute, m.websockets)
	return m
}

func (m *metrics) observe(service string, code int, took time.Duration) {
	m.requests.WithLabelValues(service).Observe(took.Seconds())
	if code > 0 {
		m.status.WithLabelValues(strconv.Itoa(code), service).Observe(took.Seconds())
	}
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
