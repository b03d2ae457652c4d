package spec

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// env reads a map of names to values.
func (d *decoder) env(at place, a *hclsyntax.Attribute, ports []paas.Port) map[string]paas.Value {
	if a == nil {
		return nil
	}
	object, ok := a.Expr.(*hclsyntax.ObjectConsExpr)
	if !ok {
		d.fault(at, a.Expr.Range(), "Map expected", `The env is a map of names to values. Write env = { NAME = "value" }.`)
		return nil
	}
	env := make(map[string]paas.Value, len(object.Items))
	for _, item := range object.Items {
		name, ok := key(item.KeyExpr)
		if !ok {
			d.report(at, item.KeyExpr.Range(), "Bad name", "The name of a variable in env must be written out.")
			continue
		}
		entry := at.attr(name)
		if _, twice := env[name]; twice {
			d.fault(entry, item.KeyExpr.Range(), "Name repeated", "The variable %s is set a second time in the same env. Keep one.", name)
			continue
		}
		d.ranges[entry.label().key] = item.KeyExpr.Range()
		d.ranges[entry.key] = item.ValueExpr.Range()
		env[name] = d.value(entry, item.ValueExpr, ports)
	}
	if len(env) == 0 {
		return nil // as if it were not there, also for the digest
	}
	return env
}

// key gives the name that stands on the left in a map.
func key(e hclsyntax.Expression) (string, bool) {
	if refers(e) {
		return "", false
	}
	v, diags := e.Value(nil)
	if diags.HasErrors() || v.IsNull() || v.Type() != cty.String {
		return "", false
	}
	return v.AsString(), true
}

// refers says whether an expression refers to anything or calls a function.
func refers(e hclsyntax.Expression) bool {
	if len(e.Variables()) > 0 {
		return true
	}
	_, called := call(e)
	return called
}

// call finds the first call of a function in an expression.
func call(e hclsyntax.Expression) (f *hclsyntax.FunctionCallExpr, ok bool) {
	// The visitor never reports anything, so neither does the walk.
	_ = hclsyntax.VisitAll(e, func(n hclsyntax.Node) hcl.Diagnostics {
		if c, is := n.(*hclsyntax.FunctionCallExpr); is && f == nil {
			f = c
		}
		return nil
	})
	return f, f != nil
}

// value turns an expression into parts. ports are those it may refer to.
func (d *decoder) value(at place, e hclsyntax.Expression, ports []paas.Port) paas.Value {
	var v paas.Value
	for _, piece := range pieces(e) {
		if !d.piece(at, piece, ports, &v) {
			return nil
		}
	}
	if len(v) == 0 {
		return paas.Literal("")
	}
	return v
}

// pieces takes the wrapping off an expression: what stands between the quotes, in order.
func pieces(e hclsyntax.Expression) []hclsyntax.Expression {
	switch e := e.(type) {
	case *hclsyntax.TemplateExpr:
		var all []hclsyntax.Expression
		for _, part := range e.Parts {
			all = append(all, pieces(part)...)
		}
		return all
	case *hclsyntax.TemplateWrapExpr:
		return pieces(e.Wrapped)
	case *hclsyntax.ParenthesesExpr:
		return pieces(e.Expression)
	}
	return []hclsyntax.Expression{e}
}

func (d *decoder) piece(at place, e hclsyntax.Expression, ports []paas.Port, v *paas.Value) bool {
	if t, ok := e.(*hclsyntax.ScopeTraversalExpr); ok {
		ref, ok := d.reference(at, t, ports)
		if ok {
			*v = append(*v, paas.Part{Ref: &ref})
		}
		return ok
	}
	if f, ok := call(e); ok {
		d.fault(at, f.Range(), "Unknown function", "There is no function %q: an app spec has none. Write the value out.", f.Name)
		return false
	}
	if vars := e.Variables(); len(vars) > 0 {
		d.fault(at, e.Range(), "Reference not alone", "The reference %s can't be computed with: its value is known only where the instance runs. Use it by itself, as in \"${%s}\".", text(vars[0]), text(vars[0]))
		return false
	}
	c, diags := e.Value(nil)
	if diags.HasErrors() {
		d.fault(at, e.Range(), "Bad value", "The value can't be computed: %s", sentence(diags[0]))
		return false
	}
	s, err := convert.Convert(c, cty.String)
	if err != nil || s.IsNull() || !s.IsKnown() {
		d.fault(at, e.Range(), "Text expected", "The value of %s must be a text, a number or a truth value.", at.location)
		return false
	}
	*v = extend(*v, s.AsString())
	return true
}

// reference reads port.NAME, host.NAME, host, alloc.id or alloc.index.
func (d *decoder) reference(at place, e *hclsyntax.ScopeTraversalExpr, ports []paas.Port) (paas.Ref, bool) {
	names, ok := words(e.Traversal)
	path := strings.Join(names, ".")
	switch {
	case !ok:
	case path == string(paas.RefAllocID), path == string(paas.RefAllocIndex):
		return paas.Ref{Kind: paas.RefKind(path)}, true
	case path == string(paas.RefHost) && len(ports) == 1:
		return paas.Ref{Kind: paas.RefHost, Name: ports[0].Name}, true
	case len(names) == 2 && (names[0] == string(paas.RefPort) || names[0] == string(paas.RefHost)):
		// Whether the port exists is Validate's to say, as it is for a spec that came as JSON.
		return paas.Ref{Kind: paas.RefKind(names[0]), Name: names[1]}, true
	}
	d.fault(at, e.Range(), "Unknown reference", "There is no %s to refer to. %s", text(e.Traversal), known(ports))
	return paas.Ref{}, false
}

// known lists what a value may refer to.
func known(ports []paas.Port) string {
	var names []string
	for _, p := range ports {
		names = append(names, "port."+p.Name, "host."+p.Name)
	}
	names = append(names, string(paas.RefAllocID), string(paas.RefAllocIndex))
	return fmt.Sprintf("There are %s. For a literal ${ write $${.", list(names))
}

// words gives the names of a traversal such as port.http or port["http"].
func words(t hcl.Traversal) ([]string, bool) {
	var names []string
	for _, step := range t {
		switch step := step.(type) {
		case hcl.TraverseRoot:
			names = append(names, step.Name)
		case hcl.TraverseAttr:
			names = append(names, step.Name)
		case hcl.TraverseIndex:
			if step.Key.Type() != cty.String {
				return names, false
			}
			names = append(names, step.Key.AsString())
		default:
			return names, false
		}
	}
	return names, true
}

// text shows a traversal as far as it consists of names.
func text(t hcl.Traversal) string {
	names, _ := words(t)
	return strings.Join(names, ".")
}

// extend adds literal text, to the part before it where that is literal too: equal values have
// equal parts.
func extend(v paas.Value, s string) paas.Value {
	if n := len(v); n > 0 && v[n-1].Ref == nil {
		v[n-1].Text += s
		return v
	}
	if s == "" {
		return v
	}
	return append(v, paas.Part{Text: s})
}
