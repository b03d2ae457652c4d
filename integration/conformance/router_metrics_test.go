package conformance_test

import (
	"encoding/json"
	"net/http"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// metricsAt finds the listener with the counters in the router's configuration.
func (p *probe) metricsAt() string {
	var config struct {
		Listen  []struct{ Addr, Proto string }
		Metrics struct{ Prometheus struct{ Path string } }
	}
	p.check(json.Unmarshal([]byte(p.admin("/api/config")), &config))
	for _, l := range config.Listen {
		if l.Proto == "prometheus" {
			return "http://" + l.Addr + config.Metrics.Prometheus.Path
		}
	}
	p.fatal("the configuration names no listener for prometheus: %+v", config)
	return ""
}

// counted are the counters, by name and labels in the order of their names. A histogram has two: NAME_count
// and NAME_sum.
func (p *probe) counted(at string) map[string]float64 {
	req, err := http.NewRequestWithContext(p.ctx, http.MethodGet, at, nil)
	p.check(err)
	resp, err := p.plain.Do(req)
	p.check(err)
	defer resp.Body.Close() //nolint:errcheck // read to its end below
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(resp.Body)
	p.check(err)
	counted := map[string]float64{}
	for name, family := range families {
		for _, m := range family.GetMetric() {
			labels := labelsOf(m)
			switch {
			case m.GetHistogram() != nil:
				counted[name+"_count"+labels] = float64(m.GetHistogram().GetSampleCount())
				counted[name+"_sum"+labels] = m.GetHistogram().GetSampleSum()
			case m.GetCounter() != nil:
				counted[name+labels] = m.GetCounter().GetValue()
			case m.GetGauge() != nil:
				counted[name+labels] = m.GetGauge().GetValue()
			}
		}
	}
	return counted
}

func labelsOf(m *dto.Metric) string {
	var text strings.Builder
	for _, l := range m.GetLabel() {
		text.WriteString(" " + l.GetName() + "=" + l.GetValue())
	}
	return text.String()
}
