package spec

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// health writes the short form where it says all. only is the port of a probe that names none.
func (b *printed) health(h paas.Probes, only string) {
	if r := h.Readiness; r != nil && h.Startup == nil && h.Liveness == nil && r.Type == paas.ProbeHTTP && r.Failures == 0 {
		inner := b.one("health")
		inner.text("path", r.Path, "/")
		inner.probe(*r, only)
		return
	}
	b.some("health", func(b *printed) {
		for _, each := range []struct {
			kind  string
			probe *paas.Probe
			fails int // unless said
		}{{"startup", h.Startup, 0}, {"readiness", h.Readiness, 0}, {"liveness", h.Liveness, paas.DefaultFailures}} {
			p := each.probe
			if p == nil {
				continue
			}
			inner := b.one(each.kind)
			switch p.Type {
			case paas.ProbeHTTP:
				inner.key("http", quote(p.Path, false))
			case paas.ProbeTCP:
				inner.key("tcp", "true")
			case paas.ProbeGRPC:
				inner.key("grpc", quote(p.Service, false))
			case paas.ProbeExec:
				inner.key("exec", texts(p.Command))
			}
			inner.probe(*p, only)
			if p.Failures != each.fails {
				inner.key("failures", strconv.Itoa(max(1, p.Failures)))
			}
		}
	})
}

func (b *printed) probe(p paas.Probe, only string) {
	if p.Type != paas.ProbeExec {
		b.text("port", p.Port, only)
	}
	b.span("interval", p.Interval, paas.DefaultCheckInterval)
	b.span("timeout", p.Timeout, paas.DefaultCheckTimeout)
}

func (b *printed) deploy(d paas.Deploy) {
	standard := paas.DefaultDeploy()
	b.some("deploy", func(b *printed) {
		b.text("strategy", string(d.Strategy), string(standard.Strategy))
		if d.Surge != standard.Surge {
			b.key("surge", amount(d.Surge))
		}
		b.number("max_in_flight", d.MaxInFlight, 0)
		b.text("room", string(d.Room), string(standard.Room))
		b.text("unrouted", string(d.Unrouted), string(standard.Unrouted))
		b.span("deadline", d.Deadline, standard.Deadline)
		b.truth("revert", d.Revert, standard.Revert)
		if d.Strategy == paas.Canary {
			b.some("canary", func(b *printed) { b.canary(d.Canary) })
		}
		if d.Strategy == paas.BlueGreen {
			b.some("blue_green", func(b *printed) { b.span("warm", d.Warm, paas.DefaultWarm) })
		}
	})
}

func (b *printed) canary(c paas.CanaryPolicy) {
	b.number("instances", c.Instances, canaryInstances)
	if !slices.Equal(c.Traffic, canaryTraffic) {
		steps := make([]string, len(c.Traffic))
		for i, percent := range c.Traffic {
			steps[i] = strconv.Itoa(percent)
		}
		b.key("traffic", "["+strings.Join(steps, ", ")+"]")
	}
	b.span("hold", c.Hold, paas.DefaultCanaryHold)
	b.number("margin", c.Margin, canaryMargin)
	if c.Manual {
		b.key("promote", strconv.Quote(string(promoteManual)))
	}
}

func amount(a paas.Amount) string {
	if a.Percent > 0 {
		return fmt.Sprintf(`"%d%%"`, a.Percent)
	}
	return strconv.Itoa(a.Count)
}

func (b *printed) placement(p paas.Placement) {
	b.some("placement", func(b *printed) {
		b.text("pool", p.Pool, "")
		if len(p.Datacenters) > 0 {
			b.key("datacenters", texts(p.Datacenters))
		}
		b.truth("distinct_hosts", p.DistinctHosts, false)
		for _, c := range p.Constraints {
			b.one("constraint").constraint(c)
		}
		for _, a := range p.Affinities {
			inner := b.one("affinity")
			inner.constraint(a.Constraint)
			inner.number("weight", a.Weight, affinityWeight)
		}
		for _, s := range p.Spreads {
			inner := b.one("spread")
			inner.key("attribute", quote(s.Attribute, false))
			inner.number("weight", s.Weight, spreadWeight)
			for _, t := range s.Targets {
				inner.block("target", t.Value).key("percent", strconv.Itoa(t.Percent))
			}
		}
	})
}

func (b *printed) constraint(c paas.Constraint) {
	b.key("attribute", quote(c.Attribute, false))
	b.text("operator", c.Operator, defaultOperator)
	b.text("value", c.Value, "")
}

// fragment writes a piece of a Nomad job as a map.
func (b *printed) fragment(name string, f paas.Fragment) {
	if len(f) == 0 {
		return
	}
	object, err := parseFragment(f)
	if err != nil {
		return // Validate refuses it
	}
	b.key(name, expression(object))
}

// expression writes what parseFragment gives.
func expression(v any) string {
	switch v := v.(type) {
	case map[string]any:
		if len(v) == 0 {
			return "{}"
		}
		lines := []string{"{"}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			lines = append(lines, fieldName(name)+" = "+expression(v[name]))
		}
		return strings.Join(append(lines, "}"), "\n")
	case []any:
		items := make([]string, len(v))
		for i, item := range v {
			items[i] = expression(item)
		}
		return "[" + strings.Join(items, ", ") + "]"
	case string:
		return quote(v, false)
	case nil:
		return "null"
	}
	return fmt.Sprint(v) // a number or a truth value
}

// fieldName writes the name on the left in a map.
func fieldName(name string) string {
	if hclsyntax.ValidIdentifier(name) && name != "null" && name != "true" && name != "false" && name != "for" {
		return name
	}
	return quote(name, false)
}

func texts(list []string) string {
	items := make([]string, len(list))
	for i, text := range list {
		items[i] = quote(text, false)
	}
	return "[" + strings.Join(items, ", ") + "]"
}

// template writes a value: its text in quotes, its references as ${port.http}.
func template(v paas.Value) string {
	var b strings.Builder
	b.WriteByte('"')
	for i, p := range v {
		if p.Ref != nil {
			b.WriteString("${" + refText(*p.Ref) + "}")
			continue
		}
		text := quote(p.Text, i+1 < len(v) && v[i+1].Ref != nil)
		b.WriteString(text[1 : len(text)-1])
	}
	b.WriteByte('"')
	return b.String()
}

// quote writes a text so that the language reads it back byte by byte: ${ and %{ doubled, except
// where the doubling would join a sign before it. before says that a reference follows.
func quote(s string, before bool) string {
	var b strings.Builder
	b.WriteByte('"')
	for i, r := range s {
		next := i + utf8.RuneLen(max(r, 0))
		switch {
		case r == '"' || r == '\\':
			b.WriteRune('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '$' || r == '%':
			opens := next < len(s) && s[next] == '{'
			after := i > 0 && s[i-1] == byte(r)
			switch {
			case opens && !after:
				b.WriteString(string([]rune{r, r}))
			case opens, before && next == len(s) && r == '$':
				fmt.Fprintf(&b, `\u%04x`, r)
			default:
				b.WriteRune(r)
			}
		case !unicode.IsPrint(r) && r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		case !unicode.IsPrint(r):
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
