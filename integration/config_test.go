package integration_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// looking is an app that shows its environment, and a file that a variable names.
const looking = `package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		env := map[string]string{}
		for _, kv := range os.Environ() {
			name, value, _ := strings.Cut(kv, "=")
			env[name] = value
		}
		json.NewEncoder(w).Encode(env)
	})
	http.HandleFunc("/file", func(w http.ResponseWriter, r *http.Request) {
		text, err := os.ReadFile(os.Getenv(r.URL.Query().Get("of")))
		if err != nil {
			http.Error(w, err.Error(), 500)
		}
		w.Write(text)
	})
	fmt.Println(http.ListenAndServe(os.Getenv("HOST")+":"+os.Getenv("PORT"), nil))
}
`

// writeLooking writes the app under a name, with more blocks in its spec.
func writeLooking(t testing.TB, name, more string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	write(t, filepath.Join(dir, "main.go"), looking)
	write(t, filepath.Join(dir, "go.mod"), "module looking\n\ngo 1.24\n")
	write(t, filepath.Join(dir, "crumpet.hcl"), fmt.Sprintf(`app %q {
  env = { FROM = "spec", BOTH = "spec" }
  %s
  process "web" {
    command        = ["./looking"]
    min_healthy    = "1s"
    shutdown_delay = "1s"
    port "http" {}
  }
}
`, name, more))
	return dir
}

// TestConfig: what is set reaches the programs of an app as it was set; a change walks and costs no request; a
// rollback brings back what its release had; and a sealed Vault refuses what needs it, changes nothing, and
// costs no running app a request.
func TestConfig(t *testing.T) {
	t.Parallel()
	d := startDev(t)
	app := writeLooking(t, "looking", `secret "TLS_KEY" { file = "tls/key.pem" }`)
	plain := writeLooking(t, "plain", "")
	nasty := "a\n\"b\" 'c' `d` $HOME ${x} {{ y }} %s \\n\tgrüße 🥞 #"
	pem := "-----BEGIN KEY-----\n" + strings.Repeat("0123456789abcdef\n", 200) + "-----END KEY-----\n"
	write(t, filepath.Join(app, "key.pem"), pem)

	// Before the first push.
	if out := d.ok(app, "config", "set", "GREETING=hello there", "NASTY="+nasty, "BOTH=config"); !strings.Contains(out, "used by the first push") {
		t.Errorf("set before the first push: %s", out)
	}
	if r := d.cli(app, "push"); r.code != 1 || !strings.Contains(r.errOut, "crumpet secret set TLS_KEY") {
		t.Errorf("pushed without what its secret block wants: %s", r)
	}
	d.ok(app, "secret", "set", "TLS_KEY", "--file", "key.pem")
	d.ok(app, "push")
	env := d.seen("looking")
	for name, want := range map[string]string{"GREETING": "hello there", "NASTY": nasty, "FROM": "spec", "BOTH": "config", "TLS_KEY": ""} {
		if env[name] != want {
			t.Errorf("%s is %q, want %q", name, env[name], want)
		}
	}
	if code, text := d.page("looking.localhost", "/file?of=TLS_KEY_FILE"); code != http.StatusOK || text != pem {
		t.Errorf("the secret's file: %d %.60q", code, text)
	}
	if env["VAULT_TOKEN"] != "" {
		t.Errorf("the program has Vault's token")
	}

	// A change walks: no request fails, and no value is asked for twice.
	l := startLoad(t, d.info.Router, "looking.localhost", 50, 20_000)
	if out := d.ok(app, "config", "set", "GREETING=again"); !strings.Contains(out, "Release 2 of looking is serving.") {
		t.Errorf("set: %s", out)
	}
	if got := d.seen("looking")["GREETING"]; got != "again" {
		t.Errorf("GREETING is %q after a change", got)
	}
	if out := d.ok(app, "config", "set", "GREETING=again"); !strings.Contains(out, "Release 2, which serves, has it.") {
		t.Errorf("set to the same: %s", out)
	}
	d.ok(app, "rollback")
	if got := d.seen("looking")["GREETING"]; got != "hello there" {
		t.Errorf("GREETING is %q after a rollback", got)
	}
	d.ok(app, "config", "unset", "GREETING")
	if got, has := d.seen("looking")["GREETING"]; has {
		t.Errorf("GREETING is %q after it was unset", got)
	}
	if list := d.ledger("looking"); len(list) != 4 || list[0].ConfigVersion != 4 || list[1].ConfigVersion != 2 || list[1].RollbackTo != 1 {
		t.Errorf("releases: %+v", list)
	}
	if r := d.cli(app, "config", "unset", "TLS_KEY"); r.code != 1 || !strings.Contains(r.errOut, "secret block") {
		t.Errorf("unset of what the spec wants: %s", r)
	}
	d.refusesBadConfig(app)
	d.sealedConfig(app, plain)
	l.end(t)

	// The end of an app is the end of its configuration.
	d.ok(app, "destroy", "looking", "--yes")
	if r := d.cli(app, "config", "list"); r.code != 0 || !strings.Contains(r.errOut, "Nothing is set") {
		t.Errorf("configuration of an app that is gone: %s", r)
	}
}

