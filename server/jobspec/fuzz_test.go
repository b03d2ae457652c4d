package jobspec_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/crumpet-paas/crumpet/server/jobspec"
	"github.com/crumpet-paas/crumpet/server/spec"
)

// Whatever spec accepts becomes jobs that keep their bytes on the way through text, and that force
// nothing when they are compared with themselves or with the same release in the other slot.
func FuzzParseToJob(f *testing.F) {
	files, err := filepath.Glob("testdata/*.hcltest")
	if err != nil || len(files) == 0 {
		f.Fatalf("no goldens: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		src, _, _ := strings.Cut(string(text), "----\n")
		f.Add(src)
	}
	f.Add(spec.Reference)
	for _, group := range []string{
		`Constraints = [null]`, `RestartPolicy = null, ReschedulePolicy = null, EphemeralDisk = null, Constraints = null`,
	} {
		f.Add("app \"a\" {\nprocess \"web\" {\ncommand = [\"./a\"]\nnomad {\ngroup = {" + group + "}\ntask = { Resources = null, LogConfig = null, Templates = [null], Config = null, Env = null }\n}\n}\n}\n")
	}
	f.Fuzz(func(t *testing.T, src string) {
		s, diags := spec.Parse([]byte(src), "crumpet.hcl")
		if diags.HasErrors() {
			return
		}
		in := rendering(s.WithDefaultRoute("localhost"))
		other := in
		other.Slot = in.Slot.Other()
		if key, forced := jobspec.Forces(jobspec.Job(in), jobspec.Job(other)); forced {
			t.Errorf("the other slot forces %s", key)
		}
		for _, job := range all(in) {
			text := jobspec.Encode(job)
			again, err := jobspec.Decode(text)
			if err != nil {
				t.Fatal(err)
			}
			if got := jobspec.Encode(again); string(got) != string(text) {
				t.Errorf("the job changed on its way through text: %s\n%s", text, got)
			}
			if keys := jobspec.Changes(job, again); len(keys) > 0 {
				t.Errorf("the job differs from itself in %q", keys)
			}
		}
	})
}
