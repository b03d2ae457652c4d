package paas

import "time"

// BindRequest asks for credentials of an instance. The id is ours, new for every binding.
type BindRequest struct {
	Caller
	InstanceID, BindingID, OfferingID, PlanID string
	Organization, Space                       string // the team and the environment
	App                                       string // "" for a key that belongs to no app
	Route                                     string // with an offering that requires route_forwarding
	Context                                   map[string]string
	Parameters                                Secret // a JSON object, "" for none
	Predecessor                               string // id of the binding that this one takes over from
}

// Poll asks for the state of the binding.
func (r BindRequest) Poll(operation string) PollRequest {
	return PollRequest{
		Op: OpBind, InstanceID: r.InstanceID, BindingID: r.BindingID,
		OfferingID: r.OfferingID, PlanID: r.PlanID, Operation: operation,
	}
}

// Unbind asks for the end of what the request may have made, by nobody's wish.
func (r BindRequest) Unbind() UnbindRequest {
	return UnbindRequest{InstanceID: r.InstanceID, BindingID: r.BindingID, OfferingID: r.OfferingID, PlanID: r.PlanID}
}

// UnbindRequest ends a binding.
type UnbindRequest struct {
	Caller
	InstanceID, BindingID, OfferingID, PlanID string
}

// Poll asks for the state of the deletion.
func (r UnbindRequest) Poll(operation string) PollRequest {
	return PollRequest{
		Op: OpUnbind, InstanceID: r.InstanceID, BindingID: r.BindingID,
		OfferingID: r.OfferingID, PlanID: r.PlanID, Operation: operation,
	}
}

// Bound is a broker's answer to a BindRequest. With Async there is no binding in it: it is fetched when
// polling has ended.
type Bound struct {
	Outcome   BrokerOutcome
	Async     bool
	Operation string
	Binding   ServiceBinding
}

// ServiceBinding is what an app needs to use an instance. All that opens a door is a Secret.
type ServiceBinding struct {
	Credentials     Secret // a JSON object
	SyslogDrainURL  Secret
	RouteServiceURL Secret
	VolumeMounts    []VolumeMount
	Endpoints       []ServiceEndpoint
	Parameters      Secret    // a JSON object; only where the binding was fetched
	ExpiresAt       time.Time // zero for never
	RenewBefore     time.Time // zero where nothing is said
}

// VolumeMount is storage that a broker wants mounted into an app.
type VolumeMount struct {
	Driver, ContainerDir string
	ReadOnly             bool
	VolumeID             string
	MountConfig          Secret // a JSON object
}

// ServiceEndpoint is where on the network an app reaches an instance.
type ServiceEndpoint struct {
	Host     string
	Ports    []string // 443, or 9000-9010
	Protocol string   // tcp, udp or all
}
