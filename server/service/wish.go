package service

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// want is a service block of a release that stands or is on its way.
type want struct {
	use     paas.ServiceUse
	by      string // who made the release
	release int    // the newest that has the block
}

// wanted gives the service blocks of all releases of an app that have instances or may get some: the one
// that serves, those walked to and from, those in a slot that is not empty. A newer release's block counts.
func wanted(snap paas.Snapshot) map[string]want {
	all := map[string]want{}
	if snap.App.Deleting {
		return all
	}
	numbers := []int{snap.App.Release}
	for _, d := range snap.Deployments {
		numbers = append(numbers, d.Release, d.Previous)
	}
	for slot, row := range snap.Slots {
		if stands(snap, slot, row) {
			numbers = append(numbers, row.Release)
		}
	}
	slices.Sort(numbers)
	for _, n := range slices.Compact(numbers) {
		rel, ok := snap.Releases[n]
		if !ok {
			continue
		}
		for _, u := range rel.Spec.Services {
			all[u.Name] = want{use: u, by: rel.CreatedBy, release: n}
		}
	}
	return all
}

// stands says that a slot has instances, or is to have some.
func stands(snap paas.Snapshot, slot paas.Slot, row paas.Slotted) bool {
	return !row.Empty() || slices.ContainsFunc(snap.Instances, func(i paas.Instance) bool { return i.Slot == slot && !i.State.Ended() })
}

// turn is one look at the bindings of one app, or at the keys of all teams. It decides from what was read,
// and changes nothing but change.
type turn struct {
	ref    paas.AppRef
	snap   *paas.Snapshot // nil where there is no app: for keys, or once it is gone
	world  world
	now    time.Time
	newID  func() string
	used   func(b paas.Binding, generation int) string // why a retiring generation can't end yet, "" if it can
	change paas.ServiceChange
}

// decide goes over what is wanted and what there is.
func (t *turn) decide() {
	bindings := t.world.of(t.ref)
	wants := map[string]want{}
	if t.snap != nil {
		wants = wanted(*t.snap)
	}
	for _, name := range sortedNames(wants) {
		if !slices.ContainsFunc(bindings, func(b paas.Binding) bool { return b.Name == name }) {
			t.declare(wants[name])
		}
	}
	for _, b := range bindings {
		w, declared := wants[b.Name]
		t.look(b, w, declared && w.use.Instance == b.Instance)
	}
}

// declare makes the rows of a block that has none: the next turn goes on with them.
func (t *turn) declare(w want) {
	reason := ""
	i, ok := t.world.instance(t.ref.Team, w.use.Instance)
	if !ok && w.use.Offering != "" {
		i, reason = t.instance(w)
	} else if !ok {
		reason = fmt.Sprintf("Team %q has no service instance %q. Make it with `crumpet services create`.", t.ref.Team, w.use.Instance)
	}
	b := paas.Binding{
		ID: t.newID(), Team: t.ref.Team, App: t.ref.App, Name: w.use.Name, Instance: w.use.Instance, Kind: i.Kind, Declared: true, Bind: w.use.Bind,
		State: paas.BindingPending, Reason: reason, Label: i.Offering, Plan: i.Plan, Tags: i.Tags, CreatedAt: t.now, CreatedBy: w.by, Tried: w.release,
	}
	if reason != "" {
		b.State = paas.BindingFailed
	}
	t.change.Bindings = append(t.change.Bindings, b)
}

