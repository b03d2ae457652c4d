package api

import (
	"context"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Why says why an app does not serve, or what else is wrong with it. Code: unavailable.
type Why interface {
	Why(ctx context.Context, ref paas.AppRef) (paas.Why, error)
}

// why answers for apps that are not there as well: that nothing was pushed is a cause, too.
func (a *API) why(ctx context.Context, in *AppScope) (*body[paas.Why], error) {
	ref, err := in.ref()
	if err != nil {
		return nil, err
	}
	w, err := a.Why.Why(ctx, ref)
	if err != nil {
		return nil, err
	}
	return &body[paas.Why]{w}, nil
}

// refused notes that a push led to no release, as another app holds a route of it: no row of the store
// would tell of it.
func (a *API) refused(ctx context.Context, ref paas.AppRef, err error) {
	faults := paas.FaultsOf(err)
	if a.Tell == nil || paas.CodeOf(err) != paas.Conflict || len(faults) == 0 {
		return
	}
	if err := a.Tell(ctx, paas.Event{
		Time: time.Now().UTC(), Team: ref.Team, App: ref.App, Kind: paas.EventRouteRefused, By: caller(ctx), Message: faults[0].Message,
	}); err != nil {
		a.Log.WarnContext(ctx, "refusal not noted", "app", ref.App, "err", err)
	}
}
