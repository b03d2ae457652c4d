package store

import (
	"context"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/uptrace/bun"
)

type loginRow struct {
	bun.BaseModel `bun:"table:logins,alias:logins"`

	Hash      string    `bun:"hash,pk"`
	Kind      string    `bun:"kind"`
	Provider  string    `bun:"provider"`
	Verifier  string    `bun:"verifier"`
	Nonce     string    `bun:"nonce"`
	Binding   string    `bun:"binding"`
	User      string    `bun:"user_name"`
	Then      string    `bun:"next_path"`
	ExpiresAt time.Time `bun:"expires_at"`
}

// AddLogin keeps a sign-in that is under way.
func (s *Store) AddLogin(ctx context.Context, l paas.Login) error {
	return s.update(ctx, "write login", func(ctx context.Context, tx bun.Tx) ([]touch, error) {
		row := loginRow{
			Hash: l.Hash, Kind: string(l.Kind), Provider: l.Provider, Verifier: l.Verifier, Nonce: l.Nonce, Binding: l.Binding, User: l.User, Then: l.Then,
			ExpiresAt: stamp(l.ExpiresAt),
		}
		_, err := tx.NewInsert().Model(&row).Returning("NULL").Exec(ctx)
		return nil, err
	})
}

// TakeLogin gives a sign-in of that kind that is under way, and forgets it: of all who ask for it, on
// whichever server, one is answered. Code not_found for the others, and when its time is over.
func (s *Store) TakeLogin(ctx context.Context, kind paas.LoginKind, hash string, now time.Time) (paas.Login, error) {
	var rows []loginRow
	err := s.update(ctx, "take login", func(ctx context.Context, tx bun.Tx) ([]touch, error) {
		rows = nil
		return nil, tx.NewRaw("DELETE FROM logins WHERE hash = ? AND kind = ? RETURNING *", hash, string(kind)).Scan(ctx, &rows)
	})
	if err != nil {
		return paas.Login{}, err
	}
	if len(rows) == 0 || !now.Before(rows[0].ExpiresAt) {
		return paas.Login{}, paas.Errorf(paas.NotFound, "This sign-in has ended. Begin again.")
	}
	r := rows[0]
	return paas.Login{
		Hash: r.Hash, Kind: paas.LoginKind(r.Kind), Provider: r.Provider, Verifier: r.Verifier, Nonce: r.Nonce, Binding: r.Binding, User: r.User, Then: r.Then,
		ExpiresAt: stamp(r.ExpiresAt),
	}, nil
}
