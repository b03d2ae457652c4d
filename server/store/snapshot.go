package store

import (
	"context"
	"slices"
	"strings"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/uptrace/bun"
)

// Snapshot reads everything of one app at one moment.
func (s *Store) Snapshot(ctx context.Context, ref paas.AppRef) (paas.Snapshot, error) {
	all, err := s.Snapshots(ctx, ref)
	if err != nil {
		return paas.Snapshot{}, err
	}
	snap, ok := all[ref]
	if !ok {
		return paas.Snapshot{}, paas.Errorf(paas.NotFound, "Team %q has no app %q. `crumpet apps` lists those there are.", ref.Team, ref.App)
	}
	return snap, nil
}

// atOnce is how many apps are read in one transaction, so that none is long.
const atOnce = 100

// Snapshots reads everything of each of the apps, at one moment for each. Those that are not there are left out.
func (s *Store) Snapshots(ctx context.Context, refs ...paas.AppRef) (map[paas.AppRef]paas.Snapshot, error) {
	all := make(map[paas.AppRef]paas.Snapshot, len(refs))
	for part := range slices.Chunk(refs, atOnce) {
		var apps map[paas.AppRef]*paas.Snapshot
		err := s.view(ctx, "read snapshot", func(ctx context.Context, tx bun.Tx) (err error) {
			apps, err = readSnapshots(ctx, tx, part)
			return err
		})
		if err != nil {
			return nil, err
		}
		for ref, snap := range apps {
			all[ref] = *snap
		}
	}
	return all, nil
}

func readSnapshots(ctx context.Context, tx bun.Tx, refs []paas.AppRef) (map[paas.AppRef]*paas.Snapshot, error) {
	rows, err := rowsOf[appRow](ctx, among(tx.NewSelect(), "team, name", keysOf(refs)))
	if err != nil {
		return nil, err
	}
	snaps, here := map[paas.AppRef]*paas.Snapshot{}, []paas.AppRef{}
	for ref, r := range rows {
		snaps[ref] = &paas.Snapshot{Version: r[0].Version, App: r[0].app()}
		here = append(here, ref)
	}
	if len(here) == 0 {
		return snaps, nil
	}
	of := func() *bun.SelectQuery { return among(tx.NewSelect(), "team, app", keysOf(here)) }
	for _, read := range []func(context.Context, bun.Tx, func() *bun.SelectQuery, map[paas.AppRef]*paas.Snapshot) error{
		readWishes, readReleases, readInstances, readFacts, readVolumes, readDemands,
	} {
		if err := read(ctx, tx, of, snaps); err != nil {
			return nil, err
		}
	}
	return snaps, nil
}

// readWishes fills in what is wished, but for the releases.
func readWishes(ctx context.Context, _ bun.Tx, of func() *bun.SelectQuery, snaps map[paas.AppRef]*paas.Snapshot) error {
	slots, err := rowsOf[slotRow](ctx, of())
	if err != nil {
		return err
	}
	sides, err := rowsOf[sideRow](ctx, of())
	if err != nil {
		return err
	}
	bindings, err := rowsOf[bindingRow](ctx, of().Order("name"))
	if err != nil {
		return err
	}
	walks, err := rowsOf[deploymentRow](ctx, of().Where("status IN (?)", bun.List(openStates)).Order("created_at", "id"))
	if err != nil {
		return err
	}
	for ref, snap := range snaps {
		snap.Slots = keyed(slots[ref], func(r slotRow) (paas.Slot, paas.Slotted) { return paas.Slot(r.Slot), r.slotted() })
		snap.Sides = keyed(sides[ref], func(r sideRow) (string, paas.Side) { return r.Job, r.side() })
		snap.Deployments = convert(walks[ref], deploymentRow.deployment)
		snap.Bindings = convert(bindings[ref], bindingRow.binding)
	}
	return nil
}

// readReleases fills in those that the app, its slots, side jobs and deployments name.
func readReleases(ctx context.Context, tx bun.Tx, of func() *bun.SelectQuery, snaps map[paas.AppRef]*paas.Snapshot) error {
	var keys [][]any
	for ref, snap := range snaps {
		for _, number := range named(*snap) {
			keys = append(keys, []any{ref.Team, ref.App, number})
		}
	}
	releases, err := rowsOf[releaseRow](ctx, among(tx.NewSelect(), "team, app, number", keys))
	if err != nil {
		return err
	}
	var newest []struct {
		Team, App string
		Number    int
	}
	if err := of().Table("releases").ColumnExpr("team, app, MAX(number) AS number").Group("team", "app").Scan(ctx, &newest); err != nil {
		return err
	}
	for ref, snap := range snaps {
		snap.Releases = keyed(releases[ref], func(r releaseRow) (int, paas.Release) { return r.Number, r.release() })
	}
	for _, r := range newest {
		snaps[paas.AppRef{Team: r.Team, App: r.App}].Newest = r.Number
	}
	return nil
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
	if aside := snap.Slots[paas.Data].Aside; aside != nil {
		numbers = append(numbers, aside.Release)
	}
	slices.Sort(numbers)
	return slices.Compact(numbers)
}

