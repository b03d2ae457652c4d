package spec_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/spec"
)

// many repeats a line with its number.
func many(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// locals is a spec with these locals.
func locals(lines string) string { return "locals {\n" + lines + "\n}\n" + one("") }

// None of these may take long: without its bound each would run for minutes, or until the memory is full.
func TestNoSourceTakesTheServerDown(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ src, summary string }{
		"unknown keys":             {app(many(50_000, "memor%x = 1\n")), "Unknown key"},
		"faults of syntax":         {"app \"a\" {\n" + strings.Repeat("x = = 1\n", 50_000) + "}\n", "Invalid expression"},
		"unknown variables":        {app("env = {\n" + many(20_000, "A%[1]d = var.x%[1]d\n") + "}"), "Unknown variable"},
		"unknown locals":           {"locals {\n" + many(20_000, "l%d = 1\n") + "}\n" + app("env = {\n"+many(9_000, "A%[1]d = local.m%[1]d\n")+"}"), "Unknown local"},
		"all locals many times":    {"locals {\n" + many(20_000, "l%d = 1\n") + "}\n" + app("env = {\n"+many(9_000, "A%d = length(local)\n")+"}"), "Too much to compute"},
		"a chain of locals":        {locals(many(5_000, "l%d = local.m\n") + many(5_000, "c%[1]d = local.c%[1]d0\n")), "Unknown local"},
		"a text that doubles":      {locals("l0 = \"xxxxxxxx\"\n" + many(60, "k%[1]d = \"${local.l%[1]d}${local.l%[1]d}\"\nl%[1]d1 = 1\n")), "Unknown local"},
		"texts in one text":        {locals("a = \"" + strings.Repeat("x", 200_000) + "\"\nb = \"" + strings.Repeat("${local.a}", 10_000) + "\""), "Too much to compute"},
		"lists in one list":        {locals("a = range(1000)\nb = [" + strings.Repeat("local.a,", 2_000) + "]"), "Too much to compute"},
		"loops in loops":           {locals("a = [for a in range(1000) : [for b in range(1000) : [for c in range(1000) : c]]]"), "Too much to compute"},
		"loops that keep none":     {locals("a = [for a in range(1000) : [for b in range(1000) : [for c in range(1000) : c if false]]]"), "Too much to compute"},
		"loops in a template":      {locals(`a = "%{ for a in range(1000) }%{ for b in range(1000) }%{ for c in range(1000) }x%{ endfor }%{ endfor }%{ endfor }"`), "Too much to compute"},
		"loops behind try":         {locals("a = try([for a in range(1000) : [for b in range(1000) : [for c in range(1000) : c]]], 1)"), "Too much to compute"},
		"a long list":              {locals("a = [" + strings.Repeat("1,", 5_000) + "]"), "Value too large"},
		"replacements":             {locals("a = join(\"x\", range(1000))\nb = replace(local.a, \"x\", local.a)\nc = replace(local.b, \"x\", local.b)"), "Too much to compute"},
		"widths":                   {locals(`a = format("%999999999d", 1)`), "Too much to compute"},
		"widths by number":         {locals(`a = format("%*d", 999999999, 1)`), "Bad value"},
		"blanks":                   {locals(`a = indent(999999999, "a\nb")`), "Too much to compute"},
		"products":                 {locals("a = range(1000)\nb = setproduct(local.a, local.a, local.a)"), "Too much to compute"},
		"patterns":                 {locals("a = join(\"\", [for x in range(1000) : \"aaaaaaaaaaaaaaaaaaaa\"])\nb = regexall(\"(a{1,1000}){1,1}\", local.a)"), "Too much to compute"},
		"numbers":                  {locals(`a = "${tonumber("1e999999999")}"`), "Value too large"},
		"products of numbers":      {locals("a = 1e1000 * 1e1000 * 1e1000"), "Value too large"},
		"rounded numbers":          {locals(`a = ceil("1e999999999")`), "Value too large"},
		"long numbers":             {locals("a = " + strings.Repeat("9", 500_000)), "App spec too large"},
		"operators":                {locals("a = 1" + strings.Repeat("+1", 100_000)), "App spec too large"},
		"operators in lines":       {locals("a = (1" + strings.Repeat("\n+1", 80_000) + ")"), "App spec too large"},
		"signs in lines":           {locals("a = (" + strings.Repeat("-\n", 1_000) + "1)"), "App spec too large"},
		"brackets":                 {locals("a = b" + strings.Repeat("[c]", 50_000)), "App spec too large"},
		"conditions":               {locals("a = \"" + strings.Repeat("%{ if true }", 10_000) + "\""), "App spec too large"},
		"words":                    {strings.Repeat("a\n", 400_000), "App spec too large"},
		"lines of a heredoc":       {locals("a = <<E\n" + strings.Repeat("x\n", 200_000) + "E"), "App spec too large"},
		"aliases in YAML":          {locals("a = yamldecode(\"a: &a [x,x]\\n" + strings.Repeat("b: [*a, *a, *a, *a, *a, *a]\\n", 9) + "\")"), "Too much to compute"},
		"levels in JSON":           {locals("a = jsondecode(\"" + strings.Repeat("[", 9_000) + strings.Repeat("]", 9_000) + "\")"), "Too much to compute"},
		"nested blocks":            {strings.Repeat("a {\n", 10_000) + strings.Repeat("}\n", 10_000), "App spec too large"},
		"environments":             {app(many(10_000, "environment \"e%d\" {}\n")), "Too many environments"},
		"NUL bytes":                {strings.Repeat("\x00", 1<<20), "Not text"},
		"bytes that are not UTF-8": {strings.Repeat("\xff", 1<<20), "Not text"},
		"an end of bytes":          {app("env = { A = \"é\xc3\" }"), "Not text"},
		"more than is read":        {strings.Repeat(" ", 1<<20+1), "App spec too large"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, diags := spec.Parse([]byte(c.src), "crumpet.hcl")
			summaries := map[string]bool{}
			for _, d := range diags {
				summaries[d.Summary] = true
			}
			if s != nil || !summaries[c.summary] || len(diags) > 101 {
				t.Errorf("%d diagnostics, want one %q: %.300v", len(diags), c.summary, spec.Faults(diags))
			}
			if text := spec.Text(diags, map[string][]byte{"crumpet.hcl": []byte(c.src)}, 80, true); len(text) > 200_000 {
				t.Errorf("%d bytes are shown", len(text))
			}
		})
	}
}

