package spec

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// decoder walks one file, or the app of one file as one environment has it. It never stops at a
// fault: a value that can't be read keeps its default and is marked broken.
type decoder struct {
	scope   *scope
	found   *faults
	partial bool                 // the file had syntax errors
	again   bool                 // the file was walked before: what was said then is no news
	inside  *hclsyntax.Block     // the environment that is merged in, or nil
	veiled  *veil                // while a sensitive value is read
	ranges  map[string]hcl.Range // by place.key, where it stands in the file
	broken  map[string]bool      // by place.key, already complained about
	short   map[string]bool      // by place.key, health in its short form

	readings  map[string]reading                    // by place.key, of the app as the file has it
	base      *decoder                              // which has read that, or nil
	inherited map[string]bool                       // by place.key, the blocks that are as there
	rerouted  map[string]bool                       // by place.key, inherited processes with routes of their own
	routes    map[*hclsyntax.Block]*hclsyntax.Block // processes that differ from the app's in their routes only, with those
}

// contents is what of a body the schema knows.
type contents struct {
	attrs  map[string]*hclsyntax.Attribute
	blocks map[string][]*hclsyntax.Block
}

// one gives the single block of a type, or nil.
func (c contents) one(kind string) *hclsyntax.Block {
	if len(c.blocks[kind]) == 0 {
		return nil
	}
	return c.blocks[kind][0]
}

// read sorts a body by its schema and reports everything the schema does not know.
func (d *decoder) read(at place, body *hclsyntax.Body, s schema) contents {
	c := contents{attrs: body.Attributes}
	if len(body.Blocks) > 0 {
		c.blocks = make(map[string][]*hclsyntax.Block, len(body.Blocks))
	}
	var strange hclsyntax.Attributes
	for name, a := range body.Attributes {
		if slices.Contains(s.attrs, name) {
			d.ranges[join(at.key(), name)] = a.Expr.Range()
		} else {
			if strange == nil {
				strange = hclsyntax.Attributes{}
			}
			strange[name] = a
		}
	}
	if len(strange) > 0 {
		c.attrs = maps.Clone(c.attrs)
		maps.DeleteFunc(c.attrs, func(name string, _ *hclsyntax.Attribute) bool { return strange[name] != nil })
	}
	for _, a := range ordered(strange) {
		if kind, isBlock := s.blocks[a.Name]; isBlock {
			d.fault(at.attr(a.Name), a.NameRange, "Block expected", "In %s, %s is a block and takes no equals sign. Write %s.", s.kind, a.Name, form(a.Name, kind.label))
		} else {
			d.unknown(at, body, a.Name, a.NameRange, "key", s)
		}
	}
	for _, b := range body.Blocks {
		kind, known := s.blocks[b.Type]
		switch {
		case !known && slices.Contains(s.attrs, b.Type):
			d.fault(at.attr(b.Type), b.TypeRange, "Equals sign expected", "In %s, %s is a key and no block. Write %s = ....", s.kind, b.Type, b.Type)
			continue
		case !known:
			d.unknown(at, body, b.Type, b.TypeRange, "block", s)
			continue
		}
		d.labels(at, b, kind.label)
		if first := c.one(b.Type); first != nil && !kind.many {
			d.fault(at.attr(b.Type).label(), b.DefRange(), "Block repeated", "There is a second block %q in %s; the first is in line %d. Join them.", b.Type, s.kind, first.DefRange().Start.Line)
			continue
		}
		if n := len(c.blocks[b.Type]); most[b.Type] > 0 && n == most[b.Type] {
			if !d.broken[at.attr(b.Type).key()] {
				d.fault(at.attr(b.Type), b.DefRange(), "Too many", "%s", tooMany(b.Type, s.kind, countOf(body, b.Type)))
			}
			continue
		}
		c.blocks[b.Type] = append(c.blocks[b.Type], b)
	}
	return c
}

func countOf(body *hclsyntax.Body, kind string) int {
	n := 0
	for _, b := range body.Blocks {
		if b.Type == kind {
			n++
		}
	}
	return n
}

