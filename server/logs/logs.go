package logs

import (
	"cmp"
	"context"
	"log/slog"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// streams of a task.
var streams = []string{"stdout", "stderr"}

// mostLines is how many lines a story may begin with.
const mostLines = 10_000

// Nomad reads what tasks wrote. Codes: not_found for a task that never started, a file that was rotated
// away, and an allocation that Nomad has forgotten or can't reach; unavailable.
type Nomad interface {
	// LogFiles lists the files of an allocation, in any order.
	LogFiles(ctx context.Context, alloc string) ([]paas.LogFile, error)
	// ReadLog calls hear with the bytes of a file from offset on, size of them in all. The code is
	// not_found if there are fewer.
	ReadLog(ctx context.Context, alloc string, f paas.LogFile, offset, size int64, hear func([]byte) error) error
	// FollowLog calls hear with all that is in the files after the first skip bytes, and with what
	// comes, and with empty chunks while nothing comes, until ctx ends, hear fails or Nomad is lost.
	FollowLog(ctx context.Context, alloc, task, stream string, skip int64, hear func(paas.LogChunk) error) error
}

// Store knows the instances and what happened. Code for an app or release that is not there: not_found.
type Store interface {
	Snapshot(ctx context.Context, ref paas.AppRef) (paas.Snapshot, error)
	Instances(ctx context.Context, ref paas.AppRef) ([]paas.Instance, error)
	Runs(ctx context.Context) ([]paas.Run, error)
	Release(ctx context.Context, ref paas.AppRef, number int) (paas.Release, error)
	Events(ctx context.Context, filter paas.EventFilter) ([]paas.Event, error)
}

// Config is what Logs works with.
type Config struct {
	Nomad  Nomad
	Store  Store
	Dir    string                                    // where the ends of logs are kept that Nomad will forget; nothing is kept if ""
	Wake   func(ctx context.Context) <-chan struct{} // gets a value when the store has changed; may be nil
	Log    *slog.Logger
	Reread time.Duration // how often the store is read without that; 1 s by default
	Keep   time.Duration // how long the ends of logs are kept; a week by default
	Now    func() time.Time
}

// Logs reads what the instances of apps write.
type Logs struct {
	cfg  Config
	log  *slog.Logger
	keep keep
}

// New makes a Logs.
func New(cfg Config) *Logs {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	cfg.Reread = cmp.Or(cfg.Reread, time.Second)
	cfg.Keep = cmp.Or(cfg.Keep, 7*24*time.Hour)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Logs{cfg: cfg, log: cfg.Log.With("component", "logs")}
}

// Logs calls emit, from the caller's goroutine, with the last lines of an app, and with Follow with what
// follows until ctx ends, or until the instances asked for by name have ended. The lines of a part are
// emit's until it returns. An error of emit ends it. Codes: invalid, not_found, unavailable.
func (l *Logs) Logs(ctx context.Context, q paas.LogQuery, emit func(paas.LogPart) error) error {
	m := &merger{
		emit: emit, in: make(chan batch, 64), of: map[*tail]*lane{}, follow: q.Follow, since: q.Since, until: q.Until,
		history: q.After == "", most: min(q.Lines, mostLines),
		token: token{from: l.cfg.Now(), places: map[source]paas.LogPlace{}},
	}
	var known *token
	if q.After != "" {
		t, err := parseToken(q.After)
		if err != nil {
			return err
		}
		m.token, known, m.since = t, &m.token, time.Time{}
	}
	if q.Follow && !q.Until.IsZero() {
		return paas.Errorf(paas.Invalid, "What is written from now on has no lines until %s: ask for one or the other.", q.Until.Format(time.RFC3339))
	}
	if q.Match != "" {
		match, err := regexp.Compile(q.Match)
		if err != nil {
			return paas.Errorf(paas.Invalid, "%q is no regular expression: %s. The syntax is that of RE2.", q.Match, err)
		}
		m.match = match
	}
	r := &reading{Logs: l, q: q, m: m}
	return r.run(ctx, known)
}

// Tail gives the last n lines of an instance, which may have ended. Codes: not_found, unavailable.
func (l *Logs) Tail(ctx context.Context, i paas.Instance, n int) ([]paas.LogLine, error) {
	var lines []paas.LogLine
	q := paas.LogQuery{Ref: i.Ref(), Lines: n, Sources: []paas.LogSource{paas.LogApp}}
	m := &merger{
		emit: func(part paas.LogPart) error { lines = slices.Clone(part.Lines); return nil },
		in:   make(chan batch, 64), of: map[*tail]*lane{}, history: true, most: n,
		token: token{places: map[source]paas.LogPlace{}},
	}
	r := &reading{Logs: l, q: q, m: m}
	err := r.loop(ctx, func(ctx context.Context) { r.begin(ctx, []paas.Instance{i}, nil) })
	return lines, err
}

// reading is one reader of one app's logs.
type reading struct {
	*Logs
	q     paas.LogQuery
	m     *merger
	tails sync.WaitGroup
}

// run reads from the beginning of a story, or from where known says that it was left.
func (r *reading) run(ctx context.Context, known *token) error {
	instances, err := r.instances(ctx, r.q, known)
	if err != nil {
		return err
	}
	if wants(r.q, paas.LogBuild) || wants(r.q, paas.LogPlatform) {
		r.m.story = &story{store: r.cfg.Store, query: r.q, ids: map[string]bool{}}
		if known != nil {
			r.m.story.read, r.m.story.told = known.event, known.event
			err = r.m.story.load(ctx)
		} else {
			lines := r.m.most
			if sifted(r.q) {
				lines = mostLines
			}
			err = r.m.story.begin(ctx, lines)
		}
		if err != nil {
			return err
		}
	}
	return r.loop(ctx, func(ctx context.Context) { r.begin(ctx, instances, known) })
}

// sifted says that the last lines there are may not be the last ones that are asked for.
func sifted(q paas.LogQuery) bool { return !q.Since.IsZero() || !q.Until.IsZero() || q.Match != "" }

// loop merges what the tails give, begins new ones, and ends them all.
func (r *reading) loop(ctx context.Context, begin func(context.Context)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer r.tails.Wait()
	defer cancel()
	begin(ctx)
	var wake <-chan struct{}
	if r.cfg.Wake != nil {
		wake = r.cfg.Wake(ctx)
	}
	m, reread := r.m, time.Now()
	for {
		now := time.Now()
		wait, err := m.turn(now)
		if err != nil {
			return err
		}
		switch {
		case m.history && m.caughtUp(now):
			if !m.spoke && m.fault != nil {
				return m.fault
			}
			if err := m.endHistory(); err != nil {
				return err
			}
		case !m.history && m.story != nil:
			if err := m.tell(now.Add(-window)); err != nil {
				return err
			}
		}
		if err := m.flush(); err != nil {
			return err
		}
		m.tidy()
		if r.over() {
			if !r.q.Follow { // what could not be read is said after what could
				return m.fault
			}
			return nil
		}
		if r.q.Follow && now.Sub(reread) >= r.cfg.Reread {
			reread = now
			if err := r.look(ctx); err != nil && ctx.Err() == nil {
				r.log.WarnContext(ctx, "instances not read", "err", err)
			}
		}
		if err := m.wait(ctx, min(wait, r.cfg.Reread, window), wake); err != nil {
			return err
		}
	}
}

// over says that nothing more can come.
func (r *reading) over() bool {
	if len(r.m.lanes) > 0 || r.m.history {
		return false
	}
	return !r.q.Follow || r.q.Instance != ""
}

// look reads the store again: instances that are new are taken up from their first byte.
func (r *reading) look(ctx context.Context) error {
	if r.m.story != nil {
		if err := r.m.story.load(ctx); err != nil {
			return err
		}
	}
	if !wants(r.q, paas.LogApp) {
		return nil
	}
	all, err := r.instances(ctx, r.q, &r.m.token)
	if err != nil {
		if paas.CodeOf(err) == paas.NotFound { // the app is destroyed
			for _, l := range r.m.lanes {
				l.tail.ended.Store(true)
			}
			return nil
		}
		return err
	}
	now := map[string]paas.Instance{}
	for _, i := range all {
		now[i.ID] = i
	}
	for _, l := range r.m.lanes {
		if i, ok := now[l.tail.instance.ID]; !ok || i.State.Ended() {
			if ok {
				l.since = i.Since
			}
			l.tail.ended.Store(true)
		}
	}
	r.begin(ctx, all, &r.m.token)
	return nil
}

// begin begins to read the instances that are not read yet.
func (r *reading) begin(ctx context.Context, instances []paas.Instance, known *token) {
	if !wants(r.q, paas.LogApp) {
		return
	}
	for _, i := range instances {
		if r.m.story != nil {
			r.m.story.ids[i.ID] = true
		}
		for _, stream := range streams {
			s := source{key(i.ID), taskOf(i.Process), stream}
			if slices.ContainsFunc(r.m.lanes, func(l *lane) bool { return l.source == s }) {
				continue
			}
			r.start(ctx, i, s, known)
		}
	}
}

// start begins to read one stream.
func (r *reading) start(ctx context.Context, i paas.Instance, s source, known *token) {
	t := &tail{
		logs: r.Logs, instance: i, task: s.task, stream: s.stream, follow: r.q.Follow,
		to: r.m.in, credit: make(chan []record, credits),
	}
	for range credits {
		t.credit <- nil
	}
	t.ended.Store(i.State.Ended())
	switch {
	case known != nil:
		t.begin.fresh = true
		if place, ok := known.places[s]; ok {
			t.begin.place = &place
		}
	case sifted(r.q):
		t.begin.lines, t.begin.since = -1, r.q.Since
	default:
		t.begin.lines = r.m.most
	}
	l := &lane{tail: t, source: s, since: i.Since, stirred: time.Now(), line: paas.LogLine{
		Source: paas.LogApp, Name: nameOf(i), Instance: i.ID, Process: i.Process, Release: i.Release, Stream: s.stream,
	}}
	r.m.lanes, r.m.of[t] = append(r.m.lanes, l), l
	r.tails.Go(func() { t.run(ctx) })
}
