package vault_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/vault"
)

func TestSecretsAreVersionedTogether(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, v *target) {
		ctx, ref := t.Context(), paas.AppRef{Team: "alpha", App: "shop"}
		if list, err := v.crumpet.SecretVersions(ctx, ref); err != nil || len(list) != 0 {
			t.Fatalf("versions of an app without any: %v, %v", list, err)
		}
		_, err := v.crumpet.Secrets(ctx, ref, 1)
		wantError(t, err, paas.NotFound, "Version 1", "alpha/shop")
		if err := v.crumpet.KeepVersions(ctx, ref, 3); err != nil { // before the first
			t.Fatal(err)
		}

		odd := map[string]string{"PLAIN": "a", "EMPTY": "", "ODD_1": "line\nquote\" <&> \u2028 ü \x01", "_x": strings.Repeat("x", vault.MaxSecretValue)}
		put := func(values map[string]string, cas int) int {
			t.Helper()
			n, err := v.crumpet.PutSecrets(ctx, ref, values, cas)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		if n := put(odd, 0); n != 1 {
			t.Errorf("the first version is %d", n)
		}
		for _, cas := range []int{0, 2} {
			_, err = v.crumpet.PutSecrets(ctx, ref, map[string]string{"A": "not-to-be-seen"}, cas)
			wantError(t, err, paas.Conflict, fmt.Sprintf("version %d", cas), "alpha/shop")
		}
		if n := put(map[string]string{}, 1); n != 2 { // the last one was unset
			t.Errorf("the second version is %d", n)
		}
		got, err := v.crumpet.Secrets(ctx, ref, 1)
		if diff := gocmp.Diff(odd, got); err != nil || diff != "" {
			t.Errorf("version 1: %v %s", err, diff)
		}
		if got, err := v.crumpet.Secrets(ctx, ref, 2); err != nil || len(got) != 0 {
			t.Errorf("version 2: %v, %v", got, err)
		}

		put(map[string]string{"A": "3"}, 2)
		put(map[string]string{"A": "4"}, 3)
		_, err = v.crumpet.Secrets(ctx, ref, 1)
		wantError(t, err, paas.NotFound, "Version 1", "older than those kept")
		_, err = v.crumpet.Secrets(ctx, ref, 0)
		wantError(t, err, paas.NotFound, "Version 0")

		v.must("PUT", "crumpet/destroy/apps/alpha/shop/config", map[string]any{"versions": []int{2}}, nil)
		v.must("PUT", "crumpet/delete/apps/alpha/shop/config", map[string]any{"versions": []int{3}}, nil)
		for _, n := range []int{2, 3} {
			_, err = v.crumpet.Secrets(ctx, ref, n)
			wantError(t, err, paas.NotFound, fmt.Sprintf("Version %d", n), "deleted or destroyed")
		}
		list, err := v.crumpet.SecretVersions(ctx, ref)
		if err != nil {
			t.Fatal(err)
		}
		for i := range list {
			if since := time.Since(list[i].Created); since < 0 || since > 10*time.Minute {
				t.Errorf("version %d was made %s ago", list[i].Version, since)
			}
			list[i].Created = time.Time{}
		}
		if diff := gocmp.Diff([]vault.SecretVersion{{Version: 2, Gone: true}, {Version: 3, Gone: true}, {Version: 4}}, list); diff != "" {
			t.Errorf("versions: %s", diff)
		}

		for range 2 { // the second time nothing is there
			if err := v.crumpet.DeleteSecrets(ctx, ref); err != nil {
				t.Fatal(err)
			}
		}
		if list, err := v.crumpet.SecretVersions(ctx, ref); err != nil || len(list) != 0 {
			t.Errorf("versions after all were deleted: %v, %v", list, err)
		}
		if n := put(map[string]string{"A": "again"}, 0); n != 1 {
			t.Errorf("the first version of an app of the same name is %d", n)
		}
	})
}

