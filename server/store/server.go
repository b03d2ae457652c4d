package store

import (
	"context"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/uptrace/bun"
)

type serverRow struct {
	bun.BaseModel `bun:"table:servers,alias:servers"`

	ID        string     `bun:"id,pk"`
	Name      string     `bun:"name"`
	Address   string     `bun:"address"`
	Version   string     `bun:"version"`
	Epoch     int64      `bun:"epoch"`
	StartedAt time.Time  `bun:"started_at"`
	LedAt     *time.Time `bun:"led_at"`
	SeenAt    time.Time  `bun:"seen_at"`
}

// forgetAfter is how long a server that is seen no more stays in the list.
const forgetAfter = time.Hour

// PutServer writes that a server is here, and forgets those not seen for an hour.
func (s *Store) PutServer(ctx context.Context, one paas.Server) error {
	return s.update(ctx, "write server", func(ctx context.Context, tx bun.Tx) ([]touch, error) {
		_, err := tx.NewDelete().Table("servers").Where("seen_at < ?", stamp(one.SeenAt.Add(-forgetAfter))).Exec(ctx)
		if err != nil {
			return nil, err
		}
		return nil, upsert(ctx, tx, "id", serverRow{
			ID: one.ID, Name: one.Name, Address: one.Address, Version: one.Version, Epoch: one.Epoch,
			StartedAt: stamp(one.StartedAt), LedAt: stampPtr(one.LedAt), SeenAt: stamp(one.SeenAt),
		})
	})
}

// DropServer takes a server out of the list.
func (s *Store) DropServer(ctx context.Context, id string) error {
	return s.update(ctx, "drop server", func(ctx context.Context, tx bun.Tx) ([]touch, error) {
		_, err := tx.NewDelete().Table("servers").Where("id = ?", id).Exec(ctx)
		return nil, err
	})
}

// Servers lists the servers by name. The leader is the one with the highest epoch given; nobody is, when
// that one has gone or leads no more.
func (s *Store) Servers(ctx context.Context) ([]paas.Server, error) {
	var rows []serverRow
	var epoch int64
	err := s.view(ctx, "list servers", func(ctx context.Context, tx bun.Tx) (err error) {
		rows = nil
		if epoch, err = readEpoch(ctx, tx); err != nil {
			return err
		}
		return tx.NewSelect().Model(&rows).Order("name", "id").Scan(ctx)
	})
	if err != nil {
		return nil, err
	}
	return convert(rows, func(r serverRow) paas.Server {
		state := paas.ServerFollower
		if r.Epoch == epoch && epoch > 0 {
			state = paas.ServerLeader
		}
		return paas.Server{
			ID: r.ID, Name: r.Name, Address: r.Address, Version: r.Version, Store: s.Engine(), State: state, Epoch: r.Epoch,
			StartedAt: stamp(r.StartedAt), LedAt: stampPtr(r.LedAt), SeenAt: stamp(r.SeenAt),
		}
	}), nil
}

func readEpoch(ctx context.Context, db bun.IDB) (epoch int64, err error) {
	err = db.NewSelect().Table("counters").Column("value").Where("name = ?", "epoch").Scan(ctx, &epoch)
	return epoch, err
}

// Leads refuses with code conflict an epoch that is not the highest given.
func (s *Store) Leads(ctx context.Context, epoch int64) error {
	return s.view(ctx, "check the lead", func(ctx context.Context, tx bun.Tx) error {
		current, err := readEpoch(ctx, tx)
		if err != nil {
			return err
		}
		return past(epoch, current)
	})
}
