package service

import (
	"cmp"
	"context"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Broker speaks to one Open Service Broker: see package broker.
type Broker interface {
	Catalog(ctx context.Context, caller paas.Caller) (paas.Catalog, error)
	Provision(ctx context.Context, r paas.ProvisionRequest) (paas.Changed, error)
	Update(ctx context.Context, r paas.UpdateRequest) (paas.Changed, error)
	Deprovision(ctx context.Context, r paas.DeprovisionRequest) (paas.Changed, error)
	LastOperation(ctx context.Context, r paas.PollRequest) (paas.Polled, error)
	Bind(ctx context.Context, r paas.BindRequest) (paas.Bound, error)
	Unbind(ctx context.Context, r paas.UnbindRequest) (paas.Changed, error)
	Binding(ctx context.Context, r paas.FetchRequest) (paas.ServiceBinding, error)
	LastBindingOperation(ctx context.Context, r paas.PollRequest) (paas.Polled, error)
	Close()
}

// Brokers is the engine over service brokers.
type Brokers struct {
	Dial func(Account) (Broker, error)
}

var _ Engine = Brokers{}

// Register keeps the password in Vault's KV: a broker has no other.
func (e Brokers) Register(_ context.Context, p Account) (ProviderSecret, error) {
	b, err := e.Dial(p) // says what is wrong with the URL and the user
	if err != nil {
		return ProviderSecret{}, err
	}
	b.Close()
	return p.Secret, nil
}

// Unregister has nothing to take back.
func (Brokers) Unregister(context.Context, Account) error { return nil }

// Catalog reads it whole.
func (e Brokers) Catalog(ctx context.Context, p Account) (paas.Catalog, error) {
	b, err := e.Dial(p)
	if err != nil {
		return paas.Catalog{}, err
	}
	defer b.Close()
	return b.Catalog(ctx, paas.Caller{})
}

// Provision makes an instance.
func (e Brokers) Provision(ctx context.Context, c Call) (Answer, error) {
	t := c.Row.Target
	return e.change(c, t.Maintenance, func(b Broker) (paas.Changed, error) {
		return b.Provision(ctx, paas.ProvisionRequest{
			Caller: c.Caller, InstanceID: t.InstanceID, OfferingID: t.OfferingID, PlanID: t.PlanID,
			Organization: c.Row.Team, Space: c.Row.Team, Context: surroundings(c), Parameters: c.Params, Maintenance: t.Maintenance,
		})
	})
}

// Update changes one.
func (e Brokers) Update(ctx context.Context, c Call) (Answer, error) {
	t := c.Row.Target
	plan := t.PlanID
	if plan == t.PreviousPlan {
		plan = ""
	}
	return e.change(c, t.Maintenance, func(b Broker) (paas.Changed, error) {
		return b.Update(ctx, paas.UpdateRequest{
			Caller: c.Caller, InstanceID: t.InstanceID, OfferingID: t.OfferingID, PlanID: plan, PreviousPlanID: t.PreviousPlan,
			Organization: c.Row.Team, Space: c.Row.Team, Context: surroundings(c), Parameters: c.Params,
			Maintenance: t.Maintenance, PreviousMaintenance: c.Instance.Maintenance,
		})
	})
}

// Deprovision ends one.
func (e Brokers) Deprovision(ctx context.Context, c Call) (Answer, error) {
	t := c.Row.Target
	return e.change(c, "", func(b Broker) (paas.Changed, error) {
		return b.Deprovision(ctx, paas.DeprovisionRequest{
			Caller: c.Caller, InstanceID: t.InstanceID, OfferingID: t.OfferingID, PlanID: t.PlanID, Bound: c.Bound,
		})
	})
}

// Unbind ends a binding.
func (e Brokers) Unbind(ctx context.Context, c Call) (Answer, error) {
	t := c.Row.Target
	return e.change(c, "", func(b Broker) (paas.Changed, error) {
		return b.Unbind(ctx, paas.UnbindRequest{
			Caller: c.Caller, InstanceID: t.InstanceID, BindingID: t.BindingID, OfferingID: t.OfferingID, PlanID: t.PlanID,
		})
	})
}

// change makes one call whose answer holds no credentials.
func (e Brokers) change(c Call, version string, call func(Broker) (paas.Changed, error)) (Answer, error) {
	b, err := e.dial(c)
	if err != nil {
		return Answer{}, err
	}
	defer b.Close()
	done, err := call(b)
	if err != nil {
		return Answer{}, err
	}
	return Answer{Async: done.Async, Word: done.Operation, Outcome: done.Outcome, Dashboard: done.DashboardURL, Maintenance: version}, nil
}

// dial refuses what can't be sent: nothing has been then.
func (e Brokers) dial(c Call) (Broker, error) {
	b, err := e.Dial(c.Account)
	if err != nil {
		return nil, paas.Wrap(paas.Unavailable, &paas.BrokerFailure{Op: c.Row.Op, Outcome: paas.BrokerOutcome{End: paas.EndUnsent}}, "%s", paas.MessageOf(err))
	}
	return b, nil
}

// Bind makes credentials. Where there are some, and the plan allows it, they take over from those.
func (e Brokers) Bind(ctx context.Context, c Call) (Answer, error) {
	b, err := e.dial(c)
	if err != nil {
		return Answer{}, err
	}
	defer b.Close()
	t := c.Row.Target
	bound, err := b.Bind(ctx, paas.BindRequest{
		Caller: c.Caller, InstanceID: t.InstanceID, BindingID: t.BindingID, OfferingID: t.OfferingID, PlanID: t.PlanID,
		Organization: c.Row.Team, Space: c.Row.Team, App: guid(c), Context: surroundings(c), Parameters: c.Params, Predecessor: t.Predecessor,
	})
	if err != nil {
		return Answer{}, err
	}
	if bound.Async {
		return Answer{Async: true, Word: bound.Operation, Outcome: bound.Outcome}, nil
	}
	return credentials(c, bound.Outcome, bound.Binding)
}

// Poll asks how far an operation is; a binding that is made is fetched.
func (e Brokers) Poll(ctx context.Context, c Call) (Answer, error) {
	b, err := e.dial(c)
	if err != nil {
		return Answer{}, err
	}
	defer b.Close()
	t := c.Row.Target
	r := paas.PollRequest{
		Caller: c.Caller, Op: c.Row.Op, InstanceID: t.InstanceID, BindingID: t.BindingID, OfferingID: t.OfferingID, PlanID: t.PlanID, Operation: c.Row.Word,
	}
	if c.Row.Op == paas.OpUpdate {
		r.PlanID = t.PreviousPlan
	}
	ask := b.LastOperation
	if c.Row.Op == paas.OpBind || c.Row.Op == paas.OpUnbind {
		ask = b.LastBindingOperation
	}
	said, err := ask(ctx, r)
	if err != nil {
		return Answer{}, err
	}
	a := Answer{Ended: said.Outcome.Polled, Says: said.Description, Outcome: said.Outcome, RetryAfter: said.Outcome.RetryAfter}
	if a.Ended != paas.PollSucceeded || c.Row.Op != paas.OpBind {
		return a, nil
	}
	fetched, err := b.Binding(ctx, paas.FetchRequest{Caller: c.Caller, InstanceID: t.InstanceID, BindingID: t.BindingID, OfferingID: t.OfferingID, PlanID: t.PlanID})
	if err != nil {
		return Answer{}, err // asked again: it may take a moment to be shown
	}
	made, err := credentials(c, said.Outcome, fetched)
	made.Ended, made.Says = a.Ended, a.Says
	return made, err
}

// credentials takes what a broker gave, unless it holds what its offering did not declare: such a binding
// is ended again.
func credentials(c Call, out paas.BrokerOutcome, b paas.ServiceBinding) (Answer, error) {
	refused := func(format string, args ...any) (Answer, error) {
		out.Polled = paas.PollFailed // it is there, and is to go
		return Answer{}, paas.Wrap(paas.Unavailable, &paas.BrokerFailure{Op: paas.OpBind, Outcome: out}, format, args...)
	}
	offering, _, known := c.Account.Catalog.Plan(c.Row.Target.OfferingID, c.Row.Target.PlanID)
	if faults := offering.Permits(b); known && len(faults) > 0 {
		return refused("Broker %q made a binding with %s that %s. Tell its operator.", c.Account.Name, faults[0].Location, faults[0].Message)
	}
	values := map[string]paas.Secret{}
	if !b.Credentials.Empty() {
		var ok bool
		if values, ok = flatten(b.Credentials); !ok {
			return refused("Broker %q made a binding whose credentials are no JSON object. Tell its operator.", c.Account.Name)
		}
	}
	if len(values) == 0 {
		values[paas.CredentialsKey] = paas.NewSecret("{}")
	}
	return Answer{
		Outcome: out, Values: values, Entries: paas.Entries{Type: cmp.Or(offering.Name, c.Instance.Offering), Provider: c.Account.Name},
		ExpiresAt: b.ExpiresAt, RenewBefore: b.RenewBefore,
	}, nil
}

// guid is what a broker knows an app by.
func guid(c Call) string {
	if c.Row.App == "" {
		return ""
	}
	return c.Row.Team + "/" + c.Row.App
}

// surroundings tells a broker whom it works for. It holds names only.
func surroundings(c Call) map[string]string {
	return map[string]string{"organization_name": c.Row.Team, "space_name": c.Row.Team, "instance_name": c.Row.Instance}
}
