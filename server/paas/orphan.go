package paas

// Orphan is what a broker may hold that we know nothing of.
type Orphan string

// What is to be deleted until the broker says that it is gone.
const (
	NoOrphan       Orphan = ""
	OrphanInstance Orphan = "instance"
	OrphanBinding  Orphan = "binding"
)

// Orphaned is the table of the specification's section "Orphan Mitigation": whether something is to be
// deleted after an operation that ended like this.
//
//	                     provision  deprovision  bind  unbind  update, reads
//	200, 201, 202            -           -        -      -       -
//	200 malformed            -           -        -      -       -
//	201, 202 malformed      yes          -       yes     -       -
//	other 2xx               yes         yes      yes    yes      -
//	4xx                      -           -        -      -       -
//	5xx                     yes         yes      yes    yes      -
//	timeout                 yes          -       yes     -       -
//	polled: failed          yes         yes      yes    yes      -
//
// It says nothing of a 3xx, of a connection that breaks and of polling that is given up. There its rule
// holds: delete what can't be known to have been made well. A request that never left made nothing.
func Orphaned(op BrokerOp, o BrokerOutcome) Orphan {
	var kind Orphan
	switch op {
	case OpProvision, OpDeprovision:
		kind = OrphanInstance
	case OpBind, OpUnbind:
		kind = OrphanBinding
	case OpCatalog, OpUpdate, OpPollInstance, OpPollBinding, OpFetchInstance, OpFetchBinding:
		return NoOrphan
	}
	if leaves(op, o) {
		return kind
	}
	return NoOrphan
}

func leaves(op BrokerOp, o BrokerOutcome) bool {
	creates := !op.Deletes()
	if o.Polled != "" {
		return o.Polled == PollFailed || o.Polled == PollGivenUp
	}
	switch o.End {
	case EndUnsent, EndRefused:
		return false
	case EndTimeout, EndBroken:
		return creates
	case EndAnswered, EndMalformed:
	}
	switch {
	case o.Status == 200:
		return false
	case o.Status == 201, o.Status == 202:
		return creates && o.End == EndMalformed
	case o.Status >= 400 && o.Status < 500:
		return false
	case o.Status >= 300 && o.Status < 400:
		return creates
	}
	return true
}
