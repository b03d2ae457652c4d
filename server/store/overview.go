package store

import (
	"context"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/uptrace/bun"
)

// Overviews lists apps by team and name, as Apps does, and says of which there is nothing to tell: with four
// statements, however many there are.
func (s *Store) Overviews(ctx context.Context, f paas.AppFilter) ([]paas.Overview, error) {
	var list []paas.Overview
	err := s.view(ctx, "list apps", func(ctx context.Context, tx bun.Tx) error {
		apps, err := readApps(ctx, tx, f)
		if err != nil {
			return err
		}
		busy, err := busyApps(ctx, tx)
		if err != nil {
			return err
		}
		healthy, err := healthyCounts(ctx, tx, f)
		if err != nil {
			return err
		}
		list = make([]paas.Overview, len(apps))
		for n, app := range apps {
			list[n] = paas.Overview{App: app, Plain: app.Release > 0 && !app.Stopped && !app.Deleting && !busy[app.Ref()]}
			total := 0
			for process, wanted := range app.Counts {
				total += wanted
				list[n].Plain = list[n].Plain && healthy[processKey{app.Team, app.Name, process}] >= wanted
			}
			list[n].Plain = list[n].Plain && total > 0
		}
		return nil
	})
	return list, err
}

// busyApps are those with a deployment under way, a route that is not in every router, or an instance that
// ends again and again though it may be well just now.
func busyApps(ctx context.Context, tx bun.Tx) (map[paas.AppRef]bool, error) {
	var rows []struct{ Team, App string }
	err := tx.NewRaw(`SELECT team, app FROM deployments WHERE status IN (?)
		UNION SELECT c.team, c.app FROM claims c LEFT JOIN routes r ON r.host = c.host AND r.path = c.path AND r.team = c.team AND r.app = c.app
		WHERE r.state IS NULL OR r.state = ?
		UNION SELECT team, app FROM instances WHERE crashes >= ?`, bun.List(openStates), paas.RoutePending, paas.CrashLoop).Scan(ctx, &rows)
	if err != nil {
		return nil, err
	}
	busy := make(map[paas.AppRef]bool, len(rows))
	for _, r := range rows {
		busy[paas.AppRef{Team: r.Team, App: r.App}] = true
	}
	return busy, nil
}

// LiveRoutes gives the routes of the releases that serve, of the apps that Overviews would list.
func (s *Store) LiveRoutes(ctx context.Context, f paas.AppFilter) (map[paas.AppRef]paas.LiveRoutes, error) {
	var rows []struct {
		Team, Name string
		Number     int
		Spec       document[paas.Spec]
	}
	q := s.read.NewSelect().Table("apps").ColumnExpr("apps.team, apps.name, r.number, r.spec").
		Join("JOIN releases AS r ON r.team = apps.team AND r.app = apps.name AND r.number = apps.release")
	if err := pageOf(q, f).Scan(ctx, &rows); err != nil {
		return nil, failed("list routes", err)
	}
	routes := make(map[paas.AppRef]paas.LiveRoutes, len(rows))
	for _, r := range rows {
		routes[paas.AppRef{Team: r.Team, App: r.Name}] = paas.LiveRoutes{Release: r.Number, Routes: r.Spec.V.Routes()}
	}
	return routes, nil
}

type processKey struct{ team, app, process string }

// healthyCounts gives how many instances of each process serve.
func healthyCounts(ctx context.Context, tx bun.Tx, f paas.AppFilter) (map[processKey]int, error) {
	q := tx.NewSelect().Table("instances").ColumnExpr("team, app, process, COUNT(*)").
		Where("state = ?", paas.InstanceRunning).Where("health = ?", paas.HealthHealthy).Group("team", "app", "process")
	if f.Team != "" {
		q = q.Where("team = ?", f.Team)
	}
	rows, err := q.Rows(ctx)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // read to its end below
	counts := map[processKey]int{}
	for rows.Next() {
		var key processKey
		var n int
		if err := rows.Scan(&key.team, &key.app, &key.process, &n); err != nil {
			return nil, err
		}
		counts[key] = n
	}
	return counts, rows.Err()
}
