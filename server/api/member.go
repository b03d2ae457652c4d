package api

import (
	"context"
	"fmt"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// Members are what users and bots are in teams. Codes as of Teams.
type Members interface {
	Members(ctx context.Context, team string) ([]paas.Membership, error)
	// SetMember gives the membership as it was, nil for none, and as it is.
	SetMember(ctx context.Context, who paas.Identity, team, user string, role paas.Role) (before, after *paas.Member, err error)
	RemoveMember(ctx context.Context, team, user string) (paas.Member, error)
	Bots(ctx context.Context, team string) ([]paas.Membership, error)
	CreateBot(ctx context.Context, who paas.Identity, team string, bot paas.User, role paas.Role) (paas.Membership, error)
	DeleteBot(ctx context.Context, team, bot string) (paas.Membership, error)
}

func (a *API) members(ctx context.Context, in *TeamScope) (*body[wire.Members], error) {
	list, err := a.Teams.Members(ctx, in.Team)
	return presentMembers(list), err
}

func (a *API) bots(ctx context.Context, in *TeamScope) (*body[wire.Members], error) {
	list, err := a.Teams.Bots(ctx, in.Team)
	return presentMembers(list), err
}

// MemberScope is the input of a call about one member of a team.
type MemberScope struct {
	TeamScope
	User string `path:"user" doc:"The name of the person or bot."`
}

func (a *API) setMember(ctx context.Context, in *struct {
	MemberScope
	Body wire.SetMember
},
) (*body[wire.Member], error) {
	before, after, err := a.Teams.SetMember(ctx, *callOf(ctx).who, in.Team, in.User, in.Body.Role)
	if err != nil {
		return nil, err
	}
	if before != nil {
		noteAudit(ctx, in.User, before, after)
	} else {
		noteAudit(ctx, in.User, nil, after)
	}
	a.toldTeam(ctx, in.Team, paas.TellMember(caller(ctx), before, after))
	list, err := a.Teams.Members(ctx, in.Team)
	if err != nil {
		return nil, err
	}
	for _, m := range list {
		if m.User == in.User {
			return &body[wire.Member]{presentMember(m)}, nil
		}
	}
	return nil, paas.Errorf(paas.Conflict, "%q has left team %q meanwhile.", in.User, in.Team)
}

func (a *API) removeMember(ctx context.Context, in *MemberScope) (*body[wire.Member], error) {
	m, err := a.Teams.RemoveMember(ctx, in.Team, in.User)
	if err != nil {
		return nil, err
	}
	noteAudit(ctx, in.User, m, nil)
	a.toldTeam(ctx, in.Team, paas.TellMember(caller(ctx), &m, nil))
	return &body[wire.Member]{presentMember(paas.Membership{Member: m, Person: paas.User{Name: m.User, Kind: paas.Person}})}, nil
}

func (a *API) createBot(ctx context.Context, in *struct {
	TeamScope
	Body wire.CreateBot
},
) (*body[wire.Member], error) {
	noteAudit(ctx, in.Body.Name, nil, in.Body)
	m, err := a.Teams.CreateBot(ctx, *callOf(ctx).who, in.Team, paas.User{Name: in.Body.Name, FullName: in.Body.Description}, in.Body.Role)
	if err != nil {
		return nil, err
	}
	a.toldTeam(ctx, in.Team, fmt.Sprintf("%s made bot %s, a %s", caller(ctx), m.User, m.Role))
	return &body[wire.Member]{presentMember(m)}, nil
}

func (a *API) deleteBot(ctx context.Context, in *struct {
	TeamScope
	Bot string `path:"bot" doc:"The name of the bot."`
},
) (*body[wire.Member], error) {
	m, err := a.Teams.DeleteBot(ctx, in.Team, in.Bot)
	if err != nil {
		return nil, err
	}
	noteAudit(ctx, in.Bot, m.Member, nil)
	a.toldTeam(ctx, in.Team, fmt.Sprintf("%s deleted bot %s", caller(ctx), in.Bot))
	return &body[wire.Member]{presentMember(m)}, nil
}

func presentMembers(list []paas.Membership) *body[wire.Members] {
	answer := wire.Members{Items: []wire.Member{}}
	for _, m := range list {
		answer.Items = append(answer.Items, presentMember(m))
	}
	return &body[wire.Members]{answer}
}

func presentMember(m paas.Membership) wire.Member {
	return wire.Member{
		Team: m.Team, User: m.User, FullName: m.Person.FullName, Kind: m.Person.Kind, Role: m.Role, Source: m.Source,
		Admin: m.Person.Admin, Disabled: m.Person.Disabled, CreatedAt: m.CreatedAt, CreatedBy: m.CreatedBy, SeenAt: m.Person.SeenAt,
	}
}
