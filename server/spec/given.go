package spec

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// given collects the values that variables were given: from the environment, then from files, then
// from the command line, where the later wins.
func (d *decoder) given(o Options) map[string]*given {
	all := map[string]*given{}
	for _, v := range o.Variables {
		if v.Origin != OriginFlag {
			all[v.Name] = &given{raw: v.Value, origin: v.Origin}
		}
	}
	for _, f := range o.VarFiles {
		d.varFile(f, all)
	}
	for _, v := range o.Variables {
		if v.Origin != OriginFlag {
			continue
		}
		if d.scope.variables[v.Name] == nil {
			d.report(placed("", v.Name), hcl.Range{}, "Unknown variable", fmt.Sprintf("%s sets %q, which is no variable of the app spec.%s", OriginFlag, v.Name, d.instead(v.Name)))
			continue
		}
		all[v.Name] = &given{raw: v.Value, origin: OriginFlag}
	}
	return all
}

// instead says what may have been meant by the name of a variable that there is not.
func (d *decoder) instead(name string) string {
	names := d.scope.variableNames()
	switch near := suggest(name, names); {
	case near != "":
		return near
	case len(names) == 0:
		return fmt.Sprintf(" It declares none; declare it with variable %q { type = string }.", name)
	case len(names) > 20:
		return fmt.Sprintf(" Declare it with variable %q { type = string }.", name)
	case len(names) == 1:
		return fmt.Sprintf(" Its only variable is %s.", names[0])
	}
	return fmt.Sprintf(" Its variables are %s.", list(names))
}

// varFile reads a file of lines NAME = VALUE. Nothing of it is ever shown: a line whose name is
// mistyped may hold a secret.
func (d *decoder) varFile(f VarFile, all map[string]*given) {
	src := normal([]byte(f.Text))
	if diag := tooMuch(src, f.Name); diag != nil {
		d.elsewhere(*diag.Subject, diag.Summary, diag.Detail)
		return
	}
	file, diags := hclsyntax.ParseConfig(src, f.Name, hcl.InitialPos)
	for _, diag := range diags {
		r := hcl.Range{Filename: f.Name, Start: hcl.InitialPos}
		if diag.Subject != nil {
			r = *diag.Subject
		}
		d.elsewhere(r, "Bad variable file", fmt.Sprintf("The variable file can't be read: %s Write lines NAME = VALUE.", diag.Detail))
	}
	body, ok := file.Body.(*hclsyntax.Body)
	if !ok {
		return
	}
	for _, b := range body.Blocks {
		d.elsewhere(b.DefRange(), "Bad variable file", fmt.Sprintf("A variable file holds lines NAME = VALUE only, and %s is a block. Declare variables in the app spec.", shorten(b.Type)))
	}
	for _, a := range ordered(body.Attributes) {
		if d.scope.variables[a.Name] == nil {
			d.elsewhere(a.NameRange, "Unknown variable", fmt.Sprintf("The file sets %q, which is no variable of the app spec.%s", a.Name, d.instead(a.Name)))
			continue
		}
		r := a.Expr.Range()
		all[a.Name] = &given{expr: a.Expr, origin: f.Name, r: &r}
	}
}

// elsewhere reports a fault in a file that is not the app spec: without its source line.
func (d *decoder) elsewhere(r hcl.Range, summary, detail string) {
	d.report(placed("", fmt.Sprintf("%s:%d:%d", r.Filename, r.Start.Line, r.Start.Column)), hcl.Range{}, summary, detail)
}

// unfit says what is wrong with a text that was given, or "".
func unfit(s string) string {
	switch {
	case len(s) > maxSource:
		return fmt.Sprintf("has %d bytes; at most %d are read", len(s), maxSource)
	case !utf8.ValidString(s):
		return "is not text in UTF-8"
	case strings.ContainsRune(s, 0):
		return "has a NUL character"
	}
	return ""
}

// unsound looks for a text in a value that is unfit.
func unsound(v cty.Value) string {
	problem := ""
	err := cty.Walk(v, func(_ cty.Path, v cty.Value) (bool, error) {
		if v.Type() == cty.String && v.IsKnown() && !v.IsNull() && problem == "" {
			problem = unfit(v.AsString())
		}
		return problem == "", nil
	})
	if err != nil { // the function above gives none
		return err.Error()
	}
	if problem != "" {
		return "it " + problem
	}
	return ""
}

// validations asks the rules of a variable.
func (d *decoder) validations(at place, v *variable, blocks []*hclsyntax.Block) bool {
	fine := true
	for i, b := range blocks {
		here := at.block("validation", i, "")
		d.ranges[here.key()] = b.DefRange()
		c := d.read(here, b.Body, *variableSchema.blocks["validation"].body)
		if !d.validation(here, v, b, c) {
			fine = false
		}
	}
	return fine
}

func (d *decoder) validation(at place, v *variable, b *hclsyntax.Block, c contents) bool {
	condition, message := c.attrs["condition"], c.attrs["error_message"]
	for _, name := range []string{"condition", "error_message"} {
		if c.attrs[name] == nil {
			if !d.broken[at.attr(name).key()] {
				d.fault(at.attr(name), b.DefRange(), "Key missing", "A validation of variable %q needs a condition and an error_message. Write condition = length(var.%s) > 0.", v.name, v.name)
			}
			return false
		}
	}
	own := slices.ContainsFunc(condition.Expr.Variables(), func(t hcl.Traversal) bool { return t.RootName() == "var" })
	truth, ok := d.compute(at.attr("condition"), condition.Expr, reach{variables: true, only: v.name})
	if !ok {
		return false
	}
	truth = unmarked(truth)
	switch {
	case !own:
		d.fault(at.attr("condition"), condition.Expr.Range(), "Bad condition", "The condition does not look at var.%s, so it says nothing about its value.", v.name)
		return false
	case truth.IsNull() || truth.Type() != cty.Bool:
		d.fault(at.attr("condition"), condition.Expr.Range(), "Truth value expected", "The condition of a validation must be true or false. Write one such as length(var.%s) > 0.", v.name)
		return false
	case truth.True():
		return true
	}
	said, ok := d.compute(at.attr("error_message"), message.Expr, reach{variables: true, only: v.name})
	if !ok {
		return false
	}
	said, marks := said.UnmarkDeep()
	switch {
	case len(secretsIn(marks)) > 0:
		d.fault(at, condition.Expr.Range(), "Value refused", "The value of variable %q breaks this rule. Its message is not shown, as it holds the sensitive value.", v.name)
	case said.IsNull() || said.Type() != cty.String:
		d.fault(at.attr("error_message"), message.Expr.Range(), "Text expected", "The value of error_message must be a text in quotes.")
	default:
		d.fault(at, condition.Expr.Range(), "Value refused", "The value of variable %q breaks this rule: %s", v.name, said.AsString())
	}
	return false
}
