package paas

import (
	"encoding/json"
	"time"
)

// ServiceUse is a service block of an app spec: an instance the app needs, and how its credentials reach
// the app's programs.
type ServiceUse struct {
	Name       string          `json:"name"`                 // of the binding, unique in the app
	Instance   string          `json:"instance"`             // of the team; APP-NAME unless said
	Offering   string          `json:"offering,omitempty"`   // what the instance is made of when there is none; "" to use one that must exist
	Plan       string          `json:"plan,omitempty"`       // of the offering
	Parameters json.RawMessage `json:"parameters,omitempty"` // for making it: a JSON object with sorted keys; no place for secrets
	Bind       Bind            `json:"bind"`
}

// Bind says how a binding's credentials reach the programs of an app. They are files in any case, below
// SERVICE_BINDING_ROOT as servicebinding.io has them.
type Bind struct {
	As     BindAs     `json:"as"`
	Env    string     `json:"env,omitempty"`    // the variable with the URL; only as variables
	VCAP   bool       `json:"vcap,omitempty"`   // also in VCAP_SERVICES; only as variables
	Change ChangeMode `json:"change,omitempty"` // only as files: what is done with the program when they change
	Signal string     `json:"signal,omitempty"` // with ChangeSignal
}

// BindAs decides how a rotation reaches the app.
type BindAs string

// The ways. A program reads its variables once, so new credentials reach it by a walk between the slots.
const (
	AsEnv   BindAs = "env"   // variables, and files
	AsFiles BindAs = "files" // files only, which change under the running program
)

// ServiceKind is how an instance is made and bound.
type ServiceKind string

// The kinds.
const (
	KindPostgres ServiceKind = "postgres" // a database of its own on a registered server; credentials by Vault's engine
	KindBroker   ServiceKind = "broker"   // an Open Service Broker makes it
	KindUser     ServiceKind = "user"     // credentials were given by hand
)

// Binding is the wish that an app has credentials of an instance, and what a job must know to read them.
// No field of it opens a door: the credentials are in Vault.
type Binding struct {
	ID       string      `json:"id"` // unique, never used again
	Team     string      `json:"team"`
	App      string      `json:"app"`
	Name     string      `json:"name"` // unique in the app; a key for a person has the app ""
	Instance string      `json:"instance"`
	Kind     ServiceKind `json:"kind"`
	Declared bool        `json:"declared"` // by a service block of the spec, which says Bind; else Bind holds
	Bind     Bind        `json:"bind"`
	// State and Reason are what the service room last knew; a job can be rendered from the first
	// BindingReady on, for as long as Generation is above 0.
	State  BindingState `json:"state"`
	Reason string       `json:"reason,omitempty"` // why it waits or failed, a sentence
	// Generation counts the credentials issued, from 1; 0 before there are any. A rotation raises it, and
	// the ones before stay valid until no instance can hold them.
	Generation int      `json:"generation"`
	Retiring   []int    `json:"retiring,omitempty"` // generations to be ended once nobody uses them
	Entries    Entries  `json:"entries"`
	Label      string   `json:"label"` // of the offering, for VCAP_SERVICES
	Plan       string   `json:"plan,omitempty"`
	Tags       []string `json:"tags,omitempty"`
	// Unbound is the newest release of the app when a declared binding was ended by hand: it comes back
	// with the next one. 0 for one that was not.
	Unbound   int       `json:"unbound,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	CreatedBy string    `json:"created_by"`
	RotatedAt time.Time `json:"rotated_at"`     // when Generation was issued
	Last      int       `json:"last,omitempty"` // highest Generation there was
	// Carried is the newest generation that a walk was begun for, so that one that failed is not begun again
	// and again; CarriedEnd once there was one for the binding's end, CarriedByNext while the app's next
	// deployment is to bring it.
	Carried int `json:"carried,omitempty"`
	// Tried is the newest release of the app when the binding failed: a newer one tries again.
	Tried int `json:"tried,omitempty"`
	// Issued are the generations that their provider may still know.
	Issued  []Issued `json:"issued,omitempty"`
	Params  int      `json:"params,omitempty"` // version of its parameters in Vault; 0 for none
	Version int64    `json:"-"`                // of the row; 0 for a new one
}

// What Carried says beside a generation.
const (
	CarriedEnd    = -1
	CarriedByNext = -2
)

// Ref names the app that is bound.
func (b Binding) Ref() AppRef { return AppRef{Team: b.Team, App: b.App} }

// Entries are what a binding consists of, as servicebinding.io names them: each is one file.
type Entries struct {
	Type     string            `json:"type"`            // postgresql, or what the broker's offering is called
	Provider string            `json:"provider"`        // of the instance: the name of the database server or broker, "user"
	Facts    map[string]string `json:"facts,omitempty"` // what is no secret: host, port, database
	Keys     []string          `json:"keys,omitempty"`  // what Vault has, by name, sorted
	// URL names the key with the URL; "" where there is none. A KindPostgres has no such key: the URL is
	// put together from Facts and the keys username and password.
	URL string `json:"url,omitempty"`
}

// CredentialsKey is the key in Vault's KV beside Keys that holds all of a broker's credentials as one JSON
// object, for VCAP_SERVICES.
const CredentialsKey = "credentials_json"

// BindingState is how far a binding is.
type BindingState string

// The states.
const (
	BindingPending   BindingState = "pending"   // wished for
	BindingReady     BindingState = "ready"     // its credentials can be read
	BindingFailed    BindingState = "failed"    // could not be made; the wish stands until it is taken back
	BindingUnbinding BindingState = "unbinding" // to be ended; no new job has it
	BindingEnded     BindingState = "ended"     // ended by hand while the spec still declares it
)

// Usable says that a job may be rendered with the binding.
func (b Binding) Usable() bool {
	return b.Generation > 0 && (b.State == BindingReady || b.State == BindingPending || b.State == BindingFailed)
}
