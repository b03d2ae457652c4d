package vault_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/google/go-cmp/cmp"
	vaultapi "github.com/hashicorp/vault/api"
)

// issuer signs identities and publishes its keys, as Nomad does.
type issuer struct {
	*httptest.Server
	t testing.TB

	mu   sync.Mutex
	key  *ecdsa.PrivateKey
	name string
}

func newIssuer(t testing.TB) *issuer {
	t.Helper()
	i := &issuer{t: t}
	i.rotate("one")
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		i.mu.Lock()
		defer i.mu.Unlock()
		set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: i.key.Public(), KeyID: i.name, Algorithm: string(jose.ES256), Use: "sig"}}}
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(set); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(i.Close)
	return i
}

func (i *issuer) rotate(name string) {
	i.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(i.t, err)
	i.mu.Lock()
	defer i.mu.Unlock()
	i.key, i.name = key, name
}

// sign makes an identity; changes replace or, with nil, remove claims.
func (i *issuer) sign(changes map[string]any) string {
	i.t.Helper()
	claims := map[string]any{
		"aud": "vault.io", "iat": time.Now().Unix(), "nbf": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
		"nomad_namespace": "default", "nomad_job_id": "shop.blue", "nomad_task": "web", "sub": "global:default:shop.blue",
		"extra": map[string]any{"unique": "global:default:shop"},
	}
	maps.Copy(claims, changes)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	i.mu.Lock()
	defer i.mu.Unlock()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: i.key, KeyID: i.name}}, nil)
	check(i.t, err)
	raw, err := jwt.Signed(signer).Claims(claims).Serialize()
	check(i.t, err)
	return raw
}

// shopRole is the role of an app with its two jobs, as Crumpet writes it.
func shopRole() map[string]any {
	return map[string]any{
		"role_type": "jwt", "bound_audiences": []string{"vault.io"}, "user_claim": "/nomad_job_id", "user_claim_json_pointer": true,
		"bound_claims":   map[string]any{"nomad_namespace": "default", "nomad_job_id": []string{"shop.blue", "shop.green"}},
		"claim_mappings": map[string]string{"nomad_task": "task"}, "token_policies": []string{"shop"}, "token_ttl": "30m", "token_type": "service",
	}
}

