package broker_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/broker"
	"github.com/crumpet-paas/crumpet/server/broker/brokertest"
	"github.com/crumpet-paas/crumpet/server/paas"
)

const draft4 = `"$schema": "http://json-schema.org/draft-04/schema#"`

// catalog reads a catalog of this text.
func catalog(t *testing.T, text string) (paas.Catalog, error) {
	t.Helper()
	b := brokertest.New()
	b.On(brokertest.Catalog, brokertest.JSON(200, text))
	return connect(t, b).Catalog(t.Context(), paas.Caller{})
}

// one is a catalog with one offering and one plan, with these fields more.
func one(offering, plan string) string {
	return fmt.Sprintf(`{"services":[{"id":"o1","name":"db","description":"A database.","bindable":true%s,
		"plans":[{"id":"p1","name":"small","description":"A small one."%s}]}]}`, offering, plan)
}

func only(t *testing.T, text string) (paas.Offering, paas.ServicePlan) {
	t.Helper()
	c, err := catalog(t, text)
	if err != nil {
		t.Fatal(err)
	}
	return c.Offerings[0], c.Offerings[0].Plans[0]
}

// The example of the specification's section "Maintenance Info Object", shortened.
const example = `{"services": [{
    "name": "fake-service", "id": "acb56d7c-XXXX-XXXX-XXXX-feb140a59a66", "description": "A fake service.",
    "tags": ["no-sql", "relational"], "requires": ["route_forwarding"], "bindable": true,
    "instances_retrievable": true, "bindings_retrievable": true, "allow_context_updates": true,
    "metadata": {"displayName": "The Fake Service Broker"},
    "dashboard_client": {"id": "x", "secret": "not to be kept"},
    "plan_updateable": true,
    "plans": [{
      "name": "fake-plan-1", "id": "d3031751-XXXX-XXXX-XXXX-a42377d3320e", "description": "Shared fake Server.", "free": false,
      "metadata": {"max_storage_tb": 5, "costs":[{"amount":{"usd":99.0},"unit":"MONTHLY"}]},
      "schemas": {
        "service_instance": {
          "create": {"parameters": {` + draft4 + `, "type": "object", "title": "create"}},
          "update": {"parameters": {` + draft4 + `, "type": "object", "title": "update"}}},
        "service_binding": {"create": {"parameters": {` + draft4 + `, "type": "object", "title": "bind"}}}},
      "maximum_polling_duration": 1200, "binding_rotatable": true,
      "maintenance_info": {"version": "2.1.1+abcdef", "description": "OS image update.\nExpect downtime."}
    }, {
      "name": "fake-plan-2", "id": "0f4008b5-XXXX-XXXX-XXXX-dace631cd648", "description": "Another.", "bindable": false, "plan_updateable": false
    }]}]}`

