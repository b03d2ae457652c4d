package bootstrap

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/crumpet-paas/crumpet/server/fleet"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// checkPatience is how long a check that passed may fail until it is taken for a matter of its own.
const checkPatience = time.Minute

// check is one that Consul makes of a service on a machine.
type check struct{ Node, CheckID, ServiceName string }

// checkedAgain is healthy, and then waits for the checks that pass now to pass again: an agent of Consul that was
// restarted takes every service of its machine for broken until it has checked it once more, and if the next agent were
// restarted meanwhile, an app would be without any instance. A check that does not come back is not waited for
// for ever: what it checks may have ended, or broken by itself.
func (w *World) checkedAgain(ctx context.Context, healthy func(context.Context) error) func(context.Context) error {
	before, err := w.passing(ctx)
	if err != nil { // there is no Consul yet
		return healthy
	}
	var mu sync.Mutex // guards before and missed
	missed := map[check]time.Time{}
	return func(ctx context.Context) error {
		if err := healthy(ctx); err != nil {
			return err
		}
		now, err := w.passing(ctx)
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		for c := range before {
			if now[c] {
				delete(missed, c)
				continue
			}
			since, known := missed[c]
			switch {
			case !known:
				missed[c] = w.Now()
			case w.Now().Sub(since) > checkPatience:
				w.Say("the check of %s on %s does not pass any more: going on without it", c.ServiceName, c.Node)
				delete(before, c)
				continue
			}
			return paas.Errorf(paas.Unavailable, "Consul on %s has not found %s well again yet.", c.Node, c.ServiceName)
		}
		return nil
	}
}

// passing are the checks of services that pass.
func (w *World) passing(ctx context.Context) (map[check]bool, error) {
	var list []check
	if err := w.CallAny(ctx, fleet.Consul, http.MethodGet, "/v1/health/state/passing", nil, &list); err != nil {
		return nil, err
	}
	all := map[check]bool{}
	for _, c := range list {
		if c.ServiceName != "" {
			all[c] = true
		}
	}
	return all, nil
}
