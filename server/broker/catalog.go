package broker

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"time"
	"unicode/utf8"

	"github.com/crumpet-paas/crumpet/server/paas"
)

const (
	longestText    = 1000 // characters of a description
	longestName    = 255  // characters of a name or id, as the specification recommends
	longestPolling = 365 * 24 * time.Hour
	mostFaults     = 100 // of a catalog; who mends these sees the rest
)

// Catalog reads what the broker offers. A catalog with faults is refused whole, with all of them: of code
// invalid, as it is what an operator brings along.
func (c *Client) Catalog(ctx context.Context, caller paas.Caller) (paas.Catalog, error) {
	k := call{
		op: paas.OpCatalog, method: http.MethodGet, path: "/v2/catalog", caller: caller,
		does: "show its catalog", expects: []int{http.StatusOK}, longest: longestCatalog,
	}
	a, err := c.do(ctx, k)
	if err != nil {
		return paas.Catalog{}, err
	}
	catalog := readCatalog(a.object)
	faults := *a.faults
	if len(faults) == 0 {
		return catalog, nil
	}
	if n := len(faults) - mostFaults; n > 0 {
		faults = append(faults[:mostFaults:mostFaults], paas.Fault{Location: "services", Message: fmt.Sprintf("%d more faults", n)})
	}
	a.outcome.End = paas.EndMalformed
	e := c.fail(paas.Invalid, &paas.BrokerFailure{Op: k.op, Outcome: a.outcome, Detail: fmt.Sprintf("%d faults", len(*a.faults))},
		"has a catalog with faults, so none of it is offered: %s %s. Have the broker's maker mend it.", faults[0].Location, faults[0].Message)
	e.Faults = faults
	return paas.Catalog{}, e
}

// seen notes where an id or name was used first.
type seen map[string]string

func (s seen) note(o object, key, value, what string) {
	if value == "" { // a fault of its own
		return
	}
	if utf8.RuneCountInString(value) > longestName {
		o.fault(key, fmt.Sprintf("is longer than %d characters", longestName))
		return
	}
	if first, twice := s[value]; twice {
		o.fault(key, fmt.Sprintf("%s %q is that of %s already", what, value, first))
		return
	}
	s[value] = o.at
}

func readCatalog(o object) paas.Catalog {
	if !o.has("services") {
		o.fault("services", "is required")
	}
	catalog := paas.Catalog{Offerings: []paas.Offering{}}
	ids, names, planIDs := seen{}, seen{}, seen{}
	for _, s := range o.children("services") {
		offering := readOffering(s, planIDs)
		ids.note(s, "id", offering.ID, "the id")
		names.note(s, "name", offering.Name, "the name")
		catalog.Offerings = append(catalog.Offerings, offering)
	}
	return catalog
}

func readOffering(o object, planIDs seen) paas.Offering {
	offering := paas.Offering{
		ID: o.needed("id"), Name: o.needed("name"), Description: description(o, true),
		Tags: o.texts("tags"), Requires: o.texts("requires"),
		InstancesRetrievable: o.flag("instances_retrievable", false),
		BindingsRetrievable:  o.flag("bindings_retrievable", false),
		AllowContextUpdates:  o.flag("allow_context_updates", false),
		Metadata:             o.raw("metadata"),
	} // dashboard_client holds a secret for a feature that Crumpet has not: it is not read
	if !o.has("bindable") {
		o.fault("bindable", "is required")
	}
	bindable, updateable := o.flag("bindable", false), o.flag("plan_updateable", false)
	plans := o.children("plans")
	if !o.has("plans") || string(o.fields["plans"]) == "[]" {
		o.fault("plans", "holds no plan; one at least is required")
	}
	names := seen{}
	for _, p := range plans {
		plan := readPlan(p, bindable, updateable)
		planIDs.note(p, "id", plan.ID, "the id")
		names.note(p, "name", plan.Name, "the name")
		offering.Plans = append(offering.Plans, plan)
	}
	return offering
}

func readPlan(o object, bindable, updateable bool) paas.ServicePlan {
	plan := paas.ServicePlan{
		ID: o.needed("id"), Name: o.needed("name"), Description: description(o, true),
		Free:             o.flag("free", true),
		Bindable:         o.flag("bindable", bindable),
		BindingRotatable: o.flag("binding_rotatable", false),
		PlanUpdateable:   o.flag("plan_updateable", updateable),
		Metadata:         o.raw("metadata"),
		MaximumPolling:   polling(o),
	}
	if metadata, ok := o.child("metadata"); ok && metadata.has("costs") { // a convention, so of any form
		plan.Costs = metadata.fields["costs"]
	}
	if m, ok := o.child("maintenance_info"); ok {
		plan.Maintenance = &paas.Maintenance{Version: maintenance(m), Description: description(m, false)}
	}
	if schemas, ok := o.child("schemas"); ok {
		if instance, ok := schemas.child("service_instance"); ok {
			plan.Schemas.Create, plan.Schemas.Update = schema(instance, "create"), schema(instance, "update")
		}
		if binding, ok := schemas.child("service_binding"); ok {
			plan.Schemas.Bind = schema(binding, "create")
		}
	}
	return plan
}

func description(o object, required bool) string {
	text := o.text("description")
	if required && text == "" && (!o.has("description") || string(o.fields["description"]) == `""`) {
		o.fault("description", "is required")
	}
	return clean(text, longestText)
}

func polling(o object) time.Duration {
	var seconds int64
	if !o.read("maximum_polling_duration", &seconds, "a whole number of seconds") {
		return 0
	}
	if seconds <= 0 {
		o.fault("maximum_polling_duration", "is no time at all")
		return 0
	}
	return time.Duration(min(seconds, int64(longestPolling/time.Second))) * time.Second
}

// semantic is a version of semver.org 2.0, by the expression it recommends.
var semantic = regexp.MustCompile(`^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)` +
	`(-(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(\.(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*)?` +
	`(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?$`)

func maintenance(o object) string {
	version := o.needed("version")
	if version != "" && !semantic.MatchString(version) {
		o.fault("version", "is not a semantic version such as 2.1.0")
	}
	return version
}

func schema(o object, key string) []byte {
	input, ok := o.child(key)
	if !ok {
		return nil
	}
	raw := input.raw("parameters")
	if raw == nil {
		return nil
	}
	if _, problem := compile(raw); problem != "" {
		input.fault("parameters", problem)
	}
	return raw
}
