package server

import (
	"net/url"
	"os"
	"strings"

	"github.com/crumpet-paas/crumpet/server/api"
	"github.com/crumpet-paas/crumpet/server/auth"
	"github.com/crumpet-paas/crumpet/server/config"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/store"
)

var (
	_ api.Logins      = (*auth.Logins)(nil)
	_ auth.Grants     = (*auth.Auth)(nil)
	_ auth.LoginStore = (*store.Store)(nil)
)

// newLogins lets people sign in as the configuration says. Passwords are hashed a few at once,
// whoever asks.
func (s *Server) newLogins(passwords *auth.Passwords, opt Options) *auth.Logins {
	var providers []auth.ProviderConfig
	for _, o := range s.cfg.OIDC {
		providers = append(providers, providerOf(o, s.cfg.URL))
	}
	return auth.NewLogins(auth.LoginsConfig{
		Store: s.store, Grants: s.auth, Passwords: passwords, Providers: providers, Now: opt.Now, Log: s.log,
	})
}

func providerOf(o config.OIDC, address string) auth.ProviderConfig {
	p := auth.ProviderConfig{
		Name: o.Name, Issuer: o.Issuer, ClientID: o.ClientID, Scopes: o.Scopes, GroupsClaim: o.GroupsClaim, NameClaim: o.NameClaim,
		Redirect: address + api.OIDCPath + "/" + url.PathEscape(o.Name) + "/callback",
		Secret: func() (string, error) {
			if o.ClientSecretFile == "" {
				return "", nil
			}
			text, err := os.ReadFile(o.ClientSecretFile)
			return strings.TrimSpace(string(text)), err
		},
	}
	for _, g := range o.Groups {
		p.Groups = append(p.Groups, auth.GroupRule{Group: g.Name, Team: g.Team, Role: paas.Role(g.Role), Admin: g.Admin})
	}
	return p
}
