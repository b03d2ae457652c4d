package jobspec_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	nomadapi "github.com/hashicorp/nomad/api"
	"pgregory.net/rapid"

	"github.com/crumpet-paas/crumpet/server/jobspec"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/spec"
)

// What a tenant writes stays in the names that are its app's: every text of a spec, in every place, is replaced
// by one that would lead elsewhere if it were taken for a name, a path, a host, a template or a reference. What
// the spec's rules and the operator's policy let through must come out as jobs of that team, app and nothing
// else.
func TestTenantsStayInTheirOwnNames(t *testing.T) {
	t.Parallel()
	bases := tenantSpecs(t)
	passed := 0
	rapid.Check(t, func(t *rapid.T) {
		s := *rapid.SampledFrom(bases).Draw(t, "spec")
		s = hostile(t, s)
		parsed, diags := spec.Parse(spec.Print(s), "crumpet.hcl")
		if diags.HasErrors() {
			return
		}
		if len(jobspec.Forbidden(*parsed, nil)) > 0 {
			return
		}
		in := rendering(parsed.WithDefaultRoute("localhost"))
		in.Release.Team = "mine"
		for _, in := range []jobspec.Input{in, furnished(in)} {
			for _, job := range all(in) {
				staysHome(t, in, job)
			}
		}
		passed++
	})
	if passed < 5 {
		t.Errorf("%d specs with a hostile text became jobs: this test tests nothing", passed)
	}
}

// tenantSpecs are the reference and the goldens, without what only an operator's policy lets through.
func tenantSpecs(t *testing.T) []*paas.Spec {
	t.Helper()
	files, err := filepath.Glob("testdata/*.hcltest")
	if err != nil || len(files) == 0 {
		t.Fatalf("no goldens: %v", err)
	}
	sources := []string{spec.Reference}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		src, _, _ := strings.Cut(string(text), "----\n")
		sources = append(sources, src)
	}
	var list []*paas.Spec
	for _, src := range sources {
		s, diags := spec.Parse([]byte(src), "crumpet.hcl")
		if diags.HasErrors() {
			continue
		}
		for i := range s.Processes {
			p := &s.Processes[i]
			p.NomadGroup, p.NomadTask = nil, nil
			for j := range p.Sidecars {
				p.Sidecars[j].NomadTask = nil
			}
		}
		for i := range s.Tasks {
			s.Tasks[i].NomadTask = nil
		}
		for i := range s.Crons {
			s.Crons[i].NomadTask = nil
		}
		list = append(list, s)
	}
	if len(list) < 3 {
		t.Fatalf("%d specs to begin with", len(list))
	}
	return list
}

var traps = []string{
	"theirs", "theirs/shop", "../theirs", "../../../../etc/shadow", "/etc/shadow", "/", "..", "a--b", "theirs--shop--web--blue", "shop.blue", "*", "theirs.green",
	"${NOMAD_TOKEN}", "${attr.unique.hostname}", `{{ key "theirs" }}`, `{{ file "/etc/shadow" }}`, `{{ secret "crumpet/data/apps/theirs/shop" }}`,
	`{{ nomadVar "nomad/jobs@theirs" }}`, `{{ range services }}{{ .Name }}{{ end }}`, `{{ sprig_env "VAULT_TOKEN" }}`, `{{ define "x" }}{{ plugin "/bin/sh" }}{{ end }}{{ template "x" }}`,
	`"}} {{ key "theirs" }}`, "//10.0.0.1:4646/v1/jobs", "http://10.0.0.1/", "@10.0.0.1/", "10.0.0.1:4646", "x.invalid", "urlprefix-theirs.example.com/", "theirs.example.com", "*.com",
	"crumpet.invalid", "raw_exec", "docker", "host", "root", "x\nroute add theirs theirs.example.com/ http://10.0.0.1/", "x\x00y", "x\r\nHost: theirs", "%2e%2e%2ftheirs", "é", "",
}

