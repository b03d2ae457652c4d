package broker_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/broker"
	"github.com/crumpet-paas/crumpet/server/broker/brokertest"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// provisions gives the request that a ProvisionRequest makes.
func provisions(t *testing.T, change func(*paas.ProvisionRequest)) brokertest.Request {
	t.Helper()
	r := provision
	change(&r)
	return sent(t, func(c *broker.Client) error { _, err := c.Provision(t.Context(), r); return err })
}

// provisioned gives what becomes of an answer.
func provisioned(t *testing.T, answer brokertest.Answer) (paas.Changed, error) {
	t.Helper()
	b := brokertest.New()
	b.On(brokertest.Provision, answer)
	return connect(t, b).Provision(t.Context(), provision)
}

// notSent fails unless a request is refused before it is sent.
func notSent(t *testing.T, what string, call func(*broker.Client) error) {
	t.Helper()
	b := brokertest.New()
	err := call(connect(t, b))
	if end(err).End != paas.EndRefused || len(b.Asked()) != 0 {
		t.Errorf("%s: %v after %d requests, want it refused here", what, err, len(b.Asked()))
	}
}

// fails fails unless every status but these is a failure of an operation, which takes nothing away.
func fails(op paas.BrokerOp, but ...int) func(*testing.T) {
	return func(t *testing.T) {
		for _, status := range []int{200, 201, 202, 203, 204, 206, 301, 302, 307, 400, 401, 403, 404, 405, 408, 409, 410, 412, 418, 422, 429, 500, 502, 503, 504} {
			o, err := try(t, op, brokertest.JSON(status, `{"state":"failed"}`))
			if want := slices.Contains(but, status); (err == nil) != want {
				t.Errorf("%d is error %v, want success: %t", status, err, want)
			} else if err != nil && (o.Status != status || o.Succeeded(op) || o.Forget(op)) {
				t.Errorf("%d: outcome %+v of a failure", status, o)
			}
		}
		for name, answer := range map[string]brokertest.Answer{"garbage": brokertest.Bytes("x"), "an empty body": brokertest.JSON(200, ""), "a cut": brokertest.Cut(200, "{")} {
			if o, err := try(t, op, answer); err == nil || o.Forget(op) {
				t.Errorf("%s: %+v, %v, want a failure", name, o, err)
			}
		}
	}
}

// keepsOperation fails unless the operation of a 202 comes back when it is polled.
func keepsOperation(op paas.BrokerOp, kind brokertest.Kind) func(*testing.T) {
	return func(t *testing.T) {
		answer := func(operation string) (string, error) {
			b := brokertest.New()
			b.On(kind, brokertest.JSON(http.StatusAccepted, `{"operation":`+operation+`}`))
			c, ctx := connect(t, b), t.Context()
			var changed paas.Changed
			var err error
			switch op {
			case paas.OpProvision:
				changed, err = c.Provision(ctx, provision)
			case paas.OpUpdate:
				changed, err = c.Update(ctx, update)
			case paas.OpDeprovision:
				changed, err = c.Deprovision(ctx, deprov)
			case paas.OpUnbind:
				changed, err = c.Unbind(ctx, unbind)
			case paas.OpBind, paas.OpCatalog, paas.OpPollInstance, paas.OpPollBinding, paas.OpFetchInstance, paas.OpFetchBinding:
				var bound paas.Bound
				bound, err = c.Bind(ctx, bind)
				changed = paas.Changed{Async: bound.Async, Operation: bound.Operation}
			}
			if err == nil && !changed.Async {
				t.Error("a 202 is not asynchronous")
			}
			return changed.Operation, err
		}
		long := strings.Repeat("ü", 10_000)
		for text, want := range map[string]string{`"task_10"`: "task_10", `" a/b "`: " a/b ", `null`: "", `""`: "", `"` + long + `"`: long} {
			got, err := answer(text)
			if err != nil {
				t.Errorf("%.30s: %v", text, err)
				continue
			}
			is(t, "operation", got, want)
			is(t, "operation of the poll", query(t, asksFor(t, pollRequest(op, got))).Get("operation"), want)
		}
		for _, text := range []string{`"` + long + `x"`, `7`, `{}`} {
			if _, err := answer(text); end(err).End != paas.EndMalformed || end(err).Status != 202 {
				t.Errorf("%.30s: %v, want it malformed", text, err)
			}
		}
	}
}

