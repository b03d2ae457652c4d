package deploy

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// assumed are the bindings of an app once every service that a spec declares is bound: a plan is of then,
// as the deployment begins no earlier.
func assumed(have []paas.Binding, spec paas.Spec, ref paas.AppRef) []paas.Binding {
	list := slices.Clone(have)
	for _, use := range spec.Services {
		i := slices.IndexFunc(list, func(b paas.Binding) bool { return b.Name == use.Name })
		if i < 0 {
			list = append(list, paas.Binding{Team: ref.Team, App: ref.App, Name: use.Name, Instance: use.Instance, Kind: paas.KindUser, Declared: true})
			i = len(list) - 1
		}
		if !list[i].Usable() {
			list[i].State, list[i].Generation = paas.BindingReady, list[i].Generation+1
		}
	}
	return list
}

// secrets adds to a plan what it says of configuration and services: names and versions, never a value.
func (d *Deployer) secrets(ctx context.Context, snap paas.Snapshot, p prediction, plan *paas.Plan) {
	plan.Config = p.next.Config
	plan.Services = services(snap, p)
	if !p.changes() {
		return
	}
	if changes, err := d.keysChanged(ctx, p); err != nil {
		plan.Warnings = append(plan.Warnings, "which keys of the configuration change can't be seen: "+paas.MessageOf(err))
	} else {
		at := slices.IndexFunc(plan.Changes, func(c paas.KeyChange) bool { return c.Key == "config" })
		plan.Changes = slices.Insert(plan.Changes, at+1, changes...)
	}
	if err := d.openVault(ctx, snap, p.next); err != nil {
		plan.Warnings = append(plan.Warnings, "a push would be refused now: "+sentence(paas.MessageOf(err), "Vault does not answer"))
	}
}

// keysChanged names the keys that the two releases' versions of the configuration have in other values,
// with the versions in which they were set.
func (d *Deployer) keysChanged(ctx context.Context, p prediction) ([]paas.KeyChange, error) {
	if d.configs == nil || p.old.Number == 0 || p.old.Config == p.next.Config {
		return nil, nil
	}
	was, err := d.setAt(ctx, p.old)
	if err != nil {
		return nil, err
	}
	now, err := d.setAt(ctx, p.next)
	if err != nil {
		return nil, err
	}
	changes := paas.DiffKeys(was, now)
	for i := range changes {
		changes[i].Key = "config." + changes[i].Key
	}
	return changes, nil
}

// setAt gives the keys of a release's configuration, each with the version in which it was set.
func (d *Deployer) setAt(ctx context.Context, rel paas.Release) (map[string]string, error) {
	keys := map[string]string{}
	if rel.Config == 0 {
		return keys, nil
	}
	list, err := d.configs.Keys(ctx, rel.Ref(), rel.Config)
	if paas.CodeOf(err) == paas.NotFound {
		return nil, paas.Errorf(paas.NotFound, "version %d is no longer listed", rel.Config)
	}
	for _, key := range list {
		keys[key.Name] = fmt.Sprintf("set in version %d", key.Version)
	}
	return keys, err
}

// services says of each service that the spec declares what becomes of its credentials.
func services(snap paas.Snapshot, p prediction) []paas.PlannedService {
	var list []paas.PlannedService
	for _, use := range p.next.Spec.Services {
		plan := paas.PlannedService{Name: use.Name, Instance: use.Instance, Offering: use.Offering, Plan: use.Plan, Rotation: rotation(use.Bind)}
		i := slices.IndexFunc(snap.Bindings, func(b paas.Binding) bool { return b.Name == use.Name })
		switch {
		case i < 0:
			plan.Change = paas.ServiceBound
		case snap.Bindings[i].Usable():
			plan.Change, plan.Generation = paas.ServiceKept, snap.Bindings[i].Generation
		case snap.Bindings[i].State == paas.BindingEnded:
			plan.Change = paas.ServiceBoundAgain
		default:
			plan.Change, plan.Reason = paas.ServiceBound, strings.TrimRight(snap.Bindings[i].Reason, ".")
		}
		list = append(list, plan)
	}
	for _, b := range snap.Bindings {
		if b.Declared && b.Usable() && !declares(p.next.Spec, b.Name) {
			list = append(list, paas.PlannedService{Name: b.Name, Instance: b.Instance, Plan: b.Plan, Change: paas.ServiceUnbound, Generation: b.Generation})
		}
	}
	return list
}

func declares(spec paas.Spec, name string) bool {
	return slices.ContainsFunc(spec.Services, func(u paas.ServiceUse) bool { return u.Name == name })
}

// rotation says how other credentials reach the programs.
func rotation(b paas.Bind) string {
	switch {
	case b.As != paas.AsFiles:
		return "by a walk, as programs read their variables once"
	case b.Change == paas.ChangeSignal:
		return fmt.Sprintf("as files that change under the program, which gets %s; nothing restarts", b.Signal)
	}
	return "as files that change under the program, which reads them when it connects; nothing restarts"
}
