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
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/store/pgtest"
)

// guarded is a stack of real programs with ACLs on, in which each actor has a token of its policy in policies/ and
// nothing more, and reaches each program through a proxy of its own that writes down what it asks. To stories it is a
// dev: the addresses that they are told lead through proxies with management tokens, as stories ask without any.
type guarded struct {
	*dev
	root     string
	record   *record
	at       map[string]string // address by part: "consul", "nomad-rpc"
	tokens   map[actor]string
	admin    map[string]string // management token, by program
	postgres *pgtest.Cluster
	ended    []func()
}

// actor is whoever asks a program: "server@consul".
type actor string

func of(name, program string) actor { return actor(name + "@" + program) }

func (a actor) split() (name, program string) {
	name, program, _ = strings.Cut(string(a), "@")
	return name, program
}

var headerOf = map[string]string{"nomad": "X-Nomad-Token", "consul": "X-Consul-Token", "vault": "X-Vault-Token"}

const guardedConsulToken = "7d3f9f0a-2d0c-4c55-9a44-1d2b6f0f7e10"

// policyOf reads a policy as an operator loads it.
func policyOf(t testing.TB, a actor) string {
	t.Helper()
	name, program := a.split()
	text, err := os.ReadFile(filepath.Join("..", "policies", program, name+".hcl"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer(`"NODE"`, `"one"`, "MOUNT/", "crumpet/", "DATABASE/", "database/", "TEAM", "default", "/APP/", "/book/", "--APP--", "--book--").Replace(string(text))
}

// startGuarded starts all of it.
func startGuarded(t testing.TB) *guarded {
	t.Helper()
	g := &guarded{
		dev: &dev{t: t, home: t.TempDir(), dir: filepath.Join(t.TempDir(), "dev"), out: &buffer{}}, root: t.TempDir(), record: newRecord(), at: map[string]string{},
		tokens: map[actor]string{}, admin: map[string]string{"consul": guardedConsulToken},
	}
	for _, part := range []string{
		"consul", "consul-server", "consul-serf", "vault", "vault-cluster", "nomad", "nomad-rpc", "nomad-serf", "client", "client-rpc", "client-serf",
		"router", "router-admin", "router-metrics", "crumpet",
	} {
		g.at[part] = freeAddress(t)
	}
	t.Cleanup(g.end)
	g.startConsul()
	g.startVault()
	g.startNomad()
	g.startRouter()
	g.postgres = pgtest.Own(t)
	g.startServer()
	return g
}

func (g *guarded) write(name, text string) string {
	g.t.Helper()
	path := filepath.Join(g.root, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		g.t.Fatal(err)
	}
	return path
}

// start starts a program, which ends with the stack.
func (g *guarded) start(name string, more []string, argv ...string) (stop func()) {
	g.t.Helper()
	log, err := os.Create(filepath.Join(g.root, name+".log"))
	if err != nil {
		g.t.Fatal(err)
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(append(g.env(), "CRUMPET_DEV_DIR="+g.dir), more...) // by which processes knows them, and the tasks of Nomad
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		g.t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		_ = cmd.Wait() // its log says why it ended
		close(done)
	}()
	stop = sync.OnceFunc(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-done:
		case <-time.After(15 * time.Second):
			_ = cmd.Process.Kill()
			<-done
		}
		_ = log.Close()
	})
	g.ended = append(g.ended, stop)
	return stop
}

func (g *guarded) end() {
	if g.t.Failed() {
		for _, name := range []string{"crumpet", "nomad", "client", "consul", "vault", "router"} {
			text, _ := os.ReadFile(filepath.Join(g.root, name+".log"))
			lines := strings.Split(string(text), "\n")
			g.t.Logf("last lines of %s.log:\n%s", name, strings.Join(lines[max(0, len(lines)-25):], "\n"))
		}
	}
	for _, end := range slices.Backward(g.ended) {
		end()
	}
	if err := os.MkdirAll(g.dir, 0o700); err == nil {
		for _, left := range g.processes() {
			_ = syscall.Kill(left.pid, syscall.SIGKILL) // it may have ended with another one
		}
	}
	g.eventually(20*time.Second, func() bool { return os.RemoveAll(g.root) == nil })
}

