package router

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Version is the Fabio whose behavior this is.
const Version = "1.7.3-embedded"

// listed is one target in /api/routes. Fabio fills in no rates any more: they are 0 there too.
type listed struct {
	Service string   `json:"service"`
	Host    string   `json:"host"`
	Path    string   `json:"path"`
	Src     string   `json:"src"`
	Dst     string   `json:"dst"`
	Opts    string   `json:"opts"`
	Cmd     string   `json:"cmd"`
	Tags    []string `json:"tags,omitempty"`
	Weight  float64  `json:"weight"`
	Rate1   float64  `json:"rate1"`
	Pct99   float64  `json:"pct99"`
}

// Admin serves what Fabio's admin listener serves with ui.access=ro.
func (s *Server) Admin() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/api/routes", s.serveRoutes)
	mux.HandleFunc("/api/version", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, Version) })
	mux.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "OK\n") })
	mux.HandleFunc("/api/config", s.serveConfig)
	for _, path := range []string{"/api/paths", "/api/manual", "/api/manual/", "/manual", "/manual/"} {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "Forbidden", http.StatusForbidden) })
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "the embedded router does not serve "+r.URL.Path, http.StatusNotImplemented)
	})
	return mux
}

// listener and settings are the part of Fabio's configuration that says where its metrics are, and what of the rest
// decides whether it can be relied on.
type listener struct{ Addr, Proto string }

type settings struct {
	Listen []listener
	UI     struct{ Access string }
	Proxy  struct {
		Strategy    Strategy
		DialTimeout time.Duration
	}
	Registry struct {
		Consul struct {
			KVPath, ChecksRequired string
			ServiceMonitors        int
		}
	}
	GlobMatchingDisabled bool
	Metrics              struct {
		Target, Prefix string
		Prometheus     struct{ Path string }
	}
}

func (s *Server) serveConfig(w http.ResponseWriter, _ *http.Request) {
	c := settings{Listen: []listener{{s.config.Listen, "http"}}}
	if s.config.Metrics != "" {
		c.Listen = append(c.Listen, listener{s.config.Metrics, "prometheus"})
		c.Metrics.Target = "prometheus"
	}
	c.UI.Access, c.Proxy.Strategy, c.Proxy.DialTimeout = "ro", s.config.Strategy, s.config.DialTimeout
	of := &c.Registry.Consul
	of.KVPath, of.ChecksRequired, of.ServiceMonitors = s.config.KVPath, s.config.ChecksRequired, 1 // it asks for one service after the other
	c.Metrics.Prefix, c.Metrics.Prometheus.Path = metricsPrefix, metricsPath
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(c) // a reader that left needs no answer
}

func (s *Server) serveRoutes(w http.ResponseWriter, r *http.Request) {
	t := s.table.Load()
	if r.URL.Query().Has("raw") {
		w.Header().Set("Content-Type", "text/plain")
		_, _ = fmt.Fprintln(w, t.text())
		return
	}
	routes := t.list()
	var body []byte
	var err error
	if r.URL.Query().Has("pretty") {
		body, err = json.MarshalIndent(routes, "", "    ")
	} else {
		body, err = json.Marshal(routes)
	}
	if err != nil { // a weight that is no number
		s.log.Warn("routes not listed", "err", err)
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = w.Write(body)
}

// list is nil for an empty table: Fabio answers null.
func (t *table) list() []listed {
	var routes []listed
	for _, name := range slices.Sorted(maps.Keys(t.hosts)) {
		for _, r := range t.hosts[name].routes {
			for _, tg := range r.targets {
				routes = append(routes, listed{
					Service: tg.service, Host: r.host, Path: r.path, Src: r.host + r.path, Dst: tg.dst,
					Opts: strings.Join(options(tg.opts), " "), Cmd: "route add", Tags: tg.tags, Weight: tg.weight,
				})
			}
		}
	}
	return routes
}

// text is the table as commands that parse to the same routes: those without a host last, weights as asked for.
func (t *table) text() string {
	var lines []string
	names := slices.SortedFunc(maps.Keys(t.hosts), func(a, b string) int { return cmp.Compare(b, a) })
	for _, name := range names {
		for _, r := range t.hosts[name].routes {
			for _, tg := range r.targets {
				if tg.weight > 0 {
					lines = append(lines, tg.line(r))
				}
			}
		}
	}
	return strings.Join(lines, "\n")
}

func (t *target) line(r *route) string {
	line := fmt.Sprintf("route add %s %s %s", t.service, r.host+r.path, t.dst)
	if t.fixed > 0 {
		line += fmt.Sprintf(" weight %.4f", t.fixed)
	}
	if len(t.tags) > 0 {
		line += fmt.Sprintf(" tags %q", strings.Join(t.tags, ","))
	}
	if len(t.opts) > 0 {
		line += ` opts "` + strings.Join(options(t.opts), " ") + `"`
	}
	return line
}

func options(opts map[string]string) []string {
	var list []string
	for _, key := range slices.Sorted(maps.Keys(opts)) {
		list = append(list, key+"="+opts[key])
	}
	return list
}
