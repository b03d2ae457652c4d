package agents

import (
	"maps"
	"slices"
	"time"

	"github.com/crumpet-paas/crumpet/server/fleet"
)

// Ports of Vault: its own defaults.
const (
	VaultAPI     = 8200
	VaultCluster = 8201
)

// VaultAudit is where Vault writes who asked for what, on each machine. Values stand there as hashes.
const VaultAudit = vaultLogs + "/audit.log"

const vaultLogs = logs + "/vault"

// VaultSecrets are what Vault on one machine is told in confidence.
type VaultSecrets struct {
	SealToken string // for the other Vault, of a transit seal; else ""
	SealCA    string // no secret: who signed that one's certificate; "" for one that machines know
}

const (
	vaultConfig = Config + "/vault"
	sealCA      = vaultConfig + "/seal-ca.pem"
)

// VaultFiles are the configuration of Vault on a machine: words that HashiCorp's and OpenBao's both take.
func VaultFiles(f fleet.Fleet, m fleet.Machine, s VaultSecrets) []File {
	files := []File{
		{Path: vaultConfig + "/vault.hcl", Text: vaultMain(f, m), When: AtRestart},
		{Path: vaultConfig + "/join.hcl", Text: vaultJoin(f, m), When: AtNext},
	}
	if text := vaultSeal(f.Seal, s); text != "" {
		files = append(files, File{Path: vaultConfig + "/seal.hcl", Text: text, Secret: true, When: AtRestart})
	}
	if s.SealCA != "" {
		files = append(files, File{Path: sealCA, Text: s.SealCA, When: AtRestart})
	}
	return files
}

func vaultMain(f fleet.Fleet, m fleet.Machine) string {
	certificate, key := Cert(fleet.Vault)
	t := newText("Vault on " + m.Name + ".")
	t.set("cluster_name", f.Name)
	t.set("log_level", "info")
	t.set("ui", false)
	t.note("Raft's log is mapped into memory, which a locked process would hold whole. So that nothing secret is written to a")
	t.note("disk all the same, machines have no swap, and the unit allows none.")
	t.set("disable_mlock", true)
	t.set("api_addr", "https://"+hostPort(m.Address, VaultAPI))
	t.set("cluster_addr", "https://"+hostPort(m.Address, VaultCluster))
	t.note("Tasks renew their leases at half their time: a day for each, and 32 days at most unless a role says otherwise.")
	t.set("default_lease_ttl", "24h")
	t.set("max_lease_ttl", "768h")
	addresses := []string{m.Address}
	if m.Address != "127.0.0.1" {
		addresses = append(addresses, "127.0.0.1")
	}
	for _, address := range addresses {
		t.block(`listener "tcp"`, func() {
			t.set("address", hostPort(address, VaultAPI))
			if address == m.Address {
				t.set("cluster_address", hostPort(address, VaultCluster))
			}
			t.set("tls_cert_file", certificate)
			t.set("tls_key_file", key)
			t.set("tls_client_ca_file", CAFile)
			t.set("tls_min_version", "tls12")
			if address == m.Address {
				t.note("Tasks have no certificate: they log in with an identity. Who has one may log in by it (auth/cert).")
				t.set("tls_require_and_verify_client_cert", false)
			}
			t.block("telemetry", func() {
				t.note("Prometheus brings a token: metrics name every mount.")
				t.set("unauthenticated_metrics_access", false)
			})
		})
	}
	t.block("telemetry", func() {
		t.set("prometheus_retention_time", time.Hour)
		t.set("disable_hostname", true)
	})
	if isOpenBao(f) {
		t.note("Servers that follow would answer reads with what they know so far: of two Crumpets one did not find what the other")
		t.note("had just written. They hand them on to the one that leads, as HashiCorp's do.")
		t.set("disable_standby_reads", true)
	}
	if AuditInConfig(f) {
		t.note("SIGHUP opens the file again, as after a rotation.")
		t.block(`audit "file" "`+AuditName+`"`, func() {
			t.block("options", func() { t.set("file_path", VaultAudit) })
		})
	}
	return t.String()
}

// AuditName is what the audit device is called.
const AuditName = "file"

// AuditInConfig says whether Vault takes its audit device from its configuration: OpenBao takes it from nowhere else, since
// a device that a call makes could write anywhere. HashiCorp's has it made by a call.
func AuditInConfig(f fleet.Fleet) bool { return isOpenBao(f) }

func isOpenBao(f fleet.Fleet) bool { return f.Program(fleet.Vault).Command == "bao" }

// vaultJoin: a server that holds nothing yet asks the others until one of them is initialized.
func vaultJoin(f fleet.Fleet, m fleet.Machine) string {
	certificate, key := Cert(fleet.Vault)
	t := newText("where Vault on " + m.Name + " keeps what it knows, and whom it asks to share it when it holds nothing.")
	t.block(`storage "raft"`, func() {
		t.set("path", Data+"/vault")
		t.set("node_id", m.Name)
		t.note("Elections as fast as they get: a lost leader is missed for seconds.")
		t.set("performance_multiplier", 1)
		for _, other := range servers(f) {
			if other == m.Address {
				continue
			}
			t.block("retry_join", func() {
				t.set("leader_api_addr", "https://"+hostPort(other, VaultAPI))
				t.set("leader_ca_cert_file", CAFile)
				t.set("leader_client_cert_file", certificate)
				t.set("leader_client_key_file", key)
			})
		}
	})
	return t.String()
}

// vaultSeal is "" for key shares: Vault's own default. A file of its own, as a token may stand in it; keys of clouds come
// from the machine's identity there.
func vaultSeal(seal fleet.Seal, s VaultSecrets) string {
	kind := seal.Type
	switch seal.Kind {
	case fleet.Shares, "":
		return ""
	case fleet.Transit:
		kind = string(fleet.Transit)
	case fleet.KMS:
	}
	t := newText("who holds the key that unseals Vault.")
	t.block(`seal "`+kind+`"`, func() {
		for _, name := range slices.Sorted(maps.Keys(seal.Settings)) {
			t.set(name, seal.Settings[name])
		}
		if s.SealCA != "" {
			t.set("tls_ca_cert", sealCA)
		}
		if s.SealToken != "" {
			t.set("token", s.SealToken)
		}
	})
	return t.String()
}

// ConsulTakesIdentities says whether Consul has the auth method by which Nomad's workloads log in.
func ConsulTakesIdentities(f fleet.Fleet) bool { return atLeast(f.Program(fleet.Consul), 1, 8) }

// VaultService runs it.
func VaultService(fleet.Machine) Service {
	return Service{
		Name: "vault", About: "Vault, of the Crumpet cluster", User: "vault", Command: Programs + "/vault",
		Args: []string{"server", "-config=" + vaultConfig}, Folders: []string{Data + "/vault", vaultLogs},
	}
}

// JWKSService hands out Nomad's public keys on a machine that runs a server of Nomad: to this machine only, where a
// server of Vault and one of Consul are. Its certificate is Nomad's, as is its user.
func JWKSService(f fleet.Fleet, m fleet.Machine) Service {
	certificate, key := Cert(fleet.Nomad)
	s := Service{
		Name: "jwks", About: "Nomad's public keys, of the Crumpet cluster", Command: Programs + "/crumpet", After: []string{"nomad"},
		Args: []string{
			"jwks", "--nomad", "https://" + hostPort(m.Address, NomadHTTP), "--listen", hostPort("127.0.0.1", f.Ports.JWKS),
			"--ca", CAFile, "--cert", certificate, "--key", key,
		},
	}
	if !m.Is(fleet.Client) {
		s.User = "nomad"
	}
	return s
}