// readInstances fills in those that say something, with their nodes.
func readInstances(ctx context.Context, tx bun.Tx, of func() *bun.SelectQuery, snaps map[paas.AppRef]*paas.Snapshot) error {
	instances, err := rowsOf[instanceRow](ctx, of().Order("slot", "process", "slot_index", "created_at", "id"))
	if err != nil {
		return err
	}
	var ids []string
	for ref, snap := range snaps {
		snap.Instances = relevant(convert(instances[ref], instanceRow.instance), *snap)
		for _, i := range snap.Instances {
			if i.NodeID != "" {
				ids = append(ids, i.NodeID)
			}
		}
	}
	nodes, err := readNodes(ctx, tx, ids)
	if err != nil {
		return err
	}
	for _, snap := range snaps {
		snap.Nodes = map[string]paas.Node{}
		for _, i := range snap.Instances {
			if node, known := nodes[i.NodeID]; known {
				snap.Nodes[i.NodeID] = node
			}
		}
	}
	return nil
}

// readFacts fills in what else was seen.
func readFacts(ctx context.Context, tx bun.Tx, of func() *bun.SelectQuery, snaps map[paas.AppRef]*paas.Snapshot) error {
	jobs, err := rowsOf[jobRow](ctx, of())
	if err != nil {
		return err
	}
	routes, err := rowsOf[routeRow](ctx, of().Order("host", "path"))
	if err != nil {
		return err
	}
	routers, err := rowsOf[routerRow](ctx, of())
	if err != nil {
		return err
	}
	runs, err := rowsOf[runRow](ctx, of().Order("created_at DESC", "id"))
	if err != nil {
		return err
	}
	for ref, snap := range snaps {
		snap.Jobs = keyed(jobs[ref], func(r jobRow) (paas.Slot, paas.JobFact) { return paas.Slot(r.Slot), r.job() })
		snap.Routes = convert(routes[ref], routeRow.route)
		snap.Router = paas.RouterFact{Team: ref.Team, App: ref.App} // no router has said anything yet
		for _, r := range routers[ref] {
			snap.Router = r.router()
		}
		snap.Runs = convert(runs[ref], runRow.run)
		if len(snap.Deployments) == 0 {
			continue
		}
		if snap.Vault, err = readBackend(ctx, tx, paas.BackendVault); err != nil {
			return err
		}
		if snap.Traffic, err = readTraffic(ctx, tx, func(q *bun.SelectQuery) *bun.SelectQuery { return ofApp(q, ref) }); err != nil {
			return err
		}
	}
	return nil
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

func keysOf(refs []paas.AppRef) [][]any {
	return convert(refs, func(ref paas.AppRef) []any { return []any{ref.Team, ref.App} })
}

// among narrows a query to the rows with those keys.
func among(q *bun.SelectQuery, columns string, keys [][]any) *bun.SelectQuery {
	tuple := "(?" + strings.Repeat(", ?", len(keys[0])-1) + ")"
	if len(keys) == 1 {
		return q.Where("("+columns+") = "+tuple, keys[0]...)
	}
	return q.Where("("+columns+") IN (VALUES "+tuple+strings.Repeat(", "+tuple, len(keys)-1)+")", slices.Concat(keys...)...)
}

// owned is a row of an app.
type owned interface{ owner() paas.AppRef }

func (r appRow) owner() paas.AppRef        { return paas.AppRef{Team: r.Team, App: r.Name} }
func (r slotRow) owner() paas.AppRef       { return paas.AppRef{Team: r.Team, App: r.App} }
func (r sideRow) owner() paas.AppRef       { return paas.AppRef{Team: r.Team, App: r.App} }
func (r deploymentRow) owner() paas.AppRef { return paas.AppRef{Team: r.Team, App: r.App} }
func (r releaseRow) owner() paas.AppRef    { return paas.AppRef{Team: r.Team, App: r.App} }
func (r instanceRow) owner() paas.AppRef   { return paas.AppRef{Team: r.Team, App: r.App} }
func (r jobRow) owner() paas.AppRef        { return paas.AppRef{Team: r.Team, App: r.App} }
func (r routeRow) owner() paas.AppRef      { return paas.AppRef{Team: r.Team, App: r.App} }
func (r routerRow) owner() paas.AppRef     { return paas.AppRef{Team: r.Team, App: r.App} }
func (r runRow) owner() paas.AppRef        { return paas.AppRef{Team: r.Team, App: r.App} }

// rowsOf reads rows, by app.
func rowsOf[Row owned](ctx context.Context, q *bun.SelectQuery) (map[paas.AppRef][]Row, error) {
	var rows []Row
	if err := q.Model(&rows).Scan(ctx); err != nil {
		return nil, err
	}
	by := map[paas.AppRef][]Row{}
	for _, r := range rows {
		by[r.owner()] = append(by[r.owner()], r)
	}
	return by, nil
}

func keyed[Row any, K comparable, V any](rows []Row, entry func(Row) (K, V)) map[K]V {
	all := make(map[K]V, len(rows))
	for _, r := range rows {
		key, value := entry(r)
		all[key] = value
	}
	return all
}
