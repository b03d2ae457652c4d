package vault_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	vaultapi "github.com/hashicorp/vault/api"

	"github.com/crumpet-paas/crumpet/server/devstack/vault"
)

// A real Vault or OpenBao that the contract tests are run against instead of the stand-in, by hand; it must be unsealed
// and empty.
const (
	realAddr  = "CRUMPET_REAL_VAULT"
	realToken = "CRUMPET_REAL_VAULT_TOKEN"
)

// clock is a time that a test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// server is a stand-in that runs, with a client that has no token yet.
type server struct {
	*vaultapi.Client
	url   string
	clock *clock
	stop  func()
}

func start(t testing.TB, data string) *server {
	t.Helper()
	return startAt(t, data, &clock{now: time.Now()})
}

func startAt(t testing.TB, data string, c *clock) *server {
	t.Helper()
	srv, err := vault.Open(vault.Config{Data: data, Now: c.Now})
	check(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- srv.Run(ctx) }()
	web := httptest.NewServer(srv)
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run ended with %v", err)
		}
		web.Close()
	})
	t.Cleanup(stop)
	return &server{client(t, web.URL, ""), web.URL, c, stop}
}

func client(t testing.TB, url, token string) *vaultapi.Client {
	t.Helper()
	cfg := vaultapi.DefaultConfig()
	check(t, cfg.Error)
	cfg.Address = url
	cfg.MaxRetries = 0
	c, err := vaultapi.NewClient(cfg)
	check(t, err)
	c.SetToken(token)
	return c
}

// ready initializes and unseals a stand-in, and gives its client the root token.
func ready(t testing.TB, data string) *server {
	t.Helper()
	s := start(t, data)
	made, err := s.Sys().Init(&vaultapi.InitRequest{SecretShares: 1, SecretThreshold: 1})
	check(t, err)
	status, err := s.Sys().Unseal(made.Keys[0])
	check(t, err)
	if status.Sealed {
		t.Fatal("still sealed")
	}
	s.SetToken(made.RootToken)
	return s
}

// contract is the server of a test that must pass against a real one too. It has kv version 2 at a mount of the test.
func contract(t testing.TB, mount string) *server {
	t.Helper()
	var s *server
	if addr := os.Getenv(realAddr); addr != "" {
		s = &server{client(t, addr, os.Getenv(realToken)), addr, nil, func() {}}
	} else {
		s = ready(t, t.TempDir())
	}
	check(t, s.Sys().Mount(mount, &vaultapi.MountInput{Type: "kv", Options: map[string]string{"version": "2"}}))
	// A real Vault prepares a new mount in the background and refuses calls until then.
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		_, err := s.KVv2(mount).Get(context.Background(), "probe")
		if errors.Is(err, vaultapi.ErrSecretNotFound) {
			return s
		}
		if time.Now().After(deadline) {
			t.Fatalf("mount %s is not ready: %v", mount, err)
		}
	}
}

