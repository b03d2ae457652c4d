package jobspec_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/consul-template/config"
	"github.com/hashicorp/consul-template/manager"
	"github.com/hashicorp/go-envparse"
	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/jobspec"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// awkward are values that a template, an environment file, JSON, a URL or a shell could change.
var awkward = map[string]string{
	"EMPTY": "", "PLAIN": "plain", "SPACES": "  two  spaces ", "LINES": "a\nb\r\nc\n", "TAB": "\ta\t", "QUOTES": `"a" 'b' ` + "`c`",
	"BACKSLASH": `\n \" \\ \u0041 C:\x`, "DOLLAR": "$HOME ${HOME} ${NOMAD_TOKEN} $$", "BRACES": "{{ env \"HOME\" }} }} {{ {{{", "HTML": "<a href='x'>&amp;</a>",
	"UNICODE": "é ☃ 😀 \u2028\u2029 \ufeff \u00a0", "CONTROL": "\x01\b\f\x1b[0m\x7f", "HASH": "a # b", "EQUALS": "a=b=c", "JSON": `{"a":"b\n"}`,
	"PEM": "-----BEGIN KEY-----\nMIIB+/=\n-----END KEY-----\n", "PERCENT": "%s %d %% %2B", "LONG": strings.Repeat("x", 65_000), "NULLISH": "<no value>",
}

// stack stands for Vault and for Nomad's variables, as far as templates ask them.
type stack struct {
	kv        map[string]map[string]string // by path and version: apps/x/y/config?version=1
	creds     map[string]map[string]string // by role
	variables map[string]map[string]string // by path

	mu    sync.Mutex
	asked map[string]int // by role
}

func (s *stack) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	answer := func(v any) { _ = json.NewEncoder(w).Encode(v) } // whoever asks has gone
	switch {
	case strings.HasPrefix(path, "/v1/crumpet/data/"):
		name := strings.TrimPrefix(path, "/v1/crumpet/data/") + "?" + r.URL.RawQuery
		if data, ok := s.kv[name]; ok {
			answer(map[string]any{"data": map[string]any{"data": data, "metadata": map[string]any{"version": 1}}})
			return
		}
	case strings.HasPrefix(path, "/v1/database/creds/"):
		role := strings.TrimPrefix(path, "/v1/database/creds/")
		if data, ok := s.creds[role]; ok {
			s.mu.Lock()
			s.asked[role]++
			s.mu.Unlock()
			answer(map[string]any{"lease_id": "l", "lease_duration": 3600, "renewable": true, "data": data})
			return
		}
	case path == "/v1/sys/leases/renew":
		answer(map[string]any{"lease_id": "l", "lease_duration": 3600, "renewable": true})
		return
	case strings.HasPrefix(path, "/v1/var/"):
		if items, ok := s.variables[strings.TrimPrefix(path, "/v1/var/")]; ok {
			w.Header().Set("X-Nomad-Index", "1")
			answer(nomadapi.Variable{Namespace: "default", Path: strings.TrimPrefix(path, "/v1/var/"), Items: items})
			return
		}
	}
	http.Error(w, `{"errors":[]}`, http.StatusNotFound)
}

// task is what a program finds: its variables that come from templates, and the files of its secrets.
type task struct{ env, files map[string]string }

