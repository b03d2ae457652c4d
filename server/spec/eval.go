package spec

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// scope is what the expressions of one file may name. It belongs to one parse.
type scope struct {
	variables map[string]*variable
	locals    map[string]*local
	functions map[string]function.Function // those called so far
	tokens    tokens
	meter     meter
	refused   *refusal // the first thing in the expression at hand that must not be computed
	chain     []string // the locals being computed, for cycles

	variablesInOrder, localsInOrder []string
}

func newScope(src []byte, o Options) *scope {
	s := &scope{variables: map[string]*variable{}, locals: map[string]*local{}, functions: map[string]function.Function{}}
	s.tokens.seed(src, o)
	s.meter.left = maxWork
	return s
}

// reach says what one expression may name.
type reach struct {
	variables bool
	locals    bool
	only      string      // the one variable it may name; "" for all
	refs      bool        // what only the node knows
	ports     []paas.Port // those it may refer to
	inside    bool        // of a local: whose ports, only its user knows
}

// refsTo allows an expression to refer to these ports and the allocation: eval's third argument,
// which a nil slice of ports must not turn into "no references".
func refsTo(ports []paas.Port) []paas.Port {
	if ports == nil {
		return []paas.Port{}
	}
	return ports
}

// eval computes an expression. refs are the ports it may refer to, nil where nothing that only the
// node knows can stand. What it gives is known and holds no marks, but may be null; a reference in
// it is a token, which parts takes out again. A fault is reported, and gives false.
func (d *decoder) eval(at place, e hclsyntax.Expression, refs []paas.Port) (cty.Value, bool) {
	if v, is := literal(e); is {
		return v, true
	}
	v, ok := d.compute(at, e, reach{variables: true, locals: true, refs: refs != nil, ports: refs})
	if !ok {
		return cty.NilVal, false
	}
	v, marks := v.UnmarkDeep()
	if names := secretsIn(marks); len(names) > 0 {
		d.fault(at, e.Range(), "Sensitive value", "The value of %s comes from %s, which is sensitive: it may stand in a secret only, so that no job, log or plan shows it. Take it out here, or take sensitive = true from the variable if anybody may read it.", at.location(), list(names))
		return cty.NilVal, false
	}
	if !d.sound(at, e, v, refs != nil) {
		return cty.NilVal, false
	}
	return v, true
}

// literal gives the value of an expression that is one text, number or truth value: there is nothing to
// compute, or to be found wrong but in numbers of a strange size.
func literal(e hclsyntax.Expression) (cty.Value, bool) {
	if t, is := e.(*hclsyntax.TemplateExpr); is && t.IsStringLiteral() {
		e = t.Parts[0]
	}
	l, is := e.(*hclsyntax.LiteralValueExpr)
	if !is || l.Val.IsNull() || !l.Val.IsKnown() || l.Val.Type() == cty.Number && !tame(l.Val) {
		return cty.NilVal, false
	}
	return l.Val, true
}

// sound demands that references stand where they may: in a text, and in no key of a map.
func (d *decoder) sound(at place, e hclsyntax.Expression, v cty.Value, refs bool) bool {
	if len(d.scope.tokens.refs) == 0 {
		return true
	}
	found := d.scope.tokens.in(v)
	switch {
	case found.key != "":
		d.fault(at, e.Range(), "Reference not allowed", "The reference %s can't be the name of anything in %s: its value is known only where the instance runs.", found.key, at.location())
	case found.text != "" && !refs:
		d.fault(at, e.Range(), "Constant expected", "The value of %s can't come from %s, which is known only where the instance runs: only command, args, env and a file's content may refer to it.", at.location(), found.text)
	default:
		return true
	}
	return false
}