func TestManyFaultsEndWithTheirNumber(t *testing.T) {
	t.Parallel()
	_, diags := spec.Parse([]byte(app(many(250, "k%d = 1\n"))), "crumpet.hcl")
	last := diags[len(diags)-1]
	if len(diags) != 101 || !strings.Contains(last.Detail, "150 more faults") && !strings.Contains(last.Detail, "151 more faults") {
		t.Errorf("%d diagnostics, the last: %s", len(diags), last.Detail)
	}
}

func TestLineEndsAndMarksDoNotChangeTheSpec(t *testing.T) {
	t.Parallel()
	src := one("env = {\n  A = <<E\n  one\n  two\nE\n  B = \"x\"\n}")
	want := parse(t, src)
	for name, other := range map[string]string{
		"Windows": strings.ReplaceAll(src, "\n", "\r\n"), "a mark": "\ufeff" + src, "no newline": strings.TrimSuffix(src, "\n"),
	} {
		if diff := cmp.Diff(want, parse(t, other)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestFaultsOfWindowsFilesShowTheirLine(t *testing.T) {
	t.Parallel()
	src := strings.ReplaceAll("\ufeffapp \"a\" {\n  # é\n  memroy = 1\n}\n", "\n", "\r\n")
	_, diags := spec.Parse([]byte(src), "crumpet.hcl")
	text := spec.Text(diags, map[string][]byte{"crumpet.hcl": []byte(src)}, 0, false)
	if !strings.Contains(text, "crumpet.hcl:3:3: ") || !strings.Contains(text, "   3:   memroy = 1\n") {
		t.Error(text)
	}
}
