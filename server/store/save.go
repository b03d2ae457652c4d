package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/uptrace/bun"
)

// upsert writes one row, replacing the one with an equal key (a list of columns).
func upsert[Row any](ctx context.Context, tx bun.Tx, key string, row Row) error {
	_, err := tx.NewInsert().Model(&row).On("CONFLICT (" + key + ") DO UPDATE").Returning("NULL").Exec(ctx)
	return err
}

// next raises a counter and gives its new value.
func next(ctx context.Context, tx bun.Tx, counter string) (int64, error) {
	var value int64
	err := tx.NewRaw("UPDATE counters SET value = value + 1 WHERE name = ? RETURNING value", counter).Scan(ctx, &value)
	return value, err
}

// Lead gives a new epoch, higher than any before: the caller leads from now on, and writes with an
// older epoch are refused.
func (s *Store) Lead(ctx context.Context) (int64, error) {
	var epoch int64
	err := s.update(ctx, "take the lead", func(ctx context.Context, tx bun.Tx) ([]touch, error) {
		var err error
		epoch, err = next(ctx, tx, "epoch")
		return nil, err
	})
	return epoch, err
}

// fenced refuses a write of a leader that no longer leads. Epoch 0 is a wish from the API.
func fenced(ctx context.Context, tx bun.Tx, epoch int64) error {
	if epoch == 0 {
		return nil
	}
	var current int64
	q := tx.NewSelect().Table("counters").Column("value").Where("name = ?", "epoch")
	if onPostgres(tx) {
		q = q.For("SHARE") // or the next leader could begin between this look and our commit
	}
	if err := q.Scan(ctx, &current); err != nil {
		return err
	}
	return past(epoch, current)
}

// past refuses an epoch below the current one.
func past(epoch, current int64) error {
	if epoch < current {
		return paas.Errorf(paas.Conflict, "This server leads no longer: its epoch is %d, another has %d.", epoch, current)
	}
	return nil
}

// Save writes the wishes of a Change, all or none. Code conflict: Version is not the app's any more,
// the epoch is past, another app holds a claimed route, or another team its host. Of a wish also not_found
// when there is no such team, and over_quota.
func (s *Store) Save(ctx context.Context, epoch int64, c paas.Change) error {
	if err := coherent(c); err != nil {
		return err
	}
	return s.update(ctx, "save "+c.Ref.String(), func(ctx context.Context, tx bun.Tx) ([]touch, error) {
		if err := fenced(ctx, tx, epoch); err != nil {
			return nil, err
		}
		if err := advance(ctx, tx, c); err != nil {
			return nil, err
		}
		if epoch == 0 {
			if err := admitted(ctx, tx, c); err != nil {
				return nil, err
			}
		}
		claimed, err := claimHosts(ctx, tx, c)
		if err != nil {
			return nil, err
		}
		write := wish
		if c.Delete {
			write = remove
		}
		if err := write(ctx, tx, c); err != nil {
			return nil, err
		}
		if err := demands(ctx, tx, c); err != nil {
			return nil, err
		}
		touched, err := insertEvents(ctx, tx, append(claimed, c.Events...))
		return append(touched, changed(c.Ref)...), err
	})
}

// coherent checks what only a fault of ours can break: a Change speaks of one app.
func coherent(c paas.Change) error {
	ok := c.App == nil || c.App.Ref() == c.Ref
	for _, r := range c.Releases {
		ok = ok && r.Ref() == c.Ref
	}
	for _, s := range c.Slots {
		ok = ok && s.Ref() == c.Ref
	}
	for _, s := range c.Sides {
		ok = ok && s.Ref() == c.Ref
	}
	for _, d := range c.Deployments {
		ok = ok && d.Ref() == c.Ref
	}
	for _, v := range c.Volumes {
		ok = ok && v.Ref() == c.Ref
	}
	if !ok {
		return paas.Errorf(paas.Internal, "A change of app %s holds rows of another app.", c.Ref)
	}
	if c.Version == 0 && (c.App == nil || c.Delete) {
		return paas.Errorf(paas.Internal, "A change of the new app %s does not hold the app.", c.Ref)
	}
	return nil
}

