package nomad_test

import (
	"context"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	nomadapi "github.com/hashicorp/nomad/api"
	vaultapi "github.com/hashicorp/vault/api"

	"github.com/crumpet-paas/crumpet/server/devstack/nomad"
	"github.com/crumpet-paas/crumpet/server/devstack/vault"
)

// startVault is an unsealed Vault with a root token.
func startVault(t *testing.T) *vaultapi.Client {
	t.Helper()
	server, err := vault.Open(vault.Config{Data: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = server.Run(ctx) })
	web := httptest.NewServer(server)
	t.Cleanup(func() {
		cancel()
		running.Wait()
		web.CloseClientConnections()
		web.Close()
	})
	client, err := vaultapi.NewClient(&vaultapi.Config{Address: web.URL})
	if err != nil {
		t.Fatal(err)
	}
	out, err := client.Sys().Init(&vaultapi.InitRequest{SecretShares: 1, SecretThreshold: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Sys().Unseal(out.Keys[0]); err != nil {
		t.Fatal(err)
	}
	client.SetToken(out.RootToken)
	return client
}

func write(t *testing.T, client *vaultapi.Client, path string, data map[string]any) {
	t.Helper()
	if _, err := client.Logical().Write(path, data); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

func TestATaskReadsSecretsByItsIdentity(t *testing.T) {
	t.Parallel()
	client := startVault(t)
	s := start(t, func(c *nomad.Config) { c.VaultAddr = client.Address() })
	write(t, client, "sys/mounts/kv", map[string]any{"type": "kv", "options": map[string]any{"version": "2"}})
	write(t, client, "kv/data/app", map[string]any{"data": map[string]any{"password": "first"}})
	if err := client.Sys().PutPolicy("app", `path "kv/data/app" { capabilities = ["read"] }`); err != nil {
		t.Fatal(err)
	}
	write(t, client, "sys/auth/jwt-nomad", map[string]any{"type": "jwt"})
	write(t, client, "auth/jwt-nomad/config", map[string]any{"jwks_url": s.addr + "/.well-known/jwks.json", "jwt_supported_algs": []string{"RS256"}})
	write(t, client, "auth/jwt-nomad/role/app", map[string]any{
		"role_type": "jwt", "bound_audiences": []string{"vault.io"}, "user_claim": "nomad_job_id",
		"bound_claims": map[string]any{"nomad_job_id": "app.blue", "nomad_namespace": "default"},
		"token_type":   "service", "token_policies": []string{"app"}, "token_period": "1h",
	})
	withSecret := func(id string) *nomadapi.Job {
		j := job(id, 1, `echo "password $PASSWORD token $${#VAULT_TOKEN}"; `+forever)
		task := j.TaskGroups[0].Tasks[0]
		task.Vault = &nomadapi.Vault{Role: "app"}
		task.Templates = []*nomadapi.Template{{
			EmbeddedTmpl: new(`PASSWORD={{ with secret "kv/data/app" }}{{ .Data.data.password }}{{ end }}`),
			DestPath:     new("secrets/env"), Envvars: new(true),
		}}
		return j
	}
	s.register(t, withSecret("app.blue"))
	a := s.running(t, "app.blue", 1)["app.blue.web[0]"]
	s.until(t, "it has the secret", func() bool { return strings.HasPrefix(s.log(t, a.ID), "password first token ") })
	if strings.HasSuffix(s.log(t, a.ID), "token 0\n") {
		t.Error("the task has no token of its own")
	}

	// Another job is another identity: the role does not admit it.
	s.register(t, withSecret("evil"))
	ts := s.only(t, "evil", "failed").TaskStates["web"]
	if got := ts.Events[2]; got.Type != "Task hook failed" || !strings.Contains(got.DisplayMessage, "failed to derive Vault token") {
		t.Errorf("got %v: %+v", kinds(ts), got)
	}
}
