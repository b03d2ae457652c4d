package integration_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/store/pgtest"
)

// plane is a control plane of real programs with folders of their own, single servers with ACLs, as `cluster up` makes
// them in threes: tokens come from a kept state, so a second plane has those of the first. Its Crumpet keeps to a
// PostgreSQL.
type plane struct {
	*dev
	root     string // all that it has on disks
	ports    map[string]string
	shares   []string // of its Vault, as it was made
	admin    string   // root token of its Vault, as it was made
	server   string   // Crumpet's token of Vault; empty until it was made
	database *pgtest.Cluster
	programs map[string]*child
}

// child is one running program.
type child struct {
	cmd  *exec.Cmd
	out  *buffer
	done chan struct{} // closed when it has ended
}

// The tokens that are kept, for every plane.
const (
	planeNomadToken  = "5b1e3b50-7a51-4bd6-9d3f-2c4f6b0a1d11"
	planeConsulToken = "c0a80101-43a1-4f6e-8a5c-9f1d2e3b4c5d"
)

// planePorts are outside of those that dev gives to tasks.
func planePorts(t testing.TB) map[string]string {
	t.Helper()
	ports := map[string]string{}
	for _, name := range []string{"consul", "consul-server", "consul-serf", "nomad", "nomad-rpc", "nomad-serf", "vault", "vault-cluster", "router", "admin", "metrics", "crumpet"} {
		ports[name] = freeAddress(t)
	}
	return ports
}

func port(address string) string { return address[strings.LastIndex(address, ":")+1:] }

// newPlane makes the folders of a plane, and its secrets.
func newPlane(t testing.TB, ports map[string]string, home string) *plane {
	t.Helper()
	p := &plane{
		dev: &dev{t: t, home: home, dir: t.TempDir()}, root: t.TempDir(), ports: ports, database: pgtest.Own(t), programs: map[string]*child{},
	}
	p.info.Nomad, p.info.Consul, p.info.Vault = "http://"+ports["nomad"], "http://"+ports["consul"], "http://"+ports["vault"]
	p.info.Router, p.info.Fabio, p.info.Addr = "http://"+ports["router"], "http://"+ports["admin"], "http://"+ports["crumpet"]
	t.Cleanup(p.destroy)
	t.Cleanup(func() {
		if t.Failed() {
			for name, c := range p.programs {
				lines := strings.Split(c.out.String(), "\n")
				t.Logf("last lines of %s:\n%s", name, strings.Join(lines[max(0, len(lines)-40):], "\n"))
			}
		}
	})
	return p
}

func (p *plane) write(name, text string) string {
	p.t.Helper()
	path := filepath.Join(p.root, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		p.t.Fatal(err)
	}
	return path
}

// begin starts a program.
func (p *plane) begin(name string, argv ...string) {
	p.t.Helper()
	c := &child{cmd: exec.Command(argv[0], argv[1:]...), out: &buffer{}, done: make(chan struct{})}
	c.cmd.Env = append(p.env(), "CRUMPET_DEV_DIR="+p.dir) // by which processes knows them, and the tasks of Nomad
	c.cmd.Stdout, c.cmd.Stderr = c.out, c.out
	if err := c.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	go func() {
		_ = c.cmd.Wait() // its output says why it ended
		close(c.done)
	}()
	p.programs[name] = c
}

func (p *plane) kill(name string) {
	c, runs := p.programs[name]
	if !runs {
		return
	}
	_ = c.cmd.Process.Kill() // it may have ended
	<-c.done
}

