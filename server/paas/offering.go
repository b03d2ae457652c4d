package paas

import (
	"encoding/json"
	"time"
)

// Catalog is what one service broker offers, as the Open Service Broker API has it. Ids are what a thing
// is known by from one reading to the next; all else of it may change.
type Catalog struct {
	Offerings []Offering
}

// Offering is a service that instances can be made of.
type Offering struct {
	ID, Name, Description string
	Tags                  []string
	Requires              []string        // permissions: syslog_drain, route_forwarding, volume_mount
	InstancesRetrievable  bool            // an instance can be fetched
	BindingsRetrievable   bool            // so can a binding
	AllowContextUpdates   bool            // an update may hold nothing but context
	Metadata              json.RawMessage `json:",omitempty"` // not null, where there is none
	Plans                 []ServicePlan
}

// ServicePlan is one variant of an offering. What the plan leaves to its offering is resolved.
type ServicePlan struct {
	ID, Name, Description string
	Free                  bool // true unless said
	Bindable              bool
	BindingRotatable      bool
	PlanUpdateable        bool            // an instance may leave this plan for another
	Metadata              json.RawMessage `json:",omitempty"` // not null, where there is none
	Costs                 json.RawMessage `json:",omitempty"` // metadata.costs, as it came
	MaximumPolling        time.Duration   // 0: the platform's own
	Maintenance           *Maintenance
	Schemas               PlanSchemas
}

// Maintenance names the version of what a plan runs on.
type Maintenance struct {
	Version     string
	Description string
}

// PlanSchemas are the JSON schemas of a plan's parameters; nil takes any.
type PlanSchemas struct {
	Create json.RawMessage `json:",omitempty"`
	Update json.RawMessage `json:",omitempty"`
	Bind   json.RawMessage `json:",omitempty"`
}

// Plan finds a plan by ids alone: names move from one thing to another, ids never do.
func (c Catalog) Plan(offeringID, planID string) (Offering, ServicePlan, bool) {
	for _, o := range c.Offerings {
		if o.ID != offeringID {
			continue
		}
		for _, p := range o.Plans {
			if p.ID == planID {
				return o, p, true
			}
		}
	}
	return Offering{}, ServicePlan{}, false
}

// Named finds a plan by what a user types. Upper and lower case differ.
func (c Catalog) Named(offering, plan string) (Offering, ServicePlan, error) {
	for _, o := range c.Offerings {
		if o.Name != offering {
			continue
		}
		for _, p := range o.Plans {
			if p.Name == plan {
				return o, p, nil
			}
		}
		return o, ServicePlan{}, Errorf(NotFound, "Service %q has no plan %q. `crumpet services catalog` lists its plans.", offering, plan)
	}
	return Offering{}, ServicePlan{}, Errorf(NotFound, "No service is called %q. `crumpet services catalog` lists them.", offering)
}

// ServiceAct is what a catalog allows for a plan, or doesn't.
type ServiceAct string

// What may be asked of a broker only if its catalog says so.
const (
	ActBind          ServiceAct = "bind"
	ActRotate        ServiceAct = "rotate"         // bind anew as the successor of a binding
	ActChangePlan    ServiceAct = "change plan"    // away from this plan
	ActChangeContext ServiceAct = "change context" // an update without plan and parameters
	ActFetchInstance ServiceAct = "fetch instance"
	ActFetchBinding  ServiceAct = "fetch binding"
)

// Allows is nil where the catalog allows an act for instances of a plan, and an error of code invalid
// where it doesn't: the broker must not be asked then.
func (o Offering) Allows(act ServiceAct, p ServicePlan) error {
	switch act {
	case ActBind:
		if !p.Bindable {
			return Errorf(Invalid, "Plan %q of service %q can't be bound: its instances have no credentials. Choose another plan.", p.Name, o.Name)
		}
	case ActRotate:
		if !p.Bindable || !p.BindingRotatable {
			return Errorf(Invalid, "Bindings of plan %q of service %q can't be rotated. Bind anew, and unbind the old one.", p.Name, o.Name)
		}
	case ActChangePlan:
		if !p.PlanUpdateable {
			return Errorf(Invalid, "An instance can't leave plan %q of service %q. Create another and move the data.", p.Name, o.Name)
		}
	case ActChangeContext:
		if !o.AllowContextUpdates {
			return Errorf(Invalid, "Service %q takes no update of context alone.", o.Name)
		}
	case ActFetchInstance:
		if !o.InstancesRetrievable {
			return Errorf(Invalid, "Service %q does not show its instances.", o.Name)
		}
	case ActFetchBinding:
		if !o.BindingsRetrievable {
			return Errorf(Invalid, "Service %q does not show its bindings. Their credentials come once, when they are made.", o.Name)
		}
	}
	return nil
}

// Permits lists what a binding holds that its offering did not declare it would: the broker is not
// trusted with logs, requests or mounts that the operator was not told of.
func (o Offering) Permits(b ServiceBinding) []Fault {
	var faults []Fault
	for _, need := range []struct {
		has        bool
		field, per string
	}{
		{!b.SyslogDrainURL.Empty(), "syslog_drain_url", "syslog_drain"},
		{!b.RouteServiceURL.Empty(), "route_service_url", "route_forwarding"},
		{len(b.VolumeMounts) > 0, "volume_mounts", "volume_mount"},
	} {
		declared := false
		for _, r := range o.Requires {
			declared = declared || r == need.per
		}
		if need.has && !declared {
			faults = append(faults, Fault{Location: need.field, Message: "needs " + need.per + " in the requires of service " + o.Name})
		}
	}
	return faults
}