func TestWorkloadsLogIn(t *testing.T) {
	t.Parallel()
	s := contract(t, "jwtkv")
	keys := newIssuer(t)
	check(t, s.Sys().EnableAuthWithOptions("nomad", &vaultapi.EnableAuthOptions{Type: "jwt"}))
	err := s.Sys().EnableAuthWithOptions("nomad", &vaultapi.EnableAuthOptions{Type: "jwt"})
	refused(t, err, 400, "path is already in use at nomad/")
	auths, err := s.Sys().ListAuth()
	check(t, err)
	if auths["nomad/"] == nil || auths["nomad/"].Type != "jwt" || auths["token/"] == nil {
		t.Errorf("auth methods are %v", auths)
	}
	write := func(path string, data map[string]any) {
		t.Helper()
		_, err := s.Logical().Write(path, data)
		check(t, err)
	}
	login := func(role, jwt string) (*vaultapi.Secret, error) {
		return client(t, s.url, "").Logical().Write("auth/nomad/login", map[string]any{"role": role, "jwt": jwt})
	}
	_, err = login("shop", keys.sign(nil))
	refused(t, err, 400, "could not load configuration")
	_, err = s.Logical().Write("auth/nomad/config", map[string]any{"jwks_url": keys.URL + "/gone\x7f"})
	refused(t, err, 400, "error checking jwks URL")
	write("auth/nomad/config", map[string]any{"jwks_url": keys.URL, "jwt_supported_algs": []string{"ES256"}, "default_role": "shop"})
	write("auth/nomad/role/shop", shopRole())
	check(t, s.Sys().PutPolicy("shop", `path "jwtkv/data/shop" { capabilities = ["read"] }`))
	write("jwtkv/data/shop", map[string]any{"data": map[string]any{"A": "1"}})
	write("jwtkv/data/other", map[string]any{"data": map[string]any{"A": "1"}})

	t.Run("with an identity of the app, and may do what its policy says", func(t *testing.T) {
		got, err := login("shop", keys.sign(nil))
		check(t, err)
		if diff := cmp.Diff([]string{"default", "shop"}, got.Auth.TokenPolicies); diff != "" {
			t.Errorf("policies (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(map[string]string{"role": "shop", "task": "web"}, got.Auth.Metadata); diff != "" {
			t.Errorf("metadata (-want +got):\n%s", diff)
		}
		if got.Auth.LeaseDuration != 1800 || !got.Auth.Renewable || got.Auth.EntityID == "" {
			t.Errorf("auth is %+v", got.Auth)
		}
		c := client(t, s.url, got.Auth.ClientToken)
		_, err = c.Logical().Read("jwtkv/data/shop")
		check(t, err)
		_, err = c.Logical().Read("jwtkv/data/other")
		refused(t, err, 403, "permission denied")
		again, err := login("shop", keys.sign(nil))
		check(t, err)
		if again.Auth.EntityID != got.Auth.EntityID || again.Auth.ClientToken == got.Auth.ClientToken {
			t.Errorf("the second login is %+v after %+v", again.Auth, got.Auth)
		}
	})
	t.Run("with the identity of the other slot, and the default role", func(t *testing.T) {
		_, err := login("", keys.sign(map[string]any{"nomad_job_id": "shop.green"}))
		check(t, err)
	})
	other := newIssuer(t)
	for _, tc := range []struct {
		name, role, jwt, text string
	}{
		{"not under a role that is not there", "none", keys.sign(nil), `role "none" could not be found`},
		{"not without an identity", "shop", "", "missing token"},
		{"not with what is no identity", "shop", "abc", ""},
		{"not with another issuer's signature", "shop", other.sign(nil), "error validating token"},
		{"not as another job", "shop", keys.sign(map[string]any{"nomad_job_id": "shop.evil"}), "does not match any associated bound claim values"},
		{"not from another namespace", "shop", keys.sign(map[string]any{"nomad_namespace": "evil"}), "does not match any associated bound claim values"},
		{"not without a bound claim", "shop", keys.sign(map[string]any{"nomad_namespace": nil}), `claim "nomad_namespace" is missing`},
		{"not for another audience", "shop", keys.sign(map[string]any{"aud": "consul.io"}), "aud"},
		{"not after it expired", "shop", keys.sign(map[string]any{"exp": time.Now().Add(-time.Hour).Unix(), "nbf": nil, "iat": nil}), "error validating token"},
		{"not before it begins", "shop", keys.sign(map[string]any{"nbf": time.Now().Add(time.Hour).Unix()}), "error validating token"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := login(tc.role, tc.jwt)
			refused(t, err, 400, tc.text)
		})
	}
	t.Run("not with an unsigned identity", func(t *testing.T) {
		signed := strings.Split(keys.sign(nil), ".")
		_, err := login("shop", "eyJhbGciOiJub25lIn0."+signed[1]+".")
		refused(t, err, 400, "")
	})
	t.Run("after the issuer rotated its key", func(t *testing.T) {
		keys.rotate("two")
		_, err := login("shop", keys.sign(nil))
		check(t, err)
	})
	t.Run("not at a mount that is not there", func(t *testing.T) {
		_, err := client(t, s.url, "").Logical().Write("auth/none/login", map[string]any{"role": "shop", "jwt": keys.sign(nil)})
		refused(t, err, 403, "permission denied")
	})
}

func TestRolesAreChecked(t *testing.T) {
	t.Parallel()
	s := contract(t, "roles")
	check(t, s.Sys().EnableAuthWithOptions("rolejwt", &vaultapi.EnableAuthOptions{Type: "jwt"}))
	_, err := s.Logical().Write("auth/rolejwt/role/r", map[string]any{"bound_audiences": "x"})
	refused(t, err, 400, "a user claim must be defined on the role")
	_, err = s.Logical().Write("auth/rolejwt/config", map[string]any{})
	refused(t, err, 400, "exactly one of")
	_, err = s.Logical().Write("auth/rolejwt/role/r", shopRole())
	check(t, err)
	role, err := s.Logical().Read("auth/rolejwt/role/r")
	check(t, err)
	if role.Data["user_claim"] != "/nomad_job_id" || role.Data["token_ttl"] != json.Number("1800") {
		t.Errorf("role is %v", role.Data)
	}
	for _, given := range []any{"shop, other", []string{"shop", "other"}} { // a text with commas is a list, too
		written := shopRole()
		written["token_policies"] = given
		_, err = s.Logical().Write("auth/rolejwt/role/r", written)
		check(t, err)
		role, err := s.Logical().Read("auth/rolejwt/role/r")
		check(t, err)
		if diff := cmp.Diff([]any{"shop", "other"}, role.Data["token_policies"]); diff != "" {
			t.Errorf("policies written as %v (-want +got):\n%s", given, diff)
		}
	}
	names, err := s.Logical().List("auth/rolejwt/role")
	check(t, err)
	if diff := cmp.Diff([]any{"r"}, names.Data["keys"]); diff != "" {
		t.Errorf("roles (-want +got):\n%s", diff)
	}
	_, err = s.Logical().Delete("auth/rolejwt/role/r")
	check(t, err)
	if role, err := s.Logical().Read("auth/rolejwt/role/r"); err != nil || role != nil {
		t.Errorf("a deleted role is %v, %v", role, err)
	}
}
