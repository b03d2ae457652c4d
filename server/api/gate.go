package api

import (
	"cmp"
	"context"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// gate is what a row says of who may make its calls.
type gate struct {
	id      string
	verb    paas.Verb // "" on public rows
	public  bool
	quiet   bool // it changes nothing, whatever its method
	told    bool // it is written to the audit, whatever its method
	narrows bool // its handler shows what the caller may see only
	stream  bool // it goes on until its reader leaves, or may not have it any more
	anyApp  bool // what it is about belongs to no app yet: a token for some apps may make its calls for each of them
	login   bool // it takes a guess at who somebody is
}

// may says what it takes to make the calls of a row; every row that is not public says it.
func may(verb paas.Verb) option {
	return func(_ *huma.Operation, g *gate) { g.verb = verb }
}

// changesNothing marks a row that only reads, though its method is one of those that change: the audit
// leaves it out.
func changesNothing(_ *huma.Operation, g *gate) { g.quiet = true }

// narrowed marks a row whose handler shows of what there is only what the caller may see, as sightOf says: its
// calls may be about every team, and come with a token for some apps.
func narrowed(_ *huma.Operation, g *gate) { g.narrows = true }

// forAnyApp marks a row for what belongs to no app yet, such as blobs, or says its app in the answer only.
func forAnyApp(_ *huma.Operation, g *gate) { g.anyApp = true }

// signsIn marks a row by which somebody proves who they are: its calls have a limit of their own, by address.
func signsIn(_ *huma.Operation, g *gate) { g.login, g.told = true, true }

// call is what is known of a call on its way: who makes it, the id under which it is logged, what it asks for.
type call struct {
	request string
	from    string         // address of the caller
	who     *paas.Identity // nil on public routes, and until the caller is known
	row     gate
	act     paas.Act // what it asks for
	target  string   // what else it is about
	detail  string   // the sentence of its refusal
	note    note
}

type callKey struct{}

func callOf(ctx context.Context) *call {
	if c, ok := ctx.Value(callKey{}).(*call); ok {
		return c
	}
	return &call{}
}

// caller gives the name of who makes a call.
func caller(ctx context.Context) string {
	if call := callOf(ctx); call.who != nil {
		return call.who.User
	}
	return ""
}

// gateKey is how a row is found by what Echo has routed to.
type gateKey struct{ method, path string }

// pass is the one place where it is decided whether a call goes on to its handler. It has been routed, and
// nothing of its body was read.
//
//	limit of the credential or the address -> who is it -> limit -> may they, in that team and about that app
//
// A path that leads nowhere is told to those only who may make calls at all, so that nobody else learns what
// there is.
func (a *API) pass(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		call := callOf(r.Context())
		g, found := a.gates[gateKey{r.Method, c.Path()}]
		call.row = g
		if !found && !belowV1(r) {
			return next(c) // pages
		}
		if err := a.limit(c, call); err != nil {
			return err
		}
		if err := notForged(r, g); err != nil {
			return err
		}
		if !found || !g.public {
			who, err := a.recognise(r)
			if err != nil {
				return err
			}
			call.who = &who
			a.limits.welcome(r, who)
			a.Auth.Used(who, call.from)
		}
		if !found {
			return next(c)
		}
		if err := about(c, call); err != nil {
			return err
		}
		if !g.public {
			if err := a.permit(r.Context(), call); err != nil {
				return err
			}
		}
		if g.stream {
			ctx, stop := a.Auth.Watch(r.Context(), *call.who, call.act)
			defer func() { stop(); c.SetRequest(r) }() // an error is still to be answered
			c.SetRequest(r.WithContext(ctx))
		}
		return a.witnessed(c, call, next)
	}
}

// belowV1 looks at the decoded path and at the one Echo routes by, so that no spelling of /v1 gets past.
func belowV1(r *http.Request) bool {
	below := func(path string) bool { return path == "/v1" || strings.HasPrefix(path, "/v1/") }
	return below(r.URL.Path) || below(echo.GetPath(r))
}

