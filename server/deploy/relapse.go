package deploy

import (
	"fmt"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// What turns a walk back before any limit of its own is over, as the reason is known.
const (
	CrashLimit = 3                // ends of a new instance by itself
	LostLimit  = 10 * time.Second // without the readiness it had; longer where a check takes longer
)

// looping gives the sentence for a new instance that ends again and again, though Nomad has not given it
// up: it may serve for a while between two ends. Whoever allows more restarts than usual gets them.
func looping(i paas.Instance, p paas.Process) string {
	if i.State.Ended() || i.Exits < max(CrashLimit, p.Restart.Attempts+1) {
		return ""
	}
	return orElse(i.Reason, fmt.Sprintf("%s exited %d times, last with code %d", i.Process, i.Exits, i.ExitCode))
}

// relapsed gives the sentence for a new instance that has been healthy and fails its checks again, for
// longer than one that is late would take. It was healthy if it was there when the deployment last had
// all that its step wants; one that was started anew meanwhile has its startup limit.
func (f facts) relapsed(i paas.Instance, p paas.Process, now time.Time) string {
	had := f.proven()
	if had.IsZero() || i.Health != paas.HealthCritical || i.StartedAt == nil || !i.StartedAt.Before(had) || !i.Since.After(had) {
		return ""
	}
	gone := now.Sub(i.Since)
	if gone < patience(p) {
		return ""
	}
	reason := fmt.Sprintf("%s was healthy, and is not any more for %s", i.Process, paas.Span(gone.Truncate(time.Second)))
	if i.Reason != "" {
		reason += ": " + i.Reason
	}
	return reason
}

// proven is when every new instance of the deployment was last known to be healthy; zero for not yet.
func (f facts) proven() time.Time {
	switch {
	case f.d.Waits == paas.WaitHold && f.d.HeldAt != nil:
		return *f.d.HeldAt
	case f.d.Step > 0:
		return f.d.StepAt
	default:
		return time.Time{}
	}
}

// patience is long enough for two checks in a row to fail: one that fails alone passes by.
func patience(p paas.Process) time.Duration {
	limit := LostLimit
	if r := p.Health.Readiness; r != nil {
		limit = max(limit, 2*r.Interval+r.Timeout)
	}
	return limit
}
