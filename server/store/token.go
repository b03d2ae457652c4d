package store

import (
	"context"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/uptrace/bun"
)

type tokenRow struct {
	bun.BaseModel `bun:"table:tokens,alias:tokens"`

	Hash      string    `bun:"hash,pk"`
	Name      string    `bun:"name"`
	CreatedAt time.Time `bun:"created_at"`
}

func (r tokenRow) token() paas.Token {
	return paas.Token{Hash: r.Hash, Name: r.Name, CreatedAt: stamp(r.CreatedAt)}
}

// PutToken adds a token, or renames the one with that hash.
func (s *Store) PutToken(ctx context.Context, t paas.Token) error {
	return s.update(ctx, "write token", func(ctx context.Context, tx bun.Tx) ([]touch, error) {
		return nil, upsert(ctx, tx, "hash", tokenRow{Hash: t.Hash, Name: t.Name, CreatedAt: stamp(t.CreatedAt)})
	})
}

// Token gives the token with that hash.
func (s *Store) Token(ctx context.Context, hash string) (paas.Token, error) {
	var row tokenRow
	err := s.read.NewSelect().Model(&row).Where("hash = ?", hash).Scan(ctx)
	if err = missing(err, "There is no such token."); err != nil {
		return paas.Token{}, failed("read token", err)
	}
	return row.token(), nil
}

// Tokens lists all tokens, oldest first.
func (s *Store) Tokens(ctx context.Context) ([]paas.Token, error) {
	var rows []tokenRow
	if err := s.read.NewSelect().Model(&rows).Order("created_at", "hash").Scan(ctx); err != nil {
		return nil, failed("list tokens", err)
	}
	return convert(rows, tokenRow.token), nil
}

// FirstToken adds a token if there is none yet, and says whether it did. Of several servers that ask at
// once one is answered true.
func (s *Store) FirstToken(ctx context.Context, t paas.Token) (added bool, err error) {
	err = s.update(ctx, "write first token", func(ctx context.Context, tx bun.Tx) ([]touch, error) {
		if _, err := next(ctx, tx, "version"); err != nil { // only for its lock: one after the other from here
			return nil, err
		}
		n, err := tx.NewSelect().Table("tokens").Count(ctx)
		if added = err == nil && n == 0; !added {
			return nil, err
		}
		return nil, upsert(ctx, tx, "hash", tokenRow{Hash: t.Hash, Name: t.Name, CreatedAt: stamp(t.CreatedAt)})
	})
	return added, err
}
