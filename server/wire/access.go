package wire

import (
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Self is who makes a call.
type Self struct {
	User     string               `json:"user" doc:"Of an operator's token: the token's name."`
	Kind     paas.UserKind        `json:"kind" enum:"person,bot,operator" doc:"An operator's token belongs to no user, and may do everything."`
	FullName string               `json:"full_name,omitempty"`
	Email    string               `json:"email,omitempty"`
	Provider string               `json:"provider,omitempty" doc:"The OIDC provider the person comes from; none for who has a password here."`
	Admin    bool                 `json:"admin" doc:"Of the platform: may do everything in every team."`
	Roles    map[string]paas.Role `json:"roles" doc:"What the caller is, by team. An admin is so in every team, and has none of these for it."`
	Token    *Token               `json:"token,omitempty" doc:"The token the call came with. What it is narrowed to counts besides the roles."`
	Session  string               `json:"session,omitempty" doc:"Id of the session the call came with."`
}

// Token is a token as it can be shown. The token itself is shown once, when it is made.
type Token struct {
	ID         string      `json:"id" doc:"To revoke it by."`
	Name       string      `json:"name" doc:"What it is for."`
	Owner      string      `json:"owner,omitempty" doc:"The person or bot that it acts for; none for an operator's token."`
	Teams      []string    `json:"teams" doc:"The only teams it is for; empty for all of its owner's."`
	Apps       []string    `json:"apps" doc:"The only apps it is for, as TEAM/APP; empty for all."`
	Verbs      []paas.Verb `json:"verbs" doc:"All that it may do; empty for all that its owner may."`
	Status     string      `json:"status" enum:"active,expired,revoked"`
	CreatedAt  time.Time   `json:"created_at"`
	CreatedBy  string      `json:"created_by,omitempty"`
	ExpiresAt  *time.Time  `json:"expires_at,omitempty" doc:"None for an operator's token that lasts for ever."`
	RevokedAt  *time.Time  `json:"revoked_at,omitempty"`
	LastUsedAt *time.Time  `json:"last_used_at,omitempty" doc:"To the minute."`
	LastUsedBy string      `json:"last_used_by,omitempty" doc:"Address it was last used from."`
	Current    bool        `json:"current,omitempty" doc:"True for the token that the call came with."`
}

// The states of a token.
const (
	TokenActive  = "active"
	TokenExpired = "expired"
	TokenRevoked = "revoked"
)

// Tokens are listed oldest first.
type Tokens struct {
	Items []Token `json:"items"`
	Next  string  `json:"next"`
}

// CreateToken asks for a token.
type CreateToken struct {
	Name      string      `json:"name" doc:"What it is for, such as ci." maxLength:"64"`
	Owner     string      `json:"owner,omitempty" doc:"A bot of a team that the caller manages; the caller itself unless said." maxLength:"64"`
	Operator  bool        `json:"operator,omitempty" doc:"An operator's token, which belongs to nobody and may do everything: admins only."`
	Teams     []string    `json:"teams,omitempty" doc:"The only teams it is for." maxItems:"50"`
	Apps      []string    `json:"apps,omitempty" doc:"The only apps it is for, as TEAM/APP." maxItems:"50"`
	Verbs     []paas.Verb `json:"verbs,omitempty" doc:"All that it may do." maxItems:"50"`
	ExpiresIn string      `json:"expires_in,omitempty" doc:"Such as 30d or 12h; 90d unless said, at most 365d. never, for an operator's token."`
}

// CreatedToken is a new token. Secret is shown this once and can't be had again.
type CreatedToken struct {
	Secret Value `json:"secret" doc:"The token itself: it is shown this once."`
	Token  Token `json:"token"`
}

// User is a person or a bot.
type User struct {
	Name        string               `json:"name"`
	Kind        paas.UserKind        `json:"kind" enum:"person,bot"`
	FullName    string               `json:"full_name,omitempty"`
	Email       string               `json:"email,omitempty"`
	Admin       bool                 `json:"admin"`
	Provider    string               `json:"provider,omitempty" doc:"The OIDC provider the person comes from."`
	Password    bool                 `json:"password" doc:"True for who can sign in with a password."`
	Disabled    bool                 `json:"disabled"`
	LockedUntil *time.Time           `json:"locked_until,omitempty" doc:"No password is looked at before, after too many failures."`
	Roles       map[string]paas.Role `json:"roles" doc:"What the user is, by team."`
	CreatedAt   time.Time            `json:"created_at"`
	CreatedBy   string               `json:"created_by,omitempty"`
	SeenAt      *time.Time           `json:"seen_at,omitempty" doc:"Last sign-in."`
}

// Users are listed by name.
type Users struct {
	Items []User `json:"items"`
	Next  string `json:"next"`
}

// CreateUser asks for a local user.
type CreateUser struct {
	Name     string `json:"name" doc:"Up to 32 lower-case letters, digits and single dashes." maxLength:"64"`
	FullName string `json:"full_name,omitempty" maxLength:"200"`
	Email    string `json:"email,omitempty" maxLength:"200"`
	Admin    bool   `json:"admin,omitempty"`
	Password Value  `json:"password,omitempty" maxLength:"1024" doc:"At least 12 characters. Without one nobody can sign in as the user."`
}

// UpdateUser asks for a user to be another; what is left out stays.
type UpdateUser struct {
	FullName *string `json:"full_name,omitempty" maxLength:"200"`
	Email    *string `json:"email,omitempty" maxLength:"200"`
	Admin    *bool   `json:"admin,omitempty"`
	Disabled *bool   `json:"disabled,omitempty" doc:"A disabled user is signed out, and none of its tokens is taken."`
	Password *Value  `json:"password,omitempty" maxLength:"1024" doc:"Another password; the user is signed out everywhere."`
	Unlock   bool    `json:"unlock,omitempty" doc:"Look at passwords again, after too many failures."`
}

// Session is one sign-in of a browser.
type Session struct {
	ID        string    `json:"id" doc:"To end it by."`
	User      string    `json:"user"`
	CreatedAt time.Time `json:"created_at"`
	SeenAt    time.Time `json:"seen_at" doc:"To the minute."`
	ExpiresAt time.Time `json:"expires_at" doc:"Whatever happens; without a call it ends earlier."`
	From      string    `json:"from" doc:"Address of the browser when it signed in."`
	Agent     string    `json:"agent" doc:"Its User-Agent."`
	Current   bool      `json:"current,omitempty" doc:"True for the session that the call came with."`
}

// Sessions are listed newest first.
type Sessions struct {
	Items []Session `json:"items"`
	Next  string    `json:"next"`
}
