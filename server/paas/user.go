package paas

import "time"

// Token is a bearer token as the store knows it: by its hash only.
type Token struct {
	Hash      string    `json:"-"` // SHA-256 of the token, hex
	Name      string    `json:"name"`
	CreatedAt time.Time `json:"created_at"`
}