// TestTheServersPolicyIsEnoughAndNoMore: the adapter's other tests work with that policy; these are the calls
// that are still to come, and those that it must not allow.
func TestTheServersPolicyIsEnoughAndNoMore(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, v *target) {
		v.send(v.root, "POST", "sys/mounts/database", map[string]any{"type": "database"}) // without one, too, the policy is asked first
		db := map[string]any{
			"plugin_name": "postgresql-database-plugin", "verify_connection": false, "allowed_roles": []string{"crumpet-*"},
			"connection_url": "postgresql://{{username}}:{{password}}@127.0.0.1:1/none?connect_timeout=1", "username": "u", "password": "p",
		}
		dbRole := map[string]any{"db_name": "crumpet-pg", "creation_statements": []string{"SELECT 1"}}
		wide := map[string]any{"policy": `path "*" { capabilities = ["sudo"] }`}
		for _, c := range []struct {
			may          bool
			method, path string
			body         any
		}{
			{false, "GET", "sys/policies/acl/crumpet-alpha--shop", nil},
			{false, "GET", "auth/jwt-nomad/role/crumpet-alpha--shop", nil},
			{false, "PUT", "crumpet/delete/apps/alpha/shop/config", map[string]any{"versions": []int{1}}},
			{true, "PUT", "crumpet/destroy/apps/alpha/shop/config", map[string]any{"versions": []int{1}}},
			{true, "PUT", "database/config/crumpet-pg", db}, // new, and again
			{true, "PUT", "database/config/crumpet-pg", db},
			{true, "GET", "database/config/crumpet-pg", nil},
			{true, "PUT", "database/roles/crumpet-alpha--shop--db", dbRole},
			{true, "PUT", "database/roles/crumpet-alpha--shop--db", dbRole},
			{true, "GET", "database/creds/crumpet-alpha--shop--db", nil},
			{true, "PUT", "database/rotate-root/crumpet-pg", nil},
			{true, "PUT", "sys/leases/revoke-prefix/database/creds/crumpet-alpha--shop--db", nil},
			{true, "LIST", "sys/leases/lookup/database/creds/crumpet-alpha--shop--db--1", nil},
			{true, "PUT", "sys/leases/revoke", map[string]any{"lease_id": "database/creds/crumpet-alpha--shop--db/none"}},
			{true, "DELETE", "database/roles/crumpet-alpha--shop--db", nil},
			{true, "DELETE", "database/config/crumpet-pg", nil},
			{false, "PUT", "crumpet/undelete/apps/alpha/shop/config", map[string]any{"versions": []int{1}}},
			{false, "DELETE", "crumpet/data/platform/artifacts", nil},
			{false, "DELETE", "crumpet/metadata/platform/artifacts", nil},
			{false, "PUT", "crumpet/destroy/platform/artifacts", map[string]any{"versions": []int{1}}},
			{false, "LIST", "crumpet/metadata/apps", nil},
			{false, "PUT", "crumpet/config", map[string]any{"max_versions": 1}},
			{false, "PUT", "crumpet/data/else", map[string]any{"data": map[string]string{"a": "b"}}},
			{false, "GET", "secret/data/else", nil},
			{false, "GET", "sys/mounts", nil},
			{false, "DELETE", "sys/mounts/crumpet", nil},
			{false, "POST", "sys/mounts/crumpet2", map[string]any{"type": "kv"}},
			{false, "POST", "sys/auth/own", map[string]any{"type": "jwt"}},
			{false, "LIST", "sys/policies/acl", nil},
			{false, "PUT", "sys/policies/acl/crumpet", wide},
			{false, "PUT", "sys/policies/acl/default", wide},
			{false, "PUT", "auth/jwt-nomad/config", map[string]any{"jwks_url": "http://127.0.0.1:1/"}},
			{false, "PUT", "auth/jwt-nomad/role/nomad-workloads", map[string]any{"user_claim": "sub"}},
			{false, "LIST", "auth/jwt-nomad/role", nil},
			{false, "POST", "auth/token/create", map[string]any{}},
			{false, "POST", "auth/token/create-orphan", map[string]any{}},
			{false, "POST", "auth/token/lookup", map[string]any{"token": v.root}},
			{false, "PUT", "sys/seal", nil},
			{false, "PUT", "sys/leases/revoke-prefix/database/creds", nil},
			{false, "LIST", "sys/leases/lookup/database/creds", nil},
			{false, "LIST", "sys/leases/lookup/auth/token/create", nil},
			{false, "PUT", "sys/leases/lookup", map[string]any{"lease_id": "database/creds/crumpet-alpha--shop--db/none"}},
			{false, "PUT", "sys/leases/revoke-force/database/creds/crumpet-a", nil},
			{false, "PUT", "database/roles/readonly", map[string]any{"db_name": "pg"}},
			{false, "GET", "database/creds/readonly", nil},
		} {
			status, text := v.send(v.server, c.method, c.path, c.body)
			if (status != http.StatusForbidden) != c.may {
				t.Errorf("%s %s: status %d, may %t: %s", c.method, c.path, status, c.may, text)
			}
		}
	})
}