// unknown reports a name that the schema does not have. what is key or block, as it was written.
func (d *decoder) unknown(at place, body *hclsyntax.Body, name string, r hcl.Range, what string, s schema) {
	here := at.attr(name)
	if d.found.full() {
		d.fault(here, r, "Unknown "+what, "")
		return
	}
	if d.lost(r) && nearest(name, s.names()) == "" {
		d.broken[here.key()] = true
		return
	}
	switch said := s.refused[name]; {
	case said != "" && said == later[name]:
		d.fault(here, r, "Not yet", "The %s %q of %s: %s", what, name, s.kind, said)
	case said != "":
		d.fault(here, r, "Unknown "+what, "There is no %s %q in %s. %s", what, name, s.kind, said)
	default:
		d.mistyped(at, body, name, s)
		d.fault(here, r, "Unknown "+what, "There is no %s %q in %s.%s", what, name, s.kind, s.hint(name))
	}
}

// lost says that the parser may have put something into the wrong block: behind a fault of syntax it
// guesses where blocks end.
func (d *decoder) lost(r hcl.Range) bool {
	return slices.ContainsFunc(d.found.syntax, func(fault hcl.Range) bool { return fault.Start.Byte < r.Start.Byte })
}

// mistyped keeps what a wrong name was meant to be from being called missing as well.
func (d *decoder) mistyped(at place, body *hclsyntax.Body, name string, s schema) {
	meant := nearest(name, s.names())
	if _, there := body.Attributes[meant]; !there && meant != "" {
		d.broken[at.attr(meant).key()] = true
	}
}

// labels reports a block's missing or surplus labels; the block is read all the same.
func (d *decoder) labels(at place, b *hclsyntax.Block, label string) {
	switch {
	case label == "" && len(b.Labels) > 0:
		d.report(at.attr(b.Type), b.LabelRanges[0], "Name not expected", fmt.Sprintf("The %s block has no name. Write %s.", b.Type, form(b.Type, "")))
	case label != "" && len(b.Labels) == 0:
		d.report(at.attr(b.Type), b.TypeRange, "Name missing", fmt.Sprintf("The %s block needs %s after the word %s. Write %s.", b.Type, label, b.Type, form(b.Type, label)))
	case len(b.Labels) > 1 && label != "":
		d.report(at.attr(b.Type), b.LabelRanges[1], "Name not expected", fmt.Sprintf("The %s block has one name, and %q is a second. Leave it out.", b.Type, b.Labels[1]))
	}
}

// named gives the label of a block and notes where it stands, at place.label.
func (d *decoder) named(at place, b *hclsyntax.Block) string {
	d.ranges[at.key()] = b.DefRange()
	if len(b.Labels) == 0 {
		d.broken[at.label().key()] = true // reported by labels
	} else {
		d.ranges[at.label().key()] = b.LabelRanges[0]
	}
	return label(b)
}

// label gives the first label of a block, or "".
func label(b *hclsyntax.Block) string {
	if len(b.Labels) == 0 {
		return ""
	}
	return b.Labels[0]
}

func ordered(attrs hclsyntax.Attributes) []*hclsyntax.Attribute {
	list := make([]*hclsyntax.Attribute, 0, len(attrs))
	for _, a := range attrs {
		list = append(list, a)
	}
	slices.SortFunc(list, func(a, b *hclsyntax.Attribute) int {
		return cmp.Compare(a.SrcRange.Start.Byte, b.SrcRange.Start.Byte)
	})
	return list
}

// check runs Validate's rules and reports what they find at its place in the file.
func (d *decoder) check(s paas.Spec, file hcl.Range) {
	r := newReport(func(at place, f flaw) {
		reader := d.reader(at.key())
		at = reader.asWritten(at)
		if reader.broken[at.key()] || (f.absent && d.partial) {
			return
		}
		d.report(at, reader.rangeOf(at.key(), file), f.summary, f.message)
	})
	r.known, r.rerouted = d.inherited, d.rerouted
	validate(s, r)
}

// asWritten gives the place of a probe of the short form as the file has it: Validate knows the long
// form only.
func (d *decoder) asWritten(at place) place {
	const long = ".health.readiness"
	process, key, ok := strings.Cut(at.key(), long)
	if !ok || !d.short[process+".health"] {
		return at
	}
	name, path, _ := strings.Cut(at.location(), long)
	as := strings.NewReplacer(".http", ".path")
	return placed(process+".health"+as.Replace(key), name+".health"+as.Replace(path))
}

// rangeOf gives the range of a key, else of the nearest block around it.
func (d *decoder) rangeOf(key string, file hcl.Range) hcl.Range {
	for key != "" {
		if r, ok := d.ranges[key]; ok {
			return r
		}
		key = key[:max(0, strings.LastIndexByte(key, '.'))]
	}
	return file
}
