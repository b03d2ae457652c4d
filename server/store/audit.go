package store

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/crumpet-paas/crumpet/server/paas"
)

type auditRow struct {
	bun.BaseModel `bun:"table:audit,alias:audit"`

	ID      int64     `bun:"id,pk,autoincrement"`
	Time    time.Time `bun:"time"`
	By      string    `bun:"asked_by"`
	Kind    string    `bun:"kind"`
	Via     string    `bun:"via"`
	From    string    `bun:"address"`
	Verb    string    `bun:"verb"`
	Action  string    `bun:"action"`
	Team    string    `bun:"team"`
	App     string    `bun:"app"`
	Target  string    `bun:"target"`
	Outcome string    `bun:"outcome"`
	Status  int       `bun:"status"`
	Detail  string    `bun:"detail"`
	Before  string    `bun:"state_before"`
	After   string    `bun:"state_after"`
	Request string    `bun:"request"`
	Times   int       `bun:"times"`
}

func toAuditRow(l paas.Audited) auditRow {
	return auditRow{
		Time: stamp(l.Time), By: clean(l.By), Kind: string(l.Kind), Via: clean(l.Via), From: clean(l.From), Verb: string(l.Verb), Action: clean(l.Action),
		Team: clean(l.Team), App: clean(l.App), Target: clean(l.Target), Outcome: string(l.Outcome), Status: l.Status, Detail: clean(l.Detail),
		Before: clean(string(l.Before)), After: clean(string(l.After)), Request: clean(l.Request), Times: l.Times,
	}
}

func (r auditRow) audited() paas.Audited {
	return paas.Audited{
		ID: r.ID, Time: stamp(r.Time), By: r.By, Kind: paas.UserKind(r.Kind), Via: r.Via, From: r.From, Verb: paas.Verb(r.Verb), Action: r.Action,
		Team: r.Team, App: r.App, Target: r.Target, Outcome: paas.AuditOutcome(r.Outcome), Status: r.Status, Detail: r.Detail,
		Before: raw(r.Before), After: raw(r.After), Request: r.Request, Times: r.Times,
	}
}

func raw(text string) json.RawMessage {
	if text == "" {
		return nil
	}
	return json.RawMessage(text)
}

// AddAudited appends lines to the audit. No method changes or deletes one, and the tables refuse it.
func (s *Store) AddAudited(ctx context.Context, lines ...paas.Audited) error {
	if len(lines) == 0 {
		return nil
	}
	return s.update(ctx, "write audit", func(ctx context.Context, tx bun.Tx) ([]touch, error) {
		if onPostgres(tx) { // who follows asks for ids above the last: they must show in their order
			if err := queue(ctx, tx); err != nil {
				return nil, err
			}
		}
		for part := range slices.Chunk(lines, 100) {
			rows := convert(part, toAuditRow)
			if _, err := tx.NewInsert().Model(&rows).Returning("NULL").Exec(ctx); err != nil {
				return nil, err
			}
		}
		return told(paas.AppRef{}), nil
	})
}

// Audited lists lines of the audit by id.
func (s *Store) Audited(ctx context.Context, f paas.AuditFilter) ([]paas.Audited, error) {
	if f.Teams != nil && len(f.Teams) == 0 {
		return nil, nil
	}
	var rows []auditRow
	order := "id"
	if f.Last {
		order = "id DESC"
	}
	q := s.read.NewSelect().Model(&rows).Where("id > ?", f.After).Order(order).Limit(limit(f.Limit))
	if f.Before > 0 {
		q = q.Where("id < ?", f.Before)
	}
	if f.Teams != nil {
		q = q.Where("team IN (?)", bun.List(f.Teams))
	}
	for column, want := range map[string]string{"app": f.App, "asked_by": f.By, "action": f.Action} {
		if want != "" {
			q = q.Where("? = ?", bun.Ident(column), want)
		}
	}
	if !f.Since.IsZero() {
		q = q.Where("time >= ?", stamp(f.Since))
	}
	if !f.Until.IsZero() {
		q = q.Where("time < ?", stamp(f.Until))
	}
	if len(f.Outcomes) > 0 {
		q = q.Where("outcome IN (?)", bun.List(f.Outcomes))
	}
	if err := q.Scan(ctx); err != nil {
		return nil, failed("list audit", err)
	}
	if f.Last {
		slices.Reverse(rows)
	}
	return convert(rows, auditRow.audited), nil
}
