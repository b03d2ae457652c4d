package watch

import (
	"context"
	"fmt"
	"sync"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/jobspec"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// How often the routers' tables are read: Fabio tells nobody when they change. While somebody waits
// for them a table is read often, but a walk that stands still doesn't keep that up.
const (
	fastPoll = 100 * time.Millisecond // a deployment's step, or a route on its way
	slowPoll = time.Second            // a deployment that stands still
	idlePoll = 5 * time.Second
	fastFor  = 2 * time.Minute // since the step began or the route changed
)

const (
	rewrite    = time.Second // until facts the store did not take are written again
	probesMost = 8           // requests for routes at once
)

// loop owns all that was read and is the only writer of facts. It is used by one goroutine.
type loop struct {
	*Watch
	seen    chan Seen          // from the readers
	poll    chan time.Duration // to the reader of tables
	readers *sync.WaitGroup

	in      Inputs
	known   Facts
	probing map[paas.Claim]bool // asked for, not answered yet
	looking bool                // what Looks gave is being looked at
	polling time.Duration       // last sent to poll
}

// start reads what the store knows.
func (l *loop) start(ctx context.Context) error {
	instances, routes, routers, jobs, err := l.cfg.Store.Facts(ctx)
	if err != nil {
		return fmt.Errorf("read known facts: %w", err)
	}
	runs, err := l.cfg.Store.Runs(ctx)
	if err != nil {
		return fmt.Errorf("read known runs: %w", err)
	}
	nodes, err := l.cfg.Store.Nodes(ctx)
	if err != nil {
		return fmt.Errorf("read known nodes: %w", err)
	}
	backends, err := l.cfg.Store.Backends(ctx)
	if err != nil {
		return fmt.Errorf("read known backends: %w", err)
	}
	l.known = KnownFacts(instances, routes, routers, jobs).WithRuns(runs).WithNodes(nodes, backends)
	refs, err := l.cfg.Store.Refs(ctx)
	if err != nil {
		return fmt.Errorf("read apps: %w", err)
	}
	return l.load(ctx, refs)
}

// run folds whenever there is news or something is due.
func (l *loop) run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case s := <-l.seen:
			l.take(s)
		case <-l.wake:
			if err := l.load(ctx, l.notices()); err != nil {
				l.log.WarnContext(ctx, "apps not read", "err", err)
			}
		case <-timer.C:
		}
		next, err := l.turn(ctx)
		if err != nil {
			return err
		}
		timer.Reset(next)
	}
}

// take adds news from a reader or a probe.
func (l *loop) take(s Seen) {
	l.in = l.in.Take(s)
	for claim := range s.Answers {
		delete(l.probing, claim)
	}
	if s.Looks != nil {
		l.looking = false
	}
}

// turn folds, writes, asks for routes and looks at sockets. It gives how long the next turn may be
// off; the error is only for a lead that was lost.
func (l *loop) turn(ctx context.Context) (time.Duration, error) {
	if unknown := l.in.Unknown(); len(unknown) > 0 {
		if err := l.load(ctx, unknown); err != nil {
			l.log.WarnContext(ctx, "apps not read", "err", err)
		}
	}
	now := l.cfg.Now()
	facts, news, due := Fold(l.in, l.known, now)
	if !empty(news) {
		err := l.cfg.Store.Observe(ctx, l.cfg.Epoch(), news)
		switch {
		case ctx.Err() != nil:
			return 0, ctx.Err()
		case paas.CodeOf(err) == paas.Conflict:
			return 0, fmt.Errorf("write facts: %w", err)
		case err != nil:
			l.log.WarnContext(ctx, "facts not written", "err", err)
			return rewrite, nil
		}
	}
	l.known = facts
	due = sooner(due, l.look(ctx, now))
	probes, again := Probes(l.in, l.known, now)
	l.probe(ctx, probes)
	due = sooner(due, again)
	l.tell(now)
	if due.IsZero() {
		return idlePoll, nil
	}
	return max(0, due.Sub(now)), nil
}

// load reads the wishes of apps again.
func (l *loop) load(ctx context.Context, refs []paas.AppRef) error {
	if len(refs) == 0 {
		return nil
	}
	claims, err := l.cfg.Store.Claims(ctx)
	if err != nil {
		return fmt.Errorf("read claims: %w", err)
	}
	held := map[paas.AppRef][]paas.Claim{}
	for _, c := range claims {
		ref := paas.AppRef{Team: c.Team, App: c.App}
		held[ref] = append(held[ref], c)
	}
	apps := map[paas.AppRef]*App{}
	for _, ref := range refs {
		snap, err := l.cfg.Store.Snapshot(ctx, ref)
		switch {
		case paas.CodeOf(err) == paas.NotFound:
			apps[ref] = nil
		case err != nil:
			for _, ref := range refs { // once more, with the rest
				l.Notify(ref)
			}
			return fmt.Errorf("read app %s: %w", ref, err)
		default:
			apps[ref] = appOf(snap, held[ref])
		}
	}
	l.in = l.in.Take(Seen{Apps: apps})
	known := l.in.apps // the field is set again with each news, what it held stays as it is
	l.read.Store(&known)
	return nil
}

