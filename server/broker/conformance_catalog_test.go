package broker_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/broker"
	"github.com/crumpet-paas/crumpet/server/broker/brokertest"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// plan and offering write JSON.
func plan(id, name, more string) string {
	return fmt.Sprintf(`{"id":%q,"name":%q,"description":"x"%s}`, id, name, more)
}

func offering(id, name, more string, plans ...string) string {
	return fmt.Sprintf(`{"id":%q,"name":%q,"description":"x","bindable":true%s,"plans":[%s]}`, id, name, more, strings.Join(plans, ","))
}

func services(offerings ...string) string {
	return `{"services":[` + strings.Join(offerings, ",") + `]}`
}

// faulty fails unless a catalog is refused for what is at this place.
func faulty(t *testing.T, text, location string) {
	t.Helper()
	_, err := catalog(t, text)
	for _, f := range paas.FaultsOf(err) {
		if f.Location == location {
			return
		}
	}
	t.Errorf("error %v with faults %v, want one at %s", err, paas.FaultsOf(err), location)
}

// fine fails unless a catalog is taken.
func fine(t *testing.T, text string) paas.Catalog {
	t.Helper()
	c, err := catalog(t, text)
	if err != nil {
		t.Fatal(err, paas.FaultsOf(err))
	}
	return c
}

func emptied(text, key string) string {
	return strings.Replace(strings.Replace(text, `"`+key+`":"x"`, `"`+key+`":""`, 1), `"`+key+`":"k"`, `"`+key+`":""`, 1)
}

// input is a plan with a schema for what creates an instance.
func input(schema string) string {
	return one("", `,"schemas":{"service_instance":{"create":{"parameters":`+schema+`}}}`)
}

const inputAt = "services.0.plans.0.schemas.service_instance.create.parameters"

