package store

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/uptrace/bun"
)

type eventRow struct {
	bun.BaseModel `bun:"table:events,alias:events"`

	ID         int64     `bun:"id,pk,autoincrement"`
	Time       time.Time `bun:"time"`
	Team       string    `bun:"team"`
	App        string    `bun:"app"`
	Kind       string    `bun:"kind"`
	Release    int       `bun:"release"`
	Deployment string    `bun:"deployment"`
	Build      string    `bun:"build"`
	Instance   string    `bun:"instance"`
	Process    string    `bun:"process"`
	By         string    `bun:"asked_by"`
	Share      *int      `bun:"share"`
	Message    string    `bun:"message"`
}

func toEventRow(e paas.Event) eventRow {
	return eventRow{
		Time: stamp(e.Time), Team: e.Team, App: e.App, Kind: string(e.Kind), Release: e.Release, Deployment: e.Deployment,
		Build: e.Build, Instance: e.Instance, Process: e.Process, By: e.By, Share: e.Share, Message: clean(e.Message),
	}
}

func (r eventRow) event() paas.Event {
	return paas.Event{
		ID: r.ID, Time: stamp(r.Time), Team: r.Team, App: r.App, Kind: paas.EventKind(r.Kind), Release: r.Release,
		Deployment: r.Deployment, Build: r.Build, Instance: r.Instance, Process: r.Process, By: r.By, Share: r.Share, Message: r.Message,
	}
}

// clean makes text that came from outside (a compiler, a task) fit for any database: PostgreSQL
// refuses NUL and broken UTF-8 in text.
func clean(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// queue makes transactions that write events commit one after the other, in the order of the ids they
// take. (SQLite has one writer.) PostgreSQL gives ids when asked and shows rows when committed: a reader that
// has seen id 8 would never ask for the 7 of a slower one. It shows a commit before it frees its locks.
func queue(ctx context.Context, tx bun.Tx) error {
	_, err := tx.NewRaw("SELECT pg_advisory_xact_lock(?, "+lockEvents+")", lockClass).Exec(ctx)
	return err
}

// insertEvents appends events in their order. It comes last in a transaction: see queue.
func insertEvents(ctx context.Context, tx bun.Tx, events []paas.Event) ([]touch, error) {
	if len(events) > 0 && onPostgres(tx) {
		if err := queue(ctx, tx); err != nil {
			return nil, err
		}
	}
	for part := range slices.Chunk(events, 100) { // keeps a statement far below SQLite's 1 MB
		rows := convert(part, toEventRow)
		if _, err := tx.NewInsert().Model(&rows).Returning("NULL").Exec(ctx); err != nil {
			return nil, err
		}
	}
	return told(convert(events, func(e paas.Event) paas.AppRef { return paas.AppRef{Team: e.Team, App: e.App} })...), nil
}

// Emit writes events that go with no other write.
func (s *Store) Emit(ctx context.Context, events ...paas.Event) error {
	return s.EmitAs(ctx, 0, events...)
}

// EmitAs is Emit for the leader. Code conflict: the epoch is past.
func (s *Store) EmitAs(ctx context.Context, epoch int64, events ...paas.Event) error {
	if len(events) == 0 {
		return nil
	}
	return s.update(ctx, "write events", func(ctx context.Context, tx bun.Tx) ([]touch, error) {
		if err := fenced(ctx, tx, epoch); err != nil {
			return nil, err
		}
		return insertEvents(ctx, tx, events)
	})
}

// Events lists events by id.
func (s *Store) Events(ctx context.Context, f paas.EventFilter) ([]paas.Event, error) {
	if f.Teams != nil && len(f.Teams) == 0 || f.Apps != nil && len(f.Apps) == 0 {
		return nil, nil
	}
	var rows []eventRow
	order := "id"
	if f.Last {
		order = "id DESC"
	}
	q := s.read.NewSelect().Model(&rows).Where("id > ?", f.After).Order(order).Limit(limit(f.Limit))
	for column, want := range map[string]string{"team": f.Team, "app": f.App} {
		switch {
		case want != "" && f.Platform:
			q = q.Where("? IN (?, '')", bun.Ident(column), want)
		case want != "":
			q = q.Where("? = ?", bun.Ident(column), want)
		}
	}
	if len(f.Teams) > 0 {
		q = q.Where("team IN (?)", bun.List(f.Teams))
	}
	if len(f.Apps) > 0 {
		q = q.WhereGroup(" AND ", func(q *bun.SelectQuery) *bun.SelectQuery {
			for _, ref := range f.Apps {
				q = q.WhereOr("team = ? AND app = ?", ref.Team, ref.App)
			}
			return q
		})
	}
	if f.UpTo > 0 {
		q = q.Where("id <= ?", f.UpTo)
	}
	if !f.Since.IsZero() {
		q = q.Where("time >= ?", stamp(f.Since))
	}
	if len(f.Kinds) > 0 {
		q = q.Where("kind IN (?)", bun.List(f.Kinds))
	}
	if err := q.Scan(ctx); err != nil {
		return nil, failed("list events", err)
	}
	if f.Last {
		slices.Reverse(rows)
	}
	return convert(rows, eventRow.event), nil
}

// LastEvent gives the highest id, 0 when there is no event.
func (s *Store) LastEvent(ctx context.Context) (int64, error) {
	var id int64
	if err := s.read.NewSelect().Table("events").ColumnExpr("COALESCE(MAX(id), 0)").Scan(ctx, &id); err != nil {
		return 0, failed("read last event", err)
	}
	return id, nil
}
