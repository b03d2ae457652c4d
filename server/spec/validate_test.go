package spec_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/spec"
)

// sent is a spec as another program might send it: what the language gives, through JSON.
func sent(t *testing.T) paas.Spec {
	t.Helper()
	b, err := json.Marshal(parse(t, spec.Reference))
	if err != nil {
		t.Fatal(err)
	}
	var s paas.Spec
	if err := json.Unmarshal(b, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestASpecThatCameAsJSONMeetsTheSameRules(t *testing.T) {
	t.Parallel()
	if faults := spec.Validate(sent(t)); len(faults) > 0 {
		t.Fatalf("the reference has faults: %+v", faults)
	}
	for name, c := range map[string]struct {
		change         func(*paas.Spec)
		location, want string
	}{
		"a program has cpu or cores":      {func(s *paas.Spec) { s.Processes[0].Cores = 2 }, "process.web.cores", "either a share"},
		"a program has one of them":       {func(s *paas.Spec) { s.Processes[0].CPU = 0 }, "process.web.cpu", "from 1 to"},
		"logs fit on the disk":            {func(s *paas.Spec) { s.Processes[0].Logs.MaxSize = 60 }, "process.web.logs", "300 MiB"},
		"a sidecar's logs fit as well":    {func(s *paas.Spec) { s.Processes[1].Sidecars[0].Logs.MaxFiles = 30 }, "process.api.sidecar.proxy.logs", "300 MiB"},
		"a sidecar has a command":         {func(s *paas.Spec) { s.Processes[1].Sidecars[0].Command = nil }, "process.api.sidecar.proxy.command", "no command"},
		"a signal is known":               {func(s *paas.Spec) { s.Tasks[0].KillSignal = "TERM" }, "task.migrate.kill_signal", "no signal"},
		"a file has a text":               {func(s *paas.Spec) { s.Processes[0].Files[0].Content = nil }, "process.web.file.conf/hello.conf.content", "no text"},
		"a file stays inside":             {func(s *paas.Spec) { s.Processes[0].Files[0].Path = "../x" }, "process.web.file.../x", "stay inside"},
		"a file changes without restart":  {func(s *paas.Spec) { s.Processes[0].Files[0].Change = "restart" }, "process.web.file.conf/hello.conf.change", `Write "noop" or "signal"`},
		"a protocol is known":             {func(s *paas.Spec) { s.Processes[1].Ports[0].Protocol = "http3" }, "process.api.port.rpc.protocol", `"h2c"`},
		"a route leads to HTTP":           {func(s *paas.Spec) { s.Processes[0].Ports[0].Protocol = paas.UDP; s.Processes[0].Health.Readiness = nil }, "process.web.route.hello.example.com/.port", "can't lead there yet"},
		"a probe has a type":              {func(s *paas.Spec) { s.Processes[0].Health.Readiness.Type = "udp" }, "process.web.health.readiness", `"exec"`},
		"an exec probe has a program":     {func(s *paas.Spec) { s.Processes[1].Health.Startup.Command = nil }, "process.api.health.startup.exec", "no program"},
		"a probe's port exists":           {func(s *paas.Spec) { s.Processes[2].Health.Readiness.Port = "x" }, "process.mail.health.readiness.port", "does not exist"},
		"a liveness probe fails sometime": {func(s *paas.Spec) { s.Processes[1].Health.Liveness.Failures = -1 }, "process.api.health.liveness.failures", "from 1 to"},
		"an instance comes back soon":     {func(s *paas.Spec) { s.Processes[0].Reschedule.MaxDelay = time.Hour }, "process.web.reschedule.max_delay", "15m at most"},
		"a delay is Nomad's":              {func(s *paas.Spec) { s.Processes[0].Reschedule.Delay = time.Second }, "process.web.reschedule.delay", "from 5s"},
		"a pool is the app's":             {func(s *paas.Spec) { s.Processes[0].Placement.Pool = "x" }, "process.web.placement.pool", "placement of the app"},
		"an attribute is bare":            {func(s *paas.Spec) { s.Placement.Constraints[0].Attribute = "${node.class}" }, "placement.constraint.attribute", `Write "node.class"`},
		"a weight is something":           {func(s *paas.Spec) { s.Placement.Affinities[0].Weight = 0 }, "placement.affinity.weight", "from 1 to 100"},
		"targets share what there is":     {func(s *paas.Spec) { s.Placement.Spreads[0].Targets[0].Percent = 101 }, "placement.spread.target.dc1.percent", "from 0 to 100"},
		"a surge is something":            {func(s *paas.Spec) { s.Deploy.Surge = paas.Amount{} }, "deploy.surge", "from 1 to"},
		"a surge is one of two":           {func(s *paas.Spec) { s.Deploy.Surge.Count = 1 }, "deploy.surge", "either"},
		"a canary has steps":              {func(s *paas.Spec) { s.Deploy.Strategy, s.Deploy.Canary.Instances = paas.Canary, 1 }, "deploy.canary.traffic", "no steps"},
		"a margin is in points": {func(s *paas.Spec) {
			s.Deploy.Strategy, s.Deploy.Canary = paas.Canary, paas.CanaryPolicy{Instances: 1, Traffic: []int{5}, Margin: 101}
		}, "deploy.canary.margin", "from 0 to 100"},
		"a policy has its strategy":     {func(s *paas.Spec) { s.Deploy.Canary.Instances = 1 }, "deploy.canary", `strategy is "rolling"`},
		"old instances are kept by one": {func(s *paas.Spec) { s.Deploy.Warm = time.Minute }, "deploy.blue_green", `strategy is "rolling"`},
		"a deadline leaves time":        {func(s *paas.Spec) { s.Deploy.Deadline = 30 * time.Second }, "deploy.deadline", "alone may take 30s"},
		"a phase is known":              {func(s *paas.Spec) { s.Tasks[0].Phase = "" }, "task.migrate.phase", `"manual", "before" or "after"`},
		"a task has no ports": {func(s *paas.Spec) {
			s.Tasks[0].Env = map[string]paas.Value{"A": {{Ref: &paas.Ref{Kind: paas.RefPort, Name: "http"}}}}
		}, "task.migrate.env.A", "no such port"},
		"a schedule comes":              {func(s *paas.Spec) { s.Crons[0].Schedule = "0 0 30 2 *" }, "cron.report.schedule", "never comes"},
		"a time zone is one":            {func(s *paas.Spec) { s.Crons[0].TimeZone = "Local" }, "cron.report.time_zone", "another one on every machine"},
		"names are for one thing":       {func(s *paas.Spec) { s.Crons[0].Name = "web" }, "cron.web", `a process "web" already`},
		"an environment is in the name": {func(s *paas.Spec) { s.Environment = "staging" }, "app", "must end in -staging"},
		"a fragment is an object":       {func(s *paas.Spec) { s.Processes[0].NomadGroup = paas.Fragment(`[]`) }, "process.web.nomad.group", "not a JSON object"},
		"a fragment is one":             {func(s *paas.Spec) { s.Processes[0].NomadGroup = paas.Fragment(`{} {}`) }, "process.web.nomad.group", "not a JSON object"},
		"a fragment has Nomad's fields": {func(s *paas.Spec) { s.Processes[0].NomadTask = paas.Fragment(`{"user":"a"}`) }, "process.web.nomad.task.user", `Did you mean "User"?`},
		"a fragment leaves ours alone":  {func(s *paas.Spec) { s.Tasks[0].NomadTask = paas.Fragment(`{"Services":[]}`) }, "task.migrate.nomad.task.Services", "Crumpet's own"},
		"a duration is a number":        {func(s *paas.Spec) { s.Tasks[0].NomadTask = paas.Fragment(`{"KillTimeout":"5s"}`) }, "task.migrate.nomad.task", "Nomad can't read"},
		"a number fits":                 {func(s *paas.Spec) { s.Tasks[0].NomadTask = paas.Fragment(`{"Resources":{"CPU":1.5}}`) }, "task.migrate.nomad.task.Resources.CPU", "can't be 1.5"},
		"a secret has a file":           {func(s *paas.Spec) { s.Secrets[0].Path = "" }, "secret.TLS_KEY.file", "no file"},
		"a secret's mode is octal":      {func(s *paas.Spec) { s.Secrets[0].Mode = "" }, "secret.TLS_KEY.mode", "not octal"},
		"a secret is a variable":        {func(s *paas.Spec) { s.Secrets[0].Name = "A B" }, "secret.A B", "letters, digits"},
		"a service has an instance":     {func(s *paas.Spec) { s.Services[0].Instance = "" }, "service.db.instance", "is empty"},
		"a service has a plan":          {func(s *paas.Spec) { s.Services[0].Plan = "" }, "service.db.plan", "which plan"},
		"parameters are an object":      {func(s *paas.Spec) { s.Services[0].Parameters = []byte(`[1]`) }, "service.db.parameters", "not a JSON object"},
		"parameters have an end":        {func(s *paas.Spec) { s.Services[0].Parameters = []byte(`{"a":"` + strings.Repeat("b", 40_000) + `"}`) }, "service.db.parameters", "at most 32768"},
		"a binding has a way":           {func(s *paas.Spec) { s.Services[0].Bind.As = "" }, "service.db.bind.as", `"env" or "files"`},
		"a URL has a variable":          {func(s *paas.Spec) { s.Services[0].Bind.Env = "" }, "service.db.bind.env", "which variable"},
		"a binding never restarts":      {func(s *paas.Spec) { s.Services[1].Bind.Change = "restart"; s.Services[1].Bind.Signal = "" }, "service.queue.bind.change", `"noop" or "signal"`},
		"a volume has a size":           {func(s *paas.Spec) { s.Processes[3].Volumes[0].Size = -1 }, "process.store.volume.data.size", "from 1 to"},
		"a volume stops first":          {func(s *paas.Spec) { s.Processes[3].Strategy = paas.Rolling }, "process.store.strategy", "only one instance"},
		"what stops first is said so":   {func(s *paas.Spec) { s.Deploy.Strategy = paas.StopFirst; s.Processes = s.Processes[:1] }, "process.web.strategy", "there too"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := sent(t)
			c.change(&s)
			faults := spec.Validate(s)
			if len(faults) != 1 || faults[0].Location != c.location || !strings.Contains(faults[0].Message, c.want) {
				t.Errorf("got %+v, want one fault at %s with %q", faults, c.location, c.want)
			}
		})
	}
}

func TestAnEnvironmentWithItsOwnStrategyLeavesTheAppsBehind(t *testing.T) {
	t.Parallel()
	src := `app "a" {
  deploy {
    strategy = "canary"
    canary { instances = 3 }
  }
  process "web" {
    command = ["./a"]
    port "http" {}
    route "a.localhost/" {}
  }
  environment "test" {
    deploy { strategy = "rolling" }
  }
}`
	for environment, want := range map[string]paas.CanaryPolicy{
		"":     {Instances: 3, Traffic: []int{5, 25, 50}, Hold: paas.DefaultCanaryHold, Margin: 1},
		"test": {},
	} {
		s, diags := spec.ParseWith([]byte(src), spec.Options{Filename: "crumpet.hcl", Environment: environment})
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		if diff := cmp.Diff(want, s.Deploy.Canary); diff != "" {
			t.Errorf("in the environment %q:\n%s", environment, diff)
		}
	}
}

func TestEqualMeaningGivesEqualSpecs(t *testing.T) {
	t.Parallel()
	plain := parse(t, one(`health {}`))
	for _, lines := range []string{
		"health {}\ndisk = \"300MiB\"", "health {}\nworking_dir = \".\"", "health {\n readiness { http = \"/\" }\n}",
		"health {\n readiness {\n http = \"/\"\n failures = 1\n }\n}", "health {}\nargs = []\nenv = {}\nnomad { task = {} }", "health {}\nkill_signal = \"SIGTERM\"\ncores = 0",
		"health {}\nplacement {}\nrestart {}\nreschedule {}\nlogs {}",
	} {
		if s := parse(t, one(lines)); s.Digest() != plain.Digest() {
			t.Errorf("another digest with %s:\n%s", lines, cmp.Diff(plain, s))
		}
	}
	whole := parse(t, app("process \"web\" {\n command = [\"./a\"]\n port \"http\" { protocol = \"http\" }\n health {}\n}\ndeploy {}\nplacement { pool = \"default\" }\nbuild { dir = \".\" }"))
	whole.App = plain.App
	if whole.Digest() != plain.Digest() {
		t.Errorf("another digest of the app:\n%s", cmp.Diff(plain, whole))
	}
}

func TestTooManyOfAThingAreOneSentence(t *testing.T) {
	t.Parallel()
	many := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	for name, c := range map[string]struct{ src, location, want string }{
		"processes": {app(many(21, "process \"p%d\" { command = [\"a\"] }\n")), "process", `21 of "process" in app; at most 20`},
		"ports":     {one(many(60, "port \"p%d\" {}\n")), "process.web.port", `61 of "port"`},
		"files":     {one(many(101, "file \"f%d\" { content = \"\" }\n")), "process.web.file", `101 of "file"`},
		"words":     {one("args = [" + many(1001, "%d, ") + "]"), "process.web.args", `1001 of "words"`},
	} {
		_, diags := spec.Parse([]byte(c.src), "crumpet.hcl")
		faults := spec.Faults(diags)
		if len(faults) != 1 || faults[0].Location != c.location || !strings.Contains(faults[0].Message, c.want) {
			t.Errorf("%s: got %+v, want one fault at %s with %q", name, faults, c.location, c.want)
		}
	}
	s := sent(t)
	s.Processes[0].Placement.Constraints = make([]paas.Constraint, 101)
	if faults := spec.Validate(s); len(faults) != 1 || faults[0].Location != "process.web.placement" {
		t.Errorf("got %+v, want one fault at process.web.placement", faults)
	}
}

func TestALongValueIsNotReadOutInASentence(t *testing.T) {
	t.Parallel()
	_, diags := spec.Parse([]byte(one("user = \""+strings.Repeat("a b", 10_000)+"\"")), "crumpet.hcl")
	if faults := spec.Faults(diags); len(faults) != 1 || len(faults[0].Message) > 300 || !strings.Contains(faults[0].Message, "such as") {
		t.Errorf("got %+v", faults)
	}
}
