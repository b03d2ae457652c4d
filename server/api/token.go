package api

import (
	"context"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

func (a *API) self(ctx context.Context, in *Scope) (*body[wire.Token], error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	who := callOf(ctx).who
	if who == nil || who.Token == nil {
		return nil, paas.Errorf(paas.Unauthorized, "This call needs a token.")
	}
	return &body[wire.Token]{wire.Token{Name: who.User, CreatedAt: who.Token.CreatedAt}}, nil
}