// hostile replaces one to three of the texts of a spec, wherever they stand.
func hostile(t *rapid.T, s paas.Spec) paas.Spec {
	copied := deep(reflect.ValueOf(s)).Interface().(paas.Spec) //nolint:forcetypeassert // it was one
	var places []func(string)
	texts(reflect.ValueOf(&copied).Elem(), func(set func(string)) { places = append(places, set) })
	for range rapid.IntRange(1, 3).Draw(t, "texts") {
		at := rapid.IntRange(0, len(places)-1).Draw(t, "place")
		places[at](rapid.SampledFrom(traps).Draw(t, "trap"))
	}
	return copied
}

// texts calls for every text in a value, and every name of a map, with what replaces it.
func texts(v reflect.Value, call func(set func(string))) {
	switch v.Kind() { //nolint:exhaustive // the others hold no text
	case reflect.String:
		call(func(text string) { v.SetString(text) })
	case reflect.Pointer:
		if !v.IsNil() {
			texts(v.Elem(), call)
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return
		}
		for i := range v.Len() {
			texts(v.Index(i), call)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				texts(v.Field(i), call)
			}
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			call(func(text string) {
				value := v.MapIndex(key)
				v.SetMapIndex(key, reflect.Value{})
				v.SetMapIndex(reflect.ValueOf(text).Convert(key.Type()), value)
			})
			if value := v.MapIndex(key); value.Kind() == reflect.Slice { // the parts of a value: shared, and so can be set
				texts(value, call)
			}
		}
	}
}

// deep copies a value, so that what is changed in one is not changed in the other.
func deep(v reflect.Value) reflect.Value {
	copied := reflect.New(v.Type()).Elem()
	switch v.Kind() { //nolint:exhaustive // the others are copied by their value
	case reflect.Pointer:
		if v.IsNil() {
			return copied
		}
		copied.Set(reflect.New(v.Type().Elem()))
		copied.Elem().Set(deep(v.Elem()))
	case reflect.Slice:
		if v.IsNil() {
			return copied
		}
		copied.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
		for i := range v.Len() {
			copied.Index(i).Set(deep(v.Index(i)))
		}
	case reflect.Map:
		if v.IsNil() {
			return copied
		}
		copied.Set(reflect.MakeMap(v.Type()))
		for _, key := range v.MapKeys() {
			copied.SetMapIndex(key, deep(v.MapIndex(key)))
		}
	case reflect.Struct:
		copied.Set(v)
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				copied.Field(i).Set(deep(v.Field(i)))
			}
		}
	default:
		copied.Set(v)
	}
	return copied
}

// staysHome demands of a job that it names nothing but its app's.
func staysHome(t *rapid.T, in jobspec.Input, job *nomadapi.Job) {
	team, app := in.Release.Team, in.Release.App
	bad := func(format string, args ...any) { t.Errorf("job %s: "+format, append([]any{*job.ID}, args...)...) }
	owner, _, slotted := paas.ParseJobID(*job.ID)
	side, beside := paas.ParseSideJob(*job.ID)
	if *job.Namespace != team || slotted && owner != app || beside && side.App != app || slotted == beside {
		bad("namespace %s", *job.Namespace)
	}
	if job.Region != nil || job.Multiregion != nil || job.ParameterizedJob != nil || job.Reschedule != nil || job.Priority != nil {
		bad("has what Crumpet never gives a job")
	}
	hosts := map[string]bool{}
	for _, r := range in.Release.Spec.Routes() {
		if problem := paas.CheckRoute(r); problem != "" {
			bad("%s", problem)
		}
		for _, tag := range r.Tags(in.RouterPort) {
			hosts[tag] = true
		}
	}
	for _, g := range job.TaskGroups {
		if g.Consul != nil || g.Scaling != nil {
			bad("group %s has what Crumpet never gives one", *g.Name)
		}
		for _, n := range g.Networks {
			if n.Mode != "host" || len(n.ReservedPorts) > 0 || n.CNI != nil || n.DNS != nil || slices.ContainsFunc(n.DynamicPorts, func(p nomadapi.Port) bool { return p.HostNetwork != "" || p.Value != 0 }) {
				bad("network %+v", n)
			}
		}
		for _, s := range g.Services {
			servesHome(bad, in, s, hosts)
		}
		for name, v := range g.Volumes {
			if v.Type != "host" || !v.PerAlloc || v.Source != paas.VolumeSource(app, *g.Name, name) {
				bad("volume %+v", *v)
			}
			if own, ok := paas.ParseVolume(team, v.Source+"[0]"); !ok || own.App != app || own.Process != *g.Name {
				bad("volume %s", v.Source)
			}
		}
		for _, task := range g.Tasks {
			runsHome(bad, in, task)
		}
	}
}

