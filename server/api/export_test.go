package api

import (
	"net/http"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// StatusOf is statusOf, for its table test.
var StatusOf = statusOf

// SilentOf is silentOf, for its test.
var SilentOf = silentOf

// MetricsOf is metricsOf, for its tests.
var MetricsOf = metricsOf

// CLIRedirect is cliRedirect, for its table test.
var CLIRedirect = cliRedirect

// Counted counts calls as a server does, at the times of a clock, and says how long each would have to wait.
type Counted struct{ *limits }

// NewCounted makes one.
func NewCounted(l Limits, now func() time.Time) Counted { return Counted{newLimits(l, now)} }

// Take counts a call.
func (c Counted) Take(r *http.Request, login bool) time.Duration {
	return c.take(r, r.RemoteAddr, login)
}

// Welcome says that a call's credential was found to be valid.
func (c Counted) Welcome(r *http.Request, who paas.Identity) { c.welcome(r, who) }

// Known is how many callers are remembered.
func (c Counted) Known() int { return len(c.callers) }

// AddressOf finds the address a call came from.
var AddressOf = addressOf
