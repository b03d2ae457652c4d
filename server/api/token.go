package api

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// Tokens makes and ends tokens and sessions. Codes: forbidden for more than the caller may, not_found.
type Tokens interface {
	// CreateToken gives the plain text of a new token, which can't be had again. Code: invalid.
	CreateToken(ctx context.Context, who paas.Identity, wish paas.TokenWish) (plain string, token paas.Token, err error)
	// Tokens lists those of a user, "" for the caller and "*" for all.
	Tokens(ctx context.Context, who paas.Identity, owner string) ([]paas.Token, error)
	RevokeToken(ctx context.Context, who paas.Identity, id string) (paas.Token, error)
	// Sessions lists those of a user, "" for the caller and "*" for all.
	Sessions(ctx context.Context, who paas.Identity, user string) ([]paas.Session, error)
	CloseSession(ctx context.Context, who paas.Identity, id string) (paas.Session, error)
}

// whoami tells who the caller is.
func (a *API) whoami(ctx context.Context, _ *struct{}) (*body[wire.Self], error) {
	who := *callOf(ctx).who
	self := wire.Self{User: who.User, Kind: who.Kind, Admin: who.Admin, Roles: who.Roles, Session: who.Session}
	if self.Roles == nil {
		self.Roles = map[string]paas.Role{}
	}
	if who.Token != nil {
		token := presentToken(ctx, *who.Token)
		self.Token = &token
	}
	if who.Kind != paas.Operator {
		user, _, err := a.Users.Show(ctx, who.User)
		if err != nil {
			return nil, err
		}
		self.FullName, self.Email, self.Provider = user.FullName, user.Email, user.Provider
	}
	return &body[wire.Self]{self}, nil
}

func presentToken(ctx context.Context, t paas.Token) wire.Token {
	who := callOf(ctx).who
	out := wire.Token{
		ID: t.ID, Name: t.Name, Owner: t.Owner, Teams: items(t.Scope.Teams), Apps: items(t.Scope.Apps), Verbs: items(t.Scope.Verbs), Status: wire.TokenActive,
		CreatedAt: t.CreatedAt, CreatedBy: t.CreatedBy, ExpiresAt: t.ExpiresAt, RevokedAt: t.RevokedAt, LastUsedBy: t.LastUsedBy,
		Current: who != nil && who.Token != nil && who.Token.ID == t.ID,
	}
	if t.LastUsedAt != nil {
		minute := t.LastUsedAt.Truncate(time.Minute)
		out.LastUsedAt = &minute
	}
	switch {
	case t.RevokedAt != nil:
		out.Status = wire.TokenRevoked
	case t.ExpiresAt != nil && !time.Now().Before(*t.ExpiresAt):
		out.Status = wire.TokenExpired
	}
	return out
}

func (a *API) tokens(ctx context.Context, in *struct {
	Owner string `query:"owner" doc:"Whose: the caller's own unless said, those of a bot for who manages its team, of anybody for admins. * for all."`
},
) (*body[wire.Tokens], error) {
	list, err := a.Tokens.Tokens(ctx, *callOf(ctx).who, in.Owner)
	if err != nil {
		return nil, err
	}
	answer := wire.Tokens{Items: []wire.Token{}}
	for _, t := range list {
		answer.Items = append(answer.Items, presentToken(ctx, t))
	}
	return &body[wire.Tokens]{answer}, nil
}

func (a *API) createToken(ctx context.Context, in *struct{ Body wire.CreateToken }) (*body[wire.CreatedToken], error) {
	lasts, err := lastsOf(in.Body.ExpiresIn)
	if err != nil {
		return nil, err
	}
	plain, token, err := a.Tokens.CreateToken(ctx, *callOf(ctx).who, paas.TokenWish{
		Name: in.Body.Name, Owner: in.Body.Owner, Operator: in.Body.Operator, Lasts: lasts,
		Scope: paas.Scope{Teams: in.Body.Teams, Apps: in.Body.Apps, Verbs: in.Body.Verbs},
	})
	if err != nil {
		return nil, err
	}
	shown := presentToken(ctx, token)
	noteAudit(ctx, "token "+token.ID, nil, shown)
	return &body[wire.CreatedToken]{wire.CreatedToken{Secret: wire.Value(plain), Token: shown}}, nil
}

// lastsOf reads how long a token is to last: days, or what time.Duration writes. 0 is as long as usual.
func lastsOf(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	if text == "never" {
		return -1, nil
	}
	lasts, err := time.ParseDuration(text)
	if days, found := strings.CutSuffix(text, "d"); found {
		var n int
		n, err = strconv.Atoi(days)
		lasts = time.Duration(min(n, 100_000)) * 24 * time.Hour // what is too long is refused, and never negative
	}
	if err != nil || lasts <= 0 {
		return 0, invalid("body.expires_in", "How long a token lasts is written as 30d or 12h.")
	}
	return lasts, nil
}

func (a *API) revokeToken(ctx context.Context, in *struct {
	ID string `path:"id" doc:"The token's id."`
},
) (*body[wire.Token], error) {
	token, err := a.Tokens.RevokeToken(ctx, *callOf(ctx).who, in.ID)
	if err != nil {
		return nil, err
	}
	shown := presentToken(ctx, token)
	noteAudit(ctx, "token "+token.ID, nil, shown)
	return &body[wire.Token]{shown}, nil
}
