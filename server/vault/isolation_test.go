package vault_test

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/devstack/nomad/identity"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/vault"
)

// The app that tries to cross, and those that it tries to reach: another of its team, one of its own name
// in another team, and one whose name begins with its own.
var (
	attacker = paas.AppRef{Team: "alpha", App: "shop"}
	others   = []paas.AppRef{{Team: "alpha", App: "store"}, {Team: "beta", App: "shop"}, {Team: "alpha", App: "shop-staging"}}
)

// crossing is one call that an app's own token must not get through with.
type crossing struct {
	name   string
	method string
	path   string
	body   any
	want   int // 403 unless said; 400 where the path itself is refused
}

const (
	store = "apps/alpha/store/config"
	mine  = "apps/alpha/shop/config"
)

// crossings are tried with the token of app shop of team alpha.
func crossings(v *target) []crossing {
	data := map[string]any{"data": map[string]string{"KEY": "taken over"}}
	one := map[string]any{"versions": []int{1}}
	policy := map[string]any{"policy": `path "*" { capabilities = ["read", "list", "sudo"] }`}
	role := map[string]any{"role_type": "jwt", "user_claim": "sub", "bound_audiences": []string{"vault.io"}, "token_policies": []string{"root"}}
	server := map[string]any{"token": v.server}
	lease := map[string]any{"lease_id": "database/creds/crumpet-alpha--store--db/0123456789abcdefghijklmn"}
	return []crossing{
		// Other apps.
		{name: "read another app of the team", method: "GET", path: "crumpet/data/" + store},
		{name: "read an old version of it", method: "GET", path: "crumpet/data/" + store + "?version=1"},
		{name: "read the app of the same name in another team", method: "GET", path: "crumpet/data/apps/beta/shop/config"},
		{name: "read an app whose name begins alike", method: "GET", path: "crumpet/data/apps/alpha/shop-staging/config"},
		{name: "read below another app", method: "GET", path: "crumpet/data/apps/alpha/store/x/y"},
		{name: "write another app", method: "PUT", path: "crumpet/data/" + store, body: data},
		{name: "patch another app", method: "PATCH", path: "crumpet/data/" + store, body: data},
		{name: "make an app's secrets before it", method: "PUT", path: "crumpet/data/apps/alpha/new/config", body: data},
		{name: "delete another app's newest version", method: "DELETE", path: "crumpet/data/" + store},
		{name: "delete a version of another app", method: "PUT", path: "crumpet/delete/" + store, body: one},
		{name: "undelete a version of another app", method: "PUT", path: "crumpet/undelete/" + store, body: one},
		{name: "destroy a version of another app", method: "PUT", path: "crumpet/destroy/" + store, body: one},
		{name: "read another app's metadata", method: "GET", path: "crumpet/metadata/" + store},
		{name: "change another app's metadata", method: "PUT", path: "crumpet/metadata/" + store, body: map[string]any{"max_versions": 1}},
		{name: "delete another app's metadata", method: "DELETE", path: "crumpet/metadata/" + store},
		{name: "read another app's subkeys", method: "GET", path: "crumpet/subkeys/" + store},

		// Lists.
		{name: "list teams", method: "LIST", path: "crumpet/metadata/apps"},
		{name: "list the apps of the own team", method: "LIST", path: "crumpet/metadata/apps/alpha"},
		{name: "list the apps of another team", method: "LIST", path: "crumpet/metadata/apps/beta/"},
		{name: "list by parameter", method: "GET", path: "crumpet/metadata/apps/alpha/?list=true"},
		{name: "list the mount", method: "LIST", path: "crumpet/metadata"},
		{name: "list the own app", method: "LIST", path: "crumpet/metadata/apps/alpha/shop"},
		{name: "list data", method: "LIST", path: "crumpet/data/apps/alpha"},

		// Its own, beyond reading.
		{name: "read its own metadata", method: "GET", path: "crumpet/metadata/" + mine},
		{name: "write its own secrets", method: "PUT", path: "crumpet/data/" + mine, body: data},
		{name: "patch its own secrets", method: "PATCH", path: "crumpet/data/" + mine, body: data},
		{name: "delete its own secrets", method: "DELETE", path: "crumpet/data/" + mine},
		{name: "destroy its own version", method: "PUT", path: "crumpet/destroy/" + mine, body: one},
		{name: "delete its own metadata", method: "DELETE", path: "crumpet/metadata/" + mine},

		// Paths that look like its own.
		{name: "go up by ..", method: "GET", path: "crumpet/data/apps/alpha/shop/../store/config"},
		{name: "go up to another team", method: "GET", path: "crumpet/data/apps/alpha/shop/../../beta/shop/config"},
		{name: "go up to the platform's keys", method: "GET", path: "crumpet/data/apps/alpha/shop/../../../platform/artifacts"},
		{name: "go up to metadata", method: "GET", path: "crumpet/data/apps/alpha/shop/../../../../metadata/" + store},
		{name: "go up by encoded dots", method: "GET", path: "crumpet/data/apps/alpha/shop/%2e%2e/store/config", want: http.StatusBadRequest},
		{name: "go up by an encoded slash", method: "GET", path: "crumpet/data/apps/alpha/shop/..%2fstore/config", want: http.StatusBadRequest},
		{name: "go up by encoded slashes on both sides", method: "GET", path: "crumpet/data/apps/alpha/shop%2f..%2fstore/config", want: http.StatusBadRequest},
		{name: "another app by an encoded slash", method: "GET", path: "crumpet/data/apps/alpha%2fstore/config"},
		{name: "another app by two slashes", method: "GET", path: "crumpet/data//apps/alpha/store/config"},
		{name: "another app in capitals", method: "GET", path: "crumpet/data/apps/ALPHA/STORE/config"},
		{name: "a star for the app", method: "GET", path: "crumpet/data/apps/alpha/*/config"},
		{name: "a plus for the app", method: "GET", path: "crumpet/data/apps/alpha/+/config"},

		// Crumpet's own.
		{name: "read a platform key", method: "GET", path: "crumpet/data/platform/artifacts"},
		{name: "write a platform key", method: "PUT", path: "crumpet/data/platform/artifacts", body: data},
		{name: "list platform keys", method: "LIST", path: "crumpet/metadata/platform"},
		{name: "read the mount's config", method: "GET", path: "crumpet/config"},

		// sys/.
		{name: "list mounts", method: "GET", path: "sys/mounts"},
		{name: "make a mount", method: "POST", path: "sys/mounts/own", body: map[string]any{"type": "kv"}},
		{name: "take a mount away", method: "DELETE", path: "sys/mounts/crumpet"},
		{name: "list auth methods", method: "GET", path: "sys/auth"},
		{name: "make an auth method", method: "POST", path: "sys/auth/own", body: map[string]any{"type": "jwt"}},
		{name: "list policies", method: "LIST", path: "sys/policies/acl"},
		{name: "read its own policy", method: "GET", path: "sys/policies/acl/crumpet-alpha--shop"},
		{name: "read another app's policy", method: "GET", path: "sys/policies/acl/crumpet-alpha--store"},
		{name: "write its own policy", method: "PUT", path: "sys/policies/acl/crumpet-alpha--shop", body: policy},
		{name: "write the server's policy", method: "PUT", path: "sys/policies/acl/crumpet", body: policy},
		{name: "seal", method: "PUT", path: "sys/seal"},
		{name: "list audit devices", method: "GET", path: "sys/audit"},
		{name: "look a lease up", method: "PUT", path: "sys/leases/lookup", body: lease},
		{name: "list leases", method: "LIST", path: "sys/leases/lookup/database/creds"},
		{name: "revoke a lease", method: "PUT", path: "sys/leases/revoke", body: lease},
		{name: "revoke leases by prefix", method: "PUT", path: "sys/leases/revoke-prefix/database/creds"},
		{name: "ask what another token may", method: "PUT", path: "sys/capabilities", body: map[string]any{"token": v.server, "paths": []string{"crumpet/data/" + store}}},
		{name: "wrap a value", method: "PUT", path: "sys/wrapping/wrap", body: map[string]any{"a": "b"}},

		// Roles and tokens.
		{name: "read its own role", method: "GET", path: "auth/jwt-nomad/role/crumpet-alpha--shop"},
		{name: "write its own role", method: "PUT", path: "auth/jwt-nomad/role/crumpet-alpha--shop", body: role},
		{name: "make a role", method: "PUT", path: "auth/jwt-nomad/role/own", body: role},
		{name: "delete another app's role", method: "DELETE", path: "auth/jwt-nomad/role/crumpet-alpha--store"},
		{name: "list roles", method: "LIST", path: "auth/jwt-nomad/role"},
		{name: "read whose identities are believed", method: "GET", path: "auth/jwt-nomad/config"},
		{name: "say whose identities are believed", method: "PUT", path: "auth/jwt-nomad/config", body: map[string]any{"jwks_url": "http://127.0.0.1:1/"}},
		{name: "make a child token", method: "POST", path: "auth/token/create", body: map[string]any{}},
		{name: "make a child token with a policy", method: "POST", path: "auth/token/create", body: map[string]any{"policies": []string{"crumpet-alpha--store"}}},
		{name: "make an orphan", method: "POST", path: "auth/token/create-orphan", body: map[string]any{}},
		{name: "look the server's token up", method: "POST", path: "auth/token/lookup", body: server},
		{name: "renew the server's token", method: "POST", path: "auth/token/renew", body: server},
		{name: "revoke the server's token", method: "POST", path: "auth/token/revoke", body: server},
		{name: "list tokens", method: "LIST", path: "auth/token/accessors"},
		{name: "look a token up by accessor", method: "POST", path: "auth/token/lookup-accessor", body: map[string]any{"accessor": "0123456789abcdefghijklmn"}},
		{name: "list entities", method: "LIST", path: "identity/entity/id"},
		{name: "keep something in a cubbyhole", method: "PUT", path: "cubbyhole/own", body: map[string]any{"a": "b"}},

		// Database credentials.
		{name: "a credential of another app", method: "GET", path: "database/creds/crumpet-alpha--store--db"},
		{name: "a credential of another team's app", method: "GET", path: "database/creds/crumpet-beta--shop--db"},
		{name: "a credential of an app whose name begins alike", method: "GET", path: "database/creds/crumpet-alpha--shop-staging--db"},
		{name: "a credential by ..", method: "GET", path: "database/creds/crumpet-alpha--shop--db/../crumpet-alpha--store--db"},
		{name: "a role of its own on the database", method: "PUT", path: "database/roles/crumpet-alpha--shop--db", body: map[string]any{"db_name": "pg"}},
		{name: "a database's account", method: "GET", path: "database/config/crumpet-pg"},
	}
}

