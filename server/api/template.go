package api

import (
	"context"
	"net/http"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// Launches makes apps of templates.
type Launches interface {
	Templates() []paas.Template
	// Launch begins an app: a build whose end leads to its first release. Asked again while that is under way, it gives
	// the same launch. Codes: invalid, not_found (the template), conflict (there is such an app), over_quota.
	Launch(ctx context.Context, r paas.LaunchRequest) (paas.Launch, error)
	// Launched gives the last launch of an app. Code: not_found.
	Launched(ctx context.Context, ref paas.AppRef) (paas.Launch, error)
}

func (a *API) templates(context.Context, *Scope) (*body[wire.Templates], error) {
	return &body[wire.Templates]{wire.Templates{Items: items(a.Launches.Templates())}}, nil
}

// createFromTemplate answers 202: the build is followed by its id, the deployment by the app's events. GET of the
// launch says what became of it.
func (a *API) createFromTemplate(ctx context.Context, in *struct {
	Scope
	Body wire.CreateFromTemplate
},
) (*reply[paas.Launch], error) {
	ref, err := refOf(in.Team, in.Body.App)
	if err != nil {
		return nil, err
	}
	request := paas.LaunchRequest{Ref: ref, Template: in.Body.Template, By: caller(ctx)}
	if who := callOf(ctx).who; who != nil {
		request.Sight = who.Sight()
	}
	launch, err := a.Launches.Launch(ctx, request)
	if err != nil {
		return nil, err
	}
	return &reply[paas.Launch]{http.StatusAccepted, launch}, nil
}

func (a *API) launch(ctx context.Context, in *AppScope) (*body[paas.Launch], error) {
	ref, err := in.ref()
	if err != nil {
		return nil, err
	}
	launch, err := a.Launches.Launched(ctx, ref)
	if err != nil {
		return nil, err
	}
	return &body[paas.Launch]{launch}, nil
}