// instance makes the instance of a block.
func (t *turn) instance(w want) (paas.ServiceInstance, string) {
	p, offering, plan, err := t.world.offers("", w.use.Offering, w.use.Plan)
	if err != nil {
		return paas.ServiceInstance{}, paas.MessageOf(err)
	}
	i := paas.ServiceInstance{
		ID: t.newID(), Team: t.ref.Team, Name: w.use.Instance, Kind: p.Kind, Provider: p.Name, Offering: offering.Name, Plan: plan.Name,
		OfferingID: offering.ID, PlanID: plan.ID, State: paas.ServiceCreating, Tags: offering.Tags, CreatedAt: t.now, CreatedBy: w.by, ForApp: t.ref.App,
	}
	if plan.Maintenance != nil {
		i.Maintenance = plan.Maintenance.Version
	}
	t.world.instances[i.Team+"/"+i.Name] = i // another block of the app may name it
	o := provision(i, t.newID, t.now)
	o.Given = w.use.Parameters
	t.change.Instances = append(t.change.Instances, i)
	t.change.Operations = append(t.change.Operations, o)
	t.change.Events = append(t.change.Events, paas.Event{
		Team: i.Team, App: i.ForApp, Kind: paas.EventServiceChanged, By: w.by,
		Message: fmt.Sprintf("Service instance %q is being made: plan %s of %s, which release %d asks for.", i.Name, i.Plan, i.Offering, w.release),
	})
	return i, ""
}

// look takes one binding one step further.
func (t *turn) look(b paas.Binding, w want, declared bool) {
	was := b
	if declared {
		b.Declared, b.Bind = true, w.use.Bind
	}
	leaves := b.Declared && !declared || !b.Key() && (t.snap == nil || t.snap.App.Deleting)
	switch b.State {
	case paas.BindingPending, paas.BindingReady, paas.BindingFailed:
		if leaves {
			b.State, b.Reason = paas.BindingUnbinding, ""
			t.unbind(b)
			break
		}
		b = t.wish(b, w, declared)
	case paas.BindingUnbinding:
		t.unbind(b)
	case paas.BindingEnded:
		switch {
		case leaves || !b.Declared && (b.Carried == paas.CarriedEnd || idle(*t.snap)):
			t.change.DropBindings = append(t.change.DropBindings, was)
			return
		case declared && w.release > b.Unbound: // a release made since wants it anew
			b.State, b.Unbound, b.Carried, b.Tried, b.CreatedBy = paas.BindingPending, 0, 0, w.release, w.by
		}
	}
	if differs(b, was) {
		t.change.Bindings = append(t.change.Bindings, b)
	}
}

// idle says that no program of the app runs that could still know of a binding.
func idle(snap paas.Snapshot) bool {
	return len(snap.Deployments) == 0 && (snap.App.Stopped || snap.Slots[snap.App.Live].Empty())
}

func differs(a, b paas.Binding) bool {
	return a.State != b.State || a.Reason != b.Reason || a.Bind != b.Bind || a.Declared != b.Declared || a.Unbound != b.Unbound ||
		a.Carried != b.Carried || a.Tried != b.Tried || a.Kind != b.Kind || a.Label != b.Label || a.Plan != b.Plan || a.CreatedBy != b.CreatedBy || !slices.Equal(a.Tags, b.Tags)
}

// wish makes a binding ready, rotates one in time, and ends old credentials.
func (t *turn) wish(b paas.Binding, w want, declared bool) paas.Binding {
	i, there := t.world.instance(b.Team, b.Instance)
	if there {
		b.Kind, b.Label, b.Plan, b.Tags = i.Kind, i.Offering, i.Plan, i.Tags
	}
	busy := len(t.world.open(b.ID, false)) > 0
	if b.State == paas.BindingFailed && declared && w.release > b.Tried {
		b.State, b.Reason, b.Tried, b.CreatedBy = paas.BindingPending, "", w.release, w.by
		if !there && w.use.Offering != "" || i.State == paas.ServiceFailed && i.ForApp == t.ref.App {
			return t.anotherInstance(b, i, there, w)
		}
	}
	switch {
	case busy:
		return b
	case b.State == paas.BindingPending && b.Generation == 0:
		return t.first(b, i, there)
	case b.State == paas.BindingReady && t.due(b):
		if there && i.Bindable() {
			t.bind(i, b, "")
		}
		return b
	}
	return t.retire(b, i)
}

// anotherInstance begins anew with an instance that could not be made.
func (t *turn) anotherInstance(b paas.Binding, i paas.ServiceInstance, there bool, w want) paas.Binding {
	if !there {
		if _, reason := t.instance(w); reason != "" {
			b.State, b.Reason = paas.BindingFailed, reason
		}
		return b
	}
	i.ID, i.State, i.Reason = t.newID(), paas.ServiceCreating, "" // what may be left under the old id is being ended
	o := provision(i, t.newID, t.now)
	o.Given = w.use.Parameters
	t.change.Instances = append(t.change.Instances, i)
	t.change.Operations = append(t.change.Operations, o)
	return b
}

