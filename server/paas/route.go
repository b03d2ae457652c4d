package paas

import (
	"fmt"
	"strings"
)

// FenceHost is the host of the routes by which Crumpet proves that every router has read a rule. It
// can't be reached (RFC 6761 reserves .invalid), and no app may have it.
const FenceHost = "crumpet.invalid"

// Longest parts of a route, in bytes, so that no line of a router's rule gets near its limit.
const (
	MaxRouteHost = 253
	MaxRoutePath = 1024
)

// pathMarks are the characters besides letters and digits that a route's path may hold: none that a
// router's tags, rules or globs give a meaning (space " # $ * ? [ ] { } \), and no %, as routers
// compare the decoded path.
const pathMarks = "/-._~!&'()+,;=:@"

// ParseRoute reads HOST/PATH, the text of a route in an app spec, and adds the slash that a path
// without one at its end wants: without it /shop would also match /shopping. problem is a sentence,
// or "".
func ParseRoute(text string) (r Route, problem string) {
	if text == "" {
		return Route{}, "The route is empty. Write host and path, such as shop.example.com/."
	}
	if scheme, rest, found := strings.Cut(text, "://"); found {
		return Route{}, fmt.Sprintf("The route %q begins with a scheme. Leave out %q and write %q.", text, scheme+"://", rest)
	}
	host, path, _ := strings.Cut(text, "/")
	r = Route{Host: host, Path: "/" + path}
	if !strings.HasSuffix(r.Path, "/") {
		r.Path += "/"
	}
	return r, CheckRoute(r)
}

// CheckRoute says what is wrong with a route's host or path, or "".
func CheckRoute(r Route) string {
	if problem := checkHost(r); problem != "" {
		return problem
	}
	return checkPath(r)
}

func checkHost(r Route) string {
	name := strings.TrimPrefix(r.Host, "*.")
	switch {
	case r.Host == "":
		return fmt.Sprintf("The route %q has no host. Write the host before the path, such as shop.example.com%s.", r, r.Path)
	case strings.Contains(r.Host, ":"):
		host, port, _ := strings.Cut(r.Host, ":")
		return fmt.Sprintf("The route %q names the port %q. A route is a host and a path; the router's own port is used. Write %q.", r, port, host+r.Path)
	case strings.ToLower(r.Host) != r.Host:
		return fmt.Sprintf("The host of the route %q has upper-case letters. Write %q.", r, strings.ToLower(r.Host)+r.Path)
	case len(r.Host) > MaxRouteHost:
		return fmt.Sprintf("The host of the route %q has %d characters; at most %d are allowed.", r, len(r.Host), MaxRouteHost)
	case strings.Contains(name, "*"):
		return fmt.Sprintf("The host of the route %q has a * that is not its whole first part. Only *.DOMAIN is allowed.", r)
	case name == FenceHost || strings.HasSuffix(name, "."+FenceHost):
		return fmt.Sprintf("The host of the route %q is Crumpet's own. Choose another host.", r)
	}
	for label := range strings.SplitSeq(name, ".") {
		if !validLabel(label) {
			return fmt.Sprintf("The host of the route %q has the part %q. A part has 1 to 63 lower-case letters, digits and dashes, and no dash at either end.", r, label)
		}
	}
	return ""
}

func validLabel(s string) bool {
	for i, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
		case c == '-' && i > 0 && i < len(s)-1:
		default:
			return false
		}
	}
	return s != "" && len(s) <= 63
}

func checkPath(r Route) string {
	switch {
	case !strings.HasPrefix(r.Path, "/") || !strings.HasSuffix(r.Path, "/"):
		return fmt.Sprintf("The path of the route %q must begin and end with a slash.", r)
	case len(r.Path) > MaxRoutePath:
		return fmt.Sprintf("The path of the route to host %q has %d characters; at most %d are allowed.", r.Host, len(r.Path), MaxRoutePath)
	}
	for _, c := range r.Path {
		if !alphanumeric(c) && !strings.ContainsRune(pathMarks, c) {
			return fmt.Sprintf("The path of the route %q has the character %q, which routers read in a way of their own. Use letters, digits and any of %s", r, c, pathMarks)
		}
	}
	for part := range strings.SplitSeq(strings.Trim(r.Path, "/"), "/") {
		if part == "." || part == ".." || (part == "" && r.Path != "/") {
			return fmt.Sprintf("The path of the route %q has the part %q, which no request keeps: leave it out.", r, part)
		}
	}
	return ""
}

func alphanumeric(c rune) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// TagPrefix begins the tags of a Consul service from which Fabio makes routes.
const TagPrefix = "urlprefix-"

// Tags are the service tags that make Fabio send requests for the route to the service. Fabio compares
// hosts with their port, and takes off only a port 80 or 443 (route/table.go, normalizeHost): a router
// that clients reach at another port needs the route with that port as well.
func (r Route) Tags(routerPort string) []string {
	tags := []string{TagPrefix + r.String()}
	if routerPort != "" {
		tags = append(tags, TagPrefix+r.Host+":"+routerPort+r.Path)
	}
	return tags
}
