package templates_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/spec"
	"github.com/crumpet-paas/crumpet/templates"
)

func TestEveryTemplateHasAValidSpecOfTheApp(t *testing.T) {
	t.Parallel()
	for _, template := range templates.Names() {
		dir := filepath.Join(t.TempDir(), "shop")
		files, err := templates.Write(template, "shop", dir)
		if err != nil {
			t.Fatal(err)
		}
		parsed, _, diags := spec.ParseFile(filepath.Join(dir, spec.FileName), spec.Options{})
		if parsed == nil {
			t.Fatalf("%s: %v", template, diags)
		}
		if parsed.App != "shop" || len(parsed.Routes()) != 1 || parsed.Routes()[0].Host != "shop.localhost" {
			t.Errorf("%s: app %q with routes %v", template, parsed.App, parsed.Routes())
		}
		for _, name := range files {
			text, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(text), "crumpetapp") || strings.HasSuffix(name, ".tmpl") {
				t.Errorf("%s: %s still has the placeholder", template, name)
			}
		}
	}
}

func TestGoWebPassesItsOwnTests(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "shop")
	files, err := templates.Write(templates.GoWeb, "shop", dir)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{".gitignore", "crumpet.hcl", "go.mod", "main.go", "main_test.go", "page.go", "page.html"}
	if diff := cmp.Diff(want, files); diff != "" {
		t.Error(diff)
	}
	for _, args := range [][]string{{"vet", "./..."}, {"test", "./..."}} {
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod", "GOTOOLCHAIN=local")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("go %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

func TestNothingIsOverwritten(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := templates.Write(templates.GoWeb, "shop", dir); paas.CodeOf(err) != paas.Conflict {
		t.Errorf("an existing folder: %v", err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("the folder has %d entries, %v", len(entries), err)
	}
	if _, err := templates.Write("rails", "shop", filepath.Join(dir, "shop")); paas.CodeOf(err) != paas.NotFound {
		t.Errorf("an unknown template: %v", err)
	}
}
