package api

import (
	"context"
	"fmt"
	"strings"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// Teams makes and changes teams. Codes: invalid, forbidden for more than the caller has, not_found, conflict.
type Teams interface {
	// List gives those that are named, nil for all.
	List(ctx context.Context, names []string) ([]paas.Team, error)
	Show(ctx context.Context, name string) (paas.Team, paas.Standing, error)
	Create(ctx context.Context, one paas.Team, by string) (paas.Team, error)
	Change(ctx context.Context, name string, c paas.TeamChange) (before, after paas.Team, err error)
	Delete(ctx context.Context, name string) error
	Members
	Hosts
}

// teams lists those that the caller may read.
func (a *API) teams(ctx context.Context, _ *struct{}) (*body[wire.Teams], error) {
	list, err := a.Teams.List(ctx, a.reading(ctx).teams(anyTeam))
	if err != nil {
		return nil, err
	}
	answer := wire.Teams{Items: []wire.Team{}}
	for _, t := range list {
		answer.Items = append(answer.Items, presentTeam(ctx, t))
	}
	return &body[wire.Teams]{answer}, nil
}

// reading is what the caller may read, on a row that is about the caller.
func (a *API) reading(ctx context.Context) sight {
	s := a.sightOf(ctx)
	s.verb = paas.VerbRead
	return s
}

// TeamScope is the input of a call about one team.
type TeamScope struct {
	Team string `path:"team" doc:"The team."`
}

func (a *API) showTeam(ctx context.Context, in *TeamScope) (*body[wire.Team], error) {
	t, standing, err := a.Teams.Show(ctx, in.Team)
	if err != nil {
		return nil, err
	}
	answer := presentTeam(ctx, t)
	answer.Use = &standing.Demand
	answer.Lines = standing.Quota.Lines(standing.Demand, standing.Demand)
	return &body[wire.Team]{answer}, nil
}

func (a *API) createTeam(ctx context.Context, in *struct {
	Body wire.CreateTeam
},
) (*body[wire.Team], error) {
	noteAudit(ctx, in.Body.Name, nil, in.Body)
	t, err := a.Teams.Create(ctx, paas.Team{Name: in.Body.Name, Description: in.Body.Description, Quota: in.Body.Quota.Of(paas.TeamQuota{})}, caller(ctx))
	if err != nil {
		return nil, err
	}
	a.toldTeam(ctx, t.Name, fmt.Sprintf("%s made team %s", caller(ctx), t.Name))
	return &body[wire.Team]{presentTeam(ctx, t)}, nil
}

func (a *API) updateTeam(ctx context.Context, in *struct {
	TeamScope
	Body wire.UpdateTeam
},
) (*body[wire.Team], error) {
	before, after, err := a.Teams.Change(ctx, in.Team, paas.TeamChange{Description: in.Body.Description, Quota: in.Body.Quota})
	if err != nil {
		return nil, err
	}
	noteAudit(ctx, in.Team, before, after)
	a.toldTeam(ctx, in.Team, tellTeam(caller(ctx), before, after))
	return &body[wire.Team]{presentTeam(ctx, after)}, nil
}

func (a *API) deleteTeam(ctx context.Context, in *TeamScope) (*body[wire.Team], error) {
	t, _, err := a.Teams.Show(ctx, in.Team)
	if err != nil {
		return nil, err
	}
	noteAudit(ctx, in.Team, t, nil)
	if err := a.Teams.Delete(ctx, in.Team); err != nil {
		return nil, err
	}
	a.toldTeam(ctx, in.Team, fmt.Sprintf("%s deleted team %s", caller(ctx), in.Team))
	return &body[wire.Team]{presentTeam(ctx, t)}, nil
}

// tellTeam says what somebody changed about a team, "" for nothing.
func tellTeam(by string, before, after paas.Team) string {
	var did []string
	if before.Description != after.Description {
		did = append(did, "described the team anew")
	}
	if bounds := paas.TellQuota(before.Quota, after.Quota); bounds != "" {
		did = append(did, "changed the quota: "+bounds)
	}
	if len(did) == 0 {
		return ""
	}
	return by + " " + strings.Join(did, " and ")
}

func presentTeam(ctx context.Context, t paas.Team) wire.Team {
	answer := wire.Team{Name: t.Name, Description: t.Description, Quota: t.Quota, CreatedAt: t.CreatedAt, CreatedBy: t.CreatedBy}
	if who := callOf(ctx).who; who != nil {
		answer.Role = who.Role(t.Name)
	}
	return answer
}

// teamsSeen are the teams that a caller may be told of in a refusal.
func teamsSeen(ctx context.Context) paas.Sight {
	if who := callOf(ctx).who; who != nil {
		return who.Sight()
	}
	return paas.Sight{}
}
