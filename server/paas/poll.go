package paas

import (
	"fmt"
	"time"
)

// Polling, where neither plan nor broker says otherwise.
const (
	PollLimit   = 24 * time.Hour // DefaultLimit of a Poll
	pollFirst   = 2 * time.Second
	pollLongest = time.Minute
	pollWaits   = time.Hour // the longest Retry-After that is honoured
	pollRefused = 5         // 400s and 404s in a row that are a definite answer
)

// Poll is an operation that a broker has accepted and whose end is not known yet.
type Poll struct {
	Op      BrokerOp // provision, update, deprovision, bind or unbind
	Started time.Time
	Attempt int           // polls made, the one that has just ended included
	Refused int           // 400s and 404s in a row, that one included
	Plan    time.Duration // the plan's maximum_polling_duration, 0 for none
	Limit   time.Duration // the platform's; PollLimit where it is 0
	Jitter  float64       // in [0,1), drawn by the caller
}

// PollNext is what to do after a poll.
type PollNext struct {
	State  PollState     // in progress: poll again after Wait; else polling has ended
	Wait   time.Duration // never beyond the time at which polling is given up
	Reason string        // why it was given up
}

// Ended is the outcome of the whole operation, once polling has ended with last.
func (n PollNext) Ended(last BrokerOutcome) BrokerOutcome {
	last.Polled = n.State
	return last
}

// Deadline is when polling is given up: the shorter of the plan's and the platform's.
func (p Poll) Deadline() time.Time {
	limit := p.Limit
	if limit <= 0 {
		limit = PollLimit
	}
	if p.Plan > 0 {
		limit = min(limit, p.Plan)
	}
	return p.Started.Add(limit)
}

// Refuses says whether a poll's outcome is one of those that Refused counts.
func (o BrokerOutcome) Refuses() bool { return o.Status == 400 || o.Status == 404 }

// Next decides by the outcome of the poll that has just ended.
//
// Only a 200 that says succeeded or failed ends it at once, and a 410 where the operation deletes. All
// else is an invalid answer and polled again: garbage, 401, 500, silence, a 410 on a create. A 400 or a
// 404 is a valid answer with no way on, but brokers that learn of an instance late give one too, so that
// it takes five in a row.
func (p Poll) Next(now time.Time, o BrokerOutcome) PollNext {
	if o.End == EndAnswered && o.Status == 200 && (o.Polled == PollSucceeded || o.Polled == PollFailed) {
		return PollNext{State: o.Polled}
	}
	if o.Status == 410 && p.Op.Deletes() {
		return PollNext{State: PollGone}
	}
	if o.Refuses() && p.Refused >= pollRefused {
		return PollNext{State: PollGivenUp, Reason: fmt.Sprintf("the broker answered %d times in a row with status %d when asked for its state", p.Refused, o.Status)}
	}
	left := p.Deadline().Sub(now)
	if left <= 0 {
		return PollNext{State: PollGivenUp, Reason: fmt.Sprintf("it did not end within %s", p.Deadline().Sub(p.Started))}
	}
	return PollNext{State: PollInProgress, Wait: min(p.wait(o), left)}
}

// wait grows by a half each time; a broker that names a time is not asked before it.
func (p Poll) wait(o BrokerOutcome) time.Duration {
	wait := pollFirst
	for range max(p.Attempt, 1) - 1 {
		if wait = wait * 3 / 2; wait >= pollLongest {
			wait = pollLongest
			break
		}
	}
	wait -= time.Duration(float64(wait) * p.Jitter / 4)
	return max(wait, min(o.RetryAfter, pollWaits))
}
