package apitest

import (
	"context"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Plan says that every instance of the release would be created, or nothing if it runs already.
func (p *Platform) Plan(_ context.Context, req paas.DeployRequest) (paas.Plan, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	req.Spec = req.Spec.WithDefaultRoute("localhost")
	ref := paas.AppRef{Team: req.Team, App: req.App}
	plan := paas.Plan{
		App: ref.App, Team: ref.Team, Release: len(p.releases[ref]) + 1, Why: "first release", Walk: true, ToSlot: paas.Blue,
		Changes: []paas.KeyChange{}, Processes: []paas.ProcessPlan{}, Steps: []paas.Step{}, Strategy: paas.Rolling,
		Placement: paas.PlacementPlan{Possible: true, Blockers: []paas.PlacementBlock{}},
		Routes:    paas.RoutePlans{Before: []paas.RoutePlan{}, After: []paas.RoutePlan{}},
		Tasks:     []paas.TaskPlan{}, Crons: []paas.CronPlan{}, Fragments: []paas.NomadPiece{}, Warnings: []string{},
		Base: paas.PlanBase{Version: int64(p.changes), Jobs: map[paas.Slot]uint64{}, SpecDigest: req.Spec.Digest(), Artifact: req.Artifact, Runtime: req.Runtime},
	}
	if list := p.releases[ref]; len(list) > 0 {
		last := list[len(list)-1]
		plan.Nothing = last.SpecDigest == plan.Base.SpecDigest && last.Artifact == req.Artifact && last.Runtime == req.Runtime
		plan.From, plan.Base.Release = last.Number, last.Number
	}
	for _, process := range req.Spec.Processes {
		plan.Processes = append(plan.Processes, paas.ProcessPlan{Name: process.Name, After: process.Instances, Created: process.Instances})
	}
	return plan, nil
}

// moved refuses a request that was planned before something else was released. Called with the lock
// held.
func (p *Platform) moved(req paas.DeployRequest) error {
	live := p.apps[paas.AppRef{Team: req.Team, App: req.App}].Release
	if req.Base == nil || req.Base.Release == live {
		return nil
	}
	return paas.Errorf(paas.Conflict, "The plan of app %q does not hold any more: release %d served, now release %d does. Plan again.", req.App, req.Base.Release, live)
}
