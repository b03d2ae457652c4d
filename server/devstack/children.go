package devstack

import (
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Each part is described once for the stand-in and once for the real program. A real one is a single-node server with
// a data folder, on loopback only: -dev modes forget everything at their end.

func (b builder) consul() (Child, error) {
	dir, err := b.folder("consul")
	if err != nil {
		return Child{}, err
	}
	c := Child{Name: "consul", Log: b.logFile("consul"), Ready: consulReady(b.stack.Consul)}
	program := b.stack.Programs.Consul
	if !program.Real() {
		c.Argv = b.embedded("consul", "--listen", local(b.ports.Consul), "--data", dir)
		return c, nil
	}
	config, err := b.configure("consul", "consul.hcl", consulConfig)
	c.Argv = []string{program.Path, "agent", "-config-file", config}
	return c, err
}

func (b builder) vaultChild() (Child, error) {
	dir, err := b.folder("vault")
	if err != nil {
		return Child{}, err
	}
	c := Child{Name: "vault", Log: b.logFile("vault"), Ready: b.vault.ready(b.stack.Vault)}
	program := b.stack.Programs.Vault
	if !program.Real() {
		c.Argv = b.embedded("vault", "--listen", local(b.ports.Vault), "--data", dir)
		return c, nil
	}
	config, err := b.configure("vault", "vault.hcl", vaultConfig)
	c.Argv = []string{program.Path, "server", "-config", config}
	return c, err
}

// vaultKeysFile is one for the stand-in and another for a real program: their storages are apart as well.
func (b builder) vaultKeysFile() string {
	name := "keys.json"
	if !b.stack.Programs.Vault.Real() {
		name = "embedded-keys.json"
	}
	return filepath.Join(b.dir, "vault", name)
}

func (b builder) nomad() (Child, error) {
	dir, err := b.folder("nomad")
	if err != nil {
		return Child{}, err
	}
	first, last := b.ports.taskPorts(0, b.nodes)
	c := Child{Name: "nomad", Log: b.logFile("nomad"), Ready: nomadReady(b.stack.Nomad, nodeName(0))}
	program := b.stack.Programs.Nomad
	if !program.Real() {
		c.Argv = b.embedded("nomad", "--listen", local(b.ports.Nomad), "--data", dir,
			"--consul", b.stack.Consul, "--vault", b.stack.Vault, "--name", nodeName(0), "--min-port", fmt.Sprint(first), "--max-port", fmt.Sprint(last))
		return c, nil
	}
	c.Ready = realNomadReady(b.stack.Nomad, nodeName(0))
	config, err := b.configure("nomad", "nomad.hcl", nomadConfig)
	c.Argv = []string{program.Path, "agent", "-config", config}
	return c, err
}

// router gets the same settings in both forms: all checks must pass, rnd, rules below fabio/config/.
func (b builder) router() (Child, error) {
	if _, err := b.folder("router"); err != nil {
		return Child{}, err
	}
	admin := local(b.ports.Admin)
	c := Child{Name: "router", Log: b.logFile("router"), Ready: routerReady(b.stack.Fabio, reachableAt(b.stack.RouterListen))}
	program := b.stack.Programs.Fabio
	if !program.Real() {
		c.Argv = b.embedded("router", "--listen", b.stack.RouterListen, "--admin", admin, "--metrics", local(b.ports.Metrics), "--consul", b.stack.Consul)
		return c, nil
	}
	c.Argv = []string{
		program.Path,
		"-proxy.addr", b.stack.RouterListen + "," + local(b.ports.Metrics) + ";proto=prometheus",
		"-metrics.target", "prometheus",
		"-metrics.prefix", "fabio",
		"-proxy.strategy", "rnd",
		"-proxy.dialtimeout", "3s",
		"-proxy.shutdownwait", shutdownWait.String(),
		"-ui.addr", admin,
		"-ui.access", "ro",
		"-registry.consul.addr", local(b.ports.Consul),
		"-registry.consul.kvpath", kvPath,
		"-registry.consul.checksRequired", "all",
		"-registry.consul.register.addr", admin,
		"-insecure", // only silences the warning that it runs as root
	}
	return c, nil
}

// shutdownWait is what requests in flight get when dev ends: a stream would hold it up for ever.
const shutdownWait = 5 * time.Second

// kvPath ends in a slash: the path is a string prefix, and fabio/config-backup is none of ours.
const kvPath = "/fabio/config/"

// reachableAt is where a listener on any address is reached from this machine.
func reachableAt(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if ip := net.ParseIP(host); err == nil && ip != nil && ip.IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return listen
}

// configure writes the configuration of a real program into its folder.
func (b builder) configure(name, file string, text func(builder) string) (string, error) {
	path := filepath.Join(b.dir, name, file)
	if err := os.WriteFile(path, []byte(text(b)), 0o600); err != nil {
		return "", fmt.Errorf("write configuration: %w", err)
	}
	return path, nil
}

func consulConfig(b builder) string {
	return fmt.Sprintf(`# written by crumpet dev at each start
server               = true
bootstrap_expect     = 1
datacenter           = "dc1"
node_name            = "dev"
data_dir             = %q
bind_addr            = "127.0.0.1"
client_addr          = "127.0.0.1"
disable_update_check = true
leave_on_terminate   = false
skip_leave_on_interrupt = true
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
`, filepath.Join(b.dir, "consul", "data"), b.ports.Consul, b.ports.ConsulServer, b.ports.ConsulSerf)
}

func vaultConfig(b builder) string {
	return fmt.Sprintf(`# written by crumpet dev at each start
disable_mlock = true
api_addr      = %[1]q
cluster_addr  = "http://%[2]s"
storage "file" {
  path = %[3]q
}
listener "tcp" {
  address         = %[4]q
  cluster_address = %[2]q
  tls_disable     = true
}
`, b.stack.Vault, local(b.ports.VaultCluster), filepath.Join(b.dir, "vault", "data"), local(b.ports.Vault))
}

func nomadConfig(b builder) string {
	return fmt.Sprintf(`# written by crumpet dev at each start
name                 = %[1]q
region               = "global"
datacenter           = "dc1"
data_dir             = %[2]q
bind_addr            = "127.0.0.1"
disable_update_check = true
leave_on_interrupt   = false
leave_on_terminate   = false
ports {
  http = %[3]d
  rpc  = %[4]d
  serf = %[5]d
}
advertise {
  http = "127.0.0.1"
  rpc  = "127.0.0.1"
  serf = "127.0.0.1"
}
server {
  enabled          = true
  bootstrap_expect = 1
  raft_multiplier  = 1
%[6]s  # So that memory_max is more than a wish.
  default_scheduler_config {
    memory_oversubscription_enabled = true
  }
}
`, nodeName(0), filepath.Join(b.dir, "nomad"), b.ports.Nomad, b.ports.NomadRPC, b.ports.NomadSerf, b.heartbeats()) +
		nomadClientConfig(b, 0, b.ports.Consul)
}

// nomadClientConfig names the Vault mount that workloads log in by; jobs of apps name their role and bring
// the identity for it. A Vault that is away must not end a task that waits for it or watches it: templates
// try without end.
func nomadClientConfig(b builder, node, consul int) string {
	first, last := b.ports.taskPorts(node, b.nodes)
	return fmt.Sprintf(`client {
  enabled           = true
  network_interface = "lo"
  servers           = ["127.0.0.1:%[1]d"]
  min_dynamic_port  = %[2]d
  max_dynamic_port  = %[3]d
  max_kill_timeout  = "10m"
%[4]s  options = {
    "fingerprint.denylist" = "env_aws,env_gce,env_azure,env_digitalocean"
    "driver.allowlist"     = "raw_exec,exec"
  }
  template {
    vault_retry {
      attempts    = 0
      max_backoff = "5s"
    }
    nomad_retry {
      attempts    = 0
      max_backoff = "5s"
    }
    consul_retry {
      attempts    = 0
      max_backoff = "5s"
    }
  }
  # A download from a server that does not go on is given up, and tried again at another.
  artifact {
    http_read_timeout = "20s"
  }
  # What a static Go program looks for, and a shell to look around with. The default links all of /usr and takes seconds for each task.
  chroot_env {
%[5]s  }
}
plugin "raw_exec" {
  config {
    enabled = true
  }
}
consul {
  address = "127.0.0.1:%[6]d"
}
vault {
  enabled               = true
  address               = %[7]q
  jwt_auth_backend_path = "jwt-nomad"
  default_identity {
    aud = ["vault.io"]
    ttl = "1h"
  }
}
`, b.ports.NomadRPC, first, last, cgroupParent(b, node), chroot(), consul, b.stack.Vault)
}

// chroot lists the files that exist here of those that tasks get in their root.
func chroot() string {
	var lines strings.Builder
	for _, path := range []string{
		"/etc/resolv.conf", "/etc/hosts", "/etc/passwd", "/etc/group", "/etc/nsswitch.conf", "/etc/ssl/certs",
		"/etc/localtime", "/usr/share/zoneinfo",
	} {
		if _, err := os.Stat(path); err == nil {
			fmt.Fprintf(&lines, "    %q = %q\n", path, path)
		}
	}
	files := toolFiles()
	for _, path := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(&lines, "    %q = %q\n", path, files[path])
	}
	return lines.String()
}
