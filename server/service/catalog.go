package service

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Catalog gives what all providers offer, by offering and provider.
func (s *Services) Catalog(ctx context.Context) ([]paas.Offered, error) {
	providers, err := s.cfg.Store.ServiceProviders(ctx)
	if err != nil {
		return nil, err
	}
	list := []paas.Offered{}
	for _, p := range providers {
		for _, o := range p.Catalog.Offerings {
			list = append(list, paas.Offered{Provider: p.Name, Kind: p.Kind, Absent: p.Absent, Offering: o})
		}
	}
	slices.SortFunc(list, func(a, b paas.Offered) int {
		return cmp.Or(cmp.Compare(a.Offering.Name, b.Offering.Name), cmp.Compare(a.Provider, b.Provider))
	})
	return list, nil
}

// Providers lists those registered, by name.
func (s *Services) Providers(ctx context.Context) ([]paas.Provider, error) {
	return s.cfg.Store.ServiceProviders(ctx)
}

func (s *Services) provider(ctx context.Context, name string) (paas.Provider, error) {
	all, err := s.cfg.Store.ServiceProviders(ctx)
	if err != nil {
		return paas.Provider{}, err
	}
	i := slices.IndexFunc(all, func(p paas.Provider) bool { return p.Name == name })
	if i < 0 {
		return paas.Provider{}, paas.Errorf(paas.NotFound, "No provider is called %q. `crumpet providers list` shows those there are.", name)
	}
	return all[i], nil
}

// AddProvider registers one, once its catalog could be read. Its password is given to the engine, and what
// of it must be kept goes to Vault. Codes: invalid, conflict (the name is another kind's), unavailable.
func (s *Services) AddProvider(ctx context.Context, r paas.ProviderAdd) (paas.Provider, error) {
	account, err := checkProvider(r)
	if err != nil {
		return paas.Provider{}, err
	}
	before, err := s.provider(ctx, r.Name)
	if err != nil && paas.CodeOf(err) != paas.NotFound {
		return paas.Provider{}, err
	}
	known := err == nil
	if known && before.Kind != r.Kind {
		return paas.Provider{}, paas.Errorf(paas.Conflict, "Provider %q is registered already, as one of kind %s. Choose another name.", r.Name, before.Kind)
	}
	p := &account.Provider
	p.CreatedAt, p.CreatedBy = s.cfg.Now(), r.By
	if known {
		p.CreatedAt, p.CreatedBy, p.Version = before.CreatedAt, before.CreatedBy, before.Version
	}
	engine := s.cfg.Engines[r.Kind]
	if r.Absent == "" {
		if err := s.register(ctx, engine, &account, known); err != nil {
			return paas.Provider{}, err
		}
		p.CatalogAt = s.cfg.Now()
	} else if p.Catalog, err = engine.Catalog(ctx, account); err != nil {
		return paas.Provider{}, err
	}
	verb := "added"
	if known {
		verb = "changed"
	}
	err = s.save(ctx, 0, paas.ServiceChange{Providers: []paas.Provider{*p}, Events: []paas.Event{
		s.event(paas.EventServiceChanged, paas.AppRef{}, r.By, fmt.Sprintf("Provider %q of services was %s.", p.Name, verb)),
	}})
	if err != nil {
		return paas.Provider{}, err
	}
	s.Wake(paas.AppRef{})
	return s.provider(ctx, p.Name)
}

// register makes an engine and Vault know what opens a provider, and reads its catalog. What failed for a
// new one is taken back.
func (s *Services) register(ctx context.Context, engine Engine, account *Account, known bool) (err error) {
	defer func() {
		if err == nil || known {
			return
		}
		quiet, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		_ = engine.Unregister(quiet, *account)
		_ = s.cfg.Vault.DeleteProvider(quiet, account.Name) // both as far as it goes: the first error is the one to report
	}()
	if account.Kind == paas.KindBroker { // nothing is kept of one that can't be read
		if account.Catalog, err = engine.Catalog(ctx, *account); err != nil {
			return err
		}
	}
	given := *account
	kept, err := engine.Register(ctx, given)
	if err != nil {
		return err
	}
	if values := kept.values(); len(values) > 0 {
		err = s.cfg.Vault.PutProvider(ctx, account.Name, values)
	} else if known {
		err = s.cfg.Vault.DeleteProvider(ctx, account.Name)
	}
	if err != nil || account.Kind == paas.KindBroker {
		return err
	}
	account.Secret = kept
	account.Catalog, err = engine.Catalog(ctx, *account)
	return err
}

