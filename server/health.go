package server

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/crumpet-paas/crumpet/server/doctor"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// health shows what the doctor found last. A scrape makes nobody look: it may come from anywhere, and tells no address
// or name of a machine for the same reason.
type health struct{ doctor *doctor.Doctor }

var (
	findingsDesc = prometheus.NewDesc("crumpet_findings", "Findings about the cluster at the last look, by severity and by what they are about.", []string{"severity", "thing"}, nil)
	lookedDesc   = prometheus.NewDesc("crumpet_checkup_timestamp_seconds", "When the cluster was last looked at; it is once a minute at the least.", nil, nil)
	spareDesc    = prometheus.NewDesc("crumpet_quorum_spare", "Healthy voting servers that may be lost; below 0 there is no majority.", []string{"program"}, nil)
	serversDesc  = prometheus.NewDesc("crumpet_quorum_servers", "Servers of a program, by how they are.", []string{"program", "state"}, nil)
	leaderDesc   = prometheus.NewDesc("crumpet_quorum_leader", "Whether a program has a leader.", []string{"program"}, nil)
	certDesc     = prometheus.NewDesc("crumpet_certificate_end_timestamp_seconds", "When the first certificate of a program's endpoints ends.", []string{"program"}, nil)
	leaseDesc    = prometheus.NewDesc("crumpet_token_end_timestamp_seconds", "When Crumpet's own token for a program ends, unless it is renewed.", []string{"program"}, nil)
)

// Describe implements prometheus.Collector.
func (health) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{findingsDesc, lookedDesc, spareDesc, serversDesc, leaderDesc, certDesc, leaseDesc} {
		to <- d
	}
}

// Collect implements prometheus.Collector. Before the first look there is nothing to show.
func (h health) Collect(to chan<- prometheus.Metric) {
	last, ok := h.doctor.Last()
	if !ok {
		return
	}
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	gauge(lookedDesc, float64(last.At.Unix()))
	count := map[[2]string]int{}
	for _, f := range last.Findings {
		count[[2]string{string(f.Severity), string(f.Subject)}]++
	}
	for _, severity := range paas.Severities { // also those that are 0: an alert needs a series
		for _, subject := range paas.Subjects {
			gauge(findingsDesc, float64(count[[2]string{string(severity), string(subject)}]), string(severity), string(subject))
		}
	}
	for _, q := range last.Quorums {
		quorumMetrics(gauge, q)
	}
	first := map[string]time.Time{}
	for _, c := range last.Certificates {
		if at, known := first[c.Of]; c.Ends != nil && (!known || c.Ends.Before(at)) {
			first[c.Of] = *c.Ends
		}
	}
	for program, at := range first {
		gauge(certDesc, float64(at.Unix()), program)
	}
	for _, l := range last.Leases {
		if l.Ends != nil {
			gauge(leaseDesc, float64(l.Ends.Unix()), l.Of)
		}
	}
}

func quorumMetrics(gauge func(*prometheus.Desc, float64, ...string), q paas.Quorum) {
	gauge(spareDesc, float64(q.Spare()), q.Program)
	leads := 0.0
	if q.Leader != "" {
		leads = 1
	}
	gauge(leaderDesc, leads, q.Program)
	states := map[string]float64{"healthy": 0, "ill": 0, "sealed": 0}
	for _, s := range q.Servers {
		switch {
		case s.Sealed:
			states["sealed"]++
		case s.Healthy:
			states["healthy"]++
		default:
			states["ill"]++
		}
	}
	for state, n := range states {
		gauge(serversDesc, n, q.Program, state)
	}
}
