package cli

import (
	"context"
	"log/slog"

	"github.com/crumpet-paas/crumpet/server/agents"
	"github.com/crumpet-paas/crumpet/server/bootstrap"
	"github.com/crumpet-paas/crumpet/server/fleet"
	"github.com/crumpet-paas/crumpet/server/install"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/store"
)

// platform is the last step of up: what crumpet install does, for a cluster that up has made.
type platform struct{}

var _ bootstrap.Platform = platform{}

// Plan says which objects would be written.
func (p platform) Plan(ctx context.Context, at bootstrap.PlatformReach) ([]bootstrap.Change, error) {
	i, err := p.open(ctx, at)
	if err != nil {
		return nil, err
	}
	list, err := i.Plan(ctx)
	var changes []bootstrap.Change
	for _, o := range list {
		changes = append(changes, bootstrap.Change{Text: "write the " + o.Program + " " + o.Kind + " " + o.Name + ": " + o.Why})
	}
	return changes, err
}

// Put writes them, and waits until the platform serves.
func (p platform) Put(ctx context.Context, at bootstrap.PlatformReach) error {
	i, err := p.open(ctx, at)
	if err != nil {
		return err
	}
	if _, err := i.Run(ctx); err != nil {
		return err
	}
	if !at.MayWriteInVault {
		return nil
	}
	token, err := i.FirstToken(ctx)
	if err != nil {
		return err
	}
	return at.KeepFirst(ctx, token)
}

func (platform) open(ctx context.Context, at bootstrap.PlatformReach) (*install.Install, error) {
	f, wish := at.Fleet, install.Default()
	crumpet, fabio := f.Program(fleet.Crumpet), f.Program(fleet.Fabio)
	wish.Domain, wish.RouterPort, wish.AdminPort = f.Domain, f.Ports.Router, f.Ports.Admin
	wish.Crumpet.Version, wish.Fabio.Version = crumpet.Version, fabio.Version
	wish.Count = min(3, len(f.Of(fleet.Client)))
	wish.NomadURL, wish.VaultURL = "https://127.0.0.1:4646", "https://"+agents.VaultName+":8200"
	wish.NomadTLS, wish.VaultTLS = true, true
	for _, m := range f.Of(fleet.Client) {
		wish.Proxies = append(wish.Proxies, m.Address)
	}
	cfg := install.Config{
		Nomad: install.Call(at.Nomad), Consul: install.Call(at.Consul), Vault: install.Call(at.Vault), Wish: wish,
		Router: "http://127.0.0.1", Now: at.Now, Log: slog.New(slog.DiscardHandler), Say: at.Say,
		API: func(wish install.Wish, router, token string) install.Call {
			e := install.Endpoint{Name: "Crumpet", Address: router, Host: wish.Host, HTTP: at.HTTP}
			if token != "" {
				e.Header, e.Token = "Authorization", "Bearer "+token
			}
			return e.Call
		},
	}
	if crumpet.Version == version {
		var err error
		if cfg.Schema, err = store.Schema(); err != nil {
			return nil, err
		}
	}
	if at.MayWriteInVault {
		if err := platformSecrets(ctx, at, &cfg.Given); err != nil {
			return nil, err
		}
	}
	return install.New(cfg)
}

// platformSecrets are what the servers read from Vault. The certificate that is there already is left alone.
func platformSecrets(ctx context.Context, at bootstrap.PlatformReach, given *install.Secrets) error {
	given.Database, given.VaultCA, given.NomadCA, given.Consul = at.Database, at.Authority, at.Authority, at.ConsulTokens
	has, err := install.HasCertificate(ctx, install.Call(at.Vault), at.Authority)
	if err != nil && paas.CodeOf(err) != paas.NotFound {
		return err
	}
	if has {
		return nil
	}
	given.NomadCert, given.NomadKey, err = at.Issue()
	return err
}
