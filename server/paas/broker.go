package paas

import (
	"errors"
	"fmt"
	"time"
)

// BrokerOp is a request to a service broker.
type BrokerOp string

// The requests of the Open Service Broker API.
const (
	OpCatalog       BrokerOp = "catalog"
	OpProvision     BrokerOp = "provision"
	OpUpdate        BrokerOp = "update"
	OpDeprovision   BrokerOp = "deprovision"
	OpBind          BrokerOp = "bind"
	OpUnbind        BrokerOp = "unbind"
	OpPollInstance  BrokerOp = "poll instance"
	OpPollBinding   BrokerOp = "poll binding"
	OpFetchInstance BrokerOp = "fetch instance"
	OpFetchBinding  BrokerOp = "fetch binding"
)

// Deletes says whether success leaves nothing behind.
func (op BrokerOp) Deletes() bool { return op == OpDeprovision || op == OpUnbind }

// reads says whether a request changes nothing at the broker.
func (op BrokerOp) reads() bool {
	switch op {
	case OpCatalog, OpPollInstance, OpPollBinding, OpFetchInstance, OpFetchBinding:
		return true
	case OpProvision, OpUpdate, OpDeprovision, OpBind, OpUnbind:
	}
	return false
}

// BrokerEnd says how a call to a broker ended.
type BrokerEnd string

// How calls end.
const (
	EndAnswered  BrokerEnd = "answered"  // with a status, and a body that is what the specification says
	EndMalformed BrokerEnd = "malformed" // with a status, and a body that is not, or too long, or cut
	EndTimeout   BrokerEnd = "timeout"   // sent; no whole answer in time
	EndBroken    BrokerEnd = "broken"    // sent; the connection ended before an answer
	EndUnsent    BrokerEnd = "unsent"    // nothing reached the broker
	EndRefused   BrokerEnd = "refused"   // by ourselves: the request makes no sense, and was not sent
)

// Words in the field error of a broker's answer.
const (
	ErrorAsyncRequired   = "AsyncRequired"
	ErrorConcurrency     = "ConcurrencyError"
	ErrorRequiresApp     = "RequiresApp"
	ErrorMaintenanceInfo = "MaintenanceInfoConflict"
)

// PollState is what a broker says of an operation it has accepted.
type PollState string

// The states of an operation. Given up is our own word: polling took too long, or made no sense any more.
const (
	PollInProgress PollState = "in progress"
	PollSucceeded  PollState = "succeeded"
	PollFailed     PollState = "failed"
	PollGone       PollState = "gone" // deleted: success
	PollGivenUp    PollState = "given up"
)

// BrokerOutcome is all that the decisions below need to know of a call. The zero value of the flags is
// what holds when a broker says nothing.
type BrokerOutcome struct {
	End          BrokerEnd
	Status       int       // HTTP, 0 without an answer
	Error        string    // one of the words above, or the broker's own, or ""
	Polled       PollState // set where the outcome is that of an operation that was polled
	Unusable     bool      // a failed update or deprovision has left the instance broken
	Unrepeatable bool      // the same update fails again
	RetryAfter   time.Duration
}

// Succeeded says that the operation is done and its end is known. A 202 is none: it has begun.
func (o BrokerOutcome) Succeeded(op BrokerOp) bool {
	switch {
	case op.reads():
		return o.End == EndAnswered && o.Status == 200
	case o.Polled != "":
		return o.Polled == PollSucceeded || o.Polled == PollGone && op.Deletes()
	case o.End != EndAnswered:
		return false
	case op.Deletes():
		return o.Status == 200 || o.Status == 410
	case op == OpProvision, op == OpBind:
		return o.Status == 200 || o.Status == 201
	}
	return o.Status == 200
}

// Forget says whether an instance (or binding) is known not to exist any more. After any other end of
// whatever was asked it must be remembered: only a delete that succeeded takes it away.
func (o BrokerOutcome) Forget(op BrokerOp) bool { return op.Deletes() && o.Succeeded(op) }

// Usable says whether new bindings of the instance make sense after an operation on it.
func (o BrokerOutcome) Usable() bool { return !o.Unusable }

// CatalogStale says that the broker's catalog has moved on and is to be read again before another try.
func (o BrokerOutcome) CatalogStale() bool { return o.Error == ErrorMaintenanceInfo }

// BrokerFailure is the cause in every Error of a call to a broker. It holds nothing of the request's and
// nothing of the answer's body but for cleaned, bounded words.
type BrokerFailure struct {
	Op          BrokerOp
	Outcome     BrokerOutcome
	Description string // what the broker says to the user
	Detail      string // what exactly was wrong, for the log
	Err         error  // of the caller's context, where that ended it
}

// Unwrap gives the caller's own reason.
func (f *BrokerFailure) Unwrap() error { return f.Err }

// Error says it for the log.
func (f *BrokerFailure) Error() string {
	s := fmt.Sprintf("%s: %s", f.Op, f.Outcome.End)
	if f.Outcome.Status != 0 {
		s += fmt.Sprintf(", status %d", f.Outcome.Status)
	}
	if f.Outcome.Error != "" {
		s += ", error " + f.Outcome.Error
	}
	if f.Detail != "" {
		s += ", " + f.Detail
	}
	return s
}

// OutcomeOfBroker gives the outcome in an error of a call to a broker. Of any other error nothing is
// known, so it counts as sent and unanswered.
func OutcomeOfBroker(err error) BrokerOutcome {
	if f, ok := errors.AsType[*BrokerFailure](err); ok {
		return f.Outcome
	}
	return BrokerOutcome{End: EndBroken}
}
