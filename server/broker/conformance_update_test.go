package broker_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/broker"
	"github.com/crumpet-paas/crumpet/server/broker/brokertest"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// updates gives the request that an UpdateRequest makes.
func updates(t *testing.T, change func(*paas.UpdateRequest)) brokertest.Request {
	t.Helper()
	r := update
	change(&r)
	return sent(t, func(c *broker.Client) error { _, err := c.Update(t.Context(), r); return err })
}

func asIs(*paas.UpdateRequest) {}

// unusable fails unless what an operation leaves is as usable as the broker says.
func unusable(op paas.BrokerOp) func(*testing.T) {
	return func(t *testing.T) {
		o, _ := try(t, op, brokertest.JSON(500, `{"instance_usable":false}`))
		is(t, "usable after an error", o.Usable(), false)
		polled, next := poll(t, op, brokertest.JSON(200, `{"state":"failed","instance_usable":false}`))
		is(t, "usable after polling", next.Ended(polled.Outcome).Usable(), false)
		polled, next = poll(t, op, brokertest.JSON(200, `{"state":"succeeded","instance_usable":false}`))
		is(t, "usable after a success", next.Ended(polled.Outcome).Usable(), true)
	}
}

func usable(op paas.BrokerOp) func(*testing.T) {
	return func(t *testing.T) {
		for name, answer := range map[string]brokertest.Answer{
			"an error": brokertest.JSON(500, `{}`), "HTML": brokertest.Raw(500, "text/html", "<html>"), "a 422": brokertest.JSON(422, `{"description":"x"}`),
			"a flag that is none": brokertest.JSON(500, `{"instance_usable":"no"}`), "garbage": brokertest.Bytes("x"),
		} {
			o, err := try(t, op, answer)
			if err == nil || !o.Usable() {
				t.Errorf("%s: %+v, %v", name, o, err)
			}
		}
		polled, next := poll(t, op, brokertest.JSON(200, `{"state":"failed"}`))
		is(t, "usable after polling", next.Ended(polled.Outcome).Usable(), true)
	}
}

// noted gives the metadata of an update's answer.
func noted(t *testing.T, metadata string) *paas.InstanceMetadata {
	t.Helper()
	b := brokertest.New()
	b.On(brokertest.Update, brokertest.JSON(200, `{"metadata":`+metadata+`}`))
	changed, err := connect(t, b).Update(t.Context(), update)
	if err != nil {
		t.Error(err)
	}
	return changed.Metadata
}

