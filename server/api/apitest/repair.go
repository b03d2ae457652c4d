package apitest

import (
	"context"
	"slices"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// SetDrift sets what is found from now on. A finding that heals is gone after it was asked to be healed.
func (p *Platform) SetDrift(list ...paas.Finding) {
	p.locked(func() { p.drift = list })
}

func (p *Platform) Drift(ctx context.Context, of *paas.AppRef) (list []paas.Finding, err error) {
	if of != nil {
		if _, err := p.Snapshot(ctx, *of); err != nil {
			return nil, err
		}
	}
	p.locked(func() {
		for _, f := range p.drift {
			if of == nil || f.App == "" || (f.App == of.App && f.Team == of.Team) {
				f.State = paas.FindingFound
				list = append(list, f)
			}
		}
	})
	return list, nil
}

func (p *Platform) Heal(ctx context.Context, of *paas.AppRef, wanted []paas.Finding, _ string) ([]paas.Finding, error) {
	list, err := p.Drift(ctx, of)
	p.locked(func() {
		p.drift = slices.DeleteFunc(p.drift, func(f paas.Finding) bool { return f.Heals && slices.ContainsFunc(wanted, f.Same) })
	})
	for i := range list {
		if !list[i].Heals {
			list[i].State, list[i].Reason = paas.FindingLeft, list[i].Repair
		}
	}
	return list, err
}
