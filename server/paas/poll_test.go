package paas_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/paas"
)

var began = time.Date(2026, 11, 23, 5, 0, 0, 0, time.UTC)

func TestPollNextSaysWhetherPollingEnds(t *testing.T) {
	t.Parallel()
	const first = 2 * time.Second
	again := paas.PollNext{State: paas.PollInProgress, Wait: first}
	after := func(o paas.BrokerOutcome, d time.Duration) paas.BrokerOutcome { o.RetryAfter = d; return o }
	for name, c := range map[string]struct {
		op      paas.BrokerOp
		outcome paas.BrokerOutcome
		refused int
		want    paas.PollNext
	}{
		"succeeded ends it":                          {op: paas.OpProvision, outcome: polled(paas.PollSucceeded), want: paas.PollNext{State: paas.PollSucceeded}},
		"failed ends it":                             {op: paas.OpBind, outcome: polled(paas.PollFailed), want: paas.PollNext{State: paas.PollFailed}},
		"in progress goes on":                        {op: paas.OpProvision, outcome: polled(paas.PollInProgress), want: again},
		"410 ends a deprovision":                     {op: paas.OpDeprovision, outcome: answered(410), want: paas.PollNext{State: paas.PollGone}},
		"410 ends an unbind":                         {op: paas.OpUnbind, outcome: answered(410), want: paas.PollNext{State: paas.PollGone}},
		"410 is no answer to a provision":            {op: paas.OpProvision, outcome: answered(410), want: again},
		"410 is no answer to an update":              {op: paas.OpUpdate, outcome: answered(410), want: again},
		"410 is no answer to a bind":                 {op: paas.OpBind, outcome: answered(410), want: again},
		"garbage goes on":                            {op: paas.OpProvision, outcome: malformed(200), want: again},
		"a garbled success is none":                  {op: paas.OpProvision, outcome: paas.BrokerOutcome{End: paas.EndMalformed, Status: 200, Polled: paas.PollSucceeded}, want: again},
		"401 goes on":                                {op: paas.OpProvision, outcome: answered(401), want: again},
		"500 goes on":                                {op: paas.OpDeprovision, outcome: answered(500), want: again},
		"201 goes on":                                {op: paas.OpProvision, outcome: answered(201), want: again},
		"silence goes on":                            {op: paas.OpUnbind, outcome: paas.BrokerOutcome{End: paas.EndTimeout}, want: again},
		"no connection goes on":                      {op: paas.OpUnbind, outcome: paas.BrokerOutcome{End: paas.EndUnsent}, want: again},
		"a 404 goes on at first":                     {op: paas.OpProvision, outcome: answered(404), refused: 4, want: again},
		"five 404s end it":                           {op: paas.OpProvision, outcome: answered(404), refused: 5, want: paas.PollNext{State: paas.PollGivenUp, Reason: "the broker answered 5 times in a row with status 404 when asked for its state"}},
		"five 400s end it":                           {op: paas.OpUnbind, outcome: answered(400), refused: 5, want: paas.PollNext{State: paas.PollGivenUp, Reason: "the broker answered 5 times in a row with status 400 when asked for its state"}},
		"a 500 after refusals goes on":               {op: paas.OpProvision, outcome: answered(500), refused: 5, want: again},
		"Retry-After is waited for":                  {op: paas.OpProvision, outcome: after(polled(paas.PollInProgress), 90*time.Second), want: paas.PollNext{State: paas.PollInProgress, Wait: 90 * time.Second}},
		"Retry-After is honoured after a 503 too":    {op: paas.OpProvision, outcome: after(answered(503), 90*time.Second), want: paas.PollNext{State: paas.PollInProgress, Wait: 90 * time.Second}},
		"Retry-After is bounded to an hour":          {op: paas.OpProvision, outcome: after(polled(paas.PollInProgress), 300*time.Hour), want: paas.PollNext{State: paas.PollInProgress, Wait: time.Hour}},
		"Retry-After of nothing is no leave to rush": {op: paas.OpProvision, outcome: after(polled(paas.PollInProgress), 1), want: again},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := paas.Poll{Op: c.op, Started: began, Attempt: 1, Refused: c.refused}
			if diff := cmp.Diff(c.want, p.Next(began, c.outcome)); diff != "" {
				t.Errorf("Next (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPollingIsGivenUpAtTheShorterOfBothLimits(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		plan, limit, want time.Duration
	}{
		"neither is said":   {want: 24 * time.Hour},
		"the plan's":        {plan: 10 * time.Minute, want: 10 * time.Minute},
		"the platform's":    {limit: 5 * time.Minute, plan: 10 * time.Minute, want: 5 * time.Minute},
		"the plan's of two": {limit: time.Hour, plan: 10 * time.Minute, want: 10 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := paas.Poll{Op: paas.OpProvision, Started: began, Attempt: 100, Plan: c.plan, Limit: c.limit}
			end := began.Add(c.want)
			if got := p.Deadline(); !got.Equal(end) {
				t.Fatalf("Deadline = %s, want %s", got, end)
			}
			late := p.Next(end, polled(paas.PollInProgress))
			if late.State != paas.PollGivenUp || late.Reason == "" {
				t.Errorf("at the deadline: %+v, want it given up with a reason", late)
			}
			if o := late.Ended(polled(paas.PollInProgress)); paas.Orphaned(paas.OpProvision, o) != paas.OrphanInstance || o.Succeeded(paas.OpProvision) {
				t.Errorf("outcome %+v is not that of a failed operation", o)
			}
			if got := p.Next(end, polled(paas.PollSucceeded)); got.State != paas.PollSucceeded {
				t.Errorf("a success at the deadline is %+v", got)
			}
			if got := p.Next(end.Add(-time.Second), polled(paas.PollInProgress)); got.Wait != time.Second {
				t.Errorf("a second before the deadline: wait %s, want 1s", got.Wait)
			}
		})
	}
}

func TestPollsBackOff(t *testing.T) {
	t.Parallel()
	var got []time.Duration
	for n := 1; n <= 11; n++ {
		got = append(got, paas.Poll{Op: paas.OpProvision, Started: began, Attempt: n}.Next(began, answered(500)).Wait)
	}
	want := []time.Duration{
		2 * time.Second, 3 * time.Second, 4500 * time.Millisecond, 6750 * time.Millisecond, 10125 * time.Millisecond,
		15187500 * time.Microsecond, 22781250 * time.Microsecond, 34171875 * time.Microsecond, 51257812500, time.Minute, time.Minute,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("waits (-want +got):\n%s", diff)
	}
	p := paas.Poll{Op: paas.OpProvision, Started: began, Attempt: 1 << 30, Jitter: 0.5}
	if got := p.Next(began, answered(500)).Wait; got != time.Minute-time.Minute/8 {
		t.Errorf("wait with jitter 0.5 = %s, want an eighth off a minute", got)
	}
}
