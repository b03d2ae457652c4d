package paas

import "time"

// Browser is what somebody signs in with. Session is the value of the session's cookie that it has from before:
// a sign-in ends that session, whoever's it is.
type Browser struct {
	From, Agent, Session string
}

// SignedIn is who has signed in with a browser, and until when.
type SignedIn struct {
	User      string
	Cookie    string // value of the session's cookie: given here once
	ExpiresAt time.Time
}

// Agreed is what a CLI redeems for a token, since somebody has agreed to it.
type Agreed struct {
	Code      string // shown once
	ExpiresAt time.Time
}