// checkProvider holds a request to what can be said of a provider; the URL's user counts where none is given.
func checkProvider(r paas.ProviderAdd) (Account, error) {
	a := Account{
		Provider: paas.Provider{
			Name: r.Name, Kind: r.Kind, URL: r.URL, Username: r.Username, CA: r.CA, Token: !r.Token.Empty(), Absent: r.Absent, KeepPassword: r.KeepPassword,
		},
		Secret: ProviderSecret{Password: r.Password, Token: r.Token},
	}
	if problem := paas.CheckName("provider", r.Name, paas.MaxApp); problem != "" {
		return a, &paas.Error{Code: paas.Invalid, Message: problem, Faults: []paas.Fault{{Location: "name", Message: problem}}}
	}
	switch {
	case r.Name == paas.ProviderUser:
		return a, paas.Errorf(paas.Invalid, "A provider can't be called %q: that is who gives credentials by hand. Choose another name.", r.Name)
	case r.Kind != paas.KindPostgres && r.Kind != paas.KindBroker:
		return a, paas.Errorf(paas.Invalid, "There is no kind of provider called %q. Kinds are %s and %s.", r.Kind, paas.KindPostgres, paas.KindBroker)
	case r.Absent != "":
		return a, nil
	}
	u, err := url.Parse(r.URL)
	if err != nil || u.Scheme == "" || u.Host == "" { // err holds the URL, and that maybe a password
		return a, paas.Errorf(paas.Invalid, "The URL of provider %q can't be read. Give one such as https://broker.example.com or postgres://admin@db.example.com:5432/postgres.", r.Name)
	}
	if _, has := u.User.Password(); has {
		return a, paas.Errorf(paas.Invalid, "The URL of provider %q holds a password, which everybody could read. Give it with --password-file.", r.Name)
	}
	if u.User != nil {
		if a.Username == "" {
			a.Username = u.User.Username()
		}
		u.User = nil
		a.URL = u.String()
	}
	if r.Kind == paas.KindPostgres && a.Username == "" {
		return a, paas.Errorf(paas.Invalid, "The URL of provider %q names no user. Give one such as postgres://admin@db.example.com:5432/postgres.", r.Name)
	}
	return a, nil
}

// RemoveProvider forgets one. Code conflict: there are instances, which are named, or something is left to
// be deleted there.
func (s *Services) RemoveProvider(ctx context.Context, name, by string) error {
	p, err := s.provider(ctx, name)
	if err != nil {
		return err
	}
	w, err := s.read(ctx)
	if err != nil {
		return err
	}
	var of []string
	for _, key := range sortedNames(w.instances) {
		if w.instances[key].Provider == name {
			of = append(of, key)
		}
	}
	if len(of) > 0 {
		return paas.Errorf(paas.Conflict, "Provider %q has service instances: %s. Delete them first.", name, listed(of[:min(len(of), 10)]))
	}
	for _, o := range w.operations {
		if o.Provider == name {
			return paas.Errorf(paas.Conflict, "Something that provider %q made is still being deleted: %s. Wait until it is gone.", name, cmp.Or(strings.TrimRight(o.Reason, "."), string(o.Op)))
		}
	}
	if p.Absent == "" {
		account, err := s.account(ctx, p)
		if err != nil {
			return err
		}
		if err := s.cfg.Engines[p.Kind].Unregister(ctx, account); err != nil {
			return err
		}
		if err := s.cfg.Vault.DeleteProvider(ctx, name); err != nil {
			return err
		}
	}
	return s.save(ctx, 0, paas.ServiceChange{DropProviders: []paas.Provider{p}, Events: []paas.Event{
		s.event(paas.EventServiceChanged, paas.AppRef{}, by, fmt.Sprintf("Provider %q of services was removed.", name)),
	}})
}

