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
		ctx := context.WithValue(c.Request().Context(), callKey{}, &call{request: id, from: a.from(c.Request())})
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
		call := callOf(r.Context())
		level := slog.LevelInfo
		// Probes and scrapes come every few seconds; what is over a limit may come without end.
		if !strings.HasPrefix(r.URL.Path, "/v1/") || c.Response().Status == http.StatusTooManyRequests {
			level = slog.LevelDebug
		}
		a.Log.Log(r.Context(), level, "request answered", "request_id", call.request, "method", r.Method, "path", r.URL.Path,
			"status", c.Response().Status, "bytes", c.Response().Size, "took_ms", took.Milliseconds(), "by", caller(r.Context()))
		a.metrics.observe(r.Method, c.Path(), c.Response().Status, took)
		return nil
	}
}
