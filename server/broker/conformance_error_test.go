package broker_test

import (
	"strings"
	"testing"

	"github.com/crumpet-paas/crumpet/server/broker/brokertest"
	"github.com/crumpet-paas/crumpet/server/paas"
)

var changing = []paas.BrokerOp{paas.OpProvision, paas.OpUpdate, paas.OpDeprovision, paas.OpBind, paas.OpUnbind}

// refuses gives the error of a 422 with this word.
func refuses(t *testing.T, op paas.BrokerOp, word string) (paas.BrokerOutcome, error) {
	t.Helper()
	return try(t, op, brokertest.JSON(422, `{"error":"`+word+`","description":"so be it"}`))
}

var errorProofs = proofs{
	"description reaches the user": func(t *testing.T) {
		for _, e := range every {
			for _, status := range []int{400, 404, 409, 422, 500} {
				if _, err := try(t, e.op, brokertest.JSON(status, `{"description":"the disk is full"}`)); !strings.Contains(paas.MessageOf(err), "It says: the disk is full.") {
					t.Errorf("%s with %d: %v", e.op, status, err)
				}
			}
		}
	},
	"instance_usable of update and deprovision": func(t *testing.T) {
		for _, op := range []paas.BrokerOp{paas.OpUpdate, paas.OpDeprovision} {
			for _, status := range []int{400, 422, 500} {
				for text, usable := range map[string]bool{"true": true, "false": false} {
					o, _ := try(t, op, brokertest.JSON(status, `{"instance_usable":`+text+`}`))
					is(t, string(op)+" "+text, o.Usable(), usable)
				}
			}
		}
	},
	"flags of other operations are not heard": func(t *testing.T) {
		for _, op := range []paas.BrokerOp{paas.OpProvision, paas.OpBind, paas.OpUnbind, paas.OpCatalog, paas.OpFetchInstance} {
			o, _ := try(t, op, brokertest.JSON(422, `{"instance_usable":false,"update_repeatable":false}`))
			is(t, string(op)+" usable", o.Usable(), true)
			is(t, string(op)+" unrepeatable", o.Unrepeatable, false)
		}
		o, _ := try(t, paas.OpDeprovision, brokertest.JSON(422, `{"update_repeatable":false}`))
		is(t, "deprovision unrepeatable", o.Unrepeatable, false)
		for _, op := range []paas.BrokerOp{paas.OpProvision, paas.OpBind, paas.OpUnbind} {
			polled, _ := poll(t, op, brokertest.JSON(200, `{"state":"failed","instance_usable":false,"update_repeatable":false}`))
			is(t, "polled "+string(op), polled.Outcome, paas.BrokerOutcome{End: paas.EndAnswered, Status: 200, Polled: paas.PollFailed})
		}
	},
	"flags default to true": func(t *testing.T) {
		for _, body := range []string{`{}`, `{"instance_usable":null,"update_repeatable":null}`, `garbage`} {
			o, _ := try(t, paas.OpUpdate, brokertest.JSON(500, body))
			is(t, "usable after "+body, o.Usable(), true)
			is(t, "unrepeatable after "+body, o.Unrepeatable, false)
		}
	},
	"update_repeatable decides on another try": func(t *testing.T) {
		for text, want := range map[string]bool{"true": true, "false": false} {
			o, _ := try(t, paas.OpUpdate, brokertest.JSON(500, `{"update_repeatable":`+text+`}`))
			_, again := paas.BrokerTry{Op: paas.OpUpdate, Attempt: 1}.Again(o)
			is(t, text, again, want)
		}
	},
	"AsyncRequired": func(t *testing.T) {
		all := everySent(t)
		for _, op := range changing {
			is(t, string(op), query(t, all[op]).Get("accepts_incomplete"), "true")
			_, err := refuses(t, op, "AsyncRequired")
			if err == nil || !strings.Contains(err.Error(), "was told that it may") {
				t.Errorf("%s: %v", op, err)
			}
		}
	},
	"ConcurrencyError": func(t *testing.T) {
		for _, op := range changing {
			o, err := refuses(t, op, "ConcurrencyError")
			wait, again := paas.BrokerTry{Op: op, Attempt: 1}.Again(o)
			if paas.CodeOf(err) != paas.Conflict || !again || wait <= 0 || !strings.Contains(err.Error(), "Wait until that has ended") {
				t.Errorf("%s: %v, again %t after %s", op, err, again, wait)
			}
		}
	},
	"RequiresApp": func(t *testing.T) {
		_, err := refuses(t, paas.OpBind, "RequiresApp")
		if paas.CodeOf(err) != paas.Invalid || !strings.Contains(err.Error(), "Bind it to an app") {
			t.Error(err)
		}
		r := everySent(t)[paas.OpBind]
		is(t, "app_guid", field(t, r, "app_guid"), any("shop"))
	},
	"MaintenanceInfoConflict": func(t *testing.T) {
		for _, op := range []paas.BrokerOp{paas.OpProvision, paas.OpUpdate} {
			o, err := refuses(t, op, "MaintenanceInfoConflict")
			if paas.CodeOf(err) != paas.Conflict || !o.CatalogStale() || !strings.Contains(err.Error(), "Read its catalog again") {
				t.Errorf("%s: %v", op, err)
			}
			other, _ := refuses(t, op, "ConcurrencyError")
			is(t, "stale for another reason", other.CatalogStale(), false)
		}
	},
	"bodies are declared as JSON": func(t *testing.T) {
		for op, r := range everySent(t) {
			want := ""
			if r.Body != "" {
				want = "application/json"
			}
			is(t, string(op), r.Header.Get("Content-Type"), want)
		}
	},
	"no content type is no obstacle": func(t *testing.T) {
		for _, e := range every {
			if _, err := try(t, e.op, brokertest.Raw(200, "", good)); err != nil {
				t.Errorf("%s: %v", e.op, err)
			}
		}
	},
}
