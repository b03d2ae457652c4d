package store

import (
	"context"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/uptrace/bun"
)

type runRow struct {
	bun.BaseModel `bun:"table:runs,alias:runs"`

	ID        string     `bun:"id,pk"`
	Team      string     `bun:"team"`
	App       string     `bun:"app"`
	Job       string     `bun:"job"`
	Kind      string     `bun:"kind"`
	Name      string     `bun:"name"`
	Release   int        `bun:"release"`
	State     string     `bun:"state"`
	ExitCode  int        `bun:"exit_code"`
	Exits     int        `bun:"exits"`
	Node      string     `bun:"node"`
	Reason    string     `bun:"reason"`
	CreatedAt time.Time  `bun:"created_at"`
	StartedAt *time.Time `bun:"started_at"`
	EndedAt   *time.Time `bun:"ended_at"`
}

func toRunRow(r paas.Run) runRow {
	return runRow{
		ID: r.ID, Team: r.Team, App: r.App, Job: r.Job, Kind: string(r.Kind), Name: r.Name, Release: r.Release,
		State: string(r.State), ExitCode: r.ExitCode, Exits: r.Exits, Node: r.Node, Reason: clean(r.Reason),
		CreatedAt: stamp(r.CreatedAt), StartedAt: stampPtr(r.StartedAt), EndedAt: stampPtr(r.EndedAt),
	}
}

func (r runRow) run() paas.Run {
	return paas.Run{
		ID: r.ID, Team: r.Team, App: r.App, Job: r.Job, Kind: paas.JobKind(r.Kind), Name: r.Name, Release: r.Release,
		State: paas.RunState(r.State), ExitCode: r.ExitCode, Exits: r.Exits, Node: r.Node, Reason: r.Reason,
		CreatedAt: stamp(r.CreatedAt), StartedAt: stampPtr(r.StartedAt), EndedAt: stampPtr(r.EndedAt),
	}
}

// writeRuns writes what was seen of runs, and names their apps.
func writeRuns(ctx context.Context, tx bun.Tx, o paas.Observation) ([]paas.AppRef, error) {
	touched, err := forget(ctx, tx, "runs", o.GoneRuns)
	if err != nil {
		return nil, err
	}
	for _, r := range o.Runs {
		if err := upsert(ctx, tx, "id", toRunRow(r)); err != nil {
			return nil, err
		}
		touched = append(touched, r.Ref())
	}
	return touched, nil
}

// Runs gives the runs of all apps: what watch knew when it last ran.
func (s *Store) Runs(ctx context.Context) ([]paas.Run, error) {
	var rows []runRow
	if err := s.read.NewSelect().Model(&rows).Order("id").Scan(ctx); err != nil {
		return nil, failed("read runs", err)
	}
	return convert(rows, runRow.run), nil
}
