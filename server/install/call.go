package install

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Call makes one call of a program's HTTP API: in is sent as JSON, out filled from it; an *[]byte gets the body as it is.
// Codes: unavailable where nobody answers or the program can't now, unauthorized, forbidden, not_found, conflict; invalid
// for any other refusal.
type Call func(ctx context.Context, method, path string, in, out any) error

// Endpoint is how a program is reached directly.
type Endpoint struct {
	Name    string // for sentences
	Address string // URL
	Host    string // Host header; the address's unless said
	Header  string // that the token stands in, such as X-Nomad-Token
	Token   string
	HTTP    *http.Client
}

const (
	callLimit   = 20 * time.Second
	answerLimit = 16 << 20
	refusal     = 400 // bytes of a refusal that are told
)

// Call is a Call of the program.
func (e Endpoint) Call(ctx context.Context, method, path string, in, out any) error {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	does := method + " " + strings.SplitN(path, "?", 2)[0]
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("encode %s: %w", does, err)
		}
		body = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(e.Address, "/")+path, body)
	if err != nil {
		return fmt.Errorf("make %s: %w", does, err)
	}
	if e.Host != "" {
		request.Host = e.Host
	}
	if e.Token != "" {
		request.Header.Set(e.Header, e.Token)
	}
	if in != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	answer, err := e.HTTP.Do(request)
	if err != nil {
		if without, ok := errors.AsType[*url.Error](err); ok {
			err = without.Err // its text has the whole URL
		}
		return paas.Wrap(paas.Unavailable, err, "%s at %s does not answer %s.", e.Name, e.Address, does)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode/100 != 2 {
		text, _ := io.ReadAll(io.LimitReader(answer.Body, refusal))
		said := strings.Join(strings.Fields(string(text)), " ")
		if e.Token != "" {
			said = strings.ReplaceAll(said, strings.TrimPrefix(e.Token, "Bearer "), "[redacted]")
		}
		return paas.Errorf(refusalCode(answer.StatusCode), "%s answers %s with %d: %s", e.Name, does, answer.StatusCode, said)
	}
	if raw, ok := out.(*[]byte); ok {
		*raw, err = io.ReadAll(io.LimitReader(answer.Body, answerLimit))
		return err
	}
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(io.LimitReader(answer.Body, answerLimit)).Decode(out); err != nil && !errors.Is(err, io.EOF) {
		return paas.Wrap(paas.Unavailable, err, "The answer of %s to %s can't be read.", e.Name, does)
	}
	return nil
}

func refusalCode(status int) paas.Code {
	switch {
	case status == http.StatusUnauthorized:
		return paas.Unauthorized
	case status == http.StatusForbidden:
		return paas.Forbidden
	case status == http.StatusNotFound:
		return paas.NotFound
	case status == http.StatusConflict:
		return paas.Conflict
	case status == http.StatusTooManyRequests || status >= http.StatusInternalServerError:
		return paas.Unavailable
	}
	return paas.Invalid
}
