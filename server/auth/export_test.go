package auth

import (
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Cheap makes a Passwords of little work, for tests.
func Cheap() *Passwords { return NewPasswords(Cost{Memory: 64, Time: 1, Threads: 1}) }

// AtOnce is how many passwords are hashed at once.
const AtOnce = hashesAtOnce

// Hold takes a turn to hash, until the function that it gives is called.
func (p *Passwords) Hold() func() {
	p.turns <- struct{}{}
	return func() { <-p.turns }
}

// Attempt is attempt.
func Attempt(user paas.User, now time.Time) (paas.User, bool) { return attempt(user, now) }

// LockFor is lockFor.
func LockFor(failures int) time.Duration { return lockFor(failures) }

// UserName is userName.
func UserName(candidates ...string) string { return userName(candidates...) }

// Hash is hash.
func Hash(secret string) string { return hash(secret) }
