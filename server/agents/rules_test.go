package agents_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/crumpet-paas/crumpet/server/agents"
	"github.com/crumpet-paas/crumpet/server/fleet"
)

func TestSecretsStandInFilesOfTheirOwn(t *testing.T) {
	t.Parallel()
	f := demo("1.8.7", "2.0.6")
	for _, m := range f.Machines {
		files := slices.Concat(
			agents.ConsulFiles(f, m, agents.ConsulSecrets{Gossip: "SECRET-1", Management: "SECRET-2", Agent: "SECRET-3"}),
			agents.NomadFiles(f, m, agents.NomadSecrets{Gossip: "SECRET-4", Consul: "SECRET-5"}))
		for _, file := range files {
			if strings.Contains(file.Text, "SECRET") && !file.Secret {
				t.Errorf("%s: anybody may read the secret in %s", m.Name, file.Path)
			}
		}
	}
}

func TestOnlyAServersCertificateHasAServersName(t *testing.T) {
	t.Parallel()
	f := demo("1.8.7", "2.0.6")
	for _, m := range f.Machines {
		for n, name := range map[fleet.Name]string{fleet.Consul: "server.demo.consul", fleet.Nomad: "server.global.nomad"} {
			_, dns, ips := agents.Names(f, m, n)
			if has := slices.Contains(dns, name); has != m.Is(fleet.Server) {
				t.Errorf("%s of %s speaks for %v", n, m.Name, dns)
			}
			if len(ips) != 2 || ips[1].String() != m.Address {
				t.Errorf("%s of %s speaks for %v, its address is %s", n, m.Name, ips, m.Address)
			}
		}
	}
	if _, dns, _ := agents.Names(f, f.Machines[3], fleet.Nomad); !slices.Contains(dns, "client.global.nomad") {
		t.Errorf("a machine that is both speaks for %v", dns)
	}
}

func TestAMachineMoreRestartsNobody(t *testing.T) {
	t.Parallel()
	before := demo("1.8.7", "2.0.6")
	after := demo("1.8.7", "2.0.6")
	after.Machines = append(after.Machines, fleet.Machine{Name: "server-4", Address: "10.77.0.14", Roles: []fleet.Role{fleet.Server}})
	for i, m := range before.Machines {
		was := slices.Concat(agents.ConsulFiles(before, m, agents.ConsulSecrets{}), agents.NomadFiles(before, m, agents.NomadSecrets{}))
		is := slices.Concat(agents.ConsulFiles(after, after.Machines[i], agents.ConsulSecrets{}), agents.NomadFiles(after, after.Machines[i], agents.NomadSecrets{}))
		changed := 0
		for i := range was {
			if was[i].Text == is[i].Text {
				continue
			}
			if changed++; was[i].When != agents.AtNext {
				t.Errorf("%s: %s changes at %s", m.Name, was[i].Path, was[i].When)
			}
		}
		if changed != 2 {
			t.Errorf("%s: %d files know of the new server, want those of Consul and Nomad", m.Name, changed)
		}
	}
}

func TestACloudsFingerprinterIsKeptWhereItIsAskedFor(t *testing.T) {
	t.Parallel()
	f := demo("1.8.7", "2.0.6")
	f.Machines[0].Meta = map[string]string{agents.CloudMeta: "env_aws"}
	files := agents.NomadFiles(f, f.Machines[0], agents.NomadSecrets{})
	if text := files[len(files)-1].Text; !strings.Contains(text, `"fingerprint.denylist" = "env_gce,env_azure,env_digitalocean"`) {
		t.Errorf("client.hcl:\n%s", text)
	}
}

func TestEachMachineHasItsWayToVault(t *testing.T) {
	t.Parallel()
	f := demo("1.8.7", "2.0.6")
	f.Machines = append(f.Machines, fleet.Machine{Name: "client-2", Address: "10.77.0.22", Roles: []fleet.Role{fleet.Client}})
	for i, c := range []struct {
		addresses []string // what the name of Vault leads to
		prefers   string   // first server of the relay; "" for none
	}{
		0: {[]string{"127.0.0.2"}, "10.77.0.11:8200"},
		1: {[]string{"10.77.0.11", "10.77.0.12", "10.77.0.13"}, ""},
		2: {[]string{"10.77.0.12", "10.77.0.13", "10.77.0.11"}, ""},
		3: {[]string{"127.0.0.2"}, "10.77.0.13:8200"}, // its own
		4: {[]string{"127.0.0.2"}, "10.77.0.13:8200"},
	} {
		m := f.Machines[i]
		if got := agents.VaultAddresses(f, m); !slices.Equal(got, c.addresses) {
			t.Errorf("%s: the name of Vault leads to %v, want %v", m.Name, got, c.addresses)
		}
		if c.prefers == "" {
			continue
		}
		args := agents.RelayService(f, m).Args
		if first := args[slices.Index(args, "--server")+1]; first != c.prefers {
			t.Errorf("%s: its relay prefers %s, want %s", m.Name, first, c.prefers)
		}
		for _, server := range f.Of(fleet.Server) {
			if !slices.Contains(args, server.Address+":8200") {
				t.Errorf("%s: its relay does not know %s", m.Name, server.Name)
			}
		}
	}
}
