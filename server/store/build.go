package store

import (
	"context"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/uptrace/bun"
)

type buildRow struct {
	bun.BaseModel `bun:"table:builds,alias:builds"`

	ID        string     `bun:"id,pk"`
	Team      string     `bun:"team"`
	App       string     `bun:"app"`
	Builder   string     `bun:"builder"`
	Main      string     `bun:"main"`
	Dir       string     `bun:"dir"`
	Source    string     `bun:"source"`
	State     string     `bun:"status"`
	Artifact  string     `bun:"artifact"`
	Runtime   string     `bun:"runtime"`
	Reason    string     `bun:"reason"`
	CreatedAt time.Time  `bun:"created_at"`
	StartedAt *time.Time `bun:"started_at"`
	EndedAt   *time.Time `bun:"ended_at"`
}

func toBuildRow(b paas.BuildJob) buildRow {
	return buildRow{
		ID: b.ID, Team: b.Team, App: b.App, Builder: string(b.Build.Builder), Main: b.Build.Main, Dir: b.Build.Dir,
		Source: b.Source, State: string(b.State), Artifact: b.Artifact, Runtime: b.Runtime, Reason: clean(b.Reason),
		CreatedAt: stamp(b.CreatedAt), StartedAt: stampPtr(b.StartedAt), EndedAt: stampPtr(b.EndedAt),
	}
}

func (r buildRow) build() paas.BuildJob {
	return paas.BuildJob{
		ID: r.ID, Team: r.Team, App: r.App, Build: paas.Build{Builder: paas.Builder(r.Builder), Main: r.Main, Dir: r.Dir},
		Source: r.Source, State: paas.BuildState(r.State), Artifact: r.Artifact, Runtime: r.Runtime, Reason: r.Reason,
		CreatedAt: stamp(r.CreatedAt), StartedAt: stampPtr(r.StartedAt), EndedAt: stampPtr(r.EndedAt),
	}
}

// PutBuild writes a build, new or changed, with the events that tell of it.
func (s *Store) PutBuild(ctx context.Context, b paas.BuildJob, events ...paas.Event) error {
	return s.PutBuildAs(ctx, 0, b, events...)
}

// PutBuildAs is PutBuild for the server that runs the build: the leader. Code conflict: the epoch is past.
func (s *Store) PutBuildAs(ctx context.Context, epoch int64, b paas.BuildJob, events ...paas.Event) error {
	return s.change(ctx, "write build", true, func(ctx context.Context, tx bun.Tx) ([]touch, error) {
		if err := fenced(ctx, tx, epoch); err != nil {
			return nil, err
		}
		if err := upsert(ctx, tx, "id", toBuildRow(b)); err != nil {
			return nil, err
		}
		touched, err := insertEvents(ctx, tx, events)
		return append(touched, told(b.Ref())...), err
	})
}

// Build gives one build.
func (s *Store) Build(ctx context.Context, id string) (paas.BuildJob, error) {
	var row buildRow
	err := s.read.NewSelect().Model(&row).Where("id = ?", id).Scan(ctx)
	if err = missing(err, "There is no build %q.", id); err != nil {
		return paas.BuildJob{}, failed("read build", err)
	}
	return row.build(), nil
}

// DoneBuild gives the latest build of that source with those settings that ended well, of any app:
// equal input gives an equal artifact.
func (s *Store) DoneBuild(ctx context.Context, source string, b paas.Build) (paas.BuildJob, error) {
	var row buildRow
	err := s.read.NewSelect().Model(&row).
		Where("source = ? AND builder = ? AND main = ? AND dir = ?", source, b.Builder, b.Main, b.Dir).
		Where("status = ?", paas.BuildDone).
		Order("created_at DESC", "id DESC").Limit(1).Scan(ctx)
	if err = missing(err, "There is no build of source %s.", source); err != nil {
		return paas.BuildJob{}, failed("read build", err)
	}
	return row.build(), nil
}

// LastBuild gives the newest build of an app. Code without any: not_found.
func (s *Store) LastBuild(ctx context.Context, ref paas.AppRef) (paas.BuildJob, error) {
	var row buildRow
	err := ofApp(s.read.NewSelect().Model(&row), ref).Order("created_at DESC", "id DESC").Limit(1).Scan(ctx)
	if err = missing(err, "App %q has no build.", ref.App); err != nil {
		return paas.BuildJob{}, failed("read build", err)
	}
	return row.build(), nil
}

// UnfinishedBuilds lists the builds that are pending or running, oldest first.
func (s *Store) UnfinishedBuilds(ctx context.Context) ([]paas.BuildJob, error) {
	var rows []buildRow
	err := s.read.NewSelect().Model(&rows).
		Where("status IN (?)", bun.List([]paas.BuildState{paas.BuildPending, paas.BuildRunning})).
		Order("created_at", "id").Scan(ctx)
	if err != nil {
		return nil, failed("list builds", err)
	}
	return convert(rows, buildRow.build), nil
}
