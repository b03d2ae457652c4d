package router

import (
	"slices"
	"strings"

	consulapi "github.com/hashicorp/consul/api"
)

const (
	nodeCheck          = "serfHealth"
	nodeMaintenance    = "_node_maintenance"
	serviceMaintenance = "_service_maintenance:"
)

// instanceKey names a service instance: ids are unique per node only.
type instanceKey struct{ node, id string }

// passing returns the instances that may take traffic, by service name. With all set every check of an instance must
// pass, else one is enough. A service without a check of its own is never routed; a critical node check and either
// maintenance mode take an instance out.
func passing(checks consulapi.HealthChecks, prefix string, all bool) map[string]map[instanceKey]bool {
	type tally struct{ total, passing int }
	tallies := map[instanceKey]tally{}
	nodesOut := map[string]bool{}
	instancesOut := map[instanceKey]bool{}
	var own []*consulapi.HealthCheck

	for _, c := range checks {
		key := instanceKey{c.Node, c.ServiceID}
		kind := kindOf(c)
		if kind == checkOther && !hasPrefixTag(c.ServiceTags, prefix) {
			continue
		}
		// Maintenance checks of a service count towards its total, as in Fabio: with `all` they end traffic too.
		t := tallies[key]
		t.total++
		if c.Status == consulapi.HealthPassing {
			t.passing++
		}
		tallies[key] = t
		switch kind {
		case checkNode:
			if c.Status == consulapi.HealthCritical {
				nodesOut[c.Node] = true
			}
		case checkNodeMaintenance:
			nodesOut[c.Node] = true
		case checkServiceMaintenance:
			if c.Status == consulapi.HealthCritical {
				instancesOut[instanceKey{c.Node, strings.TrimPrefix(c.CheckID, serviceMaintenance)}] = true
			}
		case checkOther:
			if c.ServiceID != "" {
				own = append(own, c)
			}
		}
	}

	services := map[string]map[instanceKey]bool{}
	for _, c := range own {
		key := instanceKey{c.Node, c.ServiceID}
		t := tallies[key]
		if nodesOut[c.Node] || instancesOut[key] || t.passing == 0 || all && t.passing != t.total {
			continue
		}
		if services[c.ServiceName] == nil {
			services[c.ServiceName] = map[instanceKey]bool{}
		}
		services[c.ServiceName][key] = true
	}
	return services
}

type checkKind int

const (
	checkOther checkKind = iota
	checkNode
	checkNodeMaintenance
	checkServiceMaintenance
)

func kindOf(c *consulapi.HealthCheck) checkKind {
	switch {
	case c.CheckID == nodeCheck:
		return checkNode
	case c.CheckID == nodeMaintenance:
		return checkNodeMaintenance
	case strings.HasPrefix(c.CheckID, serviceMaintenance):
		return checkServiceMaintenance
	}
	return checkOther
}

func hasPrefixTag(tags []string, prefix string) bool {
	return slices.ContainsFunc(tags, func(tag string) bool { return strings.HasPrefix(tag, prefix) })
}
