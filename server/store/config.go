package store

import (
	"context"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/uptrace/bun"
)

type configRow struct {
	bun.BaseModel `bun:"table:configs,alias:configs"`

	Team      string                     `bun:"team,pk"`
	App       string                     `bun:"app,pk"`
	Version   int                        `bun:"version,pk"`
	Keys      document[[]paas.ConfigKey] `bun:"keys"`
	Change    string                     `bun:"change"`
	CreatedAt time.Time                  `bun:"created_at"`
	CreatedBy string                     `bun:"created_by"`
	Mark      string                     `bun:"mark"`
	Written   bool                       `bun:"written"`
}

func toConfigRow(v paas.ConfigVersion) configRow {
	keys := make([]paas.ConfigKey, len(v.Keys))
	for i, k := range v.Keys {
		k.SetAt = stamp(k.SetAt)
		keys[i] = k
	}
	return configRow{
		Team: v.Team, App: v.App, Version: v.Version, Keys: document[[]paas.ConfigKey]{keys}, Change: clean(v.Change),
		CreatedAt: stamp(v.CreatedAt), CreatedBy: v.CreatedBy, Mark: v.Mark, Written: v.Written,
	}
}

func (r configRow) version() paas.ConfigVersion {
	return paas.ConfigVersion{
		Team: r.Team, App: r.App, Version: r.Version, Keys: r.Keys.V, Change: r.Change,
		CreatedAt: stamp(r.CreatedAt), CreatedBy: r.CreatedBy, Mark: r.Mark, Written: r.Written,
	}
}

// ConfigVersions lists the versions of an app's configuration, newest first, the unwritten one too. An app
// that has none, or that is not there, has an empty list.
func (s *Store) ConfigVersions(ctx context.Context, ref paas.AppRef) ([]paas.ConfigVersion, error) {
	var rows []configRow
	err := s.read.NewSelect().Model(&rows).Where("team = ? AND app = ?", ref.Team, ref.App).Order("version DESC").Scan(ctx)
	if err != nil {
		return nil, failed("list versions of configuration", err)
	}
	return convert(rows, configRow.version), nil
}

// PutConfigVersion adds a version of an app's configuration, or replaces the one of that number, with the
// events that tell of it.
func (s *Store) PutConfigVersion(ctx context.Context, v paas.ConfigVersion, events ...paas.Event) error {
	return s.update(ctx, "write version of configuration", func(ctx context.Context, tx bun.Tx) ([]touch, error) {
		if err := upsert(ctx, tx, "team, app, version", toConfigRow(v)); err != nil {
			return nil, err
		}
		return insertEvents(ctx, tx, events)
	})
}

// DropUnwritten takes back a version that is not written, unless another has its number by now.
func (s *Store) DropUnwritten(ctx context.Context, v paas.ConfigVersion) error {
	return s.update(ctx, "drop version of configuration", func(ctx context.Context, tx bun.Tx) ([]touch, error) {
		row := toConfigRow(v)
		_, err := tx.NewDelete().Model(&row).WherePK().Where("mark = ?", v.Mark).Where("NOT written").Exec(ctx)
		return nil, err
	})
}

// DropConfigVersions deletes the versions of an app's configuration below a number; 0 for all.
func (s *Store) DropConfigVersions(ctx context.Context, ref paas.AppRef, below int) error {
	return s.update(ctx, "drop versions of configuration", func(ctx context.Context, tx bun.Tx) ([]touch, error) {
		q := tx.NewDelete().Table("configs").Where("team = ? AND app = ?", ref.Team, ref.App)
		if below > 0 {
			q = q.Where("version < ?", below)
		}
		_, err := q.Exec(ctx)
		return nil, err
	})
}
