package service

import (
	"context"
	"slices"
	"strings"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Bind wishes for credentials of an instance for an app. Codes: invalid, not_found, conflict (the name is
// taken, or the instance can't be bound).
func (s *Services) Bind(ctx context.Context, r paas.ServiceBind) (paas.Binding, error) {
	return afresh(func() (paas.Binding, error) { return s.bindOnce(ctx, r) })
}

// bindOnce decides from what it reads at the moment.
func (s *Services) bindOnce(ctx context.Context, r paas.ServiceBind) (paas.Binding, error) {
	ref := paas.AppRef{Team: r.Team, App: r.App}
	snap, err := s.cfg.Store.Snapshot(ctx, ref)
	if err != nil {
		return paas.Binding{}, err
	}
	if snap.App.Deleting {
		return paas.Binding{}, paas.Errorf(paas.Conflict, "App %q is being destroyed. Nothing can be bound to it.", r.App)
	}
	d, err := s.cfg.Store.ServiceDetail(ctx, r.Team, r.Instance)
	if err != nil {
		return paas.Binding{}, err
	}
	if r.Name == "" {
		r.Name = strings.TrimPrefix(r.Instance, r.App+"-")
	}
	if problem := paas.CheckName("binding", r.Name, paas.MaxProcess); problem != "" {
		return paas.Binding{}, &paas.Error{Code: paas.Invalid, Message: problem + " Give one with --name.", Faults: []paas.Fault{{Location: "name", Message: problem}}}
	}
	b := paas.Binding{Team: r.Team, App: r.App, Name: r.Name, Bind: r.Bind}
	if b.Bind, err = bindOf(b, d.Instance, snap); err != nil {
		return b, err
	}
	change, err := s.place(&b, snap.Bindings, r.Instance)
	if err != nil {
		return b, err
	}
	if r.Stage {
		b.Carried = paas.CarriedByNext
	}
	return s.newBinding(ctx, b, d, r.Parameters, r.By, change)
}

// newBinding writes the wish for a binding or a key, once it is clear that the instance can give it.
func (s *Services) newBinding(ctx context.Context, b paas.Binding, d paas.ServiceDetail, params paas.Secret, by string, change paas.ServiceChange) (paas.Binding, error) {
	if err := s.bindable(ctx, d.Instance, params); err != nil {
		return b, err
	}
	b.ID, b.Instance, b.Kind, b.State = s.cfg.NewID(), d.Instance.Name, d.Instance.Kind, paas.BindingPending
	b.Label, b.Plan, b.Tags, b.CreatedAt, b.CreatedBy = d.Instance.Offering, d.Instance.Plan, d.Instance.Tags, s.cfg.Now(), by
	var err error
	if b.Params, err = s.keep(ctx, pathOf(b), given(params, paas.UserCredentials{})); err != nil {
		return b, err
	}
	change.Bindings = append(change.Bindings, b)
	e := bindingEvent(b, by, nameOf(b)+" is being made.")
	e.Time = s.cfg.Now()
	change.Events = append(change.Events, e)
	if err := s.save(ctx, 0, change); err != nil {
		return b, err
	}
	s.Wake(b.Ref())
	return b, nil
}

// bindable refuses what an instance can't give: its provider is not asked then.
func (s *Services) bindable(ctx context.Context, i paas.ServiceInstance, params paas.Secret) error {
	switch {
	case i.State == paas.ServiceFailed:
		return paas.Errorf(paas.Conflict, "Service instance %q could not be made: %s Delete it, and create it again.", i.Name, i.Reason)
	case i.State == paas.ServiceDeleting:
		return paas.Errorf(paas.Conflict, "Service instance %q is being deleted. Choose another one.", i.Name)
	case i.Unusable:
		return paas.Errorf(paas.Conflict, "Service instance %q can't be bound: %s Update it, or create another.", i.Name, i.Reason)
	case i.Kind == paas.KindUser && !params.Empty():
		return paas.Errorf(paas.Invalid, "Service instance %q is user-provided, and takes no parameters. Leave them out.", i.Name)
	case i.Kind == paas.KindUser:
		return nil
	}
	p, err := s.provider(ctx, i.Provider)
	if err != nil {
		return err
	}
	offering, plan, ok := p.Catalog.Plan(i.OfferingID, i.PlanID)
	if !ok {
		return vanished(i)
	}
	if err := offering.Allows(paas.ActBind, plan); err != nil {
		return err
	}
	return s.cfg.Validate(plan.SchemaFor(paas.OpBind), params)
}

// place finds room for a name among the bindings of an app. One that has ended, or failed, makes way.
func (s *Services) place(b *paas.Binding, all []paas.Binding, instance string) (paas.ServiceChange, error) {
	var change paas.ServiceChange
	i := slices.IndexFunc(all, func(o paas.Binding) bool { return o.Name == b.Name })
	if i < 0 {
		return change, nil
	}
	before := all[i]
	switch {
	case before.State == paas.BindingUnbinding:
		return change, paas.Errorf(paas.Conflict, "%s is being ended. Try again in a moment.", nameOf(before))
	case before.State == paas.BindingEnded, before.State == paas.BindingFailed && before.Generation == 0 && before.Instance == instance:
		change.DropBindings = []paas.Binding{before}
		b.Declared = before.Declared
		return change, nil
	case before.Instance == instance:
		return change, paas.Errorf(paas.Conflict, "%s is there already. `crumpet services rotate` gives it new credentials.", nameOf(before))
	}
	return change, paas.Errorf(paas.Conflict, "App %q has a binding %q already, to service instance %q. Choose another name with --name.", before.App, before.Name, before.Instance)
}

// bindOf fills in how credentials reach an app, and refuses what would hide something else.
func bindOf(b paas.Binding, i paas.ServiceInstance, snap paas.Snapshot) (paas.Bind, error) {
	bind := b.Bind
	if bind.As == "" {
		bind.As = paas.AsEnv
	}
	if bind.As == paas.AsFiles {
		if bind.Change == "" {
			bind.Change = paas.ChangeNoop
			if bind.Signal != "" {
				bind.Change = paas.ChangeSignal
			}
		}
		return bind, nil
	}
	holds := map[string]string{}
	for _, o := range snap.Bindings {
		if o.Name != b.Name && o.State != paas.BindingEnded && o.Bind.Env != "" {
			holds[o.Bind.Env] = o.Name
		}
	}
	if bind.Env == "" {
		bind.Env = strings.ToUpper(strings.ReplaceAll(b.Name, "-", "_")) + "_URL"
		database := slices.Contains([]string{"db", "database", "postgres"}, b.Name) || i.Offering == "postgres"
		if database && holds[databaseURL] == "" {
			bind.Env = databaseURL
		}
	}
	if problem := paas.CheckVariable(bind.Env); problem != "" {
		return bind, &paas.Error{Code: paas.Invalid, Message: problem, Faults: []paas.Fault{{Location: "env", Message: problem}}}
	}
	if other := holds[bind.Env]; other != "" {
		return bind, paas.Errorf(paas.Conflict, "The variable %s is set by binding %q of app %q already. Choose another with --env.", bind.Env, other, b.App)
	}
	return bind, nil
}

const databaseURL = "DATABASE_URL"

// Unbind ends bindings of an app at once: whoever holds their credentials is shut out. That there is none
// is no error. A binding that the spec declares comes back with the next release.
func (s *Services) Unbind(ctx context.Context, r paas.ServiceUnbind) (paas.Unbound, error) {
	return afresh(func() (paas.Unbound, error) { return s.unbindOnce(ctx, r) })
}

// unbindOnce decides from what it reads at the moment.
func (s *Services) unbindOnce(ctx context.Context, r paas.ServiceUnbind) (paas.Unbound, error) {
	if r.Name == "" && r.Instance == "" {
		return paas.Unbound{}, paas.Errorf(paas.Invalid, "Say which binding of app %q is to end: by its name, or by its service instance.", r.App)
	}
	ref := paas.AppRef{Team: r.Team, App: r.App}
	all, err := s.cfg.Store.Bindings(ctx, ref)
	if err != nil {
		return paas.Unbound{}, err
	}
	newest := 0
	snap, err := s.cfg.Store.Snapshot(ctx, ref)
	if err == nil {
		newest = snap.Newest
	} else if paas.CodeOf(err) != paas.NotFound || len(all) == 0 {
		return paas.Unbound{}, err
	}
	result := paas.Unbound{Already: true}
	var change paas.ServiceChange
	for _, b := range all {
		if r.Name != "" && b.Name != r.Name || r.Instance != "" && b.Instance != r.Instance {
			continue
		}
		if b.State != paas.BindingUnbinding && b.State != paas.BindingEnded {
			result.Already = false
			b.State, b.Reason = paas.BindingUnbinding, ""
			if b.Declared {
				b.Unbound = max(newest, 1)
			}
			change.Bindings = append(change.Bindings, b)
			e := bindingEvent(b, r.By, nameOf(b)+" is being ended.")
			e.Time = s.cfg.Now()
			change.Events = append(change.Events, e)
		}
		result.Bindings = append(result.Bindings, b)
	}
	if len(change.Bindings) > 0 {
		if err := s.save(ctx, 0, change); err != nil {
			return paas.Unbound{}, err
		}
		s.Wake(ref)
	}
	return result, nil
}

// Rotate wishes for new credentials; the old ones stay until nobody can hold them. Codes: not_found,
// conflict (a binding is not ready, or is being rotated).
func (s *Services) Rotate(ctx context.Context, r paas.ServiceRotate) ([]paas.Binding, error) {
	return afresh(func() ([]paas.Binding, error) { return s.rotateOnce(ctx, r) })
}

// rotateOnce decides from what it reads at the moment.
func (s *Services) rotateOnce(ctx context.Context, r paas.ServiceRotate) ([]paas.Binding, error) {
	ref := paas.AppRef{Team: r.Team, App: r.App}
	w, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	var rotated []paas.Binding
	var change paas.ServiceChange
	for _, b := range w.of(ref) {
		if r.Name != "" && b.Name != r.Name || r.Name == "" && b.State != paas.BindingReady {
			continue
		}
		o, err := s.rotation(w, b, r.By)
		if err != nil {
			return nil, err
		}
		change.Operations = append(change.Operations, o)
		e := bindingEvent(b, r.By, nameOf(b)+" is getting new credentials.")
		e.Time = s.cfg.Now()
		change.Events = append(change.Events, e)
		change.Bindings = append(change.Bindings, b) // unchanged: of two who rotate at once, one is told
		rotated = append(rotated, b)
	}
	if len(rotated) == 0 {
		if r.Name == "" {
			return nil, paas.Errorf(paas.NotFound, "App %q of team %q has no binding that is ready. `crumpet services list` shows those there are.", r.App, r.Team)
		}
		return nil, paas.Errorf(paas.NotFound, "App %q of team %q has no binding %q. `crumpet services list` shows those there are.", r.App, r.Team, r.Name)
	}
	if err := s.save(ctx, 0, change); err != nil {
		return nil, err
	}
	s.Wake(ref)
	return rotated, nil
}

func (s *Services) rotation(w world, b paas.Binding, by string) (paas.Operation, error) {
	i, ok := w.instance(b.Team, b.Instance)
	switch {
	case b.State != paas.BindingReady || b.Generation == 0:
		return paas.Operation{}, paas.Errorf(paas.Conflict, "%s is %s. Only one that is ready can be rotated.", nameOf(b), b.State)
	case anyOperation(w.operations, paas.OpBind, b.ID):
		return paas.Operation{}, paas.Errorf(paas.Conflict, "%s is being rotated already. Wait until that has ended.", nameOf(b))
	case !ok:
		return paas.Operation{}, noInstance(b.Team, b.Instance)
	case !i.Bindable():
		return paas.Operation{}, paas.Errorf(paas.Conflict, "Service instance %q is %s and gives no credentials now. %s", i.Name, i.State, i.Reason)
	}
	_, plan, known := w.plan(i)
	if !known && i.Kind != paas.KindUser {
		return paas.Operation{}, vanished(i)
	}
	return bindOperation(i, b, plan, s.cfg.NewID, s.cfg.Now(), by), nil
}
