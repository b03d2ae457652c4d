package paas

import "time"

// Token is a bearer token as the store knows it: by its hash only.
type Token struct {
	ID         string     `json:"id"`              // public: to list and revoke it by
	Hash       string     `json:"-"`               // SHA-256 of the token, hex
	Name       string     `json:"name"`            // said by who made it
	Owner      string     `json:"owner,omitempty"` // user that it acts for; "" is an operator's token, which may do everything
	Scope      Scope      `json:"scope"`
	CreatedAt  time.Time  `json:"created_at"`
	CreatedBy  string     `json:"created_by,omitempty"`
	ExpiresAt  *time.Time `json:"expires_at,omitempty"` // nil for never: operators' tokens only
	RevokedAt  *time.Time `json:"revoked_at,omitempty"`
	LastUsedAt *time.Time `json:"last_used_at,omitempty"` // to the minute
	LastUsedBy string     `json:"last_used_by,omitempty"` // address it was last used from
}

// Scope narrows what a token may do below what its owner may; empty is no narrowing.
type Scope struct {
	Teams []string `json:"teams,omitempty"`
	Apps  []string `json:"apps,omitempty"` // TEAM/APP
	Verbs []Verb   `json:"verbs,omitempty"`
}

// TokenWish asks for a token.
type TokenWish struct {
	Name     string
	Owner    string // a bot; "" for the caller
	Operator bool   // an operator's, which belongs to nobody
	Scope    Scope
	Lasts    time.Duration // 0 for as long as is usual, below 0 for ever
}
