package apitest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Services implements api.Services, api.Bindings and api.Providers. What is begun is done at the second look
// at its instance; an instance called broken fails, one called slow stays as it is.
type Services struct {
	*Platform
	instances []paas.ServiceInstance
	bindings  []paas.Binding // of apps, and keys
	providers []paas.Provider
	secrets   map[string]map[string]paas.Secret // of keys, by id
	added     []paas.ProviderAdd
	created   []paas.ServiceCreate
	next      int
}

// newServices begins with a database server, a broker, and a broker that does not answer.
func newServices(p *Platform) *Services {
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	plan := func(name string) paas.ServicePlan {
		return paas.ServicePlan{ID: name, Name: name, Description: "A " + name + " one", Free: name == "small", Bindable: true, PlanUpdateable: true}
	}
	cache := plan("small")
	cache.Schemas.Create = json.RawMessage(`{"$schema":"http://json-schema.org/draft-07/schema#","type":"object"}`)
	return &Services{
		Platform: p, secrets: map[string]map[string]paas.Secret{},
		providers: []paas.Provider{
			{Name: "acme", Kind: paas.KindBroker, URL: "https://broker.example.com", Username: "crumpet", CatalogAt: at, CreatedAt: at, CreatedBy: "root", Catalog: paas.Catalog{Offerings: []paas.Offering{
				{ID: "o2", Name: "cache", Description: "A cache", Tags: []string{"redis"}, Plans: []paas.ServicePlan{cache}},
			}}},
			{Name: "dev", Kind: paas.KindPostgres, URL: "postgres://127.0.0.1:5432/postgres", Username: "admin", CatalogAt: at, CreatedAt: at, CreatedBy: "root", Catalog: paas.Catalog{Offerings: []paas.Offering{
				{ID: "o1", Name: "postgres", Description: "A database of its own", Tags: []string{"postgresql"}, Plans: []paas.ServicePlan{plan("small"), plan("large")}},
			}}},
			{Name: "lab", Kind: paas.KindBroker, URL: "https://lab.example.com", Username: "crumpet", Reason: "The broker does not answer (connection refused)", CreatedAt: at, CreatedBy: "root", Catalog: paas.Catalog{Offerings: []paas.Offering{
				{ID: "o3", Name: "search", Description: "A search index", Plans: []paas.ServicePlan{plan("small")}},
			}}},
		},
	}
}

func (s *Services) id() string {
	s.next++
	return fmt.Sprintf("s%07d", s.next)
}

func (s *Services) Catalog(context.Context) (list []paas.Offered, err error) {
	s.locked(func() {
		for _, p := range s.providers {
			for _, o := range p.Catalog.Offerings {
				list = append(list, paas.Offered{Provider: p.Name, Kind: p.Kind, Absent: p.Absent, Offering: o})
			}
		}
	})
	return list, nil
}

func (s *Services) find(team, name string) (*paas.ServiceInstance, error) {
	i := slices.IndexFunc(s.instances, func(i paas.ServiceInstance) bool { return i.Team == team && i.Name == name })
	if i < 0 {
		return nil, paas.Errorf(paas.NotFound, "Team %q has no service instance %q. `crumpet services list` lists those there are.", team, name)
	}
	return &s.instances[i], nil
}

func (s *Services) detail(i paas.ServiceInstance) paas.ServiceDetail {
	d := paas.ServiceDetail{Instance: i}
	for _, b := range s.bindings {
		switch {
		case b.Team != i.Team || b.Instance != i.Name:
		case b.Key():
			d.Keys = append(d.Keys, b)
		default:
			d.Bindings = append(d.Bindings, b)
		}
	}
	if i.State != paas.ServiceReady && i.State != paas.ServiceFailed {
		op := map[paas.ServiceState]paas.BrokerOp{paas.ServiceCreating: paas.OpProvision, paas.ServiceUpdating: paas.OpUpdate, paas.ServiceDeleting: paas.OpDeprovision}[i.State]
		d.Operations = []paas.Operation{{ID: "op-" + i.ID, Op: op, State: paas.OperationAccepted, Team: i.Team, Instance: i.Name, Attempt: 1, Reason: i.Reason, Created: i.CreatedAt}}
	}
	return d
}

func (s *Services) List(_ context.Context, team string) (list []paas.ServiceDetail, err error) {
	s.locked(func() {
		for _, i := range s.instances {
			if i.Team == team {
				list = append(list, s.detail(i))
			}
		}
	})
	return list, nil
}

