package storetest

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

func ledger(_ *testing.T, f *fixture) {
	c := newApp(shop)
	ended := moment.Add(time.Minute)
	for n := range 3 {
		r := release(shop, n+1)
		r.Artifact, r.Runtime = fmt.Sprint("artifact", n+1), ""
		c.Releases = append(c.Releases, r)
		c.Deployments = append(c.Deployments, paas.Deployment{
			ID: fmt.Sprint("d", n+1), Team: "default", App: "shop", Release: n + 1, State: paas.DeploymentHealthy,
			CreatedAt: moment.Add(time.Duration(n) * time.Second), EndedAt: &ended,
		})
	}
	c.Deployments[2].State, c.Deployments[2].EndedAt = paas.DeploymentRunning, nil
	f.save(c)
	f.team("other")
	others := newApp(paas.AppRef{Team: "other", App: "shop"})
	others.Releases = []paas.Release{release(others.Ref, 1)}
	f.save(others)
	got, err := f.Ledger(f.ctx, shop)
	f.must(err)
	f.equal("ledger", got, paas.Ledger{
		Releases: []paas.LedgerRelease{{Number: 3, CreatedAt: moment}, {Number: 2, CreatedAt: moment}, {Number: 1, CreatedAt: moment}},
		Walks: []paas.LedgerWalk{
			{ID: "d2", Release: 2, State: paas.DeploymentHealthy, EndedAt: ended}, {ID: "d1", Release: 1, State: paas.DeploymentHealthy, EndedAt: ended},
		},
	})

	snap, err := f.Snapshot(f.ctx, shop)
	f.must(err)
	change := paas.Change{Ref: shop, Version: snap.Version, DropReleases: []int{1, 2}, DropDeployments: []string{"d1"}}
	epoch, err := f.Lead(f.ctx)
	f.must(err)
	f.must(f.Save(f.ctx, epoch, change))
	if err := f.Save(f.ctx, epoch, change); paas.CodeOf(err) != paas.Conflict {
		f.Errorf("a change from a snapshot before: %v", err)
	}
	got, err = f.Ledger(f.ctx, shop)
	f.must(err)
	f.equal("releases left", got.Releases, []paas.LedgerRelease{{Number: 3, CreatedAt: moment}})
	f.equal("walks left", len(got.Walks), 1)
	other, err := f.Releases(f.ctx, paas.AppRef{Team: "other", App: "shop"}, 0, 0)
	f.must(err)
	f.equal("another team's releases", len(other), 1)
	after, err := f.Snapshot(f.ctx, shop)
	f.must(err)
	f.equal("newest number", after.Newest, 3)
}

func dropOld(_ *testing.T, f *fixture) {
	at := func(seconds int) *time.Time {
		t := moment.Add(time.Duration(seconds) * time.Second)
		return &t
	}
	var events []paas.Event
	for n := range 2500 {
		e := event(shop, fmt.Sprint(n))
		e.Time = *at(n)
		events = append(events, e)
	}
	f.must(f.Emit(f.ctx, events...))
	for id, ended := range map[string]*time.Time{"old": at(1), "new": at(3000), "open": nil} {
		f.must(f.PutBuild(f.ctx, paas.BuildJob{ID: id, Team: "default", App: "shop", State: paas.BuildDone, Artifact: "a-" + id, Source: "s-" + id, CreatedAt: moment, EndedAt: ended}))
	}
	c := newApp(shop)
	c.Releases = []paas.Release{release(shop, 1)}
	f.save(c)

	_, err := f.Lead(f.ctx)
	f.must(err)
	epoch, err := f.Lead(f.ctx)
	f.must(err)
	if _, err := f.DropEvents(f.ctx, epoch-1, *at(9000)); paas.CodeOf(err) != paas.Conflict {
		f.Errorf("a past leader: %v", err)
	}
	for drops := 1; ; drops++ {
		more, err := f.DropEvents(f.ctx, epoch, *at(2490))
		f.must(err)
		if !more {
			f.equal("drops", drops, 2)
			break
		}
	}
	left, err := f.Events(f.ctx, paas.EventFilter{Limit: 100})
	f.must(err)
	f.equal("events left", len(left), 10)
	f.equal("the first of them", left[0].Message, "2490")

	more, err := f.DropBuilds(f.ctx, epoch, *at(2490))
	f.must(err)
	f.equal("more builds", more, false)
	if _, err := f.Build(f.ctx, "old"); paas.CodeOf(err) != paas.NotFound {
		f.Errorf("the old build: %v", err)
	}
	named, err := f.NamedBlobs(f.ctx)
	f.must(err)
	f.equal("named", named, map[string]bool{"aa": true, "bb": true, "a-new": true, "s-new": true, "a-open": true, "s-open": true})

	// A drop of everything gives no id a second time.
	_, err = f.DropEvents(f.ctx, epoch, *at(9000))
	f.must(err)
	f.must(f.Emit(f.ctx, event(shop, "next")))
	left, err = f.Events(f.ctx, paas.EventFilter{})
	f.must(err)
	f.equal("the next id", left[0].ID, int64(2501))
}

func sweepBlobs(_ *testing.T, f *fixture) {
	now := time.Now()
	for _, digest := range []string{"kept", "gone", "twice"} {
		f.must(f.PutBlob(f.ctx, digest, int64(len(digest)), strings.NewReader(digest)))
	}
	sweep := func(before time.Time) int {
		n, bytes, err := f.SweepBlobs(f.ctx, map[string]bool{"kept": true}, before)
		f.must(err)
		f.equal("bytes", bytes, int64(9*n/2)) // of gone and twice
		return n
	}
	f.equal("young ones", sweep(now.Add(-time.Hour)), 0)
	f.equal("old ones", sweep(now.Add(time.Hour)), 2)
	missing, err := f.MissingBlobs(f.ctx, []string{"gone", "kept", "twice"})
	f.must(err)
	f.equal("missing", missing, []string{"gone", "twice"})
	f.must(f.PutBlob(f.ctx, "twice", 5, strings.NewReader("again")))
	r, size, err := f.OpenBlob(f.ctx, "twice")
	f.must(err)
	text, err := io.ReadAll(r)
	f.must(err)
	f.equal("put again", string(text), "again")
	f.equal("its size", size, int64(5))
	f.must(r.Close())
}
