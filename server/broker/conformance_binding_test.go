package broker_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/broker"
	"github.com/crumpet-paas/crumpet/server/broker/brokertest"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// binds gives the request that a BindRequest makes.
func binds(t *testing.T, change func(*paas.BindRequest)) brokertest.Request {
	t.Helper()
	r := bind
	change(&r)
	return sent(t, func(c *broker.Client) error { _, err := c.Bind(t.Context(), r); return err })
}

func unchanged(*paas.BindRequest) {}

// bound gives what becomes of an answer.
func bound(t *testing.T, status int, body string) (paas.Bound, error) {
	t.Helper()
	b := brokertest.New()
	b.On(brokertest.Bind, brokertest.JSON(status, body))
	return connect(t, b).Bind(t.Context(), bind)
}

// binding gives the binding of a 201.
func binding(t *testing.T, body string) paas.ServiceBinding {
	t.Helper()
	got, err := bound(t, 201, body)
	if err != nil {
		t.Fatal(err)
	}
	return got.Binding
}

// unbound fails unless a binding is refused for what is at this place.
func unbound(t *testing.T, body, location string) {
	t.Helper()
	_, err := bound(t, 201, body)
	for _, f := range paas.FaultsOf(err) {
		if f.Location == location && end(err) == (paas.BrokerOutcome{End: paas.EndMalformed, Status: 201}) {
			return
		}
	}
	t.Errorf("%s: error %v, faults %v, want one at %s", body, err, paas.FaultsOf(err), location)
}

// permitted fails unless a binding is right where its offering has a permission, and wrong without.
func permitted(body, location, permission string) func(*testing.T) {
	return func(t *testing.T) {
		b := binding(t, body)
		with, _ := only(t, one(`,"requires":["`+permission+`"]`, ""))
		without, _ := only(t, one(`,"requires":["something_else"]`, ""))
		if faults := with.Permits(b); len(faults) != 0 {
			t.Errorf("with %s: %v", permission, faults)
		}
		if faults := without.Permits(b); len(faults) != 1 || faults[0].Location != location {
			t.Errorf("without %s: %v, want a fault at %s", permission, faults, location)
		}
	}
}

const (
	drain = `{"syslog_drain_url":"syslog-tls://drain.example.com:6514"}`
	route = `{"route_service_url":"https://route.example.com"}`
	mount = `{"volume_mounts":[{"driver":"cephdriver","container_dir":"/data/images","mode":"r","device_type":"shared",
		"device":{"volume_id":"bc2c1eab","mount_config":{"key":"value"}}}]}`
)

