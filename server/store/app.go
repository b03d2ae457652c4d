package store

import (
	"context"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/uptrace/bun"
)

type appRow struct {
	bun.BaseModel `bun:"table:apps,alias:apps"`

	Team      string                   `bun:"team,pk"`
	Name      string                   `bun:"name,pk"`
	Version   int64                    `bun:"version"`
	Live      string                   `bun:"slot"`
	Release   int                      `bun:"release"`
	Counts    document[map[string]int] `bun:"counts"`
	Stopped   bool                     `bun:"stopped"`
	Deleting  bool                     `bun:"deleting"`
	CreatedAt time.Time                `bun:"created_at"`
}

func toAppRow(a paas.App, version int64) appRow {
	return appRow{
		Team: a.Team, Name: a.Name, Version: version, Live: string(a.Live), Release: a.Release,
		Counts: document[map[string]int]{a.Counts}, Stopped: a.Stopped, Deleting: a.Deleting,
		CreatedAt: stamp(a.CreatedAt),
	}
}

func (r appRow) app() paas.App {
	return paas.App{
		Team: r.Team, Name: r.Name, Live: paas.Slot(r.Live), Release: r.Release,
		Counts: r.Counts.V, Stopped: r.Stopped, Deleting: r.Deleting, CreatedAt: stamp(r.CreatedAt),
	}
}

// The number of rows a list gives when none is asked for, and at most.
const (
	defaultLimit = 100
	maxLimit     = 1000
	mostApps     = 10_000 // in a list of apps
)

func limit(n int) int64 {
	if n <= 0 {
		return defaultLimit
	}
	return int64(min(n, maxLimit))
}

// Apps lists apps by team and name.
func (s *Store) Apps(ctx context.Context, f paas.AppFilter) ([]paas.App, error) {
	list, err := readApps(ctx, s.read, f)
	if err != nil {
		return nil, failed("list apps", err)
	}
	return list, nil
}

func readApps(ctx context.Context, db bun.IDB, f paas.AppFilter) ([]paas.App, error) {
	var rows []appRow
	if err := pageOf(db.NewSelect().Model(&rows), f).Scan(ctx); err != nil {
		return nil, err
	}
	return convert(rows, appRow.app), nil
}

// pageOf narrows a query of apps to those of a page.
func pageOf(q *bun.SelectQuery, f paas.AppFilter) *bun.SelectQuery {
	n := int64(defaultLimit)
	if f.Limit > 0 {
		n = int64(min(f.Limit, mostApps))
	}
	q = q.Order("apps.team", "apps.name").Limit(n)
	if f.Team != "" {
		q = q.Where("apps.team = ?", f.Team)
	}
	if f.After != "" {
		team, name, _ := strings.Cut(f.After, "/")
		q = q.Where("(apps.team, apps.name) > (?, ?)", team, name)
	}
	return q
}

// Refs names every app, by team and name.
func (s *Store) Refs(ctx context.Context) ([]paas.AppRef, error) {
	var rows []struct{ Team, Name string }
	if err := s.read.NewSelect().Table("apps").Column("team", "name").Order("team", "name").Scan(ctx, &rows); err != nil {
		return nil, failed("list apps", err)
	}
	refs := make([]paas.AppRef, len(rows))
	for i, r := range rows {
		refs[i] = paas.AppRef{Team: r.Team, App: r.Name}
	}
	return refs, nil
}

func convert[From, To any](rows []From, f func(From) To) []To {
	list := make([]To, len(rows))
	for i, r := range rows {
		list[i] = f(r)
	}
	return list
}
