package store

import (
	"context"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/uptrace/bun"
)

type instanceRow struct {
	bun.BaseModel `bun:"table:instances,alias:instances"`

	ID        string                             `bun:"id,pk"`
	Team      string                             `bun:"team"`
	App       string                             `bun:"app"`
	Process   string                             `bun:"process"`
	Slot      string                             `bun:"slot"`
	Index     int                                `bun:"slot_index"`
	Release   int                                `bun:"release"`
	State     string                             `bun:"state"`
	Health    string                             `bun:"health"`
	Node      string                             `bun:"node"`
	Ports     document[map[string]paas.Endpoint] `bun:"ports"`
	Restarts  int                                `bun:"restarts"`
	Exits     int                                `bun:"exits"`
	Reason    string                             `bun:"reason"`
	CreatedAt time.Time                          `bun:"created_at"`
	StartedAt *time.Time                         `bun:"started_at"`
	PassingAt *time.Time                         `bun:"passing_at"`
	Since     time.Time                          `bun:"since"`
	NodeID    string                             `bun:"node_id"`
	ExitCode  int                                `bun:"exit_code"`
	OOM       bool                               `bun:"oom"`
	NextTry   *time.Time                         `bun:"next_try"`
	Crashes   int                                `bun:"crashes"`
	Previous  string                             `bun:"previous"`
	Cause     string                             `bun:"cause"`
	Overdue   bool                               `bun:"overdue"`
	Checks    document[[]paas.CheckFact]         `bun:"checks"`
	Placed    int64                              `bun:"placed_index"`
}

func toInstanceRow(i paas.Instance) instanceRow {
	return instanceRow{
		ID: i.ID, Team: i.Team, App: i.App, Process: i.Process, Slot: string(i.Slot), Index: i.Index, Release: i.Release,
		State: string(i.State), Health: string(i.Health), Node: i.Node, Ports: document[map[string]paas.Endpoint]{i.Ports},
		Restarts: i.Restarts, Exits: i.Exits, Reason: clean(i.Reason), CreatedAt: stamp(i.CreatedAt),
		StartedAt: stampPtr(i.StartedAt), PassingAt: stampPtr(i.PassingAt), Since: stamp(i.Since),
		NodeID: i.NodeID, ExitCode: i.ExitCode, OOM: i.OOM, NextTry: stampPtr(i.NextTry), Crashes: i.Crashes,
		Previous: i.Previous, Cause: string(i.Cause), Overdue: i.Overdue, Checks: document[[]paas.CheckFact]{checkFacts(i.Checks)},
		Placed: int64(i.Placed),
	}
}

func (r instanceRow) instance() paas.Instance {
	return paas.Instance{
		ID: r.ID, Team: r.Team, App: r.App, Process: r.Process, Slot: paas.Slot(r.Slot), Index: r.Index, Release: r.Release,
		State: paas.InstanceState(r.State), Health: paas.Health(r.Health), Node: r.Node, Ports: r.Ports.V,
		Restarts: r.Restarts, Exits: r.Exits, Reason: r.Reason, CreatedAt: stamp(r.CreatedAt),
		StartedAt: stampPtr(r.StartedAt), PassingAt: stampPtr(r.PassingAt), Since: stamp(r.Since),
		NodeID: r.NodeID, ExitCode: r.ExitCode, OOM: r.OOM, NextTry: stampPtr(r.NextTry), Crashes: r.Crashes,
		Previous: r.Previous, Cause: paas.Cause(r.Cause), Overdue: r.Overdue, Checks: r.Checks.V,
		Placed: uint64(r.Placed),
	}
}

// checkFacts gives the facts as the store keeps them.
func checkFacts(checks []paas.CheckFact) []paas.CheckFact {
	if len(checks) == 0 {
		return nil
	}
	return convert(checks, func(c paas.CheckFact) paas.CheckFact {
		c.Output, c.Since = clean(c.Output), stamp(c.Since)
		return c
	})
}

// Running gives the instances of all apps that have not ended, by app.
func (s *Store) Running(ctx context.Context) ([]paas.Instance, error) {
	var rows []instanceRow
	err := s.read.NewSelect().Model(&rows).Where("state NOT IN (?)", bun.List(endedStates)).Order("team", "app", "id").Scan(ctx)
	if err != nil {
		return nil, failed("list instances", err)
	}
	return convert(rows, instanceRow.instance), nil
}