// first gets a binding its first credentials, once there is an instance to get them of.
func (t *turn) first(b paas.Binding, i paas.ServiceInstance, there bool) paas.Binding {
	switch {
	case !there:
		b.State, b.Reason = paas.BindingFailed, fmt.Sprintf("Team %q has no service instance %q.", b.Team, b.Instance)
	case i.State == paas.ServiceFailed:
		b.State, b.Reason = paas.BindingFailed, fmt.Sprintf("Service instance %q could not be made: %s", i.Name, i.Reason)
	case i.Unusable:
		b.State, b.Reason = paas.BindingFailed, fmt.Sprintf("Service instance %q can't be bound: %s", i.Name, i.Reason)
	case i.State == paas.ServiceDeleting:
		b.State, b.Reason = paas.BindingFailed, fmt.Sprintf("Service instance %q is being deleted.", i.Name)
	case !i.Bindable():
		b.Reason = fmt.Sprintf("Service instance %q is being made.", i.Name)
		if i.Reason != "" {
			b.Reason = fmt.Sprintf("Service instance %q is being made: %s", i.Name, i.Reason)
		}
	default:
		b.Reason = ""
		t.bind(i, b, b.CreatedBy)
	}
	return b
}

func (t *turn) bind(i paas.ServiceInstance, b paas.Binding, by string) {
	_, plan, _ := t.world.plan(i)
	t.change.Operations = append(t.change.Operations, bindOperation(i, b, plan, t.newID, t.now, by))
}

// due says that the newest credentials are to be replaced by now.
func (t *turn) due(b paas.Binding) bool {
	i, ok := b.IssuedAs(b.Generation)
	if !ok {
		return false
	}
	before := i.RenewBefore
	if before.IsZero() && !i.ExpiresAt.IsZero() { // half of their life, so that a walk has the other half
		before = i.At.Add(i.ExpiresAt.Sub(i.At) / 2)
	}
	return !before.IsZero() && !t.now.Before(before)
}

// retire ends old credentials that nobody can hold any more, and says why others stay.
func (t *turn) retire(b paas.Binding, i paas.ServiceInstance) paas.Binding {
	reason := ""
	for _, g := range b.Retiring {
		if why := t.used(b, g); why != "" {
			reason = cmp.Or(reason, why)
			continue
		}
		t.endOne(b, i, g)
	}
	if len(b.Retiring) > 0 {
		b.Reason = reason
	}
	return b
}

func (t *turn) endOne(b paas.Binding, i paas.ServiceInstance, generation int) {
	for _, o := range t.world.open(b.ID, true) {
		if o.Op == paas.OpUnbind && o.Target.Generation == generation {
			return
		}
	}
	issued, ok := b.IssuedAs(generation)
	if !ok {
		issued = paas.Issued{Generation: generation}
	}
	if i.ID == "" {
		i = paas.ServiceInstance{Team: b.Team, Name: b.Instance, Kind: b.Kind}
	}
	t.change.Operations = append(t.change.Operations, unbindOperation(i, b, issued, t.newID, t.now, ""))
}

// unbind ends every generation. The row goes once nothing is open any more: see finish.
func (t *turn) unbind(b paas.Binding) {
	i, _ := t.world.instance(b.Team, b.Instance)
	for _, g := range b.Generations() {
		t.endOne(b, i, g)
	}
	for _, o := range t.world.open(b.ID, false) {
		if o.Op == paas.OpBind && o.State == paas.OperationPlanned && o.Attempt == 0 { // never called: nothing to end
			t.change.DropOperations = append(t.change.DropOperations, o)
		}
	}
}

// over says that nothing of an unbinding is left to be done at a provider.
func over(b paas.Binding, w world) bool {
	return b.State == paas.BindingUnbinding && len(b.Generations()) == 0 && len(w.open(b.ID, true)) == 0
}
