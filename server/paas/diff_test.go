package paas_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/paas"
)

func release(edits ...func(*paas.Release)) paas.Release {
	r := paas.Release{
		Number: 1, Artifact: "aaaa",
		Spec: paas.Spec{
			App: "shop", Env: map[string]paas.Value{"GREETING": paas.Literal("hi")}, Deploy: paas.DefaultDeploy(),
			Processes: []paas.Process{{
				Name: "web", Program: paas.Program{Command: []paas.Value{paas.Literal("./shop")}, Memory: 64, KillTimeout: 10 * time.Second},
				Instances: 2, Ports: []paas.Port{{Name: "http"}}, Routes: []paas.Route{{Host: "shop.localhost", Path: "/", Port: "http"}},
			}, {Name: "worker", Instances: 1}},
		},
	}
	for _, edit := range edits {
		edit(&r)
	}
	return r
}

func TestDiffNamesEveryKeyAsAnAppSpecDoes(t *testing.T) {
	t.Parallel()
	type change struct{ Key, Old, New string }
	for _, c := range []struct {
		name string
		edit func(*paas.Release)
		want []change
	}{
		{"nothing", func(*paas.Release) {}, nil},
		{"a variable", func(r *paas.Release) { r.Spec.Env = map[string]paas.Value{"GREETING": paas.Literal("hello")} }, []change{{"env.GREETING", `"hi"`, `"hello"`}}},
		{"the empty text", func(r *paas.Release) { r.Spec.Env = map[string]paas.Value{"GREETING": paas.Literal("")} }, []change{{"env.GREETING", `"hi"`, `""`}}},
		{"the artifact", func(r *paas.Release) { r.Artifact = "bbbb" }, []change{{"artifact", "aaaa", "bbbb"}}},
		{"the configuration", func(r *paas.Release) { r.Config = 3 }, []change{{"config", "-", "3"}}},
		{"a size", func(r *paas.Release) { r.Spec.Processes[0].Memory = 32 }, []change{{"process.web.memory", "64MiB", "32MiB"}}},
		{"a duration", func(r *paas.Release) { r.Spec.Processes[0].KillTimeout = time.Second }, []change{{"process.web.kill_timeout", "10s", "1s"}}},
		{"an amount", func(r *paas.Release) { r.Spec.Deploy.Surge = paas.Amount{Count: 2} }, []change{{"deploy.surge", "25%", "2"}}},
		{"a route", func(r *paas.Release) {
			r.Spec.Processes[0].Routes = append(r.Spec.Processes[0].Routes, paas.Route{Host: "b.localhost", Path: "/x/", Port: "http"})
		}, []change{{"process.web.route.b.localhost/x/", "-", "port http"}}},
		{"a port", func(r *paas.Release) { r.Spec.Processes[0].Ports[0].Protocol = paas.TCP }, []change{{"process.web.port.http", "http", "tcp"}}},
		{"a command with a reference", func(r *paas.Release) {
			r.Spec.Processes[0].Command = []paas.Value{paas.Literal("./shop"), {{Text: ":"}, {Ref: &paas.Ref{Kind: paas.RefPort, Name: "http"}}}}
		}, []change{{"process.web.command", `["./shop"]`, `["./shop", ":${port.http}"]`}}},
		{"a probe", func(r *paas.Release) {
			r.Spec.Processes[0].Health.Readiness = &paas.Probe{Type: paas.ProbeHTTP, Path: "/ok", Interval: time.Second}
		}, []change{{"process.web.health.readiness.interval", "-", "1s"}, {"process.web.health.readiness.path", "-", "/ok"}, {"process.web.health.readiness.type", "-", "http"}}},
		{"a file", func(r *paas.Release) {
			r.Spec.Processes[0].Files = []paas.ConfigFile{{Path: "conf/a", Content: paas.Literal("x"), Mode: "0644"}}
		}, []change{{"process.web.file.conf/a.content", "-", `"x"`}, {"process.web.file.conf/a.mode", "-", "0644"}, {"process.web.file.conf/a.path", "-", "conf/a"}}},
		{"a process that moved in the file", func(r *paas.Release) {
			r.Spec.Processes[0], r.Spec.Processes[1] = r.Spec.Processes[1], r.Spec.Processes[0]
		}, []change{{"process", "web worker", "worker web"}}},
		{"the escape hatch", func(r *paas.Release) { r.Spec.Processes[1].NomadTask = paas.Fragment(`{"Meta":{"a":"1"}}`) }, []change{{"process.worker.nomad.task", "-", `{"Meta":{"a":"1"}}`}}},
		{"a constraint", func(r *paas.Release) {
			r.Spec.Placement.Constraints = []paas.Constraint{{Attribute: "attr.kernel.name", Operator: "=", Value: "linux"}}
		}, []change{{"placement.constraint.0", "-", "attr.kernel.name = linux"}}},
		{"a secret that is a file", func(r *paas.Release) {
			r.Spec.Secrets = []paas.SecretFile{{Name: "KEY", Path: "tls/key", Mode: "0400"}}
		}, []change{{"secret.KEY", "-", "tls/key, mode 0400"}}},
		{"a service", func(r *paas.Release) {
			r.Spec.Services = []paas.ServiceUse{{
				Name: "db", Instance: "shop-db", Offering: "postgres", Plan: "small", Parameters: []byte(`{"a":1}`),
				Bind: paas.Bind{As: paas.AsEnv, Env: "DATABASE_URL", VCAP: true},
			}}
		}, []change{
			{"service.db.bind.as", "-", "env"},
			{"service.db.bind.env", "-", "DATABASE_URL"},
			{"service.db.bind.vcap", "-", "true"},
			{"service.db.instance", "-", "shop-db"},
			{"service.db.offering", "-", "postgres"},
			{"service.db.parameters", "-", `{"a":1}`},
			{"service.db.plan", "-", "small"},
		}},
		{"a volume", func(r *paas.Release) {
			r.Spec.Processes[1].Volumes = []paas.Volume{{Name: "data", Size: 1024, Mount: "/data"}}
		}, []change{{"process.worker.volume.data.mount", "-", "/data"}, {"process.worker.volume.data.size", "-", "1024MiB"}}},
		{"a cron", func(r *paas.Release) {
			r.Spec.Crons = []paas.Cron{{Name: "tidy", Schedule: "@daily", Overlap: true}}
		}, []change{{"cron.tidy.overlap", "-", "true"}, {"cron.tidy.schedule", "-", "@daily"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var got []change
			text := func(s *string) string {
				if s == nil {
					return "-"
				}
				return *s
			}
			for _, k := range paas.DiffReleases(release(), release(c.edit)) {
				got = append(got, change{k.Key, text(k.Old), text(k.New)})
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
