package spec

import (
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// maxEnvironments is how many an app may have: each is an app of its own, checked with every parse.
const maxEnvironments = 20

// file reads the variables, the locals and the one app block of a file, and gives the app as the
// environment in o has it. Every environment is read, so that none can be broken unnoticed.
func (d *decoder) file(body *hclsyntax.Body, o Options) paas.Spec {
	whole := body.MissingItemRange()
	c := d.read(place{}, body, fileSchema)
	d.declare(c.blocks["variable"], o)
	d.name(c.blocks["locals"])
	apps := c.blocks["app"]
	if len(apps) == 0 {
		if !d.partial && !d.broken["app"] {
			d.report(placed("", "app"), whole, "App missing", "The file has no app block. Write app \"NAME\" { ... }.")
		}
		return paas.Spec{}
	}
	for _, extra := range apps[1:] {
		d.report(placed("", "app"), extra.DefRange(), "Block repeated",
			fmt.Sprintf("A file holds one app, and the first is in line %d. Give each app a folder and a file of its own.", apps[0].DefRange().Start.Line))
	}
	chosen := d.app(apps[0])
	d.check(chosen, apps[0].DefRange())
	environments := d.environments(apps[0])
	for _, b := range environments {
		s := d.environment(apps[0], b)
		if label(b) == o.Environment {
			chosen = s
		}
	}
	d.choose(environments, o.Environment)
	return chosen
}

// environments gives the environments of an app that have a name, each once.
func (d *decoder) environments(app *hclsyntax.Block) []*hclsyntax.Block {
	var all []*hclsyntax.Block
	lines := map[string]int{}
	for _, b := range app.Body.Blocks {
		if b.Type != "environment" || len(b.Labels) == 0 {
			continue
		}
		name := label(b)
		at := placed("environment."+name, "environment."+name)
		switch problem := paas.CheckName("environment", name, paas.MaxApp); {
		case problem != "":
			d.report(at, b.LabelRanges[0], "Bad name", problem)
		case lines[name] > 0:
			d.report(at, b.LabelRanges[0], "Name repeated", fmt.Sprintf("There is a second environment %q; the first is in line %d. Join them.", name, lines[name]))
		case len(all) == maxEnvironments:
			d.report(at, b.LabelRanges[0], "Too many environments", fmt.Sprintf("The app has more than %d environments. Use variables for what differs.", maxEnvironments))
			return all
		default:
			lines[name] = b.DefRange().Start.Line
			all = append(all, b)
		}
	}
	return all
}

// choose says what is wrong with the name of the environment that is wanted.
func (d *decoder) choose(environments []*hclsyntax.Block, wanted string) {
	names := make([]string, len(environments))
	for i, b := range environments {
		names[i] = label(b)
	}
	if wanted == "" || slices.Contains(names, wanted) {
		return
	}
	hint := fmt.Sprintf(" It has none: add environment %q { ... } to the app, or leave out --env.", shorten(wanted))
	if len(names) > 0 {
		hint = fmt.Sprintf("%s It has %s.", suggest(wanted, names), list(names))
	}
	d.report(placed("", "environment"), hcl.Range{}, "Unknown environment", fmt.Sprintf("The app has no environment %q.%s", shorten(wanted), hint))
}

// environment reads the app as one environment has it.
func (d *decoder) environment(app, b *hclsyntax.Block) paas.Spec {
	if d.found.full() {
		return paas.Spec{} // the app has said enough
	}
	name := label(b)
	e := &decoder{
		scope: d.scope, found: d.found, partial: d.partial, again: true, inside: b,
		ranges: map[string]hcl.Range{}, broken: map[string]bool{}, base: d, inherited: map[string]bool{},
		rerouted: map[string]bool{}, routes: map[*hclsyntax.Block]*hclsyntax.Block{},
	}
	e.read(placed("environment", "environment."+name), b.Body, environmentSchema.named(name))
	m := merger{d: e}
	merged := *app
	merged.Body = m.body(app.Body, m.known(b.Body), appSchema)
	if len(app.Labels) > 0 {
		merged.Labels = []string{label(app) + "-" + name}
		merged.LabelRanges = []hcl.Range{b.LabelRanges[0]}
		if paas.CheckName("app", label(app), paas.MaxApp) != "" {
			e.broken[placed("app", "app").label().key()] = true // said of the app
		}
	}
	s := unrouted(e.app(&merged), b.Body)
	s.Environment = name
	e.check(s, b.DefRange())
	return s
}

// unrouted takes their routes from the processes that the environment does not mention; merger has done
// so for the others. A route belongs to one app, and an environment is another one: what it would
// inherit, its app holds already.
func unrouted(s paas.Spec, environment *hclsyntax.Body) paas.Spec {
	for i, p := range s.Processes {
		if !slices.ContainsFunc(environment.Blocks, func(b *hclsyntax.Block) bool { return b.Type == "process" && label(b) == p.Name }) {
			s.Processes[i].Routes = nil
		}
	}
	return s
}

// merger puts the body of an environment over that of its app. It works on the file as it is
// parsed, so that every value keeps the line it stands in.
type merger struct{ d *decoder }

// known leaves out what an environment can't hold: that is reported already.
func (m merger) known(body *hclsyntax.Body) *hclsyntax.Body {
	b := *body
	b.Attributes = hclsyntax.Attributes{}
	for name, a := range body.Attributes {
		if slices.Contains(environmentSchema.attrs, name) {
			b.Attributes[name] = a
		}
	}
	b.Blocks = slices.DeleteFunc(slices.Clone(body.Blocks), func(b *hclsyntax.Block) bool {
		_, known := environmentSchema.blocks[b.Type]
		return !known
	})
	return &b
}

// exclusive are the keys of which one takes the place of another: an environment that gives a
// process cores takes its cpu away.
var exclusive = [][]string{
	{"cpu", "cores"},
	{"content", "template"},
	{"http", "tcp", "grpc", "exec"},
	{"path", "readiness"},
	{"port", "readiness"},
	{"interval", "readiness"},
	{"timeout", "readiness"},
	{"path", "startup"},
	{"port", "startup"},
	{"interval", "startup"},
	{"timeout", "startup"},
	{"path", "liveness"},
	{"port", "liveness"},
	{"interval", "liveness"},
	{"timeout", "liveness"},
}

func (m merger) body(base, over *hclsyntax.Body, s schema) *hclsyntax.Body {
	merged := *base
	merged.Attributes = maps.Clone(base.Attributes)
	if merged.Attributes == nil {
		merged.Attributes = hclsyntax.Attributes{}
	}
	replaced := m.replaced(over, s)
	maps.DeleteFunc(merged.Attributes, func(name string, _ *hclsyntax.Attribute) bool { return replaced[name] })
	merged.Blocks = slices.DeleteFunc(slices.Clone(base.Blocks), func(b *hclsyntax.Block) bool { return replaced[b.Type] })

	for name, a := range over.Attributes {
		if before, there := merged.Attributes[name]; there && name == "env" && s.kind != "bind" {
			a = joined(before, a)
		}
		merged.Attributes[name] = a
	}
	seen := map[string]bool{}
	for _, b := range over.Blocks {
		id := identity(b)
		if kind := s.blocks[b.Type]; kind.label != "" && seen[id] {
			m.d.report(placed("", b.Type+"."+label(b)), b.DefRange(), "Name repeated", fmt.Sprintf("The environment has a second %s %q. Join the two.", b.Type, label(b)))
			continue
		}
		seen[id] = true
		i := slices.IndexFunc(merged.Blocks, func(other *hclsyntax.Block) bool { return identity(other) == id })
		if i < 0 || replaced[b.Type] {
			merged.Blocks = append(merged.Blocks, b)
			continue
		}
		under := *merged.Blocks[i]
		var inner schema
		if kind := s.blocks[b.Type]; kind.body != nil {
			inner = *kind.body
		}
		under.Body = m.body(under.Body, b.Body, inner)
		if onlyRoutes(b) {
			m.d.routes[&under] = merged.Blocks[i]
		}
		merged.Blocks[i] = &under
	}
	return &merged
}

// replaced are the keys and blocks of the base that a body takes the place of as a whole: blocks
// without a name that may stand several times, those that exclude one of its own, and routes.
func (m merger) replaced(over *hclsyntax.Body, s schema) map[string]bool {
	gone := map[string]bool{"route": s.blocks["route"].many}
	has := map[string]bool{}
	for name := range over.Attributes {
		has[name] = true
	}
	for _, b := range over.Blocks {
		has[b.Type] = true
		if kind, known := s.blocks[b.Type]; known && kind.many && kind.label == "" {
			gone[b.Type] = true
		}
	}
	for _, group := range exclusive {
		if !slices.ContainsFunc(group, func(name string) bool { return has[name] }) {
			continue
		}
		for _, name := range group {
			gone[name] = gone[name] || !has[name]
		}
	}
	for name := range gone {
		gone[name] = gone[name] && (!has[name] || s.blocks[name].many)
	}
	return gone
}

// identity is what makes two blocks the same one: type and label, a route's as it is understood.
func identity(b *hclsyntax.Block) string {
	name := label(b)
	if b.Type == "route" {
		if r, problem := paas.ParseRoute(name); problem == "" {
			name = r.String()
		}
	}
	return b.Type + "." + name
}

// joined is one env over another, as merge makes them.
func joined(base, over *hclsyntax.Attribute) *hclsyntax.Attribute {
	r := over.Expr.Range()
	both := *over
	both.Expr = &hclsyntax.FunctionCallExpr{
		Name: "merge", Args: []hclsyntax.Expression{base.Expr, over.Expr},
		NameRange: r, OpenParenRange: r, CloseParenRange: r,
	}
	return &both
}