func servesHome(bad func(string, ...any), in jobspec.Input, s *nomadapi.Service, hosts map[string]bool) {
	name, ok := paas.ParseService(s.Name)
	if !ok || name.Team != in.Release.Team || name.App != in.Release.App || s.Provider != nomadapi.ServiceProviderConsul ||
		s.Connect != nil || s.Identity != nil || s.Cluster != "" || s.Address != "" || s.TaggedAddresses != nil || len(s.CanaryTags) > 0 || s.AddressMode != "host" {
		bad("service %+v", *s)
	}
	for _, tag := range s.Tags {
		if !hosts[tag] || strings.ContainsAny(tag, " \n\r\t\"") {
			bad("tag %q is no route of the app", tag)
		}
	}
	for _, c := range s.Checks {
		if strings.HasPrefix(c.Path, "//") || strings.Contains(c.Path, "://") && !strings.HasPrefix(c.Path, "/") || strings.ContainsAny(c.Path, "\n\r ") || c.Expose || len(c.Header) > 0 || c.AddressMode != "" && c.AddressMode != "host" {
			bad("check %+v", c)
		}
	}
}

// secretPath finds the paths that a template reads in Vault.
var secretPath = regexp.MustCompile(`secret (?:\(printf )?"([^"]*)"`)

func runsHome(bad func(string, ...any), in jobspec.Input, task *nomadapi.Task) {
	if task.Driver != in.Driver || task.Consul != nil || task.Kind != "" || task.CSIPluginConfig != nil || len(task.Identities) > 1 || task.Identity != nil || task.DispatchPayload != nil || len(task.Services) > 0 {
		bad("task %s has what Crumpet never gives one", task.Name)
	}
	for key, value := range task.Config {
		if !slices.Contains([]string{"command", "args", "work_dir"}, key) {
			bad("task %s has %s = %v", task.Name, key, value)
		}
	}
	if dir := fmt.Sprint(task.Config["work_dir"]); !strings.HasPrefix(dir, "${NOMAD_TASK_DIR}") || slices.Contains(strings.Split(dir, "/"), "..") {
		bad("task %s works in %s", task.Name, dir)
	}
	for _, a := range task.Artifacts {
		if !strings.HasPrefix(*a.GetterSource, "http://127.0.0.1:4780/") || slices.Contains(strings.Split(*a.RelativeDest, "/"), "..") || strings.HasPrefix(*a.RelativeDest, "/") {
			bad("artifact %s to %s", *a.GetterSource, *a.RelativeDest)
		}
	}
	for _, m := range task.VolumeMounts {
		if slices.Contains(strings.Split(*m.Destination, "/"), "..") {
			bad("volume at %s", *m.Destination)
		}
	}
	ref := in.Release.Ref()
	if task.Vault != nil && (task.Vault.Role != paas.VaultRole(ref) || task.Vault.Namespace != nil && *task.Vault.Namespace != "" || len(task.Vault.Policies) > 0 || task.Vault.Cluster != "") {
		bad("task %s has Vault %+v", task.Name, *task.Vault)
	}
	for _, tmpl := range task.Templates {
		dest := *tmpl.DestPath
		below := strings.HasPrefix(dest, "local/") || strings.HasPrefix(dest, "secrets/") || strings.HasPrefix(dest, "${NOMAD_SECRETS_DIR}/")
		if tmpl.SourcePath != nil && *tmpl.SourcePath != "" || !below || slices.Contains(strings.Split(dest, "/"), "..") || tmpl.LeftDelim != nil || tmpl.ChangeScript != nil {
			bad("template to %s", dest)
		}
		for _, name := range jobspec.Calls(*tmpl.EmbeddedTmpl) {
			switch name {
			case "secret":
				for _, found := range secretPath.FindAllStringSubmatch(*tmpl.EmbeddedTmpl, -1) {
					if !ownPath(in, found[1]) {
						bad("template to %s reads %s", dest, found[1])
					}
				}
			case "nomadVar":
				if !strings.Contains(*tmpl.EmbeddedTmpl, fmt.Sprintf("nomadVar %q", paas.GenerationsVariable)) || strings.Count(*tmpl.EmbeddedTmpl, "nomadVar") != 1 {
					bad("template to %s: %s", dest, *tmpl.EmbeddedTmpl)
				}
			default:
				bad("template to %s calls %s: %s", dest, name, *tmpl.EmbeddedTmpl)
			}
		}
	}
}

