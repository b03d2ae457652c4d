package store

import (
	"context"
	"fmt"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/uptrace/bun"
)

// demandRow is what an app wants of its team's quota. That it is an app is not in it: the apps are counted.
type demandRow struct {
	bun.BaseModel `bun:"table:demands,alias:demands"`

	Team      string `bun:"team,pk"`
	App       string `bun:"app,pk"`
	Memory    int    `bun:"memory"`
	CPU       int    `bun:"cpu"`
	Instances int    `bun:"instances"`
	Routes    int    `bun:"routes"`
	Storage   int    `bun:"storage"`
}

func toDemandRow(ref paas.AppRef, d paas.Demand) demandRow {
	return demandRow{
		Team: ref.Team, App: ref.App, Memory: d.Memory, CPU: d.CPU, Instances: d.Instances, Routes: d.Routes, Storage: d.Storage,
	}
}

func (r demandRow) demand() paas.Demand {
	return paas.Demand{Memory: r.Memory, CPU: r.CPU, Apps: 1, Instances: r.Instances, Routes: r.Routes, Storage: r.Storage}
}

func (r demandRow) owner() paas.AppRef { return paas.AppRef{Team: r.Team, App: r.App} }

// readDemands fills in what apps want.
func readDemands(ctx context.Context, _ bun.Tx, of func() *bun.SelectQuery, snaps map[paas.AppRef]*paas.Snapshot) error {
	rows, err := rowsOf[demandRow](ctx, of())
	if err != nil {
		return err
	}
	for ref, snap := range snaps {
		for _, r := range rows[ref] {
			d := r.demand()
			snap.Demand = &d
		}
	}
	return nil
}

// Standing gives a team's quota, and what its apps want of it at that moment.
func (s *Store) Standing(ctx context.Context, team string) (paas.Standing, error) {
	var st paas.Standing
	err := s.view(ctx, "read quota", func(ctx context.Context, tx bun.Tx) error {
		t, err := readTeam(ctx, tx, team)
		if err != nil {
			return err
		}
		st.Quota = t.Quota
		st.Demand, err = demandOf(ctx, tx, team)
		return err
	})
	return st, err
}

// demandOf sums what a team wants. Volumes outlive their apps, and are the team's all the same.
func demandOf(ctx context.Context, tx bun.Tx, team string) (paas.Demand, error) {
	var d paas.Demand
	err := tx.NewRaw(`SELECT COALESCE(SUM(memory), 0), COALESCE(SUM(cpu), 0), COALESCE(SUM(instances), 0),
		COALESCE(SUM(routes), 0), COALESCE(SUM(storage), 0) FROM demands WHERE team = ?`, team).
		Scan(ctx, &d.Memory, &d.CPU, &d.Instances, &d.Routes, &d.Storage)
	if err != nil {
		return d, err
	}
	if err := tx.NewRaw("SELECT COUNT(*) FROM apps WHERE team = ?", team).Scan(ctx, &d.Apps); err != nil {
		return d, err
	}
	var left int
	err = tx.NewRaw(`SELECT COALESCE(SUM(size), 0) FROM volumes WHERE team = ? AND NOT EXISTS (
		SELECT 1 FROM apps WHERE apps.team = volumes.team AND apps.name = volumes.app)`, team).Scan(ctx, &left)
	d.Storage += left
	return d, err
}

// stays gives a team that is there until the transaction is committed: nobody drops it meanwhile. Code not_found.
func stays(ctx context.Context, tx bun.Tx, name string) (team teamRow, err error) {
	q := tx.NewSelect().Model((*teamRow)(nil)).Where("name = ?", name)
	if onPostgres(tx) { // in SQLite one writes at a time anyway
		q = q.For("SHARE")
	}
	err = missing(q.Scan(ctx, &team), "There is no team %q. An admin makes it with `crumpet teams create %s`.", name, name)
	return team, err
}

// admitted refuses a wish of a team that is not there, or that takes the team further above its quota. Whoever
// saves holds the counter of versions, so what is read here stays so until the commit: of two wishes at once,
// the second sees the first. A leader's own writes, which turn a walk back or end it, are never refused.
func admitted(ctx context.Context, tx bun.Tx, c paas.Change) error {
	team, err := stays(ctx, tx, c.Ref.Team)
	if err != nil || c.Demand == nil || team.Quota.V == (paas.TeamQuota{}) {
		return err
	}
	stands, err := demandOf(ctx, tx, c.Ref.Team)
	if err != nil {
		return err
	}
	var old []demandRow
	if err := tx.NewSelect().Model(&old).Where("team = ? AND app = ?", c.Ref.Team, c.Ref.App).Scan(ctx); err != nil {
		return err
	}
	var before, was paas.Demand
	switch {
	case len(old) > 0:
		was = old[0].demand()
		before = stands
	case c.Version == 0: // the row of the app is there already
		before = stands.Less(paas.Demand{Apps: 1})
	default: // an app from before demands were noted: what it adds can't be told
		return nil
	}
	after := before.Less(was).Add(*c.Demand)
	if over := team.Quota.V.Over(before, after); len(over) > 0 {
		l := over[0]
		return paas.Errorf(paas.OverQuota, "Team %q may want %s: it wants %d now, and would want %d.",
			c.Ref.Team, fmt.Sprintf("%d %s", l.Limit, l.Noun()), l.Before, l.After)
	}
	return nil
}

// demands notes what the app wants from now on.
func demands(ctx context.Context, tx bun.Tx, c paas.Change) error {
	if c.Demand == nil || c.Delete {
		return nil
	}
	return upsert(ctx, tx, "team, app", toDemandRow(c.Ref, *c.Demand))
}
