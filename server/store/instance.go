package store

import (
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
}

func toInstanceRow(i paas.Instance) instanceRow {
	return instanceRow{
		ID: i.ID, Team: i.Team, App: i.App, Process: i.Process, Slot: string(i.Slot), Index: i.Index, Release: i.Release,
		State: string(i.State), Health: string(i.Health), Node: i.Node, Ports: document[map[string]paas.Endpoint]{i.Ports},
		Restarts: i.Restarts, Exits: i.Exits, Reason: clean(i.Reason), CreatedAt: stamp(i.CreatedAt),
		StartedAt: stampPtr(i.StartedAt), PassingAt: stampPtr(i.PassingAt), Since: stamp(i.Since),
	}
}

func (r instanceRow) instance() paas.Instance {
	return paas.Instance{
		ID: r.ID, Team: r.Team, App: r.App, Process: r.Process, Slot: paas.Slot(r.Slot), Index: r.Index, Release: r.Release,
		State: paas.InstanceState(r.State), Health: paas.Health(r.Health), Node: r.Node, Ports: r.Ports.V,
		Restarts: r.Restarts, Exits: r.Exits, Reason: r.Reason, CreatedAt: stamp(r.CreatedAt),
		StartedAt: stampPtr(r.StartedAt), PassingAt: stampPtr(r.PassingAt), Since: stamp(r.Since),
	}
}
