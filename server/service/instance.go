package service

import (
	"context"
	"fmt"
	"slices"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Create wishes for an instance. It is made afterwards: see its State. Codes: invalid, not_found (offering
// or plan), conflict (the name is taken), unavailable (Vault, for what is secret).
func (s *Services) Create(ctx context.Context, r paas.ServiceCreate) (paas.ServiceInstance, error) {
	return afresh(func() (paas.ServiceInstance, error) { return s.createOnce(ctx, r) })
}

// createOnce decides from what it reads at the moment.
func (s *Services) createOnce(ctx context.Context, r paas.ServiceCreate) (paas.ServiceInstance, error) {
	i := paas.ServiceInstance{
		ID: s.cfg.NewID(), Team: r.Team, Name: r.Name, State: paas.ServiceCreating, CreatedAt: s.cfg.Now(), CreatedBy: r.By,
	}
	if err := checkInstance(r.Name); err != nil {
		return i, err
	}
	w, err := s.read(ctx)
	if err != nil {
		return i, err
	}
	if before, ok := w.instance(r.Team, r.Name); ok {
		return i, taken(before)
	}
	if i, err = s.shape(w, i, r); err != nil {
		return i, err
	}
	at := paas.ParamsPath{Team: r.Team, Instance: r.Name}
	if i.Params, err = s.keep(ctx, at, given(r.Parameters, r.User)); err != nil {
		return i, err
	}
	o := provision(i, s.cfg.NewID, s.cfg.Now())
	what := "with credentials given by hand"
	if i.Kind != paas.KindUser {
		what = fmt.Sprintf("plan %s of %s", i.Plan, i.Offering)
	}
	err = s.save(ctx, 0, paas.ServiceChange{
		Instances: []paas.ServiceInstance{i}, Operations: []paas.Operation{o}, Events: []paas.Event{
			s.event(paas.EventServiceChanged, paas.AppRef{Team: i.Team}, r.By, fmt.Sprintf("Service instance %q is being made: %s.", i.Name, what)),
		},
	})
	if err != nil {
		return i, err
	}
	s.Wake(paas.AppRef{})
	return i, nil
}

func checkInstance(name string) error {
	if problem := paas.CheckName("service instance", name, paas.MaxServiceInstance); problem != "" {
		return &paas.Error{Code: paas.Invalid, Message: problem, Faults: []paas.Fault{{Location: "name", Message: problem}}}
	}
	return nil
}

func taken(i paas.ServiceInstance) error {
	switch i.State {
	case paas.ServiceFailed:
		return paas.Errorf(paas.Conflict, "Service instance %q is there, but could not be made: %s Delete it with `crumpet services delete %s` and try again.", i.Name, i.Reason, i.Name)
	case paas.ServiceDeleting:
		return paas.Errorf(paas.Conflict, "Service instance %q is being deleted. Wait until it is gone, or choose another name.", i.Name)
	case paas.ServiceCreating, paas.ServiceReady, paas.ServiceUpdating:
	}
	return paas.Errorf(paas.Conflict, "Team %q has a service instance %q already. Choose another name, or bind that one.", i.Team, i.Name)
}

// shape fills in what an instance is made of, and holds what was given to the plan.
func (s *Services) shape(w world, i paas.ServiceInstance, r paas.ServiceCreate) (paas.ServiceInstance, error) {
	if r.Provider == paas.ProviderUser {
		i.Kind, i.Provider, i.Drain, i.RouteURL = paas.KindUser, paas.ProviderUser, !r.User.SyslogDrainURL.Empty(), !r.User.RouteServiceURL.Empty()
		if r.Offering != "" || r.Plan != "" || !r.Parameters.Empty() {
			return i, paas.Errorf(paas.Invalid, "Credentials given by hand have no offering, plan and parameters. Leave those out.")
		}
		return i, checkUser(r.User)
	}
	if !r.User.Empty() {
		return i, paas.Errorf(paas.Invalid, "Credentials are given by hand only for a user-provided instance, which has no offering. Leave the offering out, or the credentials.")
	}
	p, offering, plan, err := w.offers(r.Provider, r.Offering, r.Plan)
	if err != nil {
		return i, err
	}
	i.Kind, i.Provider, i.Tags = p.Kind, p.Name, offering.Tags
	i.Offering, i.OfferingID, i.Plan, i.PlanID = offering.Name, offering.ID, plan.Name, plan.ID
	if plan.Maintenance != nil {
		i.Maintenance = plan.Maintenance.Version
	}
	return i, s.cfg.Validate(plan.SchemaFor(paas.OpProvision), r.Parameters)
}

// checkUser holds credentials given by hand to what can be handed on.
func checkUser(u paas.UserCredentials) error {
	if u.Empty() {
		return paas.Errorf(paas.Invalid, "There are no credentials in it. Give them as a JSON object, from a file or standard input.")
	}
	if u.Credentials.Empty() {
		return nil
	}
	if _, ok := flatten(u.Credentials); !ok {
		return paas.Errorf(paas.Invalid, `The credentials are no JSON object. Give one such as {"uri": "..."}.`)
	}
	return nil
}

// Update wishes for another plan, other parameters or another version. Codes: invalid, not_found, conflict
// (it is not ready).
func (s *Services) Update(ctx context.Context, r paas.ServiceUpdate) (paas.ServiceInstance, error) {
	return afresh(func() (paas.ServiceInstance, error) { return s.updateOnce(ctx, r) })
}

// updateOnce decides from what it reads at the moment.
func (s *Services) updateOnce(ctx context.Context, r paas.ServiceUpdate) (paas.ServiceInstance, error) {
	w, err := s.read(ctx)
	if err != nil {
		return paas.ServiceInstance{}, err
	}
	i, ok := w.instance(r.Team, r.Name)
	if !ok {
		return i, noInstance(r.Team, r.Name)
	}
	if i.State != paas.ServiceReady {
		return i, paas.Errorf(paas.Conflict, "Service instance %q is %s now. Wait until it is ready.", i.Name, i.State)
	}
	o := instanceOperation(i, paas.OpUpdate, s.cfg.NewID, s.cfg.Now())
	o.User, o.Target.PreviousPlan = r.By, i.PlanID
	values := given(r.Parameters, paas.UserCredentials{})
	if i.Kind == paas.KindUser {
		if r.User == nil || r.Plan != "" || r.Upgrade || !r.Parameters.Empty() {
			return i, paas.Errorf(paas.Invalid, "Of service instance %q, which is user-provided, only the credentials can be changed. Give all of them anew.", i.Name)
		}
		if err := checkUser(*r.User); err != nil {
			return i, err
		}
		values = given(paas.Secret{}, *r.User)
		i.Drain, i.RouteURL = !r.User.SyslogDrainURL.Empty(), !r.User.RouteServiceURL.Empty()
	} else if o, err = s.change(w, i, o, r); err != nil {
		return i, err
	}
	if o.Params, err = s.keep(ctx, paas.ParamsPath{Team: r.Team, Instance: r.Name}, values); err != nil {
		return i, err
	}
	if i.Kind == paas.KindUser {
		i.Params = o.Params
	}
	i.State, i.Reason = paas.ServiceUpdating, ""
	err = s.save(ctx, 0, paas.ServiceChange{
		Instances: []paas.ServiceInstance{i}, Operations: []paas.Operation{o}, Events: []paas.Event{
			s.event(paas.EventServiceChanged, paas.AppRef{Team: i.Team, App: i.ForApp}, r.By, fmt.Sprintf("Service instance %q is being updated.", i.Name)),
		},
	})
	if err != nil {
		return i, err
	}
	s.Wake(paas.AppRef{})
	return i, nil
}

func noInstance(team, name string) error {
	return paas.Errorf(paas.NotFound, "Team %q has no service instance %q. `crumpet services list` shows those there are.", team, name)
}

// change holds an update to the catalog.
func (s *Services) change(w world, i paas.ServiceInstance, o paas.Operation, r paas.ServiceUpdate) (paas.Operation, error) {
	if r.User != nil {
		return o, paas.Errorf(paas.Invalid, "Service instance %q is not user-provided: its credentials are its provider's. Leave them out.", i.Name)
	}
	if r.Plan == "" && r.Parameters.Empty() && !r.Upgrade {
		return o, paas.Errorf(paas.Invalid, "Nothing of service instance %q is to change. Give another plan, parameters, or --upgrade.", i.Name)
	}
	p := w.providers[i.Provider]
	offering, plan, known := w.plan(i)
	if !known {
		return o, vanished(i)
	}
	if r.Plan != "" && r.Plan != plan.Name {
		if err := offering.Allows(paas.ActChangePlan, plan); err != nil {
			return o, err
		}
		_, next, err := p.Catalog.Named(offering.Name, r.Plan)
		if err != nil {
			return o, err
		}
		plan = next
		o.Target.PlanID, o.Target.Plan = plan.ID, plan.Name
		if plan.Maintenance != nil {
			o.Target.Maintenance = plan.Maintenance.Version
		}
	} else if r.Plan != "" && r.Parameters.Empty() && !r.Upgrade {
		return o, paas.Errorf(paas.Invalid, "Service instance %q has plan %s already. Give another plan, or parameters.", i.Name, r.Plan)
	}
	if r.Upgrade {
		if plan.Maintenance == nil || plan.Maintenance.Version == i.Maintenance {
			return o, paas.Errorf(paas.Invalid, "There is no newer version for service instance %q. `crumpet providers refresh %s` reads the catalog again.", i.Name, i.Provider)
		}
		o.Target.Maintenance = plan.Maintenance.Version
	}
	return o, s.cfg.Validate(plan.SchemaFor(paas.OpUpdate), r.Parameters)
}

func vanished(i paas.ServiceInstance) error {
	return paas.Errorf(paas.Conflict, "Plan %s of %s, which service instance %q has, is no longer in the catalog of provider %q. It can be unbound and deleted; for anything else ask the provider's operator to offer the plan again.",
		i.Plan, i.Offering, i.Name, i.Provider)
}

// Delete wishes for the end of an instance. Code conflict: it is bound, and by whom.
func (s *Services) Delete(ctx context.Context, r paas.ServiceDelete) (paas.ServiceInstance, error) {
	return afresh(func() (paas.ServiceInstance, error) { return s.deleteOnce(ctx, r) })
}

// deleteOnce decides from what it reads at the moment.
func (s *Services) deleteOnce(ctx context.Context, r paas.ServiceDelete) (paas.ServiceInstance, error) {
	d, err := s.cfg.Store.ServiceDetail(ctx, r.Team, r.Name)
	if err != nil {
		return paas.ServiceInstance{}, err
	}
	i := d.Instance
	standing := slices.DeleteFunc(slices.Concat(d.Bindings, d.Keys), func(b paas.Binding) bool { return b.State == paas.BindingEnded })
	if len(standing) > 0 {
		return i, paas.Errorf(paas.Conflict, "Service instance %q is bound: %s. %s", i.Name, who(standing), unbindFirst(i.Name, standing))
	}
	if i.State == paas.ServiceDeleting {
		return i, nil
	}
	change := paas.ServiceChange{Events: []paas.Event{
		s.event(paas.EventServiceChanged, paas.AppRef{Team: i.Team, App: i.ForApp}, r.By, fmt.Sprintf("Service instance %q is being deleted.", i.Name)),
	}}
	calling := false
	for _, o := range d.Operations {
		switch {
		case o.Cleaning || o.Target.InstanceID != i.ID:
		case o.State == paas.OperationCalling: // what comes of it is seen when it ends
			calling = true
		default:
			change.DropOperations = append(change.DropOperations, o)
		}
	}
	i.State, i.Reason = paas.ServiceDeleting, ""
	change.Instances = []paas.ServiceInstance{i}
	if !calling {
		o := deprovision(i, s.cfg.NewID, s.cfg.Now())
		o.User = r.By
		change.Operations = []paas.Operation{o}
	}
	if err := s.save(ctx, 0, change); err != nil {
		return i, err
	}
	s.Wake(paas.AppRef{})
	return i, nil
}

// unbindFirst says how the first of some bindings that is not being ended is ended.
func unbindFirst(instance string, standing []paas.Binding) string {
	n := slices.IndexFunc(standing, func(b paas.Binding) bool { return b.State != paas.BindingUnbinding })
	switch {
	case n < 0:
		return "That is being ended. Try again in a moment."
	case standing[n].Key():
		return fmt.Sprintf("Delete its keys first: `crumpet services keys delete %s %s`.", instance, standing[n].Name)
	}
	return fmt.Sprintf("Unbind it first: `crumpet services unbind %s --app %s`.", instance, standing[n].App)
}

// List gives the instances of a team, by name, with the bindings of each.
func (s *Services) List(ctx context.Context, team string) ([]paas.ServiceDetail, error) {
	w, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	list := []paas.ServiceDetail{}
	for _, key := range sortedNames(w.instances) {
		i := w.instances[key]
		if team != "" && i.Team != team {
			continue
		}
		d := paas.ServiceDetail{Instance: i}
		for _, b := range w.bindings {
			switch {
			case b.Team != i.Team || b.Instance != i.Name:
			case b.Key():
				d.Keys = append(d.Keys, b)
			default:
				d.Bindings = append(d.Bindings, b)
			}
		}
		for _, o := range w.operations {
			if o.Team == i.Team && o.Instance == i.Name {
				d.Operations = append(d.Operations, o)
			}
		}
		list = append(list, d)
	}
	return list, nil
}

// Show gives one instance.
func (s *Services) Show(ctx context.Context, team, name string) (paas.ServiceDetail, error) {
	return s.cfg.Store.ServiceDetail(ctx, team, name)
}
