package store

import (
	"context"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/uptrace/bun"
)

type drainRow struct {
	bun.BaseModel `bun:"table:drains,alias:drains"`

	NodeID    string     `bun:"node_id,pk"`
	Node      string     `bun:"node"`
	By        string     `bun:"asked_by"`
	State     string     `bun:"state"`
	Reason    string     `bun:"reason"`
	CreatedAt time.Time  `bun:"created_at"`
	EndedAt   *time.Time `bun:"ended_at"`
}

func toDrainRow(d paas.Drain) drainRow {
	return drainRow{
		NodeID: d.NodeID, Node: d.Node, By: d.By, State: string(d.State), Reason: clean(d.Reason),
		CreatedAt: stamp(d.CreatedAt), EndedAt: stampPtr(d.EndedAt),
	}
}

func (r drainRow) drain() paas.Drain {
	return paas.Drain{
		NodeID: r.NodeID, Node: r.Node, By: r.By, State: paas.DrainState(r.State), Reason: r.Reason,
		CreatedAt: stamp(r.CreatedAt), EndedAt: stampPtr(r.EndedAt),
	}
}

// Drains lists the nodes that are to be empty, by name.
func (s *Store) Drains(ctx context.Context) ([]paas.Drain, error) {
	var rows []drainRow
	if err := s.read.NewSelect().Model(&rows).Order("node", "node_id").Scan(ctx); err != nil {
		return nil, failed("list drains", err)
	}
	return convert(rows, drainRow.drain), nil
}

// PutDrain writes the wish for a node to be empty, with the events that tell of it. A leader's, with its
// epoch, replaces what is there still and is not found where somebody took it back. Code conflict: the
// epoch is past.
func (s *Store) PutDrain(ctx context.Context, epoch int64, d paas.Drain, events ...paas.Event) error {
	return s.update(ctx, "write drain", func(ctx context.Context, tx bun.Tx) ([]touch, error) {
		if err := fenced(ctx, tx, epoch); err != nil {
			return nil, err
		}
		row := toDrainRow(d)
		if epoch == 0 {
			if err := upsert(ctx, tx, "node_id", row); err != nil {
				return nil, err
			}
			return insertEvents(ctx, tx, events)
		}
		result, err := tx.NewUpdate().Model(&row).WherePK().Where("created_at = ?", row.CreatedAt).Exec(ctx)
		if err != nil {
			return nil, err
		}
		n, err := result.RowsAffected()
		if err == nil && n == 0 {
			err = paas.Errorf(paas.NotFound, "The drain of node %q was ended.", d.Node)
		}
		if err != nil {
			return nil, err
		}
		return insertEvents(ctx, tx, events)
	})
}

// DropDrain takes the wish back.
func (s *Store) DropDrain(ctx context.Context, node string, events ...paas.Event) error {
	return s.update(ctx, "drop drain", func(ctx context.Context, tx bun.Tx) ([]touch, error) {
		if _, err := tx.NewDelete().Table("drains").Where("node_id = ?", node).Exec(ctx); err != nil {
			return nil, err
		}
		return insertEvents(ctx, tx, events)
	})
}

// Tenants names the apps that have instances on a node which have not ended.
func (s *Store) Tenants(ctx context.Context, node string) ([]paas.AppRef, error) {
	var rows []struct{ Team, App string }
	err := s.read.NewSelect().Table("instances").ColumnExpr("DISTINCT team, app").Where("node_id = ?", node).
		Where("state NOT IN (?)", bun.List(endedStates)).Order("team", "app").Scan(ctx, &rows)
	if err != nil {
		return nil, failed("list apps on node", err)
	}
	refs := make([]paas.AppRef, len(rows))
	for i, r := range rows {
		refs[i] = paas.AppRef{Team: r.Team, App: r.App}
	}
	return refs, nil
}

// endedStates are those of instances of which nothing runs any more.
var endedStates = []paas.InstanceState{paas.InstanceComplete, paas.InstanceFailed, paas.InstanceLost}

// NodeLoads counts the instances on each node which have not ended, by the node's id.
func (s *Store) NodeLoads(ctx context.Context) (map[string]int, error) {
	var rows []struct {
		NodeID string
		N      int
	}
	err := s.read.NewSelect().Table("instances").ColumnExpr("node_id, COUNT(*) AS n").
		Where("state NOT IN (?)", bun.List(endedStates)).Group("node_id").Scan(ctx, &rows)
	if err != nil {
		return nil, failed("count instances on nodes", err)
	}
	loads := make(map[string]int, len(rows))
	for _, r := range rows {
		loads[r.NodeID] = r.N
	}
	return loads, nil
}
