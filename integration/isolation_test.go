package integration_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// spy is an app that gives away what its own identity gets it in Vault.
const spy = `package main

import (
	"fmt"
	"net/http"
	"os"
)

func main() {
	http.HandleFunc("/token", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, os.Getenv("VAULT_TOKEN")) })
	http.HandleFunc("/secret", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, os.Getenv("SECRET")) })
	fmt.Println(http.ListenAndServe(os.Getenv("HOST")+":"+os.Getenv("PORT"), nil))
}
`

// crossing is one thing that a task could try with its token, and what Vault must answer.
type crossing struct {
	name, method, path string
	body               any
	want               int // 403 unless said
}

// TestIsolation: the token that Vault gives a running task for the identity which Nomad signed crosses no
// border: not to another app, a team, a name that begins alike, Crumpet's own keys, or another role.
func TestIsolation(t *testing.T) {
	t.Parallel()
	d := startDev(t)
	d.ok(d.home, "teams", "create", "beta")
	planted := map[string]string{}
	for _, other := range []struct{ team, app string }{{"default", "store"}, {"default", "spy-staging"}, {"beta", "spy"}, {"default", "spy"}} {
		value := fmt.Sprintf("planted-%s-%s-%d", other.team, other.app, os.Getpid())
		file := filepath.Join(t.TempDir(), "value")
		write(t, file, value)
		d.ok(d.home, "secret", "set", "SECRET", "--file", file, "--app", other.app, "--team", other.team, "--stage")
		planted[other.team+"/"+other.app] = value
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "main.go"), spy)
	write(t, filepath.Join(dir, "go.mod"), "module spy\n\ngo 1.24\n")
	// The token is kept from programs; the operator's fragment gives it to this one.
	write(t, filepath.Join(dir, "crumpet.hcl"), `app "spy" {
  process "web" {
    command = ["./spy"]
    port "http" {}
    nomad {
      task = { Vault = { Env = true } }
    }
  }
}
`)
	d.ok(dir, "push")
	own := planted["default/spy"]
	if code, value := d.page("spy.localhost", "/secret"); code != http.StatusOK || strings.TrimSpace(value) != own {
		t.Fatalf("the app does not see its own secret: %d", code)
	}
	code, token := d.page("spy.localhost", "/token")
	if code != http.StatusOK || token == "" {
		t.Fatalf("the app has no token: %d", code)
	}
	reads := func() {
		t.Helper()
		if status, text := d.vault(token, "GET", "crumpet/data/apps/default/spy/config", nil); status != http.StatusOK || !strings.Contains(text, own) {
			t.Fatalf("its own secrets: %d", status)
		}
	}
	reads()
	denied := 0
	for _, c := range crossings(token) {
		status, text := d.vault(token, c.method, c.path, c.body)
		for who, value := range planted {
			if value != own && strings.Contains(text, value) {
				t.Errorf("%s: %s %s shows a secret of %s", c.name, c.method, c.path, who)
			}
		}
		if want := cmp.Or(c.want, http.StatusForbidden); status != want {
			t.Errorf("%s: %s %s: status %d, want %d: %s", c.name, c.method, c.path, status, want, text)
			continue
		}
		denied++
		if proving {
			t.Logf("%d  %-6s %-70s %s", status, c.method, c.path, c.name)
		}
	}
	t.Logf("%d attempts with the app's own token, %d denied", len(crossings(token)), denied)
	reads()
	for who, value := range planted { // what was tried has changed nothing
		team, app, _ := strings.Cut(who, "/")
		if shown := d.ok(d.home, "config", "reveal", "SECRET", "--app", app, "--team", team); !strings.Contains(shown, value) {
			t.Errorf("the secret of %s afterwards: not what it was", who)
		}
	}
}

