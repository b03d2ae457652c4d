package api

import (
	"context"
	"net/http"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// Repairs finds what on the cluster is not as it is wished, and heals it. Codes: not_found, unavailable.
type Repairs interface {
	// Drift gives the findings of one app, or of all.
	Drift(ctx context.Context, of *paas.AppRef) ([]paas.Finding, error)
	// Heal begins to heal findings, and says how each stands.
	Heal(ctx context.Context, of *paas.AppRef, findings []paas.Finding, by string) ([]paas.Finding, error)
}

// DriftScope is the input of the calls about drift.
type DriftScope struct {
	Scope
	App string `query:"app" doc:"One app of the team; every app of every team unless said."`
}

func (s DriftScope) of() (*paas.AppRef, error) {
	if s.App == "" {
		return nil, nil
	}
	ref, err := refOf(s.Team, s.App)
	return &ref, err
}

func (a *API) drift(ctx context.Context, in *DriftScope) (*body[wire.Drift], error) {
	of, err := in.of()
	if err != nil {
		return nil, err
	}
	list, err := a.Repairs.Drift(ctx, of)
	if err != nil {
		return nil, err
	}
	return &body[wire.Drift]{wire.Drift{Items: items(list)}}, nil
}

func (a *API) repair(ctx context.Context, in *struct {
	DriftScope
	Body wire.Repair
},
) (*reply[wire.Drift], error) {
	of, err := in.of()
	if err != nil {
		return nil, err
	}
	var wanted []paas.Finding
	for _, f := range in.Body.Items {
		wanted = append(wanted, paas.Finding{Kind: f.Kind, Team: f.Team, App: f.App, Thing: f.Thing})
	}
	list, err := a.Repairs.Heal(ctx, of, wanted, caller(ctx))
	if err != nil {
		return nil, err
	}
	return &reply[wire.Drift]{http.StatusAccepted, wire.Drift{Items: items(list)}}, nil
}
