package paas

import "time"

// User is a person, or a bot that acts for a team. A person signs in with a password of Crumpet's own or
// through an OIDC provider, never with both; a bot has tokens only.
type User struct {
	Name      string     `json:"name"` // unique; see CheckName
	Kind      UserKind   `json:"kind"`
	FullName  string     `json:"full_name,omitempty"`
	Email     string     `json:"email,omitempty"`
	Admin     bool       `json:"admin"`              // of the platform: may do everything in every team
	Provider  string     `json:"provider,omitempty"` // the OIDC provider the person comes from; "" for a local user
	Subject   string     `json:"-"`                  // who the person is there: with Provider, what identifies it
	Password  string     `json:"-"`                  // argon2id in PHC format; "" for none
	Disabled  bool       `json:"disabled"`
	CreatedAt time.Time  `json:"created_at"`
	CreatedBy string     `json:"created_by,omitempty"`
	SeenAt    *time.Time `json:"seen_at,omitempty"` // last sign-in

	// Failures in a row, and until when no password is looked at because of them.
	Failures    int        `json:"-"`
	LockedUntil *time.Time `json:"locked_until,omitempty"`
}

// MaxUser is the longest name of a user, in bytes.
const MaxUser = 32

// UserKind says what a user is.
type UserKind string

// The kinds of user.
const (
	Person   UserKind = "person"
	Bot      UserKind = "bot"
	Operator UserKind = "operator" // no row: the bearer of a token that belongs to no user, such as a server's first
)

// Identity is who makes a call, and what that one is in each team, as the store has it at that moment.
type Identity struct {
	User  string          `json:"user"` // of an operator's token: the token's name
	Kind  UserKind        `json:"kind"`
	Admin bool            `json:"admin"`
	Roles map[string]Role `json:"roles"`           // by team
	Token *Token          `json:"token,omitempty"` // the call came with a token, not with a session
	// Session is the public id of the browser session the call came with, "" with a token.
	Session string `json:"session,omitempty"`
}

// Role gives what the identity is in a team, "" for nothing.
func (i Identity) Role(team string) Role {
	if i.Admin {
		return Admin
	}
	return i.Roles[team]
}

// Session is one sign-in of a browser. The cookie's value is stored by its hash only.
type Session struct {
	ID        string    `json:"id"` // public: to list and end it by
	Hash      string    `json:"-"`  // SHA-256 of the cookie's value, hex
	User      string    `json:"user"`
	CreatedAt time.Time `json:"created_at"`
	SeenAt    time.Time `json:"seen_at"`
	ExpiresAt time.Time `json:"expires_at"` // whatever happens
	From      string    `json:"from"`       // address of the browser
	Agent     string    `json:"agent"`      // its User-Agent, cut
}

// Login is a sign-in under way: what a server, not always the same one, must know when the browser or the
// CLI comes back. It serves once.
type Login struct {
	Hash      string // SHA-256 of the state or of the code, hex
	Kind      LoginKind
	Provider  string    // OIDC: which
	Verifier  string    // OIDC: the PKCE verifier; CLI: the challenge
	Nonce     string    // OIDC: what the ID token must repeat
	Binding   string    // SHA-256 of the cookie that the browser must bring along, hex
	User      string    // CLI: who has agreed
	Then      string    // path of the UI to go on to
	ExpiresAt time.Time // ten minutes after it began
}

// LoginKind says which sign-in is under way.
type LoginKind string

// The kinds of sign-in that take more than one request.
const (
	LoginOIDC LoginKind = "oidc"
	LoginCLI  LoginKind = "cli"
)

// UserWish asks for a local user.
type UserWish struct {
	Name, FullName, Email string
	Admin                 bool
	Password              string // plain; "" for none yet: then nobody signs in by it
}

// UserChange asks for a user to be another; nil leaves as it is.
type UserChange struct {
	FullName, Email *string
	Admin, Disabled *bool
	Password        *string // plain
	Unlock          bool    // after too many failures
}
