package store

import (
	"context"
	"slices"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/uptrace/bun"
)

// ServiceProviders lists the providers of services, by name.
func (s *Store) ServiceProviders(ctx context.Context) ([]paas.Provider, error) {
	var rows []providerRow
	if err := s.read.NewSelect().Model(&rows).Order("name").Scan(ctx); err != nil {
		return nil, failed("list service providers", err)
	}
	return convert(rows, providerRow.provider), nil
}

// ServiceInstances lists the instances of a team, of all teams where it is "", by team and name.
func (s *Store) ServiceInstances(ctx context.Context, team string) ([]paas.ServiceInstance, error) {
	var rows []serviceInstanceRow
	q := s.read.NewSelect().Model(&rows).Order("team", "name")
	if team != "" {
		q = q.Where("team = ?", team)
	}
	if err := q.Scan(ctx); err != nil {
		return nil, failed("list service instances", err)
	}
	return convert(rows, serviceInstanceRow.instance), nil
}

// ServiceDetail gives one instance with its bindings, keys and operations, all of one moment.
func (s *Store) ServiceDetail(ctx context.Context, team, name string) (paas.ServiceDetail, error) {
	var d paas.ServiceDetail
	err := s.view(ctx, "read service instance", func(ctx context.Context, tx bun.Tx) error {
		d = paas.ServiceDetail{}
		var instance serviceInstanceRow
		if err := tx.NewSelect().Model(&instance).Where("team = ? AND name = ?", team, name).Scan(ctx); err != nil {
			return missing(err, "Team %q has no service instance %q. `crumpet services list` shows those there are.", team, name)
		}
		d.Instance = instance.instance()
		var bindings []bindingRow
		if err := tx.NewSelect().Model(&bindings).Where("team = ? AND instance = ?", team, name).Order("app", "name").Scan(ctx); err != nil {
			return err
		}
		for _, b := range convert(bindings, bindingRow.binding) {
			if b.Key() {
				d.Keys = append(d.Keys, b)
			} else {
				d.Bindings = append(d.Bindings, b)
			}
		}
		var operations []operationRow
		if err := tx.NewSelect().Model(&operations).Where("team = ? AND instance = ?", team, name).Order("id").Scan(ctx); err != nil {
			return err
		}
		d.Operations = sorted(operations)
		return nil
	})
	return d, err
}

// Bindings lists those of one app by name; where ref is empty those of all apps, and keys, by team, app,
// name and instance.
func (s *Store) Bindings(ctx context.Context, ref paas.AppRef) ([]paas.Binding, error) {
	var rows []bindingRow
	q := s.read.NewSelect().Model(&rows).Order("team", "app", "name", "key_of")
	if ref != (paas.AppRef{}) {
		q = ofApp(q, ref)
	}
	if err := q.Scan(ctx); err != nil {
		return nil, failed("list bindings", err)
	}
	return convert(rows, bindingRow.binding), nil
}

// Operations lists the rows of the journal, oldest first: none has ended.
func (s *Store) Operations(ctx context.Context) ([]paas.Operation, error) {
	var rows []operationRow
	if err := s.read.NewSelect().Model(&rows).Order("id").Scan(ctx); err != nil {
		return nil, failed("list service operations", err)
	}
	return sorted(rows), nil
}

func sorted(rows []operationRow) []paas.Operation {
	list := convert(rows, operationRow.operation)
	slices.SortStableFunc(list, func(a, b paas.Operation) int { return a.Created.Compare(b.Created) })
	return list
}

// SaveServices writes the rows of a change, all or none, with the events that tell of it. Codes: conflict, a
// row is not as it was read or its name is taken, or the epoch is past; not_found, a new instance is of a team
// that is not there.
func (s *Store) SaveServices(ctx context.Context, epoch int64, c paas.ServiceChange) error {
	return s.update(ctx, "save services", func(ctx context.Context, tx bun.Tx) ([]touch, error) {
		if err := fenced(ctx, tx, epoch); err != nil {
			return nil, err
		}
		for _, i := range c.Instances {
			if i.Version != 0 {
				continue
			}
			if _, err := stays(ctx, tx, i.Team); err != nil {
				return nil, err
			}
		}
		// One counter for all rows: a row that was dropped and made again never meets an old version. It makes
		// these transactions commit one after the other, too.
		version, err := next(ctx, tx, "services")
		if err != nil {
			return nil, err
		}
		for _, write := range serviceWrites(c, version) {
			if err := write(ctx, tx); err != nil {
				return nil, err
			}
		}
		touched := told(c.Touched...)
		for _, b := range slices.Concat(c.Bindings, c.DropBindings) {
			if !b.Key() {
				touched = append(touched, changed(b.Ref())...)
			}
		}
		of, err := insertEvents(ctx, tx, c.Events)
		return slices.Concat(touched, of, []touch{{}}), err // the last: the leader looks at the journal
	})
}

// serviceWrites are the single writes of a change. What goes, goes first: its name may be taken again.
func serviceWrites(c paas.ServiceChange, version int64) []func(context.Context, bun.Tx) error {
	var list []func(context.Context, bun.Tx) error
	for _, i := range c.DropInstances {
		list = append(list, dropRow(toServiceInstanceRow(i, 0), i.Version))
	}
	for _, b := range c.DropBindings {
		list = append(list, dropRow(toBindingRow(b, 0), b.Version))
	}
	for _, o := range c.DropOperations {
		list = append(list, dropRow(toOperationRow(o, 0), o.Version))
	}
	for _, p := range c.DropProviders {
		list = append(list, dropRow(toProviderRow(p, 0), p.Version))
	}
	for _, i := range c.Instances {
		list = append(list, putRow(toServiceInstanceRow(i, version), i.Version))
	}
	for _, b := range c.Bindings {
		list = append(list, putRow(toBindingRow(b, version), b.Version))
	}
	for _, o := range c.Operations {
		list = append(list, putRow(toOperationRow(o, version), o.Version))
	}
	for _, p := range c.Providers {
		list = append(list, putRow(toProviderRow(p, version), p.Version))
	}
	return list
}

// putRow inserts a row that was never read, and replaces the one that was.
func putRow[Row any](row Row, read int64) func(context.Context, bun.Tx) error {
	return func(ctx context.Context, tx bun.Tx) error {
		if read == 0 {
			result, err := tx.NewInsert().Model(&row).On("CONFLICT DO NOTHING").Returning("NULL").Exec(ctx)
			return one(result, err)
		}
		result, err := tx.NewUpdate().Model(&row).WherePK().Where("version = ?", read).Exec(ctx)
		return one(result, err)
	}
}

func dropRow[Row any](row Row, read int64) func(context.Context, bun.Tx) error {
	return func(ctx context.Context, tx bun.Tx) error {
		result, err := tx.NewDelete().Model(&row).WherePK().Where("version = ?", read).Exec(ctx)
		return one(result, err)
	}
}
