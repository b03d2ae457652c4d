package broker

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"unicode/utf8"

	"github.com/crumpet-paas/crumpet/server/paas"
)

const longestOperation = 10_000 // characters, as the specification has it

// version names what a plan runs on, in requests.
type version struct {
	Version string `json:"version"`
}

func named(v string) *version {
	if v == "" {
		return nil
	}
	return &version{Version: v}
}

// surroundings are the context of a request, which always names the platform, and the team and space
// where they are known.
func surroundings(given map[string]string, organization, space string) map[string]string {
	all := map[string]string{}
	maps.Copy(all, given)
	for key, value := range map[string]string{"platform": Platform, "organization_guid": organization, "space_guid": space} {
		if value != "" {
			all[key] = value
		}
	}
	return all
}

func parameters(s paas.Secret) json.RawMessage {
	if s.Empty() {
		return nil
	}
	return json.RawMessage(s.Reveal())
}

// path escapes ids. One that is empty, or that a server would take for a way up, is refused.
func (c *Client) path(k *call, instance, binding string) error {
	ids := []string{instance}
	k.path = "/v2/service_instances/" + escape(instance)
	if k.op == paas.OpBind || k.op == paas.OpUnbind || k.op == paas.OpFetchBinding || k.op == paas.OpPollBinding {
		ids = append(ids, binding)
		k.path += "/service_bindings/" + escape(binding)
	}
	for _, id := range ids {
		if id == "" || id == "." || id == ".." {
			return c.refuse(*k, "Its id %q can't stand in a URL.", id)
		}
	}
	return nil
}

// demand refuses a request that lacks what must be in it. fields are names and values in turn.
func (c *Client) demand(k call, fields ...string) error {
	for i := 0; i < len(fields); i += 2 {
		if fields[i+1] == "" {
			return c.refuse(k, "It has no %s.", fields[i])
		}
	}
	return nil
}

// asynchronous is sent with all that changes something: whatever a broker must do later, it may.
const asynchronous = "accepts_incomplete=true"

// Provision makes an instance, or begins to.
func (c *Client) Provision(ctx context.Context, r paas.ProvisionRequest) (paas.Changed, error) {
	k := call{
		op: paas.OpProvision, method: http.MethodPut, query: []string{asynchronous}, caller: r.Caller,
		does:    "provision instance " + r.InstanceID,
		expects: []int{http.StatusOK, http.StatusCreated, http.StatusAccepted},
	}
	k.body = struct {
		ServiceID    string            `json:"service_id"`
		PlanID       string            `json:"plan_id"`
		Context      map[string]string `json:"context"`
		Organization string            `json:"organization_guid"`
		Space        string            `json:"space_guid"`
		Parameters   json.RawMessage   `json:"parameters,omitempty"`
		Maintenance  *version          `json:"maintenance_info,omitempty"`
	}{r.OfferingID, r.PlanID, surroundings(r.Context, r.Organization, r.Space), r.Organization, r.Space, parameters(r.Parameters), named(r.Maintenance)}
	if err := c.path(&k, r.InstanceID, ""); err != nil {
		return paas.Changed{}, err
	}
	if err := c.demand(k, "service_id", r.OfferingID, "plan_id", r.PlanID, "organization_guid", r.Organization, "space_guid", r.Space); err != nil {
		return paas.Changed{}, err
	}
	return c.change(ctx, k)
}

// previous are the values before an update.
type previous struct {
	PlanID      string   `json:"plan_id,omitempty"`
	Maintenance *version `json:"maintenance_info,omitempty"`
}

// Update changes an instance, or begins to. What the request leaves out is not sent, and stays.
func (c *Client) Update(ctx context.Context, r paas.UpdateRequest) (paas.Changed, error) {
	k := call{
		op: paas.OpUpdate, method: http.MethodPatch, query: []string{asynchronous}, caller: r.Caller,
		does:    "update instance " + r.InstanceID,
		expects: []int{http.StatusOK, http.StatusAccepted},
	}
	k.body = struct {
		Context     map[string]string `json:"context"`
		ServiceID   string            `json:"service_id"`
		PlanID      string            `json:"plan_id,omitempty"`
		Parameters  json.RawMessage   `json:"parameters,omitempty"`
		Previous    previous          `json:"previous_values"`
		Maintenance *version          `json:"maintenance_info,omitempty"`
	}{
		surroundings(r.Context, r.Organization, r.Space), r.OfferingID, r.PlanID, parameters(r.Parameters),
		previous{r.PreviousPlanID, named(r.PreviousMaintenance)},
		named(r.Maintenance),
	}
	if err := c.path(&k, r.InstanceID, ""); err != nil {
		return paas.Changed{}, err
	}
	if err := c.demand(k, "service_id", r.OfferingID, "previous plan_id", r.PreviousPlanID); err != nil {
		return paas.Changed{}, err
	}
	return c.change(ctx, k)
}

