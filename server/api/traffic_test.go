package api_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/crumpet-paas/crumpet/server/api"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

func TestMetricsAreByProcessSlotAndRelease(t *testing.T) {
	t.Parallel()
	web := paas.Process{Name: "web", Routes: []paas.Route{{Host: "shop.localhost", Path: "/", Port: "http"}}}
	release := func(n int) paas.Release {
		return paas.Release{Number: n, Spec: paas.Spec{Processes: []paas.Process{web, {Name: "worker"}}}}
	}
	counts := map[string]int{"web": 1, "worker": 1}
	snap := paas.Snapshot{
		App:      paas.App{Team: "acme", Name: "shop", Live: paas.Blue, Release: 3},
		Releases: map[int]paas.Release{3: release(3), 4: release(4)},
		Slots:    map[paas.Slot]paas.Slotted{paas.Blue: {Release: 3, Counts: counts}, paas.Green: {Release: 4, Counts: counts}},
	}
	now := time.Date(2026, 11, 23, 1, 0, 7, 0, time.UTC) // the bucket before has been written by now
	at := func(ago int) time.Time { return now.Truncate(paas.BucketLength).Add(-time.Duration(ago) * time.Second) }
	second := []paas.Bucket{{At: at(60), Release: 2, Requests: 1}}
	live := []paas.Bucket{
		{At: at(610), Release: 3, Requests: 1000}, // long ago
		{At: at(300), Release: 3, Requests: 240},
		{At: at(60), Release: 3, Requests: 50, Errors: 6, Took: 2 * time.Second},
		{At: at(10), Release: 3, Requests: 10, Partial: true},
	}
	got := api.MetricsOf(snap, []paas.Traffic{
		{Process: "web", Slot: paas.Blue, Buckets: append(second, live...)},
	}, now)
	window := func(name string, requests, errors int64, perSecond, share, mean float64, partial bool) wire.Window {
		return wire.Window{Window: name, Requests: requests, Errors: errors, PerSecond: perSecond, ErrorShare: share, MeanMS: mean, Partial: partial}
	}
	want := wire.Metrics{App: "shop", Team: "acme", At: now, Items: []wire.Metric{
		{Process: "web", Slot: paas.Blue, Release: 2, Buckets: second, Windows: []wire.Window{
			window("1m", 1, 0, 1./60, 0, 0, false), window("5m", 1, 0, 1./300, 0, 0, false), window("10m", 1, 0, 1./600, 0, 0, false),
		}},
		{Process: "web", Slot: paas.Blue, Release: 3, Live: true, Buckets: live[1:], Windows: []wire.Window{
			window("1m", 60, 6, 1, .1, 2000./60, true), window("5m", 300, 6, 1, .02, 2000./300, true), window("10m", 300, 6, .5, .02, 2000./300, true),
		}},
		{Process: "web", Slot: paas.Green, Release: 4, Buckets: []paas.Bucket{}, Windows: []wire.Window{
			window("1m", 0, 0, 0, 0, 0, false), window("5m", 0, 0, 0, 0, 0, false), window("10m", 0, 0, 0, 0, 0, false),
		}},
	}}
	if diff := cmp.Diff(want, got, cmpopts.EquateApprox(0, 0.001)); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
}

// TestTheBucketThatHasBegunCountsForItsTime: of an app that walks it is known, and a canary is judged by it.
func TestTheBucketThatHasBegunCountsForItsTime(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 1, 0, 7, 0, time.UTC)
	begun := paas.Bucket{At: now.Truncate(paas.BucketLength), Release: 3, Requests: 67}
	got := api.MetricsOf(paas.Snapshot{}, []paas.Traffic{{Process: "web", Slot: paas.Blue, Buckets: []paas.Bucket{begun}}}, now)
	if w := got.Items[0].Windows[0]; w.Requests != 67 || w.PerSecond != 1 {
		t.Errorf("%+v, want 67 requests, 1 a second of 67", w)
	}
}

// TestARestartHasOneReleaseInBothSlots of which one is live.
func TestARestartHasOneReleaseInBothSlots(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 1, 0, 7, 0, time.UTC)
	asked := []paas.Bucket{{At: now.Add(-time.Minute).Truncate(paas.BucketLength), Release: 3, Requests: 1}}
	got := api.MetricsOf(paas.Snapshot{App: paas.App{Live: paas.Green, Release: 3}}, []paas.Traffic{
		{Process: "web", Slot: paas.Blue, Buckets: asked}, {Process: "web", Slot: paas.Green, Buckets: asked},
	}, now)
	if len(got.Items) != 2 || got.Items[0].Live || !got.Items[1].Live || got.Items[1].Slot != paas.Green {
		t.Errorf("%+v, want blue, then green as the live one", got.Items)
	}
}
