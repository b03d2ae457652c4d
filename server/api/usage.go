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

// Meter measures instances. It gives one InstanceUsage for each of those it is given, also of what could not be measured.
type Meter interface {
	Measure(ctx context.Context, snap paas.Snapshot) []paas.InstanceUsage
}

func (a *API) usage(ctx context.Context, in *AppScope) (*body[wire.Usage], error) {
	s, err := a.snapshot(ctx, in)
	if err != nil {
		return nil, err
	}
	list := items(a.Meter.Measure(ctx, s))
	slices.SortFunc(list, func(a, b paas.InstanceUsage) int {
		return cmp.Or(strings.Compare(a.Process, b.Process), cmp.Compare(b.Release, a.Release), cmp.Compare(a.Index, b.Index), strings.Compare(a.Instance, b.Instance))
	})
	return &body[wire.Usage]{wire.Usage{App: s.App.Name, Team: s.App.Team, At: time.Now().UTC(), Items: list}}, nil
}
