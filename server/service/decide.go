package service

import (
	"errors"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

const (
	mostTries = 5 // of a create, each under a new id, before it has failed
	// callLimit bounds a call from outside; engines have shorter limits of their own.
	callLimit = 75 * time.Second
)

// verdict is what follows from the end of a call or a poll.
type verdict struct {
	next  next
	wait  time.Duration // until the next call or poll, with again, polled and anew
	clean bool          // something may be left at the provider: it is deleted, whatever else follows
}

type next string

const (
	succeeded next = "succeeded"
	failed    next = "failed" // for good
	polled    next = "polled" // accepted, or not ended yet
	again     next = "again"  // the same call, with the same ids
	anew      next = "anew"   // a create, under a new id: the one before is spent
)

// judge decides by how a call ended. It adds to the rules of package paas what they leave to the use case:
//
//	nothing was sent      the wish stands: tried again for ever, ever less often
//	orphan mitigation     until the provider says that it is gone, and past the time at which a call that was
//	                      cut off could still arrive
//	an unbinding          until it has succeeded: credentials must end
//	a deletion            likewise, unless the provider says no
//	a create that may have left something    under a new id, a few times
func judge(o paas.Operation, out paas.BrokerOutcome, now time.Time, jitter float64) verdict {
	switch {
	case o.Cleaning && gone(out) && now.Before(o.Until):
		wait, _ := persist(o, paas.BrokerOutcome{End: paas.EndUnsent}, jitter)
		return verdict{next: again, wait: min(wait, o.Until.Sub(now))}
	case out.Succeeded(o.Op):
		return verdict{next: succeeded}
	case out.End == paas.EndAnswered && out.Status == 202 && out.Polled == "":
		first := paas.Poll{Op: o.Op, Started: now, Attempt: 1, Jitter: jitter}.Next(now, out)
		return verdict{next: polled, wait: first.Wait}
	}
	leaves := paas.Orphaned(o.Op, out) != paas.NoOrphan
	if out.End == paas.EndUnsent || o.Cleaning || o.Op == paas.OpUnbind || o.Op == paas.OpDeprovision && (leaves || unheard(out)) {
		if wait, ok := persist(o, out, jitter); ok {
			return verdict{next: again, wait: wait}
		}
		return verdict{next: failed}
	}
	if wait, ok := (paas.BrokerTry{Op: o.Op, Attempt: o.Attempt, Jitter: jitter}).Again(out); ok {
		return verdict{next: again, wait: wait}
	}
	if creates(o.Op) && o.Kind != paas.KindBroker {
		leaves = true // engines of our own say no in one word; what they had begun by then is ended
	}
	v := verdict{next: failed, clean: leaves && creates(o.Op)}
	if v.clean && out.Polled == "" && o.Kind == paas.KindBroker && o.Attempt < mostTries {
		v.next = anew
		v.wait, _ = persist(o, paas.BrokerOutcome{End: paas.EndUnsent}, jitter)
	}
	return v
}

func creates(op paas.BrokerOp) bool { return op == paas.OpProvision || op == paas.OpBind }

// gone says that a provider knows nothing of what was to be deleted. That it has just deleted it is more:
// what came late had come.
func gone(out paas.BrokerOutcome) bool { return out.Status == 410 && out.Polled == "" }

// unheard says that nobody knows whether the call was done.
func unheard(out paas.BrokerOutcome) bool {
	return out.End == paas.EndTimeout || out.End == paas.EndBroken || out.End == paas.EndMalformed
}

// persist is the back-off of what ends with success only.
func persist(o paas.Operation, out paas.BrokerOutcome, jitter float64) (time.Duration, bool) {
	return paas.BrokerTry{Op: o.Op, Attempt: o.Attempt, Cleaning: true, Jitter: jitter}.Again(out)
}

// outcomeOf says how a call ended. Engines without brokers say it by the code of their errors: what is
// unavailable was not done, or is done again without harm; all else is a no.
func outcomeOf(op paas.BrokerOp, a Answer, err error) paas.BrokerOutcome {
	var failure *paas.BrokerFailure
	switch {
	case errors.As(err, &failure):
		return failure.Outcome
	case err != nil && paas.CodeOf(err) == paas.Unavailable:
		return paas.BrokerOutcome{End: paas.EndUnsent}
	case err != nil:
		return paas.BrokerOutcome{End: paas.EndAnswered, Status: 400}
	case a.Outcome != (paas.BrokerOutcome{}):
		return a.Outcome
	case a.Async:
		return paas.BrokerOutcome{End: paas.EndAnswered, Status: 202}
	}
	return paas.BrokerOutcome{End: paas.EndAnswered, Status: 200}
}

// cutOff is what is known of a call that a server had begun when it died.
func cutOff(kind paas.ServiceKind) paas.BrokerOutcome {
	if kind == paas.KindBroker {
		return paas.BrokerOutcome{End: paas.EndBroken}
	}
	return paas.BrokerOutcome{End: paas.EndUnsent} // calls of engines of our own may come twice
}

// judgePoll decides by how a poll ended.
func judgePoll(o paas.Operation, plan time.Duration, out paas.BrokerOutcome, now time.Time, jitter float64) (v verdict, refused int, why string, ended paas.BrokerOutcome) {
	if out.Refuses() {
		refused = o.Refused + 1
	}
	poll := paas.Poll{Op: o.Op, Started: o.Accepted, Attempt: o.Polls, Refused: refused, Plan: plan, Jitter: jitter}
	n := poll.Next(now, out)
	if n.State == paas.PollInProgress {
		return verdict{next: polled, wait: n.Wait}, refused, "", out
	}
	ended = n.Ended(out)
	return judge(o, ended, now, jitter), refused, n.Reason, ended
}
