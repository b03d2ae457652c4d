package consul

import (
	"context"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	consulapi "github.com/hashicorp/consul/api"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// routedBy begins the tags that routers read.
const routedBy = "urlprefix-"

// memberAlive is serf's number for it.
const memberAlive = 1

// Quorum gives Consul's servers as its autopilot sees them, and the agents that are clients. Codes: forbidden
// (operator and agent read are needed), unavailable.
func (c *Client) Quorum(ctx context.Context) (paas.Quorum, error) {
	q, cancel := c.query(ctx)
	defer cancel()
	health, err := c.api.Operator().AutopilotServerHealth(q)
	if err != nil {
		return paas.Quorum{}, c.fail(ctx, err, "ask Consul's autopilot for its servers")
	}
	quorum := paas.Quorum{Program: paas.BackendConsul}
	for _, s := range health.Servers {
		quorum.Servers = append(quorum.Servers, paas.QuorumServer{
			Name: s.Name, Address: s.Address, Version: s.Version, Leader: s.Leader, Voter: s.Voter, Healthy: s.Healthy,
		})
		if s.Leader {
			quorum.Leader, quorum.Version = s.Name, s.Version
		}
	}
	var members []*consulapi.AgentMember
	if _, err := c.api.Raw().Query("/v1/agent/members", &members, q); err != nil {
		return paas.Quorum{}, c.fail(ctx, err, "list Consul's agents")
	}
	for _, m := range members {
		if m.Tags["role"] == "consul" { // a server
			continue
		}
		build, _, _ := strings.Cut(m.Tags["build"], ":")
		quorum.Members = append(quorum.Members, paas.QuorumServer{Name: m.Name, Address: m.Addr, Version: build, Healthy: m.Status == memberAlive})
	}
	byName := func(a, b paas.QuorumServer) int { return strings.Compare(a.Name, b.Name) }
	slices.SortFunc(quorum.Servers, byName)
	slices.SortFunc(quorum.Members, byName)
	return quorum, nil
}

// Serving gives the instances of apps' services that pass: with at least one check of their own, none of them and
// none of their nodes other than passing, as routers read them.
func (c *Client) Serving(ctx context.Context) ([]paas.Serving, error) {
	q, cancel := c.query(ctx)
	defer cancel()
	all, _, err := c.api.Health().State(consulapi.HealthAny, q)
	if err != nil {
		return nil, c.fail(ctx, err, "list health checks")
	}
	type one struct{ node, id string }
	checked, ill := map[one]bool{}, map[one]bool{} // of a node the id is ""
	names := map[string]bool{}
	for _, check := range all {
		of := one{check.Node, check.ServiceID}
		checked[of] = true
		ill[of] = ill[of] || check.Status != consulapi.HealthPassing
		if _, ours := paas.ParseService(check.ServiceName); ours {
			names[check.ServiceName] = true
		}
	}
	var list []paas.Serving
	for _, name := range slices.Sorted(maps.Keys(names)) {
		each, end := c.query(ctx)
		found, _, err := c.api.Catalog().Service(name, "", each)
		end()
		if err != nil {
			return nil, c.fail(ctx, err, fmt.Sprintf("list instances of service %q", name))
		}
		for _, s := range found {
			of := one{s.Node, s.ServiceID}
			if !checked[of] || ill[of] || ill[one{s.Node, ""}] {
				continue
			}
			host := s.ServiceAddress
			if host == "" {
				host = s.Address
			}
			list = append(list, paas.Serving{
				Service: name, Address: net.JoinHostPort(host, strconv.Itoa(s.ServicePort)),
				Routed: slices.ContainsFunc(s.ServiceTags, func(tag string) bool { return strings.HasPrefix(tag, routedBy) }),
			})
		}
	}
	return list, nil
}

// TokenEnd says when our own token ends, nil for never. Without a token there is nothing to end. Code: forbidden.
func (c *Client) TokenEnd(ctx context.Context) (*time.Time, error) {
	if !c.token {
		return nil, nil
	}
	q, cancel := c.query(ctx)
	defer cancel()
	token, _, err := c.api.ACL().TokenReadSelf(q)
	if err != nil {
		return nil, c.fail(ctx, err, "look up own consul token")
	}
	return token.ExpirationTime, nil
}
