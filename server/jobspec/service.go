package jobspec

import (
	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// services gives one service for each port. Their common name carries the slot, so that a router's
// counters by service are those of one release.
func services(in Input, p paas.Process) []*nomadapi.Service {
	name := paas.Service{Team: in.Release.Team, App: in.Release.App, Process: p.Name, Slot: in.Slot}.String()
	var services []*nomadapi.Service
	for _, port := range p.Ports {
		services = append(services, &nomadapi.Service{
			Name:        name,
			Provider:    nomadapi.ServiceProviderConsul,
			PortLabel:   port.Name,
			AddressMode: "host",
			Tags:        tags(p, port.Name, in.RouterPort),
			Checks:      []nomadapi.ServiceCheck{check(p, port.Name)},
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

// check is what must pass before the port counts: the spec's health check where it is of this port,
// else that somebody listens. A service without a check would never be routed.
func check(p paas.Process, port string) nomadapi.ServiceCheck {
	if h := p.Health.Readiness; h != nil && h.Port == port {
		return nomadapi.ServiceCheck{
			Name: checkName, Type: "http", Path: h.Path, Interval: h.Interval, Timeout: h.Timeout,
		}
	}
	return nomadapi.ServiceCheck{
		Name: checkName, Type: "tcp", Interval: paas.DefaultCheckInterval, Timeout: paas.DefaultCheckTimeout,
	}
}
