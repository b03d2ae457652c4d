package vault

import (
	"encoding/json"
	"time"
)

// state is all that is saved, encrypted, in one file.
type state struct {
	ClusterID string
	Mounts    map[string]*mount     // by path, with its slash
	Auths     map[string]*authMount // by path, with its slash
	Policies  map[string]string     // name -> text
	Tokens    map[string]*token     // by id
	Leases    map[string]*lease     // by id
}

// databaseType is the type of a mount that is a database engine.
const databaseType = "database"

// mount is a kv engine of version 2, or a database engine.
type mount struct {
	Type        string // "" is kv
	Tainted     bool   // is being disabled, and serves nothing
	Accessor    string
	UUID        string
	Description string
	DefaultTTL  time.Duration
	MaxTTL      time.Duration
	Config      kvConfig
	Secrets     map[string]*secret // of kv, by key
	Connections map[string]*connection
	Roles       map[string]*databaseRole
}

// authMount is a jwt auth method. The token method is always there and not in the state.
type authMount struct {
	Accessor    string
	UUID        string
	Description string
	Config      *jwtConfig // nil until it is configured
	Roles       map[string]*jwtRole
}

// kvConfig is what a mount says for all its keys, and a key for itself.
type kvConfig struct {
	MaxVersions int
	CASRequired bool
	DeleteAfter time.Duration
}

// secret is a key with its versions.
type secret struct {
	kvConfig
	Current     int // 0 before the first version
	Oldest      int
	MetaVersion int
	Created     time.Time
	Updated     time.Time
	Custom      map[string]string
	Versions    map[int]*version
}

// version is one value. Data is gone when it is destroyed; Deletion may lie ahead.
type version struct {
	Data      json.RawMessage
	Created   time.Time
	Deletion  time.Time
	Destroyed bool
}

func (v *version) deleted(now time.Time) bool { return !v.Deletion.IsZero() && !v.Deletion.After(now) }

// token is a service token.
type token struct {
	ID          string
	Accessor    string
	Policies    []string
	Meta        map[string]string
	DisplayName string
	Path        string // the endpoint that made it
	EntityID    string
	Created     time.Time
	Issued      time.Time // last renewal, or creation
	Expires     time.Time // zero: never
	TTL         time.Duration
	Period      time.Duration
	ExplicitMax time.Duration
	Renewable   bool
	Orphan      bool
	Parent      string // revoking it revokes this one
	Uses        int    // left; 0 is unlimited
}

func (t *token) expired(now time.Time) bool { return !t.Expires.IsZero() && !now.Before(t.Expires) }

// left is the time to live, in whole seconds as the API counts.
func (t *token) left(now time.Time) int {
	if t.Expires.IsZero() {
		return 0
	}
	return int(max(t.Expires.Sub(now), 0) / time.Second)
}

func newState(clusterID string) *state {
	return &state{
		ClusterID: clusterID, Mounts: map[string]*mount{}, Auths: map[string]*authMount{},
		Policies: map[string]string{"default": defaultPolicy}, Tokens: map[string]*token{}, Leases: map[string]*lease{},
	}
}
