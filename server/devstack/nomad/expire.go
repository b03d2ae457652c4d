package nomad

import (
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/devstack/nomad/state"
)

// expiry is when a group's max_run_duration ends it, counted from the creation
// of the allocation; nil for one that may run on.
func expiry(a *state.Alloc, stopping bool) <-chan time.Time {
	limit := a.Group().MaxRunDuration
	if limit == nil || stopping || a.ClientTerminal() {
		return nil
	}
	return time.After(time.Until(time.Unix(0, a.CreateTime).Add(*limit)))
}

// expire calls the allocation complete, as Nomad does whatever its tasks do then.
func (r *runner) expire() {
	r.change("", func(a *state.Alloc) {
		a.ClientStatus, a.ClientDescription = nomadapi.AllocClientStatusComplete, ranTooLong
	})
}
