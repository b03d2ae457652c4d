package spec

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// local is a named expression, computed when it is first needed.
type local struct {
	at      place
	attr    *hclsyntax.Attribute
	state   progress
	value   cty.Value
	secrets []string // the sensitive variables behind it
	ok      bool
}

type progress int

const (
	untouched progress = iota
	computing
	computed
)

// deepest is how many locals may each need the next.
const deepest = 500

func (s *scope) localNames() []string {
	if len(s.localsInOrder) != len(s.locals) {
		s.localsInOrder = slices.Sorted(maps.Keys(s.locals))
	}
	return s.localsInOrder
}

// name collects the locals of a file and computes them.
func (d *decoder) name(blocks []*hclsyntax.Block) {
	for _, b := range blocks {
		for _, a := range ordered(b.Body.Attributes) {
			if first := d.scope.locals[a.Name]; first != nil {
				d.report(first.at, a.NameRange, "Name repeated", "There is a second local "+strconv.Quote(a.Name)+". Give it another name.")
				continue
			}
			at := placed("local."+a.Name, "local."+a.Name)
			d.ranges[at.key()] = a.Expr.Range()
			d.scope.locals[a.Name] = &local{at: at, attr: a}
		}
		for _, inner := range b.Body.Blocks {
			d.report(placed("", "locals"), inner.DefRange(), "Equals sign expected", "Locals are lines NAME = VALUE. Write "+inner.Type+" = { ... }.")
		}
	}
	for _, name := range d.scope.localNames() {
		d.local(name, d.scope.locals[name].attr.NameRange)
	}
}

// local gives the local of that name, which there is. from is where it was asked for.
func (d *decoder) local(name string, from hcl.Range) *local {
	l, s := d.scope.locals[name], d.scope
	switch {
	case l.state == computed:
		return l
	case l.state == computing:
		circle := s.chain[slices.Index(s.chain, name):]
		d.circle(circle, from)
		return l
	case len(s.chain) >= deepest:
		d.fault(l.at, from, "Nested too deep", "More than %d locals need one another here. Write some of them out.", deepest)
		l.state = computed
		return l
	}
	l.state = computing
	s.chain = append(s.chain, name)
	v, ok := d.compute(l.at, l.attr.Expr, reach{variables: true, locals: true, refs: true, inside: true})
	s.chain = s.chain[:len(s.chain)-1]
	if l.state == computed {
		return l // part of a circle
	}
	l.state = computed
	if ok {
		plain, marks := v.UnmarkDeep()
		l.secrets = secretsIn(marks)
		l.value, l.ok = v, d.sound(l.at, l.attr.Expr, plain, true)
	}
	return l
}

// circle reports locals that need one another, once.
func (d *decoder) circle(names []string, from hcl.Range) {
	for _, each := range names {
		d.scope.locals[each].state = computed // and not ok
	}
	first := d.scope.locals[names[0]]
	way := strings.Join(append(slices.Clone(names), names[0]), " -> ")
	if len(names) == 1 {
		d.fault(first.at, from, "Circle of locals", "The local %s needs itself: %s. Write out the value it should begin with.", names[0], way)
		return
	}
	const shown = 400 // of a sentence
	if len(way) > shown {
		way = way[:shown] + "..."
	}
	d.fault(first.at, from, "Circle of locals", "These locals need one another, so none of them has a value: %s. Write one of them out.", way)
}
