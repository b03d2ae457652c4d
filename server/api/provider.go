package api

import (
	"context"
	"net/url"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// Providers are the database servers and service brokers of the platform. Codes: invalid, not_found,
// conflict (instances of it are there), unavailable (it does not answer).
type Providers interface {
	Providers(ctx context.Context) ([]paas.Provider, error)
	AddProvider(ctx context.Context, r paas.ProviderAdd) (paas.Provider, error)
	RemoveProvider(ctx context.Context, name, by string) error
	RefreshProvider(ctx context.Context, name, by string) (paas.Provider, error)
}

// ProviderScope is the input of a call about one provider. Providers are of no team.
type ProviderScope struct {
	Scope
	Provider string `path:"provider" doc:"The provider."`
}

func (s ProviderScope) check() error {
	if err := s.Scope.check(); err != nil {
		return err
	}
	return checkProvider("path.provider", s.Provider)
}

func checkProvider(location, name string) error {
	if problem := paas.CheckName("provider", name, paas.MaxApp); problem != "" {
		return invalid(location, problem)
	}
	return nil
}

func (a *API) providers(ctx context.Context, in *Scope) (*body[wire.Providers], error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	list, err := a.Providers.Providers(ctx)
	if err != nil {
		return nil, err
	}
	providers := []wire.Provider{}
	for _, p := range list {
		providers = append(providers, presentProvider(p))
	}
	return &body[wire.Providers]{wire.Providers{Items: providers}}, nil
}

func presentProvider(p paas.Provider) wire.Provider {
	provider := wire.Provider{
		Name: p.Name, Kind: p.Kind, URL: p.URL, Username: p.Username, Absent: p.Absent, Reason: p.Reason,
		KeepPassword: p.KeepPassword, Offerings: []string{}, CatalogAt: known(p.CatalogAt), CreatedAt: p.CreatedAt, CreatedBy: p.CreatedBy,
	}
	for _, o := range p.Catalog.Offerings {
		provider.Offerings = append(provider.Offerings, o.Name)
	}
	return provider
}

func (a *API) provider(ctx context.Context, in *ProviderScope) (*body[wire.Provider], error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	list, err := a.Providers.Providers(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range list {
		if p.Name == in.Provider {
			return &body[wire.Provider]{presentProvider(p)}, nil
		}
	}
	return nil, paas.Errorf(paas.NotFound, "No provider is called %q. `crumpet providers list` lists those there are.", in.Provider)
}

func (a *API) addProvider(ctx context.Context, in *struct {
	Scope
	Body wire.AddProvider
},
) (*body[wire.Provider], error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	if err := checkProvider("body.name", in.Body.Name); err != nil {
		return nil, err
	}
	r := paas.ProviderAdd{
		Name: in.Body.Name, Kind: in.Body.Kind, URL: in.Body.URL, Username: in.Body.Username, Password: paas.NewSecret(in.Body.Password),
		Token: paas.NewSecret(in.Body.Token), CA: in.Body.CA, KeepPassword: in.Body.KeepPassword,
		Absent: in.Body.Absent, By: caller(ctx),
	}
	// The URL is repeated in no message: who gives a bad one may have put a password into it.
	u, err := url.Parse(r.URL)
	switch {
	case r.Absent != "" && r.URL == "":
	case err != nil || u.Host == "":
		return nil, invalid("body.url", "This is no URL with a host, such as postgres://admin@db.example.com:5432/postgres.")
	case hasPassword(u):
		return nil, invalid("body.url", "The URL holds a password, and URLs are shown. Leave it out of the URL, and give it in the field password.")
	case r.Kind == paas.KindBroker && r.Absent == "" && r.Token.Empty() == r.Password.Empty():
		return nil, invalid("body", "A broker wants a user and a password, or a token, and not both.")
	case r.Kind == paas.KindPostgres && (!r.Token.Empty() || r.CA != ""):
		return nil, invalid("body", "A database server wants a password; a token and certificates are a broker's. Say sslmode in the URL.")
	case r.Kind == paas.KindBroker && r.KeepPassword:
		return nil, invalid("body.keep_password", "A broker's password is never replaced. Leave this out.")
	}
	noteAudit(ctx, r.Name, nil, map[string]any{"kind": r.Kind})
	added, err := a.Providers.AddProvider(ctx, r)
	if err != nil {
		return nil, err
	}
	return &body[wire.Provider]{presentProvider(added)}, nil
}

func hasPassword(u *url.URL) bool {
	_, has := u.User.Password()
	return has || u.Query().Has("password")
}

// removeProvider answers with the provider as it was.
func (a *API) removeProvider(ctx context.Context, in *ProviderScope) (*body[wire.Provider], error) {
	was, err := a.provider(ctx, in)
	if err != nil {
		return nil, err
	}
	return was, a.Providers.RemoveProvider(ctx, in.Provider, caller(ctx))
}

func (a *API) refreshProvider(ctx context.Context, in *ProviderScope) (*body[wire.Provider], error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	read, err := a.Providers.RefreshProvider(ctx, in.Provider, caller(ctx))
	if err != nil {
		return nil, err
	}
	return &body[wire.Provider]{presentProvider(read)}, nil
}
