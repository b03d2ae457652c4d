package store

import (
	"context"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/uptrace/bun"
)

type sideRow struct {
	bun.BaseModel `bun:"table:sides,alias:sides"`

	Team       string             `bun:"team,pk"`
	App        string             `bun:"app,pk"`
	Job        string             `bun:"job,pk"`
	Kind       string             `bun:"kind"`
	Name       string             `bun:"name"`
	Release    int                `bun:"release"`
	Deployment string             `bun:"deployment"`
	Args       document[[]string] `bun:"args"`
	By         string             `bun:"asked_by"`
	CreatedAt  time.Time          `bun:"created_at"`
	Text       string             `bun:"text"`
	Index      int64              `bun:"modify_index"` // Nomad's indexes are far below 2^63
	Stands     bool               `bun:"stands"`
	Refused    string             `bun:"refused"`
	Stop       string             `bun:"stop"`
	Failed     bool               `bun:"failed"`
}

func toSideRow(s paas.Side) sideRow {
	return sideRow{
		Team: s.Team, App: s.App, Job: s.Job, Kind: string(s.Kind), Name: s.Name, Release: s.Release, Deployment: s.Deployment,
		Args: document[[]string]{s.Args}, By: s.By, CreatedAt: stamp(s.CreatedAt), Text: string(s.Text), Index: int64(s.Index),
		Stands: s.Stands, Refused: clean(s.Refused), Stop: clean(s.Stop), Failed: s.Failed,
	}
}

func (r sideRow) side() paas.Side {
	s := paas.Side{
		Team: r.Team, App: r.App, Job: r.Job, Kind: paas.JobKind(r.Kind), Name: r.Name, Release: r.Release, Deployment: r.Deployment,
		Args: r.Args.V, By: r.By, CreatedAt: stamp(r.CreatedAt), Index: uint64(r.Index),
		Stands: r.Stands, Refused: r.Refused, Stop: r.Stop, Failed: r.Failed,
	}
	if r.Text != "" {
		s.Text = []byte(r.Text)
	}
	return s
}

// writeSides replaces and deletes rows of the app's side jobs.
func writeSides(ctx context.Context, tx bun.Tx, c paas.Change) error {
	for _, s := range c.Sides {
		if err := upsert(ctx, tx, "team, app, job", toSideRow(s)); err != nil {
			return err
		}
	}
	if len(c.DropSides) == 0 {
		return nil
	}
	_, err := tx.NewDelete().Table("sides").Where("team = ? AND app = ? AND job IN (?)", c.Ref.Team, c.Ref.App, bun.List(c.DropSides)).Exec(ctx)
	return err
}
