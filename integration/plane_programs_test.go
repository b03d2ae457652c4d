package integration_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// planePrograms finds the programs of a plane, or skips the test and says which is missing.
func planePrograms(t testing.TB) map[string]string {
	t.Helper()
	found := map[string]string{}
	for name, files := range map[string][]string{"nomad": {"nomad"}, "consul": {"consul"}, "vault": {"vault", "bao"}, "fabio": {"fabio"}} {
		for _, file := range files {
			if path, err := exec.LookPath(file); err == nil {
				found[name] = path
			}
		}
		if found[name] == "" {
			t.Skipf("%s is not on PATH", strings.Join(files, " or "))
		}
	}
	return found
}

// beginConsul starts Consul with a management token, and more of a configuration, and waits until it takes the token.
func (p *plane) beginConsul(program, token, more string) {
	p.t.Helper()
	p.admin["consul"] = token
	p.begin("consul", nil, program, "agent", "-config-file", p.write("consul/consul.hcl", fmt.Sprintf(`
server = true
bootstrap_expect = 1
node_name = "one"
data_dir = %q
bind_addr = "127.0.0.1"
client_addr = "127.0.0.1"
disable_update_check = true
performance { raft_multiplier = 1 }
ports {
  http = %s
  dns = -1
  grpc = -1
  server = %s
  serf_lan = %s
  serf_wan = -1
}
acl {
  enabled = true
  default_policy = "deny"
  tokens { master = %q }
}
%s
`, filepath.Join(p.dir, "consul/data"), portOf(p.at["consul"]), portOf(p.at["consul-server"]), portOf(p.at["consul-serf"]), token, more)))
	p.until(time.Minute, "Consul leads and takes its token", func() bool { // a new one is in another mode at first
		code, _ := p.ask("consul", http.MethodGet, "/v1/acl/token/self", nil, nil)
		return code == http.StatusOK
	})
}

// agentToken gives Consul's agent the token by which it keeps its own node.
func (p *plane) agentToken(token string) {
	p.t.Helper()
	p.manage("consul", http.MethodPut, "/v1/agent/token/agent", map[string]string{"Token": token}, nil)
}

// beginVault starts Vault, which keeps what it has in a storage of that kind: raft or file.
func (p *plane) beginVault(program, storage string) {
	p.t.Helper()
	data := filepath.Join(p.dir, "vault/data")
	if err := os.MkdirAll(data, 0o700); err != nil {
		p.t.Fatal(err)
	}
	p.begin("vault", nil, program, "server", "-config", p.write("vault/vault.hcl", fmt.Sprintf(`
disable_mlock = true
api_addr = "http://%[1]s"
cluster_addr = "http://%[2]s"
storage %[4]q {
  path = %[3]q
  node_id = "one"
}
listener "tcp" {
  address = %[1]q
  cluster_address = %[2]q
  tls_disable = true
}
`, p.at["vault"], p.at["vault-cluster"], data, storage)))
}

// initVault initializes and unseals a new Vault, whose key is cut into shares.
func (p *plane) initVault(shares, threshold int) {
	p.t.Helper()
	var made struct {
		Keys []string `json:"keys_base64"`
		Root string   `json:"root_token"`
	}
	p.until(time.Minute, "Vault is initialized", func() bool {
		code, _ := p.call("vault", "", http.MethodPut, "/v1/sys/init", map[string]int{"secret_shares": shares, "secret_threshold": threshold}, &made)
		return code == http.StatusOK
	})
	p.shares, p.admin["vault"] = made.Keys, made.Root
	for _, share := range p.shares[:threshold] {
		p.manage("vault", http.MethodPut, "/v1/sys/unseal", map[string]string{"key": share}, nil)
	}
	p.until(time.Minute, "Vault serves", func() bool {
		code, _ := p.call("vault", "", http.MethodGet, "/v1/sys/health", nil, nil)
		return code == http.StatusOK
	})
}

// nomadAgent is an agent of Nomad: a server, a client, or both, as its roles say.
type nomadAgent struct {
	name   string // of its folder as well: nomad, or nomad-2 for a second one, as the guard knows them
	part   string // of its addresses
	http   string // where it says that its API is
	consul string // address and token
	token  string
	vault  string // URL
	roles  string // blocks of the configuration
	login  string // what tasks log in to Vault with, where their jobs do not say
}

// ownIdentity is that of a task of an app.
const ownIdentity = `
  default_identity {
    aud = ["vault.io"]
    ttl = "1h"
  }`

