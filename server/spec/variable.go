package spec

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// variable is one that the file declares.
type variable struct {
	name      string
	at        place
	block     *hclsyntax.Block
	sensitive bool
	typed     bool // says its type: without one, what is typed on a command line is a text
	kind      cty.Type
	defaults  *typeexpr.Defaults // of optional attributes
	value     cty.Value          // marked if sensitive
	ok        bool               // has a value that fits
}

// secret is the mark of a sensitive value: the variable it comes from.
type secret string

// secretsIn names the sensitive variables among marks.
func secretsIn(marks cty.ValueMarks) []string {
	var names []string
	for m := range marks {
		if s, is := m.(secret); is {
			names = append(names, string(s))
		}
	}
	slices.Sort(names)
	return names
}

func (s *scope) variableNames() []string {
	if len(s.variablesInOrder) != len(s.variables) {
		s.variablesInOrder = slices.Sorted(maps.Keys(s.variables))
	}
	return s.variablesInOrder
}

// declare reads the variables of a file and gives them their values.
func (d *decoder) declare(blocks []*hclsyntax.Block, o Options) {
	for i, b := range blocks {
		at := place{}.block("variable", i, label(b))
		name := d.named(at, b)
		switch first := d.scope.variables[name]; {
		case len(b.Labels) == 0: // said by labels
		case !hclsyntax.ValidIdentifier(name):
			d.fault(at, b.LabelRanges[0], "Bad name", "The name of the variable, %q, must begin with a letter and hold only letters, digits, underscores and dashes.", name)
		case first != nil:
			d.fault(at, b.LabelRanges[0], "Name repeated", "There is a second variable %q; the first is in line %d. Give it another name, or join the two.", name, first.block.DefRange().Start.Line)
		default:
			d.scope.variables[name] = &variable{name: name, at: at, block: b, kind: cty.DynamicPseudoType}
		}
	}
	given := d.given(o)
	for i, b := range blocks {
		if v := d.scope.variables[label(b)]; v != nil && v.block == b {
			d.variable(place{}.block("variable", i, v.name), v, given[v.name])
		}
	}
}

// given is the value that a variable was given, in the language.
type given struct {
	expr   hclsyntax.Expression // of a file, or
	raw    string               // as somebody typed it
	origin string               // for the sentence
	r      *hcl.Range           // where it stands in a file
}

// variable reads one declaration.
func (d *decoder) variable(at place, v *variable, g *given) {
	c := d.read(at, v.block.Body, variableSchema.named(v.name))
	sensible := true
	if a := c.attrs["sensitive"]; a != nil {
		value, ok := d.compute(at.attr("sensitive"), a.Expr, reach{})
		switch {
		case !ok:
			sensible = false
		case value.IsNull() || value.Type() != cty.Bool:
			sensible = false
			d.fault(at.attr("sensitive"), a.Expr.Range(), "Truth value expected", "The value of sensitive must be true or false.")
		default:
			v.sensitive = value.True()
		}
	}
	v.sensitive = v.sensitive || !sensible // what was meant is not known
	if a := c.attrs["description"]; a != nil {
		var description string
		d.plain(at.attr("description"), a, &description)
	}
	known := d.kind(at.attr("type"), c.attrs["type"], v)

	fallback, whole := cty.NilVal, true
	if a := c.attrs["default"]; a != nil {
		fallback, whole = d.standard(at.attr("default"), a, v)
	}
	switch {
	case !known || d.broken[at.key()]:
	case g != nil:
		v.value, v.ok = d.accept(at, v, g)
	case c.attrs["default"] != nil:
		v.value, v.ok = fallback, whole
	case !d.broken[at.attr("default").key()]:
		d.fault(at, v.block.DefRange(), "Value missing", "The variable %q has no default and was given no value. Give it one with --var %s=..., in a file with --var-file, or as %s%s.", v.name, v.name, EnvPrefix, v.name)
	}
	if v.ok {
		if v.sensitive {
			v.value = v.value.Mark(secret("var." + v.name))
		}
		v.ok = d.validations(at, v, c.blocks["validation"])
	}
}

