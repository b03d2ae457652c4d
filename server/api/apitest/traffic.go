package apitest

import (
	"context"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// TrafficSums gives 600 requests, of which 30 were answered with 5xx, of every app.
func (p *Platform) TrafficSums(context.Context, time.Time, time.Time) (map[paas.AppRef]paas.Bucket, error) {
	sums := map[paas.AppRef]paas.Bucket{}
	p.locked(func() {
		for ref := range p.apps {
			sums[ref] = paas.Bucket{Requests: 600, Errors: 30}
		}
	})
	return sums, nil
}

// Traffic gives 600 requests, of which 30 were answered with 5xx, in the last minute of every app.
func (p *Platform) Traffic(_ context.Context, ref paas.AppRef) (list []paas.Traffic, err error) {
	p.locked(func() {
		app, ok := p.apps[ref]
		if !ok {
			return
		}
		list = []paas.Traffic{{Team: ref.Team, App: ref.App, Process: "web", Slot: app.Live, Buckets: []paas.Bucket{{
			At: time.Now().UTC().Add(-40 * time.Second).Truncate(paas.BucketLength), Release: app.Release,
			Requests: 600, Errors: 30, Took: 12 * time.Second,
		}}}}
	})
	return list, nil
}
