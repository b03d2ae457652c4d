package jobspec

import (
	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// services gives one service for each port that a connection can check. Their common name carries
// the slot, so that a router's counters by service are those of one release. A process without such a
// port, but with probes, has a service without port for them: no route can lead there.
func services(in Input, p paas.Process) []*nomadapi.Service {
	name := paas.Service{Team: in.Release.Team, App: in.Release.App, Process: p.Name, Slot: in.Slot}.String()
	var services []*nomadapi.Service
	for _, port := range p.Ports {
		if !port.Checkable() {
			continue
		}
		services = append(services, &nomadapi.Service{
			Name:        name,
			Provider:    nomadapi.ServiceProviderConsul,
			PortLabel:   port.Name,
			AddressMode: "host",
			Tags:        tags(p, port.Name, in.RouterPort),
			Checks:      checks(p, port.Name, len(services) == 0),
		})
	}
	if len(services) == 0 && p.Checked() {
		services = append(services, &nomadapi.Service{
			Name: name, Provider: nomadapi.ServiceProviderConsul, AddressMode: "host",
			Checks: checks(p, "", true),
		})
	}
	return services
}

// tags are the routes that lead to a port of a process.
func tags(p paas.Process, port, routerPort string) []string {
	var tags []string
	for _, r := range p.Routes {
		if r.Port == port {
			tags = append(tags, r.Tags(routerPort)...)
		}
	}
	return tags
}
