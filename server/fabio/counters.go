package fabio

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Names in what Fabio exposes. It puts its metrics.prefix before its own.
const (
	statusFamily  = "_http_status" // a histogram of seconds by code and service
	startedFamily = "process_start_time_seconds"
)

const (
	longestMetrics = 256 << 20 // bytes
	longestLine    = 1 << 20
)

// Counters gives the counters of every router that answered, in the order of their addresses, and an
// error that names those that did not. No router at all is an error as well.
func (c *Client) Counters(ctx context.Context) ([]paas.RouterCounters, error) {
	return every(ctx, c, c.counters)
}

func (c *Client) counters(ctx context.Context, address string) (paas.RouterCounters, error) {
	callCtx, cancel := context.WithTimeout(ctx, tableTimeout)
	defer cancel()
	at, err := c.metricsURL(callCtx, address)
	if err != nil {
		return paas.RouterCounters{}, uncounted(ctx, address, err)
	}
	counters, err := c.scrape(callCtx, at)
	if err != nil {
		c.metrics.Delete(address) // started anew, it may listen elsewhere
		return paas.RouterCounters{}, uncounted(ctx, address, err)
	}
	counters.Router = address
	return counters, nil
}

func uncounted(ctx context.Context, address string, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("read the counters of %s: %w", address, ctx.Err())
	}
	return paas.Wrap(paas.Unavailable, err, "The router at %s does not show its counters. Start Fabio with metrics.target = prometheus and a listener ADDRESS;proto=prometheus in proxy.addr.", address)
}

// settings are those of Fabio's that say where its counters are.
type settings struct {
	Listen []struct {
		Addr  string
		Proto string
	}
	Metrics struct {
		Target     string
		Prometheus struct{ Path string }
	}
}

var errNoMetrics = errors.New("its configuration names no listener for prometheus")

// metricsURL asks a router's admin API for its configuration: counters have a listener of their own.
func (c *Client) metricsURL(ctx context.Context, address string) (string, error) {
	if at, ok := c.metrics.Load(address); ok {
		return at.(string), nil
	}
	body, err := c.read(ctx, address+"/api/config")
	if err != nil {
		return "", err
	}
	defer func() { _ = body.Close() }()
	var s settings
	if err := json.NewDecoder(io.LimitReader(body, longestTable)).Decode(&s); err != nil {
		return "", fmt.Errorf("read its configuration: %w", err)
	}
	at, err := s.metricsURL(address)
	if err != nil {
		return "", err
	}
	c.metrics.Store(address, at)
	return at, nil
}

// metricsURL takes the host of the admin API where the listener has none that can be dialled.
func (s settings) metricsURL(admin string) (string, error) {
	u, err := url.Parse(admin)
	if err != nil {
		return "", err
	}
	for _, l := range s.Listen {
		host, port, err := net.SplitHostPort(l.Addr)
		if l.Proto != "prometheus" || err != nil {
			continue
		}
		if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
			host = u.Hostname()
		}
		return "http://" + net.JoinHostPort(host, port) + s.Metrics.Prometheus.Path, nil
	}
	return "", errNoMetrics
}

