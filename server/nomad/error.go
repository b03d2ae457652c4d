package nomad

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// fail turns an error of the official client into a paas.Error. does is what was attempted, verb
// and object, such as `register job "web.blue"`. ctx is the caller's, without our own deadline.
func (c *Client) fail(ctx context.Context, err error, does string) error {
	if ctx.Err() != nil { // the caller gave up; that is no fault of Nomad's
		return fmt.Errorf("%s: %w", does, ctx.Err())
	}
	var answer nomadapi.UnexpectedResponseError
	if !errors.As(err, &answer) || !answer.HasStatusCode() {
		return paas.Wrap(paas.Unavailable, fmt.Errorf("%s: %w", does, err),
			"Nomad at %s does not answer. Check that it runs and that nomad.address is right.", c.address)
	}
	return c.answered(does, answer.StatusCode(), answer.Body())
}

// answered turns an answer that is no success into a paas.Error.
func (c *Client) answered(does string, status int, body string) error {
	body = strings.TrimSpace(body)
	cause := fmt.Errorf("%s: status %d: %s", does, status, body)
	switch {
	case staleIndex(body):
		return paas.Wrap(paas.Conflict, cause, "Somebody else changed the Nomad job meanwhile. Try again.")
	case status == http.StatusNotFound:
		return paas.Wrap(paas.NotFound, cause, "Nomad knows no such thing: %s.", oneLine(body))
	case status == http.StatusForbidden, status == http.StatusUnauthorized, strings.Contains(body, "Permission denied"):
		return paas.Wrap(paas.Forbidden, cause, "Nomad at %s does not allow it: %s. Check the policy of the token in nomad.token.", c.address, oneLine(body))
	case strings.Contains(body, "No cluster leader"):
		return c.noLeader(cause)
	case status == http.StatusTooManyRequests, status == http.StatusBadGateway,
		status == http.StatusServiceUnavailable, status == http.StatusGatewayTimeout:
		return paas.Wrap(paas.Unavailable, cause, "Nomad at %s can't answer now (status %d). Try again in a moment.", c.address, status)
	case status == http.StatusBadRequest, status == http.StatusRequestEntityTooLarge:
		return paas.Wrap(paas.Invalid, cause, "Nomad does not accept it: %s.", oneLine(body))
	}
	return paas.Wrap(paas.Internal, cause, "Nomad at %s failed: %s.", c.address, oneLine(body))
}

func (c *Client) noLeader(cause error) error {
	return paas.Wrap(paas.Unavailable, cause, "Nomad at %s has no leader. Check that a majority of its servers runs.", c.address)
}

// staleIndex knows the answer to a register whose EnforceIndex is old: a 500 with this text.
func staleIndex(body string) bool {
	return strings.Contains(body, "Enforcing job modify index") || strings.Contains(body, "conflicting job modify index")
}

// oneLine bounds foreign text and takes its line ends and full stop away, so that it fits into a
// sentence.
func oneLine(s string) string {
	s = strings.TrimRight(strings.Join(strings.Fields(s), " "), ". ")
	const longest = 300
	if len(s) > longest {
		s = strings.ToValidUTF8(s[:longest], "") + "..."
	}
	if s == "" {
		return "no reason given"
	}
	return s
}
