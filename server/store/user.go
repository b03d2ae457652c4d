package store

import (
	"context"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/uptrace/bun"
)

type userRow struct {
	bun.BaseModel `bun:"table:users,alias:users"`

	Name        string     `bun:"name,pk"`
	Kind        string     `bun:"kind"`
	FullName    string     `bun:"full_name"`
	Email       string     `bun:"email"`
	Admin       bool       `bun:"admin"`
	Provider    string     `bun:"provider"`
	Subject     string     `bun:"subject"`
	Password    string     `bun:"password"`
	Disabled    bool       `bun:"disabled"`
	Failures    int        `bun:"failures"`
	LockedUntil *time.Time `bun:"locked_until"`
	SeenAt      *time.Time `bun:"seen_at"`
	CreatedAt   time.Time  `bun:"created_at"`
	CreatedBy   string     `bun:"created_by"`
}

func toUserRow(u paas.User) userRow {
	return userRow{
		Name: u.Name, Kind: string(u.Kind), FullName: u.FullName, Email: u.Email, Admin: u.Admin, Provider: u.Provider, Subject: u.Subject,
		Password: u.Password, Disabled: u.Disabled, Failures: u.Failures, LockedUntil: stampPtr(u.LockedUntil), SeenAt: stampPtr(u.SeenAt),
		CreatedAt: stamp(u.CreatedAt), CreatedBy: u.CreatedBy,
	}
}

func (r userRow) user() paas.User {
	return paas.User{
		Name: r.Name, Kind: paas.UserKind(r.Kind), FullName: r.FullName, Email: r.Email, Admin: r.Admin, Provider: r.Provider, Subject: r.Subject,
		Password: r.Password, Disabled: r.Disabled, Failures: r.Failures, LockedUntil: stampPtr(r.LockedUntil), SeenAt: stampPtr(r.SeenAt),
		CreatedAt: stamp(r.CreatedAt), CreatedBy: r.CreatedBy,
	}
}

func readUser(ctx context.Context, db bun.IDB, name string) (paas.User, error) {
	var row userRow
	err := db.NewSelect().Model(&row).Where("name = ?", name).Scan(ctx)
	return row.user(), missing(err, "There is no user %q. `crumpet users list` shows all.", name)
}

// Users lists all users by name, bots as well.
func (s *Store) Users(ctx context.Context) ([]paas.User, error) {
	var rows []userRow
	if err := s.read.NewSelect().Model(&rows).Order("name").Scan(ctx); err != nil {
		return nil, failed("list users", err)
	}
	return convert(rows, userRow.user), nil
}

// User gives a user by name.
func (s *Store) User(ctx context.Context, name string) (paas.User, error) {
	u, err := readUser(ctx, s.read, name)
	if err != nil {
		return paas.User{}, failed("read user", err)
	}
	return u, nil
}

// UserBySubject gives the person that an OIDC provider knows by subject.
func (s *Store) UserBySubject(ctx context.Context, provider, subject string) (paas.User, error) {
	var row userRow
	err := s.read.NewSelect().Model(&row).Where("provider = ?", provider).Where("subject = ?", subject).Where("provider <> ''").Scan(ctx)
	if err = missing(err, "Nobody of %q is known by that subject.", provider); err != nil {
		return paas.User{}, failed("read user", err)
	}
	return row.user(), nil
}

// AddUser adds a user with its first memberships. Code conflict when the name, or the subject at its
// provider, is taken; not_found when a team is not there.
func (s *Store) AddUser(ctx context.Context, u paas.User, in ...paas.Member) error {
	return s.access(ctx, "write user", func(ctx context.Context, tx bun.Tx) (bool, error) {
		row := toUserRow(u)
		_, err := tx.NewInsert().Model(&row).Returning("NULL").Exec(ctx)
		if taken(err) {
			return false, paas.Errorf(paas.Conflict, "There is a user %q already. Choose another name, or change that one.", u.Name)
		}
		if err != nil {
			return false, err
		}
		for _, m := range in {
			m.User = u.Name
			if err := putMember(ctx, tx, m); err != nil {
				return false, err
			}
		}
		return true, nil
	})
}

// ChangeUser has fn change a user, and gives what became of it. Between fn's reading and the write nobody
// else changes the user; fn may be called more than once. What fn returns as an error is what comes back.
// The name, the kind and when it was made stay.
func (s *Store) ChangeUser(ctx context.Context, name string, fn func(u *paas.User) error) (paas.User, error) {
	var now paas.User
	err := s.access(ctx, "change user", func(ctx context.Context, tx bun.Tx) (bool, error) {
		before, err := readUser(ctx, tx, name)
		if err != nil {
			return false, err
		}
		now = before
		if err := fn(&now); err != nil {
			return false, err
		}
		now.Name, now.Kind, now.CreatedAt, now.CreatedBy = before.Name, before.Kind, before.CreatedAt, before.CreatedBy
		row := toUserRow(now)
		now = row.user()
		_, err = tx.NewUpdate().Model(&row).WherePK().Exec(ctx)
		return now.Admin != before.Admin || now.Disabled != before.Disabled, err
	})
	if err != nil {
		return paas.User{}, err
	}
	return now, nil
}

// DropUser takes a user away, with its memberships, tokens, sessions and sign-ins.
func (s *Store) DropUser(ctx context.Context, name string) error {
	return s.access(ctx, "drop user", func(ctx context.Context, tx bun.Tx) (bool, error) {
		if _, err := readUser(ctx, tx, name); err != nil {
			return false, err
		}
		return true, dropUser(ctx, tx, name)
	})
}

// dropUser: the foreign keys of memberships, tokens and sessions take those along.
func dropUser(ctx context.Context, tx bun.Tx, name string) error {
	if _, err := tx.NewDelete().Table("logins").Where("user_name = ?", name).Exec(ctx); err != nil {
		return err
	}
	_, err := tx.NewDelete().Table("users").Where("name = ?", name).Exec(ctx)
	return err
}
