package integration_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/store/pgtest"
)

// bare is a real Nomad, Consul and Vault with ACLs on and nothing of Crumpet's, as an operator may have them: one node of
// each, on loopback, and a PostgreSQL.
type bare struct {
	*dev     // to talk to the Crumpet that is installed
	programs string
	env      []string // of the operator
	children []*exec.Cmd
	logs     map[string]*buffer
	nomad    string // addresses
	consul   string
	vault    string
	tokens   map[string]string
	router   int // ports that the routers are to have
	admin    int
	database string
}

// startBare starts one, or skips the test and says which program is missing.
func startBare(t *testing.T) *bare {
	t.Helper()
	if !proving || stack != "real" {
		t.Skip("PROVE=1 STACK=real (make prove STORY=install STACK=real): the platform's jobs are read by Nomad itself, which no stand-in can")
	}
	if os.Geteuid() != 0 {
		t.Skip("root: the platform's jobs run under exec, which Nomad has as root only")
	}
	found := map[string]string{}
	for name, files := range map[string][]string{"nomad": {"nomad"}, "consul": {"consul"}, "vault": {"vault", "bao"}, "fabio": {"fabio"}} {
		for _, file := range files {
			if path, err := exec.LookPath(file); err == nil {
				found[name] = path
			}
		}
		if found[name] == "" {
			t.Skipf("%s is not on PATH", name)
		}
	}
	cluster := pgtest.Own(t)
	b := &bare{dev: &dev{t: t, dir: t.TempDir(), home: t.TempDir()}, logs: map[string]*buffer{}, tokens: map[string]string{}, database: cluster.Database(t)}
	b.programs = filepath.Join(b.dir, "programs")
	for _, name := range []string{"programs", "consul", "vault", "nomad"} {
		if err := os.MkdirAll(filepath.Join(b.dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	fabio, err := os.ReadFile(found["fabio"])
	if err != nil {
		t.Fatal(err)
	}
	b.program("fabio-1.7.3", fabio)
	b.router, b.admin = somePort(t), somePort(t)
	t.Cleanup(b.end)
	b.startConsul(found["consul"])
	b.startVault(found["vault"])
	b.startNomad(found["nomad"])
	b.env = []string{
		"NOMAD_ADDR=" + b.nomad, "NOMAD_TOKEN=" + b.tokens["X-Nomad-Token"], "CONSUL_HTTP_ADDR=" + strings.TrimPrefix(b.consul, "http://"),
		"CONSUL_HTTP_TOKEN=" + b.tokens["X-Consul-Token"], "VAULT_ADDR=" + b.vault, "VAULT_TOKEN=" + b.tokens["X-Vault-Token"],
	}
	return b
}

// program puts one where every node finds it.
func (b *bare) program(name string, content []byte) {
	b.t.Helper()
	if err := os.WriteFile(filepath.Join(b.programs, name), content, 0o755); err != nil {
		b.t.Fatal(err)
	}
}

func somePort(t testing.TB) int {
	t.Helper()
	_, text, _ := strings.Cut(freeAddress(t), ":")
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (b *bare) startConsul(program string) {
	const master = "5f1d0c3a-9f4b-4f0e-8d5e-0c1c1c2f7a11"
	b.tokens["X-Consul-Token"] = master
	http := somePort(b.t)
	b.consul = fmt.Sprintf("http://127.0.0.1:%d", http)
	b.child("consul", fmt.Sprintf(`
server               = true
bootstrap_expect     = 1
node_name            = "bare"
data_dir             = %q
bind_addr            = "127.0.0.1"
client_addr          = "127.0.0.1"
disable_update_check = true
ports {
  http     = %d
  dns      = -1
  grpc     = -1
  server   = %d
  serf_lan = %d
  serf_wan = -1
}
performance {
  raft_multiplier = 1
}
acl {
  enabled        = true
  default_policy = "deny"
  tokens {
    master = %q
    agent  = %q
  }
}
`, filepath.Join(b.dir, "consul", "data"), http, somePort(b.t), somePort(b.t), master, master), program, "agent", "-config-file")
	b.until(time.Minute, "Consul leads", func() bool {
		var self struct{ Member struct{ Name string } }
		return b.ask("GET", b.consul+"/v1/agent/self", nil, &self) == http200 && b.ask("GET", b.consul+"/v1/acl/policies", nil, nil) == http200
	})
}

const http200 = http.StatusOK

func (b *bare) startVault(program string) {
	at, cluster := somePort(b.t), somePort(b.t)
	b.vault = fmt.Sprintf("http://127.0.0.1:%d", at)
	b.child("vault", fmt.Sprintf(`
disable_mlock = true
api_addr      = %q
cluster_addr  = "http://127.0.0.1:%[2]d"
storage "file" {
  path = %[3]q
}
listener "tcp" {
  address         = "127.0.0.1:%[4]d"
  cluster_address = "127.0.0.1:%[2]d"
  tls_disable     = true
}
`, b.vault, cluster, filepath.Join(b.dir, "vault", "data"), at), program, "server", "-config")
	var made struct {
		Keys []string `json:"keys_base64"`
		Root string   `json:"root_token"`
	}
	b.until(time.Minute, "Vault is initialized", func() bool {
		return b.ask("PUT", b.vault+"/v1/sys/init", map[string]int{"secret_shares": 1, "secret_threshold": 1}, &made) == http200
	})
	b.tokens["X-Vault-Token"] = made.Root
	b.must("PUT", b.vault+"/v1/sys/unseal", map[string]string{"key": made.Keys[0]}, nil)
	b.until(time.Minute, "Vault is open", func() bool { return b.ask("GET", b.vault+"/v1/sys/health", nil, nil) == http200 })
}

func (b *bare) startNomad(program string) {
	at, rpc := somePort(b.t), somePort(b.t)
	b.nomad = fmt.Sprintf("http://127.0.0.1:%d", at)
	first := 12000 + os.Getpid()%30*200 // below the ephemeral range, and beside that of other stacks
	var chroot strings.Builder
	for _, path := range []string{"/etc/resolv.conf", "/etc/hosts", "/etc/passwd", "/etc/group", "/etc/nsswitch.conf", "/etc/ssl/certs"} {
		if _, err := os.Stat(path); err == nil {
			fmt.Fprintf(&chroot, "    %q = %q\n", path, path)
		}
	}
	b.child("nomad", fmt.Sprintf(`
name                 = "bare"
data_dir             = %q
bind_addr            = "127.0.0.1"
disable_update_check = true
ports {
  http = %d
  rpc  = %[3]d
  serf = %d
}
advertise {
  http = "127.0.0.1"
  rpc  = "127.0.0.1"
  serf = "127.0.0.1"
}
acl {
  enabled = true
}
server {
  enabled          = true
  bootstrap_expect = 1
  raft_multiplier  = 1
}
client {
  enabled           = true
  network_interface = "lo"
  servers           = ["127.0.0.1:%[3]d"]
  min_dynamic_port  = %[5]d
  max_dynamic_port  = %[6]d
  cgroup_parent     = "/nomad-%[2]d"
  options = {
    "fingerprint.denylist" = "env_aws,env_gce,env_azure,env_digitalocean"
    "driver.allowlist"     = "exec"
  }
  chroot_env {
%[7]s  }
  host_volume "crumpet-programs" {
    path      = %[8]q
    read_only = true
  }
}
consul {
  address = %[9]q
  token   = %[10]q
}
vault {
  enabled               = true
  address               = %[11]q
  jwt_auth_backend_path = "jwt-nomad"
}
`, filepath.Join(b.dir, "nomad", "data"), at, rpc, somePort(b.t), first, first+199, chroot.String(), b.programs,
		strings.TrimPrefix(b.consul, "http://"), b.tokens["X-Consul-Token"], b.vault), program, "agent", "-config")
	var made struct{ SecretID string }
	b.until(time.Minute, "Nomad leads", func() bool { return b.ask("POST", b.nomad+"/v1/acl/bootstrap", nil, &made) == http200 })
	b.tokens["X-Nomad-Token"] = made.SecretID
	b.until(time.Minute, "Nomad's node is ready", func() bool {
		var nodes []struct{ Status, ID string }
		var node struct{ Attributes map[string]string }
		return b.ask("GET", b.nomad+"/v1/nodes", nil, &nodes) == http200 && len(nodes) == 1 && nodes[0].Status == "ready" &&
			b.ask("GET", b.nomad+"/v1/node/"+nodes[0].ID, nil, &node) == http200 && node.Attributes["vault.version"] != "" && node.Attributes["consul.version"] != ""
	})
}

// child starts a program with its configuration, which is its last argument.
func (b *bare) child(name, config string, argv ...string) {
	b.t.Helper()
	file := filepath.Join(b.dir, name, name+".hcl")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		b.t.Fatal(err)
	}
	cmd := exec.Command(argv[0], append(argv[1:], file)...)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(kv string) bool { return strings.HasPrefix(kv, "AWS_CA_BUNDLE=") })
	cmd.Env = append(cmd.Env, b.mark())
	b.logs[name] = &buffer{}
	cmd.Stdout, cmd.Stderr = b.logs[name], b.logs[name]
	if err := cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	b.children = append(b.children, cmd)
}

// end stops every job, then the programs, and unmounts what Nomad leaves mounted.
func (b *bare) end() {
	if b.t.Failed() {
		b.tell()
	}
	var jobs []struct{ ID, Namespace string }
	if code := b.ask("GET", b.nomad+"/v1/jobs?namespace=*", nil, &jobs); code != http200 {
		b.t.Errorf("list the jobs to stop: status %d", code)
	}
	for _, job := range jobs {
		if code, text := b.raw("DELETE", b.nomad+"/v1/job/"+job.ID+"?purge=true&no_shutdown_delay=true&namespace="+job.Namespace, nil); code != http200 {
			b.t.Errorf("stop the job %s: %d %s", job.ID, code, text)
		}
	}
	ended := b.eventually(time.Minute, func() bool {
		var allocs []struct{ ClientStatus string }
		return b.ask("GET", b.nomad+"/v1/allocations?namespace=*", nil, &allocs) != http200 ||
			!slices.ContainsFunc(allocs, func(a struct{ ClientStatus string }) bool {
				return a.ClientStatus == "running" || a.ClientStatus == "pending"
			})
	})
	if !ended {
		b.t.Errorf("tasks run on after their jobs were stopped")
	}
	for _, cmd := range slices.Backward(b.children) {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		kill := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait() // its log says why
		kill.Stop()
	}
	b.killTasks()
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		b.t.Error(err)
	}
	for _, line := range slices.Backward(strings.Split(string(table), "\n")) {
		if fields := strings.Fields(line); len(fields) > 4 && strings.HasPrefix(fields[4], b.dir+"/") {
			if err := syscall.Unmount(fields[4], syscall.MNT_DETACH); err != nil {
				b.t.Errorf("unmount %s: %v", fields[4], err)
			}
		}
	}
}

// mark is what the programs and their helpers have in their environment.
func (b *bare) mark() string { return "CRUMPET_TEST_BARE=" + b.dir }

// killTasks ends what Nomad leaves running at its end: collectors of logs, and where it was ended too early executors
// with their tasks.
func (b *bare) killTasks() {
	files, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		b.t.Error(err)
	}
	for _, file := range files {
		environ, err := os.ReadFile(file)
		if err != nil || !strings.Contains(string(environ), b.mark()) {
			continue // it has ended, or is none
		}
		pid := filepath.Base(filepath.Dir(file))
		tasks, _ := os.ReadFile(filepath.Join("/proc", pid, "task", pid, "children")) // none where it has ended
		for _, text := range append(strings.Fields(string(tasks)), pid) {
			if n, err := strconv.Atoi(text); err == nil {
				_ = syscall.Kill(n, syscall.SIGKILL) // it may have ended
			}
		}
	}
}

