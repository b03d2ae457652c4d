package api

import (
	"context"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

func (a *API) sessions(ctx context.Context, in *struct {
	User string `query:"user" doc:"Whose: the caller's own unless said, of anybody for admins. * for all."`
},
) (*body[wire.Sessions], error) {
	list, err := a.Tokens.Sessions(ctx, *callOf(ctx).who, in.User)
	if err != nil {
		return nil, err
	}
	answer := wire.Sessions{Items: []wire.Session{}}
	for _, s := range list {
		answer.Items = append(answer.Items, presentSession(ctx, s))
	}
	return &body[wire.Sessions]{answer}, nil
}

func (a *API) endSession(ctx context.Context, in *struct {
	ID string `path:"id" doc:"The session's id."`
},
) (*body[wire.Session], error) {
	s, err := a.Tokens.CloseSession(ctx, *callOf(ctx).who, in.ID)
	if err != nil {
		return nil, err
	}
	noteAudit(ctx, "session "+s.ID+" of "+s.User, nil, nil)
	return &body[wire.Session]{presentSession(ctx, s)}, nil
}

func presentSession(ctx context.Context, s paas.Session) wire.Session {
	who := callOf(ctx).who
	return wire.Session{
		ID: s.ID, User: s.User, CreatedAt: s.CreatedAt, SeenAt: s.SeenAt, ExpiresAt: s.ExpiresAt, From: s.From, Agent: s.Agent,
		Current: who != nil && who.Session == s.ID,
	}
}
