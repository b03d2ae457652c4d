package store

import (
	"context"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/uptrace/bun"
)

type sessionRow struct {
	bun.BaseModel `bun:"table:sessions,alias:sessions"`

	ID        string    `bun:"id,pk"`
	Hash      string    `bun:"hash"`
	User      string    `bun:"user_name"`
	CreatedAt time.Time `bun:"created_at"`
	SeenAt    time.Time `bun:"seen_at"`
	ExpiresAt time.Time `bun:"expires_at"`
	From      string    `bun:"address"`
	Agent     string    `bun:"agent"`
}

func (r sessionRow) session() paas.Session {
	return paas.Session{
		ID: r.ID, Hash: r.Hash, User: r.User, CreatedAt: stamp(r.CreatedAt), SeenAt: stamp(r.SeenAt), ExpiresAt: stamp(r.ExpiresAt), From: r.From, Agent: r.Agent,
	}
}

// AddSession adds a session and notes that its user was seen. Code not_found when the user is not there,
// forbidden when it is disabled.
func (s *Store) AddSession(ctx context.Context, one paas.Session) error {
	return s.access(ctx, "write session", func(ctx context.Context, tx bun.Tx) (bool, error) {
		user, err := readUser(ctx, tx, one.User)
		if err != nil {
			return false, err
		}
		if user.Disabled {
			return false, paas.Errorf(paas.Forbidden, "The user %q is disabled.", one.User)
		}
		if _, err := tx.NewUpdate().Table("users").Set("seen_at = ?", stamp(one.CreatedAt)).Where("name = ?", one.User).Exec(ctx); err != nil {
			return false, err
		}
		row := sessionRow{
			ID: one.ID, Hash: one.Hash, User: one.User, CreatedAt: stamp(one.CreatedAt), SeenAt: stamp(one.SeenAt), ExpiresAt: stamp(one.ExpiresAt),
			From: one.From, Agent: one.Agent,
		}
		_, err = tx.NewInsert().Model(&row).Returning("NULL").Exec(ctx)
		return false, err
	})
}

// Sessions lists the sessions of a user, newest first; "" for those of all.
func (s *Store) Sessions(ctx context.Context, user string) ([]paas.Session, error) {
	var rows []sessionRow
	q := s.read.NewSelect().Model(&rows).OrderExpr("created_at DESC, id")
	if user != "" {
		q = q.Where("user_name = ?", user)
	}
	if err := q.Scan(ctx); err != nil {
		return nil, failed("list sessions", err)
	}
	return convert(rows, sessionRow.session), nil
}

// Session gives the session with that id.
func (s *Store) Session(ctx context.Context, id string) (paas.Session, error) {
	var row sessionRow
	err := s.read.NewSelect().Model(&row).Where("id = ?", id).Scan(ctx)
	if err = missing(err, "There is no session %q.", id); err != nil {
		return paas.Session{}, failed("read session", err)
	}
	return row.session(), nil
}

// DropSession ends a session.
func (s *Store) DropSession(ctx context.Context, id string) error {
	return s.access(ctx, "end session", func(ctx context.Context, tx bun.Tx) (bool, error) {
		result, err := tx.NewDelete().Table("sessions").Where("id = ?", id).Exec(ctx)
		return true, met(result, err, "There is no session %q.", id)
	})
}

// DropSessions ends all sessions of a user but the one with that id; "" for all.
func (s *Store) DropSessions(ctx context.Context, user, but string) error {
	return s.access(ctx, "end sessions", func(ctx context.Context, tx bun.Tx) (bool, error) {
		_, err := tx.NewDelete().Table("sessions").Where("user_name = ?", user).Where("id <> ?", but).Exec(ctx)
		return true, err
	})
}
