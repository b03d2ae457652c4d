package identity_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/google/go-cmp/cmp"
	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/devstack/nomad/identity"
)

func TestAnIdentityIsSignedByAKeyThatLasts(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "key.pem")
	signer, err := identity.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().Truncate(time.Second)
	alloc := &nomadapi.Allocation{ID: "alloc", JobID: "app.blue", Namespace: "team", TaskGroup: "web", Job: &nomadapi.Job{Region: new("global")}}
	task := &nomadapi.Task{Name: "web", Identities: []*nomadapi.WorkloadIdentity{{Name: "vault_default", Audience: []string{"v"}, TTL: time.Minute}}}
	token, err := signer.VaultToken(alloc, task, "id", now)
	if err != nil {
		t.Fatal(err)
	}

	again, err := identity.Open(path) // what was signed before a restart is believed after it
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		t.Fatal(err)
	}
	keys := again.JWKS()
	got := map[string]any{}
	if err := parsed.Claims(keys.Key(parsed.Headers[0].KeyID)[0].Key, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"nomad_namespace": "team", "nomad_job_id": "app.blue", "nomad_task": "web", "nomad_allocation_id": "alloc",
		"sub": "global:team:app.blue:web:web:vault_default", "aud": []any{"v"}, "jti": "id",
		"iat": float64(now.Unix()), "nbf": float64(now.Unix()), "exp": float64(now.Add(time.Minute).Unix()),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if !keys.Keys[0].IsPublic() {
		t.Error("the private key is shown")
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v", info, err)
	}
}
