package jobspec_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/jobspec"
	"github.com/crumpet-paas/crumpet/server/paas"
)

const (
	inFiles = `"bind":{"as":"files","change":"signal","signal":"SIGHUP"}`
	inEnv   = `"bind":{"as":"env","env":"DATABASE_URL","vcap":true}`
	pgKeys  = `"entries":{"type":"postgresql","provider":"p",` + postgresFacts + `,"keys":["password","username"]}}`
	kvKeys  = `"entries":{"type":"t","provider":"p","keys":["token","uri"],"url":"uri"}}`
)

func TestAReleaseWithoutSecretsAndServicesHasNothingOfVault(t *testing.T) {
	t.Parallel()
	plain := rendering(full())
	in := bound(
		binding(t, `{"name":"a","kind":"user","declared":true,`+inEnv+`,`+kvKeys),                    // of another release
		binding(t, `{"name":"b","kind":"user","state":"unbinding",`+inEnv+`,`+kvKeys),                // to be ended
		binding(t, `{"name":"c","kind":"user","state":"ended",`+inEnv+`,`+kvKeys),                    // ended
		binding(t, `{"name":"d","kind":"user","state":"pending","generation":0,`+inFiles+`,`+kvKeys), // not there yet
	)
	in.Release.Spec.Secrets = []paas.SecretFile{{Name: "KEY", Path: "key", Mode: "0444"}} // of a configuration that is not there
	if diff := cmp.Diff(string(jobspec.Encode(jobspec.Job(plain))), string(jobspec.Encode(jobspec.Job(in)))); diff != "" {
		t.Errorf("the job differs:\n%s", diff)
	}
	if jobspec.UsesVault(in.Release, in.Bindings) || jobspec.Follows(in.Release.Spec, in.Bindings) != nil {
		t.Error("a release without anything in Vault is said to read it")
	}
}

func TestEveryProgramOfAReleaseHasItsSecrets(t *testing.T) {
	t.Parallel()
	in := bound(binding(t, `{"name":"db","kind":"postgres",`+inEnv+`,`+pgKeys))
	in.Release.Config = 2
	s := in.Release.Spec
	tasks := slices.Concat(
		jobspec.Job(in).TaskGroups[0].Tasks,
		jobspec.TaskJob(in, s.Tasks[0], paas.SideJob{App: "shop", Kind: paas.JobRun, Name: "x"}).TaskGroups[0].Tasks,
		jobspec.CronJob(in, s.Crons[0]).TaskGroups[0].Tasks,
	)
	if len(tasks) != 5 {
		t.Fatalf("there are %d tasks", len(tasks))
	}
	for _, task := range tasks {
		v := task.Vault
		if v == nil || v.Role != "crumpet-default--shop" || *v.ChangeMode != "noop" || !*v.DisableFile || *v.Env {
			t.Errorf("the vault block of %s is %+v", task.Name, v)
		}
		if len(task.Identities) != 1 || task.Identities[0].Name != "vault_default" || !slices.Equal(task.Identities[0].Audience, []string{"vault.io"}) || task.Identities[0].Env || task.Identities[0].File {
			t.Errorf("the identities of %s are %+v", task.Name, task.Identities)
		}
		var envs []string
		for _, tmpl := range task.Templates {
			if *tmpl.ChangeMode == "restart" || tmpl.ChangeMode == nil {
				t.Errorf("%s of %s restarts it", *tmpl.DestPath, task.Name)
			}
			if tmpl.Envvars != nil && *tmpl.Envvars {
				envs = append(envs, *tmpl.DestPath)
			}
		}
		if want := []string{"secrets/crumpet/bindings/db.env", "secrets/crumpet/vcap.env", "secrets/crumpet/config.env"}; !slices.Equal(envs, want) {
			t.Errorf("the variables of %s come from %q; of two the later wins", task.Name, envs)
		}
	}
}

