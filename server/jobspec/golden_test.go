package jobspec_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/jobspec"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/spec"
)

var update = flag.Bool("update", false, "rewrite the expected jobs in testdata")

// input is what the goldens are rendered from, for an app spec.
func input(tb testing.TB, src string) jobspec.Input {
	tb.Helper()
	s, diags := spec.Parse([]byte(src), "crumpet.hcl")
	if diags.HasErrors() {
		tb.Fatal(spec.Text(diags, map[string][]byte{"crumpet.hcl": []byte(src)}, 0, false))
	}
	app := s.WithDefaultRoute("localhost")
	counts := map[string]int{}
	for _, p := range app.Processes {
		counts[p.Name] = p.Instances
	}
	version, bindings := had(tb, src, app.App)
	return jobspec.Input{
		Bindings: bindings, Vault: jobspec.Vault{KV: "crumpet", Database: "database", Audience: "vault.io"},
		Release: paas.Release{
			Config: version,
			Team:   paas.DefaultTeam, App: app.App, Number: 7, Spec: app,
			Artifact: strings.Repeat("a1", 32), Runtime: strings.Repeat("b2", 32),
		},
		Slot: paas.Blue, Counts: counts, Driver: "exec",
		ArtifactURL: func(digest string) string {
			return "http://127.0.0.1:4780/v1/artifacts/sha256/" + digest + "?sig=s"
		},
		BaseURL: func(r paas.Route) string { return "http://" + r.Host + ":9999" + r.Path },
	}
}

// had is what a golden says its app has beside its spec, in the lines before it: # config VERSION, and
// # binding JSON.
func had(tb testing.TB, src, app string) (version int, bindings []paas.Binding) {
	tb.Helper()
	for line := range strings.Lines(src) {
		if text, ok := strings.CutPrefix(line, "# config "); ok {
			n, err := strconv.Atoi(strings.TrimSpace(text))
			if err != nil {
				tb.Fatal(err)
			}
			version = n
		}
		if text, ok := strings.CutPrefix(line, "# binding "); ok {
			b := paas.Binding{Team: paas.DefaultTeam, App: app, State: paas.BindingReady, Generation: 1}
			if err := json.Unmarshal([]byte(text), &b); err != nil {
				tb.Fatal(err)
			}
			bindings = append(bindings, b)
		}
	}
	return version, bindings
}

func TestNoTwoGoldensExpectTheSame(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.hcltest")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, want, _ := strings.Cut(string(text), "----\n")
		if other, ok := seen[want]; ok {
			t.Errorf("%s expects what %s does", file, other)
		}
		seen[want] = file
	}
}

func TestGoldens(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.hcltest")
	if err != nil || len(files) < 40 {
		t.Fatalf("found %d goldens: %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			src, want, found := strings.Cut(string(text), "----\n")
			if !found {
				t.Fatal("no line ----")
			}
			jobs := all(input(t, src))
			var got string
			for _, job := range jobs {
				got += string(jobspec.Submission(job))
			}
			if *update {
				if err := os.WriteFile(file, []byte(src+"----\n"+got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("run with -update and review the difference:\n%s", diff)
			}
			twice := all(input(t, src))
			for i, job := range jobs {
				again, err := jobspec.Decode(jobspec.Encode(job))
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(job, again); diff != "" {
					t.Errorf("the job changed on its way through text:\n%s", diff)
				}
				if diff := cmp.Diff(string(jobspec.Encode(job)), string(jobspec.Encode(twice[i]))); diff != "" {
					t.Errorf("a second rendering differs:\n%s", diff)
				}
			}
		})
	}
}

// all are the jobs of a release: of its processes, and of each task and cron.
func all(in jobspec.Input) []*nomadapi.Job {
	s := in.Release.Spec
	jobs := []*nomadapi.Job{jobspec.Job(in)}
	if s.Stateful() {
		in.Slot = paas.Data
		jobs = append(jobs, jobspec.Job(in))
	}
	for _, t := range s.Tasks {
		id := paas.SideJob{App: s.App, Kind: paas.JobTask, Name: t.Name, Last: "7"}
		jobs = append(jobs, jobspec.TaskJob(in, t, id))
	}
	for _, c := range s.Crons {
		jobs = append(jobs, jobspec.CronJob(in, c))
	}
	return jobs
}

// golden renders the app spec of a golden.
func golden(tb testing.TB, name string) (*nomadapi.Job, jobspec.Input) {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name+".hcltest"))
	if err != nil {
		tb.Fatal(err)
	}
	src, _, _ := strings.Cut(string(text), "----\n")
	in := input(tb, src)
	return jobspec.Job(in), in
}
