package paas

import "time"

// Browser is what somebody signs in with. Session is the value of the session's cookie that it has from before:
// a sign-in ends that session, whoever's it is.
type Browser struct {
	From, Agent, Session string
}

// Locked is within the error of a failed sign-in that locked its user. Who tried is not told of it: the answer is
// that of any other failure.
type Locked struct {
	Until time.Time
}

func (l Locked) Error() string { return "locked until " + l.Until.UTC().Format(time.RFC3339) }

// SignedIn is who has signed in with a browser, and until when.
type SignedIn struct {
	Session   string // the new session's id
	User      string
	Cookie    string // value of the session's cookie: given here once
	ExpiresAt time.Time
}

// Agreed is what a CLI redeems for a token, since somebody has agreed to it.
type Agreed struct {
	Code      string // shown once
	ExpiresAt time.Time
}
