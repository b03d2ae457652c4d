package spec

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// health reads the probes: three blocks, or the short form, which is a readiness probe over HTTP.
func (d *decoder) health(at place, b *hclsyntax.Block, ports []paas.Port) paas.Probes {
	var h paas.Probes
	if b == nil {
		return h
	}
	d.ranges[at.key()] = b.DefRange()
	c := d.read(at, b.Body, healthSchema)
	if len(c.blocks) == 0 {
		h.Readiness = d.shortForm(at, c, ports)
		return h
	}
	if len(c.attrs) > 0 {
		first := ordered(hclsyntax.Attributes(c.attrs))[0]
		d.fault(at.attr(first.Name), first.NameRange, "Two forms of health", "The key %s is of the short form, which is a readiness probe by itself. Write readiness { http = \"/\" } beside the other probes, and its keys there.", first.Name)
	}
	for name, to := range map[string]**paas.Probe{"startup": &h.Startup, "readiness": &h.Readiness, "liveness": &h.Liveness} {
		if probe := c.one(name); probe != nil {
			*to = d.probe(at.attr(name), probe, ports)
		}
	}
	return h
}

func newProbe(kind paas.ProbeType) paas.Probe {
	return paas.Probe{Type: kind, Interval: paas.DefaultCheckInterval, Timeout: paas.DefaultCheckTimeout}
}

func (d *decoder) shortForm(at place, c contents, ports []paas.Port) *paas.Probe {
	if d.short == nil {
		d.short = map[string]bool{}
	}
	d.short[at.key()] = true
	p := newProbe(paas.ProbeHTTP)
	p.Path, p.Port = "/", fitting(p.Type, ports)
	d.text(at.attr("path"), c.attrs["path"], &p.Path)
	d.text(at.attr("port"), c.attrs["port"], &p.Port)
	d.duration(at.attr("interval"), c.attrs["interval"], &p.Interval)
	d.duration(at.attr("timeout"), c.attrs["timeout"], &p.Timeout)
	return &p
}

// probe reads one probe. A fault in how it asks leaves no probe: nothing more can be said of it.
func (d *decoder) probe(at place, b *hclsyntax.Block, ports []paas.Port) *paas.Probe {
	d.ranges[at.key()] = b.DefRange()
	c := d.read(at, b.Body, probeSchema.of(b.Type))
	var asked []string
	for _, kind := range probeTypes {
		if c.attrs[string(kind)] != nil {
			asked = append(asked, string(kind))
		}
	}
	switch {
	case len(asked) == 0:
		if !d.partial && !slices.ContainsFunc(probeTypes, func(kind paas.ProbeType) bool { return d.broken[at.attr(string(kind)).key()] }) {
			d.fault(at, b.DefRange(), "Probe missing", "The %s probe does not say how it asks. Write http = \"/\", tcp = true, grpc = \"\" or exec = [\"./check\"] in it.", b.Type)
		}
		return nil
	case len(asked) > 1:
		second := c.attrs[asked[1]]
		d.fault(at.attr(asked[1]), second.NameRange, "Two probes in one", "The %s probe asks in one way, and here are %s. Keep one of them.", b.Type, list(asked))
		return nil
	}
	p := newProbe(paas.ProbeType(asked[0]))
	if !d.asks(at.attr(asked[0]), c.attrs[asked[0]], &p) {
		return nil
	}
	if p.Type == paas.ProbeExec {
		if a := c.attrs["port"]; a != nil {
			d.fault(at.attr("port"), a.NameRange, "Key does not fit", "An exec probe runs a program inside the instance and needs no port. Leave port out; the program finds it in PORT.")
		}
	} else {
		p.Port = fitting(p.Type, ports)
		d.text(at.attr("port"), c.attrs["port"], &p.Port)
	}
	d.duration(at.attr("interval"), c.attrs["interval"], &p.Interval)
	d.duration(at.attr("timeout"), c.attrs["timeout"], &p.Timeout)
	d.failures(at.attr("failures"), c.attrs["failures"], b.Type, &p.Failures)
	return &p
}

// failures reads how many in a row it takes. One is stored as 0, for equal specs to have equal
// digests.
func (d *decoder) failures(at place, a *hclsyntax.Attribute, kind string, to *int) {
	n := 1
	if kind == "liveness" {
		n = paas.DefaultFailures
	}
	if d.number(at, a, &n) && n == 0 {
		d.fault(at, a.Expr.Range(), "Out of range", "The number of failures is 0; it must be from 1 to %d.", maxFailures)
		return
	}
	if n != 1 {
		*to = n
	}
}

// asks reads the key that says how a probe asks.
func (d *decoder) asks(at place, a *hclsyntax.Attribute, p *paas.Probe) bool {
	switch p.Type {
	case paas.ProbeHTTP:
		return d.text(at, a, &p.Path)
	case paas.ProbeGRPC:
		return d.text(at, a, &p.Service)
	case paas.ProbeExec:
		return d.texts(at, a, &p.Command)
	case paas.ProbeTCP:
	}
	yes := false
	if d.truth(at, a, &yes) && !yes {
		d.fault(at, a.Expr.Range(), "Bad value", "A probe with tcp = false asks nothing. Write tcp = true, or leave the probe out.")
	}
	return yes
}

var probeTypes = []paas.ProbeType{paas.ProbeHTTP, paas.ProbeTCP, paas.ProbeGRPC, paas.ProbeExec}

// speaks says whether a probe of a kind gets an answer at a port.
func speaks(kind paas.ProbeType, p paas.Port) bool {
	switch kind {
	case paas.ProbeHTTP:
		return protocol(p) == paas.HTTP // Consul asks with HTTP/1.1
	case paas.ProbeGRPC:
		return protocol(p) == paas.GRPC || protocol(p) == paas.H2C
	case paas.ProbeTCP:
		return p.Checkable()
	case paas.ProbeExec:
	}
	return false
}

// protocol gives what is spoken at a port.
func protocol(p paas.Port) paas.Protocol {
	if p.Protocol == "" {
		return paas.HTTP
	}
	return p.Protocol
}

// fitting gives the only port that a probe of a kind can ask, else the only port, else "".
func fitting(kind paas.ProbeType, ports []paas.Port) string {
	return pick(ports, func(p paas.Port) bool { return speaks(kind, p) })
}

func pick(ports []paas.Port, fits func(paas.Port) bool) string {
	some := slices.DeleteFunc(slices.Clone(ports), func(p paas.Port) bool { return !fits(p) })
	switch {
	case len(some) == 1:
		return some[0].Name
	case len(ports) == 1:
		return ports[0].Name
	}
	return ""
}

// item is the place of one item of a list.
func (p place) item(i int) place { return placed(fmt.Sprintf("%s.%d", p.key(), i), p.location()) }
