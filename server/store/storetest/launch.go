package storetest

import (
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

func launches(_ *testing.T, f *fixture) {
	_, err := f.Launch(f.ctx, shop)
	f.equal("code without a launch", paas.CodeOf(err), paas.NotFound)
	first := paas.Launch{Team: shop.Team, App: shop.App, Template: "go-web", Build: "b1", State: paas.LaunchBuilding, CreatedAt: moment, CreatedBy: "ann"}
	second := first
	second.App, second.CreatedAt = other.App, moment.Add(-time.Minute)
	f.must(f.PutLaunch(f.ctx, 0, first, event(shop, "begun")))
	f.must(f.PutLaunch(f.ctx, 0, second))
	f.restart()
	open, err := f.OpenLaunches(f.ctx)
	f.must(err)
	f.equal("open ones, oldest first", open, []paas.Launch{second, first})
	ended := moment.Add(time.Minute)
	first.State, first.Reason, first.Release, first.EndedAt = paas.LaunchFailed, "it did not build\x00", 1, &ended
	f.must(f.PutLaunch(f.ctx, 0, first))
	first.Reason = "it did not build\uFFFD"
	got, err := f.Launch(f.ctx, shop)
	f.must(err)
	f.equal("the one that ended", got, first)
	open, err = f.OpenLaunches(f.ctx)
	f.must(err)
	f.equal("open ones", open, []paas.Launch{second})

	epoch, err := f.Lead(f.ctx)
	f.must(err)
	_, err = f.Lead(f.ctx)
	f.must(err)
	f.equal("code of a leader of before", paas.CodeOf(f.PutLaunch(f.ctx, epoch, first)), paas.Conflict)

	snap := f.save(newApp(shop))
	f.must(f.Save(f.ctx, 0, paas.Change{Ref: shop, Version: snap.Version, Delete: true}))
	_, err = f.Launch(f.ctx, shop)
	f.equal("code once the app is destroyed", paas.CodeOf(err), paas.NotFound)
}

func sources(_ *testing.T, f *fixture) {
	text := func(n int) *paas.SpecText {
		return &paas.SpecText{Filename: "crumpet.hcl", Environment: "staging", Text: "# of release " + string(rune('0'+n)) + "\napp \"shop\" {}\n"}
	}
	of := func(n int, digest string, source *paas.SpecText) paas.Release {
		r := release(shop, n)
		r.SpecDigest, r.Source = digest, source
		return r
	}
	kept := func(r paas.Release) paas.SpecText {
		got, err := f.SpecText(f.ctx, r)
		f.must(err)
		return got
	}
	change := newApp(shop)
	change.Releases = []paas.Release{of(1, "old", nil), of(2, "a", text(2)), of(3, "b", text(3)), of(4, "a", nil), of(5, "a", text(5))}
	snap := f.save(change)
	f.restart()
	f.equal("of a push", kept(of(3, "b", nil)), *text(3))
	f.equal("of a release that restored another", kept(of(4, "a", nil)), *text(2))
	f.equal("of a later push of the same spec", kept(of(5, "a", nil)), *text(5))
	_, err := f.SpecText(f.ctx, of(1, "old", nil))
	f.equal("code of one of before", paas.CodeOf(err), paas.NotFound)
	read, err := f.Release(f.ctx, shop, 2)
	f.must(err)
	f.equal("a release that is read", read.Source, (*paas.SpecText)(nil))

	snap = f.save(paas.Change{Ref: shop, Version: snap.Version, DropReleases: []int{2, 3}})
	f.equal("of a release whose model has gone", kept(of(4, "a", nil)), *text(2))
	_, err = f.SpecText(f.ctx, of(3, "b", nil))
	f.equal("code of one that was dropped", paas.CodeOf(err), paas.NotFound)
	f.must(f.Save(f.ctx, 0, paas.Change{Ref: shop, Version: snap.Version, Delete: true}))
	_, err = f.SpecText(f.ctx, of(4, "a", nil))
	f.equal("code once the app is destroyed", paas.CodeOf(err), paas.NotFound)
}

func running(_ *testing.T, f *fixture) {
	f.save(newApp(shop))
	f.save(newApp(other))
	on := func(ref paas.AppRef, id string, state paas.InstanceState) paas.Instance {
		return instance(ref, id, 1, state)
	}
	a, b, c := on(shop, "i1", paas.InstanceRunning), on(other, "i2", paas.InstancePending), on(other, "i3", paas.InstanceStopping)
	f.must(f.Observe(f.ctx, 0, paas.Observation{Instances: []paas.Instance{
		a, b, c, on(shop, "i4", paas.InstanceComplete), on(shop, "i5", paas.InstanceFailed), on(shop, "i6", paas.InstanceLost),
	}}))
	got, err := f.Running(f.ctx)
	f.must(err)
	var ids []string
	for _, i := range got {
		ids = append(ids, i.ID)
	}
	f.equal("instances that have not ended, by app", ids, []string{"i2", "i3", "i1"})
}