// recognise says who makes a call.
func (a *API) recognise(r *http.Request) (paas.Identity, error) {
	header, cookie := r.Header.Get(echo.HeaderAuthorization), sessionOf(r)
	switch {
	case header != "" && cookie != "":
		return paas.Identity{}, twoCredentials(r.Context())
	case cookie != "":
		return a.Auth.CheckSession(r.Context(), cookie)
	}
	return a.Auth.Check(r.Context(), header)
}

// permit says whether the caller may do what the call asks for.
func (a *API) permit(ctx context.Context, call *call) error {
	g, act := call.row, call.act
	if act.Team == anyTeam && !g.narrows && g.verb != paas.VerbNone {
		return invalid("query.team", "This call is about one team: name it.")
	}
	switch {
	case g.verb == paas.VerbPlatform: // of no team: a token that is narrowed to one does not cover it
		return a.Auth.May(*call.who, paas.Act{Verb: g.verb})
	case g.verb == paas.VerbNone:
		return a.Auth.May(*call.who, act)
	case g.anyApp && forApps(*call.who):
		return a.permitForAny(*call.who, act)
	case !g.narrows && forApps(*call.who) && act.App == "":
		return paas.Errorf(paas.Forbidden, "The token %q is for some apps only, and this call is about no app.", call.who.Token.Name)
	}
	if err := a.Auth.May(*call.who, act); err != nil {
		return err
	}
	// Whoever is a member knows that the team is there.
	if act.Team == anyTeam || act.Team == paas.DefaultTeam || !call.who.Admin {
		return nil
	}
	_, err := a.Store.Team(ctx, act.Team)
	return err
}

// permitForAny says whether the caller may do something for one of the apps that the token is for.
func (a *API) permitForAny(who paas.Identity, act paas.Act) error {
	err := error(paas.Errorf(paas.Forbidden, "The token %q is for no app of team %q.", who.Token.Name, act.Team))
	for _, name := range who.Token.Scope.Apps {
		if ref := namedApp(name); ref.Team == act.Team {
			if err = a.Auth.May(who, paas.Act{Verb: act.Verb, Team: ref.Team, App: ref.App}); err == nil {
				return nil
			}
		}
	}
	return err
}

// forApps says whether a call comes with a token that is for some apps only.
func forApps(who paas.Identity) bool { return who.Token != nil && len(who.Token.Scope.Apps) > 0 }

// about fills in what a call is about, as its path and its query say.
func about(c echo.Context, call *call) error {
	query := c.QueryParams()
	for _, name := range []string{"team", "app"} {
		if len(query[name]) > 1 { // one reader may take the first, another the last
			return invalid("query."+name, "Name one "+name+", not several.")
		}
	}
	call.act = paas.Act{Verb: call.row.verb, Team: cmp.Or(query.Get("team"), paas.DefaultTeam), App: query.Get("app")}
	named, appAt := false, "query.app"
	var others []string
	for _, name := range c.ParamNames() {
		switch value := c.Param(name); name {
		case "team":
			call.act.Team, named = value, true
		case "app":
			call.act.App, appAt = value, "path.app"
		default:
			others = append(others, value)
		}
	}
	call.target = strings.Join(others, "/")
	if !named && (call.row.public || call.row.verb == paas.VerbNone || call.row.verb == paas.VerbPlatform) {
		call.act.Team = "" // of no team, whatever the query says
	}
	if call.act.Team != anyTeam && call.act.Team != "" {
		if err := checkTeam(call.act.Team); err != nil {
			call.act.Team = ""
			return err
		}
	}
	if call.act.App != "" {
		if problem := paas.CheckName("app", call.act.App, paas.MaxApp); problem != "" {
			call.act.App = ""
			return invalid(appAt, problem)
		}
	}
	return nil
}

// addressOf finds the address a call came from: that of the connection, or the last one of X-Forwarded-For that is no
// proxy's. What stands before that anybody may have written.
func addressOf(proxies []netip.Prefix) echo.IPExtractor {
	if len(proxies) == 0 {
		return echo.ExtractIPDirect()
	}
	trust := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, p := range proxies {
		trust = append(trust, echo.TrustIPRange(&net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}))
	}
	return echo.ExtractIPFromXFFHeader(trust...)
}

// safe says whether a method is one of those that read.
func safe(method string) bool {
	return slices.Contains([]string{http.MethodGet, http.MethodHead, http.MethodOptions}, method)
}
