package paas

import "time"

// The times between tries of one call to a broker.
const (
	retryFirst   = 2 * time.Second
	retryLongest = 5 * time.Minute
	retryTries   = 5 // of a wish that somebody waits for, before it fails
)

// BrokerTry is a call that has just ended.
type BrokerTry struct {
	Op       BrokerOp
	Attempt  int     // 1 for the first
	Cleaning bool    // orphan mitigation: nobody waits for it, and it ends with success only
	Jitter   float64 // in [0,1), drawn by the caller
}

// Again says whether a call is made again, and after how long.
//
// A create that may have left an orphan is not: its id is spent, the orphan is deleted, and another try
// takes a new id. What the broker has refused stays refused. A broker that does not answer at all, or is
// busy with the same thing, is asked again.
func (t BrokerTry) Again(o BrokerOutcome) (wait time.Duration, again bool) {
	if o.Succeeded(t.Op) || o.Polled == "" && o.End == EndAnswered && o.Status == 202 {
		return 0, false
	}
	if o.End == EndRefused || !t.Cleaning && (t.Attempt >= retryTries || !passing(t.Op, o)) {
		return 0, false
	}
	wait = backOff(t.Attempt, t.Jitter)
	return min(max(wait, o.RetryAfter), max(retryLongest, wait)), true
}

// passing says whether the same call may end otherwise next time.
func passing(op BrokerOp, o BrokerOutcome) bool {
	creates := op == OpProvision || op == OpBind
	switch {
	case op == OpUpdate && o.Unrepeatable:
		return false
	case creates && Orphaned(op, o) != NoOrphan:
		return false
	case o.Polled != "": // the operation has ended: another one is another wish
		return false
	case o.End == EndUnsent, o.End == EndTimeout, o.End == EndBroken:
		return true
	case o.Error == ErrorConcurrency, o.Status == 408, o.Status == 429:
		return true
	case o.End == EndMalformed && o.Status < 300:
		return true // a create with a 200: it is there, and says so again
	}
	return o.Status >= 500 // what is left of it: updates, deletes and reads
}

// backOff doubles from 2 s to 5 min, and takes up to a half off so that not all come at once.
func backOff(attempt int, jitter float64) time.Duration {
	wait := retryLongest
	if n := max(attempt, 1) - 1; n < 8 {
		wait = min(retryFirst<<n, retryLongest)
	}
	return wait - time.Duration(float64(wait)*jitter/2)
}
