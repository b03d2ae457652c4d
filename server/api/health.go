package api

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// pingWithin bounds one backend's ping: a probe waits for the slowest.
const pingWithin = 3 * time.Second

func (a *API) healthz(context.Context, *struct{}) (*body[wire.Health], error) {
	return &body[wire.Health]{wire.Health{Status: "ok", Version: a.Version}}, nil
}

func (a *API) readyz(ctx context.Context, _ *struct{}) (*reply[wire.Ready], error) {
	ctx, cancel := context.WithTimeout(ctx, pingWithin)
	defer cancel()
	said := make([]error, len(a.Backends))
	var wg sync.WaitGroup
	for i, b := range a.Backends {
		wg.Go(func() { said[i] = b.Ping(ctx) })
	}
	wg.Wait()

	ready := wire.Ready{Ready: true, Role: paas.ServerFollower, Backends: map[string]string{}}
	if a.Servers.Leading() {
		ready.Role = paas.ServerLeader
	}
	for i, b := range a.Backends {
		ready.Backends[b.Name] = "ok"
		if said[i] == nil {
			continue
		}
		ready.Ready = false
		ready.Backends[b.Name] = "does not answer"
		// This page is public: only a sentence that was written for a user is shown.
		if paas.CodeOf(said[i]) != paas.Internal {
			ready.Backends[b.Name] = paas.MessageOf(said[i])
		}
		a.Log.WarnContext(ctx, "backend is not ready", "backend", b.Name, "err", said[i])
	}
	if !ready.Ready {
		return &reply[wire.Ready]{http.StatusServiceUnavailable, ready}, nil
	}
	return &reply[wire.Ready]{http.StatusOK, ready}, nil
}

func (a *API) servers(ctx context.Context, in *Scope) (*body[wire.Servers], error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	list, err := a.Servers.Servers(ctx)
	if err != nil {
		return nil, err
	}
	return &body[wire.Servers]{wire.Servers{Items: items(list)}}, nil
}
