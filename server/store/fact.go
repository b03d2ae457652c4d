package store

import (
	"context"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/uptrace/bun"
)

type jobRow struct {
	bun.BaseModel `bun:"table:jobs,alias:jobs"`

	Team    string `bun:"team,pk"`
	App     string `bun:"app,pk"`
	Slot    string `bun:"slot,pk"`
	Index   int64  `bun:"job_modify_index"`
	Blocked string `bun:"blocked"`
	Cause   string `bun:"cause"`
	Eval    string `bun:"eval"`
}

func toJobRow(j paas.JobFact) jobRow {
	return jobRow{Team: j.Team, App: j.App, Slot: string(j.Slot), Index: int64(j.Index), Blocked: clean(j.Blocked), Cause: string(j.Cause), Eval: j.Eval}
}

func (r jobRow) job() paas.JobFact {
	return paas.JobFact{Team: r.Team, App: r.App, Slot: paas.Slot(r.Slot), Index: uint64(r.Index), Blocked: r.Blocked, Cause: paas.Cause(r.Cause), Eval: r.Eval}
}

type routeRow struct {
	bun.BaseModel `bun:"table:routes,alias:routes"`

	Team    string             `bun:"team,pk"`
	App     string             `bun:"app,pk"`
	Host    string             `bun:"host,pk"`
	Path    string             `bun:"path,pk"`
	State   string             `bun:"state"`
	Targets document[[]string] `bun:"targets"`
	Any     document[[]string] `bun:"targets_any"`
	Since   time.Time          `bun:"since"`
}

func toRouteRow(r paas.RouteFact) routeRow {
	return routeRow{
		Team: r.Team, App: r.App, Host: r.Host, Path: r.Path, State: string(r.State),
		Targets: document[[]string]{r.Targets}, Any: document[[]string]{r.Any}, Since: stamp(r.Since),
	}
}

func (r routeRow) route() paas.RouteFact {
	return paas.RouteFact{
		Team: r.Team, App: r.App, Host: r.Host, Path: r.Path, State: paas.RouteState(r.State),
		Targets: r.Targets.V, Any: r.Any.V, Since: stamp(r.Since),
	}
}

type routerRow struct {
	bun.BaseModel `bun:"table:routers,alias:routers"`

	Team    string `bun:"team,pk"`
	App     string `bun:"app,pk"`
	Routers int    `bun:"routers"`
	Seen    string `bun:"seen"`
	Reason  string `bun:"reason"`
}

func toRouterRow(r paas.RouterFact) routerRow {
	return routerRow{Team: r.Team, App: r.App, Routers: r.Routers, Seen: r.Seen, Reason: clean(r.Reason)}
}

func (r routerRow) router() paas.RouterFact {
	return paas.RouterFact{Team: r.Team, App: r.App, Routers: r.Routers, Seen: r.Seen, Reason: r.Reason}
}

// Facts gives all facts of all apps, of one moment: what watch knew when it last ran.
func (s *Store) Facts(ctx context.Context) (instances []paas.Instance, routes []paas.RouteFact, routers []paas.RouterFact, jobs []paas.JobFact, err error) {
	err = s.view(ctx, "read facts", func(ctx context.Context, tx bun.Tx) error {
		var i []instanceRow
		if err := tx.NewSelect().Model(&i).Order("id").Scan(ctx); err != nil {
			return err
		}
		var r []routeRow
		if err := tx.NewSelect().Model(&r).Order("team", "app", "host", "path").Scan(ctx); err != nil {
			return err
		}
		var f []routerRow
		if err := tx.NewSelect().Model(&f).Order("team", "app").Scan(ctx); err != nil {
			return err
		}
		var j []jobRow
		if err := tx.NewSelect().Model(&j).Order("team", "app", "slot").Scan(ctx); err != nil {
			return err
		}
		instances, routes = convert(i, instanceRow.instance), convert(r, routeRow.route)
		routers, jobs = convert(f, routerRow.router), convert(j, jobRow.job)
		return nil
	})
	return instances, routes, routers, jobs, err
}
