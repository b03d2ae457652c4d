package team

import (
	"context"
	"slices"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Hosts keeps whose a host is.
type Hosts interface {
	Hosts(ctx context.Context) ([]paas.Host, error)
	// ShareHost opens a host of a team to another, or ends that. Codes: not_found, conflict while it is used.
	ShareHost(ctx context.Context, team, host, with string, shared bool) error
	// DropHost gives a host of a team up. Codes: not_found, conflict while it is used.
	DropHost(ctx context.Context, team, host string) error
}

// Hosts lists the hosts of the teams that are asked for, nil for all, and those that others share with them: of
// those only whom they are shared with among the teams asked for.
func (t *Teams) Hosts(ctx context.Context, teams []string) ([]paas.Host, error) {
	all, err := t.store.Hosts(ctx)
	if err != nil || teams == nil {
		return all, err
	}
	list := []paas.Host{}
	for _, h := range all {
		mine := slices.DeleteFunc(slices.Clone(h.Shared), func(team string) bool { return !slices.Contains(teams, team) })
		switch {
		case slices.Contains(teams, h.Team):
			list = append(list, h)
		case len(mine) > 0:
			h.Shared, h.CreatedBy = mine, "" // who claimed it is nobody's business but the owner's
			list = append(list, h)
		}
	}
	return list, nil
}

// ShareHost opens a host of a team to the routes of another, or ends that, and gives it as it is then.
func (t *Teams) ShareHost(ctx context.Context, team, host, with string, shared bool) (paas.Host, error) {
	if problem := paas.CheckName("team", with, paas.MaxTeam); problem != "" {
		return paas.Host{}, invalid("body.with", "%s", problem)
	}
	if with == team {
		return paas.Host{}, invalid("body.with", "Host %s is of team %q already.", host, team)
	}
	if err := t.store.ShareHost(ctx, team, host, with, shared); err != nil {
		return paas.Host{}, err
	}
	return t.host(ctx, host)
}

// ReleaseHost gives a host of a team up: the next team to have a route on it gets it.
func (t *Teams) ReleaseHost(ctx context.Context, team, host string) error {
	return t.store.DropHost(ctx, team, host)
}

func (t *Teams) host(ctx context.Context, name string) (paas.Host, error) {
	all, err := t.store.Hosts(ctx)
	if err != nil {
		return paas.Host{}, err
	}
	for _, h := range all {
		if h.Host == name {
			return h, nil
		}
	}
	return paas.Host{}, paas.Errorf(paas.NotFound, "Host %s was given up meanwhile.", name)
}
