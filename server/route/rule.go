package route

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Rule is one wish about the traffic of a service: Dark or Share makes it.
type Rule struct {
	verb    Verb
	service paas.Service
	route   paas.Route
	share   float64
}

// Dark takes every request away from a service: 0 %. No weight means that: 0 is "an even share".
func Dark(s paas.Service) Rule { return Rule{verb: VerbDel, service: s} }

// Share sends a share of a route's requests to a service, 0 < share <= 1. A service with several
// routes needs one for each.
func Share(s paas.Service, r paas.Route, share float64) Rule {
	return Rule{verb: VerbWeight, service: s, route: r, share: share}
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
	switch r.verb {
	case VerbDel:
		return "route del " + r.service.String(), nil
	case VerbWeight:
		if problem := paas.CheckRoute(r.route); problem != "" {
			return "", fmt.Errorf("rule of app %s: %s", ref, problem)
		}
		w, err := weight(r.share)
		return fmt.Sprintf("route weight %s %s weight %s", r.service, r.route, w), err
	case VerbAdd:
	}
	return "", fmt.Errorf("rule of app %s is neither dark nor a share", ref)
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
