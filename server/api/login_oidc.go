package api

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// OIDCPath is what the addresses of sign-ins at providers begin with.
const OIDCPath = "/v1/login/oidc"

// flowCookie binds a sign-in at a provider to the browser that began it. It is Lax: the browser comes back by a
// link of the provider's. It lives as long as the sign-in may take, and is sent nowhere else.
const (
	flowCookie  = "__Secure-crumpet-login"
	flowSeconds = 600
)

func oidcPath(provider string) string { return OIDCPath + "/" + url.PathEscape(provider) }

func (a *API) oidcStart(c echo.Context) error {
	provider := c.Param("provider")
	address, binding, err := a.Logins.Begin(c.Request().Context(), provider, c.QueryParam("then"), browserOf(c.Request()))
	if err != nil {
		return a.toLogin(c, provider, err)
	}
	c.SetCookie(flow(binding, flowSeconds))
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.Redirect(http.StatusSeeOther, address)
}

func (a *API) oidcDone(c echo.Context) error {
	r, provider, binding := c.Request(), c.Param("provider"), ""
	if kept, err := c.Cookie(flowCookie); err == nil {
		binding = kept.Value
	}
	c.SetCookie(flow("", -1))
	who, then, err := a.Logins.Finish(r.Context(), provider, c.QueryParams(), binding, browserOf(r))
	if err != nil {
		return a.toLogin(c, provider, err)
	}
	noteCaller(r.Context(), who.User)
	noteAudit(r.Context(), "session "+who.Session, nil, nil)
	session := cookie(who.Cookie)
	c.SetCookie(&session)
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.Redirect(http.StatusSeeOther, then)
}

func browserOf(r *http.Request) paas.Browser {
	return paas.Browser{From: callOf(r.Context()).from, Agent: r.UserAgent(), Session: sessionOf(r)}
}

func flow(binding string, seconds int) *http.Cookie {
	return &http.Cookie{Name: flowCookie, Value: binding, Path: OIDCPath, MaxAge: seconds, Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode}
}

// toLogin answers a sign-in that failed with its status and, to a browser, the way back to the page of signing
// in. That gets a word and no sentence: what stands in an address can be written by anybody.
func (a *API) toLogin(c echo.Context, provider string, failed error) error {
	if !strings.Contains(c.Request().Header.Get(echo.HeaderAccept), "text/html") {
		return failed
	}
	p := a.problemOf(c.Request().Context(), failed)
	page := "/login?" + url.Values{"refused": {a.Logins.Refused(failed)}, "provider": {provider}}.Encode()
	header := c.Response().Header()
	header.Set("Refresh", "0; url="+page)
	header.Set("Cache-Control", "no-store")
	return c.HTML(p.Status, fmt.Sprintf("<!doctype html><title>Crumpet</title><p>%s</p><p><a href=\"%s\">Sign in</a></p>\n", html.EscapeString(p.Detail), html.EscapeString(page)))
}

func describeOIDCStart(_ huma.Registry, op *huma.Operation) {
	op.Parameters = []*huma.Param{
		{Name: "provider", In: "path", Required: true, Schema: &huma.Schema{Type: "string"}, Description: "Name of the provider, as GET /v1/login lists it."},
		{Name: "then", In: "query", Schema: &huma.Schema{Type: "string"}, Description: "Path of our own to end at; / unless said, and for anything else."},
	}
	op.Responses["303"] = &huma.Response{Description: "The browser goes to the provider, with a cookie that binds the sign-in to it."}
}

func describeOIDCDone(_ huma.Registry, op *huma.Operation) {
	op.Parameters = []*huma.Param{
		{Name: "provider", In: "path", Required: true, Schema: &huma.Schema{Type: "string"}, Description: "Name of the provider."},
		{Name: "state", In: "query", Schema: &huma.Schema{Type: "string"}, Description: "Of the sign-in; it serves once."},
		{Name: "code", In: "query", Schema: &huma.Schema{Type: "string"}, Description: "Of the provider."},
		{Name: "error", In: "query", Schema: &huma.Schema{Type: "string"}, Description: "Why the provider let nobody in."},
	}
	op.Responses["303"] = &huma.Response{Description: "The browser goes on, with the cookie of a session. A refusal leads it to /login?refused=WORD."}
}
