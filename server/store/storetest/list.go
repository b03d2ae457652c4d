package storetest

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

func listApps(_ *testing.T, f *fixture) {
	refs := []paas.AppRef{{Team: "a", App: "x"}, {Team: "a", App: "y"}, {Team: "b", App: "a"}, {Team: "b", App: "z"}}
	f.team("a", "b")
	for i := range refs {
		f.save(newApp(refs[len(refs)-1-i]))
	}
	got, err := f.Refs(f.ctx)
	f.must(err)
	f.equal("refs", got, refs)
	var pages []string
	for after := ""; ; {
		apps, err := f.Apps(f.ctx, paas.AppFilter{After: after, Limit: 3})
		f.must(err)
		if len(apps) == 0 {
			break
		}
		for _, a := range apps {
			pages = append(pages, a.Ref().String())
		}
		after = pages[len(pages)-1]
		pages = append(pages, "|")
	}
	f.equal("pages", strings.Join(pages, " "), "a/x a/y b/a | b/z |")
	apps, err := f.Apps(f.ctx, paas.AppFilter{Team: "b", After: "b/a"})
	f.must(err)
	f.equal("one team", len(apps) == 1 && apps[0].Name == "z", true)
}

func listHistory(_ *testing.T, f *fixture) {
	c := newApp(shop)
	for n := range 3 {
		c.Releases = append(c.Releases, release(shop, n+1))
		c.Deployments = append(c.Deployments, paas.Deployment{
			ID: fmt.Sprint("d", 9-n), Team: "default", App: "shop", Release: n + 1,
			State: paas.DeploymentHealthy, CreatedAt: moment.Add(time.Duration(n) * time.Second),
		})
	}
	for n := range 2 { // a restart, and another
		c.Deployments = append(c.Deployments, paas.Deployment{
			ID: fmt.Sprint("c", n), Team: "default", App: "shop", Release: 3, State: paas.DeploymentReverted,
			CreatedAt: moment.Add(time.Duration(8+n) * time.Second),
		})
	}
	f.save(c)
	releases, err := f.Releases(f.ctx, shop, 0, 2)
	f.must(err)
	f.equal("releases", releases, []paas.Release{c.Releases[2], c.Releases[1]})
	releases, err = f.Releases(f.ctx, shop, 2, 2)
	f.must(err)
	f.equal("releases below 2", releases, []paas.Release{c.Releases[0]})
	endings, err := f.Endings(f.ctx, shop)
	f.must(err)
	f.equal("endings", endings, []paas.Ending{
		{Release: 1, State: paas.DeploymentHealthy, At: moment},
		{Release: 2, State: paas.DeploymentHealthy, At: moment.Add(time.Second)},
		{Release: 3, State: paas.DeploymentHealthy, At: moment.Add(2 * time.Second)},
		{Release: 3, State: paas.DeploymentReverted, At: moment.Add(9 * time.Second)},
	})
	deployments, err := f.Deployments(f.ctx, shop, 2)
	f.must(err)
	f.equal("deployments", []string{deployments[0].ID, deployments[1].ID}, []string{"c1", "c0"})
	d, err := f.Deployment(f.ctx, shop, "d9")
	f.must(err)
	f.equal("deployment", d.Release, 1)
}

func eventIDs(_ *testing.T, f *fixture) {
	last, err := f.LastEvent(f.ctx)
	f.must(err)
	f.equal("last of none", last, int64(0))
	for range 3 {
		f.must(f.Emit(f.ctx, event(shop, "x"), event(shop, "y")))
	}
	f.restart()
	f.must(f.Emit(f.ctx, event(shop, "after the restart \x00 \xff")))
	events, err := f.Events(f.ctx, paas.EventFilter{})
	f.must(err)
	f.equal("events", len(events), 7)
	for i, e := range events {
		if i > 0 && e.ID <= events[i-1].ID {
			f.Errorf("id %d after %d", e.ID, events[i-1].ID)
		}
	}
	f.equal("message", events[6].Message, "after the restart \uFFFD \uFFFD")
	want := event(shop, "x")
	want.ID = events[0].ID
	f.equal("event", events[0], want)
	last, err = f.LastEvent(f.ctx)
	f.must(err)
	f.equal("last", last, events[6].ID)
}

