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
	"github.com/crumpet-paas/crumpet/server/store/pgtest"
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

// TestGuestbookPassesItsOwnTests on a real PostgreSQL, and with the sums that it comes with.
func TestGuestbookPassesItsOwnTests(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "book")
	files, err := templates.Write("guestbook", "book", dir)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{".gitignore", "README.md", "book.go", "crumpet.hcl", "go.mod", "go.sum", "main.go", "main_test.go", "page.go", "page.html"}
	if diff := cmp.Diff(want, files); diff != "" {
		t.Error(diff)
	}
	parsed, _, diags := spec.ParseFile(filepath.Join(dir, spec.FileName), spec.Options{})
	if parsed == nil {
		t.Fatal(diags)
	}
	if len(parsed.Services) != 1 || parsed.Services[0].Offering != "postgres" || parsed.Services[0].Bind.Env != "DATABASE_URL" {
		t.Errorf("it uses %+v", parsed.Services)
	}
	for _, args := range [][]string{{"vet", "./..."}, {"test", "-v", "./..."}} {
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=readonly", "GOTOOLCHAIN=local", "TEST_DATABASE_URL="+pgtest.Start(t).Database(t))
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("go %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		if args[0] == "test" && !strings.Contains(string(out), "--- PASS: TestBook") {
			t.Errorf("the book was not tried in a database:\n%s", out)
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

func TestEveryTemplateSaysWhatItIsAndNeeds(t *testing.T) {
	t.Parallel()
	for _, template := range templates.All() {
		files, err := templates.Render(template.Name, "shop")
		if err != nil {
			t.Fatal(err)
		}
		needs := []string{}
		for _, f := range files {
			if f.Path != spec.FileName {
				continue
			}
			parsed, diags := spec.ParseWith(f.Text, spec.Options{Filename: f.Path})
			if parsed == nil {
				t.Fatal(diags)
			}
			for _, s := range parsed.Services {
				needs = append(needs, s.Offering)
			}
		}
		if diff := cmp.Diff(needs, template.Needs); diff != "" {
			t.Errorf("%s: %s", template.Name, diff)
		}
		if template.Title == "" || template.Description == "" || len(template.Commands) == 0 {
			t.Errorf("%s says nothing of itself: %+v", template.Name, template)
		}
	}
}
