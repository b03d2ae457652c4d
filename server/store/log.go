package store

import (
	"context"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Instances gives the instances of an app, of the zero ref those of all apps: also the ended ones, as
// long as Nomad knows them.
func (s *Store) Instances(ctx context.Context, ref paas.AppRef) ([]paas.Instance, error) {
	var rows []instanceRow
	q := s.read.NewSelect().Model(&rows).Order("created_at", "id")
	if ref != (paas.AppRef{}) {
		q = ofApp(q, ref)
	}
	if err := q.Scan(ctx); err != nil {
		return nil, failed("list instances", err)
	}
	return convert(rows, instanceRow.instance), nil
}