var updateProofs = proofs{
	"a plan that stays is not sent": func(t *testing.T) {
		is(t, "plan_id", field(t, updates(t, asIs), "plan_id"), nil)
		is(t, "plan_id of a change", field(t, updates(t, func(r *paas.UpdateRequest) { r.PlanID = "p2" }), "plan_id"), any("p2"))
	},
	"update names the offering": func(t *testing.T) {
		is(t, "service_id", field(t, updates(t, asIs), "service_id"), any("o1"))
		r := update
		r.OfferingID = ""
		notSent(t, "no offering", func(c *broker.Client) error { _, err := c.Update(t.Context(), r); return err })
	},
	"the plan before": func(t *testing.T) {
		is(t, "plan_id", field(t, updates(t, func(r *paas.UpdateRequest) { r.PlanID = "p2" }), "previous_values.plan_id"), any("p1"))
	},
	"the team in context": func(t *testing.T) {
		r := updates(t, func(r *paas.UpdateRequest) { r.Organization = "team" })
		is(t, "organization_guid", field(t, r, "context.organization_guid"), any("team"))
	},
	"the space in context": func(t *testing.T) {
		is(t, "space_guid", field(t, updates(t, func(r *paas.UpdateRequest) { r.Space = "prod" }), "context.space_guid"), any("prod"))
	},
	"maintenance before the update": func(t *testing.T) {
		r := updates(t, func(r *paas.UpdateRequest) { r.Maintenance, r.PreviousMaintenance = "2.0.0", "1.0.0" })
		is(t, "version", field(t, r, "maintenance_info.version"), any("2.0.0"))
		is(t, "version before", field(t, r, "previous_values.maintenance_info.version"), any("1.0.0"))
		is(t, "version before where none is known", field(t, updates(t, asIs), "previous_values.maintenance_info"), nil)
	},
	"only what the user named": func(t *testing.T) {
		is(t, "parameters", field(t, updates(t, asIs), "parameters"), nil)
		if r := updates(t, asIs); strings.Contains(r.Body, "parameters") {
			t.Errorf("body %s", r.Body)
		}
		const given = `{"size":3,"nested":{"a":[1.0,2]}}`
		r := updates(t, func(r *paas.UpdateRequest) { r.Parameters = paas.NewSecret(given) })
		var body struct{ Parameters json.RawMessage }
		if err := json.Unmarshal([]byte(r.Body), &body); err != nil || string(body.Parameters) != given {
			t.Errorf("parameters %s, %v, want %s", body.Parameters, err, given)
		}
	},
	"200 and 202 for an update": func(t *testing.T) {
		for status, done := range map[int]bool{200: true, 202: false} {
			o, err := try(t, paas.OpUpdate, brokertest.JSON(status, `{}`))
			if err != nil || o.Succeeded(paas.OpUpdate) != done {
				t.Errorf("%d: %+v, %v", status, o, err)
			}
		}
	},
	"422 for an update": func(t *testing.T) {
		o, err := try(t, paas.OpUpdate, brokertest.JSON(422, `{"description":"over the quota of the plan"}`))
		_, again := paas.BrokerTry{Op: paas.OpUpdate, Attempt: 1}.Again(o)
		if paas.CodeOf(err) != paas.Invalid || again || !strings.Contains(err.Error(), "over the quota of the plan") {
			t.Errorf("%v, again %t", err, again)
		}
	},
	"other statuses fail an update":          fails(paas.OpUpdate, 200, 202),
	"no bindings of what is unusable":        unusable(paas.OpUpdate),
	"no bindings of what was left unusable":  unusable(paas.OpDeprovision),
	"usable unless said":                     usable(paas.OpUpdate),
	"usable unless said after a deprovision": usable(paas.OpDeprovision),
	"no retry that makes no sense": func(t *testing.T) {
		for _, status := range []int{408, 422, 500} {
			for text, want := range map[string]bool{`"update_repeatable":false`: false, `"update_repeatable":true`: status != 422} {
				o, _ := try(t, paas.OpUpdate, brokertest.JSON(status, `{`+text+`}`))
				_, again := paas.BrokerTry{Op: paas.OpUpdate, Attempt: 1}.Again(o)
				is(t, text, again, want)
			}
		}
		polled, next := poll(t, paas.OpUpdate, brokertest.JSON(200, `{"state":"failed","update_repeatable":false}`))
		is(t, "unrepeatable after polling", next.Ended(polled.Outcome).Unrepeatable, true)
	},
	"the dashboard is kept": func(t *testing.T) {
		for text, want := range map[string]string{`{}`: "https://old.example.com", `{"dashboard_url":null}`: "https://old.example.com", `{"dashboard_url":"https://new.example.com"}`: "https://new.example.com"} {
			for _, status := range []int{200, 202} {
				b := brokertest.New()
				b.On(brokertest.Update, brokertest.JSON(status, text))
				changed, err := connect(t, b).Update(t.Context(), update)
				if err != nil {
					t.Error(err)
				}
				is(t, text, changed.Dashboard("https://old.example.com"), want)
			}
		}
	},
	"operation of an update": keepsOperation(paas.OpUpdate, brokertest.Update),
	"labels replace labels": func(t *testing.T) {
		for text, want := range map[string]*paas.InstanceMetadata{
			`null`: nil, `{}`: {}, `{"labels":{}}`: {Labels: map[string]string{}}, `{"labels":{"a":"b"}}`: {Labels: map[string]string{"a": "b"}},
		} {
			if diff := cmp.Diff(want, noted(t, text)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", text, diff)
			}
		}
	},
	"labels of another syntax are ignored": func(t *testing.T) {
		long := strings.Repeat("x", 256)
		got := noted(t, `{"labels":{"a":"b","n":7,"o":{},"z":null,"esc\u001b":"x","new":"li\nne","`+long+`":"x","v":"`+long+`"}}`)
		if diff := cmp.Diff(map[string]string{"a": "b", "z": ""}, got.Labels); diff != "" {
			t.Errorf("labels (-want +got):\n%s", diff)
		}
	},
	"attributes of another form are ignored": func(t *testing.T) {
		got := noted(t, `{"attributes":{"a":"b","n":[7]}}`)
		if diff := cmp.Diff(map[string]string{"a": "b"}, got.Attributes); diff != "" {
			t.Errorf("attributes (-want +got):\n%s", diff)
		}
	},
}
