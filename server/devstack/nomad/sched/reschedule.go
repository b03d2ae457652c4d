package sched

import (
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/devstack/nomad/state"
)

// reschedule tells whether a failed allocation is replaced now, or when it will
// be; a zero time is never.
func (r *reconciler) reschedule(a *state.Alloc) (now bool, at time.Time) {
	if a.ClientStatus != nomadapi.AllocClientStatusFailed {
		return false, time.Time{}
	}
	if wants(a.DesiredTransition.ForceReschedule) {
		return true, time.Time{}
	}
	tg := a.Group()
	if tg == nil || tg.ReschedulePolicy == nil {
		return false, time.Time{}
	}
	policy, failed := tg.ReschedulePolicy, FinishedAt(a)
	if failed.IsZero() || !eligible(a, policy, failed) {
		return false, time.Time{}
	}
	at = failed.Add(NextDelay(a, policy))
	if a.FollowupEvalID == r.EvalID || at.Sub(r.Now) <= rescheduleWindow {
		return true, time.Time{}
	}
	return false, at
}

func eligible(a *state.Alloc, policy *nomadapi.ReschedulePolicy, failed time.Time) bool {
	if policy.Unlimited != nil && *policy.Unlimited {
		return true
	}
	if policy.Attempts == nil || *policy.Attempts == 0 {
		return false
	}
	attempted := 0
	if a.RescheduleTracker != nil {
		for _, e := range a.RescheduleTracker.Events {
			if failed.Sub(time.Unix(0, e.RescheduleTime)) < *policy.Interval {
				attempted++
			}
		}
	}
	return attempted < *policy.Attempts
}

// FinishedAt is when the last task of an allocation ended.
func FinishedAt(a *state.Alloc) time.Time {
	var last time.Time
	for _, ts := range a.TaskStates {
		if ts.FinishedAt.After(last) {
			last = ts.FinishedAt
		}
	}
	if last.IsZero() && a.ModifyTime != 0 {
		return time.Unix(0, a.ModifyTime)
	}
	return last
}

// NextDelay is how long after its failure an allocation is replaced.
func NextDelay(a *state.Alloc, policy *nomadapi.ReschedulePolicy) time.Duration {
	delay, past := *policy.Delay, a.RescheduleDelays
	if len(past) == 0 || policy.DelayFunction == nil {
		return delay
	}
	last := past[len(past)-1]
	switch *policy.DelayFunction {
	case "exponential":
		delay = last * 2
	case "fibonacci":
		if len(past) >= 2 {
			before := past[len(past)-2]
			if before == *policy.MaxDelay && last == *policy.Delay {
				delay = last // the ceiling was reached and reset: a new series
			} else {
				delay = last + before
			}
		}
	default:
		return delay
	}
	if limit := *policy.MaxDelay; limit > 0 && delay > limit {
		delay = limit
		events := a.RescheduleTracker.Events
		if FinishedAt(a).Sub(time.Unix(0, events[len(events)-1].RescheduleTime)) > delay {
			delay = *policy.Delay
		}
	}
	return delay
}

// track gives a replacement the history of the one it replaces.
func track(next, prev *state.Alloc, policy *nomadapi.ReschedulePolicy, now time.Time) {
	t := &nomadapi.RescheduleTracker{LastReschedule: "ok"}
	var events []*nomadapi.RescheduleEvent
	if prev.RescheduleTracker != nil {
		events = prev.RescheduleTracker.Events
	}
	delays := prev.RescheduleDelays
	// Nomad keeps the last five when the policy has no interval.
	if over := len(events) - 4; over > 0 {
		events, delays = events[over:], delays[over:]
	}
	t.Events = append(append(t.Events, events...), &nomadapi.RescheduleEvent{
		RescheduleTime: now.UnixNano(), PrevAllocID: prev.ID, PrevNodeID: prev.NodeID,
	})
	next.RescheduleTracker = t
	next.RescheduleDelays = append(append([]time.Duration(nil), delays...), NextDelay(prev, policy))
}
