package integration_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// mirror is a web app that tells its arguments, its environment and its files.
const mirror = `package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		env, files := map[string]string{}, map[string]string{}
		for _, line := range os.Environ() {
			if name, value, _ := strings.Cut(line, "="); strings.HasPrefix(name, "V_") {
				env[name] = value
			}
		}
		found, _ := filepath.Glob("conf/*")
		for _, name := range found {
			text, _ := os.ReadFile(name)
			files[name] = string(text)
		}
		json.NewEncoder(w).Encode(map[string]any{"args": os.Args[1:], "env": env, "files": files, "port": os.Getenv("PORT")})
	})
	http.ListenAndServe(os.Getenv("HOST")+":"+os.Getenv("PORT"), nil)
}
`

// hostile are texts that Nomad, consul-template, HCL, a shell or an environment file gives a meaning.
// Each must reach the program as it is.
var hostile = []string{
	"${attr.unique.hostname}", "$${NOMAD_TOKEN}", "$$${NOMAD_ALLOC_ID}", "${NOMAD_ALLOC_ID}", "${", "$", "$$", "${}", "$${",
	`{{ key "x" }}`, `{{env "HOME"}}`, "{{", "}}", "{{/* c */}}", "{", "%{ if true }x%{ endif }", "%%{", "%",
	`"quoted"`, `'single'`, `a "b" 'c' \"d\"`, `back\slash\n\t\\`, "  spaces  ", "line one\nline two\n", "\n", "tab\there", "cr\r\nlf", "\r",
	"# no comment", "a=b=c", "`id`", "$(id)", "; rm -rf /", "|", "*", "~", "é 世界 🎈", "\u00a0\u200b", "\ue000", "", " ", "null", "true",
	"-flag", "--", "\x01\x1f\x7f", strings.Repeat("long ${x} ", 500),
}

// hclText writes a text as an HCL string.
func hclText(text string) string {
	var b strings.Builder
	for _, c := range strings.NewReplacer("${", "$${", "%{", "%%{").Replace(text) {
		switch {
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\r':
			b.WriteString(`\r`)
		case c == '\t':
			b.WriteString(`\t`)
		case c == '"' || c == '\\':
			b.WriteString(`\` + string(c))
		case c < ' ' || c == 0x7f:
			fmt.Fprintf(&b, `\u%04x`, c)
		default:
			b.WriteRune(c)
		}
	}
	return `"` + b.String() + `"`
}

// TestInjection: an app whose env, args and files hold what Nomad and its templates would evaluate
// reads them back from inside its task, byte for byte the same. Where such a text can't be, in a name
// or a route, it is refused.
func TestInjection(t *testing.T) {
	t.Parallel()
	d := startDev(t)
	dir := filepath.Join(t.TempDir(), "mirror")
	write(t, filepath.Join(dir, "main.go"), mirror)
	write(t, filepath.Join(dir, "go.mod"), "module mirror\n\ngo 1.24\n")

	var args, env, files strings.Builder
	wantEnv, wantFiles := map[string]string{}, map[string]string{}
	for i, text := range hostile {
		name := fmt.Sprintf("V_%02d", i)
		file := fmt.Sprintf("conf/%02d", i)
		fmt.Fprintf(&args, "%s, ", hclText(text))
		fmt.Fprintf(&env, "      %s = %s\n", name, hclText(text))
		fmt.Fprintf(&files, "    file %q { content = %s }\n", file, hclText(text))
		wantEnv[name], wantFiles[file] = text, text
	}
	spec := func(route string) string {
		return fmt.Sprintf(`app "mirror" {
  env = { V_APP = "${port.http}$${port.http}{{port}}" }
  process "web" {
    command = ["./mirror"]
    args    = [%s"x${port.http}y$${port.http}"]
    env = {
%s      V_REF = "$${NOMAD_PORT_http}=${port.http} {{ env \"PORT\" }}"
    }
    port "http" {}
%s    file "conf/ref" { content = "listen ${host.http}:${port.http}; # $${NOMAD_PORT_http} {{ env \"PORT\" }}" }
%s  }
}
`, args.String(), env.String(), files.String(), route)
	}
	write(t, filepath.Join(dir, "crumpet.hcl"), spec(""))
	d.ok(dir, "push")

	code, body := d.page("mirror.localhost", "/")
	var got struct {
		Args       []string
		Env, Files map[string]string
		Port       string
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil || code != 200 {
		t.Fatalf("%d %s: %v", code, body, err)
	}
	wantArgs := append(append([]string{}, hostile...), "x"+got.Port+"y${port.http}")
	wantEnv["V_REF"] = "${NOMAD_PORT_http}=" + got.Port + ` {{ env "PORT" }}`
	wantEnv["V_APP"] = got.Port + "${port.http}{{port}}"
	host, _, _ := strings.Cut(strings.TrimPrefix(got.Files["conf/ref"], "listen "), ":")
	wantFiles["conf/ref"] = "listen " + host + ":" + got.Port + `; # ${NOMAD_PORT_http} {{ env "PORT" }}`
	if diff := cmp.Diff(wantArgs, got.Args); diff != "" {
		t.Errorf("the arguments:\n%s", diff)
	}
	if diff := cmp.Diff(wantEnv, got.Env); diff != "" {
		t.Errorf("the environment:\n%s", diff)
	}
	if diff := cmp.Diff(wantFiles, got.Files); diff != "" {
		t.Errorf("the files:\n%s", diff)
	}

	for _, text := range hostile {
		if text == "" || text == "null" || text == "true" || text == "*" || text == "~" {
			continue // names that are good, or refused for another reason
		}
		for what, keys := range map[string]string{
			"route":   fmt.Sprintf("    route %s {}\n", hclText("mirror.localhost/"+text)),
			"process": fmt.Sprintf("  }\n  process %s {\n    command = [\"./mirror\"]\n", hclText(text)),
		} {
			if what == "route" && (strings.Trim(text, "-flag") == "" || text == "%" || strings.HasPrefix(text, "a=b") || text == "'single'") {
				continue // a path that is good
			}
			write(t, filepath.Join(dir, "crumpet.hcl"), spec(keys))
			if r := d.cli(dir, "validate"); r.code == 0 {
				t.Errorf("a %s named %q was taken", what, text)
			}
		}
	}
}