// proxy is where an actor reaches a program.
func (g *guarded) proxy(a actor, part string) string {
	g.t.Helper()
	_, program := a.split()
	return g.record.proxy(g.t, a, "http://"+g.at[part], "", headerOf[program])
}

// call asks a program with a token; status 0 is one without an answer.
func (g *guarded) call(program, token, method, path string, body, into any) (status int, text string) {
	g.t.Helper()
	var sent bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&sent).Encode(body); err != nil {
			g.t.Fatal(err)
		}
	}
	req, err := http.NewRequest(method, "http://"+g.at[program]+path, &sent)
	if err != nil {
		g.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set(headerOf[program], token)
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

// manage is call with the management token, for what must succeed.
func (g *guarded) manage(program, method, path string, body, into any) {
	g.t.Helper()
	if code, text := g.call(program, g.admin[program], method, path, body, into); code/100 != 2 {
		g.t.Fatalf("%s answers %s %s with %d %s", program, method, path, code, text)
	}
}

// token makes a token of policies' texts in a program.
func (g *guarded) token(program, name string, texts ...string) string {
	g.t.Helper()
	var names []string
	for i, text := range texts {
		policy := fmt.Sprintf("%s-%d", name, i)
		names = append(names, policy)
		g.policy(program, policy, text)
	}
	switch program {
	case "consul":
		var links []map[string]string
		for _, one := range names {
			links = append(links, map[string]string{"Name": one})
		}
		var made struct{ SecretID string }
		g.manage(program, http.MethodPut, "/v1/acl/token", map[string]any{"Policies": links}, &made)
		return made.SecretID
	case "nomad":
		var made struct{ SecretID string }
		g.manage(program, http.MethodPut, "/v1/acl/token", map[string]any{"Name": name, "Type": "client", "Policies": names}, &made)
		return made.SecretID
	}
	var made struct {
		Auth struct {
			Token string `json:"client_token"`
		}
	}
	period := "72h"
	if name == "proof-server" {
		period = "40s" // so that its renewal is seen
	}
	g.manage(program, http.MethodPost, "/v1/auth/token/create-orphan", map[string]any{"policies": names, "no_default_policy": true, "period": period}, &made)
	return made.Auth.Token
}

func (g *guarded) policy(program, name, text string) {
	g.t.Helper()
	switch program {
	case "consul":
		var there struct{ ID string }
		body := map[string]any{"Name": name, "Rules": text}
		if code, _ := g.call(program, g.admin[program], http.MethodGet, "/v1/acl/policy/name/"+name, nil, &there); code == http.StatusOK && there.ID != "" {
			g.manage(program, http.MethodPut, "/v1/acl/policy/"+there.ID, body, nil)
			return
		}
		g.manage(program, http.MethodPut, "/v1/acl/policy", body, nil)
	case "nomad":
		g.manage(program, http.MethodPut, "/v1/acl/policy/"+name, map[string]any{"Name": name, "Rules": text}, nil)
	default:
		g.manage(program, http.MethodPut, "/v1/sys/policies/acl/"+name, map[string]any{"policy": text}, nil)
	}
}

// give makes the token of an actor: of its policy, and of those it has besides.
func (g *guarded) give(a actor, besides ...string) string {
	g.t.Helper()
	name, program := a.split()
	var texts []string
	for _, other := range besides {
		texts = append(texts, policyOf(g.t, of(other, program)))
	}
	g.tokens[a] = g.token(program, "proof-"+name, append(texts, policyOf(g.t, a))...)
	return g.tokens[a]
}

func (g *guarded) startConsul() {
	g.t.Helper()
	g.start("consul", nil, "consul", "agent", "-config-file", g.write("consul/consul.hcl", fmt.Sprintf(`
server = true
bootstrap_expect = 1
node_name = "one"
data_dir = %q
bind_addr = "127.0.0.1"
client_addr = "127.0.0.1"
disable_update_check = true
encrypt = "pUqJrVyVRj5jsiYEkM/tFQYfWyJIv4s3XkvDwy7Cu5s="
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
`, filepath.Join(g.root, "consul/data"), portOf(g.at["consul"]), portOf(g.at["consul-server"]), portOf(g.at["consul-serf"]), guardedConsulToken)))
	g.until(time.Minute, "Consul takes policies", func() bool { // a new one is in another mode at first
		code, _ := g.call("consul", guardedConsulToken, http.MethodGet, "/v1/acl/token/self", nil, nil)
		return code == http.StatusOK
	})
	agent := g.give(of("consul-agent", "consul"))
	g.manage("consul", http.MethodPut, "/v1/agent/token/agent", map[string]string{"Token": agent}, nil)
}

func portOf(address string) string { return address[strings.LastIndex(address, ":")+1:] }

func (g *guarded) startVault() {
	g.t.Helper()
	data := filepath.Join(g.root, "vault/data")
	if err := os.MkdirAll(data, 0o700); err != nil {
		g.t.Fatal(err)
	}
	g.start("vault", nil, "bao", "server", "-config", g.write("vault/vault.hcl", fmt.Sprintf(`
disable_mlock = true
api_addr = "http://%[1]s"
cluster_addr = "http://%[2]s"
storage "raft" {
  path = %[3]q
  node_id = "one"
}
listener "tcp" {
  address = %[1]q
  cluster_address = %[2]q
  tls_disable = true
}
`, g.at["vault"], g.at["vault-cluster"], data)))
	var made struct {
		Keys []string `json:"keys_base64"`
		Root string   `json:"root_token"`
	}
	g.until(time.Minute, "Vault is initialized", func() bool {
		code, _ := g.call("vault", "", http.MethodPut, "/v1/sys/init", map[string]int{"secret_shares": 1, "secret_threshold": 1}, &made)
		return code == http.StatusOK
	})
	g.admin["vault"] = made.Root
	g.manage("vault", http.MethodPut, "/v1/sys/unseal", map[string]string{"key": made.Keys[0]}, nil)
	g.until(time.Minute, "Vault serves", func() bool {
		code, _ := g.call("vault", "", http.MethodGet, "/v1/sys/health", nil, nil)
		return code == http.StatusOK
	})
	g.manage("vault", http.MethodPost, "/v1/sys/mounts/database", map[string]any{"type": "database"}, nil)
	g.manage("vault", http.MethodPost, "/v1/sys/auth/jwt-nomad", map[string]any{"type": "jwt"}, nil)
	g.manage("vault", http.MethodPost, "/v1/sys/auth/cert", map[string]any{"type": "cert"}, nil)
}

// nomadAgent is a server or a client, in a process of its own: each has a token of its own for Consul.
func (g *guarded) nomadAgent(name, part, config string, consul actor) {
	g.t.Helper()
	token := g.give(consul)
	g.start(name, nil, "nomad", "agent", "-config", g.write(name+"/nomad.hcl", fmt.Sprintf(`
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
  http = "127.0.0.1"
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
  jwt_auth_backend_path = "jwt-nomad"
  default_identity {
    aud = ["vault.io"]
    ttl = "1h"
  }
}
%s`, name, filepath.Join(g.root, name, "data"), portOf(g.at[part]), portOf(g.at[part+"-rpc"]), portOf(g.at[part+"-serf"]),
		strings.TrimPrefix(g.proxy(consul, "consul"), "http://"), token, g.proxy(of("app", "vault"), "vault"), config)))
}

func (g *guarded) startNomad() {
	g.t.Helper()
	g.nomadAgent("nomad", "nomad", `
server {
  enabled = true
  bootstrap_expect = 1
  raft_multiplier = 1
  default_scheduler_config { memory_oversubscription_enabled = true }
}
`, of("nomad-server", "consul"))
	var made struct{ SecretID string }
	g.until(time.Minute, "Nomad is bootstrapped", func() bool {
		code, _ := g.call("nomad", "", http.MethodPut, "/v1/acl/bootstrap", nil, &made)
		return code == http.StatusOK
	})
	g.admin["nomad"] = made.SecretID
	g.manage("nomad", http.MethodPut, "/v1/namespace/crumpet--platform", map[string]string{"Name": "crumpet--platform"}, nil)
	g.manage("vault", http.MethodPost, "/v1/auth/jwt-nomad/config", map[string]any{"jwks_url": "http://" + g.at["nomad"] + "/.well-known/jwks.json", "jwt_supported_algs": []string{"RS256", "EdDSA"}}, nil)
	g.nomadAgent("client", "client", fmt.Sprintf(`
client {
  enabled = true
  network_interface = "lo"
  server_join {
    retry_join = [%q]
  }
  min_dynamic_port = 18000
  max_dynamic_port = 18999
  options = {
    "fingerprint.denylist" = "env_aws,env_gce,env_azure,env_digitalocean"
    "driver.allowlist" = "exec"
  }
  chroot_env {
%s  }
}
`, g.at["nomad-rpc"], smallRoot(g.t)), of("nomad-client", "consul"))
	g.until(time.Minute, "Nomad's node is ready", func() bool {
		code, body := g.call("nomad", g.admin["nomad"], http.MethodGet, "/v1/nodes", nil, nil)
		return code == http.StatusOK && strings.Contains(body, `"Status":"ready"`)
	})
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

func (g *guarded) startRouter() {
	g.t.Helper()
	fabio := of("fabio", "consul")
	consul := strings.TrimPrefix(g.proxy(fabio, "consul"), "http://")
	// The token in the environment: an argument shows in the list of processes.
	g.start("router", []string{"FABIO_REGISTRY_CONSUL_TOKEN=" + g.give(fabio)}, "fabio",
		"-proxy.addr", g.at["router"]+","+g.at["router-metrics"]+";proto=prometheus", "-metrics.target", "prometheus", "-metrics.prefix", "fabio",
		"-proxy.strategy", "rnd", "-proxy.dialtimeout", "1s", "-ui.addr", g.at["router-admin"], "-ui.access", "ro", "-registry.consul.addr", consul,
		"-registry.consul.kvpath", "/fabio/config/", "-registry.consul.checksRequired", "all", "-registry.consul.register.enabled=false", "-insecure")
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
	data := filepath.Join(g.root, "crumpet/data")
	if err := os.MkdirAll(filepath.Join(data, "cache"), 0o700); err != nil {
		g.t.Fatal(err)
	}
	if err := os.Symlink(caches(), filepath.Join(data, "cache/go")); err != nil {
		g.t.Fatal(err)
	}
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
	g.start("crumpet", nil, crumpet, "server", "--config", config)
	g.info.Addr, g.info.Router, g.info.Fabio = "http://"+g.at["crumpet"], "http://"+g.at["router"], "http://"+g.at["router-admin"]
	for program, address := range map[string]*string{"nomad": &g.info.Nomad, "consul": &g.info.Consul, "vault": &g.info.Vault} {
		*address = g.record.proxy(g.t, "", "http://"+g.at[program], g.admin[program], headerOf[program])
	}
	g.until(2*time.Minute, "Crumpet serves", func() bool {
		answer, err := http.Get(g.info.Addr + "/readyz")
		if err != nil {
			return false
		}
		_ = answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
	token, err := os.ReadFile(filepath.Join(data, "root-token"))
	if err != nil {
		g.t.Fatal(err)
	}
	g.info.Token = strings.TrimSpace(string(token))
}
