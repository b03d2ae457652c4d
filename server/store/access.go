package store

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/uptrace/bun"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// access changes who may do what: one such change at a time, by whichever server, so that what fn reads
// stays true until it is committed. fn says whether anybody may do less or more than before: then the
// number of AccessVersion grows, and every server is told.
func (s *Store) access(ctx context.Context, what string, fn func(ctx context.Context, tx bun.Tx) (matters bool, err error)) error {
	return s.accessTold(ctx, what, func(ctx context.Context, tx bun.Tx) (bool, []paas.Event, error) {
		matters, err := fn(ctx, tx)
		return matters, nil, err
	})
}

// accessTold is access with events that tell of what fn did, where it mattered.
func (s *Store) accessTold(ctx context.Context, what string, fn func(ctx context.Context, tx bun.Tx) (matters bool, events []paas.Event, err error)) error {
	return s.update(ctx, what, func(ctx context.Context, tx bun.Tx) ([]touch, error) {
		turn := tx.NewSelect().Table("counters").Column("value").Where("name = ?", "access")
		if onPostgres(tx) { // in SQLite one writes at a time anyway
			turn = turn.For("UPDATE")
		}
		var version int64
		if err := turn.Scan(ctx, &version); err != nil {
			return nil, err
		}
		matters, events, err := fn(ctx, tx)
		if err != nil || !matters {
			return nil, err
		}
		if _, err = next(ctx, tx, "access"); err != nil {
			return nil, err
		}
		touched, err := insertEvents(ctx, tx, events)
		return append(touched, told(paas.AppRef{})...), err
	})
}

// AccessVersion gives a number that grows whenever somebody may do less or more than before.
func (s *Store) AccessVersion(ctx context.Context) (version int64, err error) {
	err = s.read.NewSelect().Table("counters").Column("value").Where("name = ?", "access").Scan(ctx, &version)
	if err != nil {
		return 0, failed("read version of access", err)
	}
	return version, nil
}

// ownerColumns are of whose a token or session is; a row for each team.
type ownerColumns struct {
	UserName string `bun:"member_name"`
	Kind     string `bun:"user_kind"`
	Admin    bool   `bun:"user_admin"`
	Disabled bool   `bun:"user_disabled"`
	Team     string `bun:"member_team"`
	Role     string `bun:"member_role"`
}

type tokenAccessRow struct {
	tokenRow
	ownerColumns
}

type sessionAccessRow struct {
	sessionRow
	ownerColumns
}

// withOwner adds to a query who a row's owner is, and what in which teams.
func withOwner(q *bun.SelectQuery, owner string) *bun.SelectQuery {
	return q.ColumnExpr("users.name AS member_name, users.kind AS user_kind, users.admin AS user_admin, users.disabled AS user_disabled").
		ColumnExpr("members.team AS member_team, members.role AS member_role").
		Join("LEFT JOIN users ON users.name = ?", bun.Ident(owner)).
		Join("LEFT JOIN members ON members.user_name = users.name")
}

func accessOf(owners []ownerColumns) paas.Access {
	first := owners[0]
	access := paas.Access{User: first.UserName, Kind: paas.UserKind(first.Kind), Admin: first.Admin, Disabled: first.Disabled, Roles: map[string]paas.Role{}}
	for _, o := range owners {
		if o.Team != "" {
			access.Roles[o.Team] = paas.Role(o.Role)
		}
	}
	return access
}

// TokenAccess gives the token with that hash, revoked or not, and whose it is.
func (s *Store) TokenAccess(ctx context.Context, hash string) (paas.Access, error) {
	var rows []tokenAccessRow
	q := s.read.NewSelect().TableExpr("tokens").ColumnExpr("tokens.*").Where("tokens.hash = ?", hash)
	if err := withOwner(q, "tokens.owner").Scan(ctx, &rows); err != nil {
		return paas.Access{}, failed("read token", err)
	}
	if len(rows) == 0 {
		return paas.Access{}, paas.Errorf(paas.NotFound, "There is no such token.")
	}
	access := accessOf(convert(rows, func(r tokenAccessRow) ownerColumns { return r.ownerColumns }))
	token := rows[0].token()
	access.Token = &token
	if token.Owner == "" {
		access.Kind = paas.Operator
	}
	return access, nil
}

// SessionAccess gives the session with that hash, expired or not, and whose it is.
func (s *Store) SessionAccess(ctx context.Context, hash string) (paas.Access, error) {
	var rows []sessionAccessRow
	q := s.read.NewSelect().TableExpr("sessions").ColumnExpr("sessions.*").Where("sessions.hash = ?", hash)
	if err := withOwner(q, "sessions.user_name").Scan(ctx, &rows); err != nil {
		return paas.Access{}, failed("read session", err)
	}
	if len(rows) == 0 {
		return paas.Access{}, paas.Errorf(paas.NotFound, "There is no such session.")
	}
	access := accessOf(convert(rows, func(r sessionAccessRow) ownerColumns { return r.ownerColumns }))
	session := rows[0].session()
	access.Session = &session
	return access, nil
}

// PutUses notes when tokens and sessions were last used. It goes never back in time, and nobody is told.
func (s *Store) PutUses(ctx context.Context, uses ...paas.Use) error {
	uses = slices.Clone(uses)
	slices.SortFunc(uses, func(a, b paas.Use) int { // so that two servers lock rows in one order
		return strings.Compare(a.Token+" "+a.Session, b.Token+" "+b.Session)
	})
	return s.update(ctx, "write uses", func(ctx context.Context, tx bun.Tx) ([]touch, error) {
		for _, u := range uses {
			at := stamp(u.At)
			q := tx.NewUpdate().Table("tokens").Set("last_used_at = ?", at).Set("last_used_by = ?", u.From).
				Where("id = ?", u.Token).Where("last_used_at IS NULL OR last_used_at < ?", at)
			if u.Session != "" {
				q = tx.NewUpdate().Table("sessions").Set("seen_at = ?", at).Where("id = ?", u.Session).Where("seen_at < ?", at)
			}
			if _, err := q.Exec(ctx); err != nil {
				return nil, err
			}
		}
		return nil, nil
	})
}

// taken says that a row was refused because another has its key.
func taken(err error) bool {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || e.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
	}
	return stateOf(err) == "23505"
}

// met says with a not_found error of that sentence that a write met no row.
func met(result interface{ RowsAffected() (int64, error) }, err error, format string, args ...any) error {
	if err != nil {
		return err
	}
	n, err := result.RowsAffected()
	if err == nil && n == 0 {
		return paas.Errorf(paas.NotFound, format, args...)
	}
	return err
}