// up starts Consul, Vault, Nomad and Fabio, and sets up what is new of them.
func (p *plane) up() {
	p.t.Helper()
	p.begin("consul", "consul", "agent", "-config-file", p.write("consul/consul.hcl", fmt.Sprintf(`
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
  tokens {
    master = %[5]q
    agent = %[5]q
  }
}
`, filepath.Join(p.root, "consul/data"), port(p.ports["consul"]), port(p.ports["consul-server"]), port(p.ports["consul-serf"]), planeConsulToken)))
	p.until(time.Minute, "Consul's token works", func() bool {
		code, body := p.ask(http.MethodGet, p.info.Consul+"/v1/catalog/nodes", "X-Consul-Token", planeConsulToken, nil, nil)
		return code == http.StatusOK && strings.Contains(body, `"one"`)
	})
	if err := os.MkdirAll(filepath.Join(p.root, "vault/data"), 0o700); err != nil {
		p.t.Fatal(err)
	}
	p.begin("vault", "bao", "server", "-config", p.write("vault/vault.hcl", fmt.Sprintf(`
disable_mlock = true
api_addr = %q
cluster_addr = "http://%s"
storage "raft" {
  path = %q
  node_id = "one"
}
listener "tcp" {
  address = %q
  cluster_address = %[2]q
  tls_disable = true
}
`, p.info.Vault, p.ports["vault-cluster"], filepath.Join(p.root, "vault/data"), p.ports["vault"])))
	p.begin("nomad", "nomad", "agent", "-config", p.write("nomad/nomad.hcl", fmt.Sprintf(`
name = "one"
data_dir = %q
bind_addr = "127.0.0.1"
disable_update_check = true
ports {
  http = %s
  rpc = %s
  serf = %s
}
advertise {
  http = "127.0.0.1"
  rpc = "127.0.0.1"
  serf = "127.0.0.1"
}
acl { enabled = true }
server {
  enabled = true
  bootstrap_expect = 1
  raft_multiplier = 1
  default_scheduler_config { memory_oversubscription_enabled = true }
}
client {
  enabled = true
  network_interface = "lo"
  servers = ["127.0.0.1:%[3]s"]
  min_dynamic_port = 17000
  max_dynamic_port = 17999
  options = {
    "fingerprint.denylist" = "env_aws,env_gce,env_azure,env_digitalocean"
    "driver.allowlist" = "raw_exec"
  }
}
plugin "raw_exec" {
  config { enabled = true }
}
consul {
  address = %[5]q
  token = %[6]q
}
vault {
  enabled = true
  address = %[7]q
  jwt_auth_backend_path = "jwt-nomad"
  default_identity {
    aud = ["vault.io"]
    ttl = "1h"
  }
}
`, filepath.Join(p.root, "nomad/data"), port(p.ports["nomad"]), port(p.ports["nomad-rpc"]), port(p.ports["nomad-serf"]), p.ports["consul"], planeConsulToken, p.info.Vault)))
	p.begin("router", "fabio", "-proxy.addr", p.ports["router"]+","+p.ports["metrics"]+";proto=prometheus", "-metrics.target", "prometheus", "-metrics.prefix", "fabio",
		"-proxy.strategy", "rnd", "-proxy.dialtimeout", "1s", "-ui.addr", p.ports["admin"], "-ui.access", "ro",
		"-registry.consul.addr", p.ports["consul"], "-registry.consul.token", planeConsulToken, "-registry.consul.kvpath", "/fabio/config/",
		"-registry.consul.checksRequired", "all", "-registry.consul.register.addr", p.ports["admin"], "-insecure")
	p.until(time.Minute, "Nomad is bootstrapped with the kept token", func() bool {
		code, body := p.ask(http.MethodPut, p.info.Nomad+"/v1/acl/bootstrap", "X-Nomad-Token", "", map[string]string{"BootstrapSecret": planeNomadToken}, nil)
		return code == http.StatusOK || strings.Contains(body, "bootstrap already done")
	})
	p.until(time.Minute, "Nomad's node is ready", func() bool {
		code, body := p.ask(http.MethodGet, p.info.Nomad+"/v1/nodes", "X-Nomad-Token", planeNomadToken, nil, nil)
		return code == http.StatusOK && strings.Contains(body, `"Status":"ready"`)
	})
}

// initVault initializes and unseals Vault, with shares of its own.
func (p *plane) initVault() {
	p.t.Helper()
	var made struct {
		Keys  []string `json:"keys_base64"`
		Token string   `json:"root_token"`
	}
	p.until(time.Minute, "Vault is initialized", func() bool {
		code, _ := p.ask(http.MethodPut, p.info.Vault+"/v1/sys/init", "", "", map[string]int{"secret_shares": 3, "secret_threshold": 2}, &made)
		return code == http.StatusOK
	})
	p.shares, p.admin = made.Keys, made.Token
	for _, share := range p.shares[:2] {
		p.vaultCall(http.MethodPut, "sys/unseal", map[string]string{"key": share}, nil)
	}
	p.until(time.Minute, "Vault serves", func() bool {
		code, _ := p.ask(http.MethodGet, p.info.Vault+"/v1/sys/health", "", "", nil, nil)
		return code == http.StatusOK
	})
}

