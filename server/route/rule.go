package route

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Rule is one wish about the traffic of a service: Dark, DarkRoute or Share makes it.
type Rule struct {
	verb    Verb
	service paas.Service
	route   paas.Route // the zero Route for all of the service's
	port    string     // of the router, where clients name it; see paas.Route.Tags
	share   float64
}

// Dark takes every request away from a service: 0 %. No weight means that: 0 is "an even share".
func Dark(s paas.Service) Rule { return Rule{verb: VerbDel, service: s} }

// DarkRoute takes the requests of one route away from a service.
func DarkRoute(s paas.Service, r paas.Route) Rule { return Rule{verb: VerbDel, service: s, route: r} }

// Share sends a share of a route's requests to a service, 0 < share <= 1. A service with several
// routes needs one for each, and where routers are reached at a port of their own one more for each
// with AtPort: a weight is of one source only (slots.md B4).
func Share(s paas.Service, r paas.Route, share float64) Rule {
	return Rule{verb: VerbWeight, service: s, route: r, share: share}
}

// AtPort is the same rule for the route as clients name it with the router's port.
func (r Rule) AtPort(port string) Rule {
	r.port = port
	return r
}

const (
	maxLine = 4096 // bytes of one line
	// everything is the weight of 100 %. Fabio sums shares of targets as floats and gives what is
	// missing to 1 to the others, so that a weight of 1 leaks; one above 1 is normalised.
	everything = "2"
	leastShare = 0.001 // below, Fabio's ring rounds up for every target
)

// Render gives the text of an app's rule: the services taken away, the shares, and last the fence
// with the rule's version. The text is parsed by Fabio's grammar before it is handed out.
func Render(ref paas.AppRef, version string, rules []Rule) (string, error) {
	fence, err := fenceLine(ref, version)
	if err != nil {
		return "", err
	}
	var dels, weights []string
	for _, r := range rules {
		line, err := r.line(ref)
		if err != nil {
			return "", err
		}
		if r.verb == VerbDel {
			dels = append(dels, line)
		} else {
			weights = append(weights, line)
		}
	}
	lines := slices.Concat(dels, weights, []string{fence})
	text := strings.Join(lines, "\n") + "\n"
	return text, verify(text, lines)
}

func (r Rule) line(ref paas.AppRef) (string, error) {
	if r.service.Team != ref.Team || r.service.App != ref.App {
		return "", fmt.Errorf("rule of app %s names the service %s of another", ref, r.service)
	}
	if parsed, ok := paas.ParseService(r.service.String()); !ok || parsed != r.service {
		return "", fmt.Errorf("rule of app %s names the service %q, which is no service of an app", ref, r.service)
	}
	src, err := r.source()
	if err != nil {
		return "", fmt.Errorf("rule of app %s: %w", ref, err)
	}
	switch {
	case r.verb == VerbDel && src == "":
		return "route del " + r.service.String(), nil
	case r.verb == VerbDel:
		return fmt.Sprintf("route del %s %s", r.service, src), nil
	case r.verb == VerbWeight && src != "":
		w, err := weight(r.share)
		return fmt.Sprintf("route weight %s %s weight %s", r.service, src, w), err
	}
	return "", fmt.Errorf("rule of app %s is neither dark nor a share", ref)
}

// source is the text that the route's tag has in a router's table, "" for no route.
func (r Rule) source() (string, error) {
	if r.verb == VerbDel && r.route == (paas.Route{}) {
		return "", nil
	}
	if problem := paas.CheckRoute(r.route); problem != "" {
		return "", errors.New(problem)
	}
	if r.port == "" {
		return r.route.String(), nil
	}
	if n, err := strconv.ParseUint(r.port, 10, 16); err != nil || n == 0 {
		return "", fmt.Errorf("the router's port %q is no port", r.port)
	}
	return r.route.Host + ":" + r.port + r.route.Path, nil
}

// weight writes a share.
func weight(share float64) (string, error) {
	switch {
	case math.IsNaN(share) || share <= 0 || share > 1:
		return "", fmt.Errorf("share %v is not above 0 and at most 1", share)
	case share == 1:
		return everything, nil
	}
	w := strconv.FormatFloat(max(share, leastShare), 'f', 4, 64)
	if w == "1.0000" {
		return "0.9999", nil
	}
	return w, nil
}

// verify parses a rendered rule back: one command for each line, each short.
func verify(text string, lines []string) error {
	for _, line := range lines {
		if len(line) >= maxLine {
			return fmt.Errorf("a line of the rule has %d bytes, and less than %d are allowed", len(line), maxLine)
		}
	}
	commands, err := Parse(text)
	if err != nil {
		return fmt.Errorf("parse rendered rule: %w", err)
	}
	if len(commands) != len(lines) {
		return fmt.Errorf("parse rendered rule: %d commands in %d lines", len(commands), len(lines))
	}
	return nil
}
