package broker_test

import (
	"strings"
	"testing"

	"github.com/crumpet-paas/crumpet/server/broker"
	"github.com/crumpet-paas/crumpet/server/broker/brokertest"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// unbindNames fails unless an unbind has a parameter, and is not sent without it.
func unbindNames(key, want string, without func(*paas.UnbindRequest)) func(*testing.T) {
	return func(t *testing.T) {
		sentOnlyWith(t, paas.OpUnbind, key, want)
		r := unbind
		without(&r)
		notSent(t, "no "+key, func(c *broker.Client) error { _, err := c.Unbind(t.Context(), r); return err })
	}
}

func deprovisionNames(key, want string, without func(*paas.DeprovisionRequest)) func(*testing.T) {
	return func(t *testing.T) {
		sentOnlyWith(t, paas.OpDeprovision, key, want)
		r := deprov
		without(&r)
		notSent(t, "no "+key, func(c *broker.Client) error { _, err := c.Deprovision(t.Context(), r); return err })
	}
}

func sentOnlyWith(t *testing.T, op paas.BrokerOp, key, want string) {
	t.Helper()
	r := everySent(t)[op]
	is(t, "method", r.Method, "DELETE")
	is(t, key, query(t, r).Get(key), want)
	is(t, "body", r.Body, "")
}

func goneAlready(op paas.BrokerOp) func(*testing.T) {
	return func(t *testing.T) {
		for name, answer := range map[string]brokertest.Answer{
			"as it should": brokertest.JSON(410, `{}`), "without a body": brokertest.Raw(410, "", ""), "with HTML": brokertest.Raw(410, "text/html", "<html>"),
		} {
			o, err := try(t, op, answer)
			if err != nil || !o.Forget(op) || paas.Orphaned(op, o) != paas.NoOrphan {
				t.Errorf("%s: %+v, %v, want success", name, o, err)
			}
		}
	}
}

// busy fails unless a delete in conflict is tried again, and takes nothing away.
func busy(op paas.BrokerOp) func(*testing.T) {
	return func(t *testing.T) {
		o, err := refuses(t, op, "ConcurrencyError")
		_, again := paas.BrokerTry{Op: op, Attempt: 1}.Again(o)
		if paas.CodeOf(err) != paas.Conflict || !again || o.Forget(op) || paas.Orphaned(op, o) != paas.NoOrphan {
			t.Errorf("%+v, %v, again %t", o, err, again)
		}
	}
}

var deleteProofs = proofs{
	"unbind names the offering":                  unbindNames("service_id", "o1", func(r *paas.UnbindRequest) { r.OfferingID = "" }),
	"unbind names the plan":                      unbindNames("plan_id", "p1", func(r *paas.UnbindRequest) { r.PlanID = "" }),
	"deprovision names the offering":             deprovisionNames("service_id", "o1", func(r *paas.DeprovisionRequest) { r.OfferingID = "" }),
	"deprovision names the plan":                 deprovisionNames("plan_id", "p1", func(r *paas.DeprovisionRequest) { r.PlanID = "" }),
	"410 for an unbind":                          goneAlready(paas.OpUnbind),
	"410 for a deprovision":                      goneAlready(paas.OpDeprovision),
	"unbind in conflict":                         busy(paas.OpUnbind),
	"deprovision in conflict":                    busy(paas.OpDeprovision),
	"other statuses remember the binding":        fails(paas.OpUnbind, 200, 202, 410),
	"other statuses remember the instance to go": fails(paas.OpDeprovision, 200, 202, 410),
	"operation of an unbind":                     keepsOperation(paas.OpUnbind, brokertest.Unbind),
	"operation of a deprovision":                 keepsOperation(paas.OpDeprovision, brokertest.Deprovision),
	"bindings go first": func(t *testing.T) {
		r := deprov
		r.Bound = []string{"b1", "b2"}
		notSent(t, "bound", func(c *broker.Client) error {
			_, err := c.Deprovision(t.Context(), r)
			if paas.CodeOf(err) != paas.Conflict || !strings.Contains(err.Error(), "2 bindings, b1 among them. Unbind them first.") {
				t.Error(err)
			}
			return err
		})
	},
}
