package api

import (
	"context"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Overview looks at the machinery under all apps. Code: unavailable, where not even the store answers; what else
// does not is told in the answer.
type Overview interface {
	Overview(ctx context.Context) (paas.Platform, error)
}

func (a *API) platform(ctx context.Context, _ *Scope) (*body[paas.Platform], error) {
	platform, err := a.Overview.Overview(ctx)
	if err != nil {
		return nil, err
	}
	servers, err := a.Servers.Servers(ctx)
	if err != nil {
		return nil, err
	}
	platform.Version, platform.Servers = a.Version, items(servers)
	platform.Backends, platform.Routers, platform.Nodes = items(platform.Backends), items(platform.Routers), items(platform.Nodes)
	for i := range platform.Nodes {
		platform.Nodes[i].Tenants = items(platform.Nodes[i].Tenants)
	}
	return &body[paas.Platform]{platform}, nil
}

// Doctor looks at the cluster. What does not answer is told in the answer; an error is the caller's own end.
type Doctor interface {
	Checkup(ctx context.Context) (paas.Checkup, error)
}

func (a *API) findings(ctx context.Context, _ *Scope) (*body[paas.Checkup], error) {
	c, err := a.Doctor.Checkup(ctx)
	if err != nil {
		return nil, err
	}
	c.Quorums, c.Agents, c.Certificates, c.Leases, c.Findings = items(c.Quorums), items(c.Agents), items(c.Certificates), items(c.Leases), items(c.Findings)
	for i := range c.Quorums {
		c.Quorums[i].Servers = items(c.Quorums[i].Servers)
	}
	return &body[paas.Checkup]{c}, nil
}