func (c *Client) scrape(ctx context.Context, at string) (paas.RouterCounters, error) {
	body, err := c.read(ctx, at)
	if err != nil {
		return paas.RouterCounters{}, err
	}
	defer func() { _ = body.Close() }()
	text, err := needed(io.LimitReader(body, longestMetrics))
	if err != nil {
		return paas.RouterCounters{}, fmt.Errorf("read its metrics: %w", err)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(text)
	if err != nil {
		return paas.RouterCounters{}, fmt.Errorf("read its metrics: %w", err)
	}
	return countersOf(families), nil
}

var errNotMetrics = errors.New("they are not in the text format of Prometheus")

// needed leaves the lines that are asked for out of all that Fabio shows, which is some twenty times as
// much: histograms by service and target, with twelve buckets each.
func needed(r io.Reader) (*bytes.Buffer, error) {
	var some bytes.Buffer
	lines, typed := 0, false
	scanner := bufio.NewScanner(r)
	scanner.Buffer(nil, longestLine)
	for ; scanner.Scan(); lines++ {
		line := scanner.Bytes()
		typed = typed || bytes.HasPrefix(line, []byte("# TYPE "))
		status := bytes.Contains(line, []byte(statusFamily)) && !bytes.Contains(line, []byte(statusFamily+"_bucket{"))
		if status || bytes.Contains(line, []byte(startedFamily)) {
			some.Write(line)
			some.WriteByte('\n')
		}
	}
	if err := scanner.Err(); err != nil {
		return nil, err
	}
	if lines > 0 && !typed {
		return nil, errNotMetrics
	}
	return &some, nil
}

func countersOf(families map[string]*dto.MetricFamily) paas.RouterCounters {
	counters := paas.RouterCounters{Counts: map[paas.Service]paas.Count{}}
	for name, family := range families {
		switch {
		case name == startedFamily:
			for _, m := range family.GetMetric() {
				counters.Started = seconds(m.GetGauge().GetValue())
			}
		case strings.HasSuffix(name, statusFamily):
			for _, m := range family.GetMetric() {
				add(counters.Counts, m)
			}
		}
	}
	return counters
}

// add counts one code of one service; services that are none of ours are left out.
func add(counts map[paas.Service]paas.Count, m *dto.Metric) {
	var service, code string
	for _, l := range m.GetLabel() {
		switch l.GetName() {
		case "service":
			service = l.GetValue()
		case "code":
			code = l.GetValue()
		}
	}
	of, ok := paas.ParseService(service)
	if !ok {
		return
	}
	h, count := m.GetHistogram(), counts[of]
	n := int64(h.GetSampleCount())
	count.Requests += n
	if len(code) == 3 && code[0] == '5' {
		count.Errors += n
	}
	count.Took += time.Duration(h.GetSampleSum() * float64(time.Second))
	counts[of] = count
}

func seconds(unix float64) time.Time {
	whole, rest := math.Modf(unix)
	return time.Unix(int64(whole), int64(rest*float64(time.Second))).UTC()
}

// read gives the body of a GET; anything but 200 is an error.
func (c *Client) read(ctx context.Context, at string) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, http.NoBody)
	if err != nil {
		return nil, paas.Wrap(paas.Invalid, err, "The address %q of a router is not a URL.", at)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		_ = resp.Body.Close()
		return nil, fmt.Errorf("GET %s: status %d", at, resp.StatusCode)
	}
	return resp.Body, nil
}

// every asks all routers at once, and leaves out those that are gone.
func every[T any](ctx context.Context, c *Client, ask func(context.Context, string) (T, error)) (list []T, err error) {
	routers, said, errs, err := everyone(ctx, c, ask)
	if err != nil {
		return nil, err
	}
	var missing []error
	for i, router := range routers {
		switch {
		case errs[i] == nil:
			list = append(list, said[i])
		case !c.refused.gone(router, c.cfg.Now()):
			missing = append(missing, errs[i])
		}
	}
	if len(list) == 0 && len(missing) == 0 { // there is no router
		missing = errs
	}
	return list, errors.Join(missing...)
}

// everyone asks all routers at once.
func everyone[T any](ctx context.Context, c *Client, ask func(context.Context, string) (T, error)) (routers []Router, said []T, errs []error, err error) {
	if routers, err = c.routers(ctx); err != nil {
		return nil, nil, nil, err
	}
	if len(routers) == 0 {
		return nil, nil, nil, paas.Errorf(paas.Unavailable, "No router is known. Set fabio.addresses, or register Fabio in Consul.")
	}
	said, errs = make([]T, len(routers)), make([]error, len(routers))
	var all sync.WaitGroup
	for i, router := range routers {
		all.Go(func() { said[i], errs[i] = ask(ctx, router.Address) })
	}
	all.Wait()
	return routers, said, errs, nil
}