// plain reads a text that refers to nothing.
func (d *decoder) plain(at place, a *hclsyntax.Attribute, to *string) {
	value, ok := d.compute(at, a.Expr, reach{})
	if !ok {
		return
	}
	if value.IsNull() || value.Type() != cty.String {
		d.fault(at, a.Expr.Range(), "Text expected", "The value of %s must be a text in quotes.", a.Name)
		return
	}
	*to = value.AsString()
}

// kind reads the type of a variable.
func (d *decoder) kind(at place, a *hclsyntax.Attribute, v *variable) bool {
	if a == nil {
		return !d.broken[at.key()]
	}
	v.typed = true
	var diags hcl.Diagnostics
	if v.kind, v.defaults, diags = typeexpr.TypeConstraintWithDefaults(a.Expr); !diags.HasErrors() {
		return true
	}
	hint := "Write type = string, number, bool, any, list(...), set(...), map(...), tuple([...]) or object({ NAME = ... })."
	if value, more := a.Expr.Value(nil); !more.HasErrors() && value.IsKnown() && !value.IsNull() && value.Type() == cty.String {
		hint = "A type stands without quotes. " + hint
	}
	d.fault(at, a.Expr.Range(), "Bad type", "The type of variable %q can't be read. %s", v.name, hint)
	return false
}

// standard reads the default of a variable.
func (d *decoder) standard(at place, a *hclsyntax.Attribute, v *variable) (cty.Value, bool) {
	if v.sensitive {
		d.veiled = &veil{v.block.DefRange(), fmt.Sprintf("The default of variable %q is wrong. It is not shown, as the variable is sensitive.", v.name)}
		defer func() { d.veiled = nil }()
	}
	value, ok := d.compute(at, a.Expr, reach{})
	switch {
	case !ok:
		return value, false
	case value.IsNull():
		d.fault(at, a.Expr.Range(), "Value missing", "The default of variable %q is null. Leave it out to make the variable required.", v.name)
		return value, false
	}
	fitted, problem := fit(value, v)
	if problem != "" {
		d.fault(at, a.Expr.Range(), "Wrong type", "The default of variable %q must be %s: %s.", v.name, typeName(v.kind), problem)
	}
	return fitted, problem == ""
}

// accept reads what a variable was given. No sentence about a sensitive one shows it.
func (d *decoder) accept(at place, v *variable, g *given) (cty.Value, bool) {
	where := v.block.DefRange()
	fail := func(summary, format string, args ...any) (cty.Value, bool) {
		detail := fmt.Sprintf(format, args...)
		if v.sensitive {
			detail = fmt.Sprintf("The value of variable %q, given by %s, must be %s. It is not shown, as the variable is sensitive.", v.name, g.origin, typeName(v.kind))
			g.r = nil
		}
		if g.r != nil {
			d.broken[at.key()] = true
			d.elsewhere(*g.r, summary, detail)
		} else {
			d.fault(at, where, summary, "%s", detail)
		}
		return cty.NilVal, false
	}
	if g.expr == nil && (v.kind == cty.String || !v.typed) {
		if problem := unfit(g.raw); problem != "" {
			return fail("Bad value", "The value of variable %q, given by %s, %s.", v.name, g.origin, problem)
		}
		return cty.StringVal(g.raw), true
	}
	value, problem := constant(g)
	if problem != "" {
		hint := ""
		if g.expr == nil && v.kind != cty.Number && v.kind != cty.Bool {
			hint = " Texts in it stand in quotes: --var '" + v.name + "=[\"a\", \"b\"]'."
		}
		return fail("Bad value", "The value of variable %q, given by %s, must be %s: %s.%s", v.name, g.origin, typeName(v.kind), problem, hint)
	}
	fitted, problem := fit(value, v)
	if problem != "" {
		return fail("Wrong type", "The value of variable %q, given by %s, must be %s: %s.", v.name, g.origin, typeName(v.kind), problem)
	}
	return fitted, true
}

