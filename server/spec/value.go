package spec

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// value reads a text that may refer to these ports.
func (d *decoder) value(at place, e hclsyntax.Expression, ports []paas.Port) paas.Value {
	v, ok := d.eval(at, e, refsTo(ports))
	if !ok {
		return nil
	}
	parts, _ := d.parts(at, e.Range(), v)
	return parts
}

// values reads a list of such texts.
func (d *decoder) values(at place, e hclsyntax.Expression, ports []paas.Port, example string) ([]paas.Value, bool) {
	item := func(i int, r hcl.Range) place {
		here := placed(fmt.Sprintf("%s.%d", at.key(), i), at.location())
		d.ranges[here.key()] = r
		return here
	}
	all := []paas.Value{}
	if tuple, written := e.(*hclsyntax.TupleConsExpr); written {
		for i, each := range tuple.Exprs {
			all = append(all, d.value(item(i, each.Range()), each, ports))
		}
		return all, true
	}
	v, ok := d.eval(at, e, refsTo(ports))
	if !ok {
		return nil, false
	}
	if v.IsNull() || !sequence(v) {
		d.fault(at, e.Range(), "List expected", "The value of %s must be a list. Write %s.", at.location(), example)
		return nil, false
	}
	for i, each := range v.AsValueSlice() {
		parts, _ := d.parts(item(i, e.Range()), e.Range(), each)
		all = append(all, parts)
	}
	return all, true
}

// env reads a map of names to values. Each of its maps that is written out is read entry by entry,
// so that a fault is that of one entry and stands in its line.
func (d *decoder) env(at place, a *hclsyntax.Attribute, ports []paas.Port) map[string]paas.Value {
	if a == nil {
		return nil
	}
	env := map[string]paas.Value{}
	for _, layer := range layers(a.Expr) {
		if object, written := layer.(*hclsyntax.ObjectConsExpr); written {
			d.entries(at, object, ports, env)
		} else {
			d.layer(at, layer, a.Expr, ports, env)
		}
	}
	if len(env) == 0 {
		return nil // as if it were not there, also for the digest
	}
	return env
}

// layers gives the arguments of merge, or the expression itself.
func layers(e hclsyntax.Expression) []hclsyntax.Expression {
	switch e := e.(type) {
	case *hclsyntax.ParenthesesExpr:
		return layers(e.Expression)
	case *hclsyntax.FunctionCallExpr:
		if e.Name != "merge" || e.ExpandFinal || len(e.Args) == 0 {
			break
		}
		var all []hclsyntax.Expression
		for _, arg := range e.Args {
			all = append(all, layers(arg)...)
		}
		return all
	}
	return []hclsyntax.Expression{e}
}

// entries reads a map that is written out.
func (d *decoder) entries(at place, object *hclsyntax.ObjectConsExpr, ports []paas.Port, env map[string]paas.Value) {
	here := map[string]bool{}
	for _, item := range object.Items {
		key, ok := d.eval(placed(at.key()+".#name", at.location()), item.KeyExpr, nil)
		if !ok {
			continue
		}
		if key.IsNull() || key.Type() != cty.String {
			d.report(at, item.KeyExpr.Range(), "Bad name", "The name of a variable in env must be a text.")
			continue
		}
		name := key.AsString()
		entry := at.attr(name)
		if here[name] {
			d.fault(entry, item.KeyExpr.Range(), "Name repeated", "The variable %s is set a second time in the same env. Keep one.", name)
			continue
		}
		here[name] = true
		d.ranges[entry.label().key()] = item.KeyExpr.Range()
		d.ranges[entry.key()] = item.ValueExpr.Range()
		env[name] = d.value(entry, item.ValueExpr, ports)
	}
}

// layer reads a map that some other expression gives, which is the whole env or a part of it.
func (d *decoder) layer(at place, e, whole hclsyntax.Expression, ports []paas.Port, env map[string]paas.Value) {
	v, ok := d.eval(at, e, refsTo(ports))
	if !ok {
		return
	}
	if v.IsNull() && e != whole {
		return // merge passes over it
	}
	if t := v.Type(); v.IsNull() || !t.IsMapType() && !t.IsObjectType() {
		d.fault(at, e.Range(), "Map expected", `The env is a map of names to values. Write env = { NAME = "value" }.`)
		return
	}
	for it := v.ElementIterator(); it.Next(); {
		key, each := it.Element()
		name := key.AsString()
		entry := at.attr(name)
		d.ranges[entry.label().key()], d.ranges[entry.key()] = e.Range(), e.Range()
		env[name], _ = d.parts(entry, e.Range(), each)
	}
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
