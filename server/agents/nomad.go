package agents

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/fleet"
)

// Ports of Nomad: its own defaults.
const (
	NomadHTTP = 4646
	nomadRPC  = 4647
	nomadSerf = 4648
)

// VaultName is the name by which agents and jobs reach any server of Vault that is open: /etc/hosts of each machine knows
// it. On a client it leads to the relay there, which knows which servers are open; a server that does not lead hands
// requests on to the one that does.
const VaultName = "vault.service.consul"

// relayAddress is where the relay listens: of the machine alone, and none that Vault itself listens on.
const relayAddress = "127.0.0.2"

// VaultAddresses are what VaultName leads to on a machine: the relay on a client. On another all servers, its own first;
// who tries one address after the other finds one that answers there.
func VaultAddresses(f fleet.Fleet, m fleet.Machine) []string {
	if m.Is(fleet.Client) {
		return []string{relayAddress}
	}
	return from(servers(f), m.Address)
}

// from begins a list at one of its values.
func from(list []string, first string) []string {
	i := max(0, slices.Index(list, first))
	return slices.Concat(list[i:], list[:i])
}

// RelayService leads a client's connections to a server of Vault that is open: to its own where it is a server as well,
// and otherwise clients prefer one server each, by their order. It does its work when it knows one, and Nomad starts after
// that: when a machine boots and finds no Vault, as after a power cut of all, Nomad would give up Fabio, Crumpet and every
// other task that logs in to Vault, those of system jobs for good.
func RelayService(f fleet.Fleet, m fleet.Machine) Service {
	prefers, all := m.Address, servers(f)
	clients := f.Of(fleet.Client)
	if i := slices.IndexFunc(clients, func(c fleet.Machine) bool { return c.Name == m.Name }); i >= 0 && len(all) > 0 && !m.Is(fleet.Server) {
		prefers = all[i%len(all)]
	}
	s := Service{
		Name: "relay", About: "the way to Vault, of the Crumpet cluster", User: "crumpet", Command: Programs + "/crumpet",
		Args: []string{"relay", "--listen", hostPort(relayAddress, VaultAPI), "--ca", CAFile}, Says: true,
	}
	for _, server := range from(all, prefers) {
		s.Args = append(s.Args, "--server", hostPort(server, VaultAPI))
	}
	return s
}

// NomadSecrets are what Nomad on one machine is told in confidence.
type NomadSecrets struct {
	Gossip string // key, base64; of servers only
	Consul string // token for Consul; "" as long as there is none
}

const nomadConfig = Config + "/nomad"

// NomadFiles are the configuration of Nomad on a machine: a server, a client or both.
func NomadFiles(f fleet.Fleet, m fleet.Machine, s NomadSecrets) []File {
	files := []File{
		{Path: nomadConfig + "/nomad.hcl", Text: nomadMain(f, m), When: AtRestart},
		{Path: nomadConfig + "/consul.hcl", Text: nomadConsul(f, m, s), Secret: true, When: AtRestart},
		{Path: nomadConfig + "/join.hcl", Text: nomadJoin(f, m), When: AtNext},
	}
	if m.Is(fleet.Server) {
		files = append(files,
			File{Path: nomadConfig + "/server.hcl", Text: nomadServer(), When: AtRestart},
			File{Path: nomadConfig + "/gossip.hcl", Text: nomadGossip(s), Secret: true, When: AtNext})
	}
	if m.Is(fleet.Client) {
		files = append(files, File{Path: nomadConfig + "/client.hcl", Text: nomadClient(f, m), When: AtRestart})
	}
	return files
}

