package storetest

import (
	"encoding/json"
	"slices"
	"sync"
	"testing"

	"github.com/crumpet-paas/crumpet/server/paas"
)

func serviceInstance(name string) paas.ServiceInstance {
	return paas.ServiceInstance{
		ID: "i-" + name, Team: shop.Team, Name: name, Kind: paas.KindBroker, Provider: "acme", Offering: "queue", Plan: "small",
		OfferingID: "o1", PlanID: "p1", State: paas.ServiceReady, Reason: "ü", Tags: []string{"amqp"}, Facts: map[string]string{"host": "h"},
		Params: 2, CreatedAt: moment, CreatedBy: "ann", ForApp: shop.App,
	}
}

func binding(ref paas.AppRef, name, instance string) paas.Binding {
	return paas.Binding{
		ID: "b-" + ref.App + name + instance, Team: ref.Team, App: ref.App, Name: name, Instance: instance, Kind: paas.KindBroker, Declared: true,
		Bind: paas.Bind{As: paas.AsEnv, Env: "Q_URL"}, State: paas.BindingReady, Generation: 2, Retiring: []int{1},
		Entries: paas.Entries{Type: "queue", Provider: "acme", Keys: []string{"uri"}, URL: "uri"}, Label: "queue", CreatedAt: moment, CreatedBy: "ann",
		RotatedAt: moment, Issued: []paas.Issued{{Generation: 2, ID: "x", At: moment}},
	}
}

func operation(id, instance string) paas.Operation {
	return paas.Operation{
		ID: id, Op: paas.OpProvision, State: paas.OperationCalling, Team: shop.Team, Instance: instance, Kind: paas.KindBroker, Provider: "acme",
		Target: paas.OperationTarget{InstanceID: "i-" + instance, PlanID: "p1"}, Attempt: 3, Called: moment, NextAt: moment, Created: moment, Request: "r",
	}
}

func provider(name string) paas.Provider {
	return paas.Provider{
		Name: name, Kind: paas.KindBroker, URL: "https://b", Username: "u", CatalogAt: moment, CreatedAt: moment, CreatedBy: "root",
		Catalog: paas.Catalog{Offerings: []paas.Offering{{
			ID: "o1", Name: "queue", Metadata: json.RawMessage(`{"a":[1]}`),
			Plans: []paas.ServicePlan{{ID: "p1", Name: "small", Bindable: true, Schemas: paas.PlanSchemas{Create: json.RawMessage(`{}`)}}},
		}}},
	}
}

// unversioned gives rows as they were written.
func unversioned[Row any](f *fixture, rows []Row, err error, version func(*Row) *int64) []Row {
	f.must(err)
	rows = slices.Clone(rows)
	for i := range rows {
		if *version(&rows[i]) == 0 {
			f.Errorf("row %d was read without a version", i)
		}
		*version(&rows[i]) = 0
	}
	return rows
}

func instanceVersion(i *paas.ServiceInstance) *int64 { return &i.Version }
func bindingVersion(b *paas.Binding) *int64          { return &b.Version }
func operationVersion(o *paas.Operation) *int64      { return &o.Version }
func providerVersion(p *paas.Provider) *int64        { return &p.Version }

func services(_ *testing.T, f *fixture) {
	f.save(newApp(shop))
	queue, cache := serviceInstance("queue"), serviceInstance("cache")
	bound, key := binding(shop, "q", "queue"), binding(paas.AppRef{Team: shop.Team}, "admin", "queue")
	twin := binding(paas.AppRef{Team: shop.Team}, "admin", "cache") // a key of one name, of another instance
	first := operation("op1", "queue")
	f.drain()
	f.must(f.SaveServices(f.ctx, 0, paas.ServiceChange{
		Instances: []paas.ServiceInstance{queue, cache}, Bindings: []paas.Binding{bound, key, twin}, Operations: []paas.Operation{first},
		Providers: []paas.Provider{provider("acme")}, Events: []paas.Event{event(shop, "made")}, Touched: []paas.AppRef{other},
	}))
	told := f.drain()
	for _, ref := range []paas.AppRef{shop, other, {}} {
		if !slices.Contains(told, ref) {
			f.Errorf("notified of %v, want %v among them", told, ref)
		}
	}
	f.restart()
	list := func(team string) []paas.ServiceInstance {
		rows, err := f.ServiceInstances(f.ctx, team)
		return unversioned(f, rows, err, instanceVersion)
	}
	f.equal("instances", list(shop.Team), []paas.ServiceInstance{cache, queue})
	f.equal("of all teams", list(""), []paas.ServiceInstance{cache, queue})
	f.equal("of another team", list("nobody"), []paas.ServiceInstance{})
	d, err := f.ServiceDetail(f.ctx, shop.Team, "queue")
	f.must(err)
	f.equal("bindings of the instance", unversioned(f, d.Bindings, nil, bindingVersion), []paas.Binding{bound})
	f.equal("its keys", unversioned(f, d.Keys, nil, bindingVersion), []paas.Binding{key})
	f.equal("its operations", unversioned(f, d.Operations, nil, operationVersion), []paas.Operation{first})
	_, err = f.ServiceDetail(f.ctx, shop.Team, "none")
	f.code(err, paas.NotFound)
	snap, err := f.Snapshot(f.ctx, shop)
	f.must(err)
	f.equal("bindings in a snapshot", unversioned(f, snap.Bindings, nil, bindingVersion), []paas.Binding{bound})
	rows, err := f.Bindings(f.ctx, shop)
	f.equal("bindings of an app", unversioned(f, rows, err, bindingVersion), []paas.Binding{bound})
	rows, err = f.Bindings(f.ctx, paas.AppRef{})
	f.equal("all bindings", unversioned(f, rows, err, bindingVersion), []paas.Binding{twin, key, bound})
	operations, err := f.Operations(f.ctx)
	f.equal("operations", unversioned(f, operations, err, operationVersion), []paas.Operation{first})
	providers, err := f.ServiceProviders(f.ctx)
	f.equal("providers", unversioned(f, providers, err, providerVersion), []paas.Provider{provider("acme")})

	events, err := f.Events(f.ctx, paas.EventFilter{App: shop.App})
	f.must(err)
	f.equal("events", len(events), 1)

	// What is dropped frees its name in the same transaction.
	replacement := d.Instance
	replacement.Version, replacement.ID = 0, "again"
	f.must(f.SaveServices(f.ctx, 0, paas.ServiceChange{
		DropInstances: []paas.ServiceInstance{d.Instance}, Instances: []paas.ServiceInstance{replacement},
		DropBindings: d.Bindings, DropOperations: operations, DropProviders: providers,
	}))
	d, err = f.ServiceDetail(f.ctx, shop.Team, "queue")
	f.must(err)
	f.equal("replaced", d.Instance.ID, "again")
	f.equal("dropped", len(d.Bindings)+len(d.Operations), 0)
}

