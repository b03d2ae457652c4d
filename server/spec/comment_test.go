package spec_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/crumpet-paas/crumpet/server/spec"
)

// blanked is what Uncommented should give, by the library's own tokens.
func blanked(t *testing.T, src []byte) (want []byte, readable bool) {
	t.Helper()
	tokens, diags := hclsyntax.LexConfig(src, "crumpet.hcl", hcl.InitialPos)
	want = bytes.Clone(src)
	for _, token := range tokens {
		if token.Type != hclsyntax.TokenComment || bytes.HasPrefix(token.Bytes, []byte("/*")) {
			continue
		}
		for i := token.Range.Start.Byte; i < token.Range.End.Byte; i++ {
			if src[i] != '\n' {
				want[i] = ' '
			}
		}
	}
	return want, !diags.HasErrors()
}

func TestUncommented(t *testing.T) {
	t.Parallel()
	for _, src := range []string{
		"",
		"#",
		"a = 1 # one\n// two\nb = 2",
		"a = \"# text\" # comment\n",
		`a = "\"# text" // comment`,
		"a = \"${ b # comment\n}# text\" # comment\n",
		"a = \"$${ # text\" # comment\n",
		"a = \"$$${ b # comment\n}\"\n",
		"a = \"${ { b = \"# text\" } # comment\n}# text\"",
		"a = \"%{ if b }# text%{ endif ~}# text\" # comment\n",
		"a = <<EOT # comment\n",
		"a = <<EOT\n# text\n  # text\nEOT # text\n EOT\n# comment\n",
		"a = <<-E-1\n# text ${ b # comment\n} # text\nE-1\n\tE-1\nb = 1 # comment",
		"a = <<A\n${ <<A\n# text\nA\n# comment\n}# text\nA\n# comment\n",
		"a = <<A\n${\"x\"}A\n# text\nA\n# comment",
		"a = <<1\n# comment\n",
		"a = 1 << 2 # comment\n",
		"/* # inner\n */ a = 1 # comment\n",
		"a = /* # open\n # comment\n",
		"a = 4 / 2 # comment\n",
		"} # comment\na = \"${ b } # text\"\n",
		"a = \"${ b }} # text\"\n",
		"\xe7# no text at all",
		"a = \"é # text\" # ü comment\nb = <<É\n# text\nÉ\n# comment",
	} {
		want, _ := blanked(t, []byte(src))
		if !utf8.ValidString(src) {
			want = []byte(src)
		}
		if diff := cmp.Diff(string(want), string(spec.Uncommented([]byte(src)))); diff != "" {
			t.Errorf("%q (-want +got):\n%s", src, diff)
		}
	}
}

func TestCommentsChangeNoSpec(t *testing.T) {
	t.Parallel()
	reference, err := os.ReadFile("reference.hcl")
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(spec.Uncommented(reference), []byte("#")) {
		t.Error("a comment of the reference is still there")
	}
}

// FuzzUncommented holds Uncommented to the library's own idea of a comment, wherever that can read the
// source at all.
func FuzzUncommented(f *testing.F) {
	cases, err := filepath.Glob("testdata/*.hcltest")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range append(cases, "reference.hcl") {
		src, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(src))
	}
	f.Add("a = \"${ b # c\n}# d\" # e\nf = <<-E\n# g ${ h # i\n} # j\nE\n# k\n")
	f.Add("a = \"%{ if b }#%{ endif ~}\" // c\n/* # */ d = 1 # e\n")
	f.Fuzz(func(t *testing.T, src string) {
		if strings.Contains(src, "\r") || !utf8.ValidString(src) {
			return // no carriage return reaches it at the end of a line: see normal
		}
		want, readable := blanked(t, []byte(src))
		if !readable {
			return
		}
		if got := spec.Uncommented([]byte(src)); !bytes.Equal(got, want) {
			t.Errorf("%q became %q, want %q", src, got, want)
		}
	})
}
