package api

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/crumpet-paas/crumpet/server/paas"
)

const (
	// SessionCookie holds a browser's session. Its prefix has browsers take it from this host only, and over TLS
	// or loopback.
	SessionCookie = "__Host-crumpet"
	// SessionHeader is what a page of ours sends with each call that changes something. No form can send a header,
	// and no page of another origin may, as no answer of ours allows it to.
	SessionHeader = "X-Crumpet-Session"
)

// sessionOf gives the value of the session's cookie, "" without one.
func sessionOf(r *http.Request) string {
	cookie, err := r.Cookie(SessionCookie)
	if err != nil {
		return ""
	}
	return cookie.Value
}

func twoCredentials(ctx context.Context) error {
	return newProblem(ctx, http.StatusBadRequest, paas.Invalid, "The call has a token and a session at once. Leave one of them out.", nil)
}

// notForged refuses calls that a page of somebody else made a browser send. Programs that are no browser send
// neither an Origin nor a Sec-Fetch-Site header, and nothing that a browser adds on its own.
func notForged(r *http.Request, g gate) error {
	if r.Header.Get(echo.HeaderAuthorization) != "" {
		return nil // no page of another origin can send one
	}
	harmless := safe(r.Method) && g.verb != paas.VerbExec && g.verb != paas.VerbReveal
	if harmless {
		return nil
	}
	// A WebSocket begins with a GET, which is held to be safe: it is looked at as if it were none.
	as := r.Clone(r.Context())
	as.Method = http.MethodPost
	if err := new(http.CrossOriginProtection).Check(as); err != nil {
		return paas.Wrap(paas.Forbidden, err, "The call comes from a page of another origin.")
	}
	if sessionOf(r) != "" && g.verb != paas.VerbExec && r.Header.Get(SessionHeader) != "1" { // a browser gives a WebSocket no header
		return paas.Errorf(paas.Forbidden, "A call with a session that changes something must have the header %s: 1.", SessionHeader)
	}
	return nil
}
