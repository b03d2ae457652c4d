package client

import (
	"context"

	"github.com/crumpet-paas/crumpet/server/wire"
)

// LoginMethods tells how one can sign in.
func (c *Client) LoginMethods(ctx context.Context) (m wire.LoginMethods, err error) {
	return m, c.call(ctx, always, "GET", "/v1/login", nil, nil, &m)
}

// Logout ends the token that calls are made with, if it is a person's own.
func (c *Client) Logout(ctx context.Context) (out wire.SignedOut, err error) {
	return out, c.call(ctx, unsent, "POST", "/v1/logout", nil, nil, &out)
}

// ChangePassword changes the password of whoever calls.
func (c *Client) ChangePassword(ctx context.Context, change wire.ChangePassword) (out wire.ChangedPassword, err error) {
	return out, c.call(ctx, unsent, "PUT", "/v1/self/password", nil, change, &out)
}

// AgreeCLI lets a CLI act as whoever calls; the server takes it from a session of a browser only.
func (c *Client) AgreeCLI(ctx context.Context, agree wire.AgreeCLI) (out wire.AgreedCLI, err error) {
	return out, c.call(ctx, unsent, "POST", "/v1/login/cli", nil, agree, &out)
}

// RedeemCLI gives the token that somebody has agreed to.
func (c *Client) RedeemCLI(ctx context.Context, redeem wire.RedeemCLI) (out wire.RedeemedCLI, err error) {
	return out, c.call(ctx, unsent, "POST", "/v1/login/cli/token", nil, redeem, &out)
}