var instanceProofs = proofs{
	"synchronous successes": func(t *testing.T) {
		for op, status := range map[paas.BrokerOp]int{paas.OpProvision: 201, paas.OpBind: 201, paas.OpUpdate: 200, paas.OpUnbind: 200, paas.OpDeprovision: 200} {
			o, err := try(t, op, brokertest.JSON(status, `{}`))
			is(t, string(op), o, paas.BrokerOutcome{End: paas.EndAnswered, Status: status})
			if err != nil || !o.Succeeded(op) {
				t.Errorf("%s with %d: %v", op, status, err)
			}
		}
	},
	"accepts_incomplete on all that changes": func(t *testing.T) {
		for op, r := range everySent(t) {
			want := ""
			if slices.Contains(changing, op) {
				want = "true"
			}
			is(t, string(op), query(t, r).Get("accepts_incomplete"), want)
		}
	},
	"an instance needs an id": func(t *testing.T) {
		for _, id := range []string{"", ".", ".."} {
			r := provision
			r.InstanceID = id
			notSent(t, id, func(c *broker.Client) error { _, err := c.Provision(t.Context(), r); return err })
		}
	},
	"an id is not used again": func(t *testing.T) {
		// What may have made an instance is not tried again under its id; what certainly has not, is.
		for answer, want := range map[int]bool{500: false, 201: false, 429: true} {
			o, _ := try(t, paas.OpProvision, brokertest.Raw(answer, "text/html", "<html>"))
			_, again := paas.BrokerTry{Op: paas.OpProvision, Attempt: 1}.Again(o)
			is(t, "again", again, want)
		}
	},
	"provision names the offering": func(t *testing.T) {
		is(t, "service_id", field(t, provisions(t, func(*paas.ProvisionRequest) {}), "service_id"), any("o1"))
		r := provision
		r.OfferingID = ""
		notSent(t, "no offering", func(c *broker.Client) error { _, err := c.Provision(t.Context(), r); return err })
	},
	"provision names the plan": func(t *testing.T) {
		is(t, "plan_id", field(t, provisions(t, func(*paas.ProvisionRequest) {}), "plan_id"), any("p1"))
		r := provision
		r.PlanID = ""
		notSent(t, "no plan", func(c *broker.Client) error { _, err := c.Provision(t.Context(), r); return err })
	},
	"team and space stand in context and beside it": func(t *testing.T) {
		r := provisions(t, func(*paas.ProvisionRequest) {})
		for path, want := range map[string]string{
			"organization_guid": "team", "space_guid": "prod", "context.organization_guid": "team", "context.space_guid": "prod",
		} {
			is(t, path, field(t, r, path), any(want))
		}
	},
	"team and space are not empty": func(t *testing.T) {
		for name, change := range map[string]func(*paas.ProvisionRequest){
			"no team":  func(r *paas.ProvisionRequest) { r.Organization = "" },
			"no space": func(r *paas.ProvisionRequest) { r.Space = "" },
		} {
			r := provision
			change(&r)
			notSent(t, name, func(c *broker.Client) error { _, err := c.Provision(t.Context(), r); return err })
		}
	},
	"maintenance_info of a provision": func(t *testing.T) {
		is(t, "version", field(t, provisions(t, func(r *paas.ProvisionRequest) { r.Maintenance = "2.1.1+abcdef" }), "maintenance_info.version"), any("2.1.1+abcdef"))
		is(t, "none", field(t, provisions(t, func(*paas.ProvisionRequest) {}), "maintenance_info"), nil)
	},
	"200 for an instance that is there": func(t *testing.T) {
		got, err := provisioned(t, brokertest.JSON(200, `{"dashboard_url":"https://d.example.com/x"}`))
		if err != nil || got.Async || !got.Outcome.Succeeded(paas.OpProvision) || got.DashboardURL != "https://d.example.com/x" {
			t.Errorf("%+v, %v", got, err)
		}
	},
	"201 for an instance": func(t *testing.T) {
		got, err := provisioned(t, brokertest.JSON(201, `{"operation":"not to be polled"}`))
		if err != nil || got.Async || got.Operation != "" || !got.Outcome.Succeeded(paas.OpProvision) {
			t.Errorf("%+v, %v", got, err)
		}
		is(t, "forget", got.Outcome.Forget(paas.OpProvision), false)
	},
	"202 for an instance to come": func(t *testing.T) {
		got, err := provisioned(t, brokertest.JSON(202, `{"operation":"task_10","dashboard_url":"https://d.example.com/x"}`))
		want := paas.Changed{Outcome: paas.BrokerOutcome{End: paas.EndAnswered, Status: 202}, Async: true, Operation: "task_10", DashboardURL: "https://d.example.com/x"}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
		is(t, "succeeded", got.Outcome.Succeeded(paas.OpProvision), false)
	},
	"400 for a provision": func(t *testing.T) {
		_, err := provisioned(t, brokertest.JSON(400, `{"description":"size is too large"}`))
		if paas.CodeOf(err) != paas.Invalid || !strings.Contains(paas.MessageOf(err), "Check the parameters. It says: size is too large.") {
			t.Error(err)
		}
	},
	"409 for an id in use": func(t *testing.T) {
		_, err := provisioned(t, brokertest.JSON(409, `{}`))
		if paas.CodeOf(err) != paas.Conflict || paas.Orphaned(paas.OpProvision, end(err)) != paas.NoOrphan {
			t.Errorf("%v: what somebody else has under this id must not be deleted", err)
		}
	},
	"maintenance conflict of a provision": func(t *testing.T) {
		o, err := refuses(t, paas.OpProvision, "MaintenanceInfoConflict")
		is(t, "stale", o.CatalogStale(), true)
		is(t, "code", paas.CodeOf(err), paas.Conflict)
	},
	"other statuses fail a provision": fails(paas.OpProvision, 200, 201, 202),
	"dashboard_url is a string or null": func(t *testing.T) {
		for text, want := range map[string]string{
			`null`: "", `"https://d.example.com/9189"`: "https://d.example.com/9189", `"javascript:alert(1)"`: "", `"d.example.com"`: "", `""`: "",
		} {
			got, err := provisioned(t, brokertest.JSON(201, `{"dashboard_url":`+text+`}`))
			if err != nil {
				t.Errorf("%s: %v", text, err)
			}
			is(t, text, got.DashboardURL, want)
		}
		if _, err := provisioned(t, brokertest.JSON(201, `{"dashboard_url":7}`)); end(err).End != paas.EndMalformed {
			t.Errorf("a number: %v", err)
		}
	},
	"operation of 10,000 characters": keepsOperation(paas.OpProvision, brokertest.Provision),
	"operation of a provision":       keepsOperation(paas.OpProvision, brokertest.Provision),
	"metadata of an instance": func(t *testing.T) {
		const body = `{"metadata":{"labels":{"key1":"value1"},"attributes":{"broker.generated.attr1":"value2"}}}`
		want := &paas.InstanceMetadata{Labels: map[string]string{"key1": "value1"}, Attributes: map[string]string{"broker.generated.attr1": "value2"}}
		got, err := provisioned(t, brokertest.JSON(201, body))
		if diff := cmp.Diff(want, got.Metadata); diff != "" || err != nil {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
		got, _ = provisioned(t, brokertest.JSON(201, `{}`))
		is(t, "metadata where none is given", got.Metadata, nil)
	},
	"an instance that is not there is remembered": func(t *testing.T) {
		o, err := try(t, paas.OpFetchInstance, brokertest.JSON(404, `{}`))
		is(t, "code", paas.CodeOf(err), paas.NotFound)
		is(t, "forget", o.Forget(paas.OpFetchInstance), false)
	},
	"an instance under update": func(t *testing.T) {
		o, err := refuses(t, paas.OpFetchInstance, "ConcurrencyError")
		_, again := paas.BrokerTry{Op: paas.OpFetchInstance, Attempt: 1}.Again(o)
		is(t, "code", paas.CodeOf(err), paas.Conflict)
		is(t, "again", again, true)
	},
	"other statuses remember the instance": fails(paas.OpFetchInstance, 200),
	"only the version of maintenance_info": func(t *testing.T) {
		b := brokertest.New()
		b.On(brokertest.FetchInstance, brokertest.JSON(200, `{"service_id":"o1","plan_id":"p2","dashboard_url":"https://d.example.com","parameters":{"a":1},
			"maintenance_info":{"version":"2.1.0","description":7}}`))
		got, err := connect(t, b).Instance(t.Context(), fetch)
		want := paas.FetchedInstance{OfferingID: "o1", PlanID: "p2", DashboardURL: "https://d.example.com", Parameters: paas.NewSecret(`{"a":1}`), Maintenance: "2.1.0"}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
		is(t, "URL", b.Last().URI, "/v2/service_instances/i1?service_id=o1&plan_id=p1")
	},
}
