package paas

import (
	"encoding/json"
	"slices"
	"time"
)

// MaxServiceInstance bounds the name of an instance, in bytes: that of an app, a dash and that of a binding.
const MaxServiceInstance = MaxApp + 1 + MaxProcess

// ServiceInstance is the wish for one thing that was made of an offering for a team, and how far it is. It
// belongs to the team, not to an app: it stays when the apps that are bound to it go.
type ServiceInstance struct {
	// ID is unique and never used again. It is what a broker knows the instance by, so that one whose
	// creation may have left something half done goes on under a new ID.
	ID       string      `json:"id"`
	Team     string      `json:"team"`
	Name     string      `json:"name"` // unique in the team
	Kind     ServiceKind `json:"kind"`
	Provider string      `json:"provider"`       // name of the database server or broker; ProviderUser for credentials given by hand
	Offering string      `json:"offering"`       // name; "" for KindUser
	Plan     string      `json:"plan,omitempty"` // name
	// OfferingID and PlanID are those of the catalog: names move from one thing to another, ids never do.
	OfferingID  string            `json:"offering_id,omitempty"`
	PlanID      string            `json:"plan_id,omitempty"`
	Maintenance string            `json:"maintenance,omitempty"` // version that it runs on
	State       ServiceState      `json:"state"`
	Reason      string            `json:"reason,omitempty"`    // why it waits, failed or can't be bound, a sentence
	Unusable    bool              `json:"unusable,omitempty"`  // an update or a deletion has left it broken: it can't be bound
	Vanished    bool              `json:"vanished,omitempty"`  // its plan is no longer in the catalog
	Dashboard   string            `json:"dashboard,omitempty"` // URL
	Tags        []string          `json:"tags,omitempty"`
	Facts       map[string]string `json:"facts,omitempty"` // what is no secret: host, port, database
	// Params is the version, in Vault, of the parameters or credentials it was given; 0 for none.
	Params    int       `json:"params,omitempty"`
	Drain     bool      `json:"drain,omitempty"`         // KindUser: it has a syslog drain, which is not acted on yet
	RouteURL  bool      `json:"route_service,omitempty"` // KindUser: it has a route service URL, which is not acted on yet
	CreatedAt time.Time `json:"created_at"`
	CreatedBy string    `json:"created_by"` // name of the token
	ForApp    string    `json:"for_app,omitempty"`
	Version   int64     `json:"-"` // of the row; 0 for a new one
}

// ProviderUser is the provider of credentials that were given by hand.
const ProviderUser = "user"

// ServiceState is where an instance stands.
//
//	creating --> ready <--> updating
//	   |           |           |
//	   +-> failed <+- deleting-+       failed: it could not be made; a failed update or deletion is ready
//	                   |               again, with a reason
//	                   +-> (gone)
type ServiceState string

// The states.
const (
	ServiceCreating ServiceState = "creating"
	ServiceReady    ServiceState = "ready"
	ServiceUpdating ServiceState = "updating"
	ServiceFailed   ServiceState = "failed"
	ServiceDeleting ServiceState = "deleting"
)

// Bindable says whether credentials of the instance can be had now.
func (i ServiceInstance) Bindable() bool {
	return (i.State == ServiceReady || i.State == ServiceUpdating) && !i.Unusable
}

// Provider is a database server or a service broker that an operator registered.
type Provider struct {
	Name     string      `json:"name"`
	Kind     ServiceKind `json:"kind"`               // KindPostgres or KindBroker
	URL      string      `json:"url"`                // without a password
	Username string      `json:"username,omitempty"` // the password is in Vault
	CA       string      `json:"ca,omitempty"`       // KindBroker: PEM, what its certificate is checked by; "" for the system's
	Token    bool        `json:"token,omitempty"`    // KindBroker: by a bearer token in place of user and password
	// Absent says why there is nothing at all, such as that no PostgreSQL was found on the machine: the
	// offering is shown with it, and can't be had.
	Absent string `json:"absent,omitempty"`
	// KeepPassword: what was given is not replaced by a password that only Vault knows.
	KeepPassword bool      `json:"keep_password,omitempty"`
	Catalog      Catalog   `json:"catalog"` // as last read whole
	CatalogAt    time.Time `json:"catalog_at"`
	Reason       string    `json:"reason,omitempty"` // why the catalog could not be read when it was last tried
	CreatedAt    time.Time `json:"created_at"`
	CreatedBy    string    `json:"created_by"`
	Version      int64     `json:"-"` // of the row; 0 for a new one
}

// Offered is an offering with who offers it.
type Offered struct {
	Provider string      `json:"provider"`
	Kind     ServiceKind `json:"kind"`
	Absent   string      `json:"absent,omitempty"` // why it can't be had now
	Offering Offering    `json:"offering"`
}

// Issued is one generation of a binding's credentials as its provider knows it.
type Issued struct {
	Generation  int       `json:"generation"`
	ID          string    `json:"id"` // what a broker knows the binding by
	At          time.Time `json:"at"`
	ExpiresAt   time.Time `json:"expires_at"`   // zero for never
	RenewBefore time.Time `json:"renew_before"` // zero where nothing is said
}

