package service

import (
	"fmt"
	"slices"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// rotateAgain is how long after a rotation by nobody's wish has failed it is tried again.
const rotateAgain = 10 * time.Minute

func (e *ending) bindingMade(c *paas.ServiceChange) {
	generation := e.answer.generation
	if generation == 0 {
		generation = e.o.Target.Generation
	}
	unwanted := e.binding == nil || e.binding.State == paas.BindingUnbinding || e.binding.State == paas.BindingEnded
	if unwanted {
		if e.v.next == succeeded { // nobody wants it any more: it ends before anybody could use it
			n := e.cleaning()
			n.Target.Generation = generation
			c.Operations = append(c.Operations, n)
		}
		return
	}
	b := *e.binding
	switch e.v.next {
	case succeeded:
		b = issue(b, paas.Issued{
			Generation: generation, ID: e.o.Target.BindingID, At: e.now, ExpiresAt: e.answer.ExpiresAt, RenewBefore: e.answer.RenewBefore,
		}, e.answer.Entries, e.now)
		if len(b.Retiring) > 0 {
			e.tellOf(c, b, "%s has new credentials; the old ones end when nobody can hold them.", nameOf(b))
		} else {
			e.tellOf(c, b, "%s is ready.", nameOf(b))
		}
	case anew:
		n := e.renewed()
		b.Reason = n.Reason
		c.Operations = append(c.Operations, n)
	case failed, again, polled:
		b.Last = max(b.Last, generation) // what may be left of it is being ended under that number
		reason := or(reasonOf(e.call, e.answer, e.err, e.gaveUp), "Its provider gave no credentials.")
		if b.Generation > 0 {
			b.Reason = "New credentials could not be had: " + reason
			b.Issued = slices.Clone(b.Issued)
			for n, i := range b.Issued { // one that is due would be asked for again at once
				if i.Generation == b.Generation && (!i.RenewBefore.IsZero() || !i.ExpiresAt.IsZero()) {
					b.Issued[n].RenewBefore = e.now.Add(rotateAgain)
				}
			}
		} else {
			b.State, b.Reason = paas.BindingFailed, reason
		}
		e.tellOf(c, b, "%s got no credentials: %s", nameOf(b), reason)
	}
	c.Bindings = append(c.Bindings, b)
}

// issue notes new credentials. Those before stay until nobody can hold them.
func issue(b paas.Binding, i paas.Issued, entries paas.Entries, now time.Time) paas.Binding {
	if b.Generation > 0 && b.Generation != i.Generation && !slices.Contains(b.Retiring, b.Generation) {
		b.Retiring = append(slices.Clone(b.Retiring), b.Generation)
	}
	b.Issued = append(slices.DeleteFunc(slices.Clone(b.Issued), func(o paas.Issued) bool { return o.Generation == i.Generation }), i)
	b.Last = max(b.Last, i.Generation)
	b.Generation, b.State, b.Reason, b.Entries, b.RotatedAt = i.Generation, paas.BindingReady, "", entries, now
	if b.Carried == paas.CarriedByNext {
		b.Carried = i.Generation
	}
	return b
}

func (e *ending) unbound(c *paas.ServiceChange) {
	if e.binding == nil {
		return
	}
	b := end(*e.binding, e.o.Target.Generation)
	c.Bindings = append(c.Bindings, b)
	if b.State == paas.BindingUnbinding || b.State == paas.BindingEnded {
		return // told once all of it is over
	}
	e.tellOf(c, b, "%s: the credentials before its last rotation have ended.", nameOf(b))
}

// end notes that a generation's credentials have ended.
func end(b paas.Binding, generation int) paas.Binding {
	b.Retiring = slices.DeleteFunc(slices.Clone(b.Retiring), func(g int) bool { return g == generation })
	b.Issued = slices.DeleteFunc(slices.Clone(b.Issued), func(i paas.Issued) bool { return i.Generation == generation })
	if b.Generation == generation {
		b.Generation = 0
	}
	if len(b.Retiring) == 0 && b.State == paas.BindingReady {
		b.Reason = ""
	}
	return b
}

func (e *ending) tellOf(c *paas.ServiceChange, b paas.Binding, format string, args ...any) {
	c.Events = append(c.Events, bindingEvent(b, e.o.User, fmt.Sprintf(format, args...)))
}

func bindingEvent(b paas.Binding, by, message string) paas.Event {
	return paas.Event{Team: b.Team, App: b.App, Kind: paas.EventBindingChanged, By: by, Message: message}
}

// nameOf begins a sentence about a binding or key.
func nameOf(b paas.Binding) string {
	if b.Key() {
		return fmt.Sprintf("Key %q of service instance %q", b.Name, b.Instance)
	}
	return fmt.Sprintf("Binding %q of app %q to service instance %q", b.Name, b.App, b.Instance)
}

// The rows of the journal for each wish.

func provision(i paas.ServiceInstance, newID func() string, now time.Time) paas.Operation {
	o := instanceOperation(i, paas.OpProvision, newID, now)
	o.Params, o.User, o.Target.Maintenance = i.Params, i.CreatedBy, i.Maintenance
	return o
}

func deprovision(i paas.ServiceInstance, newID func() string, now time.Time) paas.Operation {
	return instanceOperation(i, paas.OpDeprovision, newID, now)
}

func instanceOperation(i paas.ServiceInstance, op paas.BrokerOp, newID func() string, now time.Time) paas.Operation {
	return paas.Operation{
		ID: newID(), Op: op, State: paas.OperationPlanned, Team: i.Team, Instance: i.Name, Kind: i.Kind, Provider: i.Provider,
		Target:  paas.OperationTarget{InstanceID: i.ID, OfferingID: i.OfferingID, PlanID: i.PlanID, Plan: i.Plan},
		Request: newID(), NextAt: now, Created: now,
	}
}

// bindOperation makes the next generation of a binding.
func bindOperation(i paas.ServiceInstance, b paas.Binding, plan paas.ServicePlan, newID func() string, now time.Time, by string) paas.Operation {
	o := instanceOperation(i, paas.OpBind, newID, now)
	o.App, o.Binding, o.User, o.Params = b.App, b.Name, by, b.Params
	o.Target.Owner, o.Target.BindingID, o.Target.Generation = b.ID, newID(), latest(b)+1
	if before, ok := b.IssuedAs(b.Generation); ok && plan.BindingRotatable {
		o.Target.Predecessor, o.Params = before.ID, 0 // it takes over the parameters, too
	}
	return o
}

// latest is the highest number that a generation of the binding has had.
func latest(b paas.Binding) int {
	n := max(b.Generation, b.Last)
	for _, i := range b.Issued {
		n = max(n, i.Generation)
	}
	return n
}

func unbindOperation(i paas.ServiceInstance, b paas.Binding, issued paas.Issued, newID func() string, now time.Time, by string) paas.Operation {
	o := instanceOperation(i, paas.OpUnbind, newID, now)
	o.App, o.Binding, o.User = b.App, b.Name, by
	o.Target.Owner, o.Target.BindingID, o.Target.Generation = b.ID, issued.ID, issued.Generation
	return o
}
