package paas_test

import (
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/paas"
)

func TestACallIsMadeAgainOnlyIfItMayEndOtherwise(t *testing.T) {
	t.Parallel()
	word := func(status int, word string) paas.BrokerOutcome {
		return paas.BrokerOutcome{End: paas.EndAnswered, Status: status, Error: word}
	}
	every := func(ops ...paas.BrokerOp) map[paas.BrokerOp]bool {
		m := map[paas.BrokerOp]bool{}
		for _, op := range ops {
			m[op] = true
		}
		return m
	}
	all := every(brokerOps...)
	uncreating := every(brokerOps...)
	delete(uncreating, paas.OpProvision)
	delete(uncreating, paas.OpBind)
	unchanging := maps.Clone(uncreating)
	delete(unchanging, paas.OpUpdate)
	for name, c := range map[string]struct {
		outcome paas.BrokerOutcome
		want    map[paas.BrokerOp]bool
	}{
		"200":                        {outcome: answered(200)},
		"202":                        {outcome: answered(202)},
		"200 malformed":              {outcome: malformed(200), want: all},
		"201 malformed":              {outcome: malformed(201), want: uncreating},
		"400":                        {outcome: answered(400)},
		"401":                        {outcome: answered(401)},
		"404":                        {outcome: answered(404)},
		"409":                        {outcome: answered(409)},
		"412":                        {outcome: answered(412)},
		"422":                        {outcome: answered(422)},
		"422 AsyncRequired":          {outcome: word(422, paas.ErrorAsyncRequired)},
		"422 RequiresApp":            {outcome: word(422, paas.ErrorRequiresApp)},
		"422 MaintenanceInfo":        {outcome: word(422, paas.ErrorMaintenanceInfo)},
		"422 ConcurrencyError":       {outcome: word(422, paas.ErrorConcurrency), want: all},
		"408":                        {outcome: answered(408), want: all},
		"429":                        {outcome: answered(429), want: all},
		"500":                        {outcome: answered(500), want: uncreating},
		"503":                        {outcome: answered(503), want: uncreating},
		"nothing reached it":         {outcome: paas.BrokerOutcome{End: paas.EndUnsent}, want: all},
		"no answer":                  {outcome: paas.BrokerOutcome{End: paas.EndTimeout}, want: uncreating},
		"a connection that broke":    {outcome: paas.BrokerOutcome{End: paas.EndBroken}, want: uncreating},
		"refused by ourselves":       {outcome: paas.BrokerOutcome{End: paas.EndRefused}},
		"an update not repeatable":   {outcome: paas.BrokerOutcome{End: paas.EndAnswered, Status: 500, Unrepeatable: true}, want: unchanging},
		"gone, where nothing should": {outcome: answered(410)},
	} {
		for _, op := range brokerOps {
			wait, got := paas.BrokerTry{Op: op, Attempt: 1}.Again(c.outcome)
			if got != c.want[op] || got != (wait > 0) {
				t.Errorf("%s, %s: again = %t after %s, want %t", op, name, got, wait, c.want[op])
			}
		}
	}
}

func TestTriesEndWhereSomebodyWaitsAndDoNotWhereAnOrphanIsLeft(t *testing.T) {
	t.Parallel()
	unsent := paas.BrokerOutcome{End: paas.EndUnsent}
	if _, again := (paas.BrokerTry{Op: paas.OpProvision, Attempt: 4}).Again(unsent); !again {
		t.Error("there is no fifth try")
	}
	if _, again := (paas.BrokerTry{Op: paas.OpProvision, Attempt: 5}).Again(unsent); again {
		t.Error("there is a sixth try")
	}
	for _, o := range []paas.BrokerOutcome{
		unsent,
		{End: paas.EndTimeout},
		{End: paas.EndBroken},
		malformed(200), answered(400), answered(401), answered(404), answered(422), answered(500),
		polled(paas.PollFailed), polled(paas.PollGivenUp),
	} {
		for _, op := range []paas.BrokerOp{paas.OpDeprovision, paas.OpUnbind} {
			if _, again := (paas.BrokerTry{Op: op, Attempt: 10_000, Cleaning: true}).Again(o); !again {
				t.Errorf("%s of an orphan is given up after %+v", op, o)
			}
		}
	}
	for _, o := range []paas.BrokerOutcome{answered(200), answered(410), polled(paas.PollGone), polled(paas.PollSucceeded), answered(202)} {
		if wait, again := (paas.BrokerTry{Op: paas.OpDeprovision, Attempt: 1, Cleaning: true}).Again(o); again || wait != 0 {
			t.Errorf("an orphan that is gone (%+v) is deleted again", o)
		}
	}
}

func TestTriesBackOff(t *testing.T) {
	t.Parallel()
	var got []time.Duration
	for n := 1; n <= 10; n++ {
		wait, _ := paas.BrokerTry{Op: paas.OpUnbind, Attempt: n, Cleaning: true}.Again(answered(500))
		got = append(got, wait)
	}
	want := []time.Duration{2, 4, 8, 16, 32, 64, 128, 256, 300, 300}
	for i := range want {
		want[i] *= time.Second
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("waits (-want +got):\n%s", diff)
	}
	half, _ := paas.BrokerTry{Op: paas.OpUnbind, Attempt: 100, Cleaning: true, Jitter: 0.5}.Again(answered(500))
	if half != 225*time.Second {
		t.Errorf("wait with jitter 0.5 = %s, want a quarter off 5 minutes", half)
	}
	busy := paas.BrokerOutcome{End: paas.EndAnswered, Status: 503, RetryAfter: time.Minute}
	if wait, _ := (paas.BrokerTry{Op: paas.OpUnbind, Attempt: 1}).Again(busy); wait != time.Minute {
		t.Errorf("wait = %s, want the minute the broker asked for", wait)
	}
	busy.RetryAfter = 48 * time.Hour
	if wait, _ := (paas.BrokerTry{Op: paas.OpUnbind, Attempt: 1}).Again(busy); wait != 5*time.Minute {
		t.Errorf("wait = %s, want it bounded to 5 minutes", wait)
	}
}