// TestAnAppsTokenCrossesNoBorder: all that a task could try with the token which its identity gives it.
func TestAnAppsTokenCrossesNoBorder(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, v *target) {
		planted := v.apps(append([]paas.AppRef{attacker}, others...)...)
		token, _, policies := v.login(vault.AppRole(attacker), v.identity("alpha", "shop.blue", "vault.io", time.Now()))
		if diff := gocmp.Diff([]string{"crumpet-alpha--shop"}, policies); diff != "" {
			t.Errorf("policies of the token: %s", diff)
		}

		reads := func() {
			t.Helper()
			status, text := v.send(token, "GET", "crumpet/data/"+mine+"?version=1", nil)
			if status != http.StatusOK || !strings.Contains(text, planted[attacker]) {
				t.Fatalf("its own secrets: %d %s", status, text)
			}
		}
		reads()
		denied := 0
		for _, c := range crossings(v) {
			status, text := v.send(token, c.method, c.path, c.body)
			if want := cmp.Or(c.want, http.StatusForbidden); status != want {
				t.Errorf("%s: %s %s: status %d, want %d: %s", c.name, c.method, c.path, status, want, text)
				continue
			}
			for _, other := range others {
				if strings.Contains(text, planted[other]) {
					t.Errorf("%s: %s %s shows a secret of %s", c.name, c.method, c.path, other)
				}
			}
			denied++
		}
		t.Logf("%d attempts, %d denied", len(crossings(v)), denied)

		// What was tried has changed nothing, and what it may do it still may.
		reads()
		for _, ref := range others {
			values, err := v.crumpet.Secrets(t.Context(), ref, 1)
			if err != nil || values["KEY"] != planted[ref] {
				t.Errorf("the secrets of %s afterwards: %v", ref, err)
			}
		}
		for _, may := range []struct{ method, path string }{{"GET", "auth/token/lookup-self"}, {"PUT", "auth/token/renew-self"}} {
			if status, text := v.send(token, may.method, may.path, nil); status != http.StatusOK {
				t.Errorf("%s %s: %d %s", may.method, may.path, status, text)
			}
		}
		for _, may := range []struct{ method, path string }{{"GET", "database/creds/crumpet-alpha--shop--db"}, {"PUT", "sys/leases/renew"}} {
			if status, text := v.send(token, may.method, may.path, nil); status == http.StatusForbidden { // there is neither a database nor a lease
				t.Errorf("%s %s: %d %s", may.method, may.path, status, text)
			}
		}
		if err := v.crumpet.DeleteAppPolicy(t.Context(), attacker); err != nil {
			t.Fatal(err)
		}
		if status, _ := v.send(token, "GET", "crumpet/data/"+mine, nil); status != http.StatusForbidden {
			t.Errorf("without its policy the token still reads: %d", status)
		}
	})
}

