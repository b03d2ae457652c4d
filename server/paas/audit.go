package paas

import (
	"encoding/json"
	"time"
)

// Audited is one line of the audit: who did, or tried to do, what to which thing from where. Lines are
// added only, never changed and never deleted by Crumpet. They hold no secret.
type Audited struct {
	ID      int64           `json:"id"` // grows with each line
	Time    time.Time       `json:"time"`
	By      string          `json:"by"` // user, or name of an operator's token; "" when nobody was recognised
	Kind    UserKind        `json:"kind,omitempty"`
	Via     string          `json:"via,omitempty"` // "token ID" or "session ID"
	From    string          `json:"from"`          // address
	Verb    Verb            `json:"verb"`
	Action  string          `json:"action"` // operation of the API, such as createRelease
	Team    string          `json:"team,omitempty"`
	App     string          `json:"app,omitempty"`
	Target  string          `json:"target,omitempty"` // what else it was done to: a user, an instance, a service
	Outcome AuditOutcome    `json:"outcome"`
	Status  int             `json:"status"`           // of the HTTP answer
	Detail  string          `json:"detail,omitempty"` // the sentence of a refusal or failure
	Before  json.RawMessage `json:"before,omitempty"`
	After   json.RawMessage `json:"after,omitempty"`
	Request string          `json:"request_id"`
	Times   int             `json:"times,omitempty"` // of the same refusal within a minute, when above 1
}

// AuditOutcome says how an audited call ended.
type AuditOutcome string

// The outcomes.
const (
	AuditDone    AuditOutcome = "done"
	AuditDenied  AuditOutcome = "denied" // no valid credentials, no right, or too many calls
	AuditFailed  AuditOutcome = "failed"
	AuditRefused AuditOutcome = "refused" // the input was wrong, or something stood against it
)

// AuditFilter narrows a list of audited calls, which is ordered by id.
type AuditFilter struct {
	After    int64 // ids above this one
	Before   int64 // ids below this one; 0 for all
	Since    time.Time
	Until    time.Time
	Teams    []string // nil for all, and those of no team
	App      string
	By       string
	Action   string
	Outcomes []AuditOutcome
	Limit    int  // 0 for 100
	Last     bool // the last ones of all that fit, instead of the first
}
