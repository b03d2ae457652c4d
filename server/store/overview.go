package store

import (
	"context"
	"sync"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/uptrace/bun"
)

// Overviews lists apps by team and name, as Apps does, and says of which there is nothing to tell: with a
// handful of statements, however many there are.
func (s *Store) Overviews(ctx context.Context, f paas.AppFilter) ([]paas.Overview, error) {
	writes := s.writes.Load() // before the read: what is written meanwhile makes the list old
	if list, ok := s.lists.get(writes, f); ok {
		return list, nil
	}
	list, err := s.overviews(ctx, f)
	if err == nil && !s.engine.shared {
		s.lists.put(writes, f, list)
	}
	return list, err
}

// lists holds lists of apps for as long as nothing is written. A list may be asked for every second by
// everybody who looks at it, and most of the time nothing has happened. Only where this process is the only
// one that writes.
type lists struct {
	mu     sync.Mutex
	writes uint64 // that the lists are of
	kept   map[paas.AppFilter][]paas.Overview
}

// mostLists bounds the pages that are held.
const mostLists = 16

func (l *lists) get(writes uint64, f paas.AppFilter) ([]paas.Overview, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	list, ok := l.kept[f]
	return list, ok && l.writes == writes
}

func (l *lists) put(writes uint64, f paas.AppFilter, list []paas.Overview) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.kept == nil || l.writes != writes || len(l.kept) >= mostLists {
		l.kept = map[paas.AppFilter][]paas.Overview{}
	}
	l.writes, l.kept[f] = writes, list
}

func (s *Store) overviews(ctx context.Context, f paas.AppFilter) ([]paas.Overview, error) {
	var list []paas.Overview
	err := s.view(ctx, "list apps", func(ctx context.Context, tx bun.Tx) error {
		apps, err := readApps(ctx, tx, f)
		if err != nil {
			return err
		}
		if len(apps) == 0 {
			return nil
		}
		page := rangeOf(apps)
		busy, err := page.busy(ctx, tx)
		if err != nil {
			return err
		}
		healthy, err := page.healthy(ctx, tx)
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

// appRange is from the first to the last app of a page, so that a page costs what it shows.
type appRange struct{ first, last paas.AppRef }

func rangeOf(apps []paas.App) appRange { return appRange{apps[0].Ref(), apps[len(apps)-1].Ref()} }

func (r appRange) in(q *bun.SelectQuery, alias string) *bun.SelectQuery {
	key := "(" + alias + ".team, " + alias + ".app)"
	return q.Where(key+" >= (?, ?)", r.first.Team, r.first.App).Where(key+" <= (?, ?)", r.last.Team, r.last.App)
}

// busy are the apps with a deployment under way, a route that is not in every router, or an instance that
// ends again and again though it may be well just now.
func (r appRange) busy(ctx context.Context, tx bun.Tx) (map[paas.AppRef]bool, error) {
	walking := r.in(tx.NewSelect().TableExpr("deployments AS d").ColumnExpr("d.team, d.app"), "d").Where("d.status IN (?)", bun.List(openStates))
	unrouted := r.in(tx.NewSelect().TableExpr("claims AS c").ColumnExpr("c.team, c.app").
		Join("LEFT JOIN routes AS r ON r.host = c.host AND r.path = c.path AND r.team = c.team AND r.app = c.app"), "c").
		Where("r.state IS NULL OR r.state = ?", paas.RoutePending)
	looping := r.in(tx.NewSelect().TableExpr("instances AS i").ColumnExpr("i.team, i.app"), "i").Where("i.crashes >= ?", paas.CrashLoop)
	busy := map[paas.AppRef]bool{}
	for _, q := range []*bun.SelectQuery{walking, unrouted, looping} {
		var rows []struct{ Team, App string }
		if err := q.Scan(ctx, &rows); err != nil {
			return nil, err
		}
		for _, row := range rows {
			busy[paas.AppRef{Team: row.Team, App: row.App}] = true
		}
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

// healthy gives how many instances of each process serve.
func (r appRange) healthy(ctx context.Context, tx bun.Tx) (map[processKey]int, error) {
	rows, err := r.in(tx.NewSelect().TableExpr("instances AS i").ColumnExpr("i.team, i.app, i.process, COUNT(*)"), "i").
		Where("i.state = ?", paas.InstanceRunning).Where("i.health = ?", paas.HealthHealthy).
		GroupExpr("i.team, i.app, i.process").Rows(ctx)
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
