package api_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/crumpet-paas/crumpet/server/api/apitest"
	"github.com/crumpet-paas/crumpet/server/paas"
)

func TestEveryErrorIsAProblem(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t, apitest.Config(t, apitest.NewPlatform()))
	digest := strings.Repeat("0", 64)
	for name, c := range map[string]struct {
		method, path, body string
		status             int
		code               paas.Code
		location           string
	}{
		"no such path":         {"GET", "/v1/nothing", "", 404, paas.NotFound, ""},
		"no such path outside": {"GET", "/nothing", "", 404, paas.NotFound, ""},
		"no such method":       {"PUT", "/v1/apps", "", 405, paas.Invalid, ""},
		"no such app":          {"GET", "/v1/apps/ghost", "", 404, paas.NotFound, ""},
		"a bad team":           {"GET", "/v1/apps?team=BAD", "", 422, paas.Invalid, "query.team"},
		"a bad app":            {"GET", "/v1/apps/BAD", "", 422, paas.Invalid, "path.app"},
		"an unknown parameter": {"GET", "/v1/apps?taem=x", "", 422, paas.Invalid, "query.taem"},
		"a bad number":         {"GET", "/v1/apps?limit=many", "", 422, paas.Invalid, "query.limit"},
		"too high a number":    {"GET", "/v1/apps?limit=5001", "", 422, paas.Invalid, "query.limit"},
		"no body":              {"POST", "/v1/apps/shop/scale", "", 400, paas.Invalid, ""},
		"a body not JSON":      {"POST", "/v1/apps/shop/scale", "{", 400, paas.Invalid, "body"},
		"an unknown field":     {"POST", "/v1/apps/shop/scale", `{"counts":{"web":1},"cuonts":{}}`, 422, paas.Invalid, "body.cuonts"},
		"a field of no type":   {"POST", "/v1/apps/shop/scale", `{"counts":{"web":"one"}}`, 422, paas.Invalid, "body.counts.web"},
		"a missing field":      {"POST", "/v1/apps/shop/builds", `{"source":"` + digest + `"}`, 422, paas.Invalid, "body"},
		"a bad digest":         {"POST", "/v1/apps/shop/builds", `{"source":"x","builder":"go"}`, 422, paas.Invalid, "body.source"},
		"too long a body":      {"POST", "/v1/apps/shop/scale", `{"x":"` + strings.Repeat("a", 1<<20) + `"}`, 413, paas.Quota, ""},
		"an upload not gzip":   {"POST", "/v1/blobs", "hello", 422, paas.Invalid, ""},
		"events after a word":  {"GET", "/v1/events?after=x", "", 422, paas.Invalid, "query.after"},
		"logs of no app":       {"GET", "/v1/apps/ghost/logs", "", 404, paas.NotFound, ""},
		"logs of many lines":   {"GET", "/v1/apps/ghost/logs?lines=-1", "", 422, paas.Invalid, "query.lines"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer, text := apitest.Call(t, c.method, server.URL+c.path, strings.NewReader(c.body))
			p := problemOf(t, answer, text)
			if p.Status != c.status || p.Code != c.code {
				t.Errorf("%d %s, want %d %s: %s", p.Status, p.Code, c.status, c.code, text)
			}
			if c.location != "" && (len(p.Errors) != 1 || p.Errors[0].Location != c.location) {
				t.Errorf("errors %v, want one at %q", p.Errors, c.location)
			}
			if c.status == 405 && answer.Header.Get("Allow") == "" {
				t.Error("no Allow header")
			}
		})
	}
}

func TestBodyOfExactlyOneMebibyteIsRead(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t, apitest.Config(t, apitest.NewPlatform()))
	body := `{"digests":[]}`
	body += strings.Repeat(" ", 1<<20-len(body))
	if answer, text := apitest.Call(t, "POST", server.URL+"/v1/blobs/missing", strings.NewReader(body)); answer.StatusCode != http.StatusOK {
		t.Errorf("%d %s", answer.StatusCode, text)
	}
}

