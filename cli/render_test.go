package cli_test

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/cli"
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
}
