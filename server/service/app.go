package service

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// app looks at the bindings of one app, or at all keys where ref is empty, and says whether time has to
// pass for one of them.
func (s *Services) app(ctx context.Context, epoch int64, ref paas.AppRef, w world) (waits bool, err error) {
	var snap *paas.Snapshot
	if ref != (paas.AppRef{}) {
		read, err := s.cfg.Store.Snapshot(ctx, ref)
		switch {
		case err == nil:
			snap = &read
			w = w.with(ref, read.Bindings)
		case paas.CodeOf(err) != paas.NotFound:
			return false, err
		}
	}
	t := turn{ref: ref, snap: snap, world: w, now: s.cfg.Now(), newID: s.cfg.NewID}
	t.used = func(b paas.Binding, generation int) string {
		why, wait := s.used(ctx, snap, b, generation)
		waits = waits || wait
		return why
	}
	t.decide()
	if err := s.finish(ctx, &t); err != nil {
		return waits, err
	}
	if !empty(t.change) {
		for i := range t.change.Events {
			t.change.Events[i].Time = t.now
		}
		if err := s.save(ctx, epoch, t.change); err != nil {
			return waits, err
		}
		s.Wake(ref)
		if snap != nil {
			s.cfg.Deployer.Wake(ref)
		}
		return waits, nil // what follows is seen in the next turn
	}
	if snap != nil {
		return waits, s.carry(ctx, epoch, *snap, w)
	}
	return waits, nil
}

// with replaces the bindings of an app by those of its snapshot, which may be newer.
func (w world) with(ref paas.AppRef, bindings []paas.Binding) world {
	w.bindings = append(slices.DeleteFunc(slices.Clone(w.bindings), func(b paas.Binding) bool { return b.Ref() == ref }), bindings...)
	return w
}

func empty(c paas.ServiceChange) bool {
	return len(c.Instances)+len(c.Bindings)+len(c.Operations)+len(c.DropInstances)+len(c.DropBindings)+len(c.DropOperations)+len(c.Events) == 0
}

// finish lets go of bindings of which nothing is left at a provider: Vault forgets them, then the row goes,
// or says that it was ended by hand.
func (s *Services) finish(ctx context.Context, t *turn) error {
	for _, b := range t.world.of(t.ref) {
		if !over(b, t.world) || anyOperation(t.change.Operations, paas.OpUnbind, b.ID) {
			continue
		}
		if err := s.forgetBinding(ctx, b); err != nil {
			return err
		}
		t.change.Events = append(t.change.Events, bindingEvent(b, "", nameOf(b)+" has ended, and so have its credentials."))
		t.change.Bindings = slices.DeleteFunc(t.change.Bindings, func(o paas.Binding) bool { return o.ID == b.ID })
		if b.Key() || t.snap == nil || b.Declared && b.Unbound == 0 {
			t.change.DropBindings = append(t.change.DropBindings, b)
			continue
		}
		b.State, b.Reason, b.Entries = paas.BindingEnded, "", paas.Entries{}
		t.change.Bindings = append(t.change.Bindings, b)
	}
	return nil
}

// forgetBinding deletes what Vault knows of a binding. Its generations have ended before.
func (s *Services) forgetBinding(ctx context.Context, b paas.Binding) (err error) {
	if b.Kind != paas.KindPostgres || b.Key() {
		s.cfg.Around("vault.DeleteBinding", func() { err = s.cfg.Vault.DeleteBinding(ctx, b) })
		if err != nil {
			return err
		}
	}
	if b.Params > 0 {
		s.cfg.Around("vault.DeleteParams", func() { err = s.cfg.Vault.DeleteParams(ctx, pathOf(b)) })
	}
	return err
}

// used says why an old generation can't end yet; wait, that it is a matter of time only.
func (s *Services) used(ctx context.Context, snap *paas.Snapshot, b paas.Binding, generation int) (why string, wait bool) {
	if b.Key() { // nobody but a person has it, who has been told
		return "", false
	}
	if snap == nil {
		return "", false
	}
	takers, why, err := holders(*snap, b, generation, s.cfg.Reads)
	if err != nil {
		s.log.Warn("uses of a binding not seen", "team", b.Team, "app", b.App, "binding", b.Name, "err", err)
		return "It can't be seen which programs have the old credentials.", true
	}
	if why == "" {
		why = s.followed(ctx, b, takers)
	}
	key := b.ID + " " + strconv.Itoa(generation)
	s.mu.Lock()
	defer s.mu.Unlock()
	if why != "" {
		delete(s.free, key)
		return why, true
	}
	now := s.cfg.Now()
	since, known := s.free[key]
	if !known {
		since, s.free[key] = now, now
	}
	if now.Sub(since) < s.cfg.Overlap {
		return fmt.Sprintf("The old credentials end %s after the last program got the new ones.", s.cfg.Overlap), true
	}
	delete(s.free, key)
	return "", false
}

// followed says what is missing until every program that follows the team's variable has the newest
// generation.
func (s *Services) followed(ctx context.Context, b paas.Binding, takers []taker) string {
	if len(takers) == 0 {
		return ""
	}
	items, _, err := s.cfg.Variables.Variable(ctx, b.Team, paas.GenerationsVariable)
	if err != nil {
		return "Nomad does not say which credentials the programs have."
	}
	if n, err := strconv.Atoi(items[paas.GenerationItem(b.App, b.Name)]); err != nil || n < b.Generation {
		return "The programs have not been told of the new credentials yet."
	}
	programs := 0
	for _, t := range takers {
		programs += t.programs
	}
	if b.Kind != paas.KindPostgres || programs == 0 {
		return ""
	}
	leases, err := s.cfg.Leases.Leases(ctx, b, b.Generation)
	if err != nil {
		return "Vault does not say how many programs have the new credentials."
	}
	if leases < programs {
		return fmt.Sprintf("Only %d of %d programs have the new credentials.", leases, programs)
	}
	return ""
}

// carry begins a walk where the programs of an app were started with other credentials than they are to
// have. That is asked of package deploy, which sees whether one is needed; once for each generation.
func (s *Services) carry(ctx context.Context, epoch int64, snap paas.Snapshot, w world) error {
	moved, cause, by, err := uncarried(snap, s.cfg.Reads)
	if err != nil || len(moved) == 0 {
		return err
	}
	if cause == "" {
		return s.save(ctx, epoch, paas.ServiceChange{Bindings: moved})
	}
	var result paas.DeployResult
	s.cfg.Around("deploy.Rebind", func() { result, err = s.cfg.Deployer.Rebind(ctx, snap.App.Ref(), cause, by) })
	var own *paas.Error
	if errors.As(err, &own) && own.Code == paas.Conflict {
		return nil // a deployment is under way: its end wakes us
	}
	if err != nil {
		return err
	}
	s.log.Info("app walks to other credentials", "team", snap.App.Team, "app", snap.App.Name, "changed", result.Changed)
	return s.save(ctx, epoch, paas.ServiceChange{Bindings: moved})
}