// compute gives what an expression is, sensitive values still marked.
func (d *decoder) compute(at place, e hclsyntax.Expression, r reach) (cty.Value, bool) {
	ctx, names, secrets, ok := d.bind(at, e, r)
	if !ok {
		return cty.NilVal, false
	}
	outer := d.scope.refused
	d.scope.refused = nil
	defer func() { d.scope.refused = outer }()

	if !d.scope.meter.spend(weight(e) + d.scope.meter.named(e, names, ctx)) { // its length and all that it names
		d.overspent(at, e.Range())
		return cty.NilVal, false
	}
	v, diags := e.Value(ctx)
	switch refused := d.scope.refused; {
	case d.scope.meter.spent():
		d.overspent(at, e.Range())
	case len(secrets) > 0 && (diags.HasErrors() || refused != nil || tries(e)):
		// What the library says of a fault may hold a piece of the value.
		d.fault(at, e.Range(), "Sensitive value", "The value of %s can't be computed from %s. Why is not shown, as that is sensitive.", at.location(), list(secrets))
	case refused != nil:
		d.fault(at, within(refused.where, e), refused.summary, "%s", refused.detail)
	case diags.HasErrors():
		d.uncomputed(at, e, first(diags))
	case !v.IsWhollyKnown():
		d.fault(at, e.Range(), "Bad value", "The value of %s can't be computed.", at.location())
	default:
		if problem := d.scope.meter.check(v); problem != "" {
			d.fault(at, e.Range(), "Value too large", "The value of %s %s.", at.location(), problem)
			return cty.NilVal, false
		}
		return v, true
	}
	return cty.NilVal, false
}

func (d *decoder) overspent(at place, r hcl.Range) {
	if d.scope.meter.told {
		d.broken[at.key()] = true // one such sentence says it for the whole file
		return
	}
	d.scope.meter.told = true
	d.fault(at, r, "Too much to compute", "The value of %s takes too much to compute: loops over large collections, or long texts put together many times. Make the collections smaller, or write the value out.", at.location())
}

// uncomputed says in our words what the library says of an expression.
func (d *decoder) uncomputed(at place, e hclsyntax.Expression, diag *hcl.Diagnostic) {
	r := e.Range()
	if diag.Subject != nil {
		r = *diag.Subject
	}
	if diag.Expression != nil && diag.EvalContext != nil && len(d.scope.tokens.refs) > 0 {
		if v, _ := diag.Expression.Value(diag.EvalContext); v != cty.NilVal {
			if found := d.scope.tokens.in(unmarked(v)); found.text != "" {
				d.fault(at, r, "Reference not alone", "%s", notAlone(found.text))
				return
			}
		}
	}
	d.fault(at, r, "Bad value", "The value of %s can't be computed: %s", at.location(), sentence(diag))
}

func notAlone(ref string) string {
	return fmt.Sprintf("The reference %s can't be computed with: its value is known only where the instance runs. Use it by itself, as in \"${%s}\".", ref, ref)
}

func first(diags hcl.Diagnostics) *hcl.Diagnostic {
	for _, d := range diags {
		if d.Severity == hcl.DiagError {
			return d
		}
	}
	return diags[0]
}

func unmarked(v cty.Value) cty.Value {
	v, _ = v.UnmarkDeep()
	return v
}

// within gives the range of a refused piece, or that of the expression it was part of where the
// piece is unknown or stands in another one.
func within(r *hcl.Range, e hclsyntax.Expression) hcl.Range {
	if r == nil || !e.Range().Overlaps(*r) {
		return e.Range()
	}
	return *r
}

// bind makes the context of one expression: only what it names, so that what it does not name
// need not be computable. names are the pieces that do so, secrets the sensitive variables behind them.
func (d *decoder) bind(at place, e hclsyntax.Expression, r reach) (ctx *hcl.EvalContext, names []hcl.Traversal, secrets []string, ok bool) {
	if !d.prepare(at, e) {
		return nil, nil, nil, false
	}
	b := binder{d: d, at: at, r: e.Range(), reach: r, ok: true}
	names = e.Variables()
	for _, t := range names {
		b.bind(t)
	}
	if !b.ok {
		return nil, nil, nil, false
	}
	ctx = &hcl.EvalContext{Functions: d.scope.functions, Variables: map[string]cty.Value{}}
	for _, root := range b.roots {
		ctx.Variables[root.name] = root.value()
	}
	slices.Sort(b.secrets)
	return ctx, names, slices.Compact(b.secrets), true
}

// binder collects what the variables of an expression stand for.
type binder struct {
	d       *decoder
	at      place
	reach   reach
	r       hcl.Range // of the expression
	roots   []*root
	secrets []string
	ok      bool
}

