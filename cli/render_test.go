package cli_test

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/cli"
	"github.com/crumpet-paas/crumpet/server/spec"
)

var update = flag.Bool("update", false, "rewrite what the documentation shows of the program")

// The page about the app spec shows ten lines and the job that they become.
func TestTenLinesBecomeTheJobThatTheDocsShow(t *testing.T) {
	t.Parallel()
	const folder = "../docs/ten-lines/"
	var out, errOut bytes.Buffer
	if code := cli.Run([]string{"render", "--hcl", folder + "crumpet.hcl"}, strings.NewReader(""), &out, &errOut); code != 0 {
		t.Fatalf("exit %d: %s", code, errOut.String())
	}
	if *update {
		if err := os.WriteFile(folder+"ten-lines.nomad.hcl", out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	source, err := os.ReadFile(folder + "crumpet.hcl")
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(source, []byte("\n")); n != 10 {
		t.Errorf("the ten lines are %d", n)
	}
	want, err := os.ReadFile(folder + "ten-lines.nomad.hcl")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), out.String()); diff != "" {
		t.Errorf("run with -update and review the difference:\n%s", diff)
	}
	sideBySide(t, "../docs/app-spec.md", string(source), out.String())
}

// The page about the app spec lists every function.
func TestTheDocsListEveryFunction(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/app-spec.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range spec.Functions() {
		if !strings.Contains(string(text), "`"+name+"`") {
			t.Errorf("docs/app-spec.md does not list %s", name)
		}
	}
}

// sideBySide demands that the page holds both texts next to each other, as they are.
func sideBySide(t *testing.T, page, left, right string) {
	t.Helper()
	const begin, end = "<!-- side by side: written by the test with -update -->\n", "<!-- end -->\n"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), begin)
	was, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s has no place for the two texts", page)
	}
	cell := func(text string) string { return "<td>\n\n```hcl\n" + text + "```\n\n</td>\n" }
	table := "<table>\n<tr><th>crumpet.hcl</th><th>the Nomad job</th></tr>\n<tr valign=\"top\">\n" + cell(left) + cell(right) + "</tr>\n</table>\n"
	if *update {
		if err := os.WriteFile(page, []byte(before+begin+table+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(table, was); diff != "" {
		t.Errorf("%s: run with -update and review the difference:\n%s", page, diff)
	}
}
