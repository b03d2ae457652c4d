package api

import (
	"context"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// Hosts are whose host names are. Codes as of Teams.
type Hosts interface {
	// Hosts lists those of the teams, nil for all, and those shared with them.
	Hosts(ctx context.Context, teams []string) ([]paas.Host, error)
	// ShareHost gives the host as it is then.
	ShareHost(ctx context.Context, team, host, with string, shared bool) (paas.Host, error)
	ReleaseHost(ctx context.Context, team, host string) error
}

func (a *API) hosts(ctx context.Context, in *struct {
	Team string `query:"team" default:"default" doc:"The team; * for all that the caller is in."`
},
) (*body[wire.Hosts], error) {
	list, err := a.Teams.Hosts(ctx, a.sightOf(ctx).teams(in.Team))
	if err != nil {
		return nil, err
	}
	answer := wire.Hosts{Items: []wire.Host{}}
	for _, h := range list {
		answer.Items = append(answer.Items, presentHost(h))
	}
	return &body[wire.Hosts]{answer}, nil
}

// HostScope is the input of a call about one host of a team.
type HostScope struct {
	Scope
	Host string `path:"host" doc:"The host name, such as shop.example.com or *.example.com."`
}

func (a *API) shareHost(ctx context.Context, in *struct {
	HostScope
	Body wire.ShareHost
},
) (*body[wire.Host], error) {
	h, err := a.Teams.ShareHost(ctx, in.Team, in.Host, in.Body.With, in.Body.Shared)
	if err != nil {
		return nil, err
	}
	noteAudit(ctx, in.Host, nil, in.Body)
	return &body[wire.Host]{presentHost(h)}, nil
}

func (a *API) releaseHost(ctx context.Context, in *HostScope) (*body[wire.Host], error) {
	if err := a.Teams.ReleaseHost(ctx, in.Team, in.Host); err != nil {
		return nil, err
	}
	return &body[wire.Host]{wire.Host{Host: in.Host, Team: in.Team, Shared: []string{}}}, nil
}

func presentHost(h paas.Host) wire.Host {
	return wire.Host{Host: h.Host, Team: h.Team, Shared: items(h.Shared), CreatedAt: h.CreatedAt, CreatedBy: h.CreatedBy}
}
