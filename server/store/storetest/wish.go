package storetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

func snapshotRoundTrip(_ *testing.T, f *fixture) {
	later := moment.Add(time.Second)
	c := newApp(shop)
	c.App.Live, c.App.Release, c.App.Counts, c.App.Stopped = paas.Blue, 1, map[string]int{"web": 2}, true
	c.App.CreatedAt = noon
	c.Releases = []paas.Release{release(shop, 1)}
	c.Slots = []paas.Slotted{{
		Team: "default", App: "shop", Slot: paas.Blue, Release: 1, Job: []byte(`{"ID":"it's ? ü"}`), Aside: &paas.Aside{Release: 3, Job: []byte(`{"a":"'ü"}`), First: 4},
		Counts: map[string]int{"web": 2}, First: 7, Index: 9,
	}}
	c.Deployments = []paas.Deployment{{
		ID: "d1", Team: "default", App: "shop", Release: 1, Slot: paas.Blue, Cause: "push", Why: "first",
		State: paas.DeploymentRunning, Steps: []paas.Step{{New: map[string]int{"web": 1}}, {New: map[string]int{"web": 2}, Old: map[string]int{"web": 0}}}, Step: 1,
		Walk: true, Wanted: map[string]int{"web": 2}, Abort: true, Cancel: true, CreatedAt: moment, StepAt: later, PlannedAt: &later,
		Trouble: paas.CauseRuleUnseen, Waits: paas.WaitHold, StopFirst: true, HeldFor: 90 * time.Second, StartedAt: &moment, HeldAt: &later, SwitchedAt: &later,
	}}
	snap := f.save(c)
	if snap.Version == 0 {
		f.Error("a stored app has version 0, the version of one that does not exist")
	}
	app := *c.App
	app.CreatedAt = moment
	f.equal("app", snap.App, app)
	f.equal("releases", snap.Releases, map[int]paas.Release{1: c.Releases[0]})
	f.equal("slots", snap.Slots, map[paas.Slot]paas.Slotted{paas.Blue: c.Slots[0]})
	f.equal("deployments", snap.Deployments, c.Deployments)
	f.equal("instances", snap.Instances, []paas.Instance{})
	f.equal("routes", snap.Routes, []paas.RouteFact{})
	f.equal("router", snap.Router, paas.RouterFact{Team: "default", App: "shop"})

	c = paas.Change{Ref: shop, Version: snap.Version, App: &app, Slots: c.Slots, Deployments: c.Deployments}
	c.App.Stopped, c.Slots[0].Index, c.Deployments[0].Reason = false, 10, "no room"
	again := f.save(c)
	if again.Version <= snap.Version {
		f.Errorf("version went from %d to %d, want a higher one", snap.Version, again.Version)
	}
	f.equal("app, changed", again.App, app)
	f.equal("slot, changed", again.Slots[paas.Blue], c.Slots[0])
	f.equal("deployment, changed", again.Deployments, c.Deployments)
}

