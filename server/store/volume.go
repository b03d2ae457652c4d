package store

import (
	"context"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/uptrace/bun"
)

type volumeRow struct {
	bun.BaseModel `bun:"table:volumes,alias:volumes"`

	Team      string    `bun:"team,pk"`
	App       string    `bun:"app,pk"`
	Process   string    `bun:"process,pk"`
	Volume    string    `bun:"volume,pk"`
	Index     int       `bun:"slot_index,pk"`
	ID        string    `bun:"id"`
	NodeID    string    `bun:"node_id"`
	Node      string    `bun:"node"`
	Size      int       `bun:"size"`
	CreatedAt time.Time `bun:"created_at"`
}

func toVolumeRow(v paas.HostVolume) volumeRow {
	return volumeRow{
		Team: v.Team, App: v.App, Process: v.Process, Volume: v.Volume, Index: v.Index,
		ID: v.ID, NodeID: v.NodeID, Node: v.Node, Size: v.Size, CreatedAt: stamp(v.CreatedAt),
	}
}

func (r volumeRow) volume() paas.HostVolume {
	return paas.HostVolume{
		Team: r.Team, App: r.App, Process: r.Process, Volume: r.Volume, Index: r.Index,
		ID: r.ID, NodeID: r.NodeID, Node: r.Node, Size: r.Size, CreatedAt: stamp(r.CreatedAt),
	}
}

func (r volumeRow) owner() paas.AppRef { return paas.AppRef{Team: r.Team, App: r.App} }

const volumeOrder = "team, app, process, volume, slot_index"

// readVolumes fills in the volumes of apps.
func readVolumes(ctx context.Context, _ bun.Tx, of func() *bun.SelectQuery, snaps map[paas.AppRef]*paas.Snapshot) error {
	rows, err := rowsOf[volumeRow](ctx, of().OrderExpr(volumeOrder))
	if err != nil {
		return err
	}
	for ref, snap := range snaps {
		snap.Volumes = convert(rows[ref], volumeRow.volume)
	}
	return nil
}

func writeVolumes(ctx context.Context, tx bun.Tx, volumes []paas.HostVolume) error {
	for _, v := range volumes {
		if err := upsert(ctx, tx, volumeOrder, toVolumeRow(v)); err != nil {
			return err
		}
	}
	return nil
}

// Volumes lists the volumes of a team's apps, of those that are no more as well; "" for all teams.
func (s *Store) Volumes(ctx context.Context, team string) ([]paas.HostVolume, error) {
	var rows []volumeRow
	q := s.read.NewSelect().Model(&rows).OrderExpr(volumeOrder)
	if team != "" {
		q = q.Where("team = ?", team)
	}
	if err := q.Scan(ctx); err != nil {
		return nil, failed("list volumes", err)
	}
	return convert(rows, volumeRow.volume), nil
}

// DropVolume forgets a volume, and keeps the events that tell of it. Where another was made in its place
// meanwhile it does nothing.
func (s *Store) DropVolume(ctx context.Context, v paas.HostVolume, events ...paas.Event) error {
	return s.update(ctx, "drop volume", func(ctx context.Context, tx bun.Tx) ([]touch, error) {
		row := toVolumeRow(v)
		result, err := tx.NewDelete().Model(&row).WherePK().Where("id = ?", v.ID).Exec(ctx)
		if err != nil {
			return nil, err
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 {
			return nil, err
		}
		touched, err := insertEvents(ctx, tx, events)
		return append(touched, told(v.Ref())...), err
	})
}