// tenants sets up in Vault what Crumpet needs there.
func (p *plane) tenants() {
	p.t.Helper()
	policy, err := os.ReadFile("../policies/vault/server.hcl")
	if err != nil {
		p.t.Fatal(err)
	}
	p.vaultCall(http.MethodPost, "sys/mounts/crumpet", map[string]any{"type": "kv", "options": map[string]string{"version": "2"}}, nil)
	p.vaultCall(http.MethodPost, "sys/mounts/database", map[string]any{"type": "database"}, nil)
	p.vaultCall(http.MethodPost, "sys/auth/jwt-nomad", map[string]any{"type": "jwt"}, nil)
	p.vaultCall(http.MethodPost, "auth/jwt-nomad/config", map[string]any{"jwks_url": p.info.Nomad + "/.well-known/jwks.json", "jwt_supported_algs": []string{"RS256", "EdDSA"}}, nil)
	p.vaultCall(http.MethodPut, "sys/policies/acl/crumpet", map[string]string{"policy": string(policy)}, nil)
	var made struct {
		Auth struct {
			Token string `json:"client_token"`
		}
	}
	p.vaultCall(http.MethodPost, "auth/token/create-orphan", map[string]any{"policies": []string{"crumpet"}, "no_default_policy": true, "period": "72h"}, &made)
	p.server = made.Auth.Token
}

// configure writes the configuration of Crumpet's server and gives its path. Its tokens are least of all: management
// tokens come with the environment.
func (p *plane) configure() string {
	p.t.Helper()
	url := p.write("crumpet/database", p.database.Database(p.t)+"\n")
	data := filepath.Join(p.root, "crumpet/data")
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
`, p.ports["crumpet"], data, url, p.info.Nomad, planeNomadToken, p.info.Consul, planeConsulToken,
		p.info.Vault, p.write("crumpet/vault-token", p.server+"\n"), p.info.Fabio, p.info.Router))
}

// serve starts Crumpet's server.
func (p *plane) serve(config string) {
	p.t.Helper()
	p.begin("crumpet", crumpet, "server", "--config", config)
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

// destroy kills every program and all that it started, and removes all folders.
func (p *plane) destroy() {
	for _, name := range []string{"crumpet", "router", "nomad", "vault", "consul"} {
		p.kill(name)
	}
	for _, of := range p.processes() {
		_ = syscall.Kill(of.pid, syscall.SIGKILL) // it may have ended with another one
	}
	_ = p.database.Halt() // it may be halted already
	mounts, _ := os.ReadFile("/proc/self/mounts")
	for line := range strings.Lines(string(mounts)) {
		if fields := strings.Fields(line); len(fields) > 1 && strings.HasPrefix(fields[1], p.root+"/") {
			_ = syscall.Unmount(fields[1], syscall.MNT_DETACH) // secrets of tasks; what is left is told of by the removal
		}
	}
	p.eventually(20*time.Second, func() bool { return os.RemoveAll(p.root) == nil })
}

func (p *plane) vaultCall(method, path string, body, into any) {
	p.t.Helper()
	if code, text := p.ask(method, p.info.Vault+"/v1/"+path, "X-Vault-Token", p.admin, body, into); code/100 != 2 {
		p.t.Fatalf("Vault answers %s with %d %s", path, code, text)
	}
}

// ask makes a call; status 0 is one without an answer.
func (p *plane) ask(method, url, header, token string, body, into any) (status int, text string) {
	p.t.Helper()
	var sent bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&sent).Encode(body); err != nil {
			p.t.Fatal(err)
		}
	}
	req, err := http.NewRequest(method, url, &sent)
	if err != nil {
		p.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set(header, token)
	}
	answer, err := (&http.Client{Timeout: 20 * time.Second}).Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer answer.Body.Close() //nolint:errcheck // read to its end below
	read, err := io.ReadAll(answer.Body)
	if err == nil && into != nil && answer.StatusCode/100 == 2 {
		err = json.Unmarshal(read, into)
	}
	if err != nil {
		return 0, err.Error()
	}
	return answer.StatusCode, string(read)
}
