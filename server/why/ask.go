package why

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/route"
)

// Store is what is read of the store. Code for an app that is not there: not_found.
type Store interface {
	Snapshot(ctx context.Context, ref paas.AppRef) (paas.Snapshot, error)
	Instances(ctx context.Context, ref paas.AppRef) ([]paas.Instance, error)
	Release(ctx context.Context, ref paas.AppRef, number int) (paas.Release, error)
	Deployments(ctx context.Context, ref paas.AppRef, limit int) ([]paas.Deployment, error)
	// LastBuild gives the newest build of an app. Code without any: not_found.
	LastBuild(ctx context.Context, ref paas.AppRef) (paas.BuildJob, error)
	Events(ctx context.Context, filter paas.EventFilter) ([]paas.Event, error)
	Cluster
}

// Cluster is what the store knows of all apps together.
type Cluster interface {
	Nodes(ctx context.Context) ([]paas.Node, error)
	Backends(ctx context.Context) ([]paas.Backend, error)
}

// Rules gives the keys that routers read, whoever wrote them; index 0 asks for them as they are now.
type Rules interface {
	RuleKeys(ctx context.Context, index uint64, wait time.Duration) ([]paas.RuleKey, uint64, error)
}

// Logs gives the last lines of an instance's program.
type Logs interface {
	Tail(ctx context.Context, i paas.Instance, n int) ([]paas.LogLine, error)
}

// Config is what an Asker works with. Without Rules or Logs an explanation lacks what they know.
type Config struct {
	Store Store
	Rules Rules
	Logs  Logs
	Now   func() time.Time // time.Now by default
}

// Asker collects facts and has them explained.
type Asker struct{ cfg Config }

// New makes an Asker.
func New(cfg Config) *Asker {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Asker{cfg}
}

// What an explanation takes in at most, and how long it waits for what only adds to it.
const (
	eventsRead      = 300
	deploymentsRead = 5
	extraWithin     = 400 * time.Millisecond
)

// Why says why an app does not serve, or what else is wrong with it. An app that is not there is
// explained as well. Code: unavailable.
func (a *Asker) Why(ctx context.Context, ref paas.AppRef) (paas.Why, error) {
	facts, err := a.facts(ctx, ref)
	if err != nil {
		return paas.Why{}, err
	}
	w := Explain(facts, a.cfg.Now())
	if facts.LastLine = a.lastLine(ctx, facts, w); facts.LastLine != "" {
		w = Explain(facts, a.cfg.Now())
	}
	return w, nil
}

func (a *Asker) facts(ctx context.Context, ref paas.AppRef) (f Facts, err error) {
	f.Ref = ref
	if f.Snapshot, err = a.cfg.Store.Snapshot(ctx, ref); err != nil && paas.CodeOf(err) != paas.NotFound {
		return f, err
	}
	f.Known = err == nil
	f.Snapshot.App.Team, f.Snapshot.App.Name = ref.Team, ref.App
	if f.Instances, err = a.cfg.Store.Instances(ctx, ref); err != nil {
		return f, err
	}
	if f.Deployments, err = a.cfg.Store.Deployments(ctx, ref, deploymentsRead); err != nil {
		return f, err
	}
	if f, err = a.lastRelease(ctx, f); err != nil {
		return f, err
	}
	if f.Build, err = a.cfg.Store.LastBuild(ctx, ref); err != nil && paas.CodeOf(err) != paas.NotFound {
		return f, err
	}
	if f.Nodes, err = a.cfg.Store.Nodes(ctx); err != nil {
		return f, err
	}
	if f.Backends, err = a.cfg.Store.Backends(ctx); err != nil {
		return f, err
	}
	filter := paas.EventFilter{Team: ref.Team, App: ref.App, Platform: true, Kinds: telling, Limit: eventsRead, Last: true}
	if f.Events, err = a.cfg.Store.Events(ctx, filter); err != nil {
		return f, err
	}
	f.BadRules = a.badRules(ctx)
	return f, nil
}

// lastRelease adds the release of the last deployment, which the app may no longer name.
func (a *Asker) lastRelease(ctx context.Context, f Facts) (Facts, error) {
	if len(f.Deployments) == 0 || f.Snapshot.Releases[f.Deployments[0].Release].Number != 0 {
		return f, nil
	}
	r, err := a.cfg.Store.Release(ctx, f.Ref, f.Deployments[0].Release)
	if paas.CodeOf(err) == paas.NotFound {
		return f, nil // it was not worth keeping
	}
	if err != nil {
		return f, err
	}
	f.Snapshot.Releases = maps.Clone(f.Snapshot.Releases)
	f.Snapshot.Releases[r.Number] = r
	return f, nil
}

// telling are the kinds of event that rows look at: not the lines of a builder.
var telling = []paas.EventKind{
	paas.EventReleaseCreated, paas.EventRouteRefused, paas.EventInstanceHealth, paas.EventAppChanged, paas.EventDrift, paas.EventRuleQuarantined,
}

// badRules finds keys that routers can't read. It gives none while Consul does not answer.
func (a *Asker) badRules(ctx context.Context) []BadRule {
	if a.cfg.Rules == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, extraWithin)
	defer cancel()
	keys, _, err := a.cfg.Rules.RuleKeys(ctx, 0, 0)
	if err != nil {
		return nil // the backend's own state tells of it
	}
	var bad []BadRule
	for _, k := range keys {
		if _, err := route.Parse(k.Text); err != nil {
			bad = append(bad, BadRule{Key: k.Key, Reason: err.Error()})
		}
	}
	return bad
}

// lastLine reads what the instance that an explanation is about has written last; "" if that can't be
// found out in time.
func (a *Asker) lastLine(ctx context.Context, f Facts, w paas.Why) string {
	i := slices.IndexFunc(w.Chain, func(l paas.Link) bool { return l.Kind == paas.LinkAllocation })
	if a.cfg.Logs == nil || i < 0 || w.Cause == paas.CauseRescheduled {
		return ""
	}
	n := slices.IndexFunc(f.Instances, func(one paas.Instance) bool { return one.ID == w.Chain[i].ID && one.StartedAt != nil })
	if n < 0 {
		return "" // it never ran
	}
	ctx, cancel := context.WithTimeout(ctx, extraWithin)
	defer cancel()
	lines, err := a.cfg.Logs.Tail(ctx, f.Instances[n], 1)
	if err != nil {
		return ""
	}
	last := ""
	for _, line := range lines {
		if strings.TrimSpace(line.Text) != "" {
			last = line.Text
		}
	}
	return last
}
