package store

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/uptrace/bun"
)

type memberRow struct {
	bun.BaseModel `bun:"table:members,alias:members"`

	Team      string    `bun:"team,pk"`
	User      string    `bun:"user_name,pk"`
	Role      string    `bun:"role"`
	Source    string    `bun:"source"`
	CreatedAt time.Time `bun:"created_at"`
	CreatedBy string    `bun:"created_by"`
}

func (r memberRow) member() paas.Member {
	return paas.Member{Team: r.Team, User: r.User, Role: paas.Role(r.Role), Source: r.Source, CreatedAt: stamp(r.CreatedAt), CreatedBy: r.CreatedBy}
}

// Members lists the members of a team, or the memberships of a user, by team and user; "" for all.
func (s *Store) Members(ctx context.Context, team, user string) ([]paas.Member, error) {
	rows, err := readMembers(ctx, s.read, team, user)
	if err != nil {
		return nil, failed("list members", err)
	}
	return convert(rows, memberRow.member), nil
}

func readMembers(ctx context.Context, db bun.IDB, team, user string) (rows []memberRow, err error) {
	q := db.NewSelect().Model(&rows).Order("team", "user_name")
	if team != "" {
		q = q.Where("team = ?", team)
	}
	if user != "" {
		q = q.Where("user_name = ?", user)
	}
	return rows, q.Scan(ctx)
}

// PutMember makes a user a member of a team, or gives a member another role and source; when it became one
// stays. Code not_found when the team or the user is not there.
func (s *Store) PutMember(ctx context.Context, m paas.Member) error {
	return s.access(ctx, "write member", func(ctx context.Context, tx bun.Tx) (bool, error) {
		if _, err := readUser(ctx, tx, m.User); err != nil {
			return false, err
		}
		return true, putMember(ctx, tx, m)
	})
}

func putMember(ctx context.Context, tx bun.Tx, m paas.Member) error {
	if _, err := readTeam(ctx, tx, m.Team); err != nil {
		return err
	}
	row := memberRow{Team: m.Team, User: m.User, Role: string(m.Role), Source: m.Source, CreatedAt: stamp(m.CreatedAt), CreatedBy: m.CreatedBy}
	_, err := tx.NewInsert().Model(&row).On("CONFLICT (team, user_name) DO UPDATE").
		Set("role = EXCLUDED.role").Set("source = EXCLUDED.source").Returning("NULL").Exec(ctx)
	return err
}

// DropMember ends a membership.
func (s *Store) DropMember(ctx context.Context, team, user string) error {
	return s.access(ctx, "drop member", func(ctx context.Context, tx bun.Tx) (bool, error) {
		result, err := tx.NewDelete().Table("members").Where("team = ?", team).Where("user_name = ?", user).Exec(ctx)
		return true, met(result, err, "%q is no member of team %q.", user, team)
	})
}

// PutGroups makes the memberships that a user has by groups of a provider those of the list, and says
// whether any changed; the teams are told of those. Those of other sources stay, and win in their team; a team that is not there is
// passed over.
func (s *Store) PutGroups(ctx context.Context, user, provider string, want []paas.Member) (differ bool, err error) {
	err = s.accessTold(ctx, "write members of groups", func(ctx context.Context, tx bun.Tx) (bool, []paas.Event, error) {
		var events []paas.Event
		became := func(before, after *paas.Member) {
			differ = true
			events = append(events, paas.TeamChanged(time.Now(), cmp.Or(after, before).Team, provider, paas.TellMember(provider, before, after)))
		}
		differ = false
		if _, err := readUser(ctx, tx, user); err != nil {
			return false, nil, err
		}
		rows, err := readMembers(ctx, tx, "", user)
		if err != nil {
			return false, nil, err
		}
		wanted := func(team string) bool {
			return slices.ContainsFunc(want, func(m paas.Member) bool { return m.Team == team })
		}
		has := map[string]memberRow{}
		for _, r := range rows {
			if strings.HasPrefix(r.Source, provider+":") && !wanted(r.Team) {
				if _, err := tx.NewDelete().Model(&r).WherePK().Exec(ctx); err != nil {
					return false, nil, err
				}
				became(new(r.member()), nil)
			}
			has[r.Team] = r
		}
		for _, m := range want {
			r, there := has[m.Team]
			if there && (!strings.HasPrefix(r.Source, provider+":") || r.Role == string(m.Role) && r.Source == m.Source) {
				continue
			}
			m.User = user
			switch err := putMember(ctx, tx, m); {
			case paas.CodeOf(err) == paas.NotFound:
			case err != nil:
				return false, nil, err
			case there:
				became(new(r.member()), &m)
			default:
				became(nil, &m)
			}
		}
		return differ, events, nil
	})
	return differ, err
}