func (p *plane) beginNomad(program string, a nomadAgent) {
	p.t.Helper()
	p.begin(a.name, nil, program, "agent", "-config", p.write(a.name+"/nomad.hcl", fmt.Sprintf(`
name = %q
data_dir = %q
bind_addr = "127.0.0.1"
disable_update_check = true
ports {
  http = %s
  rpc = %s
  serf = %s
}
advertise {
  http = %q
  rpc = "127.0.0.1"
  serf = "127.0.0.1"
}
acl {
  enabled = true
  token_ttl = "1s"
  policy_ttl = "1s"
}
consul {
  address = %q
  token = %q
  server_auto_join = false
  client_auto_join = false
}
vault {
  enabled = true
  address = %q
  jwt_auth_backend_path = "jwt-nomad"%s
}
%s`, a.name, filepath.Join(p.dir, a.name), portOf(p.at[a.part]), portOf(p.at[a.part+"-rpc"]), portOf(p.at[a.part+"-serf"]), a.http,
		a.consul, a.token, a.vault, a.login, a.roles)))
}

// serverRole is a single server of Nomad, with more of a configuration.
func serverRole(more string) string {
	return fmt.Sprintf(`
server {
  enabled = true
  bootstrap_expect = 1
  raft_multiplier = 1
%s
}
`, more)
}

const oversubscribed = `  default_scheduler_config { memory_oversubscription_enabled = true }`

// clientRole is a client of Nomad whose tasks get ports from first to last, with one driver and more of a configuration.
func (p *plane) clientRole(driver string, first, last int, more string) string {
	return fmt.Sprintf(`
client {
  enabled = true
  network_interface = "lo"
  servers = [%q]
  min_dynamic_port = %d
  max_dynamic_port = %d
  cgroup_parent = "/nomad-%s"
  options = {
    "fingerprint.denylist" = "env_aws,env_gce,env_azure,env_digitalocean"
    "driver.allowlist" = %q
  }
%s
}
`, p.at["nomad-rpc"], first, last, portOf(p.at["nomad"]), driver, more)
}

// bootstrapNomad waits until Nomad leads and has its first management token: a given one, or else one of its own.
func (p *plane) bootstrapNomad(secret string) {
	p.t.Helper()
	var made struct{ SecretID string }
	var body any
	if secret != "" {
		body = map[string]string{"BootstrapSecret": secret}
	}
	p.until(time.Minute, "Nomad is bootstrapped", func() bool {
		code, text := p.call("nomad", "", http.MethodPut, "/v1/acl/bootstrap", body, &made)
		return code == http.StatusOK || secret != "" && strings.Contains(text, "bootstrap already done")
	})
	p.admin["nomad"] = secret
	if secret == "" {
		p.admin["nomad"] = made.SecretID
	}
}

// awaitNode waits until Nomad's node is ready and has attributes.
func (p *plane) awaitNode(attributes ...string) {
	p.t.Helper()
	p.until(time.Minute, "Nomad's node is ready", func() bool {
		var nodes []struct{ Status, ID string }
		var node struct{ Attributes map[string]string }
		if code, _ := p.ask("nomad", http.MethodGet, "/v1/nodes", nil, &nodes); code != http.StatusOK || len(nodes) != 1 || nodes[0].Status != "ready" {
			return false
		}
		if code, _ := p.ask("nomad", http.MethodGet, "/v1/node/"+nodes[0].ID, nil, &node); code != http.StatusOK {
			return false
		}
		for _, a := range attributes {
			if node.Attributes[a] == "" {
				return false
			}
		}
		return true
	})
}

// beginFabio starts the router, which registers itself where it is told to. Its token stands in the environment: an
// argument shows in the list of processes.
func (p *plane) beginFabio(program, consul, token string, more ...string) {
	p.t.Helper()
	p.begin("router", []string{"FABIO_REGISTRY_CONSUL_TOKEN=" + token}, append([]string{
		program,
		"-proxy.addr", p.at["router"] + "," + p.at["router-metrics"] + ";proto=prometheus", "-metrics.target", "prometheus", "-metrics.prefix", "fabio",
		"-proxy.strategy", "rnd", "-proxy.dialtimeout", "1s", "-ui.addr", p.at["router-admin"], "-ui.access", "ro", "-registry.consul.addr", consul,
		"-registry.consul.kvpath", "/fabio/config/", "-registry.consul.checksRequired", "all", "-insecure",
	}, more...)...)
}

// beginCrumpet starts Crumpet's server and waits until it serves.
func (p *plane) beginCrumpet(config string) {
	p.t.Helper()
	p.begin("crumpet", nil, crumpet, "server", "--config", config)
	p.until(2*time.Minute, "Crumpet serves", func() bool {
		select {
		case <-p.programs["crumpet"].done:
			p.t.Fatalf("Crumpet ended:\n%s", p.programs["crumpet"].out)
		default:
		}
		answer, err := http.Get(p.info.Addr + "/readyz")
		if err != nil {
			return false
		}
		_ = answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
}

// rootToken is the first token that Crumpet's server made.
func (p *plane) rootToken() string {
	p.t.Helper()
	text, err := os.ReadFile(filepath.Join(p.dir, "crumpet/data/root-token"))
	if err != nil {
		p.t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}
