package agents

import (
	"time"

	"github.com/crumpet-paas/crumpet/server/fleet"
)

// Ports of Consul: the API in clear for the machine itself only, and with TLS for whoever has a certificate.
const (
	ConsulHTTP  = 8500
	ConsulHTTPS = 8501
	consulDNS   = 8600
)

// ConsulSecrets are what Consul on one machine is told in confidence.
type ConsulSecrets struct {
	Gossip     string // key, base64
	Management string // token that the first start makes so; "" once there is one
	Agent      string // token of this node's agent; "" as long as there is none
}

const consulConfig = Config + "/consul"

// ConsulFiles are the configuration of Consul on a machine.
func ConsulFiles(f fleet.Fleet, m fleet.Machine, s ConsulSecrets) []File {
	return []File{
		{Path: consulConfig + "/consul.hcl", Text: consulMain(f, m), When: AtRestart},
		{Path: consulConfig + "/join.hcl", Text: consulJoin(f, m), When: AtNext},
		{Path: consulConfig + "/gossip.hcl", Text: consulGossip(s), Secret: true, When: AtNext},
		{Path: consulConfig + "/tokens.hcl", Text: consulTokens(f, s), Secret: true, When: AtReload},
	}
}

func consulMain(f fleet.Fleet, m fleet.Machine) string {
	t := newText("Consul on " + m.Name + ".")
	t.set("datacenter", f.Name)
	t.set("primary_datacenter", f.Name)
	t.set("node_name", m.Name)
	t.set("data_dir", Data+"/consul")
	t.set("server", m.Is(fleet.Server))
	t.set("log_level", "INFO")
	t.set("disable_update_check", true)
	t.set("enable_syslog", false)
	t.note("In clear on the machine itself only, where tokens are asked for as everywhere.")
	t.set("bind_addr", m.Address)
	t.set("advertise_addr", m.Address)
	t.set("client_addr", "127.0.0.1")
	t.block("addresses", func() { t.set("https", onLoopback(m)) })
	t.block("ports", func() {
		t.set("http", ConsulHTTP)
		t.set("https", ConsulHTTPS)
		t.set("dns", consulDNS)
		t.set("grpc", -1)
		if atLeast(f.Program(fleet.Consul), 1, 14) {
			t.set("grpc_tls", -1)
		}
	})
	t.note("A restart is no farewell: the node keeps its services, and a server its vote.")
	t.set("leave_on_terminate", false)
	t.set("skip_leave_on_interrupt", true)
	t.set("enable_script_checks", false)
	t.set("disable_remote_exec", true)
	consulTLS(t, f)
	t.block("acl", func() {
		t.set("enabled", true)
		t.set("default_policy", "deny")
		t.note("What was allowed stays allowed while no server answers.")
		t.set("down_policy", "extend-cache")
	})
	t.note("Every Fabio, Nomad and Crumpet here holds many blocking queries open, from one address.")
	t.block("limits", func() { t.set("http_max_conns_per_client", 2000) })
	t.block("telemetry", func() {
		t.set("prometheus_retention_time", time.Hour)
		t.set("disable_hostname", true)
	})
	if m.Is(fleet.Server) {
		t.note("Elections as fast as they get: a lost leader is missed for seconds.")
		t.block("performance", func() { t.set("raft_multiplier", 1) })
		t.block("autopilot", func() { t.set("cleanup_dead_servers", true) })
	}
	return t.String()
}

// consulTLS: both sides of every connection show a certificate, and a server one that is a server's.
func consulTLS(t *text, f fleet.Fleet) {
	certificate, key := Cert(fleet.Consul)
	files := func() {
		t.set("ca_file", CAFile)
		t.set("cert_file", certificate)
		t.set("key_file", key)
		t.set("verify_incoming", true)
		t.set("verify_outgoing", true)
	}
	if !atLeast(f.Program(fleet.Consul), 1, 12) {
		files()
		t.set("verify_server_hostname", true)
		t.set("tls_min_version", "tls12")
		return
	}
	t.block("tls", func() {
		t.block("defaults", func() {
			files()
			t.set("tls_min_version", "TLSv1_2")
		})
		t.block("internal_rpc", func() { t.set("verify_server_hostname", true) })
	})
}

func consulJoin(f fleet.Fleet, m fleet.Machine) string {
	t := newText("whom Consul on " + m.Name + " looks for when it starts.")
	t.set("retry_join", servers(f))
	t.set("retry_interval", 2*time.Second)
	if m.Is(fleet.Server) {
		t.set("bootstrap_expect", len(servers(f)))
	}
	return t.String()
}

func consulGossip(s ConsulSecrets) string {
	t := newText("the key of the gossip. Consul keeps it in its data from the first start on, and changes it there.")
	t.set("encrypt", s.Gossip)
	return t.String()
}

func consulTokens(f fleet.Fleet, s ConsulSecrets) string {
	t := newText("the tokens of this agent.")
	if s.Management == "" && s.Agent == "" {
		t.note("None yet: step consul-acl makes them.")
		return t.String()
	}
	t.block("acl", func() {
		t.block("tokens", func() {
			if s.Agent != "" {
				t.set("agent", s.Agent)
			}
			if s.Management != "" {
				t.note("Only as long as Consul has not taken it for its management token.")
				word := "master"
				if atLeast(f.Program(fleet.Consul), 1, 11) {
					word = "initial_management"
				}
				t.set(word, s.Management)
			}
		})
	})
	return t.String()
}

// ConsulService runs it.
func ConsulService(m fleet.Machine) Service {
	return Service{
		Name: "consul", About: "Consul, of the Crumpet cluster", User: "consul", Command: Programs + "/consul",
		Args: []string{"agent", "-config-dir=" + consulConfig}, Folders: []string{Data + "/consul"},
	}
}
