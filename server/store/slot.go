package store

import (
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/uptrace/bun"
)

type slotRow struct {
	bun.BaseModel `bun:"table:slots,alias:slots"`

	Team    string                   `bun:"team,pk"`
	App     string                   `bun:"app,pk"`
	Slot    string                   `bun:"slot,pk"`
	Release int                      `bun:"release"`
	Job     string                   `bun:"job"`
	Counts  document[map[string]int] `bun:"counts"`
	First   int64                    `bun:"first_index"` // Nomad's indexes are far below 2^63
	Index   int64                    `bun:"modify_index"`
	Aside   document[*paas.Aside]    `bun:"aside"`
}

func toSlotRow(s paas.Slotted) slotRow {
	return slotRow{
		Team: s.Team, App: s.App, Slot: string(s.Slot), Release: s.Release, Job: string(s.Job),
		Counts: document[map[string]int]{s.Counts}, First: int64(s.First), Index: int64(s.Index), Aside: document[*paas.Aside]{s.Aside},
	}
}

func (r slotRow) slotted() paas.Slotted {
	s := paas.Slotted{
		Team: r.Team, App: r.App, Slot: paas.Slot(r.Slot), Release: r.Release,
		Counts: r.Counts.V, First: uint64(r.First), Index: uint64(r.Index), Aside: r.Aside.V,
	}
	if r.Job != "" {
		s.Job = []byte(r.Job)
	}
	return s
}
