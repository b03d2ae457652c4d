package service

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// perform makes the call that a row of the journal names, or polls, and writes down what came of it.
//
//	planned --save--> calling --call--> answer --save--> gone, planned again, or accepted
//
// A server that dies between two of the arrows leaves a row in calling, which its successor takes for a
// call whose connection broke (recover). Only the leader performs; one that leads no longer can save
// nothing, and its successor has taken the row over.
func (s *Services) perform(ctx context.Context, epoch int64, o paas.Operation, w world) {
	call, err := s.prepare(ctx, o, w)
	polls := o.State == paas.OperationAccepted
	if err == nil && !polls {
		begun := o
		begun.State, begun.Called, begun.Attempt = paas.OperationCalling, s.cfg.Now(), o.Attempt+1
		if err := s.save(ctx, epoch, paas.ServiceChange{Operations: []paas.Operation{begun}}); err != nil {
			s.unsaved(ctx, o, err)
			return
		}
	}
	var a Answer
	if err == nil {
		a, err = s.call(ctx, call)
		a, err = s.afterwards(ctx, call, a, err)
	}
	if err != nil && ctx.Err() != nil {
		return // how it ended is not known: the row says so
	}
	quiet, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := s.settle(quiet, epoch, o, call, a, err); err != nil {
		s.unsaved(ctx, o, err)
	}
}

func (s *Services) unsaved(ctx context.Context, o paas.Operation, err error) {
	if ctx.Err() == nil && paas.CodeOf(err) != paas.Conflict {
		s.log.Warn("service operation not noted", "operation", o.ID, "op", o.Op, "instance", o.Instance, "err", err)
	}
}

// prepare gathers what a call needs. Nothing is sent before all of it is there.
func (s *Services) prepare(ctx context.Context, o paas.Operation, w world) (Call, error) {
	c := Call{Row: o, Caller: paas.Caller{Request: o.Request}}
	if o.User != "" {
		c.Caller.User = map[string]string{"name": o.User}
	}
	if i, ok := w.instances[o.Team+"/"+o.Instance]; ok && i.ID == o.Target.InstanceID {
		c.Instance = i
	} else {
		c.Instance = paas.ServiceInstance{ID: o.Target.InstanceID, Team: o.Team, Name: o.Instance, Kind: o.Kind, Provider: o.Provider}
	}
	if b, ok := w.binding(o.Target.Owner); ok {
		c.Binding = b
	} else if o.Binding != "" {
		c.Binding = paas.Binding{ID: o.Target.Owner, Team: o.Team, App: o.App, Name: o.Binding, Instance: o.Instance, Kind: o.Kind, Bind: paas.Bind{As: paas.AsEnv}}
	}
	if o.Kind != paas.KindUser {
		p, ok := w.providers[o.Provider]
		if !ok {
			return c, paas.Errorf(paas.Unavailable, "The provider %q is registered no longer. Add it again with `crumpet providers add`.", o.Provider)
		}
		c.Account.Provider = p // known to whoever judges a poll, even without Vault
		account, err := s.account(ctx, p)
		if err != nil {
			return c, err
		}
		c.Account = account
		_, c.Plan, _ = p.Catalog.Plan(o.Target.OfferingID, o.Target.PlanID)
	}
	return c, s.parameters(ctx, o, &c)
}

// parameters reads what was given. A deletion needs none of it.
func (s *Services) parameters(ctx context.Context, o paas.Operation, c *Call) error {
	if o.Op.Deletes() {
		return nil
	}
	if o.Op == paas.OpBind && o.Kind == paas.KindUser && c.Instance.Params > 0 {
		values, err := s.cfg.Vault.Params(ctx, paas.ParamsPath{Team: o.Team, Instance: o.Instance}, c.Instance.Params)
		if err != nil {
			return err
		}
		_, c.User = ungiven(values)
	}
	if len(o.Given) > 0 {
		c.Params = paas.NewSecret(string(o.Given))
	}
	if o.Params == 0 {
		return nil
	}
	at := paas.ParamsPath{Team: o.Team, Instance: o.Instance}
	if o.Op == paas.OpBind {
		at = pathOf(c.Binding)
	}
	values, err := s.cfg.Vault.Params(ctx, at, o.Params)
	if err != nil {
		return err
	}
	params, user := ungiven(values)
	c.Params = params
	if o.Op != paas.OpBind {
		c.User = user
	}
	return nil
}

