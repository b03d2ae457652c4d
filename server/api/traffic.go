package api

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// readLate is how old the newest bucket of the store may be: counters are read every few seconds.
const readLate = 5 * time.Second

var windows = []struct {
	name   string
	length time.Duration
}{{"1m", time.Minute}, {"5m", 5 * time.Minute}, {"10m", paas.TrafficKept}}

func (a *API) appMetrics(ctx context.Context, in *AppScope) (*body[wire.Metrics], error) {
	ref, err := in.ref()
	if err != nil {
		return nil, err
	}
	snap, err := a.Store.Snapshot(ctx, ref)
	if err != nil {
		return nil, err
	}
	traffic, err := a.Store.Traffic(ctx, ref)
	if err != nil {
		return nil, err
	}
	return &body[wire.Metrics]{metricsOf(snap, traffic, time.Now().UTC())}, nil
}

// metricsOf makes an item of each process, slot and release that was asked something, and of those that
// stand and could be: pure.
func metricsOf(snap paas.Snapshot, traffic []paas.Traffic, now time.Time) wire.Metrics {
	items := []wire.Metric{} // never null
	item := func(process string, slot paas.Slot, release int) *wire.Metric {
		i := slices.IndexFunc(items, func(m wire.Metric) bool {
			return m.Process == process && m.Slot == slot && m.Release == release
		})
		if i < 0 {
			live := slot == snap.App.Live && release == snap.App.Release
			items = append(items, wire.Metric{Process: process, Slot: slot, Release: release, Live: live, Role: roleOf(snap, slot, release), Buckets: []paas.Bucket{}})
			i = len(items) - 1
		}
		return &items[i]
	}
	for slot, s := range snap.Slots {
		for _, p := range snap.Releases[s.Release].Spec.Processes {
			if len(p.Routes) > 0 && s.Counts[p.Name] > 0 {
				item(p.Name, slot, s.Release)
			}
		}
	}
	for _, t := range traffic {
		for _, b := range t.Buckets {
			if b.At.After(now.Add(-paas.TrafficKept - paas.BucketLength)) {
				m := item(t.Process, t.Slot, b.Release)
				m.Buckets = append(m.Buckets, b)
			}
		}
	}
	for i := range items {
		items[i].Windows = windowsOf(items[i].Buckets, now)
	}
	slices.SortFunc(items, func(a, b wire.Metric) int {
		return cmp.Or(strings.Compare(a.Process, b.Process), cmp.Compare(a.Release, b.Release), strings.Compare(string(a.Slot), string(b.Slot)))
	})
	return wire.Metrics{App: snap.App.Name, Team: snap.App.Team, At: now, Items: items}
}

// roleOf says on which side of the deployment under way a slot's release is.
func roleOf(snap paas.Snapshot, slot paas.Slot, release int) wire.MetricRole {
	if len(snap.Deployments) == 0 {
		return ""
	}
	switch d := snap.Deployments[0]; {
	case d.State == paas.DeploymentPending || d.InPlace():
		return ""
	case slot == d.Slot && release == d.Release:
		return wire.MetricNew
	case slot == d.From && release == d.Previous:
		return wire.MetricOld
	}
	return ""
}

// windowsOf adds up whole buckets, and the one that has just begun where it is known: the counters of
// an app that walks are written at each reading, those of others when their bucket ends.
func windowsOf(buckets []paas.Bucket, now time.Time) []wire.Window {
	end := now.Add(-readLate).Truncate(paas.BucketLength)
	list := make([]wire.Window, 0, len(windows))
	for _, w := range windows {
		var sum paas.Bucket
		lasted := w.length
		for _, b := range buckets {
			if b.At.Before(end.Add(-w.length)) {
				continue
			}
			sum.Requests, sum.Errors, sum.Took = sum.Requests+b.Requests, sum.Errors+b.Errors, sum.Took+b.Took
			sum.Partial = sum.Partial || b.Partial
			if !b.At.Before(end) {
				lasted = w.length + now.Sub(end)
			}
		}
		list = append(list, wire.Window{
			Window: w.name, Requests: sum.Requests, Errors: sum.Errors, PerSecond: float64(sum.Requests) / lasted.Seconds(),
			ErrorShare: sum.ErrorShare(), MeanMS: float64(sum.Mean()) / float64(time.Millisecond), Partial: sum.Partial,
		})
	}
	return list
}
