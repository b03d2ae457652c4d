package store

import (
	"context"
	"slices"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/uptrace/bun"
)

type nodeRow struct {
	bun.BaseModel `bun:"table:nodes,alias:nodes"`

	ID         string    `bun:"id,pk"`
	Name       string    `bun:"name"`
	Datacenter string    `bun:"datacenter"`
	Pool       string    `bun:"pool"`
	Address    string    `bun:"address"`
	Status     string    `bun:"status"`
	Eligible   bool      `bun:"eligible"`
	Draining   bool      `bun:"draining"`
	Since      time.Time `bun:"since"`
}

func toNodeRow(n paas.Node) nodeRow {
	return nodeRow{
		ID: n.ID, Name: n.Name, Datacenter: n.Datacenter, Pool: n.Pool, Address: n.Address, Status: string(n.Status),
		Eligible: n.Eligible, Draining: n.Draining, Since: stamp(n.Since),
	}
}

func (r nodeRow) node() paas.Node {
	return paas.Node{
		ID: r.ID, Name: r.Name, Datacenter: r.Datacenter, Pool: r.Pool, Address: r.Address, Status: paas.NodeStatus(r.Status),
		Eligible: r.Eligible, Draining: r.Draining, Since: stamp(r.Since),
	}
}

type backendRow struct {
	bun.BaseModel `bun:"table:backends,alias:backends"`

	Name   string    `bun:"name,pk"`
	OK     bool      `bun:"ok"`
	Reason string    `bun:"reason"`
	Since  time.Time `bun:"since"`
}

func toBackendRow(b paas.Backend) backendRow {
	return backendRow{Name: b.Name, OK: b.OK, Reason: clean(b.Reason), Since: stamp(b.Since)}
}

func (r backendRow) backend() paas.Backend {
	return paas.Backend{Name: r.Name, OK: r.OK, Reason: r.Reason, Since: stamp(r.Since)}
}

// Nodes lists all nodes by name.
func (s *Store) Nodes(ctx context.Context) ([]paas.Node, error) {
	var rows []nodeRow
	if err := s.read.NewSelect().Model(&rows).Order("name", "id").Scan(ctx); err != nil {
		return nil, failed("list nodes", err)
	}
	return convert(rows, nodeRow.node), nil
}

// Backends lists what was seen of the backends, by name.
func (s *Store) Backends(ctx context.Context) ([]paas.Backend, error) {
	var rows []backendRow
	if err := s.read.NewSelect().Model(&rows).Order("name").Scan(ctx); err != nil {
		return nil, failed("list backends", err)
	}
	return convert(rows, backendRow.backend), nil
}

// readNodes gives nodes by their ids.
func readNodes(ctx context.Context, tx bun.Tx, ids []string) (map[string]paas.Node, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	slices.Sort(ids)
	var rows []nodeRow
	if err := tx.NewSelect().Model(&rows).Where("id IN (?)", bun.List(slices.Compact(ids))).Scan(ctx); err != nil {
		return nil, err
	}
	return keyed(rows, func(r nodeRow) (string, paas.Node) { return r.ID, r.node() }), nil
}

// writeNodes writes what was seen of nodes, and names the apps that have instances on them.
func writeNodes(ctx context.Context, tx bun.Tx, o paas.Observation) ([]paas.AppRef, error) {
	ids := slices.Clone(o.GoneNodes)
	for _, n := range o.Nodes {
		ids = append(ids, n.ID)
		if err := upsert(ctx, tx, "id", toNodeRow(n)); err != nil {
			return nil, err
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	if len(o.GoneNodes) > 0 {
		if _, err := tx.NewDelete().Table("nodes").Where("id IN (?)", bun.List(o.GoneNodes)).Exec(ctx); err != nil {
			return nil, err
		}
	}
	var apps []struct{ Team, App string }
	err := tx.NewSelect().Table("instances").ColumnExpr("DISTINCT team, app").
		Where("node_id IN (?)", bun.List(ids)).Order("team", "app").Scan(ctx, &apps)
	if err != nil {
		return nil, err
	}
	refs := make([]paas.AppRef, len(apps))
	for n, a := range apps {
		refs[n] = paas.AppRef{Team: a.Team, App: a.App}
	}
	return refs, nil
}

// readBackend gives what was seen of one backend; the zero value where nobody has looked.
func readBackend(ctx context.Context, tx bun.Tx, name string) (paas.Backend, error) {
	var rows []backendRow
	if err := tx.NewSelect().Model(&rows).Where("name = ?", name).Scan(ctx); err != nil || len(rows) == 0 {
		return paas.Backend{}, err
	}
	return rows[0].backend(), nil
}
