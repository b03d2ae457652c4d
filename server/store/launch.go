package store

import (
	"context"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/uptrace/bun"
)

type launchRow struct {
	bun.BaseModel `bun:"table:launches,alias:launches"`

	Team      string     `bun:"team,pk"`
	App       string     `bun:"app,pk"`
	Template  string     `bun:"template"`
	Build     string     `bun:"build"`
	State     string     `bun:"status"`
	Reason    string     `bun:"reason"`
	Release   int        `bun:"release"`
	CreatedAt time.Time  `bun:"created_at"`
	CreatedBy string     `bun:"created_by"`
	EndedAt   *time.Time `bun:"ended_at"`
}

func (r launchRow) launch() paas.Launch {
	return paas.Launch{
		Team: r.Team, App: r.App, Template: r.Template, Build: r.Build, State: paas.LaunchState(r.State), Reason: r.Reason, Release: r.Release,
		CreatedAt: stamp(r.CreatedAt), CreatedBy: r.CreatedBy, EndedAt: stampPtr(r.EndedAt),
	}
}

// PutLaunch writes a launch, in place of the app's one before, with the events that tell of it. Epoch 0 is a wish from
// the API; else code conflict: the epoch is past.
func (s *Store) PutLaunch(ctx context.Context, epoch int64, l paas.Launch, events ...paas.Event) error {
	return s.change(ctx, "write launch", true, func(ctx context.Context, tx bun.Tx) ([]touch, error) {
		if err := fenced(ctx, tx, epoch); err != nil {
			return nil, err
		}
		if err := upsert(ctx, tx, "team, app", launchRow{
			Team: l.Team, App: l.App, Template: l.Template, Build: l.Build, State: string(l.State), Reason: clean(l.Reason), Release: l.Release,
			CreatedAt: stamp(l.CreatedAt), CreatedBy: l.CreatedBy, EndedAt: stampPtr(l.EndedAt),
		}); err != nil {
			return nil, err
		}
		touched, err := insertEvents(ctx, tx, events)
		return append(touched, told(l.Ref())...), err
	})
}

// Launch gives the last launch of an app. Code: not_found.
func (s *Store) Launch(ctx context.Context, ref paas.AppRef) (paas.Launch, error) {
	var row launchRow
	err := ofApp(s.read.NewSelect().Model(&row), ref).Scan(ctx)
	if err = missing(err, "App %q of team %q was not made of a template.", ref.App, ref.Team); err != nil {
		return paas.Launch{}, failed("read launch", err)
	}
	return row.launch(), nil
}

// OpenLaunches lists the launches that have not ended, oldest first.
func (s *Store) OpenLaunches(ctx context.Context) ([]paas.Launch, error) {
	var rows []launchRow
	err := s.read.NewSelect().Model(&rows).Where("status = ?", paas.LaunchBuilding).Order("created_at", "team", "app").Scan(ctx)
	if err != nil {
		return nil, failed("list launches", err)
	}
	return convert(rows, launchRow.launch), nil
}