// render has consul-template, the library Nomad uses, render the templates of a task, and reads the
// variables with the library Nomad uses.
func (s *stack) render(t *testing.T, of *nomadapi.Task) task {
	t.Helper()
	s.asked = map[string]int{}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	dir := t.TempDir()
	conf := config.DefaultConfig()
	templates := config.TemplateConfigs{}
	for _, tmpl := range of.Templates {
		c := config.DefaultTemplateConfig()
		c.Contents, c.Destination = tmpl.EmbeddedTmpl, new(filepath.Join(dir, *tmpl.DestPath))
		c.Finalize()
		templates = append(templates, c)
	}
	conf.Templates, conf.Once = &templates, once(of)
	conf.Vault.Address, conf.Vault.Token, conf.Vault.RenewToken = &server.URL, new("t"), new(false)
	conf.Nomad.Address, conf.Nomad.Namespace = &server.URL, new("default")
	conf.Finalize()
	runner, err := manager.NewRunner(conf, false)
	if err != nil {
		t.Fatal(err)
	}
	defer runner.Stop()
	go runner.Start()
	for end := time.Now().Add(time.Minute); !rendered(dir, of, runner); time.Sleep(5 * time.Millisecond) {
		select {
		case err := <-runner.ErrCh:
			t.Fatal(err)
		default:
		}
		if time.Now().After(end) {
			t.Fatal("templates were not rendered within a minute")
		}
	}
	found := task{env: map[string]string{}, files: map[string]string{}}
	for _, tmpl := range of.Templates {
		text, err := os.ReadFile(filepath.Join(dir, *tmpl.DestPath))
		if err != nil {
			t.Fatal(err)
		}
		if tmpl.Envvars == nil || !*tmpl.Envvars {
			found.files[strings.TrimPrefix(*tmpl.DestPath, "secrets/")] = string(text)
			continue
		}
		vars, err := envparse.Parse(strings.NewReader(string(text)))
		if err != nil {
			t.Fatalf("Nomad can't read %s: %v", *tmpl.DestPath, err)
		}
		maps.Copy(found.env, vars)
	}
	return found
}

func once(of *nomadapi.Task) bool {
	return len(of.Templates) > 0 && of.Templates[0].Once != nil && *of.Templates[0].Once
}

// rendered says that consul-template is done, as far as it ever is.
func rendered(dir string, of *nomadapi.Task, runner *manager.Runner) bool {
	if once(of) {
		select {
		case <-runner.DoneCh:
			return true
		default:
			return false
		}
	}
	return !slices.ContainsFunc(of.Templates, func(tmpl *nomadapi.Template) bool {
		_, err := os.Stat(filepath.Join(dir, *tmpl.DestPath))
		return err != nil
	})
}

func first(job *nomadapi.Job) *nomadapi.Task { return job.TaskGroups[0].Tasks[0] }

func TestEveryValueOfTheConfigurationReachesTheProgramUnchanged(t *testing.T) {
	t.Parallel()
	in := rendering(full())
	in.Vault = jobspec.Vault{KV: "crumpet", Database: "database", Audience: "vault.io"}
	in.Release.Config = 7
	values := maps.Clone(awkward)
	values["OWN"] = "by hand" // over that of the spec
	values["A_FILE"], values["B_FILE"] = awkward["PEM"], strings.Repeat("line \"1\"\n", 8_000)
	in.Release.Spec.Secrets = []paas.SecretFile{{Name: "A_FILE", Path: "a/key.pem", Mode: "0444"}, {Name: "B_FILE", Path: "b", Mode: "0444"}, {Name: "NOT_THERE", Path: "c", Mode: "0444"}}
	in.Release.Spec.Processes[0].Files = []paas.ConfigFile{{Path: "one", Content: paas.Literal("same"), Mode: "0644"}, {Path: "two", Content: paas.Literal("same"), Mode: "0644"}}
	in.Release.Spec.Processes[0].Env["OWN"] = paas.Literal("${of the spec}")
	s := &stack{kv: map[string]map[string]string{
		"apps/default/shop/config?version=7": values,
		"apps/default/shop/config?version=8": {"OWN": "of another version"},
	}}
	task := first(jobspec.Job(in))
	for _, tmpl := range task.Templates {
		if tmpl.Once == nil || !*tmpl.Once {
			t.Errorf("%s is watched, though nothing of it changes", *tmpl.DestPath)
		}
	}
	got := s.render(t, task)

	want := maps.Clone(values)
	delete(want, "A_FILE")
	delete(want, "B_FILE")
	if diff := cmp.Diff(want, got.env); diff != "" {
		t.Errorf("the program sees other variables:\n%s", diff)
	}
	for path, value := range map[string]string{"a/key.pem": values["A_FILE"], "b": values["B_FILE"], "c": "", "local/one": "same", "local/two": "same"} {
		if got.files[path] != value {
			t.Errorf("the file %s is %q, want %q", path, got.files[path], value)
		}
	}
}

