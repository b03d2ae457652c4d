package broker_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/crumpet-paas/crumpet/server/broker"
	"github.com/crumpet-paas/crumpet/server/broker/brokertest"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// after fails unless these operations leave an orphan, or none, after each of these answers.
func after(want paas.Orphan, ops []paas.BrokerOp, answers ...brokertest.Answer) func(*testing.T) {
	return func(t *testing.T) {
		for _, op := range ops {
			for i, answer := range answers {
				o, err := try(t, op, answer)
				if got := paas.Orphaned(op, o); got != want {
					t.Errorf("%s with answer %d (%v): orphan %q, want %q", op, i, err, got, want)
				}
			}
		}
	}
}

// silence is like after, for a broker that gives no answer in time.
func silence(want paas.Orphan, ops ...paas.BrokerOp) func(*testing.T) {
	return func(t *testing.T) {
		for _, op := range ops {
			err := late(paas.BrokerOutcome{End: paas.EndTimeout}, func(impatient func(*broker.Config)) error {
				_, err := try(t, op, brokertest.Hang(), impatient)
				return err
			})
			o := end(err)
			is(t, string(op)+" ends", o.End, paas.EndTimeout)
			if got := paas.Orphaned(op, o); got != want {
				t.Errorf("%s (%v): orphan %q, want %q", op, err, got, want)
			}
		}
	}
}

func statuses(body string, list ...int) (answers []brokertest.Answer) {
	for _, status := range list {
		answers = append(answers, brokertest.JSON(status, body))
	}
	return answers
}

// each joins tests.
func each(tests ...func(*testing.T)) func(*testing.T) {
	return func(t *testing.T) {
		for _, test := range tests {
			test(t)
		}
	}
}

var (
	everyOp = []paas.BrokerOp{
		paas.OpProvision, paas.OpUpdate, paas.OpDeprovision, paas.OpBind, paas.OpUnbind,
		paas.OpCatalog, paas.OpPollInstance, paas.OpPollBinding, paas.OpFetchInstance, paas.OpFetchBinding,
	}
	instanceOps   = []paas.BrokerOp{paas.OpProvision, paas.OpDeprovision}
	provisionOnly = []paas.BrokerOp{paas.OpProvision}
	bindOnly      = []paas.BrokerOp{paas.OpBind}
	updateOnly    = []paas.BrokerOp{paas.OpUpdate}
	wrong         = []string{"", "<html>", "[]", `{"operation":7}`}
	others2xx     = statuses(good, 203, 204, 205, 206, 207, 226, 299)
	others4xx     = statuses(good, 400, 401, 403, 404, 405, 406, 409, 412, 413, 415, 418, 422, 423, 428, 429, 451)
	all5xx        = statuses(good, 500, 501, 502, 503, 504, 507, 599)
)

func wrongly(status int) (answers []brokertest.Answer) {
	for _, body := range wrong {
		answers = append(answers, statuses(body, status)...)
	}
	return append(answers, brokertest.Cut(status, `{"operation":`))
}

var orphanProofs = proofs{
	"no orphan mitigation after ConcurrencyError": func(t *testing.T) {
		for _, op := range changing {
			o, _ := refuses(t, op, "ConcurrencyError")
			is(t, string(op), paas.Orphaned(op, o), paas.NoOrphan)
			is(t, string(op)+" word", o.Error, paas.ErrorConcurrency)
		}
	},
	"a response that does not come in time": each(
		silence(paas.OrphanInstance, paas.OpProvision),
		silence(paas.OrphanBinding, paas.OpBind),
		after(paas.OrphanInstance, provisionOnly, brokertest.Bytes("")),
		after(paas.OrphanBinding, bindOnly, brokertest.Bytes("")),
	),
	"an internal error of our own": func(t *testing.T) {
		o := paas.OutcomeOfBroker(errors.New("the disk is full"))
		is(t, "provision", paas.Orphaned(paas.OpProvision, o), paas.OrphanInstance)
		is(t, "bind", paas.Orphaned(paas.OpBind, o), paas.OrphanBinding)
	},
	"orphans are deleted until the broker says so": func(t *testing.T) {
		for _, op := range []paas.BrokerOp{paas.OpDeprovision, paas.OpUnbind} {
			answers := slices.Concat(others4xx, all5xx, others2xx)
			for _, answer := range append(answers, brokertest.Bytes("x"), brokertest.JSON(200, "")) {
				o, err := try(t, op, answer)
				if wait, again := (paas.BrokerTry{Op: op, Attempt: 1000, Cleaning: true}).Again(o); !again || wait <= 0 {
					t.Errorf("%s is given up after %v", op, err)
				}
			}
			for _, answer := range statuses(`{}`, 200, 410) {
				o, _ := try(t, op, answer)
				if _, again := (paas.BrokerTry{Op: op, Attempt: 1, Cleaning: true}).Again(o); again {
					t.Errorf("%s goes on after success %d", op, o.Status)
				}
			}
		}
	},
	"orphan row 200":                     after(paas.NoOrphan, everyOp, brokertest.JSON(200, good)),
	"orphan row 200 malformed":           after(paas.NoOrphan, everyOp, wrongly(200)...),
	"orphan row 201":                     after(paas.NoOrphan, everyOp, brokertest.JSON(201, good)),
	"orphan row provision 201 malformed": after(paas.OrphanInstance, provisionOnly, append(wrongly(201)[:3:3], brokertest.JSON(201, `{"dashboard_url":7}`), brokertest.Cut(201, `{`))...),
	"orphan row bind 201 malformed":      after(paas.OrphanBinding, bindOnly, append(wrongly(201)[:3:3], brokertest.JSON(201, `{"credentials":7}`), brokertest.Huge(201, 2<<20))...),
	"orphan row 202":                     after(paas.NoOrphan, everyOp, brokertest.JSON(202, good)),
	"orphan row provision 202 malformed": each(
		after(paas.OrphanInstance, provisionOnly, wrongly(202)...),
		after(paas.NoOrphan, []paas.BrokerOp{paas.OpUpdate, paas.OpDeprovision}, wrongly(202)...),
	),
	"orphan row bind 202 malformed": each(
		after(paas.OrphanBinding, bindOnly, wrongly(202)...),
		after(paas.NoOrphan, []paas.BrokerOp{paas.OpUnbind}, wrongly(202)...),
	),
	"orphan row instance other 2xx": after(paas.OrphanInstance, instanceOps, others2xx...),
	"orphan row binding other 2xx":  after(paas.OrphanBinding, ofBindings, others2xx...),
	"orphan row update other 2xx":   after(paas.NoOrphan, updateOnly, others2xx...),
	"orphan row 408":                after(paas.NoOrphan, everyOp, brokertest.JSON(408, `{}`)),
	"orphan row other 4xx":          after(paas.NoOrphan, everyOp, others4xx...),
	"orphan row instance 5xx":       after(paas.OrphanInstance, instanceOps, all5xx...),
	"orphan row binding 5xx":        after(paas.OrphanBinding, ofBindings, all5xx...),
	"orphan row update 5xx":         after(paas.NoOrphan, updateOnly, all5xx...),
	"orphan row provision timeout":  silence(paas.OrphanInstance, paas.OpProvision),
	"orphan row bind timeout":       silence(paas.OrphanBinding, paas.OpBind),
	"orphan row other timeouts": silence(paas.NoOrphan, paas.OpUpdate, paas.OpDeprovision, paas.OpUnbind,
		paas.OpCatalog, paas.OpPollInstance, paas.OpPollBinding, paas.OpFetchInstance, paas.OpFetchBinding),
}
