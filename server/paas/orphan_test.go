package paas_test

import (
	"fmt"
	"testing"

	"github.com/crumpet-paas/crumpet/server/paas"
)

var brokerOps = []paas.BrokerOp{
	paas.OpCatalog, paas.OpProvision, paas.OpUpdate, paas.OpDeprovision, paas.OpBind, paas.OpUnbind,
	paas.OpPollInstance, paas.OpPollBinding, paas.OpFetchInstance, paas.OpFetchBinding,
}

func answered(status int) paas.BrokerOutcome {
	return paas.BrokerOutcome{End: paas.EndAnswered, Status: status}
}

func malformed(status int) paas.BrokerOutcome {
	return paas.BrokerOutcome{End: paas.EndMalformed, Status: status}
}

func polled(state paas.PollState) paas.BrokerOutcome {
	return paas.BrokerOutcome{End: paas.EndAnswered, Status: 200, Polled: state}
}

// Each row of the table in "Orphan Mitigation", in its order, then what the table leaves open. An operation
// that a row does not name leaves no orphan.
func TestOrphansAreThoseOfTheTable(t *testing.T) {
	t.Parallel()
	instance := map[paas.BrokerOp]paas.Orphan{paas.OpProvision: paas.OrphanInstance, paas.OpDeprovision: paas.OrphanInstance}
	binding := map[paas.BrokerOp]paas.Orphan{paas.OpBind: paas.OrphanBinding, paas.OpUnbind: paas.OrphanBinding}
	both := map[paas.BrokerOp]paas.Orphan{
		paas.OpProvision: paas.OrphanInstance, paas.OpDeprovision: paas.OrphanInstance,
		paas.OpBind: paas.OrphanBinding, paas.OpUnbind: paas.OrphanBinding,
	}
	creates := map[paas.BrokerOp]paas.Orphan{paas.OpProvision: paas.OrphanInstance, paas.OpBind: paas.OrphanBinding}
	type row struct {
		name     string
		outcomes []paas.BrokerOutcome
		want     map[paas.BrokerOp]paas.Orphan
		only     map[paas.BrokerOp]paas.Orphan // the operations the row is about, all where nil
	}
	others2xx := []paas.BrokerOutcome{answered(203), answered(204), answered(206), malformed(299)}
	var rejected, failed []paas.BrokerOutcome
	for status := 400; status < 500; status++ {
		rejected = append(rejected, answered(status), malformed(status))
	}
	for status := 500; status < 600; status++ {
		failed = append(failed, answered(status), malformed(status))
	}
	for _, r := range []row{
		{name: "200", outcomes: []paas.BrokerOutcome{answered(200)}},
		{name: "200 with malformed response", outcomes: []paas.BrokerOutcome{malformed(200)}},
		{name: "polled instance failed", outcomes: []paas.BrokerOutcome{polled(paas.PollFailed)}, want: instance, only: instance},
		{name: "polled binding failed", outcomes: []paas.BrokerOutcome{polled(paas.PollFailed)}, want: binding, only: binding},
		{name: "201", outcomes: []paas.BrokerOutcome{answered(201)}},
		{name: "201 with malformed response", outcomes: []paas.BrokerOutcome{malformed(201)}, want: creates},
		{name: "202", outcomes: []paas.BrokerOutcome{answered(202)}},
		{name: "202 with malformed response", outcomes: []paas.BrokerOutcome{malformed(202)}, want: creates},
		{name: "all other 2xx", outcomes: others2xx, want: both},
		{name: "408", outcomes: []paas.BrokerOutcome{answered(408)}},
		{name: "all other 4xx", outcomes: rejected},
		{name: "5xx", outcomes: failed, want: both},
		{name: "timeout", outcomes: []paas.BrokerOutcome{{End: paas.EndTimeout}}, want: creates},

		{name: "a body that does not come in time", outcomes: []paas.BrokerOutcome{{End: paas.EndTimeout, Status: 201}}, want: creates},
		{name: "a connection that breaks", outcomes: []paas.BrokerOutcome{{End: paas.EndBroken}}, want: creates},
		{name: "a redirect", outcomes: []paas.BrokerOutcome{answered(302), answered(307)}, want: creates},
		{name: "polling given up", outcomes: []paas.BrokerOutcome{polled(paas.PollGivenUp)}, want: both},
		{name: "polled and succeeded", outcomes: []paas.BrokerOutcome{polled(paas.PollSucceeded), polled(paas.PollInProgress), polled(paas.PollGone)}},
		{name: "nothing sent", outcomes: []paas.BrokerOutcome{{End: paas.EndUnsent}, {End: paas.EndRefused}}},
	} {
		for _, op := range brokerOps {
			if _, about := r.only[op]; r.only != nil && !about {
				continue
			}
			for _, o := range r.outcomes {
				if got := paas.Orphaned(op, o); got != r.want[op] {
					t.Errorf("%s: Orphaned(%s, %+v) = %q, want %q", r.name, op, o, got, r.want[op])
				}
			}
		}
	}
}

func TestOnlyADeleteThatSucceededForgets(t *testing.T) {
	t.Parallel()
	deleted := map[string]bool{"answered 200": true, "answered 410": true, "polled succeeded": true, "polled gone": true}
	outcomes := map[string]paas.BrokerOutcome{
		"malformed 200": malformed(200), "timeout": {End: paas.EndTimeout}, "broken": {End: paas.EndBroken}, "unsent": {End: paas.EndUnsent},
		"polled succeeded": polled(paas.PollSucceeded), "polled gone": polled(paas.PollGone), "polled failed": polled(paas.PollFailed),
		"polled given up": polled(paas.PollGivenUp), "polled in progress": polled(paas.PollInProgress),
	}
	for status := 200; status < 600; status++ {
		outcomes[fmt.Sprintf("answered %d", status)] = answered(status)
	}
	for name, o := range outcomes {
		for _, op := range brokerOps {
			if got, want := o.Forget(op), op.Deletes() && deleted[name]; got != want {
				t.Errorf("%s, %s: Forget = %t, want %t", op, name, got, want)
			}
		}
	}
}

func TestSuccessIsWhatTheTableOfEachRequestSays(t *testing.T) {
	t.Parallel()
	for op, want := range map[paas.BrokerOp][]int{
		paas.OpProvision: {200, 201}, paas.OpBind: {200, 201}, paas.OpUpdate: {200},
		paas.OpDeprovision: {200, 410}, paas.OpUnbind: {200, 410},
		paas.OpCatalog: {200}, paas.OpPollInstance: {200}, paas.OpPollBinding: {200}, paas.OpFetchInstance: {200}, paas.OpFetchBinding: {200},
	} {
		for status := 200; status < 600; status++ {
			is := false
			for _, w := range want {
				is = is || w == status
			}
			if got := answered(status).Succeeded(op); got != is {
				t.Errorf("%s with %d: Succeeded = %t, want %t", op, status, got, is)
			}
			if malformed(status).Succeeded(op) {
				t.Errorf("%s with %d and a malformed body is a success", op, status)
			}
		}
	}
	if polled(paas.PollGone).Succeeded(paas.OpProvision) {
		t.Error("an instance that is gone was provisioned")
	}
}
