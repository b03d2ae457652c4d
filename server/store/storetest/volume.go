package storetest

import (
	"testing"

	"github.com/crumpet-paas/crumpet/server/paas"
)

func hostVolume(ref paas.AppRef, index int, id string) paas.HostVolume {
	return paas.HostVolume{
		Team: ref.Team, App: ref.App, Process: "web", Volume: "data", Index: index, ID: id,
		NodeID: "n-1", Node: "one", Size: 10, CreatedAt: moment,
	}
}

// volumes stay when their app goes, and belong to the next one of its name.
func volumes(_ *testing.T, f *fixture) {
	list := func(what string, want ...paas.HostVolume) {
		f.Helper()
		got, err := f.Volumes(f.ctx, shop.Team)
		f.must(err)
		f.equal(what, got, append([]paas.HostVolume{}, want...))
	}
	list("none yet")
	one, two, third := hostVolume(shop, 0, "v1"), hostVolume(shop, 1, "v2"), hostVolume(other, 0, "v9")
	snap := f.save(newApp(shop))
	f.must(f.Save(f.ctx, 0, newApp(other)))
	put := func(ref paas.AppRef, some ...paas.HostVolume) error {
		f.Helper()
		snap, err := f.Snapshot(f.ctx, ref)
		f.must(err)
		return f.Save(f.ctx, 0, paas.Change{Ref: ref, Version: snap.Version, Volumes: some})
	}
	f.equal("none in a snapshot", snap.Volumes, []paas.HostVolume{})
	f.must(put(shop, two, one))
	f.must(put(other, third))
	f.code(put(other, one), paas.Internal)
	list("of a team", third, one, two)
	elsewhere, err := f.Volumes(f.ctx, "nobody")
	f.must(err)
	f.equal("of another team", elsewhere, []paas.HostVolume{})
	snap, err = f.Snapshot(f.ctx, shop)
	f.must(err)
	f.equal("of a snapshot", snap.Volumes, []paas.HostVolume{one, two})

	moved := one
	moved.ID, moved.NodeID, moved.Size = "v3", "n-2", 20
	f.must(put(shop, moved))
	f.must(f.DropVolume(f.ctx, one, event(shop, "deleted"))) // another has its place
	f.must(f.DropVolume(f.ctx, two, event(shop, "deleted")))
	list("one replaced, one dropped", third, moved)
	events, err := f.Events(f.ctx, paas.EventFilter{App: shop.App})
	f.must(err)
	f.equal("events", len(events), 1)

	snap, err = f.Snapshot(f.ctx, shop)
	f.must(err)
	f.must(f.Save(f.ctx, 0, paas.Change{Ref: shop, Version: snap.Version, Delete: true}))
	f.restart()
	list("of an app that is no more", third, moved)
	snap = f.save(newApp(shop))
	f.equal("found again", snap.Volumes, []paas.HostVolume{moved})
}