// as is the client of a new token with these policies.
func (s *server) as(t testing.TB, req *vaultapi.TokenCreateRequest) *vaultapi.Client {
	t.Helper()
	made, err := s.Auth().Token().Create(req)
	check(t, err)
	return client(t, s.url, made.Auth.ClientToken)
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// refused demands that err is an answer with this status and text.
func refused(t testing.TB, err error, status int, text string) {
	t.Helper()
	resp, ok := errors.AsType[*vaultapi.ResponseError](err)
	if !ok || resp.StatusCode != status || !strings.Contains(strings.Join(resp.Errors, " "), text) {
		t.Errorf("got %v, want %d with %q", err, status, text)
	}
}

func TestInitAndSeal(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	s := start(t, data)
	health, err := s.Sys().Health()
	check(t, err)
	if health.Initialized || !health.Sealed {
		t.Errorf("a new server says %+v", health)
	}
	_, err = s.Logical().Read("secret/data/x")
	refused(t, err, 503, "sealed")
	made, err := s.Sys().Init(&vaultapi.InitRequest{SecretShares: 1, SecretThreshold: 1})
	check(t, err)
	_, err = s.Sys().Init(&vaultapi.InitRequest{SecretShares: 1, SecretThreshold: 1})
	refused(t, err, 400, "already initialized")
	s.SetToken(made.RootToken)
	_, err = s.Sys().ListMounts()
	refused(t, err, 503, "sealed")
	_, err = s.Sys().Unseal(strings.Repeat("0", 64))
	refused(t, err, 400, "wrong key")
	_, err = s.Sys().Unseal(made.KeysB64[0])
	check(t, err)
	health, err = s.Sys().Health()
	check(t, err)
	if !health.Initialized || health.Sealed || health.Standby || health.ClusterID == "" {
		t.Errorf("an unsealed server says %+v", health)
	}
	check(t, s.Sys().Seal())
	status, err := s.Sys().SealStatus()
	check(t, err)
	if !status.Sealed || !status.Initialized {
		t.Errorf("a sealed server says %+v", status)
	}
	for path, want := range map[string]int{"/v1/sys/health": 503, "/v1/sys/health?sealedcode=299": 299} {
		resp, err := http.Get(s.url + path)
		check(t, err)
		check(t, resp.Body.Close())
		if resp.StatusCode != want {
			t.Errorf("%s answers %d, want %d", path, resp.StatusCode, want)
		}
	}
}

func TestRestart(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	data := t.TempDir()
	s := ready(t, data)
	root := s.Token()
	check(t, s.Sys().Mount("secret", &vaultapi.MountInput{Type: "kv-v2"}))
	check(t, s.Sys().PutPolicy("reader", `path "secret/data/app" { capabilities = ["read"] }`))
	_, err := s.KVv2("secret").Put(ctx, "app", map[string]any{"password": "hunter2-in-the-clear"})
	check(t, err)
	reader := s.as(t, &vaultapi.TokenCreateRequest{Policies: []string{"reader"}, TTL: "1h"}).Token()
	s.stop()

	t.Run("nothing but the key share is written in the clear", func(t *testing.T) {
		for _, name := range []string{"vault.state", "unseal.key"} {
			info, err := os.Stat(filepath.Join(data, name))
			check(t, err)
			if info.Mode().Perm() != 0o600 {
				t.Errorf("%s has mode %s", name, info.Mode())
			}
		}
		entries, err := os.ReadDir(data)
		check(t, err)
		for _, e := range entries {
			raw, err := os.ReadFile(filepath.Join(data, e.Name()))
			check(t, err)
			for _, secret := range []string{"hunter2", "password", root, reader, "secret/data"} {
				if bytes.Contains(raw, []byte(secret)) {
					t.Errorf("%s contains %q", e.Name(), secret)
				}
			}
		}
	})
	t.Run("it unseals itself and has kept everything", func(t *testing.T) {
		s := start(t, data)
		s.SetToken(reader)
		got, err := s.KVv2("secret").Get(ctx, "app")
		check(t, err)
		if got.Data["password"] != "hunter2-in-the-clear" {
			t.Errorf("got %v", got.Data)
		}
		_, err = s.KVv2("secret").Get(ctx, "other")
		refused(t, err, 403, "permission denied")
		s.stop()
	})
	t.Run("without the key share it stays sealed until it is given", func(t *testing.T) {
		share, err := os.ReadFile(filepath.Join(data, "unseal.key"))
		check(t, err)
		check(t, os.Remove(filepath.Join(data, "unseal.key")))
		s := start(t, data)
		s.SetToken(root)
		_, err = s.Sys().ListMounts()
		refused(t, err, 503, "sealed")
		_, err = s.Sys().Unseal(string(share))
		check(t, err)
		_, err = s.Sys().ListMounts()
		check(t, err)
	})
	t.Run("a state that was changed is not opened", func(t *testing.T) {
		other := t.TempDir()
		raw, err := os.ReadFile(filepath.Join(data, "vault.state"))
		check(t, err)
		raw[len(raw)/2] ^= 1
		check(t, os.WriteFile(filepath.Join(other, "vault.state"), raw, 0o600))
		check(t, os.WriteFile(filepath.Join(other, "unseal.key"), []byte(strings.Repeat("ab", 32)), 0o600))
		if _, err := vault.Open(vault.Config{Data: other}); err == nil {
			t.Error("it was opened")
		}
	})
}

func TestAnswersByStatus(t *testing.T) {
	t.Parallel()
	s := ready(t, t.TempDir())
	check(t, s.Sys().Mount("db", &vaultapi.MountInput{Type: "database"}))
	check(t, s.Sys().Mount("secret", &vaultapi.MountInput{Type: "kv-v2"}))
	for name, tc := range map[string]struct {
		method, path, body, header string
		status                     int
		text                       string
	}{
		"an endpoint that is not served names its path":  {"GET", "sys/audit", "", "", 501, "sys/audit"},
		"namespaces are not served":                      {"GET", "sys/mounts", "", "X-Vault-Namespace", 501, "X-Vault-Namespace"},
		"response wrapping is not served":                {"GET", "sys/mounts", "", "X-Vault-Wrap-TTL", 501, "X-Vault-Wrap-TTL"},
		"batch tokens are not served":                    {"POST", "auth/token/create", `{"type":"batch"}`, "", 501, "batch"},
		"version 1 of kv is not served":                  {"POST", "sys/mounts/one", `{"type":"kv"}`, "", 501, "version 2"},
		"a mount that is there is refused":               {"POST", "sys/mounts/secret", `{"type":"kv-v2"}`, "", 400, "path is already in use at secret/"},
		"an unknown engine is refused":                   {"POST", "sys/mounts/x", `{"type":"boo"}`, "", 400, "plugin not found"},
		"a path without a mount has no handler":          {"GET", "nope/x", "", "", 404, "no handler for route"},
		"a path that kv has not is not found":            {"GET", "secret/boo/x", "", "", 404, "Invalid path for a versioned"},
		"databases but PostgreSQL are not served":        {"PUT", "db/config/x", `{"plugin_name":"mysql-database-plugin"}`, "", 501, "mysql-database-plugin"},
		"names of users by a template are not served":    {"PUT", "db/config/x", `{"plugin_name":"postgresql-database-plugin","username_template":"x"}`, "", 501, "username_template"},
		"keys as credentials are not served":             {"PUT", "db/roles/x", `{"db_name":"x","credential_type":"rsa_private_key"}`, "", 501, "rsa_private_key"},
		"static roles are not served":                    {"PUT", "db/static-roles/x", `{"db_name":"x"}`, "", 501, "db/static-roles/x"},
		"an address of no database is refused":           {"PUT", "db/config/x", `{"plugin_name":"postgresql-database-plugin","connection_url":"postgres://{{username}}:p%zz-secret@h/"}`, "", 400, "connection_url is not an address of PostgreSQL"},
		"a user with a placeholder is refused":           {"PUT", "db/config/x", `{"plugin_name":"postgresql-database-plugin","connection_url":"x","username":"{{password}}"}`, "", 400, "template variables"},
		"a lease has an id":                              {"PUT", "sys/leases/lookup", "{}", "", 400, "lease_id must be specified"},
		"broken JSON is refused":                         {"PUT", "secret/data/x", "{", "", 400, "failed to decode JSON"},
		"a write without data is refused":                {"PUT", "secret/data/x", `{"k":1}`, "", 400, "no data provided"},
		"a key may not end in a slash":                   {"PUT", "secret/data/x/", `{"data":{}}`, "", 400, "cannot write to a path ending in '/'"},
		"a deletion needs versions":                      {"PUT", "secret/delete/x", "{}", "", 400, "No version number provided"},
		"a policy with an unknown capability is refused": {"PUT", "sys/policies/acl/p", `{"policy":"path \"a\" { capabilities = [\"boo\"] }"}`, "", 400, `invalid capability "boo"`},
		"a policy that is no HCL is refused":             {"PUT", "sys/policies/acl/p", `{"policy":"path {"}`, "", 400, "failed to parse policy"},
		"a policy that can't be enforced is refused":     {"PUT", "sys/policies/acl/p", `{"policy":"path \"a\" { allowed_parameters = {} }"}`, "", 501, "allowed_parameters"},
		"a templated policy is refused":                  {"PUT", "sys/policies/acl/p", `{"policy":"path \"a/{{identity.entity.id}}\" {}"}`, "", 501, "templated"},
		"the policy root can't be changed":               {"PUT", "sys/policies/acl/root", `{"policy":"path \"a\" {}"}`, "", 400, `cannot update "root" policy`},
		"a wrong duration is refused":                    {"POST", "auth/token/create", `{"ttl":"zz"}`, "", 400, "invalid duration"},
		"the root token can't be renewed":                {"POST", "auth/token/renew-self", "", "", 400, "invalid lease ID"},
		"a token that is not there has no data":          {"POST", "auth/token/lookup", `{"token":"none"}`, "", 403, "bad token"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req, err := http.NewRequestWithContext(t.Context(), tc.method, s.url+"/v1/"+tc.path, strings.NewReader(tc.body))
			check(t, err)
			req.Header.Set("X-Vault-Token", s.Token())
			if tc.header != "" {
				req.Header.Set(tc.header, "1")
			}
			resp, err := http.DefaultClient.Do(req)
			check(t, err)
			defer func() { check(t, resp.Body.Close()) }()
			raw, err := io.ReadAll(resp.Body)
			check(t, err)
			body := strings.ReplaceAll(string(raw), `\"`, `"`)
			if resp.StatusCode != tc.status || !strings.Contains(body, tc.text) {
				t.Errorf("got %d %s, want %d with %q", resp.StatusCode, body, tc.status, tc.text)
			}
		})
	}
}

