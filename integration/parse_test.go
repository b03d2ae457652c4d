package integration_test

import (
	"os"
	"os/exec"
	"testing"
)

// TestParse: a real Nomad reads the very job in what `render --hcl` prints, for the goldens, for random
// specs and for random jobs; and the reference spec is translated in at most half the time that
// Nomad takes to read the job's HCL. Both stand in server/jobspec, which may be told of a Nomad; this
// story starts one.
func TestParse(t *testing.T) {
	if !proving {
		t.Skip("asks a real Nomad about hundreds of jobs: run `make prove STORY=parse`")
	}
	nomad := startNomad(t)
	for _, args := range [][]string{
		{"-run", "^TestNomadReads", "-rapid.checks=200"},
		{"-run", "^$", "-bench", ".", "-benchtime", "100x", "-skip", "AgainstNomad"},
		{"-run", "^$", "-bench", "AgainstNomad", "-benchtime", "1x"},
	} {
		cmd := exec.Command("go", append([]string{"test", "-count=1", "-v", "../server/jobspec"}, args...)...)
		cmd.Env = append(os.Environ(), "NOMAD_ADDR="+nomad.addr)
		out, err := cmd.CombinedOutput()
		t.Logf("nomad %s, go test %s:\n%s", nomad.version, args, out)
		if err != nil {
			t.Fatal(err)
		}
	}
}
