package config

import (
	"cmp"
	"fmt"
	"math"
	"net"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// OIDC is a provider that people sign in at. It may stand several times, under different names.
type OIDC struct {
	Name             string   `hcl:"name,label"`                  // in the addresses of its sign-ins, and beside its people
	Issuer           string   `hcl:"issuer,optional"`             // URL; /.well-known/openid-configuration is below it
	ClientID         string   `hcl:"client_id,optional"`          // of Crumpet at the provider
	ClientSecretFile string   `hcl:"client_secret_file,optional"` // read for each sign-in; a public client has none
	Scopes           []string `hcl:"scopes,optional"`             // asked for beside openid
	GroupsClaim      string   `hcl:"groups_claim,optional"`       // claim that lists a person's groups
	NameClaim        string   `hcl:"name_claim,optional"`         // claim that a new user is named after
	Groups           []Group  `hcl:"group,block"`                 // what a group may do here
}

// Group says what people of a provider's group are in Crumpet: a role in a team, or an admin of the platform.
type Group struct {
	Name  string `hcl:"name,label"`
	Team  string `hcl:"team,optional"`
	Role  string `hcl:"role,optional"`
	Admin bool   `hcl:"admin,optional"`
}

// Session is how long a sign-in of a browser lasts.
type Session struct {
	Idle     string `hcl:"idle,optional"`     // without a call
	Absolute string `hcl:"absolute,optional"` // whatever happens
}

// Limits are how many calls are answered: Rate a second in the long run, Burst at once.
type Limits struct {
	Rate       float64 `hcl:"rate,optional"`        // of one token or session
	Burst      int     `hcl:"burst,optional"`       // likewise
	LoginRate  float64 `hcl:"login_rate,optional"`  // of one address, without valid credentials
	LoginBurst int     `hcl:"login_burst,optional"` // likewise
}

// withDefaults fills in what an oidc block leaves out.
func (o OIDC) withDefaults() OIDC {
	if o.Scopes == nil {
		o.Scopes = []string{"profile", "email"}
	}
	o.GroupsClaim, o.NameClaim = cmp.Or(o.GroupsClaim, "groups"), cmp.Or(o.NameClaim, "preferred_username")
	return o
}

// Idle is Session.Idle, and Absolute Session.Absolute; Validate has seen that they can be read.
func (c Config) Idle() time.Duration     { return Period(c.Session.Idle) }
func (c Config) Absolute() time.Duration { return Period(c.Session.Absolute) }

// maxSession bounds a session: a browser that is left signed in for longer is one that nobody remembers.
const maxSession = 30 * 24 * time.Hour

func (s Session) check(fault func(key, format string, args ...any)) {
	idle, absolute := Period(s.Idle), Period(s.Absolute)
	if idle < time.Second {
		fault("session.idle", "session.idle = %q is not a duration of at least 1s, such as 2h.", s.Idle)
	}
	if absolute <= 0 || absolute > maxSession {
		fault("session.absolute", "session.absolute = %q is not a duration of at most 30d, such as 24h.", s.Absolute)
	}
	if absolute > 0 && idle > absolute {
		fault("session.idle", "session.idle = %q is longer than session.absolute = %q, so that it would never count.", s.Idle, s.Absolute)
	}
}

func (l Limits) check(fault func(key, format string, args ...any)) {
	for _, r := range []struct {
		key  string
		rate float64
	}{{"limits.rate", l.Rate}, {"limits.login_rate", l.LoginRate}} {
		if !(r.rate > 0) || math.IsInf(r.rate, 0) { // also not a number
			fault(r.key, "%s = %v must be above 0: calls a second.", r.key, r.rate)
		}
	}
	for _, b := range []struct {
		key   string
		burst int
	}{{"limits.burst", l.Burst}, {"limits.login_burst", l.LoginBurst}} {
		if b.burst < 1 {
			fault(b.key, "%s = %d must be at least 1.", b.key, b.burst)
		}
	}
}

// TrustedProxies are Proxies; Validate has seen that they can be read.
func (c Config) TrustedProxies() []netip.Prefix {
	var list []netip.Prefix
	for _, text := range c.Proxies {
		if p, problem := proxy(text); problem == "" {
			list = append(list, p)
		}
	}
	return list
}

// proxy reads a range of addresses, or one address.
func proxy(text string) (p netip.Prefix, problem string) {
	if one, err := netip.ParseAddr(text); err == nil && one.Zone() == "" {
		return netip.PrefixFrom(one, one.BitLen()), ""
	}
	p, err := netip.ParsePrefix(text)
	switch {
	case err != nil:
		return p, fmt.Sprintf("trusted_proxies names %q, which is no address and no range, such as 10.0.0.0/24.", text)
	case p.Bits() == 0:
		return p, fmt.Sprintf("trusted_proxies names %q, which is everybody: anybody could then say where they call from.", text)
	case p != p.Masked():
		return p, fmt.Sprintf("trusted_proxies names %q, whose range begins at %s. Write the one that you mean.", text, p.Masked())
	}
	return p, ""
}

// claim is a claim's name: a URL or a word, as providers have them.
var claim = regexp.MustCompile(`^[A-Za-z0-9_.:/-]{1,128}$`)

func (c Config) checkOIDC(fault func(key, format string, args ...any)) {
	named := map[string]bool{}
	for _, o := range c.OIDC {
		key := "oidc." + o.Name
		if problem := paas.CheckName("provider", o.Name, paas.MaxTeam); problem != "" {
			fault("oidc", "%s", problem)
			key = fmt.Sprintf("oidc.%q", o.Name)
		}
		if named[o.Name] {
			fault(key, "There are two oidc blocks %q. Rename one.", o.Name)
		}
		named[o.Name] = true
		o.check(key, fault)
	}
	if len(c.OIDC) > 0 && isURL(c.URL) && !private(c.URL) {
		fault("url", "url = %q must be https: browsers keep the cookie of a session from any other address, except of their own machine.", c.URL)
	}
}

func (o OIDC) check(key string, fault func(key, format string, args ...any)) {
	switch u, err := url.Parse(o.Issuer); {
	case !isURL(o.Issuer) || err != nil || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		fault(key+".issuer", "%s.issuer = %q is not the URL of a provider, such as https://login.example.com.", key, o.Issuer)
	case !private(o.Issuer):
		fault(key+".issuer", "%s.issuer = %q must be https: who can change its answers on the way could sign in as anybody.", key, o.Issuer)
	}
	if o.ClientID == "" {
		fault(key+".client_id", "%s.client_id is empty; the provider gives one to each of its clients.", key)
	}
	if o.ClientSecretFile != "" {
		if _, err := os.Stat(o.ClientSecretFile); err != nil {
			fault(key+".client_secret_file", "%s.client_secret_file = %q can't be read; it holds the client's secret, for the server only.", key, o.ClientSecretFile)
		}
	}
	for _, s := range o.Scopes {
		if s == "" || strings.ContainsAny(s, " \t\r\n\"\\") {
			fault(key+".scopes", "%s.scopes names %q, which is no scope.", key, s)
		}
	}
	for name, text := range map[string]string{"groups_claim": o.GroupsClaim, "name_claim": o.NameClaim} {
		if !claim.MatchString(text) {
			fault(key+"."+name, "%s.%s = %q is not the name of a claim, such as groups.", key, name, text)
		}
	}
	for _, g := range o.Groups {
		g.check(fmt.Sprintf("%s.group.%s", key, g.Name), fault)
	}
}

func (g Group) check(key string, fault func(key, format string, args ...any)) {
	given := []paas.Role{paas.Viewer, paas.Developer, paas.Maintainer}
	switch {
	case g.Name == "":
		fault(key, "A group without a name would be everybody; name one.")
	case g.Admin && (g.Team != "" || g.Role != ""):
		fault(key, "%s has admin = true beside a team or role: an admin may do everything in every team. Keep one.", key)
	case g.Admin:
	case g.Team == "" || g.Role == "":
		fault(key, "%s needs a team and a role, or admin = true.", key)
	default:
		if problem := paas.CheckName("team", g.Team, paas.MaxTeam); problem != "" {
			fault(key+".team", "%s", problem)
		}
		if !slices.Contains(given, paas.Role(g.Role)) {
			fault(key+".role", "%s.role = %q; use viewer, developer or maintainer, or admin = true in place of a team.", key, g.Role)
		}
	}
}

// private says that nobody can read or change what is sent to a URL on the way.
func private(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "https" || u.Hostname() == "localhost" || (ip != nil && ip.IsLoopback())
}
