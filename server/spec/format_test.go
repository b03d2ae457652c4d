package spec_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/spec"
)

func TestFormatLaysOutASpec(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ src, want string }{
		"equals signs stand in line": {"app \"a\" {\nenv={\nA=1\nLONG=2\n}\n}", "app \"a\" {\n  env = {\n    A    = 1\n    LONG = 2\n  }\n}\n"},
		"blank lines at edges go":    {"\n\napp \"a\" {\n\n\n  env = {}\n\n}\n\n\n", "app \"a\" {\n  env = {}\n}\n"},
		"blank lines stand alone":    {"locals {\n  a = 1\n\n\n\n  b = 2\n}\n", "locals {\n  a = 1\n\n  b = 2\n}\n"},
		"comments stay":              {"# one   \n\n\n# two\napp \"a\" { # three\n// four\n/* five */\n}\n# six", "# one\n\n# two\napp \"a\" { # three\n  // four\n  /* five */\n}\n# six\n"},
		"Windows lines end in LF":    {"app \"a\" {\r\n\r\n}\r\n", "app \"a\" {\n}\n"},
		"a byte order mark goes":     {"\ufefflocals {\n}\n", "locals {\n}\n"},
		"heredocs keep their lines":  {"locals {\n  a = <<EOT\n\n\n x  \n\nEOT\n\n\n}\n", "locals {\n  a = <<EOT\n\n\n x  \n\nEOT\n}\n"},
		"nothing stays nothing":      {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, diags := spec.Format([]byte(c.src), "crumpet.hcl")
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			if diff := cmp.Diff(c.want, string(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestFormatRefusesWhatIsNoSpec(t *testing.T) {
	t.Parallel()
	got, diags := spec.Format([]byte("app \"a\" {\n"), "crumpet.hcl")
	if got != nil || !diags.HasErrors() || diags[0].Subject == nil {
		t.Errorf("got %q and %v", got, diags)
	}
}

func TestTheReferenceIsFormatted(t *testing.T) {
	t.Parallel()
	got, diags := spec.Format([]byte(spec.Reference), "reference.hcl")
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	if diff := cmp.Diff(spec.Reference, string(got)); diff != "" {
		t.Errorf("run crumpet fmt on reference.hcl:\n%s", diff)
	}
}

// sources adds every spec of the goldens to a fuzz target.
func sources(f *testing.F) {
	f.Helper()
	f.Add(spec.Reference)
	files, err := filepath.Glob("testdata/*.hcltest")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		src, _, _ := strings.Cut(string(b), "----\n")
		f.Add(src)
	}
}

func FuzzFormat(f *testing.F) {
	sources(f)
	f.Fuzz(func(t *testing.T, src string) {
		once, diags := spec.Format([]byte(src), "crumpet.hcl")
		if diags.HasErrors() {
			return
		}
		twice, diags := spec.Format(once, "crumpet.hcl")
		if diags.HasErrors() {
			t.Fatalf("what Format wrote can't be read: %v\n%s", diags, once)
		}
		if diff := cmp.Diff(string(once), string(twice)); diff != "" {
			t.Fatalf("Format changes what it wrote:\n%s", diff)
		}
		before, _ := spec.Parse([]byte(src), "crumpet.hcl")
		after, _ := spec.Parse(once, "crumpet.hcl")
		if diff := cmp.Diff(before, after); diff != "" {
			t.Fatalf("Format changed the spec:\n%s", diff)
		}
	})
}