func TestMountsAreListedAndTuned(t *testing.T) {
	t.Parallel()
	s := contract(t, "tuned")
	mounts, err := s.Sys().ListMounts()
	check(t, err)
	if m := mounts["tuned/"]; m == nil || m.Type != "kv" || m.Options["version"] != "2" || mounts["sys/"] == nil {
		t.Errorf("mounts are %v", mounts)
	}
	words, hours := "what it is for", "2h"
	check(t, s.Sys().TuneMountAllowNil("tuned", vaultapi.TuneMountConfigInput{Description: &words, MaxLeaseTTL: &hours}))
	cfg, err := s.Sys().MountConfig("tuned")
	check(t, err)
	if cfg.MaxLeaseTTL != 7200 {
		t.Errorf("config is %+v", cfg)
	}
	mounts, err = s.Sys().ListMounts()
	check(t, err)
	if mounts["tuned/"].Description != words {
		t.Errorf("description is %q", mounts["tuned/"].Description)
	}
	ui, err := s.Logical().Read("sys/internal/ui/mounts/tuned/data/x")
	check(t, err)
	if diff := cmp.Diff(map[string]any{"version": "2"}, ui.Data["options"]); diff != "" || ui.Data["path"] != "tuned/" {
		t.Errorf("ui mount is %v", ui.Data)
	}
	check(t, s.Sys().Unmount("tuned"))
	_, err = s.Logical().Write("tuned/data/x", map[string]any{"data": map[string]any{}})
	refused(t, err, 404, "no handler for route")
}
