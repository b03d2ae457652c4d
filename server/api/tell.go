package api

import (
	"context"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// tellWithin bounds how long a call waits until what it did is told.
const tellWithin = 5 * time.Second

// told tells readers of events of what a call has done. It is done, whether it could be told or not, and whether
// the caller waits or not: who missed it sees it when a page asks again.
func (a *API) told(ctx context.Context, events ...paas.Event) {
	if a.Tell == nil || len(events) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tellWithin)
	defer cancel()
	if err := a.Tell(ctx, events...); err != nil {
		a.Log.WarnContext(ctx, "change not told", "request_id", callOf(ctx).request, "kind", events[0].Kind, "team", events[0].Team, "err", err)
	}
}

// toldTeam tells of a change of a team; nothing where there is nothing to say.
func (a *API) toldTeam(ctx context.Context, team, message string) {
	if message != "" {
		a.told(ctx, paas.TeamChanged(time.Now(), team, caller(ctx), message))
	}
}

// toldUser tells of a change of a user, in the teams it is, or was, in as well; nothing where there is nothing
// to say.
func (a *API) toldUser(ctx context.Context, of []paas.Member, message string) {
	if message != "" {
		a.told(ctx, paas.UserChanged(time.Now(), of, caller(ctx), message)...)
	}
}
