package broker

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"

	"github.com/crumpet-paas/crumpet/server/paas"
)

const (
	longestDescription = 300 // characters
	longestWord        = 60
)

// at is the key path of an element of an array.
func at(path string, i int) string { return path + "." + strconv.Itoa(i) }

func (c *Client) fail(code paas.Code, f *paas.BrokerFailure, format string, args ...any) *paas.Error {
	message := fmt.Sprintf("Broker %q ", c.cfg.Name) + fmt.Sprintf(format, args...)
	if f.Description != "" {
		message += " It says: " + f.Description + "."
	}
	return &paas.Error{Code: code, Message: message, Err: f}
}

// refuse is for requests that are not sent.
func (c *Client) refuse(k call, format string, args ...any) error {
	return &paas.Error{
		Code:    paas.Invalid,
		Message: fmt.Sprintf("Broker %q was not asked to %s. ", c.cfg.Name, k.does) + fmt.Sprintf(format, args...),
		Err:     &paas.BrokerFailure{Op: k.op, Outcome: paas.BrokerOutcome{End: paas.EndRefused}},
	}
}

// silent is for requests without an answer. The transport's own text may quote what the broker sent, so
// only that of a connection that was never made is kept.
func (c *Client) silent(ctx context.Context, k call, err error, sent bool) error {
	outcome := paas.BrokerOutcome{End: paas.EndBroken}
	if !sent {
		outcome.End = paas.EndUnsent
	}
	if ctx.Err() != nil {
		return c.ended(ctx, k, outcome)
	}
	var dial *net.OpError
	var untrusted *tls.CertificateVerificationError
	switch f := (&paas.BrokerFailure{Op: k.op, Outcome: outcome}); {
	case errors.As(err, &untrusted):
		f.Detail = untrusted.Error()
		return c.fail(paas.Unavailable, f, "at %s has a certificate that is not trusted. Give its authority with the broker.", c.base)
	case !sent && errors.As(err, &dial):
		f.Detail = dial.Error()
		return c.fail(paas.Unavailable, f, "can't be reached at %s to %s. Check that it runs and that its URL is right.", c.base, k.does)
	case !sent:
		f.Detail = "no connection"
		return c.fail(paas.Unavailable, f, "can't be reached at %s to %s. Check that it runs and that its URL is right.", c.base, k.does)
	case errors.Is(err, context.DeadlineExceeded):
		outcome.End = paas.EndTimeout
		return c.late(k, outcome)
	default:
		f.Detail = "the connection ended, or what came is not HTTP"
		return c.fail(paas.Unavailable, f, "ended the connection without an answer to the request to %s. Look into its log.", k.does)
	}
}

func (c *Client) late(k call, outcome paas.BrokerOutcome) error {
	return c.fail(paas.Unavailable, &paas.BrokerFailure{Op: k.op, Outcome: outcome},
		"did not answer the request to %s within %s. Whether it was done is not known.", k.does, c.cfg.Timeout)
}

// ended is for callers that gave up; that is no fault of the broker's.
func (c *Client) ended(ctx context.Context, k call, outcome paas.BrokerOutcome) error {
	f := &paas.BrokerFailure{Op: k.op, Outcome: outcome, Err: ctx.Err(), Detail: "the caller gave up"}
	return fmt.Errorf("%s at broker %q: %w", k.does, c.cfg.Name, f)
}

// malformed is for answers that are not what the specification says.
func (c *Client) malformed(k call, outcome paas.BrokerOutcome, detail string) error {
	outcome.End = paas.EndMalformed
	return c.fail(paas.Unavailable, &paas.BrokerFailure{Op: k.op, Outcome: outcome, Detail: detail},
		"answered the request to %s with status %d, but not as the Open Service Broker API says: %s. Tell its operator.", k.does, outcome.Status, detail)
}

// checked is malformed where the fields of an answer have faults.
func (c *Client) checked(k call, a answer) error {
	if len(*a.faults) == 0 {
		return nil
	}
	first := (*a.faults)[0]
	err := c.malformed(k, a.outcome, first.Location+" "+first.Message)
	if e, ok := errors.AsType[*paas.Error](err); ok {
		e.Faults = *a.faults
	}
	return err
}

