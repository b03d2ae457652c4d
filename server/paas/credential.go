package paas

import "time"

// Access is what the store knows of a token or a session and of whose it is, all of one moment.
type Access struct {
	Token   *Token   // one of both is set
	Session *Session // as above

	// Whose it is. An operator's token is nobody's: User is empty and Kind is Operator.
	User     string
	Kind     UserKind
	Admin    bool
	Disabled bool
	Roles    map[string]Role // by team
}

// Use is the last of some calls that came with a token or a session.
type Use struct {
	Token, Session string // the id of one of both
	At             time.Time
	From           string // address it came from
}
