package spec

import (
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Defaults of the blocks of a placement; the weights are from 1 to 100.
const (
	defaultPool     = "default"
	defaultOperator = "="
	affinityWeight  = 50
	spreadWeight    = 100
)

// placement reads the placement of the app or of one process, whose schema knows less.
func (d *decoder) placement(at place, b *hclsyntax.Block, s schema) paas.Placement {
	var p paas.Placement
	if b == nil {
		return p
	}
	d.ranges[at.key()] = b.DefRange()
	c := d.read(at, b.Body, s)
	if d.text(at.attr("pool"), c.attrs["pool"], &p.Pool) && p.Pool == defaultPool {
		p.Pool = "" // as if it were not said, also for the digest
	}
	if d.texts(at.attr("datacenters"), c.attrs["datacenters"], &p.Datacenters) && len(p.Datacenters) == 0 {
		p.Datacenters = nil // as if it were not there, also for the digest
	}
	d.truth(at.attr("distinct_hosts"), c.attrs["distinct_hosts"], &p.DistinctHosts)
	for i, b := range c.blocks["constraint"] {
		here := d.stands(at.block("constraint", i, ""), b)
		p.Constraints = append(p.Constraints, d.constraint(here, d.read(here, b.Body, *s.blocks[b.Type].body)))
	}
	for i, b := range c.blocks["affinity"] {
		here := d.stands(at.block("affinity", i, ""), b)
		c := d.read(here, b.Body, *s.blocks[b.Type].body)
		a := paas.Affinity{Constraint: d.constraint(here, c), Weight: affinityWeight}
		d.number(here.attr("weight"), c.attrs["weight"], &a.Weight)
		p.Affinities = append(p.Affinities, a)
	}
	for i, b := range c.blocks["spread"] {
		here := d.stands(at.block("spread", i, ""), b)
		p.Spreads = append(p.Spreads, d.spread(here, b, *s.blocks[b.Type].body))
	}
	return p
}

// stands notes where a block without a name is.
func (d *decoder) stands(at place, b *hclsyntax.Block) place {
	d.ranges[at.key()] = b.DefRange()
	return at
}

func (d *decoder) constraint(at place, c contents) paas.Constraint {
	s := paas.Constraint{Operator: defaultOperator}
	d.attribute(at.attr("attribute"), c.attrs["attribute"], &s.Attribute)
	d.text(at.attr("operator"), c.attrs["operator"], &s.Operator)
	d.text(at.attr("value"), c.attrs["value"], &s.Value)
	return s
}

func (d *decoder) spread(at place, b *hclsyntax.Block, schema schema) paas.Spread {
	s := paas.Spread{Weight: spreadWeight}
	c := d.read(at, b.Body, schema)
	d.attribute(at.attr("attribute"), c.attrs["attribute"], &s.Attribute)
	d.number(at.attr("weight"), c.attrs["weight"], &s.Weight)
	for i, b := range c.blocks["target"] {
		here := at.block("target", i, label(b))
		t := paas.Target{Value: d.named(here, b)}
		c := d.read(here, b.Body, schema.blocks["target"].body.named(t.Value))
		if c.attrs["percent"] == nil && !d.partial && !d.broken[here.attr("percent").key()] {
			d.fault(here.attr("percent"), b.DefRange(), "Percent missing", "The target %q must say what share of the instances it should get. Write percent = 50.", t.Value)
		}
		d.number(here.attr("percent"), c.attrs["percent"], &t.Percent)
		s.Targets = append(s.Targets, t)
	}
	return s
}

// attribute reads the name of a node's attribute. Nomad writes it between ${ and }, which a text of
// this language can only hold as $${: that is taken too.
func (d *decoder) attribute(at place, a *hclsyntax.Attribute, to *string) {
	if a == nil {
		return
	}
	for _, t := range a.Expr.Variables() {
		if root := t.RootName(); root == "attr" || root == "node" || root == "meta" || root == "device" {
			d.fault(at, a.Expr.Range(), "Text expected", "The attribute of a node is written without ${ and }. Write attribute = %q.", text(t))
			return
		}
	}
	if d.text(at, a, to) {
		*to = bareAttribute(*to)
	}
}

// bareAttribute takes ${ and } off.
func bareAttribute(s string) string {
	if inner, ok := strings.CutPrefix(s, "${"); ok && strings.HasSuffix(inner, "}") {
		return strings.TrimSuffix(inner, "}")
	}
	return s
}