var bindingProofs = proofs{
	"predecessor is named": func(t *testing.T) {
		is(t, "predecessor", field(t, binds(t, func(r *paas.BindRequest) { r.Predecessor = "b0" }), "predecessor_binding_id"), any("b0"))
		is(t, "predecessor of none", field(t, binds(t, unchanged), "predecessor_binding_id"), nil)
	},
	"a successor has an id of its own": func(t *testing.T) {
		r := bind
		r.Predecessor = r.BindingID
		notSent(t, "its own successor", func(c *broker.Client) error { _, err := c.Bind(t.Context(), r); return err })
		got := binds(t, func(r *paas.BindRequest) { r.Predecessor = "b0" })
		is(t, "URL", strings.Split(got.URI, "?")[0], "/v2/service_instances/i1/service_bindings/b1")
	},
	"predecessor by its id": func(t *testing.T) {
		r := binds(t, func(r *paas.BindRequest) { r.Predecessor = "b0" })
		is(t, "kind", r.Kind, brokertest.Bind)
		is(t, "predecessor", field(t, r, "predecessor_binding_id"), any("b0"))
		is(t, "instance", strings.HasPrefix(r.URI, "/v2/service_instances/i1/"), true)
	},
	"log drain": func(t *testing.T) {
		b := binding(t, drain)
		is(t, "URL", b.SyslogDrainURL.Reveal(), "syslog-tls://drain.example.com:6514")
		is(t, "what a log shows", b.SyslogDrainURL.String(), paas.Hidden)
	},
	"route of a route service": func(t *testing.T) {
		r := binds(t, func(r *paas.BindRequest) { r.Route = "some-address.com" })
		is(t, "route", field(t, r, "bind_resource.route"), any("some-address.com"))
		is(t, "URL", binding(t, route).RouteServiceURL.Reveal(), "https://route.example.com")
	},
	"volumes of a binding": func(t *testing.T) {
		want := []paas.VolumeMount{{Driver: "cephdriver", ContainerDir: "/data/images", ReadOnly: true, VolumeID: "bc2c1eab", MountConfig: paas.NewSecret(`{"key":"value"}`)}}
		if diff := cmp.Diff(want, binding(t, mount).VolumeMounts); diff != "" {
			t.Errorf("mounts (-want +got):\n%s", diff)
		}
	},
	"a binding needs ids": func(t *testing.T) {
		for name, change := range map[string]func(*paas.BindRequest){
			"no binding": func(r *paas.BindRequest) { r.BindingID = "" }, "no instance": func(r *paas.BindRequest) { r.InstanceID = "" },
			"a way up": func(r *paas.BindRequest) { r.BindingID = ".." },
		} {
			r := bind
			change(&r)
			notSent(t, name, func(c *broker.Client) error { _, err := c.Bind(t.Context(), r); return err })
		}
	},
	"bind names the offering": func(t *testing.T) {
		is(t, "service_id", field(t, binds(t, unchanged), "service_id"), any("o1"))
		r := bind
		r.OfferingID = ""
		notSent(t, "no offering", func(c *broker.Client) error { _, err := c.Bind(t.Context(), r); return err })
	},
	"bind names the plan": func(t *testing.T) {
		is(t, "plan_id", field(t, binds(t, unchanged), "plan_id"), any("p1"))
		r := bind
		r.PlanID = ""
		notSent(t, "no plan", func(c *broker.Client) error { _, err := c.Bind(t.Context(), r); return err })
	},
	"app_guid old and new": func(t *testing.T) {
		r := binds(t, unchanged)
		is(t, "app_guid", field(t, r, "app_guid"), any("shop"))
		is(t, "bind_resource.app_guid", field(t, r, "bind_resource.app_guid"), any("shop"))
	},
	"app_guid is never empty": func(t *testing.T) {
		if r := binds(t, func(r *paas.BindRequest) { r.App = "" }); strings.Contains(r.Body, "app_guid") || strings.Contains(r.Body, "bind_resource") {
			t.Errorf("body %s", r.Body)
		}
	},
	"200 for a binding that is there": func(t *testing.T) {
		got, err := bound(t, 200, `{"credentials":{"password":"x"}}`)
		if err != nil || got.Async || !got.Outcome.Succeeded(paas.OpBind) || got.Binding.Credentials.Reveal() != `{"password":"x"}` {
			t.Errorf("%+v, %v", got, err)
		}
	},
	"201 for a binding": func(t *testing.T) {
		const credentials = `{ "uri":"mysql://u:p@h:3306/db", "port":3306.0, "nested":{"a":[null]} }`
		got, err := bound(t, 201, `{"credentials":`+credentials+`}`)
		if err != nil || got.Async || !got.Outcome.Succeeded(paas.OpBind) {
			t.Errorf("%+v, %v", got, err)
		}
		is(t, "credentials as they came", got.Binding.Credentials.Reveal(), credentials)
		unbound(t, `{"credentials":"a string"}`, "credentials")
	},
	"202 holds no binding": func(t *testing.T) {
		got, err := bound(t, 202, `{"operation":"t","credentials":{"password":"x"},"syslog_drain_url":"syslog://x"}`)
		want := paas.Bound{Outcome: paas.BrokerOutcome{End: paas.EndAnswered, Status: 202}, Async: true, Operation: "t"}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
	},
	"409 for a binding id in use": func(t *testing.T) {
		_, err := bound(t, 409, `{}`)
		if paas.CodeOf(err) != paas.Conflict || paas.Orphaned(paas.OpBind, end(err)) != paas.NoOrphan {
			t.Error(err)
		}
	},
	"other statuses fail a bind":       fails(paas.OpBind, 200, 201, 202),
	"operation of a bind":              keepsOperation(paas.OpBind, brokertest.Bind),
	"drains need a permission":         permitted(drain, "syslog_drain_url", "syslog_drain"),
	"route services need a permission": permitted(route, "route_service_url", "route_forwarding"),
	"mounts need a permission":         permitted(mount, "volume_mounts", "volume_mount"),
	"expires_at": func(t *testing.T) {
		for text, want := range map[string]time.Time{
			`"2019-12-31T23:59:59.0Z"`: time.Date(2019, 12, 31, 23, 59, 59, 0, time.UTC),
			`"2019-12-31T23:59:59.5Z"`: time.Date(2019, 12, 31, 23, 59, 59, 500_000_000, time.UTC),
			`"2019-12-31T23:59:59Z"`:   time.Date(2019, 12, 31, 23, 59, 59, 0, time.UTC),
			`null`:                     {},
		} {
			is(t, text, binding(t, `{"metadata":{"expires_at":`+text+`}}`).ExpiresAt, want)
		}
		unbound(t, `{"metadata":{"expires_at":"tomorrow"}}`, "metadata.expires_at")
		unbound(t, `{"metadata":{"expires_at":1577836799}}`, "metadata.expires_at")
	},
	"renew_before": func(t *testing.T) {
		const early, late = `"2019-12-31T22:00:00.0Z"`, `"2019-12-31T23:00:00.0Z"`
		body := func(renew, expire string) string {
			return `{"metadata":{"renew_before":` + renew + `,"expires_at":` + expire + `}}`
		}
		is(t, "renew_before", binding(t, body(early, late)).RenewBefore, time.Date(2019, 12, 31, 22, 0, 0, 0, time.UTC))
		binding(t, body(late, late))
		binding(t, body(late, "null"))
		unbound(t, body(late, early), "metadata.renew_before")
	},
	"mode of a mount": func(t *testing.T) {
		for mode, readOnly := range map[string]bool{"r": true, "rw": false} {
			b := binding(t, strings.Replace(mount, `"mode":"r"`, `"mode":"`+mode+`"`, 1))
			is(t, mode, b.VolumeMounts[0].ReadOnly, readOnly)
		}
		unbound(t, strings.Replace(mount, `"mode":"r"`, `"mode":"w"`, 1), "volume_mounts.0.mode")
		for _, key := range []string{"driver", "container_dir", "mode", "device_type", "device"} {
			unbound(t, strings.Replace(mount, `"`+key+`":`, `"x":`, 1), "volume_mounts.0."+key)
		}
	},
	"only shared devices": func(t *testing.T) {
		unbound(t, strings.Replace(mount, `"shared"`, `"exclusive"`, 1), "volume_mounts.0.device_type")
		unbound(t, strings.Replace(mount, `"volume_id":"bc2c1eab"`, `"volume_id":""`, 1), "volume_mounts.0.device.volume_id")
	},
	"ports of an endpoint": func(t *testing.T) {
		b := binding(t, `{"endpoints":[{"host":"h","ports":["443","9000-9010"]}]}`)
		if diff := cmp.Diff([]string{"443", "9000-9010"}, b.Endpoints[0].Ports); diff != "" {
			t.Errorf("ports (-want +got):\n%s", diff)
		}
		unbound(t, `{"endpoints":[{"host":"h","ports":[]}]}`, "endpoints.0.ports")
		unbound(t, `{"endpoints":[{"host":"h"}]}`, "endpoints.0.ports")
		unbound(t, `{"endpoints":[{"host":"h","ports":[443]}]}`, "endpoints.0.ports")
		unbound(t, `{"endpoints":[{"host":"h","ports":["http"]}]}`, "endpoints.0.ports.0")
		unbound(t, `{"endpoints":[{"ports":["443"]}]}`, "endpoints.0.host")
	},
	"protocol of an endpoint": func(t *testing.T) {
		for text, want := range map[string]string{``: "tcp", `,"protocol":"udp"`: "udp", `,"protocol":"all"`: "all", `,"protocol":"tcp"`: "tcp"} {
			is(t, text, binding(t, `{"endpoints":[{"host":"h","ports":["1"]`+text+`}]}`).Endpoints[0].Protocol, want)
		}
		unbound(t, `{"endpoints":[{"host":"h","ports":["1"],"protocol":"sctp"}]}`, "endpoints.0.protocol")
	},
	"a binding that is not there is remembered": func(t *testing.T) {
		o, err := try(t, paas.OpFetchBinding, brokertest.JSON(404, `{}`))
		is(t, "code", paas.CodeOf(err), paas.NotFound)
		is(t, "forget", o.Forget(paas.OpFetchBinding), false)
	},
	"other statuses remember the fetched binding": fails(paas.OpFetchBinding, 200),
	"credentials come with the fetched binding": func(t *testing.T) {
		b := brokertest.New()
		b.On(brokertest.FetchBinding, brokertest.JSON(200, `{"credentials":{"password":"x"},"parameters":{"size":3},"endpoints":[{"host":"h","ports":["1"]}]}`))
		got, err := connect(t, b).Binding(t.Context(), fetch)
		want := paas.ServiceBinding{
			Credentials: paas.NewSecret(`{"password":"x"}`), Parameters: paas.NewSecret(`{"size":3}`),
			Endpoints: []paas.ServiceEndpoint{{Host: "h", Ports: []string{"1"}, Protocol: "tcp"}},
		}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
		is(t, "URL", b.Last().URI, "/v2/service_instances/i1/service_bindings/b1?service_id=o1&plan_id=p1")
	},
}