// Nomad refuses a task whose templates differ in whether they are rendered once, and a lease must be
// watched to live.
func TestTemplatesAreRenderedOnceWhereNothingChanges(t *testing.T) {
	t.Parallel()
	watched := map[string]func(*jobspec.Input){
		"": func(*jobspec.Input) {},
		"a file is a template": func(in *jobspec.Input) {
			in.Release.Spec.Processes[0].Files = []paas.ConfigFile{{Path: "x", Template: "{{ 1 }}", Mode: "0644"}}
		},
		"a fragment has templates": func(in *jobspec.Input) {
			in.Release.Spec.Processes[0].NomadTask = paas.Fragment(`{"Templates":[{"EmbeddedTmpl":"x","DestPath":"local/y"}]}`)
		},
		"a database": func(in *jobspec.Input) {
			in.Bindings = append(in.Bindings, binding(t, `{"name":"db","kind":"postgres",`+inEnv+`,`+pgKeys))
		},
		"files": func(in *jobspec.Input) {
			in.Bindings = append(in.Bindings, binding(t, `{"name":"db","kind":"user",`+inFiles+`,`+kvKeys))
		},
	}
	for why, edit := range watched {
		in := bound(binding(t, `{"name":"kv","kind":"broker",`+strings.Replace(inEnv, "DATABASE_URL", "KV_URL", 1)+`,`+kvKeys))
		in.Release.Config = 1
		in.Release.Spec.Processes[0].Files = in.Release.Spec.Processes[0].Files[:1]
		edit(&in)
		for _, tmpl := range first(jobspec.Job(in)).Templates {
			if once := tmpl.Once != nil && *tmpl.Once; once != (why == "") {
				t.Errorf("%q: %s is rendered once: %t", why, *tmpl.DestPath, once)
			}
		}
	}
}

func TestASecretFileThatOnlyItsOwnerReadsIsTheProgramsOwn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		user, mode, driver string
		want               int // -1 for Nomad's agent
	}{
		{"", "0400", "exec", 65534},
		{"nobody", "0440", "exec", 65534},
		{"1000:50", "0400", "exec", 1000},
		{"", "0444", "exec", -1},
		{"", "0400", "raw_exec", -1},
		{"app", "0444", "exec", -1},
	} {
		in := bound()
		in.Release.Config, in.Driver = 1, c.driver
		in.Release.Spec.Processes[0].User = c.user
		in.Release.Spec.Secrets = []paas.SecretFile{{Name: "KEY", Path: "key", Mode: c.mode}}
		templates := first(jobspec.Job(in)).Templates
		i := slices.IndexFunc(templates, func(tmpl *nomadapi.Template) bool { return *tmpl.DestPath == "secrets/key" })
		got := -1
		if uid := templates[i].Uid; uid != nil {
			got = *uid
		}
		if got != c.want || *templates[i].Perms != c.mode {
			t.Errorf("a file of mode %s of user %q under %s belongs to %d, want %d", c.mode, c.user, c.driver, got, c.want)
		}
	}
}

func TestAJobTellsWhichGenerationsItReads(t *testing.T) {
	t.Parallel()
	in := bound(
		binding(t, `{"name":"db-1","kind":"postgres","generation":12,`+inEnv+`,`+pgKeys),
		binding(t, `{"name":"kv","kind":"broker","generation":4,`+strings.Replace(inEnv, "DATABASE_URL", "KV_URL", 1)+`,`+kvKeys),
		binding(t, `{"name":"live","kind":"postgres","generation":7,`+inFiles+`,`+pgKeys),
		binding(t, `{"name":"live-2","kind":"user","generation":8,`+inFiles+`,`+kvKeys),
	)
	for _, job := range []*nomadapi.Job{jobspec.Job(in), jobspec.CronJob(in, in.Release.Spec.Crons[0])} {
		got, err := jobspec.Reads(jobspec.Encode(job))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[string][]int{"db-1": {12}, "kv": {4}, "live": nil, "live-2": nil}, got); diff != "" {
			t.Error(diff)
		}
	}
	if diff := cmp.Diff(map[string]string{"shop--live": "7", "shop--live-2": "8"}, jobspec.Follows(in.Release.Spec, in.Bindings)); diff != "" {
		t.Error(diff)
	}
	none, err := jobspec.Reads(jobspec.Encode(jobspec.Job(rendering(full()))))
	if err != nil || len(none) > 0 {
		t.Errorf("a job without bindings reads %v: %v", none, err)
	}
	if _, err := jobspec.Reads([]byte("{")); err == nil {
		t.Error("what is no job reads nothing without an error")
	}
}

