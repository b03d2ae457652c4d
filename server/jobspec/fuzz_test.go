package jobspec_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/template/parse"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/jobspec"
	"github.com/crumpet-paas/crumpet/server/paas"
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
		for _, in := range []jobspec.Input{in, furnished(in)} {
			renders(t, in)
		}
	})
}

// furnished is an input with all that its spec asks for, of each kind.
func furnished(in jobspec.Input) jobspec.Input {
	in.Release.Config = 1
	in.Vault = jobspec.Vault{KV: "crumpet", Database: "database", Audience: "vault.io"}
	kinds := []paas.ServiceKind{paas.KindPostgres, paas.KindBroker, paas.KindUser}
	for i, u := range in.Release.Spec.Services {
		in.Bindings = append(in.Bindings, paas.Binding{
			ID: "b", Team: in.Release.Team, App: in.Release.App, Name: u.Name, Instance: u.Instance, Kind: kinds[i%len(kinds)], Declared: true,
			State: paas.BindingReady, Generation: i + 1, Label: u.Offering, Plan: u.Plan, Tags: []string{u.Plan},
			Entries: paas.Entries{Type: u.Offering, Provider: u.Plan, Facts: map[string]string{"host": u.Instance, "database": u.Plan}, Keys: []string{"uri", u.Offering}, URL: "uri"},
		})
	}
	return in
}

func renders(t *testing.T, in jobspec.Input) {
	t.Helper()
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
		read(t, in, job)
	}
}

// read demands of the templates of a job what Nomad would find at fault only on the node.
func read(t *testing.T, in jobspec.Input, job *nomadapi.Job) {
	t.Helper()
	reads, err := jobspec.Reads(jobspec.Encode(job))
	if err != nil {
		t.Fatal(err)
	}
	bound := jobspec.Bound(in.Release.Spec, in.Bindings)
	for _, g := range job.TaskGroups {
		for _, task := range g.Tasks {
			if task.Vault == nil {
				continue
			}
			for i, tmpl := range task.Templates {
				if tmpl == nil || tmpl.EmbeddedTmpl == nil || tmpl.DestPath == nil {
					continue // of a fragment
				}
				tree := parse.New("")
				tree.Mode = parse.SkipFuncCheck
				if _, err := tree.Parse(*tmpl.EmbeddedTmpl, "", "", map[string]*parse.Tree{}); err != nil {
					t.Errorf("%s: %v", *tmpl.DestPath, err)
				}
				if a, b := tmpl.Once, task.Templates[0].Once; (a != nil && *a) != (b != nil && *b) {
					t.Errorf("template %d is rendered once, or the first is", i)
				}
			}
		}
	}
	for _, b := range bound {
		if n, there := reads[b.Name]; len(job.TaskGroups) > 0 && (!there || b.Bind.As == paas.AsEnv && !slices.Contains(n, b.Generation)) {
			t.Errorf("the job reads %v, and not generation %d of %s", reads, b.Generation, b.Name)
		}
	}
}
