package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Audit keeps who did, or tried to do, what.
type Audit interface {
	// Record writes a line; of refused calls that are the same it may count some instead.
	Record(ctx context.Context, line paas.Audited) error
	// List gives lines by id.
	List(ctx context.Context, filter paas.AuditFilter) ([]paas.Audited, error)
}

// auditWithin is how long a line may take to be written when its call has been answered.
const auditWithin = 5 * time.Second

// note is what a handler says of its call for the audit.
type note struct {
	by            string // who it turned out to be, where no credential says it
	target        string
	before, after any
	written       bool // the line is there already
}

// noteAudit says for the audit what a call is about beside its team and app, and what was before and after it:
// what can be made JSON, and never a secret. "" and nil leave what is known already.
func noteAudit(ctx context.Context, target string, before, after any) {
	n := &callOf(ctx).note
	if target != "" {
		n.target = target
	}
	if before != nil {
		n.before = before
	}
	if after != nil {
		n.after = after
	}
}

// noteCaller says for the audit whom a call was made by, where it is the call that proves it: a sign-in, or
// a try at one.
func noteCaller(ctx context.Context, user string) { callOf(ctx).note.by = user }

// tell writes the line of each call that the audit has one of, once it has been answered. It stands around
// everything that may refuse a call.
func (a *API) tell(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if err := next(c); err != nil {
			c.Error(err)
		}
		ctx, status := c.Request().Context(), c.Response().Status
		call := callOf(ctx)
		if call.note.written || !a.toldOf(c.Request(), call, status) {
			return nil
		}
		if call.row.id == "" {
			call.row.id, call.target = "unknown", c.Request().Method+" "+c.Request().URL.Path
		}
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), auditWithin)
		defer cancel()
		if err := a.Audit.Record(limited, call.line(status)); err != nil {
			a.Log.ErrorContext(ctx, "call not written to the audit", "request_id", call.request, "action", call.row.id, "by", caller(ctx), "err", err)
		}
		return nil
	}
}

// toldOf says whether the audit has a line of a call: of each that changes something, shows a secret or runs a
// command, of each sign-in, and of each that was denied.
func (a *API) toldOf(r *http.Request, call *call, status int) bool {
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusTooManyRequests:
		return true
	case call.row.quiet:
		return false
	case call.row.told, call.row.verb == paas.VerbReveal, call.row.verb == paas.VerbExec:
		return true
	}
	return !safe(r.Method) && belowV1(r)
}

// line is the audit's line of a call.
func (call *call) line(status int) paas.Audited {
	line := paas.Audited{
		By: call.note.by, From: call.from, Verb: call.row.verb, Action: call.row.id, Team: call.act.Team, App: call.act.App, Target: call.target,
		Outcome: outcomeOf(status), Status: status, Request: call.request,
		Before: stateOf(call.note.before), After: stateOf(call.note.after),
	}
	if call.note.target != "" {
		line.Target = call.note.target
	}
	if status >= http.StatusBadRequest {
		line.Detail, line.Before, line.After = call.detail, nil, nil
	}
	if who := call.who; who != nil {
		line.By, line.Kind = who.User, who.Kind
		switch {
		case who.Session != "":
			line.Via = "session " + who.Session
		case who.Token != nil:
			line.Via = "token " + who.Token.ID
		}
	}
	return line
}

func outcomeOf(status int) paas.AuditOutcome {
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusTooManyRequests:
		return paas.AuditDenied
	case status >= http.StatusInternalServerError:
		return paas.AuditFailed
	case status >= http.StatusBadRequest:
		return paas.AuditRefused
	}
	return paas.AuditDone
}

func stateOf(v any) json.RawMessage {
	if v == nil {
		return nil
	}
	text, err := json.Marshal(v)
	if err != nil {
		return nil // what handlers note can be made JSON; a line without it is better than none
	}
	return text
}

// witnessed calls the handler. Of what shows a secret the line is written before the first byte of the answer
// is, and without it there is no answer.
func (a *API) witnessed(c echo.Context, call *call, next echo.HandlerFunc) error {
	if call.row.verb != paas.VerbReveal {
		return next(c)
	}
	answer := c.Response()
	w := &witness{ResponseWriter: answer.Writer, before: func(status int) error { return a.tellNow(c.Request().Context(), status) }}
	answer.Writer = w
	err := next(c)
	answer.Writer = w.ResponseWriter
	if w.err == nil {
		return err
	}
	a.Log.ErrorContext(c.Request().Context(), "call not answered, as it can't be written to the audit", "request_id", call.request, "action", call.row.id, "err", w.err)
	// Nothing has been sent: the answer is made anew.
	answer.Committed, answer.Size = false, 0
	answer.Header().Del(echo.HeaderContentLength)
	return paas.Wrap(paas.Unavailable, w.err, "This can't be written to the audit now, so it is not shown. Try again.")
}

// tellNow writes the line of a call that is about to be answered.
func (a *API) tellNow(ctx context.Context, status int) error {
	call := callOf(ctx)
	limited, cancel := context.WithTimeout(ctx, auditWithin)
	defer cancel()
	if err := a.Audit.Record(limited, call.line(status)); err != nil {
		return err
	}
	call.note.written = true
	return nil
}

// witness lets nothing of an answer through before the audit has its line.
type witness struct {
	http.ResponseWriter
	before func(status int) error
	begun  bool
	err    error
}

func (w *witness) WriteHeader(status int) {
	if w.begun {
		return
	}
	w.begun = true
	if w.err = w.before(status); w.err == nil {
		w.ResponseWriter.WriteHeader(status)
	}
}

func (w *witness) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if w.err != nil {
		return len(b), nil // of an answer that is made anew
	}
	return w.ResponseWriter.Write(b)
}

func (w *witness) Unwrap() http.ResponseWriter { return w.ResponseWriter }
