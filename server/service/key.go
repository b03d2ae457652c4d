package service

import (
	"context"
	"fmt"
	"slices"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// CreateKey wishes for credentials that no app has. Codes: invalid, not_found, conflict.
func (s *Services) CreateKey(ctx context.Context, r paas.ServiceKey) (paas.Binding, error) {
	if problem := paas.CheckName("key", r.Name, paas.MaxProcess); problem != "" {
		return paas.Binding{}, &paas.Error{Code: paas.Invalid, Message: problem, Faults: []paas.Fault{{Location: "name", Message: problem}}}
	}
	d, err := s.cfg.Store.ServiceDetail(ctx, r.Team, r.Instance)
	if err != nil {
		return paas.Binding{}, err
	}
	b := paas.Binding{Team: r.Team, Name: r.Name, Instance: r.Instance}
	change, err := s.place(&b, d.Keys, r.Instance)
	if err != nil {
		return b, err
	}
	b.Carried = paas.CarriedEnd // no walk brings it to anybody
	return s.newBinding(ctx, b, d, r.Parameters, r.By, change)
}

// Keys lists the keys of an instance, by name.
func (s *Services) Keys(ctx context.Context, team, instance string) ([]paas.Binding, error) {
	d, err := s.cfg.Store.ServiceDetail(ctx, team, instance)
	if err != nil {
		return nil, err
	}
	return append([]paas.Binding{}, d.Keys...), nil
}

func (s *Services) key(ctx context.Context, r paas.ServiceKey) (paas.Binding, bool, error) {
	d, err := s.cfg.Store.ServiceDetail(ctx, r.Team, r.Instance)
	if err != nil {
		return paas.Binding{}, false, err
	}
	i := slices.IndexFunc(d.Keys, func(b paas.Binding) bool { return b.Name == r.Name })
	if i < 0 {
		return paas.Binding{}, false, nil
	}
	return d.Keys[i], true, nil
}

// ShowKey reveals a key, and notes who asked. Codes: not_found, conflict (it is not ready).
func (s *Services) ShowKey(ctx context.Context, r paas.ServiceKey) (paas.KeyCredentials, error) {
	b, ok, err := s.key(ctx, r)
	switch {
	case err != nil:
		return paas.KeyCredentials{}, err
	case !ok:
		return paas.KeyCredentials{}, paas.Errorf(paas.NotFound, "Service instance %q has no key %q. `crumpet services keys list %s` shows those there are.", r.Instance, r.Name, r.Instance)
	case !b.Usable():
		return paas.KeyCredentials{}, paas.Errorf(paas.Conflict, "%s is %s. %s", nameOf(b), b.State, b.Reason)
	}
	// Told before it is shown: nothing is revealed that nobody was told of.
	e := bindingEvent(b, r.By, nameOf(b)+" was shown to "+r.By+".")
	e.Time = s.cfg.Now()
	if err := s.save(ctx, 0, paas.ServiceChange{Events: []paas.Event{e}}); err != nil {
		return paas.KeyCredentials{}, err
	}
	values, err := s.cfg.Vault.Binding(ctx, b)
	if err != nil {
		return paas.KeyCredentials{}, err
	}
	shown := paas.KeyCredentials{Key: b, Values: map[string]paas.Secret{}}
	for name, value := range values {
		shown.Values[name] = paas.NewSecret(value)
	}
	return shown, nil
}

// DeleteKey ends a key at once. That there is none is no error; already says so.
func (s *Services) DeleteKey(ctx context.Context, r paas.ServiceKey) (already bool, err error) {
	b, ok, err := s.key(ctx, r)
	if err != nil {
		return false, err
	}
	if !ok || b.State == paas.BindingUnbinding {
		return true, nil
	}
	b.State, b.Reason = paas.BindingUnbinding, ""
	e := bindingEvent(b, r.By, fmt.Sprintf("%s is being ended.", nameOf(b)))
	e.Time = s.cfg.Now()
	if err := s.save(ctx, 0, paas.ServiceChange{Bindings: []paas.Binding{b}, Events: []paas.Event{e}}); err != nil {
		return false, err
	}
	s.Wake(b.Ref())
	return false, nil
}
