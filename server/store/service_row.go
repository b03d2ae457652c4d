package store

import (
	"database/sql"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/uptrace/bun"
)

type serviceInstanceRow struct {
	bun.BaseModel `bun:"table:service_instances,alias:service_instances"`

	Team     string                         `bun:"team,pk"`
	Name     string                         `bun:"name,pk"`
	Version  int64                          `bun:"version"`
	Document document[paas.ServiceInstance] `bun:"document"`
}

func toServiceInstanceRow(i paas.ServiceInstance, version int64) serviceInstanceRow {
	i.CreatedAt = stamp(i.CreatedAt)
	return serviceInstanceRow{Team: i.Team, Name: i.Name, Version: version, Document: document[paas.ServiceInstance]{i}}
}

func (r serviceInstanceRow) instance() paas.ServiceInstance {
	r.Document.V.Version = r.Version
	return r.Document.V
}

type bindingRow struct {
	bun.BaseModel `bun:"table:bindings,alias:bindings"`

	Team     string                 `bun:"team,pk"`
	App      string                 `bun:"app,pk"`
	Name     string                 `bun:"name,pk"`
	KeyOf    string                 `bun:"key_of,pk"`
	ID       string                 `bun:"id"`
	Instance string                 `bun:"instance"`
	Version  int64                  `bun:"version"`
	Document document[paas.Binding] `bun:"document"`
}

func toBindingRow(b paas.Binding, version int64) bindingRow {
	b.CreatedAt, b.RotatedAt = stamp(b.CreatedAt), stamp(b.RotatedAt)
	issued := make([]paas.Issued, len(b.Issued))
	for n, i := range b.Issued {
		i.At, i.ExpiresAt, i.RenewBefore = stamp(i.At), stamp(i.ExpiresAt), stamp(i.RenewBefore)
		issued[n] = i
	}
	b.Issued = issued
	row := bindingRow{Team: b.Team, App: b.App, Name: b.Name, ID: b.ID, Instance: b.Instance, Version: version, Document: document[paas.Binding]{b}}
	if b.Key() {
		row.KeyOf = b.Instance
	}
	return row
}

func (r bindingRow) binding() paas.Binding {
	r.Document.V.Version = r.Version
	return r.Document.V
}

func (r bindingRow) owner() paas.AppRef { return paas.AppRef{Team: r.Team, App: r.App} }

type operationRow struct {
	bun.BaseModel `bun:"table:service_operations,alias:service_operations"`

	ID       string                   `bun:"id,pk"`
	Team     string                   `bun:"team"`
	Instance string                   `bun:"instance"`
	Version  int64                    `bun:"version"`
	Document document[paas.Operation] `bun:"document"`
}

func toOperationRow(o paas.Operation, version int64) operationRow {
	o.Until, o.Accepted, o.Called, o.NextAt, o.Created = stamp(o.Until), stamp(o.Accepted), stamp(o.Called), stamp(o.NextAt), stamp(o.Created)
	return operationRow{ID: o.ID, Team: o.Team, Instance: o.Instance, Version: version, Document: document[paas.Operation]{o}}
}

func (r operationRow) operation() paas.Operation {
	r.Document.V.Version = r.Version
	return r.Document.V
}

type providerRow struct {
	bun.BaseModel `bun:"table:service_providers,alias:service_providers"`

	Name     string                  `bun:"name,pk"`
	Version  int64                   `bun:"version"`
	Document document[paas.Provider] `bun:"document"`
}

func toProviderRow(p paas.Provider, version int64) providerRow {
	p.CatalogAt, p.CreatedAt = stamp(p.CatalogAt), stamp(p.CreatedAt)
	return providerRow{Name: p.Name, Version: version, Document: document[paas.Provider]{p}}
}

func (r providerRow) provider() paas.Provider {
	r.Document.V.Version = r.Version
	return r.Document.V
}

// one is nil if a statement wrote the one row it was meant for.
func one(result sql.Result, err error) error {
	if err != nil {
		return err
	}
	n, err := result.RowsAffected()
	if err == nil && n == 0 {
		err = paas.Errorf(paas.Conflict, "Somebody else changed it meanwhile, or has the name. Look at it and try again.")
	}
	return err
}
