package wire

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Value is the value of a key of an app's configuration. It is plain text in JSON only: logs and
// messages don't show it.
type Value string

// Format hides the text from every verb of fmt.
func (v Value) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(paas.Hidden)) }

// LogValue hides the text from slog.
func (v Value) LogValue() slog.Value { return slog.StringValue(paas.Hidden) }

// ChangeConfig asks for keys of an app's configuration to be set and unset, all or none. Without any, what
// was staged is deployed.
type ChangeConfig struct {
	Set       []ConfigValue `json:"set,omitempty" doc:"Keys to set." maxItems:"1000"`
	Unset     []string      `json:"unset,omitempty" doc:"Keys to unset, by name." maxItems:"1000"`
	Base      *int          `json:"base,omitempty" doc:"The version the caller saw: refuse with conflict if there is a newer one." minimum:"0"`
	Stage     bool          `json:"stage,omitempty" doc:"Make the version, and leave it to the next release to use it."`
	Note      string        `json:"note,omitempty" doc:"What is to be remembered of the release." maxLength:"1000"`
	Supersede bool          `json:"supersede,omitempty" doc:"Abort a deployment that is under way."`
	Wait      bool          `json:"wait,omitempty" doc:"Queue behind a deployment that is under way."`
}

// ConfigValue is a key to be set.
type ConfigValue struct {
	Name  string          `json:"name" doc:"As of an environment variable."`
	Value Value           `json:"value" doc:"UTF-8, 64 KiB at most."`
	Kind  paas.ConfigKind `json:"kind,omitempty" doc:"Whether it is a secret; as the key is unless said, and plain for a new one." enum:"plain,secret,"`
}

// ChangedConfig is what a change of the configuration came to.
type ChangedConfig struct {
	App      string         `json:"app"`
	Team     string         `json:"team"`
	Version  int            `json:"version" doc:"The newest; 0 while there is none."`
	Made     bool           `json:"made" doc:"By this change; else it asked for nothing new."`
	Change   string         `json:"change" doc:"What made the version."`
	Use      paas.ConfigUse `json:"use" doc:"When the app sees it." enum:"deployed,staged,first_push,stopped"`
	Deployed *Deployed      `json:"deployed,omitempty" doc:"The release and deployment that bring it."`
}

// Config is what an app's configuration holds, without the values.
type Config struct {
	App     string           `json:"app"`
	Team    string           `json:"team"`
	Version int              `json:"version" doc:"The newest; 0 while there is none."`
	Serving int              `json:"serving" doc:"The version that the serving release has; 0 for none."`
	Items   []paas.ConfigKey `json:"items"`
}

// ConfigVersions are the versions of an app's configuration that are kept, newest first.
type ConfigVersions struct {
	Serving int             `json:"serving" doc:"The version that the serving release has; 0 for none."`
	Items   []ConfigVersion `json:"items"`
}

// ConfigVersion is one of them.
type ConfigVersion struct {
	Version   int       `json:"version"`
	Change    string    `json:"change"`
	Keys      int       `json:"keys" doc:"How many it holds."`
	CreatedAt time.Time `json:"created_at"`
	CreatedBy string    `json:"created_by"`
}

// RevealConfig asks for values.
type RevealConfig struct {
	Version int      `json:"version,omitempty" doc:"The newest unless said." minimum:"0"`
	Names   []string `json:"names,omitempty" doc:"Keys to show; all unless said." maxItems:"1000"`
}

// RevealedConfig are values of a version.
type RevealedConfig struct {
	Version int             `json:"version"`
	Items   []RevealedValue `json:"items"`
}

// RevealedValue is one of them.
type RevealedValue struct {
	Name   string `json:"name"`
	Secret bool   `json:"secret"`
	Value  Value  `json:"value"`
}
