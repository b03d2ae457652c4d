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

// PutConfigVersion puts a version of an app's configuration in its place, where it replaces one that is not
// written. Code conflict: one that is written has the number.
func (s *Store) PutConfigVersion(ctx context.Context, v paas.ConfigVersion) error {
	return s.update(ctx, "write version of configuration", func(ctx context.Context, tx bun.Tx) ([]touch, error) {
		row := toConfigRow(v)
		result, err := tx.NewInsert().Model(&row).On("CONFLICT (team, app, version) DO UPDATE").Where("NOT configs.written").Returning("NULL").Exec(ctx)
		if err != nil {
			return nil, err
		}
		n, err := result.RowsAffected()
		if err == nil && n == 0 {
			err = paas.Errorf(paas.Conflict, "Version %d of the configuration of app %q was made by somebody else meanwhile. Look at it with `crumpet config list`, and try again.", v.Version, v.App)
		}
		return nil, err
	})
}

// ConfigWritten puts a version that is written in its place, with the events that tell of it unless that
// was done before.
func (s *Store) ConfigWritten(ctx context.Context, v paas.ConfigVersion, events ...paas.Event) error {
	return s.update(ctx, "write version of configuration", func(ctx context.Context, tx bun.Tx) ([]touch, error) {
		row := toConfigRow(v)
		told, err := tx.NewSelect().Model((*configRow)(nil)).
			Where("team = ? AND app = ? AND version = ? AND mark = ? AND written", row.Team, row.App, row.Version, row.Mark).Exists(ctx)
		if err != nil || told {
			return nil, err
		}
		if err := upsert(ctx, tx, "team, app, version", row); err != nil {
			return nil, err
		}
		return insertEvents(ctx, tx, events)
	})
}

// AddConfigVersion adds a version with the events that tell of it; where one has its number it does nothing.
func (s *Store) AddConfigVersion(ctx context.Context, v paas.ConfigVersion, events ...paas.Event) error {
	return s.update(ctx, "add version of configuration", func(ctx context.Context, tx bun.Tx) ([]touch, error) {
		row := toConfigRow(v)
		result, err := tx.NewInsert().Model(&row).On("CONFLICT (team, app, version) DO NOTHING").Returning("NULL").Exec(ctx)
		if err != nil {
			return nil, err
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 {
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

// DropConfigVersions deletes the versions of an app's configuration below a number.
func (s *Store) DropConfigVersions(ctx context.Context, ref paas.AppRef, below int) error {
	return s.update(ctx, "drop versions of configuration", func(ctx context.Context, tx bun.Tx) ([]touch, error) {
		_, err := tx.NewDelete().Table("configs").Where("team = ? AND app = ? AND version < ?", ref.Team, ref.App, below).Exec(ctx)
		return nil, err
	})
}
