package api

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// Services makes, changes and ends service instances. What is asked for is carried out afterwards: the
// state of the instance tells how far it is. Codes: invalid, not_found, conflict (the name is taken, or it
// is bound), unavailable.
type Services interface {
	Catalog(ctx context.Context) ([]paas.Offered, error)
	List(ctx context.Context, team string) ([]paas.ServiceDetail, error)
	Show(ctx context.Context, team, name string) (paas.ServiceDetail, error)
	Create(ctx context.Context, r paas.ServiceCreate) (paas.ServiceInstance, error)
	Update(ctx context.Context, r paas.ServiceUpdate) (paas.ServiceInstance, error)
	Delete(ctx context.Context, r paas.ServiceDelete) (paas.ServiceInstance, error)
}

// ServiceScope is the input of a call about one service instance.
type ServiceScope struct {
	Scope
	Service string `path:"service" doc:"The service instance."`
}

func (s ServiceScope) check() error {
	if err := s.Scope.check(); err != nil {
		return err
	}
	return checkService("path.service", s.Service)
}

func checkService(location, name string) error {
	if plain, err := url.PathUnescape(name); err == nil && location != "body.name" {
		name = plain // as the caller wrote it: no name that is right has an escape
	}
	if problem := paas.CheckName("service instance", name, paas.MaxServiceInstance); problem != "" {
		return invalid(location, problem)
	}
	return nil
}

// secretObject takes in a JSON object that may hold secrets: it is in no message.
func secretObject(location string, text json.RawMessage) (paas.Secret, error) {
	text = bytes.TrimSpace(text)
	if len(text) == 0 || string(text) == "null" {
		return paas.Secret{}, nil
	}
	if text[0] != '{' {
		return paas.Secret{}, invalid(location, `This is no JSON object. Give one such as {"size": 3}.`)
	}
	return paas.NewSecret(string(text)), nil
}

func given(in wire.Given) (paas.UserCredentials, error) {
	credentials, err := secretObject("body.credentials", in.Credentials)
	return paas.UserCredentials{
		Credentials:    credentials,
		SyslogDrainURL: paas.NewSecret(in.SyslogDrainURL), RouteServiceURL: paas.NewSecret(in.RouteServiceURL),
	}, err
}

func (a *API) offerings(ctx context.Context, in *Scope) (*body[wire.ServiceOfferings], error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	list, err := a.Services.Catalog(ctx)
	if err != nil {
		return nil, err
	}
	providers, err := a.Providers.Providers(ctx)
	if err != nil {
		return nil, err
	}
	reasons := map[string]string{}
	for _, p := range providers {
		reasons[p.Name] = p.Reason
	}
	offerings := []wire.ServiceOffering{}
	for _, o := range list {
		offering := presentOffering(o)
		offering.Reason = reasons[o.Provider]
		offerings = append(offerings, offering)
	}
	return &body[wire.ServiceOfferings]{wire.ServiceOfferings{Items: offerings}}, nil
}

func presentOffering(o paas.Offered) wire.ServiceOffering {
	offering := wire.ServiceOffering{
		Name: o.Offering.Name, Provider: o.Provider, Kind: o.Kind, Description: o.Offering.Description,
		Absent: o.Absent, Tags: items(o.Offering.Tags), Plans: []wire.ServicePlan{},
	}
	for _, p := range o.Offering.Plans {
		offering.Plans = append(offering.Plans, wire.ServicePlan{
			Name: p.Name, Description: p.Description, Free: p.Free, Bindable: p.Bindable, Updateable: p.PlanUpdateable,
			Costs: p.Costs, Create: p.Schemas.Create, Update: p.Schemas.Update, Bind: p.Schemas.Bind,
		})
	}
	return offering
}

func (a *API) services(ctx context.Context, in *Scope) (*body[wire.Services], error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	list, err := a.Services.List(ctx, in.Team)
	if err != nil {
		return nil, err
	}
	services := []wire.Service{}
	for _, detail := range seen(a.sightOf(ctx), list, func(paas.ServiceDetail) paas.AppRef { return paas.AppRef{Team: in.Team} }) {
		services = append(services, presentService(detail))
	}
	return &body[wire.Services]{wire.Services{Items: services}}, nil
}

func (a *API) service(ctx context.Context, in *ServiceScope) (*body[wire.Service], error) {
	detail, err := a.serviceDetail(ctx, in)
	if err != nil {
		return nil, err
	}
	return &body[wire.Service]{presentService(detail)}, nil
}

func (a *API) serviceDetail(ctx context.Context, in *ServiceScope) (paas.ServiceDetail, error) {
	if err := in.check(); err != nil {
		return paas.ServiceDetail{}, err
	}
	return a.Services.Show(ctx, in.Team, in.Service)
}

