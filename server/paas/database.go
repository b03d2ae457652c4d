package paas

import (
	"strconv"
	"time"
)

// How long a credential of a database lives. Two things pull at it. Nomad renews it when two thirds of what
// is left are over, so a Vault that is away may find a third left at worst: it can be away for LeaseTTL/3
// without an app losing its database. And Nomad never gives back what a task that has ended had, so each
// instance that stops leaves a user that can log in until its lease ends: at most LeaseTTL after its last
// renewal. A day gives eight hours for the one, and a day for the other.
//
// LeaseMax is Vault's own longest life of a lease, 32 days, after which it is not renewed. A program that
// has its credentials as variables can't be given others, so a binding is rotated by LeaseRotate after its
// credentials were first to be had: what was issued since is younger.
const (
	LeaseTTL    = 24 * time.Hour
	LeaseMax    = 32 * 24 * time.Hour
	LeaseRotate = 24 * 24 * time.Hour
)

// DatabaseConnection is how Vault's database engine reaches a database, as an account that makes users there.
type DatabaseConnection struct {
	Name     string // in Vault: crumpet-...
	URL      string // postgresql://HOST:PORT/DATABASE?SETTINGS, without user and password
	Username string
	Password Secret
	Roles    []string // names of the roles that may use it; one may end in a star
}

// DatabaseLogin opens a database.
type DatabaseLogin struct {
	URL      string // postgresql://HOST:PORT/DATABASE?SETTINGS, without user and password
	Username string
	Password Secret
}

// DatabaseRole says what user of a database is made for who reads its credentials. In the statements Vault
// puts {{name}}, {{password}} and {{expiration}}.
type DatabaseRole struct {
	Name       string // in Vault: crumpet-...
	Connection string
	Create     []string
	Revoke     []string
	TTL, Max   time.Duration
}

// DatabaseUser is a user that was made, for as long as its lease is not revoked.
type DatabaseUser struct {
	Username string
	Password Secret
	Lease    string        // id
	TTL      time.Duration // until it must be renewed
}

// CredentialsRole names the role, in Vault's database engine, of one generation of a binding's credentials.
// No name holds two dashes, so an app's policy on crumpet-TEAM--APP--* reaches none of another's; a key is
// no app's, and begins as no team can.
func (b Binding) CredentialsRole(generation int) string {
	n := strconv.Itoa(generation)
	if b.Key() {
		return "crumpet-_key--" + b.Team + "--" + b.Instance + "--" + b.Name + "--" + n
	}
	return VaultRole(b.Ref()) + "--" + b.Name + "--" + n
}
