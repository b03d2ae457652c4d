package store

import (
	"context"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/uptrace/bun"
)

// trafficRow is one bucket.
type trafficRow struct {
	bun.BaseModel `bun:"table:traffic,alias:traffic"`

	Team     string    `bun:"team,pk"`
	App      string    `bun:"app,pk"`
	Process  string    `bun:"process,pk"`
	Slot     string    `bun:"slot,pk"`
	At       time.Time `bun:"at,pk"`
	Release  int       `bun:"release,pk"`
	Requests int64     `bun:"requests"`
	Errors   int64     `bun:"errors"`
	Took     int64     `bun:"took"` // nanoseconds
	Partial  bool      `bun:"partial"`
}

func toTrafficRow(t paas.Traffic, b paas.Bucket) trafficRow {
	return trafficRow{
		Team: t.Team, App: t.App, Process: t.Process, Slot: string(t.Slot),
		At: stamp(b.At), Release: b.Release, Requests: b.Requests, Errors: b.Errors, Took: int64(b.Took), Partial: b.Partial,
	}
}

func (r trafficRow) bucket() paas.Bucket {
	return paas.Bucket{
		At: stamp(r.At), Release: r.Release, Requests: r.Requests, Errors: r.Errors, Took: time.Duration(r.Took), Partial: r.Partial,
	}
}

func (r trafficRow) service() paas.Service {
	return paas.Service{Team: r.Team, App: r.App, Process: r.Process, Slot: paas.Slot(r.Slot)}
}

// gather makes one Traffic of the rows of each process and slot.
func gather(rows []trafficRow) []paas.Traffic {
	list := []paas.Traffic{}
	for _, r := range rows {
		of := r.service()
		if n := len(list); n == 0 || list[n-1].Service() != of {
			list = append(list, paas.Traffic{Team: of.Team, App: of.App, Process: of.Process, Slot: of.Slot})
		}
		last := &list[len(list)-1]
		last.Buckets = append(last.Buckets, r.bucket())
	}
	return list
}

func readTraffic(ctx context.Context, db bun.IDB, of func(*bun.SelectQuery) *bun.SelectQuery) ([]paas.Traffic, error) {
	var rows []trafficRow
	q := db.NewSelect().Model(&rows).Order("team", "app", "process", "slot", "at", "release")
	if err := of(q).Scan(ctx); err != nil {
		return nil, err
	}
	return gather(rows), nil
}

// Traffic gives what the routers answered for an app; for a zero AppRef, for all apps.
func (s *Store) Traffic(ctx context.Context, ref paas.AppRef) ([]paas.Traffic, error) {
	list, err := readTraffic(ctx, s.read, func(q *bun.SelectQuery) *bun.SelectQuery {
		if ref == (paas.AppRef{}) {
			return q
		}
		return ofApp(q, ref)
	})
	if err != nil {
		return nil, failed("read traffic", err)
	}
	return list, nil
}

// TrafficSums adds up, for each app that was asked something, the buckets that begin from one moment on and before
// another, of all releases.
func (s *Store) TrafficSums(ctx context.Context, from, to time.Time) (map[paas.AppRef]paas.Bucket, error) {
	var rows []struct {
		Team, App        string
		Requests, Errors int64
		Took             int64
	}
	err := s.read.NewSelect().Table("traffic").Column("team", "app").
		ColumnExpr("CAST(SUM(requests) AS BIGINT) AS requests, CAST(SUM(errors) AS BIGINT) AS errors, CAST(SUM(took) AS BIGINT) AS took").
		Where("at >= ? AND at < ?", stamp(from), stamp(to)).Group("team", "app").Scan(ctx, &rows)
	if err != nil {
		return nil, failed("add up traffic", err)
	}
	sums := make(map[paas.AppRef]paas.Bucket, len(rows))
	for _, r := range rows {
		sums[paas.AppRef{Team: r.Team, App: r.App}] = paas.Bucket{At: from, Requests: r.Requests, Errors: r.Errors, Took: time.Duration(r.Took)}
	}
	return sums, nil
}

// writeTraffic writes buckets and forgets those that are too old. It names the apps that walk, whose
// canaries are judged by it; for the others traffic is no reason to decide anything anew.
func writeTraffic(ctx context.Context, tx bun.Tx, traffic []paas.Traffic) ([]paas.AppRef, error) {
	if len(traffic) == 0 {
		return nil, nil
	}
	var newest time.Time
	for _, t := range traffic {
		for _, b := range t.Buckets {
			if err := upsert(ctx, tx, "team, app, process, slot, at, release", toTrafficRow(t, b)); err != nil {
				return nil, err
			}
			if b.At.After(newest) {
				newest = b.At
			}
		}
	}
	if _, err := tx.NewDelete().Table("traffic").Where("at <= ?", stamp(newest.Add(-paas.TrafficKept))).Exec(ctx); err != nil {
		return nil, err
	}
	var rows []struct{ Team, App string }
	err := tx.NewSelect().Table("deployments").Column("team", "app").Distinct().Where("status IN (?)", bun.List(openStates)).Scan(ctx, &rows)
	if err != nil {
		return nil, err
	}
	walk := make(map[paas.AppRef]bool, len(rows))
	for _, r := range rows {
		walk[paas.AppRef{Team: r.Team, App: r.App}] = true
	}
	var touched []paas.AppRef
	for _, t := range traffic {
		if walk[t.Ref()] {
			touched = append(touched, t.Ref())
		}
	}
	return touched, nil
}
