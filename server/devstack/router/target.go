package router

import (
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// target is one destination of a route. It is not changed after its table was built.
type target struct {
	service string
	tags    []string
	opts    map[string]string
	url     *url.URL
	dst     string  // url as text: the target's identity
	fixed   float64 // the weight asked for; 0, less or NaN: an even share of the rest
	weight  float64 // the share computed from all fixed weights
	slots   int     // weight in ten-thousandths, at least 1 for a weight above 0

	strip, prepend string
	host           string // Host header to send; "dst" for the destination's own
	skipVerify     bool
	redirect       int // 3xx, or 0
	auth           string
	access         access
}

func newTarget(log *slog.Logger, c command, dst *url.URL) *target {
	t := &target{
		service: c.service, tags: c.tags, opts: c.opts, url: dst, dst: dst.String(),
		fixed:      max(c.weight, 0), // NaN stays NaN and counts as 0
		strip:      c.opts["strip"],
		prepend:    c.opts["prepend"],
		host:       c.opts["host"],
		skipVerify: c.opts["tlsskipverify"] == "true",
		auth:       c.opts["auth"],
	}
	if code := c.opts["redirect"]; code != "" {
		n, err := strconv.Atoi(code)
		if err != nil || n < 300 || n > 399 {
			log.Warn("redirect code ignored", "service", c.service, "code", code)
			n = 0
		}
		t.redirect = n
	}
	rules, err := parseAccess(c.opts["allow"], c.opts["deny"])
	if err != nil {
		log.Warn("access rule ignored from its first fault on", "service", c.service, "err", err)
	}
	t.access = rules
	return t
}

// upstream is the URL a request is sent to: the target's host and query, the request's path after
// strip and prepend.
func (t *target) upstream(path, query string) *url.URL {
	if t.strip != "" {
		if rest, ok := strings.CutPrefix(path, t.strip); ok {
			path = rooted(rest)
		}
	}
	if t.prepend != "" {
		path = rooted(t.prepend + path)
	}
	if t.url.RawQuery != "" && query != "" {
		query = t.url.RawQuery + "&" + query
	} else {
		query = t.url.RawQuery + query
	}
	return &url.URL{Scheme: t.url.Scheme, Host: t.url.Host, Path: path, RawQuery: query}
}

func rooted(path string) string {
	if strings.HasPrefix(path, "/") {
		return path
	}
	return "/" + path
}

// location is where a redirect target sends a request. In its URL, $path stands for the request's path
// (after strip and prepend) and $host for its host.
func (t *target) location(r *http.Request) *url.URL {
	to := url.URL{Scheme: t.url.Scheme, Host: t.url.Host, Path: t.url.Path, RawPath: t.url.Path, RawQuery: t.url.RawQuery}
	if bare, ok := strings.CutSuffix(to.Host, "$path"); ok {
		to.Host, to.Path = bare, "$path"
	}
	to.Path = strings.Replace(to.Path, "/$path", "$path", 1)
	to.RawPath = strings.Replace(to.RawPath, "/$path", "$path", 1)
	if strings.Contains(to.Path, "$path") {
		raw := r.URL.RawPath
		if raw == "" {
			raw = r.URL.Path
		}
		to.Path = strings.Replace(to.Path, "$path", t.prepend+strings.TrimPrefix(r.URL.Path, t.strip), 1)
		to.RawPath = strings.Replace(to.RawPath, "$path", t.prepend+strings.TrimPrefix(raw, t.strip), 1)
		if to.RawQuery == "" {
			to.RawQuery = r.URL.RawQuery
		}
	}
	if to.Path == "" {
		to.Path = "/"
	}
	to.Host = strings.Replace(to.Host, "$host", r.Host, 1)
	return &to
}

// isCurrent says whether a redirect to u would send the request to itself.
func isCurrent(u *url.URL, r *http.Request) bool {
	return u.Scheme == r.Header.Get("X-Forwarded-Proto") && u.Host == r.Host && u.Path == r.URL.Path
}