// tell shows what the agents and the platform's tasks said last.
func (b *bare) tell() {
	for name, log := range b.logs {
		lines := strings.Split(log.String(), "\n")
		b.t.Logf("last lines of %s:\n%s", name, strings.Join(lines[max(0, len(lines)-25):], "\n"))
	}
	for _, a := range append(b.allocs("crumpet"), b.allocs("fabio")...) {
		for task := range a.TaskStates {
			code, text := b.raw("GET", b.nomad+"/v1/client/fs/logs/"+a.ID+"?namespace=crumpet--platform&plain=true&type=stderr&origin=end&offset=3000&task="+task, nil)
			b.t.Logf("%s of %s (%s, version %d) says %d:\n%s", task, a.Name, a.ClientStatus, a.JobVersion, code, text)
		}
	}
}

type platformAlloc struct {
	ID, Name, ClientStatus, DesiredStatus string
	JobVersion                            int
	TaskStates                            map[string]json.RawMessage
}

// allocs are the instances of a job of the platform.
func (b *bare) allocs(job string) (list []platformAlloc) {
	b.ask("GET", b.nomad+"/v1/job/"+job+"/allocations?namespace=crumpet--platform", nil, &list)
	return list
}

// ask calls an API with every token of the operator, and gives the status, 0 where nobody answers.
func (b *bare) ask(method, url string, in, out any) int {
	code, text := b.raw(method, url, in)
	if out != nil && code/100 == 2 {
		if err := json.Unmarshal([]byte(text), out); err != nil {
			b.t.Errorf("%s %s: %v in %s", method, url, err, text)
		}
	}
	return code
}

func (b *bare) raw(method, url string, in any) (int, string) {
	body, err := json.Marshal(in)
	if err != nil {
		b.t.Fatal(err)
	}
	req, err := http.NewRequest(method, url, bytes.NewReader(body)) // also when the test's context has ended
	if err != nil {
		b.t.Fatal(err)
	}
	for name, token := range b.tokens {
		req.Header.Set(name, token)
	}
	answer, err := (&http.Client{Timeout: 10 * time.Second}).Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer answer.Body.Close() //nolint:errcheck // read to its end below
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0, err.Error()
	}
	return answer.StatusCode, string(text)
}

func (b *bare) must(method, url string, in, out any) {
	b.t.Helper()
	if code := b.ask(method, url, in, out); code/100 != 2 {
		_, text := b.raw(method, url, in)
		b.t.Fatalf("%s %s: %d %s", method, url, code, text)
	}
}
