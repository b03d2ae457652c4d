package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/uptrace/bun"
)

type hostRow struct {
	bun.BaseModel `bun:"table:hosts,alias:hosts"`

	Host      string    `bun:"host,pk"`
	Team      string    `bun:"team"`
	CreatedAt time.Time `bun:"created_at"`
	CreatedBy string    `bun:"created_by"`
}

func toHostRow(h paas.Host) hostRow {
	return hostRow{Host: h.Host, Team: h.Team, CreatedAt: stamp(h.CreatedAt), CreatedBy: h.CreatedBy}
}

type shareRow struct {
	bun.BaseModel `bun:"table:host_shares,alias:host_shares"`

	Host string `bun:"host,pk"`
	Team string `bun:"team,pk"`
}

// Hosts lists hosts by name, with the teams they are shared with.
func (s *Store) Hosts(ctx context.Context) ([]paas.Host, error) {
	var list []paas.Host
	err := s.view(ctx, "list hosts", func(ctx context.Context, tx bun.Tx) (err error) {
		list, err = readHosts(ctx, tx, func(q *bun.SelectQuery) *bun.SelectQuery { return q })
		return err
	})
	return list, err
}

// readHosts gives some hosts by name; which narrows a query over a table with a column host.
func readHosts(ctx context.Context, tx bun.Tx, which func(*bun.SelectQuery) *bun.SelectQuery) ([]paas.Host, error) {
	var rows []hostRow
	if err := which(tx.NewSelect().Model(&rows)).Order("host").Scan(ctx); err != nil {
		return nil, err
	}
	var shares []shareRow
	if err := which(tx.NewSelect().Model(&shares)).Order("host", "team").Scan(ctx); err != nil {
		return nil, err
	}
	list, with := make([]paas.Host, 0, len(rows)), map[string][]string{}
	for _, r := range shares {
		with[r.Host] = append(with[r.Host], r.Team)
	}
	for _, r := range rows {
		list = append(list, paas.Host{Host: r.Host, Team: r.Team, Shared: with[r.Host], CreatedAt: stamp(r.CreatedAt), CreatedBy: r.CreatedBy})
	}
	return list, nil
}

// about narrows to the hosts that can have a say in who may use a name.
func about(name string) func(*bun.SelectQuery) *bun.SelectQuery {
	return func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.WhereGroup(" AND ", func(q *bun.SelectQuery) *bun.SelectQuery {
			q = q.Where("host IN (?)", bun.List(paas.Relatives(name)))
			if below, wildcard := strings.CutPrefix(name, "*"); wildcard {
				q = q.WhereOr("host LIKE ?", "%"+below) // a host holds neither % nor _
			}
			return q
		})
	}
}

// claimHosts makes the team own the hosts that are nobody's yet. Code conflict where another team's stands
// against one. Whoever saves holds the counter of versions, so no other claims meanwhile. The events tell the
// team of those that are new.
func claimHosts(ctx context.Context, tx bun.Tx, c paas.Change) (told []paas.Event, err error) {
	if !c.SetClaims || c.Delete {
		return nil, nil
	}
	at := time.Now()
	for _, r := range c.Claims {
		hosts, err := readHosts(ctx, tx, about(r.Host))
		if err != nil {
			return nil, err
		}
		if taken, ok := paas.HostAgainst(c.Ref.Team, r.Host, hosts); ok {
			return nil, paas.HostTaken(r.Host, taken, paas.Sight{Teams: []string{c.Ref.Team}})
		}
		if paas.Lent(c.Ref.Team, r.Host, hosts) {
			continue
		}
		row := toHostRow(paas.Host{Host: r.Host, Team: c.Ref.Team, CreatedAt: at, CreatedBy: c.By})
		result, err := tx.NewInsert().Model(&row).On("CONFLICT (host) DO NOTHING").Returning("NULL").Exec(ctx)
		if err != nil {
			return nil, err
		}
		n, err := result.RowsAffected()
		if err != nil {
			return nil, err
		}
		if n > 0 {
			told = append(told, paas.TeamChanged(at, c.Ref.Team, c.By, fmt.Sprintf("%s claimed host %s for app %s", cmp.Or(c.By, "Crumpet"), r.Host, c.Ref.App)))
		}
	}
	return told, nil
}

