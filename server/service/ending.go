package service

import (
	"fmt"
	"slices"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// ending turns the end of a call or poll into a change of rows. It is pure but for newID.
type ending struct {
	o        paas.Operation        // its row, as it is now
	instance *paas.ServiceInstance // nil where it is gone, or has another id by now
	binding  *paas.Binding         // nil likewise
	bound    []paas.Binding        // bindings of the instance
	others   []paas.Operation      // the journal
	call     Call
	answer   Answer
	err      error
	now      time.Time
	newID    func() string
	late     time.Duration // see Config.Late

	out    paas.BrokerOutcome
	v      verdict
	gaveUp string
}

// judge fills in the verdict.
func (e *ending) judge(wasPoll bool, jitter float64) {
	e.out = outcomeOf(e.o.Op, e.answer, e.err)
	if !wasPoll {
		if e.o.State == paas.OperationPlanned { // it was not even begun: what it needs was not there
			e.o.Attempt++
		}
		e.v = judge(e.o, e.out, e.now, jitter)
		return
	}
	if e.err == nil {
		e.out.Polled = e.answer.Ended
		if e.out.End == "" {
			e.out.End, e.out.Status = paas.EndAnswered, 200
		}
		e.out.RetryAfter = max(e.out.RetryAfter, e.answer.RetryAfter)
	}
	e.o.Polls++
	e.v, e.o.Refused, e.gaveUp, e.out = judgePoll(e.o, e.call.Plan.MaximumPolling, e.out, e.now, jitter)
}

// change gives the rows that follow.
func (e *ending) change() paas.ServiceChange {
	var c paas.ServiceChange
	switch e.v.next {
	case polled:
		if e.o.State != paas.OperationAccepted {
			e.o.State, e.o.Accepted, e.o.Word, e.o.Polls, e.o.Refused = paas.OperationAccepted, e.now, e.answer.Word, 0, 0
		}
		e.wait(&c)
	case again:
		e.o.State = paas.OperationPlanned
		e.wait(&c)
	case anew, failed, succeeded:
		if e.v.clean {
			c.Operations = append(c.Operations, e.cleaning())
		}
		c.DropOperations = append(c.DropOperations, e.o)
		e.ended(&c)
	}
	return c
}

// wait keeps the row, and shows why on what it is about.
func (e *ending) wait(c *paas.ServiceChange) {
	e.o.NextAt = e.now.Add(e.v.wait)
	e.o.Reason = ""
	if e.err != nil || e.gaveUp != "" || e.v.next == again {
		e.o.Reason = reasonOf(e.call, e.answer, e.err, e.gaveUp)
	} else if e.answer.Says != "" {
		e.o.Reason = reasonOf(e.call, e.answer, nil, "")
	}
	c.Operations = append(c.Operations, e.o)
	if e.o.Cleaning {
		return
	}
	switch {
	case e.binding != nil && e.o.Binding != "" && e.binding.Reason != e.o.Reason:
		b := *e.binding
		b.Reason = e.o.Reason
		c.Bindings = append(c.Bindings, b)
	case e.instance != nil && e.o.Binding == "" && (e.instance.Reason != e.o.Reason || e.answer.Dashboard != ""):
		i := *e.instance
		i.Reason = e.o.Reason
		if e.answer.Dashboard != "" {
			i.Dashboard = e.answer.Dashboard
		}
		c.Instances = append(c.Instances, i)
	}
}

// cleaning is the orphan mitigation of a create: by nobody's wish, until it is gone.
func (e *ending) cleaning() paas.Operation {
	n := e.o
	n.ID, n.Request, n.Version = e.newID(), e.newID(), 0
	n.State, n.Cleaning, n.User = paas.OperationPlanned, true, ""
	n.Params, n.Attempt, n.Word, n.Polls, n.Refused = 0, 0, "", 0, 0
	n.NextAt, n.Created, n.Accepted, n.Reason = e.now, e.now, time.Time{}, ""
	n.Until = time.Time{}
	if unheard(e.out) {
		n.Until = e.o.Called.Add(e.late)
	}
	n.Op = paas.OpDeprovision
	if e.o.Op == paas.OpBind {
		n.Op = paas.OpUnbind
		n.Target.Predecessor = ""
		if e.o.Kind != paas.KindPostgres {
			n.Target.Generation = 0 // a version in Vault's KV is given when it is written, maybe to the next try
		}
	}
	return n
}

// again gives the operation under new ids.
func (e *ending) renewed() paas.Operation {
	n := e.o
	n.ID, n.Request, n.Version = e.newID(), e.newID(), 0
	n.State, n.NextAt, n.Word, n.Polls, n.Refused, n.Accepted = paas.OperationPlanned, e.now.Add(e.v.wait), "", 0, 0, time.Time{}
	n.Reason = reasonOf(e.call, e.answer, e.err, e.gaveUp)
	if n.Op == paas.OpProvision {
		n.Target.InstanceID = e.newID()
	} else {
		n.Target.BindingID = e.newID()
	}
	return n
}

func (e *ending) ended(c *paas.ServiceChange) {
	if e.o.Cleaning {
		return // nobody's wish: what it was about is gone, and so is the row
	}
	switch e.o.Op {
	case paas.OpProvision:
		e.provisioned(c)
	case paas.OpUpdate:
		e.updated(c)
	case paas.OpDeprovision:
		e.deprovisioned(c)
	case paas.OpBind:
		e.bindingMade(c)
	case paas.OpUnbind:
		e.unbound(c)
	case paas.OpCatalog, paas.OpPollInstance, paas.OpPollBinding, paas.OpFetchInstance, paas.OpFetchBinding:
	}
}

func (e *ending) provisioned(c *paas.ServiceChange) {
	if e.instance == nil {
		if e.v.next == succeeded { // nobody wants it any more
			c.Operations = append(c.Operations, e.cleaning())
		}
		return
	}
	i := *e.instance
	if i.State == paas.ServiceDeleting { // meanwhile: whatever came of it, it is to go
		c.Operations = append(slices.DeleteFunc(c.Operations, func(o paas.Operation) bool { return o.Cleaning }), deprovision(i, e.newID, e.now))
		return
	}
	switch e.v.next {
	case succeeded:
		i.State, i.Reason = paas.ServiceReady, ""
		i.Facts, i.Dashboard = merged(i.Facts, e.answer.Facts), or(e.answer.Dashboard, i.Dashboard)
		i.Maintenance = or(e.answer.Maintenance, i.Maintenance)
		e.tell(c, i, "Service instance %q is ready.", i.Name)
	case anew:
		n := e.renewed()
		i.ID, i.Reason = n.Target.InstanceID, n.Reason
		c.Operations = append(c.Operations, n)
	case failed, again, polled:
		i.State, i.Reason = paas.ServiceFailed, or(reasonOf(e.call, e.answer, e.err, e.gaveUp), "Its provider could not make it.")
		e.tell(c, i, "Service instance %q could not be made: %s", i.Name, i.Reason)
	}
	c.Instances = append(c.Instances, i)
	c.Touched = append(c.Touched, appsOf(e.bound)...)
}

func (e *ending) updated(c *paas.ServiceChange) {
	if e.instance == nil {
		return
	}
	i := *e.instance
	if i.State == paas.ServiceDeleting {
		c.Operations = append(c.Operations, deprovision(i, e.newID, e.now))
		return
	}
	i.State, i.Reason = paas.ServiceReady, ""
	if e.v.next != succeeded {
		i.Unusable = i.Unusable || !e.out.Usable()
		i.Reason = or(reasonOf(e.call, e.answer, e.err, e.gaveUp), "Its provider could not update it.")
		c.Instances = append(c.Instances, i)
		e.tell(c, i, "Service instance %q was not updated: %s", i.Name, i.Reason)
		return
	}
	t := e.o.Target
	i.Unusable = false
	i.PlanID, i.Plan = or(t.PlanID, i.PlanID), or(t.Plan, i.Plan)
	i.Maintenance = or(e.answer.Maintenance, i.Maintenance)
	i.Dashboard, i.Facts = or(e.answer.Dashboard, i.Dashboard), merged(i.Facts, e.answer.Facts)
	if e.o.Params > 0 {
		i.Params = e.o.Params
	}
	c.Instances = append(c.Instances, i)
	e.tell(c, i, "Service instance %q is updated.", i.Name)
	c.Touched = append(c.Touched, appsOf(e.bound)...)
	if i.Kind == paas.KindUser { // what was given anew reaches programs as a rotation does
		for _, b := range e.bound {
			if b.State == paas.BindingReady && !anyOperation(e.others, paas.OpBind, b.ID) {
				c.Operations = append(c.Operations, bindOperation(i, b, paas.ServicePlan{}, e.newID, e.now, e.o.User))
			}
		}
	}
}

func (e *ending) deprovisioned(c *paas.ServiceChange) {
	if e.instance == nil {
		return
	}
	i := *e.instance
	if e.v.next == succeeded {
		c.DropInstances = append(c.DropInstances, i)
		e.tell(c, i, "Service instance %q is deleted.", i.Name)
		return
	}
	i.State = paas.ServiceReady
	i.Unusable = i.Unusable || !e.out.Usable()
	i.Reason = or(reasonOf(e.call, e.answer, e.err, e.gaveUp), "Its provider could not delete it.")
	c.Instances = append(c.Instances, i)
	e.tell(c, i, "Service instance %q was not deleted: %s", i.Name, i.Reason)
}

func (e *ending) tell(c *paas.ServiceChange, i paas.ServiceInstance, format string, args ...any) {
	c.Events = append(c.Events, paas.Event{Team: i.Team, App: i.ForApp, Kind: paas.EventServiceChanged, By: e.o.User, Message: fmt.Sprintf(format, args...)})
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// merged gives new facts, or those before where there are none.
func merged(before, now map[string]string) map[string]string {
	if now == nil {
		return before
	}
	return now
}

func appsOf(bindings []paas.Binding) []paas.AppRef {
	var refs []paas.AppRef
	for _, b := range bindings {
		if !b.Key() && !slices.Contains(refs, b.Ref()) {
			refs = append(refs, b.Ref())
		}
	}
	return refs
}

func anyOperation(all []paas.Operation, op paas.BrokerOp, owner string) bool {
	return slices.ContainsFunc(all, func(o paas.Operation) bool { return o.Op == op && o.Target.Owner == owner && !o.Cleaning })
}
