package storetest

import (
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

func traffic(_ *testing.T, f *fixture) {
	f.save(newApp(shop))
	f.save(newApp(other))
	at := func(n int) time.Time {
		return moment.Truncate(paas.BucketLength).Add(time.Duration(n) * paas.BucketLength)
	}
	of := func(ref paas.AppRef, slot paas.Slot, buckets ...paas.Bucket) paas.Traffic {
		return paas.Traffic{Team: ref.Team, App: ref.App, Process: "web", Slot: slot, Buckets: buckets}
	}
	observe := func(all ...paas.Traffic) { f.must(f.Observe(f.ctx, 0, paas.Observation{Traffic: all})) }
	read := func(ref paas.AppRef) []paas.Traffic {
		list, err := f.Traffic(f.ctx, ref)
		f.must(err)
		return list
	}
	f.drain()

	observe(
		of(shop, paas.Blue, paas.Bucket{At: at(0), Release: 1, Requests: 7, Errors: 1, Took: time.Second}),
		of(shop, paas.Green, paas.Bucket{At: at(0), Release: 2, Requests: 3}),
		of(other, paas.Blue, paas.Bucket{At: at(0), Release: 1, Requests: 5}),
	)
	observe(of(shop, paas.Blue,
		paas.Bucket{At: at(0), Release: 1, Requests: 9, Errors: 2, Took: 2 * time.Second, Partial: true},
		paas.Bucket{At: at(0), Release: 3, Requests: 1}, paas.Bucket{At: at(1), Release: 3, Requests: 4},
	))
	blue := of(shop, paas.Blue,
		paas.Bucket{At: at(0), Release: 1, Requests: 9, Errors: 2, Took: 2 * time.Second, Partial: true},
		paas.Bucket{At: at(0), Release: 3, Requests: 1}, paas.Bucket{At: at(1), Release: 3, Requests: 4})
	green := of(shop, paas.Green, paas.Bucket{At: at(0), Release: 2, Requests: 3})
	f.equal("traffic of one app", read(shop), []paas.Traffic{blue, green})
	f.equal("traffic of all", read(paas.AppRef{}), []paas.Traffic{of(other, paas.Blue, paas.Bucket{At: at(0), Release: 1, Requests: 5}), blue, green})
	sums, err := f.TrafficSums(f.ctx, at(0), at(1))
	f.must(err)
	f.equal("sums of a while", sums, map[paas.AppRef]paas.Bucket{
		shop: {At: at(0), Requests: 13, Errors: 2, Took: 2 * time.Second}, other: {At: at(0), Requests: 5},
	})
	sums, err = f.TrafficSums(f.ctx, at(1), at(2))
	f.must(err)
	f.equal("sums of the next", sums, map[paas.AppRef]paas.Bucket{shop: {At: at(1), Requests: 4}})
	f.equal("notified while nothing walks", f.drain(), []paas.AppRef(nil))

	snap, err := f.Snapshot(f.ctx, shop)
	f.must(err)
	f.equal("in a snapshot without a walk", snap.Traffic, []paas.Traffic(nil))
	snap = f.save(paas.Change{Ref: shop, Version: snap.Version, Deployments: []paas.Deployment{
		{ID: "d1", Team: "default", App: "shop", Release: 2, Previous: 1, State: paas.DeploymentRunning, CreatedAt: moment},
	}})
	f.equal("in a snapshot with a walk", snap.Traffic, []paas.Traffic{blue, green})
	f.drain()
	observe(of(shop, paas.Green, paas.Bucket{At: at(60), Release: 2, Requests: 1}), of(other, paas.Blue, paas.Bucket{At: at(60), Release: 1, Requests: 2}))
	f.equal("notified of the app that walks", f.drain(), []paas.AppRef{shop})
	f.equal("what is left after ten minutes", read(shop), []paas.Traffic{
		of(shop, paas.Blue, paas.Bucket{At: at(1), Release: 3, Requests: 4}), of(shop, paas.Green, paas.Bucket{At: at(60), Release: 2, Requests: 1}),
	})
	f.restart()
	f.must(f.Save(f.ctx, 0, paas.Change{Ref: shop, Version: snap.Version, Delete: true}))
	f.equal("traffic of a deleted app", read(shop), []paas.Traffic{})
}
