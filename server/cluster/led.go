package cluster

import "context"

// Led gives a scheduler that asks, before each write, whether the server still leads: Nomad's writes of nodes
// know no compare-and-set. Code conflict, of leads: it doesn't.
func Led(s Scheduler, leads func(ctx context.Context) error) Scheduler { return ledScheduler{s, leads} }

type ledScheduler struct {
	scheduler Scheduler
	leads     func(ctx context.Context) error
}

func (l ledScheduler) SetEligible(ctx context.Context, node string, eligible bool) error {
	if err := l.leads(ctx); err != nil {
		return err
	}
	return l.scheduler.SetEligible(ctx, node, eligible)
}

func (l ledScheduler) Drain(ctx context.Context, node string) error {
	if err := l.leads(ctx); err != nil {
		return err
	}
	return l.scheduler.Drain(ctx, node)
}

func (l ledScheduler) EndDrain(ctx context.Context, node string) error {
	if err := l.leads(ctx); err != nil {
		return err
	}
	return l.scheduler.EndDrain(ctx, node)
}

// LedRouters is Led for routers.
func LedRouters(s RouterScheduler, leads func(ctx context.Context) error) RouterScheduler {
	return ledRouters{s, leads}
}

type ledRouters struct {
	RouterScheduler
	leads func(ctx context.Context) error
}

func (l ledRouters) EvaluateNode(ctx context.Context, node string) error {
	if err := l.leads(ctx); err != nil {
		return err
	}
	return l.RouterScheduler.EvaluateNode(ctx, node)
}
