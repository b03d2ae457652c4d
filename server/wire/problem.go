package wire

import "github.com/crumpet-paas/crumpet/server/paas"

// ProblemType is the content type of every error.
const ProblemType = "application/problem+json"

// Problem is the body of every error (RFC 9457).
type Problem struct {
	Title     string       `json:"title"`            // of the HTTP status
	Status    int          `json:"status"`           // the HTTP status
	Detail    string       `json:"detail"`           // a sentence for the user
	Code      paas.Code    `json:"code"`             // what a program decides by
	Errors    []paas.Fault `json:"errors,omitempty"` // every fault of the input
	RequestID string       `json:"request_id"`       // finds the server's log lines
}