type root struct {
	name   string
	fields map[string]cty.Value
	itself cty.Value // instead of fields
}

func (r *root) value() cty.Value {
	if r.itself != cty.NilVal {
		return r.itself
	}
	return cty.ObjectVal(r.fields)
}

func (b *binder) root(name string) *root {
	for _, r := range b.roots {
		if r.name == name {
			return r
		}
	}
	r := &root{name: name, fields: map[string]cty.Value{}}
	b.roots = append(b.roots, r)
	return r
}

func (b *binder) fail(r hcl.Range, summary, format string, args ...any) {
	if b.ok { // one sentence for one value
		b.d.fault(b.at, r, summary, format, args...)
	}
	b.ok = false
}

// suggest looks for the name that was meant, unless that would take long for what nobody reads.
func (b *binder) suggest(name string, names []string) string {
	const most = 1000
	if b.d.found.full() || len(names) > most {
		return ""
	}
	return suggest(name, names)
}

// whole charges for an expression that names everything of a kind.
func (b *binder) whole(names []string) []string {
	if !b.d.scope.meter.spend(perNode * len(names)) {
		b.d.overspent(b.at, b.r)
		b.ok = false
		return nil
	}
	return names
}

func (b *binder) broken() {
	b.ok = false
	b.d.broken[b.at.key()] = true
}

// hostItself is what the bare word host is called while it is computed, as host is also an object.
const hostItself = "host of the only port"

func (b *binder) bind(t hcl.Traversal) {
	name := member(t)
	switch t.RootName() {
	case "var":
		b.variable(t, name)
	case "local":
		b.local(t, name)
	case string(paas.RefPort), "alloc":
		b.reference(t, name)
	case string(paas.RefHost):
		if len(t) == 1 {
			step := t[0].(hcl.TraverseRoot)
			step.Name = hostItself
			t[0] = step // the expression reads the same steps
		}
		b.reference(t, name)
	case hostItself:
		b.reference(t, name)
	default:
		b.fail(t.SourceRange(), "Unknown reference", "There is no %s to refer to. %s", text(t), b.known(t.RootName()))
	}
}

// member gives the second name of a traversal, X of var.X or var["X"]; "" if it has none.
func member(t hcl.Traversal) string {
	if len(t) < 2 {
		return ""
	}
	switch step := t[1].(type) {
	case hcl.TraverseAttr:
		return step.Name
	case hcl.TraverseIndex:
		if step.Key.Type() == cty.String && step.Key.IsKnown() && !step.Key.IsNull() {
			return step.Key.AsString()
		}
	}
	return ""
}

func (b *binder) variable(t hcl.Traversal, name string) {
	if !b.reach.variables {
		b.fail(t.SourceRange(), "Reference not allowed", "The value of %s is needed before any variable has one: write it out.", b.at.location())
		return
	}
	if name == "" && b.reach.only != "" {
		name = b.reach.only
	}
	if name == "" {
		b.root("var")
		for _, each := range b.whole(b.d.scope.variableNames()) {
			b.value(b.d.scope.variables[each])
		}
		return
	}
	v, declared := b.d.scope.variables[name]
	switch {
	case b.reach.only != "" && name != b.reach.only:
		b.fail(t.SourceRange(), "Reference not allowed", "A validation can look at its own variable only: write var.%s, and not var.%s.", b.reach.only, name)
	case !declared:
		b.fail(t.SourceRange(), "Unknown variable", "There is no variable %q.%s Declare it at the top of the file: variable %q { type = string }.", name, b.suggest(name, b.d.scope.variableNames()), name)
	default:
		b.value(v)
	}
}

func (b *binder) value(v *variable) {
	if !v.ok {
		b.broken() // said where the variable stands
		return
	}
	if v.sensitive {
		b.secrets = append(b.secrets, "var."+v.name)
	}
	b.root("var").fields[v.name] = v.value
}

