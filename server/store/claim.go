package store

import (
	"context"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/uptrace/bun"
)

type claimRow struct {
	bun.BaseModel `bun:"table:claims,alias:claims"`

	Host string `bun:"host,pk"`
	Path string `bun:"path,pk"`
	Team string `bun:"team"`
	App  string `bun:"app"`
}

func (r claimRow) claim() paas.Claim {
	return paas.Claim{Team: r.Team, App: r.App, Host: r.Host, Path: r.Path}
}

// held says who has the route. What another team's app is called is not for everybody.
func held(r paas.Route, holder claimRow, ref paas.AppRef) error {
	if holder.Team != ref.Team {
		return paas.Errorf(paas.Conflict, "Route %s already belongs to another team. Choose another path.", r)
	}
	return paas.Errorf(paas.Conflict, "Route %s already belongs to app %q. Choose another path or remove it there first.", r, holder.App)
}

// Claims lists who holds which route, by host and path.
func (s *Store) Claims(ctx context.Context) ([]paas.Claim, error) {
	var rows []claimRow
	if err := s.read.NewSelect().Model(&rows).Order("host", "path").Scan(ctx); err != nil {
		return nil, failed("list claims", err)
	}
	return convert(rows, claimRow.claim), nil
}