func TestASealedVaultSaysSoAndServesAgainAfterwards(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, v *target) {
		ctx, ref := t.Context(), paas.AppRef{Team: "alpha", App: "shop"}
		v.apps(ref)
		v.must("PUT", "sys/seal", nil, nil)
		_, err := v.crumpet.Secrets(ctx, ref, 1)
		wantError(t, err, paas.Unavailable, "sealed", "vault operator unseal")
		_, err = v.crumpet.PutSecrets(ctx, ref, map[string]string{"A": "not-to-be-seen"}, 1)
		wantError(t, err, paas.Unavailable, "sealed")
		wantError(t, v.crumpet.PutAppRole(ctx, ref, []string{"shop.blue"}), paas.Unavailable, "sealed")
		_, err = v.crumpet.RenewSelf(ctx)
		wantError(t, err, paas.Unavailable, "sealed")
		v.must("PUT", "sys/unseal", map[string]any{"key": v.unseal}, nil)
		v.until("it serves again", func() bool {
			_, err = v.crumpet.Secrets(ctx, ref, 1)
			return err == nil
		})
	})
}

func TestAMissingMountAndARefusedTokenNameTheNextStep(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, v *target) {
		ctx, ref := t.Context(), paas.AppRef{Team: "alpha", App: "shop"}
		with := func(cfg vault.Config) *vault.Client {
			cfg.Addr, cfg.Timeout = v.addr, 30*time.Second
			c, err := vault.New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		c := with(vault.Config{Token: v.root, Mount: "elsewhere", JWT: "jwt-other"})
		_, err := c.PutSecrets(ctx, ref, map[string]string{"A": "not-to-be-seen"}, 0)
		wantError(t, err, paas.Unavailable, "mounted at elsewhere/", "vault secrets enable -path=elsewhere kv-v2")
		_, err = c.Secrets(ctx, ref, 1)
		wantError(t, err, paas.Unavailable, "mounted at elsewhere/")
		_, err = c.SecretVersions(ctx, ref)
		wantError(t, err, paas.Unavailable, "mounted at elsewhere/")
		wantError(t, c.PutAppRole(ctx, ref, []string{"shop.blue"}), paas.Unavailable, "mounted at jwt-other/", "vault auth enable -path=jwt-other jwt")

		for _, token := range []string{"hvs.wrong-token", ""} {
			c = with(vault.Config{Token: token})
			_, err = c.PutSecrets(ctx, ref, map[string]string{"A": "not-to-be-seen"}, 0)
			wantError(t, err, paas.Forbidden, "crumpet/data/apps/alpha/shop/config", "policies/vault/server.hcl")
			wantError(t, c.PutAppPolicy(ctx, ref), paas.Forbidden, "sys/policies/acl/crumpet-alpha--shop")
			_, err = c.Self(ctx)
			wantError(t, err, paas.Forbidden, "auth/token/lookup-self")
		}
	})
}

// wantError checks an error's code and sentence, and that it holds nothing secret.
func wantError(t *testing.T, err error, code paas.Code, says ...string) {
	t.Helper()
	if paas.CodeOf(err) != code {
		t.Errorf("error = %v, want code %s", err, code)
		return
	}
	for _, text := range says {
		if !strings.Contains(paas.MessageOf(err), text) {
			t.Errorf("error = %q, want it to say %q", paas.MessageOf(err), text)
		}
	}
	for _, secret := range []string{"not-to-be-seen", "hvs."} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("the error shows a secret: %v", err)
		}
	}
}