// call makes the call, between its two boundaries.
func (s *Services) call(ctx context.Context, c Call) (a Answer, err error) {
	engine, ok := s.cfg.Engines[c.Row.Kind]
	if !ok {
		return Answer{}, paas.Errorf(paas.Unavailable, "This server can't make services of kind %q.", c.Row.Kind)
	}
	limited, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	name, do := "engine."+string(c.Row.Op), engine.Poll
	if c.Row.State == paas.OperationAccepted {
		name = "engine.poll " + string(c.Row.Op)
	} else {
		switch c.Row.Op {
		case paas.OpProvision:
			do = engine.Provision
		case paas.OpUpdate:
			do = engine.Update
		case paas.OpDeprovision:
			do = engine.Deprovision
		case paas.OpBind:
			do = engine.Bind
		case paas.OpUnbind:
			do = engine.Unbind
		case paas.OpCatalog, paas.OpPollInstance, paas.OpPollBinding, paas.OpFetchInstance, paas.OpFetchBinding:
			return Answer{}, paas.Errorf(paas.Internal, "The journal names %q, which changes nothing.", c.Row.Op)
		}
	}
	s.cfg.Around(strings.ReplaceAll(name, " ", "-"), func() { a, err = do(limited, c) })
	return a, err
}

// afterwards does in Vault what belongs to a call that has succeeded, before its row is gone: credentials
// are written, or destroyed. Where Vault is away a delete is made again, and a binding ended.
func (s *Services) afterwards(ctx context.Context, c Call, a Answer, err error) (Answer, error) {
	if err != nil || a.Async || a.Ended != "" && a.Ended != paas.PollSucceeded && a.Ended != paas.PollGone {
		return a, err
	}
	o := c.Row
	switch {
	case o.Op == paas.OpBind && len(a.Values) > 0:
		a.Entries = entriesOf(a.Entries, a.Values)
		s.cfg.Around("vault.PutBinding", func() { a.generation, err = s.cfg.Vault.PutBinding(ctx, c.Binding, plain(a.Values)) })
		if o.Kind == paas.KindPostgres { // a key, which Vault's own engine has given
			a.generation = o.Target.Generation
		}
		if err != nil && o.Kind == paas.KindBroker {
			failure := &paas.BrokerFailure{Op: o.Op, Outcome: paas.BrokerOutcome{End: paas.EndBroken}, Err: err}
			return a, paas.Wrap(paas.Unavailable, failure, "%s", paas.MessageOf(err))
		}
	case o.Op == paas.OpUnbind && o.Target.Generation > 0 && o.Kind != paas.KindPostgres:
		s.cfg.Around("vault.DestroyBinding", func() { err = s.cfg.Vault.DestroyBinding(ctx, c.Binding, o.Target.Generation) })
	case o.Op == paas.OpDeprovision && !o.Cleaning:
		s.cfg.Around("vault.DeleteParams", func() { err = s.cfg.Vault.DeleteParams(ctx, paas.ParamsPath{Team: o.Team, Instance: o.Instance}) })
	}
	if err != nil { // the same again, once Vault is back; whatever its code
		return a, paas.Wrap(paas.Unavailable, err, "%s", paas.MessageOf(err))
	}
	return a, nil
}