// constant computes what a variable was given; it may refer to nothing.
func constant(g *given) (v cty.Value, problem string) {
	e := g.expr
	if e == nil {
		if diag := tooMuch([]byte(g.raw), g.origin); diag != nil {
			return v, "it is too large"
		}
		parsed, diags := hclsyntax.ParseExpression([]byte(g.raw), g.origin, hcl.InitialPos)
		if diags.HasErrors() {
			return v, fmt.Sprintf("%q is not", shorten(g.raw))
		}
		e = parsed
	}
	if names := e.Variables(); len(names) > 0 {
		return v, fmt.Sprintf("%s is not in quotes, and a value that is given can refer to nothing", text(names[0]))
	}
	if f, called := call(e); called {
		return v, fmt.Sprintf("a value that is given can't call %s", f.Name)
	}
	plain := true
	_ = hclsyntax.VisitAll(e, func(n hclsyntax.Node) hcl.Diagnostics {
		switch n := n.(type) {
		case *hclsyntax.ForExpr, *hclsyntax.BinaryOpExpr, *hclsyntax.SplatExpr:
			plain = false
		case *hclsyntax.LiteralValueExpr:
			if n.Val.Type() == cty.Number && n.Val.IsKnown() && !n.Val.IsNull() && !tame(n.Val) {
				plain = false
			}
		}
		return nil
	})
	if !plain {
		return v, "a value that is given must be written out"
	}
	v, diags := e.Value(nil)
	if diags.HasErrors() || !v.IsWhollyKnown() {
		return v, "it can't be computed"
	}
	_, problem = size(v)
	return v, problem
}

// shorten keeps a sentence readable, whatever was typed.
func shorten(s string) string {
	const longest = 40
	if len(s) > longest {
		return strings.ToValidUTF8(s[:longest], "") + "..."
	}
	return s
}

// fit makes a value one of the variable's type; problem says why it is none.
func fit(value cty.Value, v *variable) (fitted cty.Value, problem string) {
	if value.IsNull() {
		return value, "it is null"
	}
	if v.defaults != nil {
		value = v.defaults.Apply(value)
	}
	fitted, err := convert.Convert(value, v.kind)
	if err != nil {
		return fitted, reasonOf(err)
	}
	if problem := unsound(fitted); problem != "" {
		return fitted, problem
	}
	_, problem = size(fitted)
	return fitted, problem
}

// reasonOf says where in a value what is wrong.
func reasonOf(err error) string {
	if at, ok := errors.AsType[cty.PathError](err); ok && len(at.Path) > 0 {
		return fmt.Sprintf("%s: %s", strings.TrimPrefix(pathText(at.Path), "."), at.Error())
	}
	return err.Error()
}

func pathText(p cty.Path) string {
	var b strings.Builder
	for _, step := range p {
		switch step := step.(type) {
		case cty.GetAttrStep:
			b.WriteString("." + step.Name)
		case cty.IndexStep:
			switch {
			case !step.Key.IsKnown() || step.Key.IsNull():
			case step.Key.Type() == cty.String:
				fmt.Fprintf(&b, "[%q]", step.Key.AsString())
			case step.Key.Type() == cty.Number:
				fmt.Fprintf(&b, "[%s]", step.Key.AsBigFloat().Text('f', 0))
			}
		}
	}
	return b.String()
}

func typeName(t cty.Type) string {
	switch t {
	case cty.String:
		return "a text"
	case cty.Number:
		return "a number"
	case cty.Bool:
		return "true or false"
	case cty.DynamicPseudoType:
		return "an expression"
	}
	return "of type " + typeexpr.TypeString(t)
}