// ShareHost opens a host of a team to the routes of another, or ends that. Codes: not_found when the team has
// no such host or the other team is not there, conflict while the other has a route by it.
func (s *Store) ShareHost(ctx context.Context, team, host, with string, shared bool) error {
	return s.update(ctx, "share host", func(ctx context.Context, tx bun.Tx) ([]touch, error) {
		one, err := ownHost(ctx, tx, team, host)
		if err != nil {
			return nil, err
		}
		row := shareRow{Host: host, Team: with}
		if shared {
			if _, err := readTeam(ctx, tx, with); err != nil {
				return nil, err
			}
			_, err = tx.NewInsert().Model(&row).On("CONFLICT (host, team) DO NOTHING").Returning("NULL").Exec(ctx)
			return nil, err
		}
		standing, err := routesBy(ctx, tx, one, func(c claimRow) bool { return c.Team == with })
		if err != nil {
			return nil, err
		}
		if len(standing) > 0 {
			return nil, paas.Errorf(paas.Conflict, "Host %s is still shared with team %q: it has routes there, of %s. It takes those away first.", host, with, strings.Join(standing, ", "))
		}
		_, err = tx.NewDelete().Model(&row).WherePK().Exec(ctx)
		return nil, err
	})
}

// DropHost gives up a host of a team. Codes: not_found when the team has no such host, conflict while a route
// stands on it, or one of another team by it.
func (s *Store) DropHost(ctx context.Context, team, host string) error {
	return s.update(ctx, "release host", func(ctx context.Context, tx bun.Tx) ([]touch, error) {
		one, err := ownHost(ctx, tx, team, host)
		if err != nil {
			return nil, err
		}
		standing, err := routesBy(ctx, tx, one, func(c claimRow) bool { return c.Team != team || c.Host == host })
		if err != nil {
			return nil, err
		}
		if len(standing) > 0 {
			return nil, paas.Errorf(paas.Conflict, "Host %s still has routes, of %s. Take those away first.", host, strings.Join(standing, ", "))
		}
		_, err = tx.NewDelete().Table("hosts").Where("host = ?", host).Exec(ctx)
		return nil, err
	})
}

// ownHost gives a host of a team, with nobody claiming any until the transaction has ended.
func ownHost(ctx context.Context, tx bun.Tx, team, host string) (paas.Host, error) {
	if _, err := next(ctx, tx, "version"); err != nil {
		return paas.Host{}, err
	}
	hosts, err := readHosts(ctx, tx, func(q *bun.SelectQuery) *bun.SelectQuery { return q.Where("host = ?", host) })
	if err != nil {
		return paas.Host{}, err
	}
	if len(hosts) == 0 || hosts[0].Team != team {
		return paas.Host{}, paas.Errorf(paas.NotFound, "Team %q has no host %s. `crumpet hosts list --team %s` shows those it has.", team, host, team)
	}
	return hosts[0], nil
}

// routesBy names the apps, of those that are asked for, that have a route by virtue of a host: on it, or on
// one that belongs with it.
func routesBy(ctx context.Context, tx bun.Tx, h paas.Host, asked func(claimRow) bool) ([]string, error) {
	var rows []claimRow
	q := tx.NewSelect().Model(&rows).Order("team", "app")
	if err := about(h.Host)(q).Scan(ctx); err != nil {
		return nil, err
	}
	var names []string
	for _, c := range rows {
		// Somebody without any right to the host: would it stand against the route?
		if _, by := paas.HostAgainst("", c.Host, []paas.Host{{Host: h.Host, Team: h.Team}}); by && asked(c) {
			names = append(names, "app \""+c.App+"\" of team \""+c.Team+"\"")
		}
	}
	return slices.Compact(names), nil
}
