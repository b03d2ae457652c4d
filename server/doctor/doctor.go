package doctor

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

const (
	fresh = 5 * time.Second // what was found serves all who ask within it
	every = time.Minute     // between looks that nobody asked for: for metrics
)

// Doctor looks at the cluster when asked, and now and then.
type Doctor struct {
	sources Sources
	now     func() time.Time
	log     *slog.Logger
	turn    chan struct{} // holds one: whoever has it looks

	mu   sync.Mutex
	last *paas.Checkup // guarded by mu
}

// New makes a Doctor; Run starts what it does by itself.
func New(s Sources, now func() time.Time, log *slog.Logger) *Doctor {
	if now == nil {
		now = time.Now
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Doctor{sources: s, now: now, log: log.With("component", "doctor"), turn: make(chan struct{}, 1)}
}

// Last gives what was found last; ok is false before the first look.
func (d *Doctor) Last() (last paas.Checkup, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.last == nil {
		return paas.Checkup{}, false
	}
	return *d.last, true
}

// Checkup gives what is found now, or was some seconds ago. What does not answer is told in the answer; an error is
// the caller's own end.
func (d *Doctor) Checkup(ctx context.Context) (paas.Checkup, error) {
	select {
	case d.turn <- struct{}{}:
		defer func() { <-d.turn }()
	case <-ctx.Done():
		return paas.Checkup{}, ctx.Err()
	}
	began := d.now()
	if last, ok := d.Last(); ok && began.Sub(last.At) < fresh {
		return last, nil
	}
	facts := Look(ctx, d.sources, began)
	if ctx.Err() != nil {
		return paas.Checkup{}, ctx.Err() // what did not answer had no time to
	}
	c := Report(facts)
	c.TookMS = d.now().Sub(began).Milliseconds()
	d.mu.Lock()
	before := d.last
	d.last = &c
	d.mu.Unlock()
	if c.Worst == paas.Critical && (before == nil || before.Worst != paas.Critical) {
		first := c.Findings[0]
		d.log.Warn("cluster in a critical state", "thing", first.Thing, "found", first.Found, "next", first.Next)
	}
	return c, nil
}

// Report puts facts and findings together. Pure.
func Report(f Facts) paas.Checkup {
	c := paas.Checkup{At: f.At.UTC(), Agents: f.Agents.Is, Certificates: f.Certificates, Leases: f.Leases, Findings: Findings(f)}
	for _, program := range groups {
		if q := f.Quorums[program]; q.Reason == "" {
			c.Quorums = append(c.Quorums, q.Is)
		}
	}
	if len(c.Findings) > 0 {
		c.Worst = c.Findings[0].Severity
	}
	return c
}

// Run looks every minute until ctx ends, so that metrics tell of what nobody asked for.
func (d *Doctor) Run(ctx context.Context) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if _, err := d.Checkup(ctx); err != nil && ctx.Err() == nil {
			d.log.Warn("cluster not looked at", "err", err)
		}
	}
}
