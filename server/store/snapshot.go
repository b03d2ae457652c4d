package store

import (
	"context"
	"slices"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/uptrace/bun"
)

// Snapshot reads everything of one app at one moment.
func (s *Store) Snapshot(ctx context.Context, ref paas.AppRef) (paas.Snapshot, error) {
	var snap paas.Snapshot
	err := s.view(ctx, "read snapshot", func(ctx context.Context, tx bun.Tx) error {
		row, err := readApp(ctx, tx, ref)
		if err != nil {
			return err
		}
		snap = paas.Snapshot{Version: row.Version, App: row.app()}
		if snap.Slots, err = readSlots(ctx, tx, ref); err != nil {
			return err
		}
		if snap.Sides, err = readSides(ctx, tx, ref); err != nil {
			return err
		}
		if snap.Deployments, err = walking(ctx, tx, ref); err != nil {
			return err
		}
		if snap.Releases, err = readReleases(ctx, tx, ref, named(snap)); err != nil {
			return err
		}
		newest := tx.NewSelect().Model((*releaseRow)(nil)).ColumnExpr("COALESCE(MAX(number), 0)")
		if err := ofApp(newest, ref).Scan(ctx, &snap.Newest); err != nil {
			return err
		}
		return readFacts(ctx, tx, ref, &snap)
	})
	if err != nil {
		return paas.Snapshot{}, err
	}
	return snap, nil
}

// named gives the numbers of the releases that the app, its slots, side jobs and deployments name.
func named(snap paas.Snapshot) []int {
	numbers := []int{snap.App.Release}
	for _, s := range snap.Slots {
		numbers = append(numbers, s.Release)
	}
	for _, s := range snap.Sides {
		numbers = append(numbers, s.Release)
	}
	for _, d := range snap.Deployments {
		numbers = append(numbers, d.Release, d.Previous)
	}
	slices.Sort(numbers)
	return slices.Compact(numbers)
}

func readSlots(ctx context.Context, tx bun.Tx, ref paas.AppRef) (map[paas.Slot]paas.Slotted, error) {
	var rows []slotRow
	if err := ofApp(tx.NewSelect().Model(&rows), ref).Scan(ctx); err != nil {
		return nil, err
	}
	slots := make(map[paas.Slot]paas.Slotted, len(rows))
	for _, r := range rows {
		slots[paas.Slot(r.Slot)] = r.slotted()
	}
	return slots, nil
}

func readReleases(ctx context.Context, tx bun.Tx, ref paas.AppRef, numbers []int) (map[int]paas.Release, error) {
	var rows []releaseRow
	if err := ofApp(tx.NewSelect().Model(&rows), ref).Where("number IN (?)", bun.List(numbers)).Scan(ctx); err != nil {
		return nil, err
	}
	releases := make(map[int]paas.Release, len(rows))
	for _, r := range rows {
		releases[r.Number] = r.release()
	}
	return releases, nil
}

// readFacts fills in what was seen.
func readFacts(ctx context.Context, tx bun.Tx, ref paas.AppRef, snap *paas.Snapshot) error {
	var instances []instanceRow
	if err := ofApp(tx.NewSelect().Model(&instances), ref).Order("slot", "process", "slot_index", "created_at", "id").Scan(ctx); err != nil {
		return err
	}
	snap.Instances = relevant(convert(instances, instanceRow.instance), *snap)
	var err error
	if snap.Nodes, err = readNodes(ctx, tx, snap.Instances); err != nil {
		return err
	}
	var jobs []jobRow
	if err := ofApp(tx.NewSelect().Model(&jobs), ref).Scan(ctx); err != nil {
		return err
	}
	snap.Jobs = make(map[paas.Slot]paas.JobFact, len(jobs))
	for _, j := range jobs {
		snap.Jobs[paas.Slot(j.Slot)] = j.job()
	}
	var routes []routeRow
	if err := ofApp(tx.NewSelect().Model(&routes), ref).Order("host", "path").Scan(ctx); err != nil {
		return err
	}
	snap.Routes = convert(routes, routeRow.route)
	var routers []routerRow
	if err := ofApp(tx.NewSelect().Model(&routers), ref).Scan(ctx); err != nil {
		return err
	}
	snap.Router = paas.RouterFact{Team: ref.Team, App: ref.App} // no router has said anything yet
	for _, r := range routers {
		snap.Router = r.router()
	}
	if len(snap.Deployments) > 0 {
		if snap.Traffic, err = readTraffic(ctx, tx, func(q *bun.SelectQuery) *bun.SelectQuery { return ofApp(q, ref) }); err != nil {
			return err
		}
	}
	snap.Runs, err = readRuns(ctx, tx, ref)
	return err
}

// relevant leaves the instances that say something about what is wished: see paas.Snapshot.
func relevant(all []paas.Instance, snap paas.Snapshot) []paas.Instance {
	var walks []int
	for _, d := range snap.Deployments {
		walks = append(walks, d.Release, d.Previous)
	}
	snap.Instances = all
	some := []paas.Instance{}
	for _, i := range all {
		if !i.State.Ended() || slices.Contains(walks, i.Release) || snap.Current(i) {
			some = append(some, i)
		}
	}
	return some
}

func ofApp(q *bun.SelectQuery, ref paas.AppRef) *bun.SelectQuery {
	return q.Where("team = ? AND app = ?", ref.Team, ref.App)
}
