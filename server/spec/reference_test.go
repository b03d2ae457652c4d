package spec_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/crumpet-paas/crumpet/server/spec"
)

func TestReferenceShowsEveryKeyOfTheLanguage(t *testing.T) {
	t.Parallel()
	file, diags := hclsyntax.ParseConfig([]byte(spec.Reference), "reference.hcl", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	var shown []string
	var walk func(kind string, body *hclsyntax.Body)
	walk = func(kind string, body *hclsyntax.Body) {
		for name := range body.Attributes {
			shown = append(shown, kind+"."+name)
		}
		for _, b := range body.Blocks {
			shown = append(shown, kind+"."+b.Type)
			walk(b.Type, b.Body)
		}
	}
	walk("an app spec", file.Body.(*hclsyntax.Body))

	// The one key that no app with the builder "go" can have stands in a comment.
	missing := []string{}
	for _, key := range spec.Keys() {
		if !slices.Contains(shown, key) {
			missing = append(missing, key)
		}
	}
	if diff := cmp.Diff([]string{"build.dir"}, missing); diff != "" {
		t.Errorf("keys that reference.hcl does not show:\n%s", diff)
	}
}

func TestReferenceShowsTheDefaults(t *testing.T) {
	t.Parallel()
	full := parse(t, spec.Reference)
	bare := parse(t, `app "hello" {
  process "web" {
    command = ["./hello"]
    port "http" {}
    route "hello.example.com" {}
    health {}
  }
}`)
	// What has no default is taken from the reference.
	bare.Build.Main = full.Build.Main
	bare.Env = full.Env
	bare.Processes[0].Command = full.Processes[0].Command
	bare.Processes[0].Env = full.Processes[0].Env
	if diff := cmp.Diff(bare, full); diff != "" {
		t.Errorf("a default in reference.hcl is not the default:\n%s", diff)
	}
}
