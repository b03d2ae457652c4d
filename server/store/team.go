package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/uptrace/bun"
)

type teamRow struct {
	bun.BaseModel `bun:"table:teams,alias:teams"`

	Name        string                   `bun:"name,pk"`
	Description string                   `bun:"description"`
	Quota       document[paas.TeamQuota] `bun:"quota"`
	CreatedAt   time.Time                `bun:"created_at"`
	CreatedBy   string                   `bun:"created_by"`
}

func toTeamRow(t paas.Team) teamRow {
	return teamRow{Name: t.Name, Description: t.Description, Quota: document[paas.TeamQuota]{t.Quota}, CreatedAt: stamp(t.CreatedAt), CreatedBy: t.CreatedBy}
}

func (r teamRow) team() paas.Team {
	return paas.Team{Name: r.Name, Description: r.Description, Quota: r.Quota.V, CreatedAt: stamp(r.CreatedAt), CreatedBy: r.CreatedBy}
}

func readTeam(ctx context.Context, db bun.IDB, name string) (paas.Team, error) {
	var row teamRow
	err := db.NewSelect().Model(&row).Where("name = ?", name).Scan(ctx)
	return row.team(), missing(err, "There is no team %q. An admin makes it with `crumpet teams create %s`.", name, name)
}

// Teams lists all teams by name.
func (s *Store) Teams(ctx context.Context) ([]paas.Team, error) {
	var rows []teamRow
	if err := s.read.NewSelect().Model(&rows).Order("name").Scan(ctx); err != nil {
		return nil, failed("list teams", err)
	}
	return convert(rows, teamRow.team), nil
}

// Team gives a team by name.
func (s *Store) Team(ctx context.Context, name string) (paas.Team, error) {
	t, err := readTeam(ctx, s.read, name)
	if err != nil {
		return paas.Team{}, failed("read team", err)
	}
	return t, nil
}

// AddTeam adds a team with its first members, who must be there. Code conflict when the name is taken.
func (s *Store) AddTeam(ctx context.Context, t paas.Team, members ...paas.Member) error {
	return s.access(ctx, "write team", func(ctx context.Context, tx bun.Tx) (bool, error) {
		row := toTeamRow(t)
		_, err := tx.NewInsert().Model(&row).Returning("NULL").Exec(ctx)
		if taken(err) {
			return false, paas.Errorf(paas.Conflict, "There is a team %q already. Choose another name.", t.Name)
		}
		if err != nil {
			return false, err
		}
		for _, m := range members {
			m.Team = t.Name
			if _, err := readUser(ctx, tx, m.User); err != nil {
				return false, err
			}
			if err := putMember(ctx, tx, m); err != nil {
				return false, err
			}
		}
		return true, nil
	})
}

// ChangeTeam has fn change a team, and gives what became of it. Between fn's reading and the write nobody
// else changes the team; fn may be called more than once. The name and when it was made stay.
func (s *Store) ChangeTeam(ctx context.Context, name string, fn func(t *paas.Team) error) (paas.Team, error) {
	var now paas.Team
	err := s.access(ctx, "change team", func(ctx context.Context, tx bun.Tx) (bool, error) {
		before, err := readTeam(ctx, tx, name)
		if err != nil {
			return false, err
		}
		now = before
		if err := fn(&now); err != nil {
			return false, err
		}
		now.Name, now.CreatedAt, now.CreatedBy = before.Name, before.CreatedAt, before.CreatedBy
		row := toTeamRow(now)
		_, err = tx.NewUpdate().Model(&row).WherePK().Exec(ctx)
		return false, err
	})
	if err != nil {
		return paas.Team{}, err
	}
	return now, nil
}

// DropTeam takes away a team that owns nothing any more, with its memberships and its bots. Code conflict
// while there is an app, a service instance, a binding, a volume or a host.
func (s *Store) DropTeam(ctx context.Context, name string) error {
	return s.access(ctx, "drop team", func(ctx context.Context, tx bun.Tx) (bool, error) {
		if _, err := readTeam(ctx, tx, name); err != nil {
			return false, err
		}
		// Whoever makes an app or a service instance in the team reads this row until it is committed: from here
		// on nobody does.
		if _, err := tx.NewUpdate().Table("teams").Set("name = name").Where("name = ?", name).Exec(ctx); err != nil {
			return false, err
		}
		var left []string
		for _, of := range []struct{ table, noun string }{
			{"apps", "apps"}, {"service_instances", "service instances"}, {"bindings", "bindings"}, {"volumes", "volumes"}, {"hosts", "hosts"},
		} {
			n, err := tx.NewSelect().Table(of.table).Where("team = ?", name).Count(ctx)
			if err != nil {
				return false, err
			}
			if n > 0 {
				left = append(left, fmt.Sprintf("%s: %d", of.noun, n))
			}
		}
		if len(left) > 0 {
			return false, paas.Errorf(paas.Conflict, "Team %q still owns something (%s). Destroy that first.", name, strings.Join(left, ", "))
		}
		var bots []string
		err := tx.NewSelect().Table("users").Column("users.name").Join("JOIN members ON members.user_name = users.name").
			Where("members.team = ?", name).Where("users.kind = ?", string(paas.Bot)).Scan(ctx, &bots)
		if err != nil {
			return false, err
		}
		for _, bot := range bots {
			if err := dropUser(ctx, tx, bot); err != nil {
				return false, err
			}
		}
		_, err = tx.NewDelete().Table("teams").Where("name = ?", name).Exec(ctx)
		return true, err
	})
}