// What is called too long must be, and what is not must reach the program.
func TestAVariableFitsExactlyWhenNomadCanReadIt(t *testing.T) {
	t.Parallel()
	for name, unit := range map[string]string{"letters": "x", "quotes": `"`, "controls": "\x01", "lines": "\n", "separators": "\u2028", "runes": "😀"} {
		least, most := 0, paas.MaxVariable
		for least+1 < most { // the longest that fits
			if n := (least + most) / 2; paas.FitsVariable("K", strings.Repeat(unit, n)) {
				least = n
			} else {
				most = n
			}
		}
		for n, fits := range map[int]bool{least: true, most: false} {
			line, err := json.Marshal(strings.Repeat(unit, n))
			if err != nil {
				t.Fatal(err)
			}
			if vars, err := envparse.Parse(strings.NewReader("K=" + string(line) + "\n")); (err == nil) != fits {
				t.Errorf("%d %s: fits is %t, and Nomad says %v of %d variables", n, name, fits, err, len(vars))
			}
		}
	}
}

const postgresFacts = `"facts":{"host":"db.example.com","port":"5432","database":"a b/c?%41","sslmode":"verify-full"}`

func binding(t *testing.T, text string) paas.Binding {
	t.Helper()
	b := paas.Binding{ID: "b-1", Team: "default", App: "shop", State: paas.BindingReady, Generation: 3}
	if err := json.Unmarshal([]byte(text), &b); err != nil {
		t.Fatal(err)
	}
	return b
}

func bound(bindings ...paas.Binding) jobspec.Input {
	in := rendering(full())
	in.Vault = jobspec.Vault{KV: "crumpet", Database: "database", Audience: "vault.io"}
	in.Bindings = bindings
	return in
}

func TestADatabaseIsFoundByItsURLWhateverItsPasswordIs(t *testing.T) {
	t.Parallel()
	for _, as := range []string{`"bind":{"as":"env","env":"DATABASE_URL","vcap":true}`, `"bind":{"as":"files","change":"noop"}`} {
		in := bound(binding(t, `{"name":"db-1","instance":"x","kind":"postgres","label":"postgres","tags":["it's"],`+as+
			`,"entries":{"type":"postgresql","provider":"{{ pg }}",`+postgresFacts+`,"keys":["password","username"]}}`))
		creds := map[string]string{"username": `v-us er/1"+'{`, "password": `p@:/?#[]%20+ &='"\{{é`}
		s := &stack{creds: map[string]map[string]string{"crumpet-default--shop--db-1--3": creds}, variables: map[string]map[string]string{"nomad/jobs": {"shop--db-1": "3"}}}
		got := s.render(t, first(jobspec.Job(in)))

		urls := []string{got.files["bindings/db-1/uri"]}
		if in.Bindings[0].Bind.As == paas.AsEnv {
			vcap := services(t, got.env["VCAP_SERVICES"])
			credentials := vcap["postgres"][0]["credentials"].(map[string]any)
			if credentials["password"] != creds["password"] || credentials["username"] != creds["username"] || credentials["name"] != "a b/c?%41" {
				t.Errorf("VCAP_SERVICES has %v", credentials)
			}
			urls = append(urls, got.env["DATABASE_URL"], credentials["uri"].(string))
		} else if len(got.env) > 0 {
			t.Errorf("a binding of files only set %v", got.env)
		}
		for _, text := range urls {
			u, err := url.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			password, _ := u.User.Password()
			if u.User.Username() != creds["username"] || password != creds["password"] || u.Host != "db.example.com:5432" || u.Path != "/a b/c?%41" || u.Query().Get("sslmode") != "verify-full" {
				t.Errorf("the URL %q means user %q, password %q, host %q, database %q", text, u.User.Username(), password, u.Host, u.Path)
			}
		}
		want := map[string]string{
			"type": "postgresql", "provider": "{{ pg }}", "host": "db.example.com", "port": "5432", "database": "a b/c?%41", "sslmode": "verify-full",
			"username": creds["username"], "password": creds["password"], "uri": urls[0],
		}
		if diff := cmp.Diff(want, below(got.files, "bindings/db-1/")); diff != "" {
			t.Errorf("SERVICE_BINDING_ROOT holds:\n%s", diff)
		}
		s.mu.Lock()
		if leases := s.asked["crumpet-default--shop--db-1--3"]; leases != 1 {
			t.Errorf("the templates of one task took %d leases", leases)
		}
		s.mu.Unlock()
	}
}

