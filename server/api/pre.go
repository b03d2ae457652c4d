package api

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/crumpet-paas/crumpet/server/paas"
)

const requestIDHeader = "X-Request-Id"

// identify gives each request an id: the caller's, if it is one that can stand in a log.
func (a *API) identify(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		id := c.Request().Header.Get(requestIDHeader)
		if !loggable(id) {
			id = a.NewID()
		}
		ctx := context.WithValue(c.Request().Context(), identityKey{}, &identity{request: id})
		c.SetRequest(c.Request().WithContext(ctx))
		c.Response().Header().Set(requestIDHeader, id)
		return next(c)
	}
}

func loggable(id string) bool {
	for _, r := range []byte(id) {
		if (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '-' && r != '_' {
			return false
		}
	}
	return id != "" && len(id) <= 64
}

// recover turns a panic of a handler into a 500. http.ErrAbortHandler goes on: it means to drop the
// connection.
func (a *API) recover(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			switch p := recover(); p {
			case nil:
			case http.ErrAbortHandler: //nolint:errorlint // the value itself is the signal
				panic(p)
			default:
				c.Error(paas.Wrap(paas.Internal, fmt.Errorf("panic: %v\n%s", p, debug.Stack()),
					"Something went wrong inside Crumpet. The server's log has the details under this request id."))
			}
		}()
		return next(c)
	}
}

// record logs and counts each request once it has been answered. The query is left out: it may hold
// a signature.
func (a *API) record(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		start := time.Now()
		if err := next(c); err != nil {
			c.Error(err)
		}
		r, took := c.Request(), time.Since(start)
		id := identityOf(r.Context())
		level := slog.LevelInfo
		if !strings.HasPrefix(r.URL.Path, "/v1/") { // probes and scrapes come every few seconds
			level = slog.LevelDebug
		}
		a.Log.Log(r.Context(), level, "request answered", "request_id", id.request, "method", r.Method, "path", r.URL.Path,
			"status", c.Response().Status, "bytes", c.Response().Size, "took_ms", took.Milliseconds(), "by", caller(r.Context()))
		a.metrics.observe(r.Method, c.Path(), c.Response().Status, took)
		return nil
	}
}

// authenticate refuses every call below /v1 that has no valid token, before routing: only an
// artifact's address carries its own grant.
func (a *API) authenticate(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if !guarded(r) {
			return next(c)
		}
		who, err := a.Auth.Check(r.Context(), r.Header.Get(echo.HeaderAuthorization))
		if err != nil {
			return err
		}
		identityOf(r.Context()).who = &who
		return next(c)
	}
}

// guarded says whether a call needs a token. It looks at the decoded path and at the one Echo will
// route by, so that no spelling of /v1 gets past it.
func guarded(r *http.Request) bool {
	below := func(path string) bool { return path == "/v1" || strings.HasPrefix(path, "/v1/") }
	if !below(r.URL.Path) && !below(echo.GetPath(r)) {
		return false
	}
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	return !reads || !isArtifactPath(r.URL.Path) || r.URL.Path != echo.GetPath(r)
}
