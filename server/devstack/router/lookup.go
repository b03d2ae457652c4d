package router

import (
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/gobwas/glob"
)

// hostGlob matches a whole host, port included. "*" goes across dots.
type hostGlob interface{ Match(host string) bool }

type noHost struct{}

func (noHost) Match(string) bool { return false }

// compileHost never fails: a host that is no valid pattern is listed and matches nothing.
func compileHost(pattern string) hostGlob {
	g, err := glob.Compile(pattern)
	if err != nil {
		return noHost{}
	}
	return g
}

func isPattern(host string) bool { return strings.ContainsAny(host, `*?[]{}\!`) }

// withoutDefaultPort drops ":80" only: a request to any other port must be routed with that port or by a
// pattern.
func withoutDefaultPort(host string) string {
	return strings.TrimSuffix(host, ":80")
}

// lookup finds the target of a request: the most specific host first, and routes without a host last. A
// redirect that would lead to where the request already is, is passed over.
func (t *table) lookup(r *http.Request) *target {
	for _, h := range t.matching(strings.ToLower(withoutDefaultPort(r.Host))) {
		found := h.find(r.URL.Path)
		if found == nil || found.redirect != 0 && isCurrent(found.location(r), r) {
			continue
		}
		return found
	}
	return nil
}

// find picks a target of the first route that fits: paths are in reverse order, so it is the longest.
func (h *host) find(path string) *target {
	for _, r := range h.routes {
		if strings.HasPrefix(path, r.path) {
			return r.pick()
		}
	}
	return nil
}

func (t *table) matching(name string) []*host {
	var found []*host
	for _, key := range []string{name, name + ":80"} {
		if h := t.hosts[key]; h != nil && h.pattern == nil && key != "" {
			found = append(found, h)
		}
	}
	for _, h := range t.globs {
		if h.pattern.Match(name) {
			found = append(found, h)
		}
	}
	if len(found) > 1 {
		slices.SortFunc(found, func(a, b *host) int {
			return strings.Compare(reversed(b.name), reversed(a.name))
		})
	}
	if h := t.hosts[""]; h != nil {
		found = append(found, h)
	}
	return found
}

// reversed turns a host around, rune by rune, so that sorting compares its most general part first; a
// port stays at the end.
func reversed(name string) string {
	h, port, err := net.SplitHostPort(name)
	if err != nil || h == "" {
		h, port = name, ""
	}
	runes := []rune(h)
	slices.Reverse(runes)
	if port == "" {
		return string(runes)
	}
	return net.JoinHostPort(string(runes), port)
}
