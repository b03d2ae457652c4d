package deploy

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/route"
)

// guardWait is how long the guard of the rules sleeps in Consul while no key changes.
const guardWait = time.Minute

// Run guards the rules until ctx ends: one key that routers can't read freezes the table of every one of
// them, so an own key of that kind is put aside within a moment, whoever wrote it. Keys outside Crumpet's
// prefix are somebody's; those Drift names.
func (r *Repair) Run(ctx context.Context, _ int64) error {
	var index uint64
	for tries := 0; ctx.Err() == nil; {
		keys, next, err := r.Catalog.RuleKeys(ctx, index, guardWait)
		if err == nil {
			err = r.guard(ctx, keys)
		}
		if err != nil {
			if ctx.Err() == nil {
				r.Log.Warn("rules not guarded", "err", err)
			}
			if rest(ctx, min(Sweep, Retry<<min(tries, 5))) != nil {
				return nil
			}
			tries++
			index = 0
			continue
		}
		tries = 0
		if index = next; next < index { // Consul's state was restored from an older one
			index = 0
		}
	}
	return nil
}

func (r *Repair) guard(ctx context.Context, keys []paas.RuleKey) error {
	for _, k := range unreadable(keys) {
		if err := r.putAside(ctx, k, ""); err != nil && paas.CodeOf(err) != paas.Conflict { // changed meanwhile: the next look has it
			return err
		}
	}
	return nil
}

// unreadable gives the own keys that freeze routers.
func unreadable(keys []paas.RuleKey) []paas.RuleKey {
	return slices.DeleteFunc(slices.Clone(keys), func(k paas.RuleKey) bool { return !k.Own || readable(k) })
}

// putAside moves a key to the quarantine and tells its app, or where it has none, everybody. The name of
// its new place holds its index, so that a second time after a crash writes the same.
func (r *Repair) putAside(ctx context.Context, k paas.RuleKey, by string) error {
	to := fmt.Sprintf("%s%s/%d", Quarantine, k.Key, k.Index)
	if err := r.Catalog.MoveKey(ctx, k, to); err != nil {
		return err
	}
	why := "no app has such a key"
	if _, err := route.Parse(k.Text); err != nil {
		why = err.Error() + ", which freezes the table of every router"
	}
	r.Log.Warn("rule key put aside", "key", k.Key, "to", to, "why", why)
	e := paas.Event{Time: r.Now(), Kind: paas.EventRuleQuarantined, Message: fmt.Sprintf("Consul's key %s was moved to %s: %s", k.Key, to, why)}
	if by != "" {
		e.Message = fmt.Sprintf("Consul's key %s was moved to %s %s: %s", k.Key, to, by, why)
	}
	if _, err := r.Store.Snapshot(ctx, k.Ref); k.Own && err == nil {
		e.Team, e.App = k.Ref.Team, k.Ref.App
	}
	return r.Store.Emit(ctx, e)
}
