package api

import (
	"cmp"
	"context"
	"net/http"
	"slices"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// Bindings gives apps, and people, credentials of service instances. Codes: invalid, not_found, conflict,
// unavailable.
type Bindings interface {
	Bind(ctx context.Context, r paas.ServiceBind) (paas.Binding, error)
	// Unbind ends bindings at once. That there is none is no error.
	Unbind(ctx context.Context, r paas.ServiceUnbind) (paas.Unbound, error)
	Rotate(ctx context.Context, r paas.ServiceRotate) ([]paas.Binding, error)
	CreateKey(ctx context.Context, r paas.ServiceKey) (paas.Binding, error)
	Keys(ctx context.Context, team, instance string) ([]paas.Binding, error)
	// ShowKey reveals a key, and notes who asked. Code conflict: it is not ready yet.
	ShowKey(ctx context.Context, r paas.ServiceKey) (paas.KeyCredentials, error)
	DeleteKey(ctx context.Context, r paas.ServiceKey) (already bool, err error)
}

func (a *API) serviceBindings(ctx context.Context, in *ServiceScope) (*body[wire.ServiceBindings], error) {
	detail, err := a.serviceDetail(ctx, in)
	if err != nil {
		return nil, err
	}
	return &body[wire.ServiceBindings]{wire.ServiceBindings{Items: items(detail.Bindings)}}, nil
}

// bindService answers 202: the instance's bindings show how far it is.
func (a *API) bindService(ctx context.Context, in *struct {
	ServiceScope
	Body wire.BindService
},
) (*reply[paas.Binding], error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	if problem := paas.CheckName("app", in.Body.App, paas.MaxApp); problem != "" {
		return nil, invalid("body.app", problem)
	}
	if problem := paas.CheckName("binding", in.Body.Name, paas.MaxProcess); in.Body.Name != "" && problem != "" {
		return nil, invalid("body.name", problem)
	}
	bind := paas.Bind{As: cmp.Or(in.Body.As, paas.AsEnv), Env: in.Body.Env, VCAP: in.Body.VCAP, Signal: in.Body.Signal}
	switch {
	case bind.As == paas.AsFiles && (bind.Env != "" || bind.VCAP):
		return nil, invalid("body.as", "A binding as files sets no variables: leave env and vcap out, or bind as env.")
	case bind.As == paas.AsEnv && bind.Signal != "":
		return nil, invalid("body.signal", "A program reads its variables once, so new ones reach it by a walk and not by a signal: leave signal out, or bind as files.")
	case bind.As == paas.AsFiles && bind.Signal == "":
		bind.Change = paas.ChangeNoop
	case bind.As == paas.AsFiles:
		bind.Change = paas.ChangeSignal
	}
	parameters, err := secretObject("body.parameters", in.Body.Parameters)
	if err != nil {
		return nil, err
	}
	binding, err := a.Bindings.Bind(ctx, paas.ServiceBind{
		Team: in.Team, App: in.Body.App, Instance: in.Service, Name: in.Body.Name, Bind: bind, Parameters: parameters,
		Stage: in.Body.Stage, By: caller(ctx),
	})
	if err != nil {
		return nil, err
	}
	noteAudit(ctx, in.Service, nil, map[string]string{"app": binding.App, "binding": binding.Name})
	return &reply[paas.Binding]{http.StatusAccepted, binding}, nil
}

// unbindService answers 202: the credentials end within seconds, and then a walk takes them from the app.
func (a *API) unbindService(ctx context.Context, in *struct {
	ServiceScope
	App  string `path:"app" doc:"The app."`
	Name string `query:"name" doc:"The binding; all that the app has of the instance unless said."`
},
) (*reply[wire.UnboundService], error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	ref, err := refOf(in.Team, in.App)
	if err != nil {
		return nil, err
	}
	ended, err := a.Bindings.Unbind(ctx, paas.ServiceUnbind{Team: ref.Team, App: ref.App, Name: in.Name, Instance: in.Service, By: caller(ctx)})
	if err != nil {
		return nil, err
	}
	return &reply[wire.UnboundService]{http.StatusAccepted, wire.UnboundService{Bindings: items(ended.Bindings), Already: ended.Already}}, nil
}

// rotateService answers 202: the bindings' generations tell what has become of it.
func (a *API) rotateService(ctx context.Context, in *struct {
	ServiceScope
	Body wire.RotateService
},
) (*reply[wire.ServiceBindings], error) {
	detail, err := a.serviceDetail(ctx, &in.ServiceScope)
	if err != nil {
		return nil, err
	}
	chosen := slices.DeleteFunc(slices.Clone(detail.Bindings), func(b paas.Binding) bool {
		return in.Body.App != "" && b.App != in.Body.App || in.Body.Binding != "" && b.Name != in.Body.Binding
	})
	switch {
	case len(chosen) == 0 && in.Body.App == "" && in.Body.Binding == "":
		return nil, paas.Errorf(paas.Conflict, "No app is bound to service instance %q, so it has no credentials to be rotated. A key is made anew: `crumpet services keys create %s KEY`.", in.Service, in.Service)
	case len(chosen) == 0:
		return nil, paas.Errorf(paas.NotFound, "Service instance %q has no such binding. `crumpet services show %s` lists those there are.", in.Service, in.Service)
	}
	var rotated []paas.Binding
	for _, b := range chosen {
		list, err := a.Bindings.Rotate(ctx, paas.ServiceRotate{Team: b.Team, App: b.App, Name: b.Name, By: caller(ctx)})
		if err != nil {
			return nil, err
		}
		rotated = append(rotated, list...)
	}
	return &reply[wire.ServiceBindings]{http.StatusAccepted, wire.ServiceBindings{Items: items(rotated)}}, nil
}

// KeyScope is the input of a call about one key of an instance.
type KeyScope struct {
	ServiceScope
	Key string `path:"key" doc:"The key."`
}

func (s KeyScope) request(ctx context.Context) (paas.ServiceKey, error) {
	if err := s.check(); err != nil {
		return paas.ServiceKey{}, err
	}
	return paas.ServiceKey{Team: s.Team, Instance: s.Service, Name: s.Key, By: caller(ctx)}, checkKey("path.key", s.Key)
}

func checkKey(location, name string) error {
	if problem := paas.CheckName("key", name, paas.MaxApp); problem != "" {
		return invalid(location, problem)
	}
	return nil
}

func (a *API) serviceKeys(ctx context.Context, in *ServiceScope) (*body[wire.ServiceBindings], error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	keys, err := a.Bindings.Keys(ctx, in.Team, in.Service)
	if err != nil {
		return nil, err
	}
	return &body[wire.ServiceBindings]{wire.ServiceBindings{Items: items(keys)}}, nil
}

// createServiceKey answers 202: the credentials are shown by GET of the key, once it is ready.
func (a *API) createServiceKey(ctx context.Context, in *struct {
	ServiceScope
	Body wire.CreateServiceKey
},
) (*reply[paas.Binding], error) {
	r, err := KeyScope{in.ServiceScope, in.Body.Name}.request(ctx)
	if err != nil {
		return nil, err
	}
	if r.Parameters, err = secretObject("body.parameters", in.Body.Parameters); err != nil {
		return nil, err
	}
	noteAudit(ctx, in.Service+"/"+in.Body.Name, nil, nil)
	key, err := a.Bindings.CreateKey(ctx, r)
	if err != nil {
		return nil, err
	}
	return &reply[paas.Binding]{http.StatusAccepted, key}, nil
}

// unkept is a reply that no cache may keep.
type unkept[T any] struct {
	CacheControl string `header:"Cache-Control" doc:"no-store"`
	Body         T
}

// serviceKey is the one call whose answer holds credentials.
func (a *API) serviceKey(ctx context.Context, in *KeyScope) (*unkept[wire.ServiceKey], error) {
	r, err := in.request(ctx)
	if err != nil {
		return nil, err
	}
	key, err := a.Bindings.ShowKey(ctx, r)
	if err != nil {
		return nil, err
	}
	shown := wire.ServiceKey{Binding: key.Key, Credentials: map[string]string{}}
	for name, value := range key.Values {
		shown.Credentials[name] = value.Reveal()
	}
	return &unkept[wire.ServiceKey]{"no-store", shown}, nil
}

func (a *API) deleteServiceKey(ctx context.Context, in *KeyScope) (*reply[wire.UnboundService], error) {
	r, err := in.request(ctx)
	if err != nil {
		return nil, err
	}
	already, err := a.Bindings.DeleteKey(ctx, r)
	if err != nil {
		return nil, err
	}
	return &reply[wire.UnboundService]{http.StatusAccepted, wire.UnboundService{Bindings: []paas.Binding{}, Already: already}}, nil
}