// advance moves the app from the version the Change was made from to a new one, or makes the app.
// Versions come from one counter, so that an app deleted and made again never meets an old one.
func advance(ctx context.Context, tx bun.Tx, c paas.Change) error {
	version, err := next(ctx, tx, "version")
	if err != nil {
		return err
	}
	var result sql.Result
	if c.Version == 0 {
		row := toAppRow(*c.App, version)
		result, err = tx.NewInsert().Model(&row).On("CONFLICT (team, name) DO NOTHING").Returning("NULL").Exec(ctx)
	} else {
		result, err = tx.NewUpdate().Table("apps").Set("version = ?", version).
			Where("team = ? AND name = ? AND version = ?", c.Ref.Team, c.Ref.App, c.Version).Exec(ctx)
	}
	if err != nil {
		return err
	}
	n, err := result.RowsAffected()
	if err != nil {
		return err
	}
	if n == 0 {
		return paas.Errorf(paas.Conflict, "App %q changed meanwhile. Try again.", c.Ref.App)
	}
	return nil
}

func wish(ctx context.Context, tx bun.Tx, c paas.Change) error {
	if c.App != nil {
		row := toAppRow(*c.App, 0)
		_, err := tx.NewUpdate().Model(&row).ExcludeColumn("version").WherePK().Exec(ctx)
		if err != nil {
			return err
		}
	}
	for _, r := range c.Releases {
		if err := insertRelease(ctx, tx, r); err != nil {
			return err
		}
	}
	for _, s := range c.Slots {
		if err := upsert(ctx, tx, "team, app, slot", toSlotRow(s)); err != nil {
			return err
		}
	}
	if err := writeSides(ctx, tx, c); err != nil {
		return err
	}
	for _, d := range c.Deployments {
		if err := upsert(ctx, tx, "team, app, id", toDeploymentRow(d)); err != nil {
			return err
		}
	}
	if err := writeVolumes(ctx, tx, c.Volumes); err != nil {
		return err
	}
	if err := drop(ctx, tx, c); err != nil {
		return err
	}
	if !c.SetClaims {
		return nil
	}
	return claim(ctx, tx, c.Ref, c.Claims)
}

// insertRelease adds a release; one that is there already is immutable.
func insertRelease(ctx context.Context, tx bun.Tx, r paas.Release) error {
	row := toReleaseRow(r)
	result, err := tx.NewInsert().Model(&row).On("CONFLICT (team, app, number) DO NOTHING").Returning("NULL").Exec(ctx)
	if err != nil {
		return err
	}
	n, err := result.RowsAffected()
	if err != nil {
		return err
	}
	if n == 0 {
		return paas.Errorf(paas.Conflict, "Release %d of app %q exists already and can't be changed.", r.Number, r.App)
	}
	return insertSource(ctx, tx, r)
}

// claim makes the routes the only ones the app holds. The facts of routes given up go as well:
// nobody will look at those routes again.
func claim(ctx context.Context, tx bun.Tx, ref paas.AppRef, routes []paas.Route) error {
	if _, err := tx.NewDelete().Table("claims").Where("team = ? AND app = ?", ref.Team, ref.App).Exec(ctx); err != nil {
		return err
	}
	for _, r := range routes {
		row := claimRow{Host: r.Host, Path: r.Path, Team: ref.Team, App: ref.App}
		if _, err := tx.NewInsert().Model(&row).On("CONFLICT (host, path) DO NOTHING").Returning("NULL").Exec(ctx); err != nil {
			return err
		}
		var holder claimRow
		err := tx.NewSelect().Model(&holder).Where("host = ? AND path = ?", r.Host, r.Path).Scan(ctx)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if err == nil && (holder.Team != ref.Team || holder.App != ref.App) {
			return held(r, holder, ref)
		}
	}
	_, err := tx.NewRaw(`DELETE FROM routes WHERE team = ? AND app = ? AND NOT EXISTS (
		SELECT 1 FROM claims WHERE claims.host = routes.host AND claims.path = routes.path
		AND claims.team = routes.team AND claims.app = routes.app)`, ref.Team, ref.App).Exec(ctx)
	return err
}

// remove deletes the app with all its rows; its events stay.
func remove(ctx context.Context, tx bun.Tx, c paas.Change) error {
	for _, facts := range []string{"instances", "jobs", "routes", "routers", "runs", "traffic", "launches"} {
		if _, err := tx.NewDelete().Table(facts).Where("team = ? AND app = ?", c.Ref.Team, c.Ref.App).Exec(ctx); err != nil {
			return err
		}
	}
	// Its releases, slots, side jobs, deployments and claims go by their foreign keys.
	_, err := tx.NewDelete().Table("apps").Where("team = ? AND name = ?", c.Ref.Team, c.Ref.App).Exec(ctx)
	return err
}