func below(files map[string]string, dir string) map[string]string {
	some := map[string]string{}
	for path, text := range files {
		if name, ok := strings.CutPrefix(path, dir); ok {
			some[name] = text
		}
	}
	return some
}

func services(t *testing.T, text string) map[string][]map[string]any {
	t.Helper()
	var all map[string][]map[string]any
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		t.Fatalf("VCAP_SERVICES is %s: %v", text, err)
	}
	return all
}

// Cloud Foundry's libraries find a service by any of these fields.
func TestVCAPServicesHasTheShapeOfCloudFoundry(t *testing.T) {
	t.Parallel()
	const entries = `"entries":{"type":"t","provider":"p","keys":["a b","uri","{{it's}}"],"url":"uri"}`
	in := bound(
		binding(t, `{"name":"mail","instance":"shop-mail","kind":"broker","label":"smtp's {{ $x }}","plan":"${big}","tags":["a'b","{{"],"bind":{"as":"env","env":"MAIL_URL","vcap":true},`+entries+`}`),
		binding(t, `{"name":"by-hand","instance":"other","kind":"user","bind":{"as":"env","env":"HAND_URL","vcap":true},`+entries+`}`),
		binding(t, `{"name":"quiet","instance":"quiet","kind":"user","bind":{"as":"env","env":"QUIET_URL"},`+entries+`}`),
	)
	credentials := "{\n\t\"port\": 12345678901234567890, \"a\": \"it's <b> \\u00e9 {{ x }} ${y} \\n\", \"nested\": {\"x\": [true, null]}\r\n}"
	keys := map[string]string{"a b": awkward["QUOTES"] + awkward["LINES"], "uri": "smtp://x?a=1&b='2'", "{{it's}}": awkward["BRACES"]}
	whole := maps.Clone(keys)
	whole[paas.CredentialsKey] = credentials
	s := &stack{kv: map[string]map[string]string{
		"apps/default/shop/bindings/mail?version=3": whole, "apps/default/shop/bindings/by-hand?version=3": keys, "apps/default/shop/bindings/quiet?version=3": keys,
	}}
	of := first(jobspec.Job(in))
	got := s.render(t, of)

	var want any
	if err := json.Unmarshal([]byte(credentials), &want); err != nil {
		t.Fatal(err)
	}
	entry := func(name, instance, label string, plan any, tags []any, credentials any) []map[string]any {
		return []map[string]any{{
			"name": name, "binding_guid": "b-1", "binding_name": name, "instance_name": instance, "label": label, "plan": plan, "tags": tags,
			"credentials": credentials, "syslog_drain_url": nil, "volume_mounts": []any{},
		}}
	}
	texts := map[string]any{}
	for name, value := range keys {
		texts[name] = value
	}
	if diff := cmp.Diff(map[string][]map[string]any{
		"smtp's {{ $x }}": entry("mail", "shop-mail", "smtp's {{ $x }}", "${big}", []any{"a'b", "{{"}, want),
		"user-provided":   entry("by-hand", "other", "user-provided", nil, []any{}, texts),
	}, services(t, got.env["VCAP_SERVICES"])); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(got.env["VCAP_SERVICES"], "12345678901234567890") {
		t.Errorf("a number changed: %s", got.env["VCAP_SERVICES"])
	}
	for _, name := range []string{"MAIL_URL", "HAND_URL", "QUIET_URL"} {
		if got.env[name] != keys["uri"] {
			t.Errorf("%s is %q", name, got.env[name])
		}
	}
	if got := below(got.files, "bindings/mail/"); len(got) != 3 || got["uri"] != keys["uri"] {
		t.Errorf("keys that no file can be called are files: %v", got)
	}
	var application map[string]any
	if err := json.Unmarshal([]byte(of.Env["VCAP_APPLICATION"]), &application); err != nil || application["application_name"] != "shop" || application["space_name"] != "default" || fmt.Sprint(application["uris"]) != "[shop.example.com]" {
		t.Errorf("VCAP_APPLICATION is %s: %v", of.Env["VCAP_APPLICATION"], err)
	}
}
