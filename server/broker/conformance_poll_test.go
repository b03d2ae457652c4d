package broker_test

import (
	"strings"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/broker"
	"github.com/crumpet-paas/crumpet/server/broker/brokertest"
	"github.com/crumpet-paas/crumpet/server/paas"
)

var (
	ofInstances = []paas.BrokerOp{paas.OpProvision, paas.OpUpdate, paas.OpDeprovision}
	ofBindings  = []paas.BrokerOp{paas.OpBind, paas.OpUnbind}
)

// state is an answer of last_operation.
func state(s string) brokertest.Answer { return brokertest.JSON(200, `{"state":"`+s+`"}`) }

// asksFor gives the request that a poll makes.
func asksFor(t *testing.T, r paas.PollRequest) brokertest.Request {
	t.Helper()
	return sent(t, func(c *broker.Client) error { _, err := last(t, c, r); return err })
}

// goesOn fails unless polling goes on after an answer.
func goesOn(t *testing.T, ops []paas.BrokerOp, answers map[string]brokertest.Answer) {
	t.Helper()
	for _, op := range ops {
		for name, answer := range answers {
			if _, next := poll(t, op, answer); next.State != paas.PollInProgress || next.Wait <= 0 {
				t.Errorf("%s: %s: %+v, want polling to go on", op, name, next)
			}
		}
	}
}

var invalid = map[string]brokertest.Answer{
	"201": brokertest.JSON(201, `{"state":"succeeded"}`), "204": brokertest.Raw(204, "", ""), "302": brokertest.JSON(302, `{"state":"failed"}`),
	"401": brokertest.JSON(401, `{"state":"failed"}`), "403": brokertest.JSON(403, `{}`), "429": brokertest.JSON(429, `{}`),
	"500": brokertest.JSON(500, `{"state":"failed"}`), "503": brokertest.Raw(503, "text/html", "<html>"), "garbage": brokertest.Bytes("garbage"),
	"HTML": brokertest.Raw(200, "text/html", "<html>"), "a cut": brokertest.Cut(200, `{"state":"succeeded"`), "nothing": brokertest.Bytes(""),
}

// ends fails unless both ends of an operation end polling.
func ends(ops []paas.BrokerOp) func(*testing.T) {
	return func(t *testing.T) {
		for _, op := range ops {
			for _, want := range []paas.PollState{paas.PollSucceeded, paas.PollFailed} {
				polled, next := poll(t, op, state(string(want)))
				is(t, string(op), next, paas.PollNext{State: want})
				is(t, string(op)+" succeeded", next.Ended(polled.Outcome).Succeeded(op), want == paas.PollSucceeded)
			}
		}
	}
}

func gone(op paas.BrokerOp) func(*testing.T) {
	return func(t *testing.T) {
		for name, answer := range map[string]brokertest.Answer{"with a body": brokertest.JSON(410, `{}`), "without": brokertest.Raw(410, "", "")} {
			polled, next := poll(t, op, answer)
			is(t, name, next, paas.PollNext{State: paas.PollGone})
			is(t, name+": forget", next.Ended(polled.Outcome).Forget(op), true)
			is(t, name+": orphan", paas.Orphaned(op, next.Ended(polled.Outcome)), paas.NoOrphan)
		}
	}
}

func goneIsInvalid(ops ...paas.BrokerOp) func(*testing.T) {
	return func(t *testing.T) {
		goesOn(t, ops, map[string]brokertest.Answer{"410": brokertest.JSON(410, `{}`)})
		for _, op := range ops {
			polled, _ := poll(t, op, brokertest.JSON(410, `{}`))
			is(t, "forget", polled.Outcome.Forget(op), false)
			is(t, "state", polled.Outcome.Polled, paas.PollState(""))
		}
	}
}

func waits(ops []paas.BrokerOp) func(*testing.T) {
	return func(t *testing.T) {
		for _, op := range ops {
			_, next := poll(t, op, brokertest.With("Retry-After", "77", state("in progress")))
			is(t, string(op), next, paas.PollNext{State: paas.PollInProgress, Wait: 77 * time.Second})
		}
	}
}

func named(ops []paas.BrokerOp) func(*testing.T) {
	return func(t *testing.T) {
		for _, op := range ops {
			for _, operation := range []string{"", "task"} {
				q := query(t, asksFor(t, pollRequest(op, operation)))
				is(t, string(op)+" service_id", q.Get("service_id"), "o1")
				is(t, string(op)+" plan_id", q.Get("plan_id"), "p1")
			}
		}
	}
}