// refusesBadConfig gives what can't be taken; nothing of it is.
func (d *dev) refusesBadConfig(app string) {
	d.t.Helper()
	before := d.ok(app, "config", "versions", "--json")
	large := filepath.Join(app, "large")
	write(d.t, large, strings.Repeat("x", 1<<20))
	write(d.t, filepath.Join(app, "bad.env"), "GOOD=1\nZq7-no-assignment\n")
	for _, bad := range []struct {
		says string
		code int
		args []string
	}{
		{"65536", 1, []string{"secret", "set", "LARGE", "--file", large}},
		{"a/b", 1, []string{"config", "set", "a/b=1"}},
		{"platform's own", 1, []string{"config", "set", "CRUMPET_X=1"}},
		{"shell's history", 2, []string{"secret", "set", "KEY", "Zq7-a-value"}},
		{"crumpet secret set TLS_KEY", 1, []string{"config", "set", "TLS_KEY=Zq7-a-value"}},
		{"bad.env:2:1", 1, []string{"config", "import", "bad.env"}},
		{"not at 1", 1, []string{"config", "set", "A=1", "--base", "1"}},
	} {
		if r := d.cli(app, bad.args...); r.code != bad.code || !strings.Contains(r.errOut, bad.says) || strings.Contains(r.errOut, "Zq7") {
			d.t.Errorf("crumpet %s: %s", strings.Join(bad.args[:2], " "), r)
		}
	}
	// A program that knows no better sends the megabyte.
	body := fmt.Sprintf(`{"set":[{"name":"LARGE","value":%q}]}`, strings.Repeat("x", 1<<20))
	req, err := http.NewRequestWithContext(d.t.Context(), http.MethodPatch, d.info.Addr+"/v1/apps/looking/config", strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+d.info.Token)
	req.Header.Set("Content-Type", "application/json")
	if code, text := answerTo(req); code != http.StatusUnprocessableEntity || !strings.Contains(text, "65536") || len(text) > 2000 {
		d.t.Errorf("a megabyte: %d %.300s", code, text)
	}
	if after := d.ok(app, "config", "versions", "--json"); after != before {
		d.t.Errorf("versions were\n%s\nand are\n%s", before, after)
	}
}

// sealedConfig seals Vault: what needs it is refused and leaves nothing, what does not is done.
func (d *dev) sealedConfig(app, plain string) {
	d.t.Helper()
	before, releases := d.ok(app, "config", "versions", "--json"), d.ok(app, "releases", "--json")
	d.vaultSeal(true)
	for _, args := range [][]string{
		{"config", "set", "A=1"},
		{"config", "unset", "NASTY"},
		{"config", "set", "A=1", "--stage"},
		{"config", "set", "A=1", "--app", "fresh"},
		{"config", "reveal"},
		{"push", "--force"},
		{"rollback", "1"},
	} {
		if r := d.cli(app, args...); r.code != 1 || !strings.Contains(r.errOut, "is sealed") {
			d.t.Errorf("crumpet %s with a sealed Vault: %s", strings.Join(args, " "), r)
		}
	}
	if now := d.ok(app, "config", "versions", "--json"); now != before {
		d.t.Errorf("versions were\n%s\nand are\n%s", before, now)
	}
	if now := d.ok(app, "releases", "--json"); now != releases {
		d.t.Errorf("releases were\n%s\nand are\n%s", releases, now)
	}
	d.ok(plain, "push")
	if got := d.seen("plain")["FROM"]; got != "spec" {
		d.t.Errorf("an app without a configuration has FROM %q", got)
	}
	if got := d.seen("looking")["NASTY"]; got == "" {
		d.t.Errorf("the app that runs lost its configuration")
	}
	d.vaultSeal(false)
	d.ok(app, "config", "set", "A=1")
	if got := d.seen("looking")["A"]; got != "1" {
		d.t.Errorf("A is %q once Vault is unsealed", got)
	}
}

// seen is the environment that an app shows.
func (d *dev) seen(app string) map[string]string {
	d.t.Helper()
	code, text := d.page(app+".localhost", "/")
	env := map[string]string{}
	if err := json.Unmarshal([]byte(text), &env); err != nil || code != http.StatusOK {
		d.t.Fatalf("%s shows %d %.200s", app, code, text)
	}
	return env
}

// vaultSeal seals the stack's Vault, or unseals it, as an operator does.
func (d *dev) vaultSeal(seal bool) {
	d.t.Helper()
	files, err := filepath.Glob(filepath.Join(d.dir, "vault", "*keys.json"))
	if err != nil || len(files) != 1 {
		d.t.Fatalf("keys of Vault: %v, %v", files, err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		d.t.Fatal(err)
	}
	var keys struct {
		Root   string `json:"root_token"`
		Unseal string `json:"unseal_key"`
	}
	if err := json.Unmarshal(text, &keys); err != nil {
		d.t.Fatal(err)
	}
	path, body := "/v1/sys/seal", []byte(nil)
	if !seal {
		path, body = "/v1/sys/unseal", fmt.Appendf(nil, `{"key":%q}`, keys.Unseal)
	}
	req, err := http.NewRequestWithContext(d.t.Context(), http.MethodPut, d.info.Vault+path, bytes.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	req.Header.Set("X-Vault-Token", keys.Root)
	if code, text := answerTo(req); code >= 300 {
		d.t.Fatalf("%s: %d %s", path, code, text)
	}
	d.until(30*time.Second, "Vault is as it was told to be", func() bool {
		code, _ := d.get(d.info.Vault+"/v1/sys/health", "")
		return (code == http.StatusOK) == !seal
	})
}
