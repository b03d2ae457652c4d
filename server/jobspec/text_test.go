package jobspec_test

import (
	"encoding/json"
	"strings"
	"testing"
	"text/template"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/crumpet-paas/crumpet/server/jobspec"
	"github.com/crumpet-paas/crumpet/server/paas"
)

var port = paas.Part{Ref: &paas.Ref{Kind: paas.RefPort, Name: "http"}}

// Whatever text stands around a reference, the task gets exactly that text: as an argument, which
// drivers read as an HCL template, as a variable, from Nomad's env or by a template, and in a file.
func FuzzTextReachesTheTaskUnchanged(f *testing.F) {
	for _, seed := range []string{
		"", "plain", "${NOMAD_TOKEN}", "$${x}", "$$${", "$", "$$", "%{if}", "%%{", "%", "{{ env }}", "{", "{{", "{{{", "{{-", "{{/* */}}", "}}", "\"", "\\", "\n\t\x01", "é", "\U0001f95e", "#", " a ", "\ufeffb",
	} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, before, after string) {
		if !utf8.ValidString(before) || !utf8.ValidString(after) || strings.ContainsRune(before+after, 0) {
			return // spec admits neither
		}
		// As spec gives it: HCL brings all text into Unicode's normal form.
		before, after = cty.StringVal(before).AsString(), cty.StringVal(after).AsString()
		reaches(t, paas.Value{{Text: before}, port, {Text: after}}, before+"8080"+after)
		reaches(t, paas.Value{port, {Text: before}, {Text: "$"}, {Text: "{X}"}, {Text: after}}, "8080"+before+"${X}"+after)
	})
}

func reaches(t *testing.T, v paas.Value, want string) {
	t.Helper()
	program := paas.Program{
		Command: []paas.Value{paas.Literal("./a"), v}, Env: map[string]paas.Value{"X": v},
		Files: []paas.ConfigFile{{Path: "x", Content: v, Mode: "0600", Change: paas.ChangeNoop}},
	}
	in := jobspec.Input{Slot: paas.Blue, Release: paas.Release{Spec: paas.Spec{
		App: "a",
		Processes: []paas.Process{{
			Name: "web", Ports: []paas.Port{{Name: "http"}}, Program: program,
			Sidecars: []paas.Sidecar{{Name: "side", Program: program}},
		}},
	}}}
	tasks := jobspec.Job(in).TaskGroups[0].Tasks
	tasks = append(tasks, jobspec.TaskJob(in, paas.Task{Name: "once", Program: program}, paas.SideJob{}).TaskGroups[0].Tasks...)
	tasks = append(tasks, jobspec.CronJob(in, paas.Cron{Name: "often", Program: program}).TaskGroups[0].Tasks...)
	if len(tasks) != 4 {
		t.Fatalf("there are %d tasks", len(tasks))
	}
	for _, task := range tasks {
		if got := asHCL(t, task.Config["args"].([]any)[0].(string)); got != want {
			t.Errorf("the argument of %s is %q, want %q", task.Name, got, want)
		}
		env, ok := task.Env["X"]
		if ok {
			env = strings.ReplaceAll(env, "${NOMAD_PORT_http}", "8080")
		} else {
			env = asVariable(t, *task.Templates[0].EmbeddedTmpl)
		}
		if env != want {
			t.Errorf("the variable of %s is %q, want %q", task.Name, env, want)
		}
		file := task.Templates[len(task.Templates)-1]
		if got := asTemplate(t, *file.EmbeddedTmpl); *file.DestPath != "local/x" || got != want {
			t.Errorf("the file %s of %s is %q, want %q", *file.DestPath, task.Name, got, want)
		}
	}
}

func asHCL(t *testing.T, text string) string {
	t.Helper()
	e, diags := hclsyntax.ParseTemplate([]byte(text), "", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	v, diags := e.Value(&hcl.EvalContext{Variables: map[string]cty.Value{"NOMAD_PORT_http": cty.StringVal("8080")}})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return v.AsString()
}

// asVariable reads an environment file of one line; its quoted values are written as JSON's are.
func asVariable(t *testing.T, text string) string {
	t.Helper()
	file := asTemplate(t, text)
	line, found := strings.CutPrefix(strings.TrimSuffix(file, "\n"), "X=")
	if !found || strings.ContainsAny(line, "\n\r") {
		t.Fatalf("the file is %q", file)
	}
	var value string
	if err := json.Unmarshal([]byte(line), &value); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return value
}

func asTemplate(t *testing.T, text string) string {
	t.Helper()
	tmpl, err := template.New("").Funcs(template.FuncMap{"env": func(name string) string {
		return map[string]string{"NOMAD_PORT_http": "8080"}[name]
	}}).Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := tmpl.Execute(&b, nil); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestJoinedNamesStayLabels(t *testing.T) {
	t.Parallel()
	s := paas.Service{
		Team: strings.Repeat("t", paas.MaxTeam), App: strings.Repeat("a", paas.MaxApp),
		Process: strings.Repeat("p", paas.MaxProcess), Slot: paas.Green,
	}
	if n := len(s.String()); n > 63 {
		t.Errorf("the longest service name has %d characters; Consul takes 63", n)
	}
}
