package service

import (
	"context"
	"slices"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// world is what a turn of the loop knows of all services.
type world struct {
	providers  map[string]paas.Provider
	instances  map[string]paas.ServiceInstance // by TEAM/NAME
	bindings   []paas.Binding
	operations []paas.Operation
}

func (s *Services) read(ctx context.Context) (world, error) {
	w := world{providers: map[string]paas.Provider{}, instances: map[string]paas.ServiceInstance{}}
	providers, err := s.cfg.Store.ServiceProviders(ctx)
	if err != nil {
		return w, err
	}
	for _, p := range providers {
		w.providers[p.Name] = p
	}
	instances, err := s.cfg.Store.ServiceInstances(ctx, "")
	if err != nil {
		return w, err
	}
	for _, i := range instances {
		w.instances[i.Team+"/"+i.Name] = i
	}
	if w.bindings, err = s.cfg.Store.Bindings(ctx, paas.AppRef{}); err != nil {
		return w, err
	}
	w.operations, err = s.cfg.Store.Operations(ctx)
	return w, err
}

func (w world) binding(id string) (paas.Binding, bool) {
	i := slices.IndexFunc(w.bindings, func(b paas.Binding) bool { return b.ID == id })
	if i < 0 {
		return paas.Binding{}, false
	}
	return w.bindings[i], true
}

// of gives the bindings of an app, or all keys where ref is empty.
func (w world) of(ref paas.AppRef) []paas.Binding {
	var list []paas.Binding
	for _, b := range w.bindings {
		if ref == (paas.AppRef{}) && b.Key() || b.Ref() == ref {
			list = append(list, b)
		}
	}
	return list
}

func (w world) instance(team, name string) (paas.ServiceInstance, bool) {
	i, ok := w.instances[team+"/"+name]
	return i, ok
}

// plan gives the plan that an instance has, as the catalog has it now.
func (w world) plan(i paas.ServiceInstance) (paas.Offering, paas.ServicePlan, bool) {
	return w.providers[i.Provider].Catalog.Plan(i.OfferingID, i.PlanID)
}

// open gives the operations of a binding, orphan mitigation left out or not.
func (w world) open(owner string, cleaning bool) []paas.Operation {
	var list []paas.Operation
	for _, o := range w.operations {
		if o.Target.Owner == owner && owner != "" && (cleaning || !o.Cleaning) {
			list = append(list, o)
		}
	}
	return list
}

// offers finds who offers a plan by what a user types: provider "" for the only one.
func (w world) offers(provider, offering, plan string) (paas.Provider, paas.Offering, paas.ServicePlan, error) {
	var found []paas.Provider
	for _, name := range sortedNames(w.providers) {
		p := w.providers[name]
		if provider != "" && p.Name != provider {
			continue
		}
		if slices.ContainsFunc(p.Catalog.Offerings, func(o paas.Offering) bool { return o.Name == offering }) {
			found = append(found, p)
		}
	}
	switch {
	case len(found) > 1:
		return paas.Provider{}, paas.Offering{}, paas.ServicePlan{}, paas.Errorf(paas.Invalid,
			"Service %q is offered by several providers: %s. Say which with --provider.", offering, listed(providersOf(found)))
	case len(found) == 0 && provider != "" && w.providers[provider].Name == "":
		return paas.Provider{}, paas.Offering{}, paas.ServicePlan{}, paas.Errorf(paas.NotFound, "No provider is called %q. `crumpet providers list` shows those there are.", provider)
	case len(found) == 0:
		return paas.Provider{}, paas.Offering{}, paas.ServicePlan{}, paas.Errorf(paas.NotFound, "No service is called %q. `crumpet services catalog` lists them.", offering)
	case found[0].Absent != "":
		return found[0], paas.Offering{}, paas.ServicePlan{}, paas.Errorf(paas.Unavailable, "Service %q can't be had: %s", offering, found[0].Absent)
	}
	if plan == "" { // the only one there is
		for _, o := range found[0].Catalog.Offerings {
			if o.Name == offering && len(o.Plans) == 1 {
				return found[0], o, o.Plans[0], nil
			}
			if o.Name == offering {
				return found[0], o, paas.ServicePlan{}, paas.Errorf(paas.Invalid, "Service %q has the plans %s. Say which.", offering, listed(plansOf(o)))
			}
		}
	}
	o, p, err := found[0].Catalog.Named(offering, plan)
	return found[0], o, p, err // with an offering the plan is what is not there
}
