package store

import (
	"context"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/uptrace/bun"
)

// Ledger lists the releases that are kept of an app and the deployments of it that have ended, newest
// first.
func (s *Store) Ledger(ctx context.Context, ref paas.AppRef) (paas.Ledger, error) {
	var ledger paas.Ledger
	err := s.view(ctx, "read ledger", func(ctx context.Context, tx bun.Tx) error {
		var releases []releaseRow
		if err := ofApp(tx.NewSelect().Model(&releases).Column("number", "created_at"), ref).Order("number DESC").Scan(ctx); err != nil {
			return err
		}
		var walks []deploymentRow
		err := ofApp(tx.NewSelect().Model(&walks).Column("id", "release", "status", "ended_at"), ref).
			Where("ended_at IS NOT NULL").Order("created_at DESC", "id DESC").Scan(ctx)
		ledger = paas.Ledger{
			Releases: convert(releases, func(r releaseRow) paas.LedgerRelease {
				return paas.LedgerRelease{Number: r.Number, CreatedAt: stamp(r.CreatedAt)}
			}),
			Walks: convert(walks, func(r deploymentRow) paas.LedgerWalk {
				return paas.LedgerWalk{ID: r.ID, Release: r.Release, State: paas.DeploymentState(r.State), EndedAt: stamp(*r.EndedAt)}
			}),
		}
		return err
	})
	return ledger, err
}

// drop deletes releases and deployments of the app that a Change lets go.
func drop(ctx context.Context, tx bun.Tx, c paas.Change) error {
	if len(c.DropReleases) > 0 {
		if _, err := tx.NewDelete().Table("releases").
			Where("team = ? AND app = ? AND number IN (?)", c.Ref.Team, c.Ref.App, bun.List(c.DropReleases)).Exec(ctx); err != nil {
			return err
		}
	}
	if err := dropSources(ctx, tx, c); err != nil {
		return err
	}
	if len(c.DropDeployments) > 0 {
		if _, err := tx.NewDelete().Table("deployments").
			Where("team = ? AND app = ? AND id IN (?)", c.Ref.Team, c.Ref.App, bun.List(c.DropDeployments)).Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

// dropAtOnce bounds one transaction that deletes by age, so that no other writer waits long for it.
const dropAtOnce = 2000

// DropEvents deletes events from before a time, some thousand at most; more says that there may be
// others. Code conflict: the epoch is past.
func (s *Store) DropEvents(ctx context.Context, epoch int64, before time.Time) (more bool, err error) {
	n, err := s.dropRows(ctx, epoch, "drop events",
		"DELETE FROM events WHERE id IN (SELECT id FROM events WHERE time < ? ORDER BY id LIMIT ?)", stamp(before), dropAtOnce)
	return n == dropAtOnce, err
}

// DropBuilds is DropEvents for builds that ended before a time.
func (s *Store) DropBuilds(ctx context.Context, epoch int64, before time.Time) (more bool, err error) {
	n, err := s.dropRows(ctx, epoch, "drop builds",
		"DELETE FROM builds WHERE id IN (SELECT id FROM builds WHERE ended_at < ? ORDER BY id LIMIT ?)", stamp(before), dropAtOnce)
	return n == dropAtOnce, err
}

func (s *Store) dropRows(ctx context.Context, epoch int64, what, query string, args ...any) (n int64, err error) {
	err = s.update(ctx, what, func(ctx context.Context, tx bun.Tx) ([]touch, error) {
		if err := fenced(ctx, tx, epoch); err != nil {
			return nil, err
		}
		result, err := tx.NewRaw(query, args...).Exec(ctx)
		if err != nil {
			return nil, err
		}
		n, err = result.RowsAffected()
		return nil, err
	})
	return n, err
}

// NamedBlobs gives the digests that releases and builds name: artifacts, file servers, manifests of
// sources.
func (s *Store) NamedBlobs(ctx context.Context) (map[string]bool, error) {
	named := map[string]bool{}
	err := s.view(ctx, "list named content", func(ctx context.Context, tx bun.Tx) error {
		var digests []string
		err := tx.NewRaw(`SELECT artifact FROM releases UNION SELECT runtime FROM releases
			UNION SELECT artifact FROM builds UNION SELECT runtime FROM builds UNION SELECT source FROM builds`).Scan(ctx, &digests)
		for _, d := range digests {
			if d != "" {
				named[d] = true
			}
		}
		return err
	})
	return named, err
}