// answered is for statuses that carry no result. One of them is a success: what is gone need not be
// deleted.
func (c *Client) answered(k call, outcome paas.BrokerOutcome, body []byte) (answer, error) {
	if outcome.Status == http.StatusGone && k.op.Deletes() {
		return answer{outcome: outcome, object: object{faults: &[]paas.Fault{}}}, nil
	}
	f := &paas.BrokerFailure{Op: k.op, Outcome: outcome}
	if said, problem := readObject(body[:min(int64(len(body)), longestAnswer)]); problem == "" {
		f.Outcome.Error = clean(c.secrets.Replace(said.text("error")), longestWord)
		f.Description = clean(c.secrets.Replace(said.text("description")), longestDescription)
		if k.op == paas.OpUpdate || k.op == paas.OpDeprovision {
			f.Outcome.Unusable = !said.flag("instance_usable", true)
		}
		if k.op == paas.OpUpdate {
			f.Outcome.Unrepeatable = !said.flag("update_repeatable", true)
		}
	}
	return answer{}, c.status(k, f)
}

// status turns each status of the specification's tables into a sentence with the next step.
func (c *Client) status(k call, f *paas.BrokerFailure) error {
	switch status := f.Outcome.Status; {
	case status == http.StatusBadRequest:
		return c.fail(paas.Invalid, f, "does not accept the request to %s. Check the parameters.", k.does)
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return c.fail(paas.Unavailable, f, "refuses Crumpet's credentials (status %d). Give the broker's user and password anew.", status)
	case status == http.StatusNotFound:
		return c.fail(paas.NotFound, f, "knows nothing of what it was asked to do: %s. It may be gone or not be ready yet, or the broker's URL is wrong.", k.does)
	case status == http.StatusRequestTimeout:
		return c.fail(paas.Unavailable, f, "did not get the whole request to %s. Try again.", k.does)
	case status == http.StatusConflict:
		return c.fail(paas.Conflict, f, "already has one with this id that is different, so it can't %s. Take a new id.", k.does)
	case status == http.StatusGone:
		return c.fail(paas.Unavailable, f, "says that it is gone, which is no answer to the request to %s. Tell its operator.", k.does)
	case status == http.StatusPreconditionFailed:
		return c.fail(paas.Unavailable, f, "does not speak version %s of the Open Service Broker API. Upgrade the broker, or Crumpet.", Version)
	case status == http.StatusUnprocessableEntity:
		return c.unprocessable(k, f)
	case status == http.StatusTooManyRequests:
		return c.fail(paas.Unavailable, f, "gets too many requests to %s now. Try again in a moment.", k.does)
	case status >= 300 && status < 400:
		return c.fail(paas.Unavailable, f, "leads the request to %s elsewhere (status %d), which Crumpet does not follow. Give the broker's final URL.", k.does, status)
	case status >= 500:
		return c.fail(paas.Unavailable, f, "failed to %s (status %d). Look into its log.", k.does, status)
	}
	return c.fail(paas.Unavailable, f, "answered the request to %s with status %d, which means nothing there. Tell its operator.", k.does, f.Outcome.Status)
}

func (c *Client) unprocessable(k call, f *paas.BrokerFailure) error {
	switch f.Outcome.Error {
	case paas.ErrorAsyncRequired:
		return c.fail(paas.Unavailable, f, "wants to %s in the background and was told that it may, yet refuses. Tell its operator.", k.does)
	case paas.ErrorConcurrency:
		return c.fail(paas.Conflict, f, "works on the same thing already, so it can't %s now. Wait until that has ended.", k.does)
	case paas.ErrorRequiresApp:
		return c.fail(paas.Invalid, f, "makes bindings for apps only. Bind it to an app.")
	case paas.ErrorMaintenanceInfo:
		return c.fail(paas.Conflict, f, "has changed what the plan runs on. Read its catalog again, then try again.")
	}
	return c.fail(paas.Invalid, f, "can't %s as asked. Change the plan or the parameters, or wait until the instance is ready.", k.does)
}
