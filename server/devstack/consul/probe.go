package consul

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	consulapi "github.com/hashicorp/consul/api"
)

const (
	defaultTimeout = 10 * time.Second
	maxOutput      = 4 << 10
)

// probe runs a check once and returns the status it found and the words for it.
func (d *definition) probe(ctx context.Context) (status, output string) {
	timeout := d.Timeout
	if timeout <= 0 {
		timeout = defaultTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	switch d.kind() {
	case "tcp":
		return d.probeTCP(ctx)
	case "grpc":
		return d.probeGRPC(ctx)
	}
	return d.probeHTTP(ctx)
}

func (d *definition) tls() *tls.Config {
	// A check may say that it does not verify: it asks whether the service answers, not who it is.
	return &tls.Config{ServerName: d.TLSServerName, InsecureSkipVerify: d.TLSSkipVerify, MinVersion: tls.VersionTLS12}
}

func (d *definition) probeTCP(ctx context.Context) (status, output string) {
	dialer := interface {
		DialContext(ctx context.Context, network, addr string) (net.Conn, error)
	}(&net.Dialer{})
	if d.TCPUseTLS {
		dialer = &tls.Dialer{Config: d.tls()}
	}
	conn, err := dialer.DialContext(ctx, "tcp", d.TCP)
	if err != nil {
		return consulapi.HealthCritical, err.Error()
	}
	_ = conn.Close() // it was only to be opened
	return consulapi.HealthPassing, fmt.Sprintf("TCP connect %s: Success", d.TCP)
}

func (d *definition) probeHTTP(ctx context.Context) (status, output string) {
	method := d.Method
	if method == "" {
		method = http.MethodGet
	}
	req, err := http.NewRequestWithContext(ctx, method, d.HTTP, strings.NewReader(d.Body))
	if err != nil {
		return consulapi.HealthCritical, err.Error()
	}
	for name, values := range d.Header {
		req.Header[http.CanonicalHeaderKey(name)] = values
	}
	if host := req.Header.Get("Host"); host != "" {
		req.Host = host
	}
	if req.Header.Get("User-Agent") == "" {
		req.Header.Set("User-Agent", "Consul Health Check")
	}
	if req.Header.Get("Accept") == "" {
		req.Header.Set("Accept", "text/plain, text/*, */*")
	}
	// A connection of its own for each run, as Consul does: a kept one would not notice that nobody listens any more.
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: d.tls()}}
	resp, err := client.Do(req)
	if err != nil {
		return consulapi.HealthCritical, err.Error()
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxOutput))
	if err != nil {
		body = fmt.Appendf(nil, "(%v)", err)
	}
	output = fmt.Sprintf("HTTP %s %s: %s Output: %s", method, d.HTTP, resp.Status, body)
	switch {
	case resp.StatusCode >= 200 && resp.StatusCode <= 299:
		return consulapi.HealthPassing, output
	case resp.StatusCode == http.StatusTooManyRequests:
		return consulapi.HealthWarning, output
	}
	return consulapi.HealthCritical, output
}