func eventFilter(_ *testing.T, f *fixture) {
	full := paas.Event{Time: moment, Team: "a", App: "x", Kind: paas.EventBuildLog, Release: 3, Deployment: "d", Build: "b", Instance: "i", Process: "web", By: "ann", Message: "m"}
	f.must(f.Emit(f.ctx, full,
		paas.Event{Time: moment, Team: "a", App: "y", Kind: paas.EventBuildLog},
		paas.Event{Time: moment, Team: "b", App: "x", Kind: paas.EventDrift},
		paas.Event{Time: moment.Add(time.Minute), Kind: paas.EventBackendState, Message: "Vault is sealed."}))
	for _, test := range []struct {
		filter paas.EventFilter
		want   []int64
	}{
		{paas.EventFilter{Team: "a"}, []int64{1, 2}},
		{paas.EventFilter{App: "x"}, []int64{1, 3}},
		{paas.EventFilter{Team: "a", App: "x"}, []int64{1}},
		{paas.EventFilter{Kinds: []paas.EventKind{paas.EventDrift, paas.EventRouteState}}, []int64{3}},
		{paas.EventFilter{Team: "a", App: "x", Platform: true}, []int64{1, 4}},
		{paas.EventFilter{After: 1}, []int64{2, 3, 4}},
		{paas.EventFilter{After: 1, UpTo: 3}, []int64{2, 3}},
		{paas.EventFilter{Since: moment.Add(time.Second)}, []int64{4}},
		{paas.EventFilter{Since: moment, Limit: 2}, []int64{1, 2}},
		{paas.EventFilter{After: 1, Limit: 1}, []int64{2}},
		{paas.EventFilter{After: 4}, nil},
		{paas.EventFilter{Limit: 2, Last: true}, []int64{3, 4}},
		{paas.EventFilter{Limit: 2, Last: true, UpTo: 3}, []int64{2, 3}},
		{paas.EventFilter{App: "x", Limit: 1, Last: true}, []int64{3}},
	} {
		events, err := f.Events(f.ctx, test.filter)
		f.must(err)
		var ids []int64
		for _, e := range events {
			ids = append(ids, e.ID)
		}
		f.equal(fmt.Sprintf("%+v", test.filter), ids, test.want)
	}
	events, err := f.Events(f.ctx, paas.EventFilter{Limit: 1})
	f.must(err)
	full.ID = 1
	f.equal("full event", events[0], full)
}

// eventsComplete reads on, always after the last one seen, while four writers write.
func eventsComplete(_ *testing.T, f *fixture) {
	const writers, each = 4, 50
	var wait sync.WaitGroup
	for range writers {
		wait.Go(func() {
			for range each {
				if err := f.Emit(f.ctx, event(shop, "x")); err != nil {
					f.Errorf("Emit: %v", err)
					return
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { wait.Wait(); close(done) }()
	var after int64
	seen := 0
	read := func() {
		events, err := f.Events(f.ctx, paas.EventFilter{After: after, Limit: 1000})
		f.must(err)
		for _, e := range events {
			after = e.ID
			seen++
		}
	}
	for {
		select {
		case <-done:
			read()
			f.equal("events seen in steps", seen, writers*each)
			return
		default:
			read()
		}
	}
}

func builds(_ *testing.T, f *fixture) {
	later := moment.Add(time.Second)
	settings := paas.Build{Builder: paas.BuilderGo, Main: "./cmd/x"}
	b := paas.BuildJob{ID: "b1", Team: "default", App: "shop", Build: settings, Source: "s", State: paas.BuildPending, CreatedAt: moment}
	f.must(f.PutBuild(f.ctx, b))
	_, err := f.DoneBuild(f.ctx, "s", settings)
	f.code(err, paas.NotFound)
	second := b
	second.ID, second.State, second.CreatedAt = "b2", paas.BuildRunning, later
	f.must(f.PutBuild(f.ctx, second))
	newest, err := f.LastBuild(f.ctx, shop)
	f.must(err)
	f.equal("the newest build", newest, second)
	_, err = f.LastBuild(f.ctx, paas.AppRef{Team: "default", App: "nobody"})
	f.code(err, paas.NotFound)
	open, err := f.UnfinishedBuilds(f.ctx)
	f.must(err)
	f.equal("unfinished", open, []paas.BuildJob{b, second})

	b.State, b.Artifact, b.Runtime, b.StartedAt, b.EndedAt = paas.BuildDone, "aa", "rr", &later, &later
	f.must(f.PutBuild(f.ctx, b, paas.Event{Time: moment, Team: "default", App: "shop", Kind: paas.EventBuildEnded, Build: "b1"}))
	second.State, second.Reason = paas.BuildFailed, "no go.mod"
	f.must(f.PutBuild(f.ctx, second))
	got, err := f.Build(f.ctx, "b1")
	f.must(err)
	f.equal("build", got, b)
	got, err = f.DoneBuild(f.ctx, "s", settings)
	f.must(err)
	f.equal("done build", got, b)
	for _, not := range []paas.Build{{Builder: paas.BuilderGo}, {Builder: paas.BuilderNone, Main: "./cmd/x"}, {Builder: paas.BuilderGo, Main: "./cmd/x", Dir: "d"}} {
		_, err = f.DoneBuild(f.ctx, "s", not)
		f.code(err, paas.NotFound)
	}
	open, err = f.UnfinishedBuilds(f.ctx)
	f.must(err)
	f.equal("unfinished", len(open), 0)
	last, err := f.LastEvent(f.ctx)
	f.must(err)
	f.equal("events", last, int64(1))
	_, err = f.Build(f.ctx, "b3")
	f.code(err, paas.NotFound)
}

func restart(_ *testing.T, f *fixture) {
	c := newApp(shop)
	c.Releases = []paas.Release{release(shop, 1)}
	c.App.Release = 1
	f.save(c)
	f.must(f.Observe(f.ctx, 0, observation(shop)))
	before, err := f.Snapshot(f.ctx, shop)
	f.must(err)
	f.restart()
	after, err := f.Snapshot(f.ctx, shop)
	f.must(err)
	f.equal("snapshot", after, before)
	f.must(f.Ping(f.ctx))
}
