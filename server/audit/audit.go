package audit

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Store keeps the lines.
type Store interface {
	// AddAudited appends lines; their ids follow the order in which others can see them.
	AddAudited(ctx context.Context, lines ...paas.Audited) error
	// Audited lists lines by id.
	Audited(ctx context.Context, filter paas.AuditFilter) ([]paas.Audited, error)
}

const (
	// window is how long the same refusals are counted before they are a line.
	window = time.Minute
	// lookEvery is how often what was counted is looked at.
	lookEvery = 5 * time.Second
	// kindsEach bounds the kinds of line that are counted of one source, kindsAll those of all.
	kindsEach = 30
	kindsAll  = 4000
	// writeWithin is how long the last lines may take when the server stops.
	writeWithin = 3 * time.Second
)

// various is the action of a line that stands for refusals of more kinds than are told apart.
const various = "various"

// Audit records calls.
type Audit struct {
	store Store
	log   *slog.Logger
	now   func() time.Time

	mu      sync.Mutex // guards all below
	held    map[kind]*held
	sources map[source]int // kinds in held
}

// source is where refused calls come from.
type source struct{ by, via, from string }

// kind is what refused calls have in common that are told in one line.
type kind struct {
	source
	action, team, app, target string
	outcome                   paas.AuditOutcome
	status                    int
}

// held is a kind of which one line is written, and how many like it came since.
type held struct {
	last  paas.Audited
	times int
	until time.Time
}

// New makes an Audit over a store.
func New(store Store, log *slog.Logger, now func() time.Time) *Audit {
	return &Audit{store: store, log: log.With("component", "audit"), now: now, held: map[kind]*held{}, sources: map[source]int{}}
}

// Record writes a line. Of refused calls that are the same it writes the first, and counts the others.
func (a *Audit) Record(ctx context.Context, line paas.Audited) error {
	line = presentable(line)
	line.Time = a.now().UTC()
	if line.Outcome == paas.AuditDone || line.Outcome == paas.AuditFailed {
		return a.store.AddAudited(ctx, line)
	}
	line, first := a.count(line)
	if !first {
		return nil
	}
	return a.store.AddAudited(ctx, line)
}

// count gives the line as it is to be written, unless one like it was within the last minute.
func (a *Audit) count(line paas.Audited) (paas.Audited, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	key := kindOf(line)
	if _, known := a.held[key]; !known {
		line = a.bounded(line)
		key = kindOf(line)
	}
	if h := a.held[key]; h != nil {
		h.last, h.times = line, h.times+1
		return line, false
	}
	a.held[key] = &held{until: line.Time.Add(window)}
	a.sources[key.source]++
	return line, true
}

func kindOf(line paas.Audited) kind {
	return kind{source{line.By, line.Via, line.From}, line.Action, line.Team, line.App, line.Target, line.Outcome, line.Status}
}

// bounded takes from a line what would make it a kind of its own, where there are too many already.
func (a *Audit) bounded(line paas.Audited) paas.Audited {
	key := kindOf(line)
	all := len(a.held) >= kindsAll
	if !all && a.sources[key.source] < kindsEach {
		return line
	}
	less := paas.Audited{
		Time: line.Time, By: line.By, Kind: line.Kind, Via: line.Via, From: line.From, Action: various, Outcome: line.Outcome, Status: line.Status,
		Detail: "Refused calls of more kinds than are told apart.", Request: line.Request,
	}
	if all {
		less.By, less.Kind, less.Via, less.From = "", "", "", ""
	}
	return less
}

// Run writes what was counted, until ctx ends.
func (a *Audit) Run(ctx context.Context) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			a.settle(ctx, a.now())
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeWithin)
			defer cancel()
			a.settle(last, a.now().Add(2*window))
			return
		}
	}
}

// settle writes the lines of what was counted until now, and forgets it.
func (a *Audit) settle(ctx context.Context, now time.Time) {
	lines := a.over(now)
	if len(lines) == 0 {
		return
	}
	if err := a.store.AddAudited(ctx, lines...); err != nil {
		a.log.Error("refused calls not written to the audit", "kinds", len(lines), "err", err)
	}
}

// over takes out the kinds whose minute has ended.
func (a *Audit) over(now time.Time) []paas.Audited {
	a.mu.Lock()
	defer a.mu.Unlock()
	var lines []paas.Audited
	for key, h := range a.held {
		if now.Before(h.until) {
			continue
		}
		delete(a.held, key)
		if a.sources[key.source]--; a.sources[key.source] <= 0 {
			delete(a.sources, key.source)
		}
		if h.times > 0 {
			h.last.Times = h.times
			lines = append(lines, h.last)
		}
	}
	return lines
}

// List gives lines by id.
func (a *Audit) List(ctx context.Context, filter paas.AuditFilter) ([]paas.Audited, error) {
	return a.store.Audited(ctx, filter)
}