// appOf takes what facts depend on out of a snapshot.
func appOf(snap paas.Snapshot, claims []paas.Claim) *App {
	app := &App{
		Slots: snap.Slots, Releases: snap.Releases, Claims: claims, Sides: snap.Sides, CreatedAt: snap.App.CreatedAt,
		Jobs: map[paas.Slot]*nomadapi.Job{},
		Idle: true,
	}
	for slot, s := range snap.Slots {
		app.Idle = app.Idle && s.Empty()
		if job, err := jobspec.Decode(s.Job); err == nil { // else sentences only lack the size asked for
			app.Jobs[slot] = job
		}
	}
	for _, d := range snap.Deployments {
		app.Walking = true
		if d.State != paas.DeploymentPaused && d.StepAt.After(app.StepAt) {
			app.StepAt = d.StepAt
		}
	}
	return app
}

// look finds out what instances that don't pass their checks do instead. What is found comes back as
// news. It gives when to look again.
func (l *loop) look(ctx context.Context, now time.Time) (due time.Time) {
	instances, due := Looks(l.in, l.known, now)
	if len(instances) == 0 || l.looking {
		return due
	}
	l.looking = true
	asks := make([]ask, len(instances))
	for n, i := range instances {
		asks[n] = askOf(i, l.in.apps[i.Ref()])
	}
	l.readers.Go(func() {
		found := make(map[string]Look, len(asks))
		for _, a := range asks {
			addresses, err := l.cfg.Nomad.Listening(a.alloc)
			if err != nil {
				l.log.DebugContext(ctx, "sockets not read", "alloc", a.alloc, "err", err)
			}
			look := Look{Addresses: addresses, At: l.cfg.Now()}
			if a.at.Port != 0 {
				look.Output = l.cfg.Nomad.Ask(ctx, a.at, a.path)
			}
			found[a.alloc] = look
		}
		select {
		case l.seen <- Seen{Looks: found}:
		case <-ctx.Done():
		}
	})
	return due
}

// probe asks for routes, each at most once at a time. Answers come back as news.
func (l *loop) probe(ctx context.Context, probes []Probe) {
	for _, p := range probes {
		if l.probing[p.Claim] || len(l.probing) >= probesMost {
			continue
		}
		l.probing[p.Claim] = true
		l.readers.Go(func() {
			status, err := l.cfg.Fabio.Answers(ctx, p.Claim.Host, p.Claim.Path)
			a := Answer{Targets: p.Targets, Status: status, At: l.cfg.Now(), Tries: p.Tries}
			if err != nil {
				a.Status = 0
			}
			if !a.OK() {
				a.Tries++
			}
			select {
			case l.seen <- Seen{Answers: map[paas.Claim]Answer{p.Claim: a}}:
			case <-ctx.Done():
			}
		})
	}
}

// tell sets the pace of the reader of tables.
func (l *loop) tell(now time.Time) {
	pace := Pace(l.in, l.known, now)
	if pace == l.polling {
		return
	}
	select {
	case <-l.poll: // not taken yet, and old
	default:
	}
	l.poll <- pace // only this goroutine sends, so there is room
	l.polling = pace
}

// Pace says how often the routers' tables should be read now.
func Pace(in Inputs, known Facts, now time.Time) time.Duration {
	pace := idlePoll
	for _, app := range in.apps {
		if !app.Walking {
			continue
		}
		if now.Sub(app.StepAt) < fastFor {
			return fastPoll
		}
		pace = slowPoll
	}
	for claim, r := range known.routes {
		app := in.apps[paas.AppRef{Team: claim.Team, App: claim.App}]
		if r.State != paas.RouteAnswering && !app.Idle && now.Sub(r.Since) < fastFor {
			return fastPoll
		}
	}
	return pace
}

func empty(o paas.Observation) bool {
	return len(o.Nodes)+len(o.GoneNodes)+len(o.Backends)+len(o.Instances)+len(o.Gone)+len(o.Jobs)+len(o.Routes)+len(o.Routers)+len(o.Runs)+len(o.GoneRuns)+len(o.Events) == 0
}

// sooner gives the earlier of two times, of which zero means never.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}
