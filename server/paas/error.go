package paas

import (
	"errors"
	"fmt"
)

// Code says what kind of failure an Error is. Package api maps it to one HTTP status, package
// client maps the status back.
type Code string

// The codes of an Error.
const (
	Invalid      Code = "invalid"      // the input is wrong; saying it again will not help
	NotFound     Code = "not_found"    // no such thing
	Conflict     Code = "conflict"     // somebody else holds it, or it changed meanwhile
	Forbidden    Code = "forbidden"    // known, but not allowed
	Unauthorized Code = "unauthorized" // no valid token
	Quota        Code = "quota"        // a limit of the source or the server
	OverQuota    Code = "over_quota"   // a limit of the team
	Limited      Code = "limited"      // too many calls; wait
	Unavailable  Code = "unavailable"  // a backend does not answer now; try again
	Internal     Code = "internal"     // our fault
)

// Error is the one error type that crosses package borders. Message is a sentence for the user: it
// names the thing, the value and the next step. Err is the cause, for the log only.
type Error struct {
	Code    Code
	Message string
	Faults  []Fault // with code invalid: every fault found, not only the first
	Err     error
}

// Fault is one thing wrong with an input, at a key path such as process.web.memory.
type Fault struct {
	Location string `json:"location"`
	Message  string `json:"message"`
}

// Error gives the user's sentence, and the cause where there is one.
func (e *Error) Error() string {
	if e.Err != nil {
		return e.Message + ": " + e.Err.Error()
	}
	return e.Message
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an Error with a formatted sentence.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Wrap makes an Error with a cause.
func Wrap(code Code, err error, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), Err: err}
}

// CodeOf gives the code of the outermost Error in err's chain, Internal for any other error and ""
// for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return Internal
}

// FaultsOf gives the faults of the first Error in err's chain that has any.
func FaultsOf(err error) []Fault {
	var e *Error
	for errors.As(err, &e) {
		if len(e.Faults) > 0 {
			return e.Faults
		}
		err = e.Err
	}
	return nil
}

// MessageOf gives the sentence meant for a user: that of the outermost Error, or a general one, so
// that no internal text is shown.
func MessageOf(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Message
	}
	return "Something went wrong inside Crumpet. The server's log has the details under this request id."
}