func TestACatalogIsReadWholeWithItsDefaultsResolved(t *testing.T) {
	t.Parallel()
	got, err := catalog(t, example)
	if err != nil {
		t.Fatal(err)
	}
	schema := func(title string) json.RawMessage {
		return json.RawMessage(`{` + draft4 + `, "type": "object", "title": "` + title + `"}`)
	}
	want := paas.Catalog{Offerings: []paas.Offering{{
		ID: "acb56d7c-XXXX-XXXX-XXXX-feb140a59a66", Name: "fake-service", Description: "A fake service",
		Tags: []string{"no-sql", "relational"}, Requires: []string{"route_forwarding"},
		InstancesRetrievable: true, BindingsRetrievable: true, AllowContextUpdates: true,
		Metadata: json.RawMessage(`{"displayName": "The Fake Service Broker"}`),
		Plans: []paas.ServicePlan{
			{
				ID: "d3031751-XXXX-XXXX-XXXX-a42377d3320e", Name: "fake-plan-1", Description: "Shared fake Server",
				Bindable: true, BindingRotatable: true, PlanUpdateable: true,
				Metadata:       json.RawMessage(`{"max_storage_tb": 5, "costs":[{"amount":{"usd":99.0},"unit":"MONTHLY"}]}`),
				Costs:          json.RawMessage(`[{"amount":{"usd":99.0},"unit":"MONTHLY"}]`),
				MaximumPolling: 20 * time.Minute,
				Maintenance:    &paas.Maintenance{Version: "2.1.1+abcdef", Description: "OS image update. Expect downtime"},
				Schemas:        paas.PlanSchemas{Create: schema("create"), Update: schema("update"), Bind: schema("bind")},
			},
			{ID: "0f4008b5-XXXX-XXXX-XXXX-dace631cd648", Name: "fake-plan-2", Description: "Another", Free: true},
		},
	}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("catalog (-want +got):\n%s", diff)
	}
}

func TestACatalogIsRefusedWithAllOfItsFaults(t *testing.T) {
	t.Parallel()
	_, err := catalog(t, `{"services": [
		{"id": "o1", "name": "db", "description": "x", "bindable": true, "plans": [
			{"id": "p1", "name": "small", "description": "x"},
			{"id": "p1", "name": "small", "description": 7, "free": "yes"},
			{"name": "", "description": "x", "maximum_polling_duration": "60", "maintenance_info": {"version": "v1"}},
			"plan"]},
		{"id": "o1", "name": "db", "description": "", "bindable": null, "plans": []},
		{"id": "o\n3", "name": "mail", "description": "x", "bindable": 1, "tags": "a", "plan_updateable": [], "plans": [
			{"id": "p1", "name": "small", "description": "x", "maximum_polling_duration": 0, "maintenance_info": {},
			 "schemas": {"service_instance": {"create": {"parameters": {"type": "object"}}, "update": {"parameters": 7}}}}]},
		null]}`)
	var got []string
	for _, f := range paas.FaultsOf(err) {
		got = append(got, f.Location+" "+f.Message)
	}
	want := []string{
		`services.3 is not an object`,
		`services.0.plans.3 is not an object`,
		`services.0.plans.1.description is not a string`,
		`services.0.plans.1.free is not true or false`,
		`services.0.plans.1.id the id "p1" is that of services.0.plans.0 already`,
		`services.0.plans.1.name the name "small" is that of services.0.plans.0 already`,
		`services.0.plans.2.id is required`,
		`services.0.plans.2.name is required`,
		`services.0.plans.2.maximum_polling_duration is not a whole number of seconds`,
		`services.0.plans.2.maintenance_info.version is not a semantic version such as 2.1.0`,
		`services.1.description is required`,
		`services.1.bindable is required`,
		`services.1.plans holds no plan; one at least is required`,
		`services.1.id the id "o1" is that of services.0 already`,
		`services.1.name the name "db" is that of services.0 already`,
		`services.2.id holds control characters`,
		`services.2.tags is not an array of strings`,
		`services.2.bindable is not true or false`,
		`services.2.plan_updateable is not true or false`,
		`services.2.plans.0.maximum_polling_duration is no time at all`,
		`services.2.plans.0.maintenance_info.version is required`,
		`services.2.plans.0.schemas.service_instance.create.parameters has no $schema to say which version of JSON schema it is written in`,
		`services.2.plans.0.schemas.service_instance.update.parameters is not an object`,
		`services.2.plans.0.id the id "p1" is that of services.0.plans.0 already`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
	if paas.CodeOf(err) != paas.Invalid || end(err).End != paas.EndMalformed {
		t.Errorf("error = %v of outcome %+v", err, end(err))
	}
}

func TestACatalogWithThousandsOfFaultsIsBounded(t *testing.T) {
	t.Parallel()
	_, err := catalog(t, `{"services":[`+strings.Repeat(`{},`, 5000)+`{}]}`)
	faults := paas.FaultsOf(err)
	if len(faults) != 101 || !strings.HasSuffix(faults[100].Message, "more faults") {
		t.Errorf("%d faults, the last %+v", len(faults), faults[len(faults)-1])
	}
}

func TestACatalogMayBeLargerThanOtherAnswers(t *testing.T) {
	t.Parallel()
	if _, err := catalog(t, one(`,"metadata":{"x":"`+strings.Repeat("x", 2<<20)+`"}`, "")); err != nil {
		t.Error(err)
	}
	if _, err := catalog(t, one(`,"metadata":{"x":"`+strings.Repeat("x", 8<<20)+`"}`, "")); end(err).End != paas.EndMalformed {
		t.Errorf("error = %v, want the catalog refused for its length", err)
	}
}

func TestParametersAreHeldToTheSchemaWithAllFaults(t *testing.T) {
	t.Parallel()
	schema := json.RawMessage(`{` + draft4 + `, "type": "object", "required": ["size", "owner"], "additionalProperties": false,
		"properties": {
			"size": {"type": "integer", "minimum": 1, "maximum": 10},
			"owner": {"type": "string", "format": "email"},
			"kind": {"enum": ["a", "b"]},
			"code": {"type": "string", "pattern": "^[a-z]+$", "maxLength": 5},
			"odd": {"type": "string", "pattern": "^(?!x).*$"},
			"either": {"oneOf": [{"type": "string"}, {"type": "integer"}]},
			"list": {"type": "array", "items": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string", "minLength": 2}}}}
		}}`)
	for name, c := range map[string]struct {
		given string
		want  []string
	}{
		"all well":   {`{"size": 3, "owner": "a@example.com", "kind": "a", "code": "abc", "odd": "x", "either": 1, "list": [{"name": "xy"}]}`, nil},
		"none given": {``, []string{"parameters.owner is required", "parameters.size is required"}},
		"all ill": {
			`{"size": 11, "owner": "s3cr3t", "kind": "s3cr3t", "code": "S3CR3T", "either": true, "list": [{}, {"name": "s"}, 7], "extra": "s3cr3t"}`,
			[]string{
				"parameters.code does not match ^[a-z]+$",
				"parameters.code is longer than 5 characters",
				"parameters.either fits none, or more than one, of the forms that the plan allows",
				"parameters.extra is not known to the plan",
				"parameters.kind is none of the 2 values that the plan allows",
				"parameters.list.0.name is required",
				"parameters.list.1.name is shorter than 2 characters",
				"parameters.list.2 is not of type object",
				"parameters.owner is not a valid email",
				"parameters.size is more than 10",
			},
		},
	} {
		err := broker.Validate(schema, paas.NewSecret(c.given))
		var got []string
		for _, f := range paas.FaultsOf(err) {
			got = append(got, f.Location+" "+f.Message)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: faults (-want +got):\n%s", name, diff)
		}
		if c.want == nil && err != nil || c.want != nil && paas.CodeOf(err) != paas.Invalid {
			t.Errorf("%s: error = %v", name, err)
		}
		if err != nil && strings.Contains(strings.ToLower(err.Error()), "s3cr3t") {
			t.Errorf("%s: the error shows a value: %v", name, err)
		}
	}
	for _, given := range []string{`[]`, `7`, `null`, `{"a":1} x`, `{`} {
		if err := broker.Validate(nil, paas.NewSecret(given)); paas.CodeOf(err) != paas.Invalid {
			t.Errorf("parameters %s without a schema: %v, want invalid", given, err)
		}
	}
	if err := broker.Validate(nil, paas.NewSecret(`{"any": "thing"}`)); err != nil {
		t.Error(err)
	}
}

func TestASchemaThatCanNotBeUsedIsAFaultOfTheCatalog(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ schema, want string }{
		"external reference":      {`{` + draft4 + `, "properties": {"a": {"$ref": "http://127.0.0.1:1/x.json"}}}`, "refers to what is outside of it"},
		"reference to a file":     {`{` + draft4 + `, "$ref": "file:///etc/passwd"}`, "refers to what is outside of it"},
		"relative reference":      {`{` + draft4 + `, "$ref": "other.json"}`, "refers to what is outside of it"},
		"unknown version":         {`{"$schema": "http://127.0.0.1:1/schema#"}`, "not known"},
		"larger than 64 kB":       {`{` + draft4 + `, "title": "` + strings.Repeat("x", 64<<10) + `"}`, "is larger than 64 kB"},
		"wrong by its own schema": {`{` + draft4 + `, "type": "thing"}`, "is not valid by the version"},
		"too deep":                {`{` + draft4 + `,"properties":` + strings.Repeat(`{"a":{"properties":`, 50) + `{}` + strings.Repeat(`}}`, 50) + `}`, "within each other"},
		"too wide":                {`{` + draft4 + `,"items":[` + strings.Repeat(`{},`, 4000) + `{}]}`, "holds more than 4000"},
		"dangling reference":      {`{` + draft4 + `, "$ref": "#/definitions/none"}`, "is not valid by the version"},
	} {
		_, err := catalog(t, one("", `,"schemas":{"service_binding":{"create":{"parameters":`+c.schema+`}}}`))
		faults := paas.FaultsOf(err)
		if len(faults) != 1 || faults[0].Location != "services.0.plans.0.schemas.service_binding.create.parameters" || !strings.Contains(faults[0].Message, c.want) {
			t.Errorf("%s: faults %+v, want one that says %q", name, faults, c.want)
		}
		if err := broker.Validate(json.RawMessage(c.schema), paas.NewSecret("{}")); paas.CodeOf(err) != paas.Invalid {
			t.Errorf("%s: Validate = %v, want invalid", name, err)
		}
	}
}

func TestASchemaThatTakesForEverIsNotBegunWith(t *testing.T) {
	t.Parallel()
	var steps []string
	for i := range 60 {
		steps = append(steps, fmt.Sprintf(`"a%d":{"not":{"allOf":[{"$ref":"#/definitions/a%d"},{"$ref":"#/definitions/a%d"}]}}`, i, i+1, i+1))
	}
	doubling := `{` + draft4 + `,"$ref":"#/definitions/a0","definitions":{` + strings.Join(steps, ",") + `,"a60":{"type":"object"}}}`
	nested := `{` + draft4 + `,"properties":{"x":{"allOf":[{"$ref":"#"},{"$ref":"#"}]}}}`
	for name, c := range map[string]struct{ schema, given string }{
		"in the schema":     {doubling, `{}`},
		"in the parameters": {nested, strings.Repeat(`{"x":`, 60) + `{}` + strings.Repeat(`}`, 60)},
	} {
		err := broker.Validate(json.RawMessage(c.schema), paas.NewSecret(c.given))
		if paas.CodeOf(err) != paas.Invalid || !strings.Contains(err.Error(), "take too long") {
			t.Errorf("%s: %v", name, err)
		}
	}
	// The same forms, of a size that somebody may mean.
	if err := broker.Validate(json.RawMessage(nested), paas.NewSecret(`{"x":{"x":{"x":{}}}}`)); err != nil {
		t.Error(err)
	}
	list := `{` + draft4 + `,"properties":{"l":{"type":"array","items":{"anyOf":[{"type":"integer"},{"type":"string"}]}}}}`
	if err := broker.Validate(json.RawMessage(list), paas.NewSecret(`{"l":[`+strings.Repeat("1,", 10_000)+`1]}`)); err != nil {
		t.Error(err)
	}
}