// Show shows an instance, and has what was begun done by the next look.
func (s *Services) Show(_ context.Context, team, name string) (d paas.ServiceDetail, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, err := s.find(team, name)
	if err != nil {
		return d, err
	}
	d = s.detail(*i)
	if name == "slow" {
		return d, nil
	}
	if i.State != paas.ServiceReady && i.State != paas.ServiceFailed {
		s.emit(paas.Event{Team: team, Kind: paas.EventServiceChanged, Message: fmt.Sprintf("Service instance %q is done.", name)})
	}
	switch i.State {
	case paas.ServiceCreating:
		i.State = paas.ServiceReady
		if name == "broken" {
			i.State, i.Reason = paas.ServiceFailed, "Broker \"acme\" says: no room"
		}
	case paas.ServiceUpdating:
		i.State = paas.ServiceReady
	case paas.ServiceDeleting:
		s.instances = slices.DeleteFunc(s.instances, func(i paas.ServiceInstance) bool { return i.Team == team && i.Name == name })
	case paas.ServiceReady, paas.ServiceFailed:
	}
	s.settle(team, name)
	return d, nil
}

// settle has the bindings of an instance that were begun ready, and old generations gone.
func (s *Services) settle(team, instance string) {
	for n := range s.bindings {
		b := &s.bindings[n]
		if b.Team != team || b.Instance != instance {
			continue
		}
		if b.State == paas.BindingPending && instance != "slow" {
			b.State, b.Generation, b.RotatedAt = paas.BindingReady, 1, time.Now().UTC()
			s.emit(paas.Event{Team: team, App: b.App, Kind: paas.EventBindingChanged, Message: fmt.Sprintf("Binding %q is ready.", b.Name)})
		}
		if len(b.Retiring) > 0 {
			s.emit(paas.Event{Team: team, App: b.App, Kind: paas.EventBindingChanged, Message: fmt.Sprintf("The old credentials of binding %q have ended.", b.Name)})
		}
		b.Retiring, b.Reason = nil, ""
	}
}

func (s *Services) Create(_ context.Context, r paas.ServiceCreate) (paas.ServiceInstance, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.find(r.Team, r.Name); err == nil {
		return paas.ServiceInstance{}, paas.Errorf(paas.Conflict, "Team %q has a service instance %q already. Choose another name.", r.Team, r.Name)
	}
	i := paas.ServiceInstance{
		ID: s.id(), Team: r.Team, Name: r.Name, Kind: paas.KindUser, Provider: r.Provider, Offering: r.Offering, Plan: r.Plan,
		State: paas.ServiceCreating, CreatedAt: time.Now().UTC(), CreatedBy: r.By,
		Drain: !r.User.SyslogDrainURL.Empty(), RouteURL: !r.User.RouteServiceURL.Empty(),
	}
	if i.Provider == paas.ProviderUser {
		i.State = paas.ServiceReady
	} else if err := s.offered(&i); err != nil {
		return paas.ServiceInstance{}, err
	}
	s.instances = append(s.instances, i)
	s.created = append(s.created, r)
	s.emit(paas.Event{Team: r.Team, Kind: paas.EventServiceChanged, By: r.By, Message: fmt.Sprintf("Service instance %q is being made.", r.Name)})
	return i, nil
}

func (s *Services) offered(i *paas.ServiceInstance) error {
	for _, p := range s.providers {
		if o, plan, err := p.Catalog.Named(i.Offering, i.Plan); err == nil {
			i.Provider, i.Kind, i.OfferingID, i.PlanID = p.Name, p.Kind, o.ID, plan.ID
			return nil
		} else if o.Name != "" {
			return err
		}
	}
	return paas.Errorf(paas.NotFound, "No service is called %q. `crumpet services catalog` lists them.", i.Offering)
}

func (s *Services) Update(_ context.Context, r paas.ServiceUpdate) (paas.ServiceInstance, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, err := s.find(r.Team, r.Name)
	if err != nil {
		return paas.ServiceInstance{}, err
	}
	changed := *i
	if r.Plan != "" {
		changed.Plan = r.Plan
		if err := s.offered(&changed); err != nil {
			return paas.ServiceInstance{}, err
		}
	}
	changed.State = paas.ServiceUpdating
	*i = changed
	return changed, nil
}