func presentService(detail paas.ServiceDetail) wire.Service {
	service := wire.Service{
		ServiceInstance: detail.Instance, Bindings: items(detail.Bindings), Keys: items(detail.Keys), Operations: []wire.ServiceOperation{},
	}
	for _, o := range detail.Operations {
		service.Operations = append(service.Operations, wire.ServiceOperation{
			ID: o.ID, Op: o.Op, State: o.State, App: o.App, Binding: o.Binding, Attempt: o.Attempt, Reason: o.Reason,
			NextAt: known(o.NextAt), CreatedAt: o.Created,
		})
	}
	if detail.Instance.Drain {
		service.NotActedOn = append(service.NotActedOn, "syslog drain")
	}
	if detail.Instance.RouteURL {
		service.NotActedOn = append(service.NotActedOn, "route service URL")
	}
	return service
}

// known leaves out a time that nobody has set.
func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// createService answers 202: GET of the instance shows how far it is.
func (a *API) createService(ctx context.Context, in *struct {
	Scope
	Body wire.CreateService
},
) (*reply[wire.Service], error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	if err := checkService("body.name", in.Body.Name); err != nil {
		return nil, err
	}
	parameters, err := secretObject("body.parameters", in.Body.Parameters)
	if err != nil {
		return nil, err
	}
	user, err := given(in.Body.Given)
	if err != nil {
		return nil, err
	}
	r := paas.ServiceCreate{
		Team: in.Team, Name: in.Body.Name, Provider: in.Body.Provider, Offering: in.Body.Offering, Plan: in.Body.Plan,
		Parameters: parameters, User: user, By: caller(ctx),
	}
	switch made := r.Offering != "" || r.Plan != "" || !parameters.Empty(); {
	case made && !user.Empty():
		return nil, invalid("body", "An instance is made of an offering, or consists of credentials that are given, and not both.")
	case !made && user.Empty():
		return nil, invalid("body", "Name an offering and a plan, or give credentials. `crumpet services catalog` lists the offerings.")
	case !user.Empty() && r.Provider != "" && r.Provider != paas.ProviderUser:
		return nil, invalid("body.provider", "Credentials that are given have no provider.")
	case !user.Empty():
		r.Provider = paas.ProviderUser
	case r.Offering == "":
		return nil, invalid("body.offering", "Name the offering too. `crumpet services catalog` lists them.")
	}
	instance, err := a.Services.Create(ctx, r)
	if err != nil {
		return nil, err
	}
	noteAudit(ctx, r.Name, nil, map[string]string{"provider": instance.Provider, "offering": r.Offering, "plan": r.Plan})
	return &reply[wire.Service]{http.StatusAccepted, presentService(paas.ServiceDetail{Instance: instance})}, nil
}

// updateService answers 202, as createService does.
func (a *API) updateService(ctx context.Context, in *struct {
	ServiceScope
	Body wire.UpdateService
},
) (*reply[wire.Service], error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	r := paas.ServiceUpdate{Team: in.Team, Name: in.Service, Plan: in.Body.Plan, Upgrade: in.Body.Upgrade, By: caller(ctx)}
	var err error
	if r.Parameters, err = secretObject("body.parameters", in.Body.Parameters); err != nil {
		return nil, err
	}
	user, err := given(in.Body.Given)
	if err != nil {
		return nil, err
	}
	if !user.Empty() {
		r.User = &user
	}
	if r.Plan == "" && !r.Upgrade && r.Parameters.Empty() && r.User == nil {
		return nil, invalid("body", "This changes nothing. Give another plan, parameters or credentials.")
	}
	if _, err := a.Services.Update(ctx, r); err != nil {
		return nil, err
	}
	noteAudit(ctx, "", nil, map[string]any{"plan": r.Plan, "upgrade": r.Upgrade, "parameters": !r.Parameters.Empty(), "credentials": r.User != nil})
	return a.acceptedService(ctx, &in.ServiceScope)
}

// deleteService answers 202: GET of the instance answers 404 once it is gone.
func (a *API) deleteService(ctx context.Context, in *ServiceScope) (*reply[wire.Service], error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	instance, err := a.Services.Delete(ctx, paas.ServiceDelete{Team: in.Team, Name: in.Service, By: caller(ctx)})
	if err != nil {
		return nil, err
	}
	return &reply[wire.Service]{http.StatusAccepted, presentService(paas.ServiceDetail{Instance: instance})}, nil
}

// acceptedService answers 202 with the instance as it is now.
func (a *API) acceptedService(ctx context.Context, in *ServiceScope) (*reply[wire.Service], error) {
	detail, err := a.serviceDetail(ctx, in)
	if err != nil {
		return nil, err
	}
	return &reply[wire.Service]{http.StatusAccepted, presentService(detail)}, nil
}