// failing is a deployer whose calls fail in a given way.
type failing struct {
	*apitest.Platform
	err error
}

func (f failing) Restart(context.Context, paas.AppRef, string) (paas.DeployResult, error) {
	if f.err == nil {
		panic("the deployer fell over")
	}
	return paas.DeployResult{}, f.err
}

func TestEveryCodeHasItsStatus(t *testing.T) {
	t.Parallel()
	secret := errors.New("dial 10.0.0.1: password=hunter2")
	for name, c := range map[string]struct {
		err    error
		status int
		code   paas.Code
	}{
		"invalid":      {paas.Errorf(paas.Invalid, "No."), 422, paas.Invalid},
		"not found":    {paas.Errorf(paas.NotFound, "No."), 404, paas.NotFound},
		"conflict":     {paas.Errorf(paas.Conflict, "No."), 409, paas.Conflict},
		"forbidden":    {paas.Errorf(paas.Forbidden, "No."), 403, paas.Forbidden},
		"unauthorized": {paas.Errorf(paas.Unauthorized, "No."), 401, paas.Unauthorized},
		"quota":        {paas.Errorf(paas.Quota, "No."), 413, paas.Quota},
		"unavailable":  {paas.Wrap(paas.Unavailable, secret, "No."), 503, paas.Unavailable},
		"internal":     {paas.Wrap(paas.Internal, secret, "No."), 500, paas.Internal},
		"any other":    {secret, 500, paas.Internal},
		"too late":     {context.DeadlineExceeded, 503, paas.Unavailable},
		"a panic":      {nil, 500, paas.Internal},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			platform := apitest.NewPlatform()
			config := apitest.Config(t, platform)
			config.Deployer = failing{platform, c.err}
			server := apitest.Start(t, config)
			answer, text := apitest.Call(t, "POST", server.URL+"/v1/apps/shop/restart", nil)
			if p := problemOf(t, answer, text); p.Status != c.status || p.Code != c.code {
				t.Errorf("%d %s: %s", p.Status, p.Code, text)
			}
			if strings.Contains(string(text), "hunter2") || strings.Contains(string(text), "fell over") {
				t.Errorf("the cause is shown: %s", text)
			}
		})
	}
}

func TestRequestIDIsTheCallersIfItCanStandInALog(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t, apitest.Config(t, apitest.NewPlatform()))
	for given, kept := range map[string]bool{"abc-123_X": true, "a b": false, "": false, strings.Repeat("a", 65): false, `"}`: false} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/healthz", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Request-Id", given)
		answer, _ := apitest.Do(t, r)
		if got := answer.Header.Get("X-Request-Id"); (got == given) != kept || got == "" {
			t.Errorf("given %q, got %q", given, got)
		}
	}
}

// encoding/json quotes what it could not read, and huma the whole body: neither is told.
func TestABodyThatIsNotReadIsNotQuoted(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t, apitest.Config(t, apitest.NewPlatform()))
	for name, c := range map[string]struct {
		body, message string
		status        int
	}{
		"not JSON":           {"{\n \"counts\": zzsecret}", "is not JSON at line 2, column 12", 400},
		"cut off":            {`{"counts":{"zzsecret`, "is not JSON at line 1, column 20", 400},
		"a number too large": {`{"counts":{"web":77777777777777777777}}`, "holds a value of a type that the server can't take", 422},
		"no object":          {`"zzsecret"`, "expected object", 422},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer, text := apitest.Call(t, "POST", server.URL+"/v1/apps/shop/scale", strings.NewReader(c.body))
			p := problemOf(t, answer, text)
			if p.Status != c.status || len(p.Errors) != 1 || p.Errors[0].Message != c.message {
				t.Errorf("%s", text)
			}
			if strings.Contains(string(text), "zzsecret") || strings.Contains(string(text), "7777") {
				t.Errorf("the body is quoted: %s", text)
			}
		})
	}
}
