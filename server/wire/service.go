package wire

import (
	"encoding/json"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// ServiceOfferings are what instances can be made of.
type ServiceOfferings struct {
	Items []ServiceOffering `json:"items"`
}

// ServiceOffering is one thing that a provider offers.
type ServiceOffering struct {
	Name        string           `json:"name"`
	Provider    string           `json:"provider"`
	Kind        paas.ServiceKind `json:"kind"`
	Description string           `json:"description"`
	Absent      string           `json:"absent,omitempty" doc:"Why it can't be had now; empty while it can."`
	Reason      string           `json:"reason,omitempty" doc:"Why its provider could not be read when that was last tried."`
	Tags        []string         `json:"tags"`
	Plans       []ServicePlan    `json:"plans"`
}

// ServicePlan is one variant of an offering.
type ServicePlan struct {
	Name        string          `json:"name"`
	Description string          `json:"description"`
	Free        bool            `json:"free"`
	Bindable    bool            `json:"bindable" doc:"Its instances have credentials."`
	Updateable  bool            `json:"updateable" doc:"An instance may leave it for another plan."`
	Costs       json.RawMessage `json:"costs,omitempty" doc:"As the provider says it."`
	Create      json.RawMessage `json:"create,omitempty" doc:"JSON schema of the parameters of a new instance."`
	Update      json.RawMessage `json:"update,omitempty" doc:"JSON schema of the parameters of an update."`
	Bind        json.RawMessage `json:"bind,omitempty" doc:"JSON schema of the parameters of a binding."`
}

// Services are the service instances of a team, by name.
type Services struct {
	Items []Service `json:"items"`
}

// Service is a service instance, and who is bound to it. There is no credential in it.
type Service struct {
	paas.ServiceInstance
	Bindings []paas.Binding `json:"bindings" doc:"Of apps."`
	Keys     []paas.Binding `json:"keys" doc:"Of nobody's app."`
	// Operations are those that have not ended.
	Operations []ServiceOperation `json:"operations" doc:"What is being done with it, oldest first."`
	// NotActedOn names what was given with it, is stored, and changes nothing yet.
	NotActedOn []string `json:"not_acted_on,omitempty" doc:"What is stored and not acted on yet, such as a syslog drain."`
}

// ServiceOperation is one thing that is being done with an instance or a binding of it.
type ServiceOperation struct {
	ID        string              `json:"id"`
	Op        paas.BrokerOp       `json:"op"`
	State     paas.OperationState `json:"state"`
	App       string              `json:"app,omitempty"`
	Binding   string              `json:"binding,omitempty"`
	Attempt   int                 `json:"attempt"`
	Reason    string              `json:"reason,omitempty" doc:"Why it waits."`
	NextAt    *time.Time          `json:"next_at,omitempty" doc:"When it is tried or asked about next."`
	CreatedAt time.Time           `json:"created_at"`
}

// Given are the credentials of a user-provided instance. They are kept in Vault and never shown.
type Given struct {
	Credentials     json.RawMessage `json:"credentials,omitempty" doc:"Of a user-provided instance: a JSON object."`
	SyslogDrainURL  string          `json:"syslog_drain_url,omitempty" doc:"Of a user-provided instance. Stored, and not acted on yet." maxLength:"4096"`
	RouteServiceURL string          `json:"route_service_url,omitempty" doc:"Of a user-provided instance. Stored, and not acted on yet." maxLength:"4096"`
}

// CreateService asks for an instance: of an offering and plan, or with credentials that are given.
type CreateService struct {
	Name       string          `json:"name"`
	Offering   string          `json:"offering,omitempty"`
	Plan       string          `json:"plan,omitempty"`
	Provider   string          `json:"provider,omitempty" doc:"Needed where several have the offering."`
	Parameters json.RawMessage `json:"parameters,omitempty" doc:"A JSON object that fits the plan's schema."`
	Given
}

// UpdateService changes an instance; what is left out stays.
type UpdateService struct {
	Plan       string          `json:"plan,omitempty"`
	Parameters json.RawMessage `json:"parameters,omitempty" doc:"A JSON object: only what is to change."`
	Upgrade    bool            `json:"upgrade,omitempty" doc:"To the version of the plan that the catalog names."`
	Given
}

// BindService asks for an app to have credentials of an instance.
type BindService struct {
	App        string          `json:"app"`
	Name       string          `json:"name,omitempty" doc:"Of the binding; made of the instance's unless said."`
	As         paas.BindAs     `json:"as,omitempty" enum:"env,files," doc:"Variables (and files), or files only; env unless said."`
	Env        string          `json:"env,omitempty" doc:"The variable with the URL; only as variables."`
	VCAP       bool            `json:"vcap,omitempty" doc:"Also in VCAP_SERVICES; only as variables."`
	Signal     string          `json:"signal,omitempty" doc:"Sent to the programs when the files change; only as files."`
	Parameters json.RawMessage `json:"parameters,omitempty" doc:"A JSON object that fits the plan's schema."`
	Stage      bool            `json:"stage,omitempty" doc:"Leave it to the app's next deployment to bring it."`
}

// UnboundService is what came of the end of a binding.
type UnboundService struct {
	Bindings []paas.Binding `json:"bindings" doc:"Those that end."`
	Already  bool           `json:"already" doc:"There was none, or it had been ended before."`
}

// RotateService asks for new credentials of bindings.
type RotateService struct {
	App     string `json:"app,omitempty" doc:"Of this app only."`
	Binding string `json:"binding,omitempty" doc:"This binding only; with app."`
}

// ServiceBindings are bindings, by app and name.
type ServiceBindings struct {
	Items []paas.Binding `json:"items"`
}

// CreateServiceKey asks for credentials that no app has.
type CreateServiceKey struct {
	Name       string          `json:"name"`
	Parameters json.RawMessage `json:"parameters,omitempty" doc:"A JSON object that fits the plan's schema."`
}

// ServiceKey is a key with what it opens its instance with. Answers that hold one must not be kept.
type ServiceKey struct {
	paas.Binding
	// Credentials are there once the key is ready.
	Credentials map[string]string `json:"credentials,omitempty" doc:"By name; left out while the key is not ready."`
}

// Providers are the database servers and service brokers that are registered, by name.
type Providers struct {
	Items []Provider `json:"items"`
}

// Provider is a database server or a service broker. What opens it is in Vault.
type Provider struct {
	Name         string           `json:"name"`
	Kind         paas.ServiceKind `json:"kind"`
	URL          string           `json:"url"`
	Username     string           `json:"username,omitempty"`
	Absent       string           `json:"absent,omitempty" doc:"Why there is nothing at all."`
	Reason       string           `json:"reason,omitempty" doc:"Why its catalog could not be read when it was last tried."`
	KeepPassword bool             `json:"keep_password,omitempty" doc:"The password that was given is still the one."`
	Offerings    []string         `json:"offerings" doc:"By name, as last read."`
	CatalogAt    *time.Time       `json:"catalog_at,omitempty" doc:"When its catalog was last read whole."`
	CreatedAt    time.Time        `json:"created_at"`
	CreatedBy    string           `json:"created_by"`
}

// AddProvider registers a provider, or changes the address, the user and the password of the one of that name.
type AddProvider struct {
	Name         string           `json:"name"`
	Kind         paas.ServiceKind `json:"kind" enum:"postgres,broker"`
	URL          string           `json:"url" doc:"Without a password." maxLength:"2048"`
	Username     string           `json:"username,omitempty" doc:"Where the URL does not name it." maxLength:"256"`
	Password     string           `json:"password,omitempty" maxLength:"65536"`
	Token        string           `json:"token,omitempty" doc:"Of a broker: in place of user and password." maxLength:"65536"`
	CA           string           `json:"ca,omitempty" doc:"Of a broker: the certificates, PEM, that its own is checked by." maxLength:"262144"`
	KeepPassword bool             `json:"keep_password,omitempty" doc:"Of a database server: don't replace the password by one that only Vault knows."`
	Absent       string           `json:"absent,omitempty" doc:"Why there is no such server, such as that none was found on the machine: what it would offer is shown with it, and can't be had. The other fields may be empty then." maxLength:"1024"`
}
