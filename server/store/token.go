package store

import (
	"context"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/uptrace/bun"
)

type tokenRow struct {
	bun.BaseModel `bun:"table:tokens,alias:tokens"`

	Hash       string               `bun:"hash,pk"`
	ID         string               `bun:"id"`
	Name       string               `bun:"name"`
	Owner      string               `bun:"owner,nullzero"`
	Scope      document[paas.Scope] `bun:"scope"`
	CreatedAt  time.Time            `bun:"created_at"`
	CreatedBy  string               `bun:"created_by"`
	ExpiresAt  *time.Time           `bun:"expires_at"`
	RevokedAt  *time.Time           `bun:"revoked_at"`
	LastUsedAt *time.Time           `bun:"last_used_at"`
	LastUsedBy string               `bun:"last_used_by"`
}

func toTokenRow(t paas.Token) tokenRow {
	return tokenRow{
		Hash: t.Hash, ID: t.ID, Name: t.Name, Owner: t.Owner, Scope: document[paas.Scope]{t.Scope}, CreatedAt: stamp(t.CreatedAt), CreatedBy: t.CreatedBy,
		ExpiresAt: stampPtr(t.ExpiresAt), RevokedAt: stampPtr(t.RevokedAt), LastUsedAt: stampPtr(t.LastUsedAt), LastUsedBy: t.LastUsedBy,
	}
}

func (r tokenRow) token() paas.Token {
	return paas.Token{
		Hash: r.Hash, ID: r.ID, Name: r.Name, Owner: r.Owner, Scope: r.Scope.V, CreatedAt: stamp(r.CreatedAt), CreatedBy: r.CreatedBy,
		ExpiresAt: stampPtr(r.ExpiresAt), RevokedAt: stampPtr(r.RevokedAt), LastUsedAt: stampPtr(r.LastUsedAt), LastUsedBy: r.LastUsedBy,
	}
}

// PutToken adds a token, or renames the one with that hash; nothing else of a token that is there changes,
// so that one that was revoked stays so. Code not_found when its owner is not there.
func (s *Store) PutToken(ctx context.Context, t paas.Token) error {
	return s.access(ctx, "write token", func(ctx context.Context, tx bun.Tx) (bool, error) {
		if t.Owner != "" {
			if _, err := readUser(ctx, tx, t.Owner); err != nil {
				return false, err
			}
		}
		return false, putToken(ctx, tx, t)
	})
}

func putToken(ctx context.Context, tx bun.Tx, t paas.Token) error {
	row := toTokenRow(t)
	_, err := tx.NewInsert().Model(&row).On("CONFLICT (hash) DO UPDATE").Set("name = EXCLUDED.name").Returning("NULL").Exec(ctx)
	return err
}

// Token gives the token with that id.
func (s *Store) Token(ctx context.Context, id string) (paas.Token, error) {
	var row tokenRow
	err := s.read.NewSelect().Model(&row).Where("id = ?", id).Scan(ctx)
	if err = missing(err, "There is no token %q.", id); err != nil {
		return paas.Token{}, failed("read token", err)
	}
	return row.token(), nil
}

// Tokens lists all tokens, oldest first.
func (s *Store) Tokens(ctx context.Context) ([]paas.Token, error) {
	return s.tokens(ctx, func(q *bun.SelectQuery) *bun.SelectQuery { return q })
}

// TokensOf lists the tokens of a user, oldest first; of "" those of operators.
func (s *Store) TokensOf(ctx context.Context, owner string) ([]paas.Token, error) {
	return s.tokens(ctx, func(q *bun.SelectQuery) *bun.SelectQuery { return q.Where("COALESCE(owner, '') = ?", owner) })
}

func (s *Store) tokens(ctx context.Context, narrow func(*bun.SelectQuery) *bun.SelectQuery) ([]paas.Token, error) {
	var rows []tokenRow
	if err := narrow(s.read.NewSelect().Model(&rows)).Order("created_at", "hash").Scan(ctx); err != nil {
		return nil, failed("list tokens", err)
	}
	return convert(rows, tokenRow.token), nil
}

// RevokeToken ends a token. One that has ended before keeps its time.
func (s *Store) RevokeToken(ctx context.Context, id string, at time.Time) error {
	return s.access(ctx, "revoke token", func(ctx context.Context, tx bun.Tx) (bool, error) {
		result, err := tx.NewUpdate().Table("tokens").Set("revoked_at = COALESCE(revoked_at, ?)", stamp(at)).Where("id = ?", id).Exec(ctx)
		return true, met(result, err, "There is no token %q.", id)
	})
}

// FirstToken adds a token if there is none yet, and says whether it did. Of several servers that ask at
// once one is answered true.
func (s *Store) FirstToken(ctx context.Context, t paas.Token) (added bool, err error) {
	err = s.access(ctx, "write first token", func(ctx context.Context, tx bun.Tx) (bool, error) {
		n, err := tx.NewSelect().Table("tokens").Count(ctx)
		if added = err == nil && n == 0; !added {
			return false, err
		}
		return false, putToken(ctx, tx, t)
	})
	return added, err
}

// DropEnded forgets the tokens that ended before a time, and the sessions and sign-ins that did before now.
func (s *Store) DropEnded(ctx context.Context, before, now time.Time) error {
	return s.access(ctx, "drop ended tokens", func(ctx context.Context, tx bun.Tx) (bool, error) {
		for _, q := range []*bun.DeleteQuery{
			tx.NewDelete().Table("tokens").Where("revoked_at < ? OR expires_at < ?", stamp(before), stamp(before)),
			tx.NewDelete().Table("sessions").Where("expires_at < ?", stamp(now)),
			tx.NewDelete().Table("logins").Where("expires_at < ?", stamp(now)),
		} {
			if _, err := q.Exec(ctx); err != nil {
				return false, err
			}
		}
		return false, nil
	})
}