func (b *binder) local(t hcl.Traversal, name string) {
	switch {
	case !b.reach.locals:
		b.fail(t.SourceRange(), "Reference not allowed", "The value of %s can't refer to %s: locals are made of variables, so they come later.", b.at.location(), text(t))
	case name == "":
		b.root("local")
		for _, each := range b.whole(b.d.scope.localNames()) {
			b.localValue(t, each)
		}
	case b.d.scope.locals[name] == nil:
		b.fail(t.SourceRange(), "Unknown local", "There is no local %q.%s Define it at the top of the file: locals { %s = ... }.", name, b.suggest(name, b.d.scope.localNames()), name)
	default:
		b.localValue(t, name)
	}
}

func (b *binder) localValue(t hcl.Traversal, name string) {
	l := b.d.local(name, t.SourceRange())
	if !l.ok {
		b.broken()
		return
	}
	b.secrets = append(b.secrets, l.secrets...)
	b.root("local").fields[name] = l.value
}

// reference binds port.NAME, host.NAME, host, alloc.id and alloc.index.
func (b *binder) reference(t hcl.Traversal, name string) {
	kind := t.RootName()
	if kind == hostItself {
		kind = string(paas.RefHost)
	}
	if !b.reach.refs {
		b.fail(t.SourceRange(), "Constant expected", "The value of %s can't come from %s, which is known only where the instance runs: only command, args, env and a file's content may refer to it.", b.at.location(), shown(t))
		return
	}
	switch path := kind + "." + name; {
	case path == string(paas.RefAllocID), path == string(paas.RefAllocIndex):
		b.root("alloc").fields[name] = b.token(paas.Ref{Kind: paas.RefKind(path)})
	case kind == "alloc":
		b.fail(t.SourceRange(), "Unknown reference", "There is no %s to refer to. %s", shown(t), known(b.reach.ports))
	case t.RootName() == hostItself && b.reach.inside:
		b.fail(t.SourceRange(), "Unknown reference", "A local does not know whose host is meant. Write host.NAME with the name of the port.")
	case t.RootName() == hostItself && len(b.reach.ports) == 1:
		b.root(hostItself).itself = b.token(paas.Ref{Kind: paas.RefHost, Name: b.reach.ports[0].Name})
	case t.RootName() == hostItself, name == "" && b.reach.inside, name == "" && len(b.reach.ports) == 0:
		b.fail(t.SourceRange(), "Unknown reference", "There is no %s to refer to. %s", shown(t), known(b.reach.ports))
	case name == "":
		for _, p := range b.reach.ports {
			b.root(kind).fields[p.Name] = b.token(paas.Ref{Kind: paas.RefKind(kind), Name: p.Name})
		}
	default:
		// Whether the port exists is Validate's to say, as it is for a spec that came as JSON.
		b.root(kind).fields[name] = b.token(paas.Ref{Kind: paas.RefKind(kind), Name: name})
	}
}

func (b *binder) token(ref paas.Ref) cty.Value { return cty.StringVal(b.d.scope.tokens.of(ref)) }

// known says what could stand instead of a name that means nothing.
func (b *binder) known(name string) string {
	switch name {
	case "env", "NOMAD", "meta", "attr", "node":
		return "Crumpet fills in nothing of the node here. For a literal ${ write $${; a node's properties belong into a placement."
	}
	roots := []string{"var", "local", "port", "host", "alloc"}
	if _, ok := b.d.scope.variables[name]; ok {
		return fmt.Sprintf("Write var.%s.", name)
	}
	if _, ok := b.d.scope.locals[name]; ok {
		return fmt.Sprintf("Write local.%s.", name)
	}
	if near := nearest(name, roots); near != "" && !b.reach.refs {
		return fmt.Sprintf("Did you mean %q?", near)
	}
	if b.reach.refs {
		return known(b.reach.ports)
	}
	return fmt.Sprintf("For the text write it in quotes: %q.", name)
}

// parts splits a text at its references. at and r are where it stands.
func (d *decoder) parts(at place, r hcl.Range, v cty.Value) (paas.Value, bool) {
	s, err := convert.Convert(v, cty.String)
	if err != nil || s.IsNull() || !s.IsKnown() {
		d.fault(at, r, "Text expected", "The value of %s must be a text, a number or a truth value.", at.location())
		return nil, false
	}
	return d.scope.tokens.split(s.AsString()), true
}