// RefreshProvider reads a catalog again. One that can't be read leaves the one before.
func (s *Services) RefreshProvider(ctx context.Context, name, by string) (paas.Provider, error) {
	p, err := s.provider(ctx, name)
	if err != nil {
		return p, err
	}
	if p.Absent != "" {
		return p, paas.Errorf(paas.Unavailable, "Provider %q can't be asked: %s", name, p.Absent)
	}
	catalog, err := s.ask(ctx, p)
	if err != nil {
		if ctx.Err() == nil { // the list of providers shows it too; that it was not read counts more than a write that failed
			p.Reason = withheld(paas.MessageOf(err))
			_ = s.save(ctx, 0, paas.ServiceChange{Providers: []paas.Provider{p}})
		}
		return p, err
	}
	if err := s.relist(ctx, 0, p, catalog, by); err != nil {
		return p, err
	}
	return s.provider(ctx, name)
}

func (s *Services) ask(ctx context.Context, p paas.Provider) (paas.Catalog, error) {
	account, err := s.account(ctx, p)
	if err != nil {
		return paas.Catalog{}, err
	}
	limited, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	return s.cfg.Engines[p.Kind].Catalog(limited, account)
}

// relist notes a catalog that was read, and what it means for instances: a plan that is in it no longer has
// vanished; names follow the ids.
func (s *Services) relist(ctx context.Context, epoch int64, p paas.Provider, catalog paas.Catalog, by string) error {
	instances, err := s.cfg.Store.ServiceInstances(ctx, "")
	if err != nil {
		return err
	}
	p.Catalog, p.CatalogAt, p.Reason = catalog, s.cfg.Now(), ""
	change := paas.ServiceChange{Providers: []paas.Provider{p}}
	for _, i := range instances {
		if i.Provider != p.Name || i.Kind == paas.KindUser {
			continue
		}
		was := i
		offering, plan, ok := catalog.Plan(i.OfferingID, i.PlanID)
		i.Vanished = !ok
		if ok {
			i.Offering, i.Plan = offering.Name, plan.Name
		}
		if i.Vanished != was.Vanished || i.Offering != was.Offering || i.Plan != was.Plan {
			change.Instances = append(change.Instances, i)
		}
		if i.Vanished && !was.Vanished {
			e := s.event(paas.EventServiceChanged, paas.AppRef{Team: i.Team, App: i.ForApp}, by,
				fmt.Sprintf("Plan %s of %s, which service instance %q has, is no longer in the catalog of %q. The instance stays; nothing new can be bound to it.", i.Plan, i.Offering, i.Name, p.Name))
			change.Events = append(change.Events, e)
		}
	}
	return s.save(ctx, epoch, change)
}

// stale says that a catalog is to be read again by now.
func (s *Services) stale(p paas.Provider, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := s.tried[p.Name]
	return p.Absent == "" && now.Sub(p.CatalogAt) >= refresh && now.Sub(asked) >= retry || s.again[p.Name] && now.Sub(asked) >= gather
}

// refreshSoon has a catalog read that a broker says has changed.
func (s *Services) refreshSoon(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.again[name] = true
}

// reread reads a catalog by nobody's wish.
func (s *Services) reread(ctx context.Context, epoch int64, p paas.Provider) {
	s.mu.Lock()
	s.tried[p.Name] = s.cfg.Now()
	delete(s.again, p.Name)
	s.mu.Unlock()
	catalog, err := s.ask(ctx, p)
	if err == nil {
		err = s.relist(ctx, epoch, p, catalog, "")
	} else if ctx.Err() == nil && p.Reason != paas.MessageOf(err) {
		p.Reason = withheld(paas.MessageOf(err))
		err = s.save(ctx, epoch, paas.ServiceChange{Providers: []paas.Provider{p}})
	}
	if err != nil && ctx.Err() == nil && paas.CodeOf(err) != paas.Conflict {
		s.log.Warn("catalog not read", "provider", p.Name, "err", err)
	}
}
