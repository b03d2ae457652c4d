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
