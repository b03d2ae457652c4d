package store

import (
	"context"
	"slices"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/uptrace/bun"
)

// Observe writes what was seen, all or none. Code conflict: the epoch is past.
func (s *Store) Observe(ctx context.Context, epoch int64, o paas.Observation) error {
	return s.update(ctx, "write facts", func(ctx context.Context, tx bun.Tx) ([]touch, error) {
		if err := fenced(ctx, tx, epoch); err != nil {
			return nil, err
		}
		touched, err := forget(ctx, tx, "instances", o.Gone)
		if err != nil {
			return nil, err
		}
		ran, err := writeRuns(ctx, tx, o)
		if err != nil {
			return nil, err
		}
		touched = append(touched, ran...)
		for _, i := range o.Instances {
			if err := upsert(ctx, tx, "id", toInstanceRow(i)); err != nil {
				return nil, err
			}
			touched = append(touched, i.Ref())
		}
		for _, j := range o.Jobs {
			if err := upsert(ctx, tx, "team, app, slot", toJobRow(j)); err != nil {
				return nil, err
			}
			touched = append(touched, paas.AppRef{Team: j.Team, App: j.App})
		}
		for _, r := range o.Routes {
			if err := upsert(ctx, tx, "team, app, host, path", toRouteRow(r)); err != nil {
				return nil, err
			}
			touched = append(touched, paas.AppRef{Team: r.Team, App: r.App})
		}
		for _, r := range o.Routers {
			if err := upsert(ctx, tx, "team, app", toRouterRow(r)); err != nil {
				return nil, err
			}
			touched = append(touched, paas.AppRef{Team: r.Team, App: r.App})
		}
		moved, err := writeNodes(ctx, tx, o)
		if err != nil {
			return nil, err
		}
		touched = append(touched, moved...)
		for _, b := range o.Backends {
			if err := upsert(ctx, tx, "name", toBackendRow(b)); err != nil {
				return nil, err
			}
		}
		walking, err := writeTraffic(ctx, tx, o.Traffic)
		if err != nil {
			return nil, err
		}
		events, err := insertEvents(ctx, tx, o.Events)
		return slices.Concat(changed(touched...), told(walking...), events), err
	})
}

// forget deletes instances or runs and names the apps they were of.
func forget(ctx context.Context, tx bun.Tx, table string, ids []string) ([]paas.AppRef, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var rows []struct{ Team, App string }
	err := tx.NewRaw("DELETE FROM ? WHERE id IN (?) RETURNING team, app", bun.Ident(table), bun.List(ids)).Scan(ctx, &rows)
	if err != nil {
		return nil, err
	}
	refs := make([]paas.AppRef, len(rows))
	for i, r := range rows {
		refs[i] = paas.AppRef{Team: r.Team, App: r.App}
	}
	return refs, nil
}
