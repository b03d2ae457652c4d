package apitest

import (
	"context"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// SetWhy says what is explained of every app; until then each serves.
func (p *Platform) SetWhy(w paas.Why) { p.locked(func() { p.why = &w }) }

// Why implements api.Why.
func (p *Platform) Why(_ context.Context, ref paas.AppRef) (w paas.Why, err error) {
	w = paas.Why{Serving: true, Cause: paas.CauseServingFine, Summary: "release 1 is serving", Chain: []paas.Link{}, Try: []string{}}
	p.locked(func() {
		if p.why != nil {
			w = *p.why
		}
	})
	w.Team, w.App = ref.Team, ref.App
	return w, nil
}
