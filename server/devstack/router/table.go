package router

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"

	"github.com/gobwas/glob"
)

// table is one immutable routing table. It is built whole from text and swapped in whole, so a request
// sees either the old routes or the new ones.
type table struct {
	hosts map[string]*host // by the host of the source, lower case
	globs []*host          // the hosts that are patterns
}

// host holds the routes of one host or host pattern.
type host struct {
	name    string   // as in the source: "shop.example.com", "*.example.com", ":5000" or ""
	match   string   // name without the default port
	pattern hostGlob // nil for a plain name
	routes  []*route // paths in reverse order: the longer of two nested ones first
	byPath  map[string]*route
}

// route is one host and path with the targets that share its requests.
type route struct {
	host, path string
	targets    []*target
	ring       []*target // round robin only: the targets, each as often as its slots say
	slots      int       // sum of the targets' slots
	turn       turn
}

var (
	errNoMatch = errors.New("route: no target match")
	errNoRoute = errors.New("route: prefix must not be empty")
)

// buildTable parses text and applies its commands in order. Any error leaves the caller with the table it
// has; only a weight that matches nothing is passed over.
func buildTable(log *slog.Logger, text string, strategy Strategy) (*table, error) {
	commands, err := parse(text)
	if err != nil {
		return nil, err
	}
	t := &table{hosts: map[string]*host{}}
	for _, c := range commands {
		switch c.verb {
		case verbAdd:
			err = t.add(log, c)
		case verbDel:
			err = t.del(c)
		case verbWeight:
			if err := t.weigh(c); err != nil {
				log.Warn("weight command ignored", "service", c.service, "src", c.src, "err", err)
			}
		}
		if err != nil {
			return nil, err
		}
	}
	t.seal(strategy)
	return t, nil
}

// splitSource splits "host/path"; a port (":5000") has no path and a bare host the path "/".
func splitSource(src string) (host, path string) {
	if strings.HasPrefix(src, ":") {
		return src, ""
	}
	host, path, _ = strings.Cut(src, "/")
	return host, "/" + path
}

func (t *table) add(log *slog.Logger, c command) error {
	name, path := splitSource(c.src)
	name = strings.ToLower(name)
	if c.src == "" {
		return errNoRoute
	}
	dst, err := url.Parse(c.dst)
	if err != nil {
		return fmt.Errorf("route: invalid target. %w", err)
	}
	h := t.hosts[name]
	if h == nil {
		h = &host{name: name, byPath: map[string]*route{}}
	}
	r := h.byPath[path]
	if r == nil {
		// Paths match by prefix, yet one that is no valid glob is refused: Fabio compiles every path.
		if _, err := glob.Compile(path); err != nil {
			return fmt.Errorf("route: path %q: %w", path, err)
		}
		r = &route{host: name, path: path}
		h.byPath[path] = r
	}
	t.hosts[name] = h
	r.add(newTarget(log, c, dst))
	return nil
}

// add appends a target unless the same one is there: the same service, address, weight and tags. Options
// don't count.
func (r *route) add(added *target) {
	for _, t := range r.targets {
		if t.service == added.service && t.dst == added.dst && t.fixed == added.fixed && slices.Equal(t.tags, added.tags) {
			return
		}
	}
	r.targets = append(r.targets, added)
}

func (t *table) weigh(c command) error {
	name, path := splitSource(c.src) // not lower-cased, as in Fabio: write hosts in lower case
	h := t.hosts[name]
	if h == nil || h.byPath[path] == nil {
		return errNoMatch
	}
	if !h.byPath[path].setWeight(c.service, c.weight, c.tags) {
		return errNoMatch
	}
	return nil
}

// del removes targets; the last argument given decides what the others mean.
func (t *table) del(c command) error {
	switch {
	case len(c.tags) > 0:
		t.drop(func(tg *target) bool {
			return (c.service == "" || tg.service == c.service) && hasAll(tg.tags, c.tags)
		})
	case c.src == "" && c.dst == "":
		t.drop(func(tg *target) bool { return tg.service == c.service })
	case c.dst == "":
		t.dropIn(c.src, func(tg *target) bool { return tg.service == c.service })
	default:
		dst, err := url.Parse(c.dst)
		if err != nil {
			return fmt.Errorf("route: invalid target. %w", err)
		}
		t.dropIn(c.src, func(tg *target) bool { return tg.service == c.service && tg.dst == dst.String() })
	}
	return nil
}

func (t *table) drop(gone func(*target) bool) {
	for name, h := range t.hosts {
		for path, r := range h.byPath {
			r.targets = slices.DeleteFunc(r.targets, gone)
			if len(r.targets) == 0 {
				delete(h.byPath, path)
			}
		}
		if len(h.byPath) == 0 {
			delete(t.hosts, name)
		}
	}
}

func (t *table) dropIn(src string, gone func(*target) bool) {
	name, path := splitSource(src)
	h := t.hosts[name]
	if h == nil || h.byPath[path] == nil {
		return
	}
	r := h.byPath[path]
	r.targets = slices.DeleteFunc(r.targets, gone)
	if len(r.targets) == 0 {
		delete(h.byPath, path)
	}
	if len(h.byPath) == 0 {
		delete(t.hosts, name)
	}
}

// seal computes what requests need, once, after the last command: shares depend only on the final weights.
func (t *table) seal(strategy Strategy) {
	for _, h := range t.hosts {
		for _, r := range h.byPath {
			r.share()
			if strategy == RoundRobin {
				r.ring = r.layOut()
			}
			h.routes = append(h.routes, r)
		}
		slices.SortFunc(h.routes, func(a, b *route) int { return strings.Compare(b.path, a.path) })
		h.match = withoutDefaultPort(h.name)
		if isPattern(h.match) {
			h.pattern = compileHost(h.match)
			t.globs = append(t.globs, h)
		}
	}
}

// hasAll says whether every wanted tag is among tags.
func hasAll(tags, wanted []string) bool {
	return !slices.ContainsFunc(wanted, func(w string) bool { return !slices.Contains(tags, w) })
}
