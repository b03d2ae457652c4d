package spec_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/spec"
)

// shown is one key of reference.hcl as it stands there.
type shown struct {
	key         string // as spec.Key names it
	environment string // that it stands in
	attr        *hclsyntax.Attribute
}

// shownKeys gives the keys and blocks that reference.hcl shows, comments left out.
func shownKeys(t *testing.T) (attrs []shown, blocks []string) {
	t.Helper()
	file, diags := hclsyntax.ParseConfig([]byte(spec.Reference), "reference.hcl", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	var walk func(kind, environment string, body *hclsyntax.Body)
	walk = func(kind, environment string, body *hclsyntax.Body) {
		for name, a := range body.Attributes {
			attrs = append(attrs, shown{spec.Key(kind, name), environment, a})
		}
		for _, b := range body.Blocks {
			blocks = append(blocks, spec.Key(kind, b.Type))
			if b.Type == "environment" {
				environment = b.Labels[0]
			}
			walk(b.Type, environment, b.Body)
		}
	}
	walk("", "", file.Body.(*hclsyntax.Body))
	return attrs, blocks
}

func TestReferenceShowsEveryKeyOfTheLanguage(t *testing.T) {
	t.Parallel()
	attrs, found := shownKeys(t)
	for _, a := range attrs {
		found = append(found, a.key)
	}
	for _, key := range spec.Keys() {
		if !slices.Contains(found, key) {
			t.Errorf("reference.hcl does not show %s", key)
		}
	}
	if n := len(spec.Keys()); n < 100 {
		t.Errorf("the language has %d keys and blocks", n)
	}
}

func TestReferenceShowsTheDefaults(t *testing.T) {
	t.Parallel()
	whole := map[string]*paas.Spec{}
	for _, environment := range []string{"", "staging", "preview"} {
		s, diags := spec.ParseWith([]byte(spec.Reference), spec.Options{Filename: "reference.hcl", Environment: environment})
		if diags.HasErrors() {
			t.Fatal(spec.Text(diags, map[string][]byte{"reference.hcl": []byte(spec.Reference)}, 0, false))
		}
		whole[environment] = s
	}
	attrs, _ := shownKeys(t)
	for _, a := range attrs {
		if strings.HasPrefix(a.key, "locals.") {
			continue // names of the app's own
		}
		t.Run(a.key, func(t *testing.T) {
			t.Parallel()
			r := a.attr.Range()
			without := spec.Reference[:r.Start.Byte] + spec.Reference[r.End.Byte:]
			s, diags := spec.ParseWith([]byte(without), spec.Options{Filename: "reference.hcl", Environment: a.environment})
			if isExample(r.Start.Line) {
				if s != nil && cmp.Equal(whole[a.environment], s) && !unseen(a.key) {
					t.Errorf("line %d is the default, and its comment says that it is not", r.Start.Line)
				}
				return
			}
			if diags.HasErrors() {
				t.Fatalf("line %d has no default, and its comment does not say so: %v", r.Start.Line, diags)
			}
			if diff := cmp.Diff(whole[a.environment], s); diff != "" {
				t.Errorf("line %d is not the default, and its comment does not say so:\n%s", r.Start.Line, diff)
			}
		})
	}
}

// isExample says whether the comment above a line says that its value is not the default.
func isExample(line int) bool {
	lines := strings.Split(spec.Reference, "\n")
	for i := line - 2; i >= 0 && strings.HasPrefix(strings.TrimSpace(lines[i]), "#"); i-- {
		if strings.Contains(lines[i], "Default:") || strings.Contains(lines[i], "No default") {
			return true
		}
	}
	return false
}

// unseen says whether a key changes nothing in the spec: what is said of a variable, for people and
// for the values that it may have, and a port that is said although there is only one.
func unseen(key string) bool {
	return strings.HasPrefix(key, "variable.") || slices.Contains([]string{"route.port", "health.port", "probe.port"}, key)
}

func BenchmarkParse(b *testing.B) {
	src := []byte(spec.Reference)
	for b.Loop() {
		if _, diags := spec.Parse(src, "reference.hcl"); diags.HasErrors() {
			b.Fatal(diags)
		}
	}
}

func TestOneWrongValueGivesOneSentence(t *testing.T) {
	t.Parallel()
	attrs, _ := shownKeys(t)
	for _, a := range attrs {
		if strings.HasPrefix(a.key, "locals.") || strings.HasPrefix(a.key, "variable.") || strings.HasPrefix(a.key, "validation.") {
			continue // of any type, or named by others
		}
		for _, wrong := range []string{`[{ x = [] }]`, `"\u0000"`, `-1.5`, `null`} {
			t.Run(a.key+" = "+wrong, func(t *testing.T) {
				t.Parallel()
				if a.key == "file.content" && wrong == `-1.5` || a.environment != "" && wrong == `null` {
					return // any number is a text there, and in an environment null takes the app's key away
				}
				r := a.attr.Expr.Range()
				src := spec.Reference[:r.Start.Byte] + wrong + spec.Reference[r.End.Byte:]
				_, diags := spec.ParseWith([]byte(src), spec.Options{Filename: "reference.hcl", Environment: a.environment})
				if len(diags) != 1 || diags[0].Subject == nil || diags[0].Subject.Start.Line != r.Start.Line {
					t.Errorf("line %d gives %d faults:\n%s", r.Start.Line, len(diags), spec.Text(diags, map[string][]byte{"reference.hcl": []byte(src)}, 0, false))
				}
			})
		}
	}
}
