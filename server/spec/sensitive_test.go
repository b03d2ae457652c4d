package spec_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/crumpet-paas/crumpet/server/spec"
)

// hidden is a value that no diagnostic may show, nor the pieces of it.
const hidden = "hunter2-{[(%zz"

// leaks gives what is said of a spec whose variable is sensitive, however it got its value, and the
// number of specs that were accepted.
func leaks(t *testing.T, kind, rest string) (said string, accepted int) {
	t.Helper()
	declared := fmt.Sprintf("variable \"pw\" {\n  type = %s\n  sensitive = true\n", kind)
	for src, o := range map[string]spec.Options{
		declared + "}\n" + rest:                                      {Variables: []spec.Variable{{Name: "pw", Value: hidden, Origin: spec.OriginFlag}}},
		declared + "}\n\n" + rest:                                    {Variables: []spec.Variable{{Name: "pw", Value: hidden, Origin: "CRUMPET_VAR_pw"}}},
		declared + "}\n \n" + rest:                                   {VarFiles: []spec.VarFile{{Name: "x.vars", Text: fmt.Sprintf("pw = %q\n", hidden)}}},
		declared + fmt.Sprintf("  default = %q\n}\n", hidden) + rest: {},
	} {
		o.Filename = "crumpet.hcl"
		s, diags := spec.ParseWith([]byte(src), o)
		if s != nil {
			accepted++
		}
		sources := map[string][]byte{"crumpet.hcl": []byte(src)}
		for _, f := range o.VarFiles {
			sources[f.Name] = []byte(f.Text)
		}
		said += spec.Text(diags, sources, 0, false) + fmt.Sprint(spec.Faults(diags))
	}
	return said, accepted
}

func TestNoDiagnosticShowsASensitiveValue(t *testing.T) {
	t.Parallel()
	uses := []string{
		`var.pw`, `"x${var.pw}"`, `local.pw`, `var`, `var["pw"]`, `[var.pw][0]`, `{ (var.pw) = 1 }`, `var.pw.x`, `var.pw[0]`, `var.pw + 1`,
		`-var.pw`, `var.pw == "a" ? "x" : "y"`, `[1, 2][var.pw]`, `{ a = 1 }[var.pw]`, `[for c in split("", var.pw) : c]`,
		`{ for c in [var.pw, var.pw] : c => c }`, `try(tonumber(var.pw), "none")`, `can(tonumber(var.pw))`, `"%{ if var.pw == "x" }a%{ endif }"`,
		`merge({ A = "x" }, { B = var.pw }).B`, `jsonencode({ a = [var.pw] })`, `nonsensitive(var.pw)`, `frob(var.pw)`,
	}
	for _, name := range spec.Functions() {
		uses = append(uses, name+"(var.pw)", name+"(var.pw, var.pw)", name+"([var.pw])", name+"(local.pw, 1)", name+"({ a = var.pw }, \"b\")")
	}
	uses = slices.DeleteFunc(uses, func(use string) bool { return use == "length([var.pw])" }) // 1, whatever it is
	for _, kind := range []string{"string", "number", "list(string)", "object({ a = string })"} {
		for _, use := range uses {
			rest := "locals {\n  pw = var.pw\n}\n" + one(fmt.Sprintf("env = { A = \"${%s}\", B = %s }\ninstances = %s", use, use, use))
			said, accepted := leaks(t, kind, rest)
			if strings.Contains(strings.ToLower(said), "hunter2") || strings.Contains(said, "%zz") || accepted > 0 {
				t.Errorf("type %s, %s: %d accepted, and this is said:\n%s", kind, use, accepted, said)
			}
			if kind != "string" {
				break // its value does not fit, so nothing more is said
			}
		}
	}
}

func TestNoValidationShowsASensitiveValue(t *testing.T) {
	t.Parallel()
	for _, rule := range []string{
		"condition = length(var.pw) < 3\nerror_message = \"It is ${var.pw}.\"",
		"condition = tonumber(var.pw) > 3\nerror_message = \"x\"",
		"condition = var.pw\nerror_message = \"x\"",
		"condition = false\nerror_message = var.pw",
		"condition = length(var.pw) < 3\nerror_message = tonumber(var.pw)",
	} {
		src := "variable \"pw\" {\n  type = string\n  sensitive = true\n  validation {\n" + rule + "\n}\n}\n" + one("")
		s, diags := spec.ParseWith([]byte(src), spec.Options{Filename: "crumpet.hcl", Variables: []spec.Variable{{Name: "pw", Value: hidden, Origin: spec.OriginFlag}}})
		if said := spec.Text(diags, map[string][]byte{"crumpet.hcl": []byte(src)}, 0, false); s != nil || strings.Contains(said, "hunter2") {
			t.Errorf("%s: accepted: %t\n%s", rule, s != nil, said)
		}
	}
}

func TestASensitiveValueThatIsNotUsedIsFine(t *testing.T) {
	t.Parallel()
	if said, accepted := leaks(t, "string", "locals {\n  url = \"x://${var.pw}\"\n  n = length(var.pw)\n}\n"+one("")); accepted != 4 {
		t.Errorf("%d of 4 accepted:\n%s", accepted, said)
	}
}

func TestNoLineOfAVariableFileIsShown(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"pasword = \"hunter2\"\n", "pw = \"hunter2\nx\n", "pw = hunter2\n", "pw { hunter2 = 1 }\n", "pw = [hunter2, 1\n", "pw = \"hunter2\"\npw = \"hunter2\"\n", "pw = upper(\"hunter2\")\n",
	} {
		src := "variable \"pw\" {\n  type = number\n  sensitive = true\n}\n" + one("")
		s, diags := spec.ParseWith([]byte(src), spec.Options{Filename: "crumpet.hcl", VarFiles: []spec.VarFile{{Name: "x.vars", Text: text}}})
		said := spec.Text(diags, map[string][]byte{"crumpet.hcl": []byte(src), "x.vars": []byte(text)}, 0, false)
		if s != nil || strings.Contains(said, "hunter2") || said == "" {
			t.Errorf("%q: %s", text, said)
		}
	}
}
