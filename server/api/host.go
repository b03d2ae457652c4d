package api

import (
	"context"
	"fmt"
	"time"

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
	a.toldShare(ctx, in.Team, in.Host, in.Body.With, in.Body.Shared)
	return &body[wire.Host]{presentHost(h)}, nil
}

func (a *API) releaseHost(ctx context.Context, in *HostScope) (*body[wire.Host], error) {
	with, err := a.sharedWith(ctx, in.Team, in.Host)
	if err != nil {
		return nil, err
	}
	if err := a.Teams.ReleaseHost(ctx, in.Team, in.Host); err != nil {
		return nil, err
	}
	events := []paas.Event{paas.TeamChanged(time.Now(), in.Team, caller(ctx), fmt.Sprintf("%s gave up host %s", caller(ctx), in.Host))}
	for _, team := range with {
		events = append(events, paas.TeamChanged(time.Now(), team, "", fmt.Sprintf("team %s gave up host %s, which it shared", in.Team, in.Host)))
	}
	a.told(ctx, events...)
	return &body[wire.Host]{wire.Host{Host: in.Host, Team: in.Team, Shared: []string{}}}, nil
}

// toldShare tells both teams; the one that is lent a host does not learn who did it.
func (a *API) toldShare(ctx context.Context, team, host, with string, shared bool) {
	ours, theirs := "%s shared host %s with team %s", "team %s shared host %s with this team"
	if !shared {
		ours, theirs = "%s no longer shares host %s with team %s", "team %s no longer shares host %s with this team"
	}
	a.told(ctx,
		paas.TeamChanged(time.Now(), team, caller(ctx), fmt.Sprintf(ours, caller(ctx), host, with)),
		paas.TeamChanged(time.Now(), with, "", fmt.Sprintf(theirs, team, host)))
}

// sharedWith names the teams that a team shares a host with.
func (a *API) sharedWith(ctx context.Context, team, host string) ([]string, error) {
	list, err := a.Teams.Hosts(ctx, []string{team})
	if err != nil {
		return nil, err
	}
	for _, h := range list {
		if h.Host == host && h.Team == team {
			return h.Shared, nil
		}
	}
	return nil, nil
}

func presentHost(h paas.Host) wire.Host {
	return wire.Host{Host: h.Host, Team: h.Team, Shared: items(h.Shared), CreatedAt: h.CreatedAt, CreatedBy: h.CreatedBy}
}
