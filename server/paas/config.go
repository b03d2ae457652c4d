package paas

import (
	"slices"
	"time"
)

// ConfigVersion is what is known of one version of an app's config and secrets without asking Vault, which
// alone has the values. The row is written before Vault is asked to write, so that no version is ever
// there that nobody knows of.
type ConfigVersion struct {
	Team      string      `json:"team"`
	App       string      `json:"app"`
	Version   int         `json:"version"` // in Vault's KV, counts from 1
	Keys      []ConfigKey `json:"keys"`    // all that the version holds, sorted by name
	Change    string      `json:"change"`  // what made it, such as "set LOG_LEVEL, unset DEBUG"
	CreatedAt time.Time   `json:"created_at"`
	CreatedBy string      `json:"created_by"` // name of the token
	Written   bool        `json:"written"`    // Vault has it; false between the row and Vault's answer
	// Mark is a keyed hash of the values: it tells whether what Vault has under the number is this version,
	// or one that another server wrote in its place.
	Mark string `json:"-"`
}

// ConfigKey is a name in a version of an app's configuration.
type ConfigKey struct {
	Name    string    `json:"name"`
	Secret  bool      `json:"secret"`  // set as a secret: its value is shown to nobody but who reveals it
	Version int       `json:"version"` // the one in which its value was last set
	SetAt   time.Time `json:"set_at"`
	SetBy   string    `json:"set_by"` // name of the token
}

// Ref names the version's app.
func (v ConfigVersion) Ref() AppRef { return AppRef{Team: v.Team, App: v.App} }

// Key gives the key of that name.
func (v ConfigVersion) Key(name string) (ConfigKey, bool) {
	i := slices.IndexFunc(v.Keys, func(k ConfigKey) bool { return k.Name == name })
	if i < 0 {
		return ConfigKey{}, false
	}
	return v.Keys[i], true
}

// SecretFile is a key of the app's configuration that reaches programs as a file instead of as a
// variable. Its path is given to them in the variable NAME_FILE.
type SecretFile struct {
	Name string `json:"name"` // of the key
	Path string `json:"path"` // below the task's folder of secrets, which is in memory
	Mode string `json:"mode"` // octal, such as 0400
}