// Deprovision ends an instance, or begins to. One that is gone already is a success. An instance with
// bindings is not asked for: they go first.
func (c *Client) Deprovision(ctx context.Context, r paas.DeprovisionRequest) (paas.Changed, error) {
	k := call{
		op: paas.OpDeprovision, method: http.MethodDelete, caller: r.Caller,
		query:   param(param([]string{asynchronous}, "service_id", r.OfferingID), "plan_id", r.PlanID),
		does:    "deprovision instance " + r.InstanceID,
		expects: []int{http.StatusOK, http.StatusAccepted},
	}
	if err := c.path(&k, r.InstanceID, ""); err != nil {
		return paas.Changed{}, err
	}
	if err := c.demand(k, "service_id", r.OfferingID, "plan_id", r.PlanID); err != nil {
		return paas.Changed{}, err
	}
	if n := len(r.Bound); n > 0 {
		err := c.refuse(k, "It still has %d bindings, %s among them. Unbind them first.", n, r.Bound[0])
		if e, ok := errors.AsType[*paas.Error](err); ok {
			e.Code = paas.Conflict
		}
		return paas.Changed{}, err
	}
	return c.change(ctx, k)
}

// change reads the answer to what changes an instance.
func (c *Client) change(ctx context.Context, k call) (paas.Changed, error) {
	a, err := c.do(ctx, k)
	if err != nil {
		return paas.Changed{}, err
	}
	changed := paas.Changed{Outcome: a.outcome, Async: a.outcome.Status == http.StatusAccepted}
	if changed.Async {
		changed.Operation = operation(a.object)
	}
	if !k.op.Deletes() {
		changed.DashboardURL, changed.Metadata = dashboard(a.object), metadata(a.object)
	}
	if err := c.checked(k, a); err != nil {
		return paas.Changed{}, err
	}
	return changed, nil
}

// operation is kept as it came, to be given back.
func operation(o object) string {
	text := o.text("operation")
	if utf8.RuneCountInString(text) > longestOperation {
		o.fault("operation", "is longer than 10,000 characters")
	}
	return text
}

// dashboard is a link for people; what a browser would run or not open is no dashboard.
func dashboard(o object) string {
	text := o.text("dashboard_url")
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return ""
	}
	return text
}

func metadata(o object) *paas.InstanceMetadata {
	m, ok := o.child("metadata")
	if !ok {
		return nil
	}
	return &paas.InstanceMetadata{Labels: m.labels("labels"), Attributes: m.labels("attributes")}
}

// Instance asks how the broker sees an instance. Only where the offering's instances are retrievable.
func (c *Client) Instance(ctx context.Context, r paas.FetchRequest) (paas.FetchedInstance, error) {
	k := call{
		op: paas.OpFetchInstance, method: http.MethodGet, caller: r.Caller,
		query: param(param(nil, "service_id", r.OfferingID), "plan_id", r.PlanID),
		does:  "show instance " + r.InstanceID, expects: []int{http.StatusOK},
	}
	if err := c.path(&k, r.InstanceID, ""); err != nil {
		return paas.FetchedInstance{}, err
	}
	a, err := c.do(ctx, k)
	if err != nil {
		return paas.FetchedInstance{}, err
	}
	instance := paas.FetchedInstance{
		OfferingID: a.text("service_id"), PlanID: a.text("plan_id"), DashboardURL: dashboard(a.object),
		Parameters: a.secret("parameters"), Metadata: metadata(a.object),
	}
	if m, ok := a.child("maintenance_info"); ok {
		instance.Maintenance = maintenance(m)
	}
	if err := c.checked(k, a); err != nil {
		return paas.FetchedInstance{}, err
	}
	return instance, nil
}

// LastOperation asks how far an accepted operation on an instance is. A 410 where it deletes is an end
// and no error; any other answer but a state is one, whose outcome Poll.Next understands.
func (c *Client) LastOperation(ctx context.Context, r paas.PollRequest) (paas.Polled, error) {
	return c.poll(ctx, paas.OpPollInstance, r, "instance "+r.InstanceID)
}

func (c *Client) poll(ctx context.Context, op paas.BrokerOp, r paas.PollRequest, thing string) (paas.Polled, error) {
	k := call{
		op: op, method: http.MethodGet, caller: r.Caller,
		query: param(param(param(nil, "service_id", r.OfferingID), "plan_id", r.PlanID), "operation", r.Operation),
		does:  "say how far it is with " + thing, expects: []int{http.StatusOK},
	}
	if err := c.path(&k, r.InstanceID, r.BindingID); err != nil {
		return paas.Polled{}, err
	}
	k.path += "/last_operation"
	a, err := c.do(ctx, k)
	if err != nil {
		if o := paas.OutcomeOfBroker(err); o.Status == http.StatusGone && r.Op.Deletes() {
			o.Polled = paas.PollGone
			return paas.Polled{Outcome: o}, nil
		}
		return paas.Polled{}, err
	}
	polled := paas.Polled{Outcome: a.outcome, Description: clean(c.secrets.Replace(a.text("description")), longestDescription)}
	switch state := paas.PollState(a.text("state")); state {
	case paas.PollInProgress, paas.PollSucceeded, paas.PollFailed:
		polled.Outcome.Polled = state
	case paas.PollGone, paas.PollGivenUp: // our own words
		fallthrough
	default:
		a.fault("state", "is none of: in progress, succeeded, failed")
	}
	if r.Op == paas.OpUpdate || r.Op == paas.OpDeprovision {
		polled.Outcome.Unusable = !a.flag("instance_usable", true) && polled.Outcome.Polled == paas.PollFailed
	}
	if r.Op == paas.OpUpdate {
		polled.Outcome.Unrepeatable = !a.flag("update_repeatable", true) && polled.Outcome.Polled == paas.PollFailed
	}
	if err := c.checked(k, a); err != nil {
		return paas.Polled{}, err
	}
	return polled, nil
}
