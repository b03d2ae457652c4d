package integration_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/crumpet-paas/crumpet/server/store/pgtest"
)

// guarded is a plane with a router and a Crumpet, in which each actor has a token of its policy in policies/ and nothing
// more, and reaches each program through a proxy of its own that writes down what it asks. To stories it is a dev: the
// addresses that they are told lead through proxies with management tokens, as stories ask without any.
type guarded struct {
	*plane
	record   *record
	mu       sync.Mutex // guards tokens
	tokens   map[actor]string
	postgres *pgtest.Cluster
}

const guardedConsulToken = "7d3f9f0a-2d0c-4c55-9a44-1d2b6f0f7e10"

// startGuarded starts all of it.
func startGuarded(t testing.TB) *guarded {
	t.Helper()
	found := planePrograms(t)
	postgres := pgtest.Own(t)
	g := &guarded{plane: startPlane(t, planePorts(t)), record: newRecord(), tokens: map[actor]string{}, postgres: postgres}
	g.beginConsul(found["consul"], guardedConsulToken, `encrypt = "pUqJrVyVRj5jsiYEkM/tFQYfWyJIv4s3XkvDwy7Cu5s="`)
	g.agentToken(g.give(of("consul-agent", "consul")))
	g.startVault(found["vault"])
	g.startNomad(found["nomad"])
	g.startRouter(found["fabio"])
	g.startServer()
	g.addDatabases()
	return g
}

func (g *guarded) startVault(program string) {
	g.t.Helper()
	g.beginVault(program, "raft")
	g.initVault(1, 1)
	g.write("vault/keys.json", fmt.Sprintf(`{"root_token": %q, "unseal_key": %q}`, g.admin["vault"], g.shares[0])) // as dev has them, for stories that seal it
	g.manage("vault", http.MethodPost, "/v1/sys/mounts/database", map[string]any{"type": "database"}, nil)
	g.manage("vault", http.MethodPost, "/v1/sys/auth/jwt-nomad", map[string]any{"type": "jwt"}, nil)
	g.manage("vault", http.MethodPost, "/v1/sys/auth/cert", map[string]any{"type": "cert"}, nil)
}

// startNomad starts a server and a client, in processes of their own: each has a token of its own for Consul.
func (g *guarded) startNomad(program string) {
	g.t.Helper()
	agent := func(consul actor, a nomadAgent) {
		a.consul, a.token = strings.TrimPrefix(g.proxy(consul, "consul"), "http://"), g.give(consul)
		a.vault, a.login = g.proxy(of("app", "vault"), "vault"), ownIdentity
		g.beginNomad(program, a)
	}
	agent(of("nomad-server", "consul"), nomadAgent{name: "nomad", part: "nomad", http: "127.0.0.1", roles: serverRole(oversubscribed)})
	g.bootstrapNomad("")
	g.manage("nomad", http.MethodPut, "/v1/namespace/crumpet--platform", map[string]string{"Name": "crumpet--platform"}, nil)
	g.manage("vault", http.MethodPost, "/v1/auth/jwt-nomad/config", map[string]any{"jwks_url": "http://" + g.at["nomad"] + "/.well-known/jwks.json", "jwt_supported_algs": []string{"RS256", "EdDSA"}}, nil)
	agent(of("nomad-client", "consul"), nomadAgent{
		name: "nomad-2", part: "client",
		http:  strings.TrimPrefix(g.byToken("nomad", "client"), "http://"), // the commands of people ask it for logs where it says that it is
		roles: g.clientRole("exec", 18000, 18999, "  chroot_env {\n"+smallRoot(g.t)+"  }"),
	})
	g.awaitNode()
}

// smallRoot is what tasks see: names, certificates, and a shell with cat and sleep.
func smallRoot(t testing.TB) string {
	t.Helper()
	var lines strings.Builder
	files := map[string]string{}
	for _, path := range []string{"/etc/hosts", "/etc/passwd", "/etc/group", "/etc/ssl/certs", "/etc/resolv.conf"} {
		files[path] = path
	}
	for _, tool := range []string{"sh", "cat", "sleep"} {
		path, err := exec.LookPath(tool)
		if err != nil {
			t.Fatal(err)
		}
		real, err := filepath.EvalSymlinks(path)
		if err != nil {
			t.Fatal(err)
		}
		files[real] = "/bin/" + tool
		libraries, err := exec.Command("ldd", real).Output()
		if err != nil {
			t.Fatal(err)
		}
		for word := range strings.FieldsSeq(string(libraries)) {
			if strings.HasPrefix(word, "/") {
				if lib, err := filepath.EvalSymlinks(word); err == nil {
					files[lib] = word
				}
			}
		}
	}
	for from, to := range files {
		if _, err := os.Stat(from); err == nil {
			fmt.Fprintf(&lines, "    %q = %q\n", from, to)
		}
	}
	return lines.String()
}

func (g *guarded) startRouter(program string) {
	g.t.Helper()
	fabio := of("fabio", "consul")
	g.beginFabio(program, strings.TrimPrefix(g.proxy(fabio, "consul"), "http://"), g.give(fabio), "-registry.consul.register.enabled=false")
	// As Nomad does, whose job it is on a cluster.
	client := of("nomad-client", "consul")
	g.register(g.proxy(client, "consul"), g.tokens[client])
}

// register makes Fabio known.
func (g *guarded) register(consul, token string) {
	g.t.Helper()
	host, port, _ := strings.Cut(g.at["router-admin"], ":")
	text := fmt.Sprintf(`{"ID": "fabio-one", "Name": "fabio", "Address": %q, "Port": %s, "Check": {"HTTP": "http://%s/health", "Interval": "1s", "Timeout": "2s"}}`, host, port, g.at["router-admin"])
	req, err := http.NewRequest(http.MethodPut, consul+"/v1/agent/service/register", strings.NewReader(text))
	if err != nil {
		g.t.Fatal(err)
	}
	req.Header.Set(headerOf["consul"], token)
	g.did(req)
}

// startServer starts Crumpet as one of several, with its store in PostgreSQL: such a one takes the lead in Consul.
func (g *guarded) startServer() {
	g.t.Helper()
	data := filepath.Join(g.dir, "crumpet/data")
	shareCacheOf(g.t, data)
	config := g.write("crumpet/server.hcl", fmt.Sprintf(`
name = "one"
listen = %q
data = %q
drivers = ["exec"]
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
fabio { url = %q }
`, g.at["crumpet"], data, g.write("crumpet/database", g.postgres.Database(g.t)+"\n"),
		g.proxy(of("server", "nomad"), "nomad"), g.give(of("server", "nomad")), g.proxy(of("server", "consul"), "consul"), g.give(of("server", "consul")),
		g.proxy(of("server", "vault"), "vault"), g.write("crumpet/vault-token", g.give(of("server", "vault"))+"\n"), "http://"+g.at["router"]))
	g.beginCrumpet(config)
	for program, address := range map[string]*string{"nomad": &g.info.Nomad, "consul": &g.info.Consul, "vault": &g.info.Vault} {
		*address = g.forStories(program)
	}
	g.info.Token = g.rootToken()
}
