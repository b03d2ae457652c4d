package api

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strconv"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// Logins signs people in. Code for who is not let in: unauthorized.
type Logins interface {
	// Providers names the OIDC providers that people may sign in at.
	Providers() []string
	// Password signs a local user in. Codes: unauthorized, limited.
	Password(ctx context.Context, user, plain string, browser paas.Browser) (paas.SignedIn, error)
	// SignOut ends what a call came with, and says which: session, token or nothing.
	SignOut(ctx context.Context, who paas.Identity) (string, error)
	// ChangePassword ends the user's other sessions as well. Codes: invalid, forbidden, limited.
	ChangePassword(ctx context.Context, who paas.Identity, old, plain string) error
	// Begin gives where a browser goes to sign in at a provider, and what its cookie is to hold.
	Begin(ctx context.Context, provider, then string, browser paas.Browser) (address, binding string, err error)
	// Finish gives who has come back from a provider, and the path to go on to.
	Finish(ctx context.Context, provider string, query url.Values, binding string, browser paas.Browser) (in paas.SignedIn, then string, err error)
	// Refused is the word that the page of signing in knows a failure of Begin or Finish by.
	Refused(err error) string
	// AgreeCLI gives the code that a CLI redeems for a token. Code: forbidden without a session.
	AgreeCLI(ctx context.Context, who paas.Identity, challenge string) (paas.Agreed, error)
	RedeemCLI(ctx context.Context, code, verifier, name string) (plain string, token paas.Token, err error)
}

func cookie(value string) http.Cookie {
	return http.Cookie{Name: SessionCookie, Value: value, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode}
}

// noCookie takes the session's cookie away.
func noCookie() http.Cookie {
	c := cookie("")
	c.MaxAge = -1
	return c
}

func (a *API) loginMethods(context.Context, *Scope) (*body[wire.LoginMethods], error) {
	list := []wire.LoginProvider{}
	for _, name := range a.Logins.Providers() {
		list = append(list, wire.LoginProvider{Name: name, Path: oidcPath(name)})
	}
	return &body[wire.LoginMethods]{wire.LoginMethods{Providers: list}}, nil
}

type loginInput struct {
	Scope
	Agent   string `header:"User-Agent" hidden:"true"`
	Session string `cookie:"__Host-crumpet" hidden:"true"`
	Header  string `header:"X-Crumpet-Session" doc:"1: pages of others can't send it."`
	Body    wire.Login
}

// withCookie is an answer that gives a session, or takes it away.
type withCookie[T any] struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
	Body      T
}

func (a *API) login(ctx context.Context, in *loginInput) (*withCookie[wire.SignedIn], error) {
	if in.Header != "1" {
		return nil, paas.Errorf(paas.Forbidden, "Signing in takes the header %s: 1, so that no page of others can do it.", SessionHeader)
	}
	noteCaller(ctx, in.Body.User)
	who, err := a.Logins.Password(ctx, in.Body.User, string(in.Body.Password), paas.Browser{From: callOf(ctx).from, Agent: in.Agent, Session: in.Session})
	if err != nil {
		if locked, ok := errors.AsType[paas.Locked](err); ok {
			noteAudit(ctx, "user "+in.Body.User+" "+locked.Error(), nil, nil)
		}
		return nil, err
	}
	noteAudit(ctx, "session "+who.Session, nil, nil)
	return &withCookie[wire.SignedIn]{cookie(who.Cookie), wire.SignedIn{User: who.User, ExpiresAt: who.ExpiresAt}}, nil
}

func (a *API) logout(ctx context.Context, _ *Scope) (*withCookie[wire.SignedOut], error) {
	ended, err := a.Logins.SignOut(ctx, *callOf(ctx).who)
	if err != nil {
		return nil, err
	}
	return &withCookie[wire.SignedOut]{noCookie(), wire.SignedOut{Ended: ended}}, nil
}

type changePasswordInput struct {
	Scope
	Body wire.ChangePassword
}

func (a *API) changePassword(ctx context.Context, in *changePasswordInput) (*body[wire.ChangedPassword], error) {
	who := *callOf(ctx).who
	if err := a.Logins.ChangePassword(ctx, who, string(in.Body.Old), string(in.Body.New)); err != nil {
		return nil, err
	}
	return &body[wire.ChangedPassword]{wire.ChangedPassword{User: who.User}}, nil
}

type agreeCLIInput struct {
	Scope
	Body wire.AgreeCLI
}

func (a *API) agreeCLI(ctx context.Context, in *agreeCLIInput) (*body[wire.AgreedCLI], error) {
	var redirect *url.URL
	if in.Body.Redirect != "" {
		var ok bool
		if redirect, ok = cliRedirect(in.Body.Redirect); !ok {
			return nil, invalid("body.redirect", "The redirect must be http://127.0.0.1:PORT/done or http://[::1]:PORT/done: where `crumpet login` listens on your own machine.")
		}
	}
	agreed, err := a.Logins.AgreeCLI(ctx, *callOf(ctx).who, in.Body.Challenge)
	if err != nil {
		return nil, err
	}
	out := wire.AgreedCLI{Code: agreed.Code, ExpiresAt: agreed.ExpiresAt}
	if redirect != nil {
		redirect.RawQuery = url.Values{"code": {agreed.Code}, "state": {in.Body.State}}.Encode()
		out.Redirect = redirect.String()
	}
	return &body[wire.AgreedCLI]{out}, nil
}

type redeemCLIInput struct {
	Scope
	Body wire.RedeemCLI
}

func (a *API) redeemCLI(ctx context.Context, in *redeemCLIInput) (*body[wire.RedeemedCLI], error) {
	plain, token, err := a.Logins.RedeemCLI(ctx, string(in.Body.Code), string(in.Body.Verifier), in.Body.Name)
	if err != nil {
		return nil, err
	}
	noteCaller(ctx, token.Owner)
	noteAudit(ctx, "token "+token.ID, nil, nil)
	out := wire.RedeemedCLI{Token: wire.Password(plain), ID: token.ID, User: token.Owner}
	if token.ExpiresAt != nil {
		out.ExpiresAt = *token.ExpiresAt
	}
	return &body[wire.RedeemedCLI]{out}, nil
}

// cliRedirect reads where a CLI says that it listens: on the machine of who agrees, and nowhere else. The
// name localhost is not taken: it can be made to lead elsewhere (RFC 8252, 8.3).
func cliRedirect(address string) (*url.URL, bool) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" || u.Path != "/done" {
		return nil, false
	}
	host, port, err := net.SplitHostPort(u.Host)
	n, bad := strconv.Atoi(port)
	if err != nil || bad != nil || n < 1 || n > 65535 || host != "127.0.0.1" && host != "::1" {
		return nil, false
	}
	// Nothing but that: no user, query, fragment, or other way to write it.
	return u, address == "http://"+net.JoinHostPort(host, strconv.Itoa(n))+"/done"
}
