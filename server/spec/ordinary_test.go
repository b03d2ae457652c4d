package spec_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/crumpet-paas/crumpet/server/spec"
)

// oddities are pieces of sources that mean something to HCL's scanner.
var oddities = []string{
	"{", "}", "[", "]", "(", ")", `"`, `\"`, `\\`, `\`, "\\\n", "${", "$${", "$$${", "%{", "%%{", "$", "%", "#", "//", "/", "/*", "*/", "<<EOT\n", "\nEOT\n", "<",
	"\n", " ", "a", "-", "!", "?", ":", "~", "'", "`", "é", "\r", "for ", "for", "if ", "endif", "+", ".", ",", "=", "==", "&&", "1.5", `"x"`, `["a"]`, `"${a}"`, "{for\n",
	"{ a = ", "\n}", "\"${", "}\"", "(-", "!(", ".b", "+1", "? 1 : ", "{#\n",
}

// A source that is called ordinary is spared the counting of its tokens, which must agree.
func TestOrdinaryIsNeverTooMuch(t *testing.T) {
	t.Parallel()
	const deepest, steps = 3, 4
	sure := 0
	rapid.Check(t, func(t *rapid.T) {
		src := strings.Join(rapid.SliceOfN(rapid.SampledFrom(oddities), 1, 60).Draw(t, "source"), "")
		if !spec.Ordinary([]byte(src), deepest, steps) {
			return
		}
		sure++
		if depth, most := spec.Nesting([]byte(src)); depth > deepest || most > steps {
			t.Fatalf("%q has depth %d and %d steps", src, depth, most)
		}
	})
	t.Logf("%d sources were ordinary", sure)
}

func TestOrdinarySources(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]bool{
		spec.Reference: true,
		`a = ["${b["c"]}", "$${", f({})] # {{{{{` + "\n": true,
		"a = <<E\nE\n":                                                    false,
		"a = {for x in y : x => x}\n":                                     false,
		"a = " + strings.Repeat("9", 1001):                                false,
		"# " + strings.Repeat("x", 1001):                                  false,
		"a = \"" + strings.Repeat("x", 1001) + "\"\n":                     false,
		strings.Repeat("\n", 100_001):                                     false,
		"a = " + strings.Repeat("[", 65) + strings.Repeat("]", 65) + "\n": false,
		"a = (1" + strings.Repeat("\n+1", 501) + ")\n":                    false,
		"a = (" + strings.Repeat("-\n", 65) + "1)\n":                      false,
	} {
		if got := spec.Ordinary([]byte(src), 64, 500); got != want {
			t.Errorf("%.60q: %t", src, got)
		}
	}
	if len(goldenSources(t)) == 0 {
		t.Error("no goldens")
	}
	for name, src := range goldenSources(t) {
		if depth, most := spec.Nesting([]byte(src)); spec.Ordinary([]byte(src), 64, 500) && (depth > 64 || most > 500) {
			t.Errorf("%s has depth %d and %d steps", name, depth, most)
		}
	}
}

func goldenSources(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.hcltest")
	if err != nil {
		t.Fatal(err)
	}
	sources := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		sources[file], _, _ = strings.Cut(string(text), "----\n")
	}
	return sources
}
