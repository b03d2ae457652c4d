package integration_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/crumpet-paas/crumpet/server/store/pgtest"
)

// platform is a plane with a router and a Crumpet on it, whose store is a PostgreSQL. Tokens of Nomad and Consul come from
// a kept state, as `cluster up` keeps them, so a second one has those of the first.
type platform struct {
	*plane
	apps     string // folder of what its people have, which outlives it
	server   string // Crumpet's token of Vault; empty until it was made
	database *pgtest.Cluster
}

// The tokens that are kept, for every platform.
const (
	planeNomadToken  = "5b1e3b50-7a51-4bd6-9d3f-2c4f6b0a1d11"
	planeConsulToken = "c0a80101-43a1-4f6e-8a5c-9f1d2e3b4c5d"
)

// newPlatform makes the folders of one, whose people have a home.
func newPlatform(t testing.TB, at map[string]string, home string) *platform {
	t.Helper()
	database := pgtest.Own(t)
	p := &platform{plane: startPlane(t, at), apps: t.TempDir(), database: database}
	p.home = home
	return p
}

// up starts Consul, Vault, Nomad and Fabio. Vault is left as it is: it may have to be restored.
func (p *platform) up() {
	p.t.Helper()
	found := planePrograms(p.t)
	p.beginConsul(found["consul"], planeConsulToken, "")
	p.agentToken(planeConsulToken)
	p.beginVault(found["vault"], "raft")
	p.beginNomad(found["nomad"], nomadAgent{
		name: "nomad", part: "nomad", http: "127.0.0.1", consul: p.at["consul"], token: planeConsulToken, vault: p.info.Vault, login: ownIdentity,
		roles: serverRole(oversubscribed) + p.clientRole("raw_exec", 17000, 17999, "") + "plugin \"raw_exec\" {\n  config { enabled = true }\n}\n",
	})
	p.beginFabio(found["fabio"], p.at["consul"], planeConsulToken, "-registry.consul.register.addr", p.at["router-admin"])
	p.bootstrapNomad(planeNomadToken)
	p.awaitNode()
}

// tenants sets up in Vault what Crumpet needs there.
func (p *platform) tenants() {
	p.t.Helper()
	p.manage("vault", http.MethodPost, "/v1/sys/mounts/crumpet", map[string]any{"type": "kv", "options": map[string]string{"version": "2"}}, nil)
	p.manage("vault", http.MethodPost, "/v1/sys/mounts/database", map[string]any{"type": "database"}, nil)
	p.manage("vault", http.MethodPost, "/v1/sys/auth/jwt-nomad", map[string]any{"type": "jwt"}, nil)
	p.manage("vault", http.MethodPost, "/v1/auth/jwt-nomad/config", map[string]any{"jwks_url": p.info.Nomad + "/.well-known/jwks.json", "jwt_supported_algs": []string{"RS256", "EdDSA"}}, nil)
	p.manage("vault", http.MethodPut, "/v1/sys/policies/acl/crumpet", map[string]string{"policy": policyOf(p.t, of("server", "vault"))}, nil)
	var made struct {
		Auth struct {
			Token string `json:"client_token"`
		}
	}
	p.manage("vault", http.MethodPost, "/v1/auth/token/create-orphan", map[string]any{"policies": []string{"crumpet"}, "no_default_policy": true, "period": "72h"}, &made)
	p.server = made.Auth.Token
}

// configure writes the configuration of Crumpet's server and gives its path. Its tokens are least of all: management
// tokens come with the environment.
func (p *platform) configure() string {
	p.t.Helper()
	url := p.write("crumpet/database", p.database.Database(p.t)+"\n")
	data := filepath.Join(p.dir, "crumpet/data")
	if err := os.MkdirAll(data, 0o700); err != nil {
		p.t.Fatal(err)
	}
	shareCacheOf(p.t, data)
	return p.write("crumpet/server.hcl", fmt.Sprintf(`
name = "one"
listen = %q
data = %q
drivers = ["raw_exec"]
store { url_file = %q }
nomad {
  address = %q
  token = %q
}
consul {
  address = %q
  token = %q
}
vault {
  address = %q
  token_file = %q
}
fabio {
  addresses = [%q]
  url = %q
}
`, p.at["crumpet"], data, url, p.info.Nomad, planeNomadToken, p.info.Consul, planeConsulToken,
		p.info.Vault, p.write("crumpet/vault-token", p.server+"\n"), p.info.Fabio, p.info.Router))
}

// destroy kills every program and all that it started, and removes all folders, as losing the machine does.
func (p *platform) destroy() {
	for _, name := range []string{"crumpet", "router", "nomad", "vault", "consul"} {
		p.kill(name)
	}
	_ = p.database.Halt() // it may be halted already
	p.clear()
}
