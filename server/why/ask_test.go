package why_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/why"
)

// store gives the facts of one app.
type store struct {
	f    why.Facts
	lost error // of everything
}

func (s store) Snapshot(context.Context, paas.AppRef) (paas.Snapshot, error) {
	if !s.f.Known {
		return paas.Snapshot{}, paas.Errorf(paas.NotFound, "no such app")
	}
	return s.f.Snapshot, s.lost
}

func (s store) Instances(context.Context, paas.AppRef) ([]paas.Instance, error) {
	return s.f.Instances, s.lost
}

func (s store) Release(_ context.Context, _ paas.AppRef, n int) (paas.Release, error) {
	return paas.Release{Number: n, CreatedBy: "ann"}, s.lost
}

func (s store) Deployments(context.Context, paas.AppRef, int) ([]paas.Deployment, error) {
	return s.f.Deployments, s.lost
}

func (s store) LastBuild(context.Context, paas.AppRef) (paas.BuildJob, error) {
	return paas.BuildJob{}, paas.Errorf(paas.NotFound, "no build")
}

func (s store) Events(context.Context, paas.EventFilter) ([]paas.Event, error) {
	return s.f.Events, s.lost
}
func (s store) Nodes(context.Context) ([]paas.Node, error)       { return s.f.Nodes, s.lost }
func (s store) Backends(context.Context) ([]paas.Backend, error) { return s.f.Backends, s.lost }

// rules and logs answer, fail, or don't answer at all.
type rules struct {
	keys []paas.RuleKey
	err  error
	mute bool
}

func (r rules) RuleKeys(ctx context.Context, _ uint64, _ time.Duration) ([]paas.RuleKey, uint64, error) {
	if r.mute {
		<-ctx.Done()
	}
	return r.keys, 1, errors.Join(r.err, ctx.Err())
}

type logs struct {
	text string
	err  error
	mute bool
}

func (l logs) Tail(ctx context.Context, i paas.Instance, _ int) ([]paas.LogLine, error) {
	if l.mute {
		<-ctx.Done()
	}
	return []paas.LogLine{{Instance: i.ID, Text: l.text}}, errors.Join(l.err, ctx.Err())
}

func ask(t *testing.T, s store, r rules, l logs) paas.Why {
	t.Helper()
	asker := why.New(why.Config{Store: s, Rules: r, Logs: l, Now: func() time.Time { return now }})
	w, err := asker.Why(t.Context(), paas.AppRef{Team: "default", App: "shop"})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestAnExplanationTakesInTheLastLineAndTheRules(t *testing.T) {
	t.Parallel()
	w := ask(t, store{f: failing(shop())}, rules{}, logs{text: "no database"})
	if w.Cause != paas.CauseCheckFailing || !strings.Contains(w.Summary, `last log line "no database"`) {
		t.Errorf("%s: %s", w.Cause, w.Summary)
	}
	good := paas.RuleKey{Key: "fabio/config/crumpet/default/shop", Text: "route del default--shop--web--green\n"}
	w = ask(t, store{f: shop()}, rules{keys: []paas.RuleKey{good, {Key: "fabio/config/x", Text: "route wieght"}}}, logs{})
	if w.Cause != paas.CauseRouterStuck || !strings.Contains(w.Summary, "fabio/config/x") || w.Try[1] != "consul kv get fabio/config/x" {
		t.Errorf("%s: %s %v", w.Cause, w.Summary, w.Try)
	}
}

func TestWhatOnlyAddsIsWaitedForBriefly(t *testing.T) {
	t.Parallel()
	for name, l := range map[string]logs{"silent": {mute: true}, "failing": {text: "half a line", err: errors.New("gone")}} {
		w := ask(t, store{f: failing(shop())}, rules{mute: l.mute, err: l.err}, l)
		if w.Cause != paas.CauseCheckFailing || strings.Contains(w.Summary, "log line") {
			t.Errorf("%s: %s: %s", name, w.Cause, w.Summary)
		}
	}
}

func TestAnAppThatIsNotThereIsExplained(t *testing.T) {
	t.Parallel()
	if w := ask(t, store{}, rules{}, logs{}); w.Cause != paas.CauseNeverPushed || w.App != "shop" || w.Chain == nil {
		t.Errorf("%+v", w)
	}
}

func TestTheReleaseOfTheLastDeploymentIsRead(t *testing.T) {
	t.Parallel()
	f := shop()
	f.Deployments = []paas.Deployment{{ID: "d1", Release: 13, Previous: 12, Slot: paas.Green, State: paas.DeploymentReverted, Abort: true, Trouble: paas.CauseExit, Reason: "web exited with code 1"}}
	if w := ask(t, store{f: f}, rules{}, logs{}); w.Cause != paas.CauseExit || !strings.Contains(w.Chain[0].Text, "by ann") {
		t.Errorf("%+v", w)
	}
}

func TestAStoreThatDoesNotAnswerIsAnError(t *testing.T) {
	t.Parallel()
	lost := paas.Errorf(paas.Unavailable, "gone")
	asker := why.New(why.Config{Store: store{f: shop(), lost: lost}})
	if _, err := asker.Why(t.Context(), paas.AppRef{Team: "default", App: "shop"}); paas.CodeOf(err) != paas.Unavailable {
		t.Errorf("%v", err)
	}
}
