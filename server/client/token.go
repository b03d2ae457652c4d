package client

import (
	"context"
	"net/url"

	"github.com/crumpet-paas/crumpet/server/wire"
)

// Whoami tells who the token makes the caller, and what that one is in which teams.
func (c *Client) Whoami(ctx context.Context) (self wire.Self, err error) {
	return self, c.call(ctx, always, "GET", "/v1/self", nil, nil, &self)
}

// Tokens lists those of a user, oldest first: "" for the caller's own, "*" for all.
func (c *Client) Tokens(ctx context.Context, owner string) (list wire.Tokens, err error) {
	return list, c.call(ctx, always, "GET", "/v1/tokens", ofWhom("owner", owner), nil, &list)
}

// CreateToken makes a token. Its secret is in this answer only. Codes: invalid, forbidden.
func (c *Client) CreateToken(ctx context.Context, in wire.CreateToken) (made wire.CreatedToken, err error) {
	return made, c.call(ctx, unsent, "POST", "/v1/tokens", nil, in, &made)
}

// RevokeToken ends a token, at once on every server.
func (c *Client) RevokeToken(ctx context.Context, id string) (t wire.Token, err error) {
	return t, c.call(ctx, unsent, "DELETE", "/v1/tokens/"+url.PathEscape(id), nil, nil, &t)
}

// Sessions lists sign-ins of browsers, newest first: "" for the caller's own, "*" for all.
func (c *Client) Sessions(ctx context.Context, user string) (list wire.Sessions, err error) {
	return list, c.call(ctx, always, "GET", "/v1/sessions", ofWhom("user", user), nil, &list)
}

// EndSession signs a browser out.
func (c *Client) EndSession(ctx context.Context, id string) (s wire.Session, err error) {
	return s, c.call(ctx, unsent, "DELETE", "/v1/sessions/"+url.PathEscape(id), nil, nil, &s)
}

func ofWhom(name, user string) url.Values {
	if user == "" {
		return nil
	}
	return url.Values{name: {user}}
}

// Servers lists Crumpet's servers, and which of them leads.
func (c *Client) Servers(ctx context.Context) (list wire.Servers, err error) {
	return list, c.call(ctx, always, "GET", "/v1/servers", nil, nil, &list)
}
