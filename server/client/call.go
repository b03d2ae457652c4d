package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"syscall"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// repeat says when a call may be made again after the connection broke.
type repeat bool

const (
	always repeat = true  // making it twice comes to the same
	unsent repeat = false // only if the server can't have heard it
)

// call makes one typed call, again while the server can't be reached.
func (c *Client) call(ctx context.Context, again repeat, method, path string, query url.Values, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return fmt.Errorf("encode request: %w", err)
		}
	}
	return c.retry(ctx, again, func() error {
		ctx, cancel := context.WithTimeout(ctx, callWithin)
		defer cancel()
		r, err := c.request(ctx, method, path, query)
		if err != nil {
			return err
		}
		if in != nil {
			r.Header.Set("Content-Type", "application/json")
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		}
		return c.send(r, out)
	})
}

// send makes a request and decodes the answer into out.
func (c *Client) send(r *http.Request, out any) error {
	answer, err := c.do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close() //nolint:errcheck // read to its end, or given up
	if answer.StatusCode >= http.StatusMultipleChoices {
		return c.problem(answer)
	}
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return c.unreached(err)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(text, out); err != nil {
		return paas.Wrap(paas.Internal, err, "The server at %s gave an answer that is not Crumpet's. Is the address right?", c.Addr())
	}
	return nil
}

// lost is an error of the connection: the server may or may not have heard the call.
type lost struct {
	error
	unheard bool // it can't have
}

func (l *lost) Unwrap() error { return l.error }

// unreached turns an error of the connection into a sentence, with the reason where a reader can act
// on it. The url.Error around it is left out: it repeats the whole address with its query.
func (c *Client) unreached(err error) error {
	if outer, ok := errors.AsType[*url.Error](err); ok {
		err = outer.Err
	}
	if errors.Is(err, context.Canceled) {
		return err
	}
	var dial *net.OpError
	unheard := errors.As(err, &dial) && dial.Op == "dial" || errors.Is(err, syscall.ECONNREFUSED)
	return &lost{unheard: unheard, error: paas.Wrap(paas.Unavailable, err, "The server at %s does not answer%s. Is it running, and is CRUMPET_ADDR right?", c.Addr(), whyUnreached(err))}
}

// whyUnreached is the reason in brackets, or "" where there is none but Go's own words.
func whyUnreached(err error) string {
	name, unknown := errors.AsType[*net.DNSError](err)
	timeout, waited := errors.AsType[net.Error](err)
	certificate, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return " (connection refused)"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return " (it closed the connection)"
	case unknown && name.IsNotFound:
		return fmt.Sprintf(" (there is no host %q)", name.Name)
	case errors.Is(err, http.ErrSchemeMismatch):
		return " (it speaks http, not https)"
	case untrusted:
		return fmt.Sprintf(" (its certificate is not valid: %s)", certificate.Err)
	case waited && timeout.Timeout():
		return " (no answer in time)"
	}
	return ""
}

// problem turns an answer that is an error into the paas.Error it was on the server.
func (c *Client) problem(answer *http.Response) error {
	text, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err != nil {
		return c.unreached(err)
	}
	kind, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type")) // a bad header is not a problem+json
	var p wire.Problem
	if kind != wire.ProblemType || json.Unmarshal(text, &p) != nil {
		return c.stranger(answer)
	}
	if answer.StatusCode == http.StatusTooManyRequests {
		return &busy{problemError(p), retryAfter(answer)}
	}
	return problemError(p)
}

// busy is the answer to a caller that makes too many calls: this one was not heard.
type busy struct {
	error
	wait time.Duration // until one is taken again
}

func (b *busy) Unwrap() error { return b.error }

func retryAfter(answer *http.Response) time.Duration {
	seconds, err := strconv.Atoi(answer.Header.Get("Retry-After"))
	if err != nil || seconds < 1 {
		return time.Second
	}
	return time.Duration(seconds) * time.Second
}

func problemError(p wire.Problem) error {
	if p.Code == paas.Internal && p.RequestID != "" {
		p.Detail += " (request id " + p.RequestID + ")"
	}
	return &paas.Error{Code: p.Code, Message: p.Detail, Faults: p.Errors}
}

// stranger is an error that Crumpet did not write: by a proxy in front of it, or another program.
func (c *Client) stranger(answer *http.Response) error {
	switch answer.StatusCode {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return &lost{error: paas.Errorf(paas.Unavailable, "Something in front of the server at %s says %s.", c.Addr(), answer.Status)}
	}
	return paas.Errorf(paas.Internal, "The server at %s said %s, but not as Crumpet does. Is the address right?", c.Addr(), answer.Status)
}

// retry makes a call until it reaches the server, or patience ends.
func (c *Client) retry(ctx context.Context, again repeat, try func() error) error {
	return c.persist(ctx, again, func(func()) error { return try() })
}

// persist is retry for a stream: each sign of life that try reports makes patience begin anew.
func (c *Client) persist(ctx context.Context, again repeat, try func(alive func()) error) error {
	var giveUp time.Time
	n := 0
	alive := func() { n, giveUp = 0, time.Now().Add(c.patience()) }
	for alive(); ; n++ {
		err := try(alive)
		wait, worth := worthwhile(err, again, n)
		if !worth || ctx.Err() != nil || time.Now().Add(wait).After(giveUp) {
			return err
		}
		c.config.OnRetry(err)
		if err := pause(ctx, wait); err != nil {
			return err
		}
	}
}

// worthwhile says whether and when to make a call again. One that was over a limit was not heard, but who made
// it may want to know rather than wait, unless it only asked.
func worthwhile(err error, again repeat, n int) (wait time.Duration, worth bool) {
	if limited, ok := errors.AsType[*busy](err); ok {
		return limited.wait + backoff(0), again == always
	}
	broken, ok := errors.AsType[*lost](err)
	return backoff(n), ok && (again == always || broken.unheard)
}

// backoff grows from 0.1 s to 2 s, by half more or less, so that clients don't come back together.
func backoff(n int) time.Duration {
	d := min(100*time.Millisecond<<min(n, 10), 2*time.Second)
	return d/2 + rand.N(d)
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
