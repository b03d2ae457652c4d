package api

import (
	"crypto/sha256"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
	"golang.org/x/time/rate"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Limits bound the calls of one caller in a second, and how many may come at once after a rest.
type Limits struct {
	Rate  float64 // of a token or session, and of an address without one; default 50
	Burst int     // default 200

	// OperatorRate and OperatorBurst are those of operators' tokens; default 20 times the others.
	OperatorRate  float64
	OperatorBurst int

	LoginRate  float64 // tries to sign in, of an address; default 1
	LoginBurst int     // default 20
}

func (l Limits) withDefaults() Limits {
	fill := func(r *float64, burst *int, rate float64, atOnce int) {
		if *r == 0 {
			*r = rate
		}
		if *burst == 0 {
			*burst = atOnce
		}
	}
	fill(&l.Rate, &l.Burst, 50, 200)
	fill(&l.OperatorRate, &l.OperatorBurst, 20*l.Rate, 20*l.Burst)
	fill(&l.LoginRate, &l.LoginBurst, 1, 20)
	return l
}

const (
	maxCallers = 20000           // whose calls are counted; more share one limit
	idleFor    = 5 * time.Minute // after which a caller is forgotten: by then its burst is whole again
)

// limits counts the calls of each credential and of each address. A credential is counted by itself once it was
// found to be valid, until then its calls are those of its address: so whoever makes credentials up has the
// limit of one caller, and takes the room of one.
//
// It knows a credential by its SHA-256 only, and asks no store.
type limits struct {
	Limits
	now func() time.Time

	mu      sync.Mutex // guards all below
	callers map[callerKey]*counted
	swept   time.Time
	others  *rate.Limiter // of all that there was no room for
}

type callerKey struct {
	kind callerKind
	hash [sha256.Size]byte
}

type callerKind byte

const (
	byAddress callerKind = iota
	byLogin
	byCredential
)

type counted struct {
	*rate.Limiter
	seen time.Time
}

func newLimits(l Limits, now func() time.Time) *limits {
	l = l.withDefaults()
	return &limits{Limits: l, now: now, callers: map[callerKey]*counted{}, others: rate.NewLimiter(rate.Limit(l.Rate), l.Burst), swept: now()}
}

// take counts a call from an address, and says how long it would have to wait: 0 and it may go on.
func (l *limits) take(r *http.Request, from string, login bool) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	l.sweep(now)
	if login {
		return wait(l.caller(addressKey(byLogin, from), now, l.LoginRate, l.LoginBurst), now)
	}
	if key, ok := credentialKey(r); ok {
		if known := l.callers[key]; known != nil {
			known.seen = now
			return wait(known.Limiter, now)
		}
	}
	return wait(l.caller(addressKey(byAddress, from), now, l.Rate, l.Burst), now)
}

// welcome has a credential counted by itself from now on: it was found to be valid.
func (l *limits) welcome(r *http.Request, who paas.Identity) {
	key, ok := credentialKey(r)
	if !ok {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	perSecond, burst := l.Rate, l.Burst
	if who.Kind == paas.Operator {
		perSecond, burst = l.OperatorRate, l.OperatorBurst
	}
	l.caller(key, l.now(), perSecond, burst)
}

// caller is called with mu held.
func (l *limits) caller(key callerKey, now time.Time, perSecond float64, burst int) *rate.Limiter {
	known := l.callers[key]
	if known == nil {
		if len(l.callers) >= maxCallers {
			return l.others
		}
		known = &counted{Limiter: rate.NewLimiter(rate.Limit(perSecond), burst)}
		l.callers[key] = known
	}
	known.seen = now
	return known.Limiter
}

// sweep forgets who has not called for long. It is called with mu held.
func (l *limits) sweep(now time.Time) {
	if now.Sub(l.swept) < idleFor/5 {
		return
	}
	l.swept = now
	for key, known := range l.callers {
		if now.Sub(known.seen) > idleFor {
			delete(l.callers, key)
		}
	}
}

// wait takes one call out of a limiter, or says when it could be taken.
func wait(limiter *rate.Limiter, now time.Time) time.Duration {
	reserved := limiter.ReserveN(now, 1)
	if !reserved.OK() {
		return time.Second
	}
	delay := reserved.DelayFrom(now)
	if delay > 0 {
		reserved.CancelAt(now)
	}
	return delay
}

func addressKey(kind callerKind, from string) callerKey {
	return callerKey{kind, sha256.Sum256([]byte(from))}
}

// credentialKey is that of the token or session of a call.
func credentialKey(r *http.Request) (callerKey, bool) {
	secret := r.Header.Get(echo.HeaderAuthorization)
	if secret == "" {
		secret = sessionOf(r)
	}
	if secret == "" {
		return callerKey{}, false
	}
	return callerKey{byCredential, sha256.Sum256([]byte(secret))}, true
}

// limit refuses a call where its caller has made too many. It comes before the store is asked for anything.
// Left out are the probe that asks nobody, and artifacts whose address is signed: a node fetches as many of
// them as it starts instances.
func (a *API) limit(c echo.Context, call *call) error {
	r := c.Request()
	if call.row.id == "healthz" || a.signed(r) {
		return nil
	}
	delay := a.limits.take(r, call.from, call.row.login)
	if delay == 0 {
		return nil
	}
	seconds := int(math.Ceil(delay.Seconds()))
	c.Response().Header().Set("Retry-After", strconv.Itoa(seconds))
	whose := "from this address"
	if _, has := credentialKey(r); has && !call.row.login {
		whose = "with this token or session"
	}
	return paas.Errorf(paas.Limited, "Too many calls %s. Try again in %s.", whose, plural(seconds, "second", "seconds"))
}

func (a *API) signed(r *http.Request) bool {
	digest, ok := strings.CutPrefix(r.URL.Path, artifactPrefix)
	return ok && a.signedFor(digest, r.URL.Query().Get("sig"))
}