func nomadMain(f fleet.Fleet, m fleet.Machine) string {
	certificate, key := Cert(fleet.Nomad)
	t := newText("Nomad on " + m.Name + ".")
	t.set("name", m.Name)
	t.set("region", region(f))
	t.set("datacenter", f.Name)
	t.set("data_dir", Data+"/nomad")
	t.set("log_level", "INFO")
	t.set("disable_update_check", true)
	t.set("bind_addr", m.Address)
	t.block("addresses", func() { t.set("http", onLoopback(m)) })
	t.block("advertise", func() {
		for _, what := range []string{"http", "rpc", "serf"} {
			t.set(what, m.Address)
		}
	})
	t.note("A restart is no farewell: a server keeps its vote, and the tasks of a client go on.")
	t.set("leave_on_interrupt", false)
	t.set("leave_on_terminate", false)
	t.note("Both sides of every connection show a certificate, and a server one that is a server's.")
	t.block("tls", func() {
		t.set("http", true)
		t.set("rpc", true)
		t.set("ca_file", CAFile)
		t.set("cert_file", certificate)
		t.set("key_file", key)
		t.set("verify_server_hostname", true)
		t.set("verify_https_client", true)
	})
	t.block("acl", func() { t.set("enabled", true) })
	t.note("Every Crumpet holds many requests open, from one address.")
	t.block("limits", func() { t.set("http_max_conns_per_client", 2000) })
	t.block("telemetry", func() {
		t.set("prometheus_metrics", true)
		t.set("publish_allocation_metrics", true)
		t.set("publish_node_metrics", true)
		t.set("disable_hostname", true)
	})
	nomadVault(t)
	return t.String()
}

// nomadVault: jobs log in to Vault with an identity that Nomad signs; none of Nomad's agents has a token for it.
func nomadVault(t *text) {
	t.block("vault", func() {
		t.set("enabled", true)
		t.set("address", "https://"+VaultName+":8200")
		t.set("ca_file", CAFile)
		t.set("jwt_auth_backend_path", "jwt-nomad")
		t.block("default_identity", func() {
			t.set("aud", []string{"vault.io"})
			t.set("ttl", "1h")
		})
	})
}

// nomadConsul: the agent of Consul on the same machine, in clear over loopback, with a token.
//
// Services are registered with that token, not with one of an identity each (service_identity): those would be tokens
// that only Consul's newest state knows, so that after a restore from a backup no running instance could stay in the
// catalog. A task that asks Consul itself says so by a block consul, and logs in by its identity.
func nomadConsul(f fleet.Fleet, m fleet.Machine, s NomadSecrets) string {
	t := newText("how Nomad here reaches Consul here.")
	t.block("consul", func() {
		t.set("address", fmt.Sprintf("127.0.0.1:%d", ConsulHTTP))
		if s.Consul == "" {
			t.note("No token yet: step consul-acl makes it.")
		} else {
			t.set("token", s.Consul)
		}
		t.note("Machines find each other by join.hcl, with or without Consul.")
		t.set("server_auto_join", false)
		t.set("client_auto_join", false)
		if m.Is(fleet.Server) && ConsulTakesIdentities(f) && atLeast(f.Program(fleet.Nomad), 1, 7) {
			t.block("task_identity", func() {
				t.set("aud", []string{"consul.io"})
				t.set("ttl", "1h")
			})
		}
	})
	return t.String()
}

func nomadJoin(f fleet.Fleet, m fleet.Machine) string {
	t := newText("whom Nomad on " + m.Name + " looks for when it starts.")
	join := func(port int) {
		var addresses []string
		for _, address := range servers(f) {
			addresses = append(addresses, hostPort(address, port))
		}
		t.block("server_join", func() {
			t.set("retry_join", addresses)
			t.set("retry_interval", 2*time.Second)
		})
	}
	if m.Is(fleet.Server) {
		t.block("server", func() {
			t.set("bootstrap_expect", len(servers(f)))
			join(nomadSerf)
		})
	}
	if m.Is(fleet.Client) {
		t.block("client", func() { join(nomadRPC) })
	}
	return t.String()
}

func nomadServer() string {
	t := newText("what makes Nomad here a server.")
	t.block("server", func() {
		t.set("enabled", true)
		t.note("Elections as fast as they get: a lost leader is missed for seconds.")
		t.set("raft_multiplier", 1)
		t.note("A reader of events that falls behind by more than this is cut off, and reads everything again. 100 is little for a deploy.")
		t.set("event_buffer_size", 1000)
		t.note("So that memory_max is more than a wish. Only the first start of a cluster reads it.")
		t.block("default_scheduler_config", func() { t.set("memory_oversubscription_enabled", true) })
	})
	return t.String()
}

func nomadGossip(s NomadSecrets) string {
	t := newText("the key of the gossip. Nomad keeps it in its data from the first start on, and changes it there.")
	t.block("server", func() { t.set("encrypt", s.Gossip) })
	return t.String()
}