func snapshotNarrow(_ *testing.T, f *fixture) {
	c := newApp(shop)
	c.App.Release = 2
	for n := range 6 {
		c.Releases = append(c.Releases, release(shop, n+1))
	}
	c.Slots = []paas.Slotted{{Team: "default", App: "shop", Slot: paas.Green, Release: 3}}
	for i, state := range []paas.DeploymentState{
		paas.DeploymentHealthy, paas.DeploymentFailed, paas.DeploymentReverted, paas.DeploymentCanceled,
		paas.DeploymentPending, paas.DeploymentPaused, paas.DeploymentRunning,
	} {
		c.Deployments = append(c.Deployments, paas.Deployment{
			ID: fmt.Sprint(state), Team: "default", App: "shop", Release: 5, Previous: 4, State: state,
			CreatedAt: moment.Add(-time.Duration(i) * time.Second),
		})
	}
	snap := f.save(c)
	var numbers []int
	for n := range snap.Releases {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	f.equal("releases", numbers, []int{2, 3, 4, 5})
	var open []string
	for _, d := range snap.Deployments {
		open = append(open, d.ID)
	}
	f.equal("deployments, oldest first", open, []string{"running", "paused", "pending"})
}

func unknownApp(_ *testing.T, f *fixture) {
	_, err := f.Snapshot(f.ctx, shop)
	f.code(err, paas.NotFound)
	_, err = f.Release(f.ctx, shop, 1)
	f.code(err, paas.NotFound)
	_, err = f.Deployment(f.ctx, shop, "d1")
	f.code(err, paas.NotFound)
	c := newApp(shop)
	c.Version = 1
	f.code(f.Save(f.ctx, 0, c), paas.Conflict)
	if !strings.Contains(paas.MessageOf(func() error { _, err := f.Snapshot(f.ctx, shop); return err }()), `"shop"`) {
		f.Error("the error does not name the app")
	}
}

func oneWriterWins(_ *testing.T, f *fixture) {
	snap := f.save(newApp(shop))
	for round := range 5 {
		var won atomic.Int32
		var wait sync.WaitGroup
		for writer := range 8 {
			wait.Go(func() {
				app := snap.App
				app.Counts = map[string]int{"web": 100*round + writer}
				err := f.Save(f.ctx, 0, paas.Change{
					Ref: shop, Version: snap.Version, App: &app,
					Events: []paas.Event{event(shop, fmt.Sprint(round))},
				})
				if err == nil {
					won.Add(1)
				} else if paas.CodeOf(err) != paas.Conflict {
					f.Errorf("Save: %v", err)
				}
			})
		}
		wait.Wait()
		if won.Load() != 1 {
			f.Fatalf("%d of 8 writers with one version won, want 1", won.Load())
		}
		var err error
		snap, err = f.Snapshot(f.ctx, shop)
		f.must(err)
	}
	events, err := f.Events(f.ctx, paas.EventFilter{})
	f.must(err)
	if len(events) != 5 {
		f.Errorf("%d events, want one for each winner: 5", len(events))
	}
	f.code(f.Save(f.ctx, 0, newApp(shop)), paas.Conflict) // version 0: must not exist
}

func versionsNeverReturn(_ *testing.T, f *fixture) {
	old := f.save(newApp(shop))
	f.must(f.Save(f.ctx, 0, paas.Change{Ref: shop, Version: old.Version, Delete: true}))
	for range 3 {
		made := f.save(newApp(shop))
		if made.Version == old.Version {
			f.Fatalf("version %d came back", old.Version)
		}
		f.code(f.Save(f.ctx, 0, paas.Change{Ref: shop, Version: old.Version, Delete: true}), paas.Conflict)
		f.must(f.Save(f.ctx, 0, paas.Change{Ref: shop, Version: made.Version, Delete: true}))
	}
}

// wholeOrNothing has the last of many writes refused.
func wholeOrNothing(_ *testing.T, f *fixture) {
	c := newApp(other)
	c.SetClaims, c.Claims = true, []paas.Route{{Host: "other.localhost", Path: "/"}}
	f.save(c)
	before := f.save(newApp(shop))
	f.drain()
	told, err := f.LastEvent(f.ctx)
	f.must(err)
	app := before.App
	app.Release = 1
	refused := paas.Change{
		Ref: shop, Version: before.Version, App: &app, Releases: []paas.Release{release(shop, 1)},
		Slots:       []paas.Slotted{{Team: "default", App: "shop", Slot: paas.Blue, Release: 1}},
		Deployments: []paas.Deployment{{ID: "d1", Team: "default", App: "shop", State: paas.DeploymentPending, CreatedAt: moment}},
		SetClaims:   true, Claims: []paas.Route{{Host: "a.localhost", Path: "/"}, {Host: "other.localhost", Path: "/"}},
		Events: []paas.Event{event(shop, "x")},
	}
	f.code(f.Save(f.ctx, 0, refused), paas.Conflict)
	after, err := f.Snapshot(f.ctx, shop)
	f.must(err)
	f.equal("snapshot", after, before)
	claims, err := f.Claims(f.ctx)
	f.must(err)
	f.equal("claims", claims, []paas.Claim{{Team: "default", App: "other", Host: "other.localhost", Path: "/"}})
	last, err := f.LastEvent(f.ctx)
	f.must(err)
	f.equal("last event", last, told)
	f.equal("notified", len(f.drain()), 0)
}

func endedContext(_ *testing.T, f *fixture) {
	ctx, cancel := context.WithCancel(f.ctx)
	cancel()
	if err := f.Save(ctx, 0, newApp(shop)); err == nil {
		f.Fatal("Save with an ended context worked")
	}
	_, err := f.Snapshot(f.ctx, shop)
	f.code(err, paas.NotFound)
	f.save(newApp(shop)) // and the store still works
}

func releaseImmutable(_ *testing.T, f *fixture) {
	c := newApp(shop)
	c.Releases = []paas.Release{release(shop, 1)}
	snap := f.save(c)
	changed := release(shop, 1)
	changed.Artifact = "cc"
	f.code(f.Save(f.ctx, 0, paas.Change{Ref: shop, Version: snap.Version, Releases: []paas.Release{changed}}), paas.Conflict)
	got, err := f.Release(f.ctx, shop, 1)
	f.must(err)
	f.equal("release", got, c.Releases[0])
}

func oneAppPerChange(_ *testing.T, f *fixture) {
	for _, spoil := range []func(*paas.Change){
		func(c *paas.Change) { c.App.Name = "other" },
		func(c *paas.Change) { c.Releases = []paas.Release{release(other, 1)} },
		func(c *paas.Change) { c.Slots = []paas.Slotted{{Team: "default", App: "other", Slot: paas.Blue}} },
		func(c *paas.Change) { c.Deployments = []paas.Deployment{{ID: "d", Team: "x", App: "shop"}} },
		func(c *paas.Change) { c.App = nil },
	} {
		c := newApp(shop)
		spoil(&c)
		f.code(f.Save(f.ctx, 0, c), paas.Internal)
	}
}

func oneHolder(_ *testing.T, f *fixture) {
	route := paas.Route{Host: "shop.example.com", Path: "/", Port: "http"}
	c := newApp(paas.AppRef{Team: "default", App: "store"})
	c.SetClaims, c.Claims = true, []paas.Route{route, {Host: "shop.example.com", Path: "/api/"}}
	snap := f.save(c)
	f.must(f.Save(f.ctx, 0, paas.Change{Ref: c.Ref, Version: snap.Version, SetClaims: true, Claims: c.Claims})) // its own stay its own

	c = newApp(shop)
	c.SetClaims, c.Claims = true, []paas.Route{route}
	err := f.Save(f.ctx, 0, c)
	f.code(err, paas.Conflict)
	f.equal("message", paas.MessageOf(err),
		`Route shop.example.com/ already belongs to app "store". Choose another path or remove it there first.`)
	c.Claims = []paas.Route{{Host: "shop.example.com", Path: "/cart/"}}
	f.save(c)
}

func claimRace(_ *testing.T, f *fixture) {
	var won atomic.Int32
	var wait sync.WaitGroup
	for n := range 8 {
		wait.Go(func() {
			c := newApp(paas.AppRef{Team: "default", App: fmt.Sprintf("app%d", n)})
			c.SetClaims, c.Claims = true, []paas.Route{{Host: "one.localhost", Path: "/"}}
			if err := f.Save(f.ctx, 0, c); err == nil {
				won.Add(1)
			} else if paas.CodeOf(err) != paas.Conflict {
				f.Errorf("Save: %v", err)
			}
		})
	}
	wait.Wait()
	f.equal("winners", won.Load(), int32(1))
	apps, err := f.Refs(f.ctx)
	f.must(err)
	f.equal("apps", len(apps), 1)
}

func claimsReplaced(_ *testing.T, f *fixture) {
	c := newApp(shop)
	c.SetClaims, c.Claims = true, []paas.Route{{Host: "a.localhost", Path: "/"}, {Host: "b.localhost", Path: "/"}}
	snap := f.save(c)
	fact := func(host string) paas.RouteFact {
		return paas.RouteFact{Team: "default", App: "shop", Host: host, Path: "/", State: paas.RouteAnswering, Targets: []string{"127.0.0.1:1"}, Since: moment}
	}
	f.must(f.Observe(f.ctx, 0, paas.Observation{Routes: []paas.RouteFact{fact("a.localhost"), fact("b.localhost")}}))
	snap = f.save(paas.Change{Ref: shop, Version: snap.Version, SetClaims: true, Claims: c.Claims[:1]})
	f.equal("facts", snap.Routes, []paas.RouteFact{fact("a.localhost")})
	c = newApp(other)
	c.SetClaims, c.Claims = true, []paas.Route{{Host: "b.localhost", Path: "/"}}
	f.save(c)
	f.save(paas.Change{Ref: shop, Version: snap.Version}) // without SetClaims they stay
	claims, err := f.Claims(f.ctx)
	f.must(err)
	f.equal("claims", claims, []paas.Claim{{Team: "default", App: "shop", Host: "a.localhost", Path: "/"}, {Team: "default", App: "other", Host: "b.localhost", Path: "/"}})
}

func deleteApp(_ *testing.T, f *fixture) {
	for _, ref := range []paas.AppRef{shop, other} {
		c := newApp(ref)
		c.Releases = []paas.Release{release(ref, 1)}
		c.Slots = []paas.Slotted{{Team: ref.Team, App: ref.App, Slot: paas.Blue, Release: 1}}
		c.Deployments = []paas.Deployment{{ID: "d", Team: ref.Team, App: ref.App, State: paas.DeploymentHealthy, CreatedAt: moment}}
		c.SetClaims, c.Claims = true, []paas.Route{{Host: ref.App + ".localhost", Path: "/"}}
		c.Events = []paas.Event{event(ref, "made")}
		f.save(c)
		f.must(f.Observe(f.ctx, 0, observation(ref)))
	}
	snap, err := f.Snapshot(f.ctx, shop)
	f.must(err)
	f.must(f.Save(f.ctx, 0, paas.Change{Ref: shop, Version: snap.Version, Delete: true, Events: []paas.Event{event(shop, "gone")}}))
	_, err = f.Snapshot(f.ctx, shop)
	f.code(err, paas.NotFound)
	releases, err := f.Releases(f.ctx, shop, 0, 0)
	f.must(err)
	deployments, err := f.Deployments(f.ctx, shop, 0)
	f.must(err)
	f.equal("releases and deployments", len(releases)+len(deployments), 0)
	claims, err := f.Claims(f.ctx)
	f.must(err)
	f.equal("claims", claims, []paas.Claim{{Team: "default", App: "other", Host: "other.localhost", Path: "/"}})
	instances, routes, routers, jobs, err := f.Facts(f.ctx)
	f.must(err)
	f.equal("facts of the other app", paas.Observation{Instances: instances, Routes: routes, Routers: routers, Jobs: jobs}, observation(other))
	events, err := f.Events(f.ctx, paas.EventFilter{App: "shop"})
	f.must(err)
	f.equal("events", len(events), 2)

	made := f.save(newApp(shop))
	f.equal("releases of the app made again", len(made.Releases)+len(made.Slots)+len(made.Deployments)+len(made.Instances), 0)
}