// TestOnlyAnAppsOwnJobsLogIn: identities that are not those of the app's jobs get no token of it.
func TestOnlyAnAppsOwnJobsLogIn(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, v *target) {
		v.apps(append([]paas.AppRef{attacker}, others...)...)
		stranger, err := identity.Open(t.TempDir() + "/other.pem")
		if err != nil {
			t.Fatal(err)
		}
		believed, now := v.nomad, time.Now()
		v.nomad = stranger
		forged := v.identity("alpha", "shop.blue", "vault.io", now)
		v.nomad = believed
		own := v.identity("alpha", "shop.blue", "vault.io", now)
		role := vault.AppRole(attacker)
		for _, try := range []struct{ name, role, jwt string }{
			{"another app's role", vault.AppRole(others[0]), own},
			{"the role of the same name in another team", vault.AppRole(others[1]), own},
			{"the role of an app whose name begins alike", vault.AppRole(others[2]), own},
			{"a role that is not there", "crumpet-alpha--none", own},
			{"a job of the same id in another team", role, v.identity("beta", "shop.blue", "vault.io", now)},
			{"another app's job", role, v.identity("alpha", "store.blue", "vault.io", now)},
			{"a job of the app that was not named", role, v.identity("alpha", "shop.run.x1", "vault.io", now)},
			{"a job whose id begins with one", role, v.identity("alpha", "shop.blue2", "vault.io", now)},
			{"a job whose id ends with one", role, v.identity("alpha", "x.shop.blue", "vault.io", now)},
			{"a star for the job", role, v.identity("alpha", "shop.*", "vault.io", now)},
			{"an identity for another audience", role, v.identity("alpha", "shop.blue", "consul.io", now)},
			{"an identity that has run out", role, v.identity("alpha", "shop.blue", "vault.io", now.Add(-3*time.Hour))},
			{"an identity of another Nomad", role, forged},
			{"an identity whose end was cut off", role, own[:len(own)-8]},
			{"an identity without a signature", role, own[:strings.LastIndexByte(own, '.')+1]},
			{"no identity", role, ""},
		} {
			status, text := v.send("", "PUT", "auth/jwt-nomad/login", map[string]any{"role": try.role, "jwt": try.jwt})
			if status != http.StatusBadRequest && status != http.StatusForbidden {
				t.Errorf("%s: status %d, want 400 or 403: %s", try.name, status, text)
			}
			if strings.Contains(text, "client_token") {
				t.Errorf("%s gets a token", try.name)
			}
		}

		// The same job id in two teams is two entities, and so are two apps; two starts of a task are one.
		_, here, _ := v.login(role, own)
		_, again, _ := v.login(role, v.identity("alpha", "shop.blue", "vault.io", now.Add(time.Second)))
		_, there, _ := v.login(vault.AppRole(others[1]), v.identity("beta", "shop.blue", "vault.io", now))
		if here == "" || here != again || here == there {
			t.Errorf("entities: %s, again %s, in the other team %s", here, again, there)
		}
		if _, _, policies := v.login(role, v.identity("alpha", "shop.green", "vault.io", now)); len(policies) != 1 {
			t.Errorf("the other slot: policies %v", policies)
		}
		if err := v.crumpet.DeleteAppRole(t.Context(), attacker); err != nil {
			t.Fatal(err)
		}
		if status, text := v.send("", "PUT", "auth/jwt-nomad/login", map[string]any{"role": role, "jwt": own}); status != http.StatusBadRequest && status != http.StatusForbidden {
			t.Errorf("without its role it logs in: %d %s", status, text)
		}
	})
}

// apps gives each app what it has in Vault, through the adapter and with the server's token, and a secret
// to look for.
func (v *target) apps(refs ...paas.AppRef) map[paas.AppRef]string {
	v.t.Helper()
	planted := map[paas.AppRef]string{}
	for _, ref := range refs {
		planted[ref] = fmt.Sprintf("planted-%s-%s", ref.Team, ref.App)
		if _, err := v.crumpet.PutSecrets(v.t.Context(), ref, map[string]string{"KEY": planted[ref]}, 0); err != nil {
			v.t.Fatal(err)
		}
		if err := v.crumpet.PutAppPolicy(v.t.Context(), ref); err != nil {
			v.t.Fatal(err)
		}
		if err := v.crumpet.PutAppRole(v.t.Context(), ref, []string{ref.App + ".green", ref.App + ".blue"}); err != nil {
			v.t.Fatal(err)
		}
	}
	return planted
}