// Operation is a row of the journal: one call that changes something at a provider, written before it is
// made and kept until its end is known.
//
//	planned --> calling --> (gone)              the end is known
//	   ^           |--> accepted --> (gone)     polled until it ends
//	   +-----------+                            to be made again, at NextAt
//
// A row that a server left in calling when it died says that nobody knows whether the call was made: it
// counts as one whose connection broke.
type Operation struct {
	ID       string          `json:"id"`
	Op       BrokerOp        `json:"op"` // provision, update, deprovision, bind or unbind
	State    OperationState  `json:"state"`
	Cleaning bool            `json:"cleaning,omitempty"` // orphan mitigation: it ends only when the provider says that it is gone
	Until    time.Time       `json:"until"`              // of cleaning: a call that was cut off may arrive until then
	Team     string          `json:"team"`
	Instance string          `json:"instance"`          // name
	App      string          `json:"app,omitempty"`     // of a binding; "" for a key
	Binding  string          `json:"binding,omitempty"` // name, with bind and unbind
	Kind     ServiceKind     `json:"kind"`
	Provider string          `json:"provider"`
	Target   OperationTarget `json:"target"`
	Params   int             `json:"params,omitempty"` // version of the parameters in Vault; 0 for none
	// Given are parameters that a spec holds: they are no secret. Those in Vault are asked for where it is empty.
	Given    json.RawMessage `json:"given,omitempty"`
	User     string          `json:"user,omitempty"` // whose wish it is; "" for nobody's
	Request  string          `json:"request"`        // id of the request through all systems
	Attempt  int             `json:"attempt"`        // of the call
	Word     string          `json:"word,omitempty"` // the provider's own for an operation it accepted
	Polls    int             `json:"polls,omitempty"`
	Refused  int             `json:"refused,omitempty"` // polls refused in a row
	Accepted time.Time       `json:"accepted"`
	Called   time.Time       `json:"called"`           // when the last call began
	NextAt   time.Time       `json:"next_at"`          // of the next call or poll
	Reason   string          `json:"reason,omitempty"` // why it waits, a sentence
	Created  time.Time       `json:"created_at"`
	Version  int64           `json:"-"` // of the row; 0 for a new one
}

// OperationTarget are the ids by which a provider knows what an operation is about.
type OperationTarget struct {
	InstanceID   string `json:"instance_id"`
	BindingID    string `json:"binding_id,omitempty"`
	Owner        string `json:"owner,omitempty"` // id of the Binding's row
	Predecessor  string `json:"predecessor,omitempty"`
	Generation   int    `json:"generation,omitempty"` // of the credentials that are made or ended
	OfferingID   string `json:"offering_id,omitempty"`
	PlanID       string `json:"plan_id,omitempty"`       // with update, the one after it
	PreviousPlan string `json:"previous_plan,omitempty"` // with update
	Plan         string `json:"plan,omitempty"`          // name of PlanID
	Maintenance  string `json:"maintenance,omitempty"`
}

// OperationState is where an operation stands.
type OperationState string

// The states.
const (
	OperationPlanned  OperationState = "planned"
	OperationCalling  OperationState = "calling"
	OperationAccepted OperationState = "accepted"
)

// ServiceDetail is all that is known of one instance.
type ServiceDetail struct {
	Instance   ServiceInstance
	Bindings   []Binding   // of apps, by app and name
	Keys       []Binding   // of nobody's app, by name
	Operations []Operation // those that have not ended
}

// ServiceChange is a set of rows of the service room, written in one transaction or not at all. A row's
// Version must be the one that was read, and 0 for a new one: anything else is a conflict.
type ServiceChange struct {
	Instances      []ServiceInstance
	Bindings       []Binding
	Operations     []Operation
	Providers      []Provider
	DropInstances  []ServiceInstance
	DropBindings   []Binding
	DropOperations []Operation
	DropProviders  []Provider
	Events         []Event
	Touched        []AppRef // apps that have to look at their bindings again
}

// UserCredentials are what a user-provided instance consists of. Each is secret, URLs with a password in
// them included.
type UserCredentials struct {
	Credentials     Secret // a JSON object
	SyslogDrainURL  Secret
	RouteServiceURL Secret
}

// Empty says whether there is none.
func (c UserCredentials) Empty() bool {
	return c.Credentials.Empty() && c.SyslogDrainURL.Empty() && c.RouteServiceURL.Empty()
}

// Generations are those of a binding that a provider may still know, the newest first.
func (b Binding) Generations() []int {
	list := append([]int(nil), b.Retiring...)
	if b.Generation > 0 {
		list = append(list, b.Generation)
	}
	slices.Sort(list)
	slices.Reverse(list)
	return slices.Compact(list)
}

// IssuedAs gives what is known of a generation.
func (b Binding) IssuedAs(generation int) (Issued, bool) {
	i := slices.IndexFunc(b.Issued, func(i Issued) bool { return i.Generation == generation })
	if i < 0 {
		return Issued{}, false
	}
	return b.Issued[i], true
}

// Key says that the binding is of no app: credentials for a person or a program elsewhere.
func (b Binding) Key() bool { return b.App == "" }

// SchemaFor gives the plan's schema of an operation's parameters; nil takes any.
func (p ServicePlan) SchemaFor(op BrokerOp) json.RawMessage {
	switch op {
	case OpProvision:
		return p.Schemas.Create
	case OpUpdate:
		return p.Schemas.Update
	case OpBind:
		return p.Schemas.Bind
	case OpCatalog, OpDeprovision, OpUnbind, OpPollInstance, OpPollBinding, OpFetchInstance, OpFetchBinding:
	}
	return nil
}
