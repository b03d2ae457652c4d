package auth

import (
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

const (
	lockAfter = 5 // failures in a row
	firstLock = time.Minute
	longLock  = time.Hour
)

// A try counts as failed before the password is looked at, and is forgiven when it was right. So however
// many tries arrive at once, on however many servers, no more are looked at than may be:
//
//	open --5th try in a row--> locked 1 min --over--> one try --failed--> locked 2 min --> ... --> locked 1 h
//	  ^                                                  |
//	  +---------------------- right ----------------------+

// attempt decides whether a try may be looked at, and gives the user with the try counted as failed.
func attempt(user paas.User, now time.Time) (paas.User, bool) {
	if user.LockedUntil != nil && now.Before(*user.LockedUntil) {
		return user, false
	}
	user.Failures++
	user.LockedUntil = nil
	if lock := lockFor(user.Failures); lock > 0 {
		until := now.Add(lock).UTC()
		user.LockedUntil = &until
	}
	return user, true
}

// lockFor is how long no password is looked at after so many failures in a row.
func lockFor(failures int) time.Duration {
	if failures < lockAfter {
		return 0
	}
	lock := firstLock
	for range failures - lockAfter {
		if lock *= 2; lock >= longLock {
			return longLock
		}
	}
	return lock
}

// unattempt is the user without a try that was counted, and not looked at after all.
func unattempt(user paas.User) paas.User {
	user.Failures = max(0, user.Failures-1)
	if lockFor(user.Failures) == 0 {
		user.LockedUntil = nil
	}
	return user
}

// forgive is the user after a right password.
func forgive(user paas.User) paas.User {
	user.Failures, user.LockedUntil = 0, nil
	return user
}