func TestARotationReplacesOnlyWhatReadsVariables(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		bind string
		want []string
	}{{inEnv, []string{"service.db"}}, {inFiles, nil}} {
		for _, keys := range []string{`"kind":"postgres",` + c.bind + `,` + pgKeys, `"kind":"broker",` + c.bind + `,` + kvKeys} {
			in, next := bound(binding(t, `{"name":"db",`+keys)), bound(binding(t, `{"name":"db",`+keys))
			next.Bindings[0].Generation++
			if got := jobspec.Changes(jobspec.Job(in), jobspec.Job(next)); !slices.Equal(got, c.want) {
				t.Errorf("another generation of %s changes %q, want %q", keys, got, c.want)
			}
			next = in
			next.Slot = paas.Green
			if got := jobspec.Changes(jobspec.Job(in), jobspec.Job(next)); len(got) > 0 {
				t.Errorf("the other slot changes %q", got)
			}
		}
	}
}

func TestChangesNamesSecretsAndServices(t *testing.T) {
	t.Parallel()
	base := func() jobspec.Input {
		in := bound(binding(t, `{"name":"db","kind":"postgres",`+inEnv+`,`+pgKeys))
		in.Release.Config = 3
		in.Release.Spec.Secrets = []paas.SecretFile{{Name: "KEY", Path: "key", Mode: "0444"}, {Name: "PEM", Path: "pem", Mode: "0444"}}
		same := paas.ConfigFile{Path: "one", Content: paas.Literal("same"), Mode: "0644"}
		in.Release.Spec.Processes[0].Files = []paas.ConfigFile{same, {Path: "two", Content: same.Content, Mode: "0644"}}
		return in
	}
	for _, c := range []struct {
		edit func(*jobspec.Input)
		want []string
	}{
		{func(in *jobspec.Input) { in.Release.Config = 4 }, []string{"config"}},
		{func(in *jobspec.Input) { in.Bindings[0].Kind = paas.KindBroker }, []string{"service.db"}}, // all is rendered once then
		{func(in *jobspec.Input) { in.Release.Config = 0 }, []string{"secret.KEY", "secret.PEM", "config"}},
		{func(in *jobspec.Input) { in.Release.Spec.Secrets[1].Path = "tls/pem" }, []string{"secret.PEM"}},
		{func(in *jobspec.Input) { in.Release.Spec.Secrets[0].Mode = "0400" }, []string{"secret.KEY"}},
		{func(in *jobspec.Input) { in.Release.Spec.Secrets = in.Release.Spec.Secrets[:1] }, []string{"secret.PEM"}},
		{func(in *jobspec.Input) { in.Bindings = nil }, []string{"service.db"}},
		{func(in *jobspec.Input) { in.Bindings[0].Bind.Env = "OTHER" }, []string{"service.db"}},
		{func(in *jobspec.Input) { in.Bindings[0].Bind.VCAP = false }, []string{"service"}},
		{func(in *jobspec.Input) { in.Bindings[0].Bind = paas.Bind{As: paas.AsFiles, Change: paas.ChangeNoop} }, []string{"service.db"}},
		{func(in *jobspec.Input) {
			in.Bindings = append(in.Bindings, binding(t, `{"name":"kv","kind":"broker",`+inFiles+`,`+kvKeys))
		}, []string{"service.kv"}},
		{func(in *jobspec.Input) { in.Vault.Audience = "other" }, []string{"crumpet"}},
		{func(in *jobspec.Input) {
			in.Release.Spec.Processes[0].NomadTask = paas.Fragment(`{"Vault":{"Role":"own"}}`)
		}, []string{"process.web.nomad.task"}},
	} {
		next := base()
		c.edit(&next)
		if got := jobspec.Changes(jobspec.Job(base()), jobspec.Job(next)); !slices.Equal(got, c.want) {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}
