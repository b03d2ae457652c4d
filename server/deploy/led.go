package deploy

import (
	"context"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Led gives a scheduler and rules that ask, before each write, whether the server still leads. Code
// conflict, of leads: it doesn't.
func Led(s Scheduler, r Rules, leads func(ctx context.Context) error) (Scheduler, Rules) {
	return ledScheduler{s, leads}, ledRules{r, leads}
}

type ledScheduler struct {
	Scheduler
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

type ledRules struct {
	Rules
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
