package paas

// Caller says for whom a broker is called.
type Caller struct {
	User    map[string]string // properties of the user who wants it; nil when it is nobody's wish
	Request string            // id of this request through all systems; made where it is ""
}

// ProvisionRequest asks for a new instance. The id is ours, new for every instance and never used again.
type ProvisionRequest struct {
	Caller
	InstanceID, OfferingID, PlanID string
	Organization, Space            string            // the team and the environment
	Context                        map[string]string // beside the platform's name
	Parameters                     Secret            // a JSON object, "" for none
	Maintenance                    string            // version from the catalog, "" for none
}

// Poll asks for the state of the provisioning.
func (r ProvisionRequest) Poll(operation string) PollRequest {
	return PollRequest{Op: OpProvision, InstanceID: r.InstanceID, OfferingID: r.OfferingID, PlanID: r.PlanID, Operation: operation}
}

// Deprovision asks for the end of what the request may have made, by nobody's wish.
func (r ProvisionRequest) Deprovision() DeprovisionRequest {
	return DeprovisionRequest{InstanceID: r.InstanceID, OfferingID: r.OfferingID, PlanID: r.PlanID}
}

// UpdateRequest changes an instance; what is "" stays as it is.
type UpdateRequest struct {
	Caller
	InstanceID, OfferingID string
	PlanID                 string // another plan, or ""
	PreviousPlanID         string // the plan before
	Organization, Space    string // the team and the environment
	Context                map[string]string
	Parameters             Secret // only what the user named
	Maintenance            string
	PreviousMaintenance    string
}

// Poll asks for the state of the update: under the plan before it.
func (r UpdateRequest) Poll(operation string) PollRequest {
	return PollRequest{Op: OpUpdate, InstanceID: r.InstanceID, OfferingID: r.OfferingID, PlanID: r.PreviousPlanID, Operation: operation}
}

// DeprovisionRequest ends an instance.
type DeprovisionRequest struct {
	Caller
	InstanceID, OfferingID, PlanID string
	Bound                          []string // ids of bindings that still are: they go first
}

// Poll asks for the state of the deletion.
func (r DeprovisionRequest) Poll(operation string) PollRequest {
	return PollRequest{Op: OpDeprovision, InstanceID: r.InstanceID, OfferingID: r.OfferingID, PlanID: r.PlanID, Operation: operation}
}

// PollRequest asks how far an operation is.
type PollRequest struct {
	Caller
	Op                                        BrokerOp // that was accepted
	InstanceID, BindingID, OfferingID, PlanID string
	Operation                                 string // the broker's own word for it, given back as it came
}

// FetchRequest asks for an instance or a binding.
type FetchRequest struct {
	Caller
	InstanceID, BindingID, OfferingID, PlanID string
}

// Changed is a broker's answer to a wish it accepts.
type Changed struct {
	Outcome      BrokerOutcome
	Async        bool   // it has begun, and is to be polled
	Operation    string // to poll with; may be ""
	DashboardURL string // http or https, or ""
	Metadata     *InstanceMetadata
}

// Dashboard gives the URL that holds after the change, given the one before.
func (c Changed) Dashboard(before string) string {
	if c.DashboardURL == "" {
		return before
	}
	return c.DashboardURL
}

// InstanceMetadata is what a broker notes of an instance. It replaces what it noted before.
type InstanceMetadata struct {
	Labels     map[string]string
	Attributes map[string]string
}

// FetchedInstance is an instance as its broker shows it.
type FetchedInstance struct {
	OfferingID, PlanID string
	DashboardURL       string
	Parameters         Secret // a JSON object
	Maintenance        string // version
	Metadata           *InstanceMetadata
}

// Polled is a broker's answer on an operation that it accepted.
type Polled struct {
	Outcome     BrokerOutcome
	Description string // for the user
}
