package paas

// ServiceCreate asks for a new instance.
type ServiceCreate struct {
	Team, Name string
	Provider   string // "" for the only one that has the offering; ProviderUser for credentials given by hand
	Offering   string
	Plan       string
	Parameters Secret          // a JSON object, "" for none
	User       UserCredentials // with ProviderUser, and only then
	By         string          // name of the token
}

// ServiceUpdate changes an instance; what is "" stays as it is.
type ServiceUpdate struct {
	Team, Name string
	Plan       string
	Parameters Secret           // a JSON object: only what is to change
	User       *UserCredentials // with ProviderUser, and only then: all that it consists of from now on
	Upgrade    bool             // to the maintenance version that the catalog names
	By         string
}

// ServiceDelete asks for the end of an instance and of all that is in it.
type ServiceDelete struct {
	Team, Name string
	By         string
}

// ServiceBind asks for an app to have credentials of an instance, by hand.
type ServiceBind struct {
	Team, App, Instance string
	Name                string // of the binding; "" for the instance's, without what it shares with the app's
	Bind                Bind   // defaults are filled in
	Parameters          Secret // a JSON object, "" for none
	Stage               bool   // leave it to the app's next deployment to bring it
	By                  string
}

// ServiceUnbind asks for the end of a binding. One of Name and Instance says which; with Instance alone all
// of the app's bindings to it.
type ServiceUnbind struct {
	Team, App, Name, Instance string
	By                        string
}

// Unbound is what came of a ServiceUnbind.
type Unbound struct {
	Bindings []Binding // those that end
	Already  bool      // there was none, or it had been ended before
}

// ServiceKey asks for credentials of an instance for somebody who is no app, or for those there are.
type ServiceKey struct {
	Team, Instance, Name string
	Parameters           Secret // with the making of it
	By                   string
}

// KeyCredentials are what a key opens its instance with.
type KeyCredentials struct {
	Key    Binding
	Values map[string]Secret // by name, such as uri, username, password
}

// ServiceRotate asks for new credentials of a binding, or of all of an app's where Name is "".
type ServiceRotate struct {
	Team, App, Name string
	By              string
}

// ProviderAdd registers a database server or a service broker. Added again under the same name and kind it
// replaces URL, user and password.
type ProviderAdd struct {
	Name         string
	Kind         ServiceKind
	URL          string
	Username     string // "" where the URL names it
	Password     Secret
	Token        Secret // KindBroker: a bearer token in place of user and password
	CA           string // KindBroker: PEM, the certificates that its own is checked by; "" for the system's
	KeepPassword bool
	Absent       string // see Provider
	By           string
}

// ParamsPath names, in Vault, what was given for an instance, or for one binding of it.
type ParamsPath struct {
	Team     string
	Instance string // name
	Binding  string // APP.NAME of a binding, .NAME of a key; "" for the instance's own
}
