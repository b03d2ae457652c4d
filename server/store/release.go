package store

import (
	"context"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/uptrace/bun"
)

type releaseRow struct {
	bun.BaseModel `bun:"table:releases,alias:releases"`

	Team       string              `bun:"team,pk"`
	App        string              `bun:"app,pk"`
	Number     int                 `bun:"number,pk"`
	Spec       document[paas.Spec] `bun:"spec"`
	SpecDigest string              `bun:"spec_digest"`
	Artifact   string              `bun:"artifact"`
	Runtime    string              `bun:"runtime"`
	Config     int                 `bun:"config_version"`
	CreatedAt  time.Time           `bun:"created_at"`
	CreatedBy  string              `bun:"created_by"`
	Commit     string              `bun:"source_commit"`
	Dirty      bool                `bun:"source_dirty"`
	Note       string              `bun:"note"`
	RollbackTo int                 `bun:"rollback_to"`
}

func toReleaseRow(r paas.Release) releaseRow {
	return releaseRow{
		Team: r.Team, App: r.App, Number: r.Number, Spec: document[paas.Spec]{r.Spec}, SpecDigest: r.SpecDigest,
		Artifact: r.Artifact, Runtime: r.Runtime, Config: r.Config, CreatedAt: stamp(r.CreatedAt), CreatedBy: r.CreatedBy,
		Commit: clean(r.Commit), Dirty: r.Dirty, Note: clean(r.Note), RollbackTo: r.RollbackTo,
	}
}

func (r releaseRow) release() paas.Release {
	return paas.Release{
		Team: r.Team, App: r.App, Number: r.Number, Spec: r.Spec.V, SpecDigest: r.SpecDigest,
		Artifact: r.Artifact, Runtime: r.Runtime, Config: r.Config, CreatedAt: stamp(r.CreatedAt), CreatedBy: r.CreatedBy,
		Commit: r.Commit, Dirty: r.Dirty, Note: r.Note, RollbackTo: r.RollbackTo,
	}
}

// Release gives one release.
func (s *Store) Release(ctx context.Context, ref paas.AppRef, number int) (paas.Release, error) {
	var row releaseRow
	err := s.read.NewSelect().Model(&row).
		Where("team = ? AND app = ? AND number = ?", ref.Team, ref.App, number).Scan(ctx)
	if err = missing(err, "App %q has no release %d.", ref.App, number); err != nil {
		return paas.Release{}, failed("read release", err)
	}
	return row.release(), nil
}

// Endings says in which states deployments of each of the app's releases were last seen.
func (s *Store) Endings(ctx context.Context, ref paas.AppRef) ([]paas.Ending, error) {
	var rows []struct {
		Release int
		Status  string
		At      time.Time
	}
	err := s.read.NewSelect().Table("deployments").Column("release", "status").ColumnExpr("MAX(created_at) AS at").
		Where("team = ? AND app = ?", ref.Team, ref.App).Group("release", "status").Order("release", "status").Scan(ctx, &rows)
	if err != nil {
		return nil, failed("list endings", err)
	}
	list := make([]paas.Ending, len(rows))
	for i, r := range rows {
		list[i] = paas.Ending{Release: r.Release, State: paas.DeploymentState(r.Status), At: stamp(r.At)}
	}
	return list, nil
}

// Releases lists an app's releases below a number, newest first; 0 for all.
func (s *Store) Releases(ctx context.Context, ref paas.AppRef, below, n int) ([]paas.Release, error) {
	var rows []releaseRow
	q := ofApp(s.read.NewSelect().Model(&rows), ref).Order("number DESC").Limit(limit(n))
	if below > 0 {
		q = q.Where("number < ?", below)
	}
	if err := q.Scan(ctx); err != nil {
		return nil, failed("list releases", err)
	}
	return convert(rows, releaseRow.release), nil
}