// crossings are attempts with the token of app spy of team default.
func crossings(token string) []crossing {
	data := map[string]any{"data": map[string]string{"SECRET": "changed"}}
	policy := map[string]any{"policy": `path "*" { capabilities = ["read", "sudo"] }`}
	role := map[string]any{"role_type": "jwt", "user_claim": "sub", "bound_audiences": []string{"vault.io"}, "policies": []string{"crumpet"}}
	return []crossing{
		{name: "another app", method: "GET", path: "crumpet/data/apps/default/store/config"},
		{name: "another app's first version", method: "GET", path: "crumpet/data/apps/default/store/config?version=1"},
		{name: "another team's app of the same name", method: "GET", path: "crumpet/data/apps/beta/spy/config"},
		{name: "an app whose name begins alike", method: "GET", path: "crumpet/data/apps/default/spy-staging/config"},
		{name: "write another app's", method: "PUT", path: "crumpet/data/apps/default/store/config", body: data},
		{name: "write its own", method: "PUT", path: "crumpet/data/apps/default/spy/config", body: data},
		{name: "patch another app's", method: "PATCH", path: "crumpet/data/apps/default/store/config", body: data},
		{name: "delete another app's", method: "DELETE", path: "crumpet/data/apps/default/store/config"},
		{name: "delete all versions of another app's", method: "DELETE", path: "crumpet/metadata/apps/default/store/config"},
		{name: "destroy a version of another app's", method: "PUT", path: "crumpet/destroy/apps/default/store/config", body: map[string]any{"versions": []int{1}}},
		{name: "delete its own", method: "DELETE", path: "crumpet/metadata/apps/default/spy/config"},
		{name: "metadata of another app's", method: "GET", path: "crumpet/metadata/apps/default/store/config"},
		{name: "its own metadata", method: "GET", path: "crumpet/metadata/apps/default/spy/config"},
		{name: "list teams", method: "LIST", path: "crumpet/metadata/apps"},
		{name: "list apps of its team", method: "LIST", path: "crumpet/metadata/apps/default"},
		{name: "list apps of another team", method: "LIST", path: "crumpet/metadata/apps/beta"},
		{name: "list its own", method: "LIST", path: "crumpet/metadata/apps/default/spy"},
		{name: "subkeys of another app's", method: "GET", path: "crumpet/subkeys/apps/default/store/config"},
		{name: "go up to another app", method: "GET", path: "crumpet/data/apps/default/spy/../store/config"},
		{name: "go up by encoded dots", method: "GET", path: "crumpet/data/apps/default/spy/%2e%2e/store/config", want: http.StatusBadRequest},
		{name: "another app by an encoded slash", method: "GET", path: "crumpet/data/apps/default%2fstore/config"},
		{name: "another app by two slashes", method: "GET", path: "crumpet/data//apps/default/store/config"},
		{name: "a star for the app", method: "GET", path: "crumpet/data/apps/default/*/config"},
		{name: "a plus for the app", method: "GET", path: "crumpet/data/apps/default/+/config"},
		{name: "another app in capitals", method: "GET", path: "crumpet/data/apps/DEFAULT/STORE/config"},
		{name: "a key of the platform", method: "GET", path: "crumpet/data/platform/artifacts"},
		{name: "write a key of the platform", method: "PUT", path: "crumpet/data/platform/artifacts", body: data},
		{name: "list keys of the platform", method: "LIST", path: "crumpet/metadata/platform"},
		{name: "what services hold", method: "GET", path: "crumpet/data/services/default/spy-db"},
		{name: "list what services hold", method: "LIST", path: "crumpet/metadata/services"},
		{name: "a database credential of another app", method: "GET", path: "database/creds/crumpet-default--store--db--1"},
		{name: "a database credential of another team", method: "GET", path: "database/creds/crumpet-beta--spy--db--1"},
		{name: "a database credential of a name that begins alike", method: "GET", path: "database/creds/crumpet-default--spy-staging--db--1"},
		{name: "a database's account", method: "GET", path: "database/config/crumpet-dev"},
		{name: "a database role of its own making", method: "PUT", path: "database/roles/crumpet-default--spy--db--9", body: map[string]any{"db_name": "crumpet-dev"}},
		{name: "revoke everybody's database credentials", method: "PUT", path: "sys/leases/revoke-prefix/database/creds"},
		{name: "list leases", method: "LIST", path: "sys/leases/lookup/database/creds"},
		{name: "list mounts", method: "GET", path: "sys/mounts"},
		{name: "list policies", method: "LIST", path: "sys/policies/acl"},
		{name: "write its own policy", method: "PUT", path: "sys/policies/acl/crumpet-default--spy", body: policy},
		{name: "write the server's policy", method: "PUT", path: "sys/policies/acl/crumpet", body: policy},
		{name: "seal", method: "PUT", path: "sys/seal"},
		{name: "read its own role", method: "GET", path: "auth/jwt-nomad/role/crumpet-default--spy"},
		{name: "write its own role", method: "PUT", path: "auth/jwt-nomad/role/crumpet-default--spy", body: role},
		{name: "make a role", method: "PUT", path: "auth/jwt-nomad/role/own", body: role},
		{name: "delete another app's role", method: "DELETE", path: "auth/jwt-nomad/role/crumpet-default--store"},
		{name: "list roles", method: "LIST", path: "auth/jwt-nomad/role"},
		{name: "say whose identities are believed", method: "PUT", path: "auth/jwt-nomad/config", body: map[string]any{"jwks_url": "http://127.0.0.1:1/"}},
		{name: "make a child token", method: "POST", path: "auth/token/create", body: map[string]any{"policies": []string{"crumpet"}}},
		{name: "list tokens", method: "LIST", path: "auth/token/accessors"},
		{name: "ask what another token may", method: "PUT", path: "sys/capabilities", body: map[string]any{"token": token, "paths": []string{"crumpet/data/apps/default/store/config"}}},
		{name: "keep something in a cubbyhole", method: "PUT", path: "cubbyhole/own", body: map[string]any{"a": "b"}},
	}
}

// vault sends one request to this stack's Vault, the path as it stands.
func (d *dev) vault(token, method, path string, body any) (status int, text string) {
	d.t.Helper()
	var sent io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			d.t.Fatal(err)
		}
		sent = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(d.t.Context(), method, d.info.Vault+"/v1/"+path, sent)
	if err != nil {
		d.t.Fatal(err)
	}
	req.Header.Set("X-Vault-Token", token)
	if method == http.MethodPatch {
		req.Header.Set("Content-Type", "application/merge-patch+json")
	}
	return answerTo(req)
}