// denied are the fingerprinters that wait for the metadata of a cloud. Where there is none they delay the start, and
// with a certificate bundle for AWS one of them ends it. A machine's meta of this name keeps one.
var denied = []string{"env_aws", "env_gce", "env_azure", "env_digitalocean"}

// CloudMeta is the key of a machine's meta that names the fingerprinter of the cloud it is in: "env_aws".
const CloudMeta = "crumpet.cloud"

func nomadClient(f fleet.Fleet, m fleet.Machine) string {
	t := newText("what makes Nomad here a client.")
	drivers := f.Clients.Drivers
	if len(drivers) == 0 {
		drivers = []string{"exec"}
	}
	t.block("client", func() {
		t.set("enabled", true)
		t.set("min_dynamic_port", orElse(f.Clients.MinPort, 20000))
		t.set("max_dynamic_port", orElse(f.Clients.MaxPort, 32000))
		t.note("kill_timeout of a task is cut to this without a word.")
		t.set("max_kill_timeout", "10m")
		t.set("cni_path", "/opt/cni/bin")
		if atLeast(f.Program(fleet.Nomad), 1, 10) {
			t.set("host_volumes_dir", Data+"/volumes")
			t.set("host_volume_plugin_dir", "/opt/crumpet/volume-plugins")
		}
		t.note("The platform's own jobs, Fabio and Crumpet, find their programs here; no app may mount it.")
		t.block(`host_volume "crumpet-programs"`, func() {
			t.set("path", Programs)
			t.set("read_only", true)
		})
		if f.Clients.ReservedMB > 0 {
			t.block("reserved", func() { t.set("memory", f.Clients.ReservedMB) })
		}
		if len(m.Meta) > 0 {
			t.table("meta", m.Meta)
		}
		clouds := slices.DeleteFunc(slices.Clone(denied), func(d string) bool { return d == m.Meta[CloudMeta] })
		t.table("options", map[string]string{"fingerprint.denylist": strings.Join(clouds, ","), "driver.allowlist": strings.Join(drivers, ",")})
		t.note("A Vault, Consul or Nomad that is away ends no task: what is known stays, and is asked for again without end.")
		t.block("template", func() {
			for _, from := range []string{"vault_retry", "consul_retry", "nomad_retry"} {
				t.block(from, func() {
					t.set("attempts", 0)
					t.set("max_backoff", "5s")
				})
			}
		})
		t.note("A download that does not go on is given up, and tried again.")
		t.block("artifact", func() { t.set("http_read_timeout", "20s") })
		t.note("All that tasks see of the machine. Nomad's own list links all of /usr and takes seconds for each task.")
		t.table("chroot_env", chroot(f))
	})
	for _, driver := range drivers {
		if driver != "raw_exec" {
			continue
		}
		t.block(`plugin "raw_exec"`, func() {
			t.block("config", func() { t.set("enabled", true) })
		})
	}
	return t.String()
}

// chroot is what cluster.hcl says, or what a static program looks for: names, certificates and time zones. What is not
// there on a machine Nomad leaves out.
func chroot(f fleet.Fleet) map[string]string {
	if len(f.Clients.ChrootEnv) > 0 {
		return f.Clients.ChrootEnv
	}
	all := map[string]string{}
	for _, path := range []string{
		"/etc/resolv.conf", "/etc/hosts", "/etc/passwd", "/etc/group", "/etc/nsswitch.conf", "/etc/ssl/certs",
		"/etc/localtime", "/usr/share/zoneinfo",
	} {
		all[path] = path
	}
	return all
}

func orElse(value, otherwise int) int {
	if value == 0 {
		return otherwise
	}
	return value
}

// NomadService runs it. A client needs root for its tasks' cgroups, chroots and users; a server needs nothing.
func NomadService(m fleet.Machine) Service {
	s := Service{
		Name: "nomad", About: "Nomad, of the Crumpet cluster", Command: Programs + "/nomad", Args: []string{"agent", "-config=" + nomadConfig},
		After: []string{"consul"}, Folders: []string{Data + "/nomad"},
	}
	if m.Is(fleet.Client) {
		s.Node = true
		s.After = append(s.After, "relay")
		s.Folders = append(s.Folders, Data+"/volumes")
		s.Makes = []string{Data + "/alloc_mounts"}
		return s
	}
	s.User = "nomad"
	return s
}
