package apitest

import (
	"context"
	"slices"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// KeyPassword is what every key has as its password.
const KeyPassword = "correct-horse-battery"

func (s *Services) key(r paas.ServiceKey) (int, error) {
	if _, err := s.find(r.Team, r.Instance); err != nil {
		return 0, err
	}
	return slices.IndexFunc(s.bindings, func(b paas.Binding) bool {
		return b.Key() && b.Team == r.Team && b.Instance == r.Instance && b.Name == r.Name
	}), nil
}

func (s *Services) CreateKey(_ context.Context, r paas.ServiceKey) (paas.Binding, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := s.key(r)
	if err != nil {
		return paas.Binding{}, err
	}
	if n >= 0 {
		return paas.Binding{}, paas.Errorf(paas.Conflict, "Service instance %q has a key %q already. Choose another name.", r.Instance, r.Name)
	}
	key := paas.Binding{ID: s.id(), Team: r.Team, Name: r.Name, Instance: r.Instance, Kind: paas.KindPostgres, State: paas.BindingPending, CreatedAt: time.Now().UTC(), CreatedBy: r.By}
	s.bindings = append(s.bindings, key)
	s.secrets[key.ID] = map[string]paas.Secret{"username": paas.NewSecret("v-reader"), "password": paas.NewSecret(KeyPassword)}
	return key, nil
}

// Keys lists the keys, and has those that were begun ready at the next look.
func (s *Services) Keys(_ context.Context, team, instance string) (list []paas.Binding, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, err := s.find(team, instance)
	if err != nil {
		return nil, err
	}
	list = s.detail(*i).Keys
	s.settle(team, instance)
	return list, nil
}

func (s *Services) ShowKey(_ context.Context, r paas.ServiceKey) (paas.KeyCredentials, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := s.key(r)
	switch {
	case err != nil:
		return paas.KeyCredentials{}, err
	case n < 0:
		return paas.KeyCredentials{}, paas.Errorf(paas.NotFound, "Service instance %q has no key %q. `crumpet services keys list %s` lists those there are.", r.Instance, r.Name, r.Instance)
	case s.bindings[n].State != paas.BindingReady:
		return paas.KeyCredentials{}, paas.Errorf(paas.Conflict, "Key %q is not ready yet.", r.Name)
	}
	s.emit(paas.Event{Team: r.Team, Kind: paas.EventBindingChanged, By: r.By, Message: "Key " + r.Name + " of " + r.Instance + " was shown."})
	return paas.KeyCredentials{Key: s.bindings[n], Values: s.secrets[s.bindings[n].ID]}, nil
}

func (s *Services) DeleteKey(_ context.Context, r paas.ServiceKey) (already bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := s.key(r)
	if err != nil || n < 0 {
		return err == nil, err
	}
	s.bindings = slices.Delete(s.bindings, n, n+1)
	return false, nil
}

// Providers and what follows implement api.Providers.
func (s *Services) Providers(context.Context) (list []paas.Provider, err error) {
	s.locked(func() { list = slices.Clone(s.providers) })
	return list, nil
}

func (s *Services) provider(name string) (int, error) {
	n := slices.IndexFunc(s.providers, func(p paas.Provider) bool { return p.Name == name })
	if n < 0 {
		return n, paas.Errorf(paas.NotFound, "No provider is called %q. `crumpet providers list` lists those there are.", name)
	}
	return n, nil
}

func (s *Services) AddProvider(_ context.Context, r paas.ProviderAdd) (paas.Provider, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now().UTC()
	p := paas.Provider{Name: r.Name, Kind: r.Kind, URL: r.URL, Username: r.Username, KeepPassword: r.KeepPassword, CatalogAt: now, CreatedAt: now, CreatedBy: r.By}
	s.added = append(s.added, r)
	if n, err := s.provider(r.Name); err == nil {
		s.providers[n] = p
	} else {
		s.providers = append(s.providers, p)
	}
	return p, nil
}

func (s *Services) RemoveProvider(_ context.Context, name, _ string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := s.provider(name)
	if err != nil {
		return err
	}
	for _, i := range s.instances {
		if i.Provider == name {
			return paas.Errorf(paas.Conflict, "Provider %q has the service instance %s/%s. Delete it first.", name, i.Team, i.Name)
		}
	}
	s.providers = slices.Delete(s.providers, n, n+1)
	return nil
}

func (s *Services) RefreshProvider(_ context.Context, name, _ string) (paas.Provider, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := s.provider(name)
	if err != nil {
		return paas.Provider{}, err
	}
	if s.providers[n].Reason != "" {
		return paas.Provider{}, paas.Errorf(paas.Unavailable, "Provider %q: %s.", name, s.providers[n].Reason)
	}
	return s.providers[n], nil
}

// Added are the providers that were registered, with what opens them.
func (s *Services) Added() (list []paas.ProviderAdd) {
	s.locked(func() { list = slices.Clone(s.added) })
	return list
}
