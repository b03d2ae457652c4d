package jobspec_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2/hclwrite"
	nomadapi "github.com/hashicorp/nomad/api"
	"pgregory.net/rapid"

	"github.com/crumpet-paas/crumpet/server/jobspec"
)

func TestHCLSaysTheSameJob(t *testing.T) {
	t.Parallel()
	for name, job := range goldenJobs(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkHCL(t, job)
		})
	}
}

// What is drawn here has every field that the tags name, Crumpet's own or not: nomad { } may set them.
func TestHCLSaysAnyJob(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) { checkHCL(t, drawJob(t)) })
}

// checkHCL reads a job's HCL back and compares; it also finds it formatted, and the same each time.
func checkHCL(t rapid.TB, job *nomadapi.Job) {
	t.Helper()
	text := jobspec.HCL(job)
	if !bytes.Equal(text, jobspec.HCL(job)) {
		t.Fatalf("a second rendering differs:\n%s", text)
	}
	if formatted := hclwrite.Format(text); !bytes.Equal(text, formatted) {
		t.Errorf("not formatted: %s", cmp.Diff(string(formatted), string(text)))
	}
	back, err := parseHCL(text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	sameJob(t, job, back, text)
}

// sameJob compares two jobs as Nomad takes them, with its defaults filled in.
func sameJob(t rapid.TB, job, back *nomadapi.Job, text []byte) {
	t.Helper()
	if diff := cmp.Diff(canonical(t, job), canonical(t, back)); diff != "" {
		t.Fatalf("HCL says another job (- ours, + read back):\n%s\n%s", diff, text)
	}
}

// canonical gives the text of a job with the defaults of nomadapi filled in, and leaves the job alone.
func canonical(t rapid.TB, job *nomadapi.Job) string {
	t.Helper()
	copied := &nomadapi.Job{}
	if err := json.Unmarshal(jobspec.Encode(job), copied); err != nil {
		t.Fatal(err)
	}
	copied.Canonicalize()
	for _, g := range copied.TaskGroups {
		for _, task := range g.Tasks {
			if len(task.Identities) == 0 {
				task.Identities = nil // the parser leaves an empty list where the default one stood
			}
		}
	}
	return string(jobspec.Submission(copied))
}

func goldenJobs(t *testing.T) map[string]*nomadapi.Job {
	t.Helper()
	files, err := filepath.Glob("testdata/*.hcltest")
	if err != nil || len(files) < 4 {
		t.Fatalf("found %d goldens: %v", len(files), err)
	}
	jobs := map[string]*nomadapi.Job{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for i, job := range submissions(t, string(text)) {
			name := strings.TrimSuffix(filepath.Base(file), ".hcltest")
			jobs[strings.Repeat("+", i)+name] = job
		}
	}
	return jobs
}

// submissions are the jobs of a golden, {"Job":{...}} each, behind its line of dashes.
func submissions(t *testing.T, golden string) []*nomadapi.Job {
	t.Helper()
	var jobs []*nomadapi.Job
	_, text, _ := strings.Cut(golden, "----\n")
	for d := json.NewDecoder(strings.NewReader(text)); ; {
		var submission struct{ Job *nomadapi.Job }
		switch err := d.Decode(&submission); {
		case errors.Is(err, io.EOF):
			return jobs
		case err != nil || submission.Job == nil:
			t.Fatalf("no job: %v", err)
		}
		jobs = append(jobs, submission.Job)
	}
}
