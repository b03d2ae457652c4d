package paas

// ConfigChange asks for keys of an app's configuration to be set and unset, all or none.
type ConfigChange struct {
	Ref   AppRef
	Set   []ConfigValue
	Unset []string // by name
	By    string   // name of the token
	Note  string   // of the release that comes of it
	// Base is the version that the caller saw: if there is a newer one, the change is refused. nil to change
	// whichever is the newest.
	Base *int
	// Stage makes the version, and leaves it to the next release to use it.
	Stage     bool
	Supersede bool // abort a deployment that is under way
	Wait      bool // queue behind a deployment that is under way
}

// ConfigValue is a key to be set.
type ConfigValue struct {
	Name  string
	Value Secret
	Kind  ConfigKind
}

// ConfigKind says how a key is meant. Both kinds are kept alike, in Vault.
type ConfigKind string

// The kinds.
const (
	ConfigAsIs   ConfigKind = ""       // as the key is now; plain for a new one
	ConfigPlain  ConfigKind = "plain"  // may be given where others see it; refused for a key that is a secret
	ConfigSecret ConfigKind = "secret" // never
)

// ConfigResult is what a ConfigChange came to.
type ConfigResult struct {
	Version ConfigVersion // the newest; one with the number 0 while there is none
	Made    bool          // by this change; else it asked for nothing new
	Use     ConfigUse
	Deploy  *DeployResult // with ConfigDeployed
}

// ConfigUse says when an app sees the newest version of its configuration.
type ConfigUse string

// The uses.
const (
	ConfigDeployed  ConfigUse = "deployed"   // a deployment brings it, or has brought it
	ConfigStaged    ConfigUse = "staged"     // the next release has it
	ConfigFirstPush ConfigUse = "first_push" // the app has no release yet; its first one has it
	ConfigStopped   ConfigUse = "stopped"    // the app is stopped; the next release has it
)

// Config is what is known of an app's configuration without its values.
type Config struct {
	Newest  ConfigVersion
	Serving int // the version that the serving release has; 0 for none
}

// Revealed are values of one version of an app's configuration.
type Revealed struct {
	Version ConfigVersion
	Values  map[string]Secret
}