// ownPath says that a path in Vault is the app's: of its configuration, or of a binding's credentials.
func ownPath(in jobspec.Input, path string) bool {
	ref := in.Release.Ref()
	rest, isData := strings.CutPrefix(path, in.Vault.KV+"/data/")
	role, isRole := strings.CutPrefix(path, in.Vault.Database+"/creds/")
	switch {
	case strings.Contains(path, ".."):
		return false
	case isData:
		return strings.HasPrefix(rest, paas.ConfigPath(ref)) || strings.HasPrefix(rest, paas.BindingPath(ref, ""))
	case isRole:
		return strings.HasPrefix(role, paas.VaultRole(ref)+"--")
	}
	return false
}

// A function of a template that reaches past the app takes the operator's leave, wherever it hides.
func TestTenantsTemplatesCallNothingButTheHarmless(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"plain": "",
		`{{ env "HOME" | toUpper }}{{ if eq 1 2 }}{{ range split "," "a,b" }}{{ . }}{{ end }}{{ end }}`: "",
		`{{ key "x" }}`: "key",
		`{{ with secret "x" }}{{ .Data.password }}{{ end }}`:          "secret",
		`{{ range $i, $s := service "x" }}{{ $s.Address }}{{ end }}`:  "service",
		`{{ if (and true (keyExists "a")) }}{{ end }}`:                "keyExists",
		`{{ define "a" }}{{ file "/etc/passwd" }}{{ end }}`:           "file",
		`{{ $x := "a" | printf "%s" | nomadVar }}{{ $x }}`:            "nomadVar",
		`{{ block "b" . }}{{ plugin "/bin/sh" }}{{ end }}`:            "plugin",
		`{{ template "b" (ls "x") }}{{ define "b" }}{{ end }}`:        "ls",
		`{{ if false }}a{{ else if tree "x" }}b{{ end }}`:             "tree",
		`{{ (index (nodes) 0).Address }}`:                             "nodes",
		`{{ range services }}{{ else }}{{ sprig_env "A" }}{{ end }}`:  "services sprig_env",
		`{{ writeToFile "/etc/x" "" "" "" "x" }}`:                     "writeToFile",
		`{{ with $d := (mustEnv "A") }}{{ whatNomadGains }}{{ end }}`: "whatNomadGains",
	} {
		if got := strings.Join(jobspec.Calls(text), " "); got != want {
			t.Errorf("%s calls %q, want %q", text, got, want)
		}
	}
	s := paas.Spec{App: "a", Crons: []paas.Cron{{Name: "c", Program: paas.Program{Files: []paas.ConfigFile{{Path: "x", Template: `{{ key "k" }}{{ nodes }}`}}}}}}
	for allowed, want := range map[string]int{"": 2, "template.key": 1, "task.*": 2, "template.*": 0, "*": 0} {
		faults := jobspec.Forbidden(s, []string{allowed})
		if len(faults) != want || want > 0 && faults[0].Location != "cron.c.file.x.template" {
			t.Errorf("allowing %q: %+v, want %d faults", allowed, faults, want)
		}
	}
}
