package server

import (
	"context"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/deploy"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// leads refuses, with code conflict, what a leader does that another has followed. The store refuses its
// writes in any case; this look keeps what goes to Nomad and Consul, where compare-and-set tells who was
// first but not who leads, from a server that was stopped for a while and goes on where it was.
func (s *Server) leads(ctx context.Context) error {
	epoch := s.self.epoch.Load()
	if epoch == 0 || !s.cfg.Shared() { // no loop runs here; or there can be no other
		return nil
	}
	return s.store.Leads(ctx, epoch)
}

// ledScheduler is a scheduler that only the leader's loops may write to.
type ledScheduler struct {
	deploy.Scheduler
	leads func(ctx context.Context) error
}

func (l ledScheduler) Register(ctx context.Context, team string, job *nomadapi.Job, index uint64) (*nomadapi.JobRegisterResponse, error) {
	if err := l.leads(ctx); err != nil {
		return nil, err
	}
	return l.Scheduler.Register(ctx, team, job, index)
}

func (l ledScheduler) Deregister(ctx context.Context, team, id string, purge bool) error {
	if err := l.leads(ctx); err != nil {
		return err
	}
	return l.Scheduler.Deregister(ctx, team, id, purge)
}

// ledRules are rules that only the leader's loops may write.
type ledRules struct {
	deploy.Rules
	leads func(ctx context.Context) error
}

func (l ledRules) PutRule(ctx context.Context, ref paas.AppRef, text string, index uint64) error {
	if err := l.leads(ctx); err != nil {
		return err
	}
	return l.Rules.PutRule(ctx, ref, text, index)
}

func (l ledRules) DeleteRule(ctx context.Context, ref paas.AppRef, index uint64) error {
	if err := l.leads(ctx); err != nil {
		return err
	}
	return l.Rules.DeleteRule(ctx, ref, index)
}
