package conformance_test

import (
	"encoding/json"
	"strings"
	"time"

	consulapi "github.com/hashicorp/consul/api"
	nomadapi "github.com/hashicorp/nomad/api"
)

// doctorRows are what a doctor asks of each program.
var doctorRows = []row{
	{
		name:  "Nomad: its autopilot knows one server, which leads",
		calls: []string{"nomad GET /v1/operator/autopilot/health"},
		want: `
			healthy true, 1 server
			dev.global: leader true, voter true, healthy true, version true, an address true`,
		run: func(p *probe) {
			health, _, err := p.nomad.Operator().AutopilotServerHealth(p.read())
			p.check(err)
			p.say("healthy %t, %d server", health.Healthy, len(health.Servers))
			for _, s := range health.Servers {
				p.say("%s: leader %t, voter %t, healthy %t, version %t, an address %t", s.Name, s.Leader, s.Voter, s.Healthy, strings.Count(s.Version, ".") >= 2, strings.Contains(s.Address, ":"))
			}
		},
	},
	{
		name:  "Nomad: a node names its agent's address, its Consul agent, its ports and its drivers",
		calls: []string{"nomad GET /v1/nodes", "nomad GET /v1/node/:id", "nomad GET /v1/agent/self"},
		want: `
			an address true, of itself true
			nomad.version true, unique.consul.name true, ports in order true
			exec or raw_exec healthy: true
			max_kill_timeout is a time: true`,
		run: func(p *probe) {
			nodes, _, err := p.nomad.Nodes().List(p.read())
			p.check(err)
			n, _, err := p.nomad.Nodes().Info(nodes[0].ID, p.read())
			p.check(err)
			p.say("an address %t, of itself %t", strings.Contains(n.HTTPAddr, ":"), "http://"+n.HTTPAddr == p.at["nomad"])
			has := n.NodeResources
			p.say("nomad.version %t, unique.consul.name %t, ports in order %t", n.Attributes["nomad.version"] != "", n.Attributes["unique.consul.name"] != "",
				has.MinDynamicPort > 0 && has.MaxDynamicPort > has.MinDynamicPort)
			healthy := false
			for _, name := range []string{"exec", "raw_exec"} {
				driver := n.Drivers[name]
				healthy = healthy || driver != nil && driver.Detected && driver.Healthy
			}
			p.say("exec or raw_exec healthy: %t", healthy)
			var self nomadapi.AgentSelf
			_, err = p.nomad.Raw().Query("/v1/agent/self", &self, p.read())
			p.check(err)
			client, _ := self.Config["Client"].(map[string]any)
			kill, _ := client["MaxKillTimeout"].(string)
			_, err = time.ParseDuration(kill)
			p.say("max_kill_timeout is a time: %t", err == nil)
		},
	},
	{
		name:  "Consul: its autopilot knows one server, which leads, and its members are that one",
		calls: []string{"consul GET /v1/operator/autopilot/health", "consul GET /v1/agent/members"},
		want: `
			healthy true, 1 server: leader true, voter true, healthy true, version true
			1 member: role consul, build true, alive true`,
		run: func(p *probe) {
			health, err := p.consul.Operator().AutopilotServerHealth(p.readConsul())
			p.check(err)
			s := health.Servers[0]
			p.say("healthy %t, %d server: leader %t, voter %t, healthy %t, version %t", health.Healthy, len(health.Servers), s.Leader, s.Voter, s.Healthy, strings.Count(s.Version, ".") >= 2)
			var members []*consulapi.AgentMember
			_, err = p.consul.Raw().Query("/v1/agent/members", &members, p.readConsul())
			p.check(err)
			m := members[0]
			p.say("%d member: role %s, build %t, alive %t", len(members), m.Tags["role"], strings.Contains(m.Tags["build"], ":"), m.Status == 1)
		},
	},
	{
		name:  "Vault: anybody is told how it is sealed",
		calls: []string{"vault GET /v1/sys/seal-status"},
		want:  `initialized true, sealed false, type shamir, version true, storage file`,
		run: func(p *probe) {
			s, err := p.vault.Sys().SealStatusWithContext(p.ctx)
			p.check(err)
			p.say("initialized %t, sealed %t, type %s, version %t, storage %s", s.Initialized, s.Sealed, s.Type, s.Version != "", s.StorageType)
		},
	},
	{
		name:  "Router: it tells how it is set up, and its version",
		calls: []string{"fabio GET /api/config", "fabio GET /api/version"},
		want: `
			access ro, strategy rnd, dial timeout 3s
			kvpath /fabio/config/, checks all, monitors true, glob matching on true
			version 1.7.3`,
		run: func(p *probe) {
			var c struct {
				UI    struct{ Access string }
				Proxy struct {
					Strategy    string
					DialTimeout time.Duration
				}
				Registry struct {
					Consul struct {
						KVPath, ChecksRequired string
						ServiceMonitors        int
					}
				}
				GlobMatchingDisabled bool
			}
			p.check(json.Unmarshal([]byte(p.admin("/api/config")), &c))
			p.say("access %s, strategy %s, dial timeout %s", c.UI.Access, c.Proxy.Strategy, c.Proxy.DialTimeout)
			of := c.Registry.Consul
			p.say("kvpath %s, checks %s, monitors %t, glob matching on %t", of.KVPath, of.ChecksRequired, of.ServiceMonitors > 0, !c.GlobMatchingDisabled)
			version, _, _ := strings.Cut(strings.TrimSpace(p.admin("/api/version")), "-") // the stand-in says what it is, after a dash
			p.say("version %s", version)
		},
	},
}
