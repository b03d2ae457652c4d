package service

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Admit says what is wrong with the service blocks of a spec that is to be released for an app, by key path.
// The error is of what could not be looked at. Nothing is asked of a provider, and nothing of Vault.
func (s *Services) Admit(ctx context.Context, ref paas.AppRef, spec paas.Spec, _ string) ([]paas.Fault, error) {
	if len(spec.Services) == 0 {
		return nil, nil
	}
	w, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	a := admission{ref: ref, world: w, validate: s.cfg.Validate}
	for _, u := range spec.Services {
		a.use(u)
	}
	return a.faults, nil
}

// admission holds service blocks to what there is.
type admission struct {
	ref      paas.AppRef
	world    world
	validate validate
	faults   []paas.Fault
}

func (a *admission) say(u paas.ServiceUse, key, format string, args ...any) {
	location := "service." + u.Name
	if key != "" {
		location += "." + key
	}
	a.faults = append(a.faults, paas.Fault{Location: location, Message: fmt.Sprintf(format, args...)})
}

func (a *admission) use(u paas.ServiceUse) {
	bindings := a.world.of(a.ref)
	at := slices.IndexFunc(bindings, func(b paas.Binding) bool { return b.Name == u.Name })
	if at >= 0 && bindings[at].Instance != u.Instance && bindings[at].State != paas.BindingEnded {
		a.say(u, "instance", "The binding %q of app %q is to service instance %q. Give the block another name, so that programs have both while they change, or unbind first.", u.Name, a.ref.App, bindings[at].Instance)
		return
	}
	i, there := a.world.instance(a.ref.Team, u.Instance)
	if !there || i.State == paas.ServiceFailed && i.ForApp == a.ref.App {
		a.made(u)
		return
	}
	bound := at >= 0 && bindings[at].Usable()
	switch {
	case i.ForApp != "" && i.ForApp != a.ref.App && at < 0:
		a.say(u, "instance", "Service instance %q was made for app %q. Choose another name, or share it on purpose: `crumpet services bind %s --app %s --name %s`.", i.Name, i.ForApp, i.Name, a.ref.App, u.Name)
	case i.State == paas.ServiceFailed:
		a.say(u, "instance", "Service instance %q could not be made: %s Delete it, and create it again.", i.Name, i.Reason)
	case i.State == paas.ServiceDeleting:
		a.say(u, "instance", "Service instance %q is being deleted. Wait until it is gone, or choose another name.", i.Name)
	case i.Unusable && !bound:
		a.say(u, "instance", "Service instance %q can't be bound: %s", i.Name, i.Reason)
	case u.Offering != "" && u.Offering != i.Offering:
		a.say(u, "offering", "Service instance %q is one of %q. Say so, or choose another name for the instance.", i.Name, i.Offering)
	case u.Plan != "" && u.Plan != i.Plan:
		a.say(u, "plan", "Service instance %q has plan %s. Change it with `crumpet services update %s --plan %s`, or say %s here.", i.Name, i.Plan, i.Name, u.Plan, i.Plan)
	case i.Kind != paas.KindUser && !bound:
		a.bindable(u, i)
	}
}

// made holds a block to the catalog: its instance is to be made.
func (a *admission) made(u paas.ServiceUse) {
	if u.Offering == "" {
		a.say(u, "instance", "Team %q has no service instance %q. Create it first, or say what it is made of: offering = \"...\".", a.ref.Team, u.Instance)
		return
	}
	if problem := paas.CheckName("service instance", u.Instance, paas.MaxServiceInstance); problem != "" {
		a.say(u, "instance", "%s", problem)
		return
	}
	_, offering, plan, err := a.world.offers("", u.Offering, u.Plan)
	if err != nil {
		key := "offering"
		if offering.Name != "" {
			key = "plan"
		}
		a.say(u, key, "%s", paas.MessageOf(err))
		return
	}
	if err := offering.Allows(paas.ActBind, plan); err != nil {
		a.say(u, "plan", "%s", paas.MessageOf(err))
	}
	a.parameters(u, plan)
}

func (a *admission) parameters(u paas.ServiceUse, plan paas.ServicePlan) {
	err := a.validate(plan.SchemaFor(paas.OpProvision), paas.NewSecret(string(u.Parameters)))
	if err == nil {
		return
	}
	faults := paas.FaultsOf(err)
	if len(faults) == 0 {
		a.say(u, "parameters", "%s", paas.MessageOf(err))
	}
	for _, f := range faults {
		a.say(u, cmp.Or(f.Location, "parameters"), "%s", f.Message)
	}
}

// bindable holds a block to the plan of the instance that there is.
func (a *admission) bindable(u paas.ServiceUse, i paas.ServiceInstance) {
	offering, plan, ok := a.world.plan(i)
	if !ok {
		a.say(u, "instance", "%s", paas.MessageOf(vanished(i)))
		return
	}
	if err := offering.Allows(paas.ActBind, plan); err != nil {
		a.say(u, "instance", "%s", paas.MessageOf(err))
	}
}