func (s *Services) Delete(_ context.Context, r paas.ServiceDelete) (paas.ServiceInstance, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, err := s.find(r.Team, r.Name)
	if err != nil {
		return paas.ServiceInstance{}, err
	}
	var apps []string
	for _, b := range slices.Concat(s.detail(*i).Bindings, s.detail(*i).Keys) {
		apps = append(apps, b.App)
	}
	if len(apps) > 0 {
		return paas.ServiceInstance{}, paas.Errorf(paas.Conflict, "Service instance %q is bound to %s. Unbind it first: `crumpet services unbind %s --app %s`.", r.Name, strings.Join(apps, ", "), r.Name, apps[0])
	}
	i.State = paas.ServiceDeleting
	return *i, nil
}

func (s *Services) Bind(_ context.Context, r paas.ServiceBind) (paas.Binding, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, err := s.find(r.Team, r.Instance)
	if err != nil {
		return paas.Binding{}, err
	}
	if _, ok := s.apps[paas.AppRef{Team: r.Team, App: r.App}]; !ok {
		return paas.Binding{}, paas.Errorf(paas.NotFound, "Team %q has no app %q. `crumpet apps` lists those there are.", r.Team, r.App)
	}
	if r.Name == "" {
		r.Name = strings.TrimPrefix(r.Instance, r.App+"-")
	}
	b := paas.Binding{
		ID: s.id(), Team: r.Team, App: r.App, Name: r.Name, Instance: r.Instance, Kind: i.Kind, Bind: r.Bind, State: paas.BindingPending,
		CreatedAt: time.Now().UTC(), CreatedBy: r.By, Label: i.Offering, Plan: i.Plan,
	}
	if b.Bind.As == paas.AsEnv && b.Bind.Env == "" {
		b.Bind.Env = "DATABASE_URL"
	}
	if slices.ContainsFunc(s.bindings, func(o paas.Binding) bool { return o.Team == b.Team && o.App == b.App && o.Name == b.Name }) {
		return paas.Binding{}, paas.Errorf(paas.Conflict, "App %q has a binding %q already. Choose another name with --name.", r.App, r.Name)
	}
	s.bindings = append(s.bindings, b)
	s.emit(paas.Event{Team: r.Team, App: r.App, Kind: paas.EventBindingChanged, By: r.By, Message: fmt.Sprintf("Binding %q is being made.", r.Name)})
	if !r.Stage {
		s.rebind(b.Ref(), "bind")
	}
	return b, nil
}

func (s *Services) Unbind(_ context.Context, r paas.ServiceUnbind) (ended paas.Unbound, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.find(r.Team, r.Instance); err != nil {
		return ended, err
	}
	s.bindings = slices.DeleteFunc(s.bindings, func(b paas.Binding) bool {
		fits := b.Team == r.Team && b.App == r.App && b.Instance == r.Instance && (r.Name == "" || b.Name == r.Name)
		if fits {
			b.State = paas.BindingUnbinding
			ended.Bindings = append(ended.Bindings, b)
		}
		return fits
	})
	ended.Already = len(ended.Bindings) == 0
	if !ended.Already {
		s.rebind(paas.AppRef{Team: r.Team, App: r.App}, "unbind")
	}
	return ended, nil
}

// rebind walks an app that runs to itself.
func (s *Services) rebind(ref paas.AppRef, cause string) {
	if app := s.apps[ref]; app.Release > 0 && !app.Stopped {
		s.walk(ref, s.live(&app), cause)
	}
}

func (s *Services) Rotate(_ context.Context, r paas.ServiceRotate) (list []paas.Binding, err error) {
	s.locked(func() {
		for n := range s.bindings {
			b := &s.bindings[n]
			if b.Team == r.Team && b.App == r.App && b.Name == r.Name {
				list = append(list, *b)
				if b.Instance == "stubborn" {
					b.Reason = "the broker gives no new ones"
					continue
				}
				b.Retiring, b.Generation, b.Reason = append(b.Retiring, b.Generation), b.Generation+1, "One instance has the old credentials still."
			}
		}
	})
	return list, nil
}

// Created are the instances that were asked for.
func (s *Services) Created() (list []paas.ServiceCreate) {
	s.locked(func() { list = slices.Clone(s.created) })
	return list
}

// SetBindings says what the snapshots of an app hold besides what was bound.
func (s *Services) SetBindings(list ...paas.Binding) {
	s.locked(func() { s.bindings = append(s.bindings, list...) })
}