const oddOperation = "task 10/ü&x=y+%2F"

func givenBack(ops []paas.BrokerOp) func(*testing.T) {
	return func(t *testing.T) {
		for _, op := range ops {
			r := asksFor(t, pollRequest(op, oddOperation))
			is(t, string(op), query(t, r).Get("operation"), oddOperation)
			if !strings.HasSuffix(r.URI, "operation=task%2010%2F%C3%BC%26x%3Dy%2B%252F") {
				t.Errorf("%s: %s is not percent-encoded", op, r.URI)
			}
		}
	}
}

// failedLeaves fails unless a failed operation leaves an orphan to be deleted.
func failedLeaves(op paas.BrokerOp, want paas.Orphan) func(*testing.T) {
	return func(t *testing.T) {
		polled, next := poll(t, op, state("failed"))
		is(t, "orphan", paas.Orphaned(op, next.Ended(polled.Outcome)), want)
		polled, next = poll(t, op, state("succeeded"))
		is(t, "orphan of a success", paas.Orphaned(op, next.Ended(polled.Outcome)), paas.NoOrphan)
	}
}

var pollProofs = proofs{
	"202 is to be polled": func(t *testing.T) {
		for _, op := range changing {
			o, err := try(t, op, brokertest.JSON(202, `{"operation":"task"}`))
			if err != nil || o.Status != 202 || o.Succeeded(op) || o.Forget(op) {
				t.Errorf("%s: %+v, %v, want it begun and not ended", op, o, err)
			}
			if _, again := (paas.BrokerTry{Op: op, Attempt: 1}).Again(o); again {
				t.Errorf("%s is asked for again in place of polling", op)
			}
		}
	},
	"an end ceases polling of an instance": ends(ofInstances),
	"succeeded and failed end it":          ends(ofInstances),
	"an end ceases polling of a binding":   ends(ofBindings),
	"poll of the instance that was asked for": func(t *testing.T) {
		for _, op := range ofInstances {
			r := asksFor(t, pollRequest(op, ""))
			is(t, string(op), strings.Split(r.URI, "?")[0], "/v2/service_instances/i1/last_operation")
			is(t, string(op), r.Kind, brokertest.PollInstance)
		}
	},
	"poll with the offering": func(t *testing.T) {
		for _, op := range ofInstances {
			is(t, string(op), query(t, asksFor(t, pollRequest(op, ""))).Get("service_id"), "o1")
		}
	},
	"poll with the plan before the update": func(t *testing.T) {
		u := update
		u.PlanID, u.PreviousPlanID = "new", "old"
		is(t, "plan_id", query(t, asksFor(t, u.Poll("x"))).Get("plan_id"), "old")
	},
	"operation is given back":              givenBack(ofInstances),
	"operation of a binding is given back": givenBack(ofBindings),
	"no empty operation": func(t *testing.T) {
		for _, op := range changing {
			if q := query(t, asksFor(t, pollRequest(op, ""))); q.Has("operation") {
				t.Errorf("%s: %v", op, q)
			}
		}
	},
	"poll has offering and plan":              named(ofInstances),
	"poll of a binding has offering and plan": named(ofBindings),
	"gone ends a deprovision":                 gone(paas.OpDeprovision),
	"gone ends an unbind":                     gone(paas.OpUnbind),
	"gone is no answer to create or update":   goneIsInvalid(paas.OpProvision, paas.OpUpdate),
	"gone is no answer to a bind":             goneIsInvalid(paas.OpBind),
	"other statuses continue polling": func(t *testing.T) {
		goesOn(t, ofInstances, invalid)
	},
	"other statuses continue polling of a binding": func(t *testing.T) {
		goesOn(t, ofBindings, invalid)
	},
	"unknown states are invalid": func(t *testing.T) {
		bad := map[string]brokertest.Answer{"none": brokertest.JSON(200, `{}`), "a number": brokertest.JSON(200, `{"state":1}`), "null": brokertest.JSON(200, `{"state":null}`)}
		for _, s := range []string{"", "Succeeded", "gone", "given up", "done", "in_progress", "succeeded "} {
			bad[s] = state(s)
		}
		goesOn(t, changing, bad)
		for name, answer := range bad {
			polled, _ := poll(t, paas.OpProvision, answer)
			is(t, name, polled.Outcome, paas.BrokerOutcome{End: paas.EndMalformed, Status: 200})
		}
	},
	"in progress continues polling": func(t *testing.T) {
		goesOn(t, changing, map[string]brokertest.Answer{"in progress": state("in progress")})
	},
	"description of progress": func(t *testing.T) {
		for _, op := range changing {
			polled, _ := poll(t, op, brokertest.JSON(200, `{"state":"in progress","description":"Creating (10% complete)"}`))
			is(t, string(op), polled.Description, "Creating (10% complete)")
		}
	},
	"usable after a failed operation": func(t *testing.T) {
		for _, op := range []paas.BrokerOp{paas.OpUpdate, paas.OpDeprovision} {
			for text, want := range map[string]bool{`,"instance_usable":true`: true, `,"instance_usable":false`: false, "": true} {
				polled, next := poll(t, op, brokertest.JSON(200, `{"state":"failed"`+text+`}`))
				is(t, string(op)+text, next.Ended(polled.Outcome).Usable(), want)
			}
		}
	},
	"Retry-After is waited for":              waits(ofInstances),
	"Retry-After of a binding is waited for": waits(ofBindings),
	"a failed provision may leave an orphan": failedLeaves(paas.OpProvision, paas.OrphanInstance),
	"a failed bind may leave an orphan":      failedLeaves(paas.OpBind, paas.OrphanBinding),
	"orphan row instance polled as failed": func(t *testing.T) {
		failedLeaves(paas.OpProvision, paas.OrphanInstance)(t)
		failedLeaves(paas.OpDeprovision, paas.OrphanInstance)(t)
	},
	"orphan row binding polled as failed": func(t *testing.T) {
		failedLeaves(paas.OpBind, paas.OrphanBinding)(t)
		failedLeaves(paas.OpUnbind, paas.OrphanBinding)(t)
	},
	"a bound binding can be fetched": func(t *testing.T) {
		b := brokertest.New()
		b.On(brokertest.Bind, brokertest.JSON(202, `{"operation":"t"}`))
		b.On(brokertest.PollBinding, state("succeeded"))
		b.On(brokertest.FetchBinding, brokertest.JSON(200, `{"credentials":{"password":"x"}}`))
		c := connect(t, b)
		bound, err := c.Bind(t.Context(), bind)
		if err != nil || !bound.Async || !bound.Binding.Credentials.Empty() {
			t.Fatalf("%+v, %v", bound, err)
		}
		if polled, err := c.LastBindingOperation(t.Context(), bind.Poll(bound.Operation)); err != nil || !polled.Outcome.Succeeded(paas.OpBind) {
			t.Fatalf("%+v, %v", polled, err)
		}
		got, err := c.Binding(t.Context(), fetch)
		is(t, "credentials", got.Credentials.Reveal(), `{"password":"x"}`)
		if err != nil {
			t.Error(err)
		}
	},
	"poll of the binding that was asked for": func(t *testing.T) {
		for _, op := range ofBindings {
			r := asksFor(t, pollRequest(op, ""))
			is(t, string(op), strings.Split(r.URI, "?")[0], "/v2/service_instances/i1/service_bindings/b1/last_operation")
		}
	},
	"polling is given up and counts as failed": func(t *testing.T) {
		now := time.Now()
		polled, _ := poll(t, paas.OpProvision, state("in progress"))
		for name, p := range map[string]paas.Poll{
			"the platform's": {Op: paas.OpProvision, Started: now, Limit: time.Hour, Plan: 2 * time.Hour},
			"the plan's":     {Op: paas.OpProvision, Started: now, Limit: 2 * time.Hour, Plan: time.Hour},
		} {
			is(t, name+" before", p.Next(now.Add(time.Hour-time.Second), polled.Outcome).State, paas.PollInProgress)
			next := p.Next(now.Add(time.Hour), polled.Outcome)
			is(t, name, next.State, paas.PollGivenUp)
			o := next.Ended(polled.Outcome)
			is(t, name+": succeeded", o.Succeeded(paas.OpProvision), false)
			is(t, name+": orphan", paas.Orphaned(paas.OpProvision, o), paas.OrphanInstance)
		}
	},
	"the plan may shorten polling": func(t *testing.T) {
		_, p := only(t, one("", `,"maximum_polling_duration":60`))
		_, none := only(t, one("", ""))
		now := time.Now()
		is(t, "deadline", paas.Poll{Started: now, Limit: time.Hour, Plan: p.MaximumPolling}.Deadline(), now.Add(time.Minute))
		is(t, "deadline without", paas.Poll{Started: now, Limit: time.Hour, Plan: none.MaximumPolling}.Deadline(), now.Add(time.Hour))
	},
}