// settle writes down how a call or poll ended, and what follows from it. Rows that somebody changed
// meanwhile are read again: their wishes hold.
func (s *Services) settle(ctx context.Context, epoch int64, was paas.Operation, c Call, a Answer, called error) error {
	for tries := 1; ; tries++ {
		all, err := s.cfg.Store.Operations(ctx)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(all, func(o paas.Operation) bool { return o.ID == was.ID })
		if i < 0 {
			return nil
		}
		end := ending{o: all[i], call: c, answer: a, err: called, now: s.cfg.Now(), newID: s.cfg.NewID, late: s.cfg.Late, others: all}
		if err := s.subject(ctx, &end); err != nil {
			return err
		}
		end.judge(was.State == paas.OperationAccepted, rand.Float64())
		if end.out.CatalogStale() {
			s.refreshSoon(end.o.Provider)
		}
		change := end.change()
		for i := range change.Events {
			change.Events[i].Time = end.now
		}
		err = s.save(ctx, epoch, change)
		if err == nil {
			s.log.Info("service operation ended", "op", end.o.Op, "instance", end.o.Instance, "binding", end.o.Binding, "next", end.v.next, "attempt", end.o.Attempt)
			s.Wake(paas.AppRef{})
			if end.o.App != "" {
				s.Wake(paas.AppRef{Team: end.o.Team, App: end.o.App})
				s.cfg.Deployer.Wake(paas.AppRef{Team: end.o.Team, App: end.o.App})
			}
			return nil
		}
		if paas.CodeOf(err) != paas.Conflict || tries == 5 {
			return err
		}
	}
}

// subject reads what an operation is about, as it is now.
func (s *Services) subject(ctx context.Context, e *ending) error {
	d, err := s.cfg.Store.ServiceDetail(ctx, e.o.Team, e.o.Instance)
	if paas.CodeOf(err) == paas.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	if d.Instance.ID == e.o.Target.InstanceID {
		e.instance = &d.Instance
	}
	for _, b := range slices.Concat(d.Bindings, d.Keys) {
		if b.ID == e.o.Target.Owner {
			e.binding = &b
		}
		if b.Instance == e.o.Instance && !b.Key() {
			e.bound = append(e.bound, b)
		}
	}
	return nil
}

// recover takes over the calls that a server had begun when it died or led no longer.
func (s *Services) recover(ctx context.Context, epoch int64) error {
	w, err := s.read(ctx)
	if err != nil {
		return err
	}
	for _, o := range w.operations {
		if o.State != paas.OperationCalling {
			continue
		}
		c := Call{Row: o, Account: Account{Provider: w.providers[o.Provider]}}
		failure := &paas.BrokerFailure{Op: o.Op, Outcome: cutOff(o.Kind), Detail: "the server ended while it called"}
		lost := paas.Wrap(paas.Unavailable, failure, "Crumpet's server ended while it called %s, so it is not known what came of it.", provider(o))
		if err := s.settle(ctx, epoch, o, c, Answer{}, lost); err != nil {
			return err
		}
	}
	return nil
}

func provider(o paas.Operation) string {
	if o.Kind == paas.KindUser {
		return "Vault"
	}
	return fmt.Sprintf("provider %q", o.Provider)
}

// reasonOf is why a call has not succeeded, a sentence for a user, without what it was given.
func reasonOf(c Call, a Answer, err error, gaveUp string) string {
	words := a.Says
	switch {
	case err != nil && (paas.CodeOf(err) != paas.Internal || errors.As(err, new(*paas.BrokerFailure))):
		words = paas.MessageOf(err)
	case err != nil:
		words = "Something went wrong inside Crumpet. The server's log has the details."
	case gaveUp != "":
		words = strings.TrimSpace("Polling was given up: " + gaveUp + ". " + words)
	}
	return withheld(words, slices.Concat([]paas.Secret{
		c.Params, c.User.Credentials, c.User.SyslogDrainURL, c.User.RouteServiceURL, c.Account.Secret.Password, c.Account.Secret.Token,
	}, slices.Collect(maps.Values(a.Values)))...)
}