var catalogProofs = proofs{
	"located by id alone": func(t *testing.T) {
		before := fine(t, services(offering("o1", "db", "", plan("p1", "small", ""))))
		after := fine(t, services(offering("o2", "db", "", plan("p2", "small", "")), offering("o1", "database", `,"tags":["x"]`, plan("p1", "tiny", ""))))
		was, _, _ := before.Plan("o1", "p1")
		o, p, ok := after.Plan(was.ID, was.Plans[0].ID)
		if !ok || o.Name != "database" || p.Name != "tiny" {
			t.Errorf("found %t: %q, %q, want what has the id under its new name", ok, o.Name, p.Name)
		}
	},
	"other ids are other things": func(t *testing.T) {
		c := fine(t, services(offering("o2", "db", "", plan("p2", "small", ""))))
		for _, ids := range [][2]string{{"o1", "p1"}, {"o2", "p1"}, {"o1", "p2"}} {
			if _, _, ok := c.Plan(ids[0], ids[1]); ok {
				t.Errorf("%q is taken for what has its name only", ids)
			}
		}
	},
	"catalog only with 200": func(t *testing.T) {
		for _, status := range []int{201, 202, 203, 304, 404, 500} {
			if _, err := try(t, paas.OpCatalog, brokertest.JSON(status, good)); err == nil && status != 200 {
				t.Errorf("a catalog with status %d is taken", status)
			}
		}
		fine(t, good)
	},
	"names are case-sensitive": func(t *testing.T) {
		c := fine(t, services(offering("o1", "DB", "", plan("p1", "small", ""), plan("p2", "Small", "")), offering("o2", "db", "", plan("p3", "small", ""))))
		for names, want := range map[[2]string]string{{"DB", "small"}: "p1", {"DB", "Small"}: "p2", {"db", "small"}: "p3", {"db", "Small"}: ""} {
			_, p, _ := c.Named(names[0], names[1])
			is(t, strings.Join(names[:], " "), p.ID, want)
		}
	},
	"unfriendly names are taken": func(t *testing.T) {
		c := fine(t, services(offering("o1", "My Great Service", "", plan("p1", "-", ""))))
		if _, _, err := c.Named("My Great Service", "-"); err != nil {
			t.Error(err)
		}
	},
	"names and ids of 255 characters": func(t *testing.T) {
		fits, over := strings.Repeat("ü", 255), strings.Repeat("ü", 256)
		fine(t, services(offering(fits, fits, "", plan("p"+fits[2:], fits, ""))))
		for location, text := range map[string]string{
			"services.0.id": services(offering(over, "db", "", plan("p1", "s", ""))), "services.0.name": services(offering("o1", over, "", plan("p1", "s", ""))),
			"services.0.plans.0.id": services(offering("o1", "db", "", plan(over, "s", ""))), "services.0.plans.0.name": services(offering("o1", "db", "", plan("p1", over, ""))),
		} {
			faulty(t, text, location)
		}
	},
	"services are required": func(t *testing.T) {
		faulty(t, `{}`, "services")
		faulty(t, `{"services":null}`, "services")
		faulty(t, `{"services":{}}`, "services")
		is(t, "number of offerings", len(fine(t, `{"services":[]}`).Offerings), 0)
	},
	"offering names are unique": func(t *testing.T) {
		faulty(t, services(offering("o1", "db", "", plan("p1", "s", "")), offering("o2", "db", "", plan("p2", "s", ""))), "services.1.name")
	},
	"offering fields are not empty": func(t *testing.T) {
		for _, key := range []string{"id", "name", "description"} {
			faulty(t, services(emptied(offering("k", "k", "", plan("p1", "s", "")), key)), "services.0."+key)
		}
	},
	"offering ids are unique": func(t *testing.T) {
		faulty(t, services(offering("o1", "db", "", plan("p1", "s", "")), offering("o1", "mail", "", plan("p2", "s", ""))), "services.1.id")
	},
	"bindable is required": func(t *testing.T) {
		whole := services(offering("o1", "db", "", plan("p1", "s", "")))
		faulty(t, strings.Replace(whole, `"bindable":true,`, "", 1), "services.0.bindable")
		is(t, "bindable", fine(t, whole).Offerings[0].Plans[0].Bindable, true)
	},
	"metadata is a blob": func(t *testing.T) {
		const blob = `{ "b":1, "a":[{"displayName":7}], "costs":"none" }`
		o, p := only(t, one(`,"metadata":`+blob, `,"metadata":`+blob))
		is(t, "metadata of the offering", string(o.Metadata), blob)
		is(t, "metadata of the plan", string(p.Metadata), blob)
	},
	"one plan at least": func(t *testing.T) {
		faulty(t, services(offering("o1", "db", "")), "services.0.plans")
		faulty(t, `{"services":[{"id":"o1","name":"db","description":"x","bindable":true}]}`, "services.0.plans")
	},
	"plan ids are unique": func(t *testing.T) {
		faulty(t, services(offering("o1", "db", "", plan("p1", "s", "")), offering("o2", "mail", "", plan("p1", "s", ""))), "services.1.plans.0.id")
	},
	"plan names are unique within the offering": func(t *testing.T) {
		faulty(t, services(offering("o1", "db", "", plan("p1", "s", ""), plan("p2", "s", ""))), "services.0.plans.1.name")
		fine(t, services(offering("o1", "db", "", plan("p1", "s", "")), offering("o2", "mail", "", plan("p2", "s", ""))))
	},
	"plan fields are not empty": func(t *testing.T) {
		for _, key := range []string{"id", "name", "description"} {
			faulty(t, services(offering("o1", "db", "", emptied(plan("k", "k", ""), key))), "services.0.plans.0."+key)
		}
	},
	"free by default": func(t *testing.T) {
		for more, want := range map[string]bool{"": true, `,"free":true`: true, `,"free":false`: false} {
			_, p := only(t, one("", more))
			is(t, "free with "+more, p.Free, want)
		}
	},
	"bindable of the plan comes first": func(t *testing.T) {
		for _, of := range []bool{true, false} {
			text := strings.Replace(one("", "PLAN"), `"bindable":true`, fmt.Sprintf(`"bindable":%t`, of), 1)
			for more, want := range map[string]bool{"": of, `,"bindable":true`: true, `,"bindable":false`: false} {
				_, p := only(t, strings.Replace(text, "PLAN", more, 1))
				is(t, fmt.Sprintf("bindable of %t and %s", of, more), p.Bindable, want)
			}
		}
	},
	"not rotatable by default": func(t *testing.T) {
		for more, want := range map[string]bool{"": false, `,"binding_rotatable":true`: true} {
			_, p := only(t, one("", more))
			is(t, "rotatable with "+more, p.BindingRotatable, want)
		}
	},
	"plan_updateable of the plan comes first": func(t *testing.T) {
		for offered, of := range map[string]bool{"": false, `,"plan_updateable":true`: true, `,"plan_updateable":false`: false} {
			for more, want := range map[string]bool{"": of, `,"plan_updateable":true`: true, `,"plan_updateable":false`: false} {
				_, p := only(t, one(offered, more))
				is(t, "updateable of "+offered+" and "+more, p.PlanUpdateable, want)
			}
		}
	},
	"the plan's polling duration": func(t *testing.T) {
		_, p := only(t, one("", `,"maximum_polling_duration":90`))
		now := time.Now()
		is(t, "deadline", paas.Poll{Started: now, Plan: p.MaximumPolling}.Deadline(), now.Add(90*time.Second))
		faulty(t, one("", `,"maximum_polling_duration":1.5`), "services.0.plans.0.maximum_polling_duration")
		faulty(t, one("", `,"maximum_polling_duration":-1`), "services.0.plans.0.maximum_polling_duration")
		_, p = only(t, one("", `,"maximum_polling_duration":9223372036854775807`))
		if p.MaximumPolling <= 0 {
			t.Errorf("the longest duration is %s", p.MaximumPolling)
		}
	},
	"maintenance needs a version": func(t *testing.T) {
		faulty(t, one("", `,"maintenance_info":{"description":"x"}`), "services.0.plans.0.maintenance_info.version")
		_, p := only(t, one("", ""))
		is(t, "maintenance where none is given", p.Maintenance, nil)
	},
	"draft 4": func(t *testing.T) {
		// exclusiveMinimum is a boolean in draft 4, and a number ever after.
		schema := `{` + draft4 + `,"properties":{"n":{"type":"integer","minimum":3,"exclusiveMinimum":true}}}`
		_, p := only(t, input(schema))
		for given, ok := range map[string]bool{`{"n":4}`: true, `{"n":3}`: false} {
			is(t, given, broker.Validate(p.Schemas.Create, paas.NewSecret(given)) == nil, ok)
		}
	},
	"later drafts": func(t *testing.T) {
		for _, draft := range []string{
			"http://json-schema.org/draft-06/schema#", "http://json-schema.org/draft-07/schema#",
			"https://json-schema.org/draft/2019-09/schema", "https://json-schema.org/draft/2020-12/schema",
		} {
			_, p := only(t, input(`{"$schema":"`+draft+`","properties":{"n":{"exclusiveMinimum":3}}}`))
			for given, ok := range map[string]bool{`{"n":4}`: true, `{"n":3}`: false} {
				is(t, draft+" "+given, broker.Validate(p.Schemas.Create, paas.NewSecret(given)) == nil, ok)
			}
		}
	},
	"schema declares its version": func(t *testing.T) {
		faulty(t, input(`{"type":"object"}`), inputAt)
		faulty(t, input(`{"$schema":7}`), inputAt)
	},
	"no external references": func(t *testing.T) {
		b := brokertest.New()
		at := listen(t, b)
		faulty(t, input(`{`+draft4+`,"properties":{"a":{"$ref":"`+at+`/v2/catalog"}}}`), inputAt)
		is(t, "number of fetches", len(b.Asked()), 0)
		file := filepath.Join(t.TempDir(), "schema.json")
		if err := os.WriteFile(file, []byte(`{`+draft4+`}`), 0o600); err != nil {
			t.Fatal(err)
		}
		faulty(t, input(`{`+draft4+`,"properties":{"a":{"$ref":"file://`+file+`"}}}`), inputAt)
		fine(t, input(`{`+draft4+`,"definitions":{"a":{"type":"string"}},"properties":{"a":{"$ref":"#/definitions/a"}}}`))
	},
	"schemas of 64 kB": func(t *testing.T) {
		frame := `{` + draft4 + `,"title":""}`
		fill := func(n int) string {
			return strings.Replace(frame, `""`, `"`+strings.Repeat("x", n-len(frame))+`"`, 1)
		}
		fine(t, input(fill(64<<10)))
		faulty(t, input(fill(64<<10+1)), inputAt)
	},
	"versions are semantic": func(t *testing.T) {
		for version, ok := range map[string]bool{
			"2.1.1+abcdef": true, "1.0.0-rc.1": true, "0.0.0": true, "1.2": false, "v1.2.3": false, "01.2.3": false, "1.2.3 ": false, "latest": false,
		} {
			text := one("", `,"maintenance_info":{"version":"`+version+`"}`)
			if !ok {
				faulty(t, text, "services.0.plans.0.maintenance_info.version")
				continue
			}
			_, p := only(t, text)
			is(t, "version", p.Maintenance.Version, version)
		}
	},
	"instances fetched only where declared": declared(paas.ActFetchInstance, "instances_retrievable", true),
	"context alone only where declared":     declared(paas.ActChangeContext, "allow_context_updates", true),
	"plans change only where declared":      declared(paas.ActChangePlan, "plan_updateable", false),
	"rotated only where declared":           declared(paas.ActRotate, "binding_rotatable", false),
	"bound only where declared":             declared(paas.ActBind, "bindable", false),
}

// declared says that an act is allowed where the catalog has a field of it as true, and not where it has it
// as false. Fields of offerings are not allowed either where they are not there.
func declared(act paas.ServiceAct, key string, ofOffering bool) func(*testing.T) {
	return func(t *testing.T) {
		for _, text := range []string{"true", "false", ""} {
			of, more := "", `,"`+key+`":`+text
			if text == "" {
				more = ""
			}
			if ofOffering {
				of, more = more, ""
			}
			o, p := only(t, one(of, more))
			want := text == "true" || text == "" && act == paas.ActBind // the offering's own is true
			err := o.Allows(act, p)
			is(t, key+" "+text, err == nil, want)
			if err != nil {
				is(t, "code", paas.CodeOf(err), paas.Invalid)
			}
		}
	}
}
