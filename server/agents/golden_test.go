package agents_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/agents"
	"github.com/crumpet-paas/crumpet/server/fleet"
)

var update = flag.Bool("update", false, "write the files in testdata anew")

// demo is a fleet of three servers, a client and a machine that is both.
func demo(consul, nomad string) fleet.Fleet {
	machine := func(name, address string, roles ...fleet.Role) fleet.Machine {
		return fleet.Machine{Name: name, Address: address, Roles: roles, Root: "/"}
	}
	f := fleet.Fleet{
		Name: "demo", Region: "global", Domain: "apps.example.com", Init: fleet.Systemd,
		Machines: []fleet.Machine{
			machine("client-1", "10.77.0.21", fleet.Client), machine("server-1", "10.77.0.11", fleet.Server),
			machine("server-2", "10.77.0.12", fleet.Server), machine("server-3", "10.77.0.13", fleet.Server, fleet.Client),
		},
		Programs: []fleet.Program{{Name: fleet.Consul, Version: consul}, {Name: fleet.Nomad, Version: nomad}},
		Clients:  fleet.ClientBase{Drivers: []string{"exec", "docker"}, MinPort: 20000, MaxPort: 32000, ReservedMB: 512},
	}
	f.Machines[0].Meta = map[string]string{"rack": "r1"}
	return f
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs from what was written (-want +got):\n%s", path, diff)
	}
}

// shown is all files in one text, with what else is said of each.
func shown(files []agents.File) string {
	var b strings.Builder
	for _, f := range files {
		secret := ""
		if f.Secret {
			secret = ", secret"
		}
		fmt.Fprintf(&b, "---- %s (%s%s)\n%s", f.Path, f.When, secret, f.Text)
	}
	return b.String()
}

func TestConfigurationIsAsWrittenDown(t *testing.T) {
	t.Parallel()
	old, current := demo("1.8.7", "2.0.6"), demo("1.22.1", "1.11.2")
	full := agents.ConsulSecrets{Gossip: "GOSSIP", Agent: "AGENT"}
	first := agents.ConsulSecrets{Gossip: "GOSSIP", Management: "MANAGEMENT"}
	for name, got := range map[string]string{
		"consul-1.8-server-first-start": shown(agents.ConsulFiles(old, old.Machines[1], first)),
		"consul-1.22-server":            shown(agents.ConsulFiles(current, current.Machines[1], full)),
		"consul-1.22-first-start":       shown(agents.ConsulFiles(current, current.Machines[1], first)[3:]),
		"consul-1.8-client":             shown(agents.ConsulFiles(old, old.Machines[0], full)),
		"nomad-server":                  shown(agents.NomadFiles(old, old.Machines[1], agents.NomadSecrets{Gossip: "GOSSIP", Consul: "TOKEN"})),
		"nomad-client":                  shown(agents.NomadFiles(old, old.Machines[0], agents.NomadSecrets{Consul: "TOKEN"})),
		"nomad-both":                    shown(agents.NomadFiles(current, current.Machines[3], agents.NomadSecrets{Gossip: "GOSSIP"})),
	} {
		golden(t, name, got)
	}
}

func TestServicesAreAsWrittenDown(t *testing.T) {
	t.Parallel()
	f := demo("1.8.7", "2.0.6")
	for name, s := range map[string]agents.Service{
		"service-consul": agents.ConsulService(f.Machines[0]), "service-nomad-server": agents.NomadService(f.Machines[1]), "service-nomad-client": agents.NomadService(f.Machines[0]),
		"service-relay": agents.RelayService(f, f.Machines[0]),
	} {
		got := fmt.Sprintf("---- %s\n%s", s.UnitFile(), s.Unit())
		for _, init := range []fleet.Init{fleet.Systemd, fleet.Process} {
			for _, verb := range []agents.Verb{agents.Prepare, agents.Start, agents.Stop, agents.Restart, agents.Reload, agents.Status, agents.Log} {
				got += fmt.Sprintf("---- %s, init = %q\n%s", verb, init, s.Script(init, verb))
			}
		}
		golden(t, name, got)
	}
}
