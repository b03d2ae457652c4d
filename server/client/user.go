package client

import (
	"context"
	"net/url"

	"github.com/crumpet-paas/crumpet/server/wire"
)

// Users lists all users by name, bots as well.
func (c *Client) Users(ctx context.Context) (list wire.Users, err error) {
	return list, c.call(ctx, always, "GET", "/v1/users", nil, nil, &list)
}

// User shows one.
func (c *Client) User(ctx context.Context, name string) (u wire.User, err error) {
	return u, c.call(ctx, always, "GET", userPath(name), nil, nil, &u)
}

// CreateUser makes a local user. Codes: invalid, conflict.
func (c *Client) CreateUser(ctx context.Context, in wire.CreateUser) (u wire.User, err error) {
	return u, c.call(ctx, unsent, "POST", "/v1/users", nil, in, &u)
}

// UpdateUser changes a user; what is left out stays.
func (c *Client) UpdateUser(ctx context.Context, name string, in wire.UpdateUser) (u wire.User, err error) {
	return u, c.call(ctx, always, "PATCH", userPath(name), nil, in, &u)
}

// DeleteUser takes a user away, with its memberships, tokens and sessions.
func (c *Client) DeleteUser(ctx context.Context, name string) (u wire.User, err error) {
	return u, c.call(ctx, unsent, "DELETE", userPath(name), nil, nil, &u)
}

func userPath(name string) string { return "/v1/users/" + url.PathEscape(name) }
