package router

import (
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"
)

// statusClientGone is what the access log and the metrics show for a caller who left before the answer.
const statusClientGone = 499

// proxy sends requests to the targets of the current table. A request keeps the target it was given: a
// new table changes nothing for requests in flight.
type proxy struct {
	log      *slog.Logger
	lookup   func(*http.Request) *target
	secure   http.RoundTripper
	insecure http.RoundTripper // for tlsskipverify=true
	noRoute  int               // status without a route
	metrics  *metrics
	access   io.Writer // access log lines, nil for none
	now      func() time.Time
}

func newTransport(dialTimeout time.Duration, tlsConfig *tls.Config) *http.Transport {
	return &http.Transport{
		DialContext:         (&net.Dialer{Timeout: dialTimeout}).DialContext,
		TLSClientConfig:     tlsConfig,
		MaxIdleConnsPerHost: 10_000,
		IdleConnTimeout:     15 * time.Second,
	}
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.URL.Path = normalPath(r.URL.Path)
	t := p.lookup(r)
	if t == nil {
		p.metrics.noRoute.Inc()
		p.log.Debug("no route", "host", r.Host)
		w.WriteHeader(p.noRoute)
		return
	}
	switch {
	case t.access.denied(r):
		http.Error(w, "access denied", http.StatusForbidden)
		return
	case t.auth != "": // no scheme is configured, so none of them lets anybody in
		http.Error(w, "authorization failed", http.StatusUnauthorized)
		return
	case t.redirect != 0:
		http.Redirect(w, r, t.location(r).String(), t.redirect)
		p.metrics.redirects.WithLabelValues(strconv.Itoa(t.redirect)).Inc()
		return
	}

	start := p.now()
	seen := &observed{ResponseWriter: w}
	p.forward(seen, r, t)
	took := p.now().Sub(start)
	p.metrics.observe(t.service, seen.code, took)
	if p.access != nil {
		p.logAccess(r, seen, start)
	}
}

func (p *proxy) forward(w http.ResponseWriter, r *http.Request, t *target) {
	to := t.upstream(r.URL.Path, r.URL.RawQuery)
	sent := *r // forwardHeaders looks at the Host header that goes upstream, as Fabio does
	switch t.host {
	case "":
	case "dst":
		sent.Host = to.Host
	default:
		sent.Host = t.host
	}
	headers, err := forwardHeaders(&sent, t.strip)
	if err != nil {
		http.Error(w, "cannot parse "+r.RemoteAddr, http.StatusInternalServerError)
		return
	}
	if websocket := strings.EqualFold(r.Header.Get("Upgrade"), "websocket"); websocket {
		p.metrics.websockets.Inc()
		defer p.metrics.websockets.Dec()
	}
	transport := p.secure
	if t.skipVerify {
		transport = p.insecure
	}
	forwarder := &httputil.ReverseProxy{
		Rewrite:       func(pr *httputil.ProxyRequest) { rewrite(pr, to, sent.Host, headers) },
		Transport:     transport,
		FlushInterval: flushInterval(r),
		ErrorHandler:  p.fail,
		ErrorLog:      slog.NewLogLogger(p.log.Handler(), slog.LevelDebug),
	}
	forwarder.ServeHTTP(w, r)
}

func rewrite(pr *httputil.ProxyRequest, to *url.URL, host string, headers http.Header) {
	pr.Out.URL.Scheme, pr.Out.URL.Host = to.Scheme, to.Host
	pr.Out.URL.Path, pr.Out.URL.RawQuery = to.Path, to.RawQuery
	pr.Out.Host = host
	maps.Copy(pr.Out.Header, headers)
	if _, ok := pr.Out.Header["User-Agent"]; !ok {
		pr.Out.Header.Set("User-Agent", "") // else the transport would send its own
	}
}

// flushInterval is that of Fabio's defaults. An answer of type text/event-stream, or one of unknown
// length, is flushed at every write whatever it says.
func flushInterval(r *http.Request) time.Duration {
	if r.Header.Get("Accept") == "text/event-stream" {
		return time.Second
	}
	return 0
}

// fail answers for a target that did not: 504 after a timeout, 502 when the connection failed or ended,
// 499 for a caller who left, else 500. There is no second try at another target.
func (p *proxy) fail(w http.ResponseWriter, r *http.Request, err error) {
	code := failureStatus(err)
	if code != statusClientGone {
		p.log.Warn("request failed", "host", r.Host, "target", r.URL.Host, "status", code, "err", err)
	}
	w.WriteHeader(code)
}

// failureStatus looks at the outermost error only, as Fabio does: a connection reset within another error is 500.
func failureStatus(err error) int {
	switch e := any(err).(type) {
	case net.Error:
		if e.Timeout() {
			return http.StatusGatewayTimeout
		}
		return http.StatusBadGateway
	}
	switch any(err) {
	case any(io.EOF):
		return http.StatusBadGateway
	case any(context.Canceled):
		return statusClientGone
	}
	return http.StatusInternalServerError
}

// normalPath resolves "." and ".." and decodes once more before a route is looked for, so that an encoded
// way around a longer path does not exist. A trailing slash is kept.
func normalPath(p string) string {
	slash := len(p) > 1 && strings.HasSuffix(p, "/")
	if u, err := url.Parse(p); err == nil {
		p = u.Path
	}
	p = path.Clean(p)
	if slash && p != "/" {
		p += "/"
	}
	return p
}

// observed notes what was answered.
type observed struct {
	http.ResponseWriter
	code int
	size int64
}

func (o *observed) WriteHeader(code int) {
	if o.code < 200 { // an informational answer is followed by the real one
		o.code = code
	}
	o.ResponseWriter.WriteHeader(code)
}

func (o *observed) Write(b []byte) (int, error) {
	n, err := o.ResponseWriter.Write(b)
	o.size += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController flush and hijack.
func (o *observed) Unwrap() http.ResponseWriter { return o.ResponseWriter }
