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
// drivers read as an HCL template, and as a variable, from Nomad's env or by a template.
func FuzzTextReachesTheTaskUnchanged(f *testing.F) {
	for _, seed := range []string{
		"", "plain", "${NOMAD_TOKEN}", "$${x}", "$$${", "$", "$$", "%{if}", "%%{", "%", "{{ env }}", "{", "}}", "\"", "\\", "\n\t\x01", "é", "\U0001f95e", "#", " a ",
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
	job := jobspec.Job(jobspec.Input{Slot: paas.Blue, Release: paas.Release{Spec: paas.Spec{
		App: "a",
		Processes: []paas.Process{{
			Name: "web", Ports: []paas.Port{{Name: "http"}},
			Program: paas.Program{Command: []paas.Value{paas.Literal("./a"), v}, Env: map[string]paas.Value{"X": v}},
		}},
	}}})
	task := job.TaskGroups[0].Tasks[0]
	if got := asHCL(t, task.Config["args"].([]any)[0].(string)); got != want {
		t.Errorf("the argument is %q, want %q", got, want)
	}
	env, ok := task.Env["X"]
	if ok {
		env = strings.ReplaceAll(env, "${NOMAD_PORT_http}", "8080")
	} else {
		env = asTemplate(t, *task.Templates[0].EmbeddedTmpl)
	}
	if env != want {
		t.Errorf("the variable is %q, want %q", env, want)
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

// asTemplate renders an environment file of one line; its quoted values are written as JSON's are.
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
	line, found := strings.CutPrefix(strings.TrimSuffix(b.String(), "\n"), "X=")
	if !found || strings.ContainsAny(line, "\n\r") {
		t.Fatalf("the file is %q", b.String())
	}
	var value string
	if err := json.Unmarshal([]byte(line), &value); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return value
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