func serviceConflicts(_ *testing.T, f *fixture) {
	epoch, err := f.Lead(f.ctx)
	f.must(err)
	queue := serviceInstance("queue")
	f.must(f.SaveServices(f.ctx, epoch, paas.ServiceChange{Instances: []paas.ServiceInstance{queue}, Operations: []paas.Operation{operation("op1", "queue")}}))
	f.code(f.SaveServices(f.ctx, 0, paas.ServiceChange{Instances: []paas.ServiceInstance{queue}}), paas.Conflict)
	d, err := f.ServiceDetail(f.ctx, shop.Team, "queue")
	f.must(err)
	changed, stale := d.Instance, d.Instance
	changed.Reason = "changed"
	f.must(f.SaveServices(f.ctx, epoch, paas.ServiceChange{Instances: []paas.ServiceInstance{changed}}))
	stale.Reason = "stale"
	f.code(f.SaveServices(f.ctx, epoch, paas.ServiceChange{Instances: []paas.ServiceInstance{stale}, Operations: []paas.Operation{operation("op2", "queue")}}), paas.Conflict)
	f.code(f.SaveServices(f.ctx, epoch, paas.ServiceChange{DropInstances: []paas.ServiceInstance{stale}, DropOperations: d.Operations}), paas.Conflict)
	_, err = f.Lead(f.ctx)
	f.must(err)
	f.code(f.SaveServices(f.ctx, epoch, paas.ServiceChange{DropOperations: d.Operations}), paas.Conflict)
	d, err = f.ServiceDetail(f.ctx, shop.Team, "queue")
	f.must(err)
	f.equal("what was refused left nothing", []any{d.Instance.Reason, len(d.Operations)}, []any{"changed", 1})
	f.must(f.SaveServices(f.ctx, 0, paas.ServiceChange{DropInstances: []paas.ServiceInstance{d.Instance}}))
	f.must(f.SaveServices(f.ctx, 0, paas.ServiceChange{Instances: []paas.ServiceInstance{queue}}))
	f.code(f.SaveServices(f.ctx, 0, paas.ServiceChange{Instances: []paas.ServiceInstance{d.Instance}}), paas.Conflict)
}

// Of many who want one name, one gets it.
func serviceRace(_ *testing.T, f *fixture) {
	const writers = 8
	codes := make([]paas.Code, writers)
	var all sync.WaitGroup
	for n := range writers {
		all.Go(func() {
			codes[n] = paas.CodeOf(f.SaveServices(f.ctx, 0, paas.ServiceChange{Instances: []paas.ServiceInstance{serviceInstance("queue")}}))
		})
	}
	all.Wait()
	won := 0
	for _, code := range codes {
		if code == "" {
			won++
		} else if code != paas.Conflict {
			f.Errorf("a loser was told %q", code)
		}
	}
	f.equal("winners", won, 1)
}

// serviceOfTeam: a team that goes while a service instance is made in it either stays with that, or is gone
// without it.
func serviceOfTeam(_ *testing.T, f *fixture) {
	of := func(team string) paas.ServiceChange {
		i := serviceInstance("queue")
		i.Team = team
		return paas.ServiceChange{Instances: []paas.ServiceInstance{i}}
	}
	f.code(f.SaveServices(f.ctx, 0, of("red")), paas.NotFound)
	for round := range 20 {
		f.team("red")
		var made, dropped error
		var both sync.WaitGroup
		both.Go(func() { made = f.SaveServices(f.ctx, 0, of("red")) })
		both.Go(func() { dropped = f.DropTeam(f.ctx, "red") })
		both.Wait()
		list, err := f.ServiceInstances(f.ctx, "red")
		f.must(err)
		switch {
		case made == nil && paas.CodeOf(dropped) == paas.Conflict && len(list) == 1:
			f.must(f.SaveServices(f.ctx, 0, paas.ServiceChange{DropInstances: list}))
			f.must(f.DropTeam(f.ctx, "red"))
		case paas.CodeOf(made) == paas.NotFound && dropped == nil && len(list) == 0:
		default:
			f.Fatalf("round %d: made: %v, team dropped: %v, instances: %d", round, made, dropped, len(list))
		}
	}
}
