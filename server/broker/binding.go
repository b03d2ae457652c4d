package broker

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// resource is what of the platform a binding is for.
type resource struct {
	App   string `json:"app_guid,omitempty"`
	Route string `json:"route,omitempty"`
}

// Bind makes a binding, or begins to. With a predecessor it takes over from another binding, with the
// parameters that one has.
func (c *Client) Bind(ctx context.Context, r paas.BindRequest) (paas.Bound, error) {
	k := call{
		op: paas.OpBind, method: http.MethodPut, query: []string{asynchronous}, caller: r.Caller,
		does:    "bind instance " + r.InstanceID + " as " + r.BindingID,
		expects: []int{http.StatusOK, http.StatusCreated, http.StatusAccepted},
	}
	body := struct {
		Context     map[string]string `json:"context"`
		ServiceID   string            `json:"service_id"`
		PlanID      string            `json:"plan_id"`
		App         string            `json:"app_guid,omitempty"`
		Resource    *resource         `json:"bind_resource,omitempty"`
		Parameters  json.RawMessage   `json:"parameters,omitempty"`
		Predecessor string            `json:"predecessor_binding_id,omitempty"`
	}{
		Context: surroundings(r.Context, r.Organization, r.Space), ServiceID: r.OfferingID, PlanID: r.PlanID,
		App: r.App, Parameters: parameters(r.Parameters), Predecessor: r.Predecessor,
	}
	if r.App != "" || r.Route != "" {
		body.Resource = &resource{App: r.App, Route: r.Route}
	}
	k.body = body
	if err := c.path(&k, r.InstanceID, r.BindingID); err != nil {
		return paas.Bound{}, err
	}
	if err := c.demand(k, "service_id", r.OfferingID, "plan_id", r.PlanID); err != nil {
		return paas.Bound{}, err
	}
	if r.Predecessor == r.BindingID {
		return paas.Bound{}, c.refuse(k, "It can't take over from itself. Take a new id.")
	}
	a, err := c.do(ctx, k)
	if err != nil {
		return paas.Bound{}, err
	}
	bound := paas.Bound{Outcome: a.outcome, Async: a.outcome.Status == http.StatusAccepted}
	if bound.Async { // what else is in it must not be
		bound.Operation = operation(a.object)
	} else {
		bound.Binding = readBinding(a.object)
	}
	if err := c.checked(k, a); err != nil {
		return paas.Bound{}, err
	}
	return bound, nil
}

// Unbind ends a binding, or begins to. One that is gone already is a success.
func (c *Client) Unbind(ctx context.Context, r paas.UnbindRequest) (paas.Changed, error) {
	k := call{
		op: paas.OpUnbind, method: http.MethodDelete, caller: r.Caller,
		query:   param(param([]string{asynchronous}, "service_id", r.OfferingID), "plan_id", r.PlanID),
		does:    "unbind " + r.BindingID + " of instance " + r.InstanceID,
		expects: []int{http.StatusOK, http.StatusAccepted},
	}
	if err := c.path(&k, r.InstanceID, r.BindingID); err != nil {
		return paas.Changed{}, err
	}
	if err := c.demand(k, "service_id", r.OfferingID, "plan_id", r.PlanID); err != nil {
		return paas.Changed{}, err
	}
	return c.change(ctx, k)
}

// Binding asks for a binding. Only where the offering's bindings are retrievable.
func (c *Client) Binding(ctx context.Context, r paas.FetchRequest) (paas.ServiceBinding, error) {
	k := call{
		op: paas.OpFetchBinding, method: http.MethodGet, caller: r.Caller,
		query: param(param(nil, "service_id", r.OfferingID), "plan_id", r.PlanID),
		does:  "show binding " + r.BindingID + " of instance " + r.InstanceID, expects: []int{http.StatusOK},
	}
	if err := c.path(&k, r.InstanceID, r.BindingID); err != nil {
		return paas.ServiceBinding{}, err
	}
	a, err := c.do(ctx, k)
	if err != nil {
		return paas.ServiceBinding{}, err
	}
	binding := readBinding(a.object)
	binding.Parameters = a.secret("parameters")
	if err := c.checked(k, a); err != nil {
		return paas.ServiceBinding{}, err
	}
	return binding, nil
}

// LastBindingOperation is LastOperation for bindings.
func (c *Client) LastBindingOperation(ctx context.Context, r paas.PollRequest) (paas.Polled, error) {
	return c.poll(ctx, paas.OpPollBinding, r, "binding "+r.BindingID+" of instance "+r.InstanceID)
}

func readBinding(o object) paas.ServiceBinding {
	b := paas.ServiceBinding{
		Credentials:     o.secret("credentials"),
		SyslogDrainURL:  paas.NewSecret(o.text("syslog_drain_url")),
		RouteServiceURL: paas.NewSecret(o.text("route_service_url")),
	}
	for _, m := range o.children("volume_mounts") {
		b.VolumeMounts = append(b.VolumeMounts, readMount(m))
	}
	for _, e := range o.children("endpoints") {
		b.Endpoints = append(b.Endpoints, readEndpoint(e))
	}
	if m, ok := o.child("metadata"); ok {
		b.ExpiresAt, b.RenewBefore = moment(m, "expires_at"), moment(m, "renew_before")
		if !b.ExpiresAt.IsZero() && b.RenewBefore.After(b.ExpiresAt) {
			m.fault("renew_before", "is after expires_at")
		}
	}
	return b
}

func readMount(o object) paas.VolumeMount {
	m := paas.VolumeMount{Driver: o.needed("driver"), ContainerDir: o.needed("container_dir")}
	switch o.needed("mode") {
	case "r":
		m.ReadOnly = true
	case "rw", "":
	default:
		o.fault("mode", "is neither r nor rw")
	}
	if kind := o.needed("device_type"); kind != "" && kind != "shared" {
		o.fault("device_type", "is not shared")
	}
	device, ok := o.child("device")
	if !ok {
		if !o.has("device") {
			o.fault("device", "is required")
		}
		return m
	}
	m.VolumeID, m.MountConfig = device.needed("volume_id"), device.secret("mount_config")
	return m
}

var ports = regexp.MustCompile(`^\d{1,5}(-\d{1,5})?$`)

func readEndpoint(o object) paas.ServiceEndpoint {
	e := paas.ServiceEndpoint{Host: o.needed("host"), Ports: o.texts("ports"), Protocol: o.text("protocol")}
	if len(e.Ports) == 0 {
		o.fault("ports", "holds no port")
	}
	for i, p := range e.Ports {
		if !ports.MatchString(p) {
			o.fault(at("ports", i), "is neither a port nor a range of ports")
		}
	}
	switch e.Protocol {
	case "":
		e.Protocol = "tcp"
	case "tcp", "udp", "all":
	default:
		o.fault("protocol", "is none of: tcp, udp, all")
	}
	return e
}

func moment(o object, key string) time.Time {
	text := o.text(key)
	if text == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, text) // with and without parts of a second
	if err != nil {
		o.fault(key, "is not a time such as 2026-12-31T23:59:59.0Z")
		return time.Time{}
	}
	return t.UTC()
}
