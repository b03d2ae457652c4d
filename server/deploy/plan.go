package deploy

import (
	"context"
	"fmt"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Plan says what Deploy of the same request would do, and writes nothing anywhere. The prediction is
// made first, from one snapshot; only then is Nomad asked, and where it says otherwise both stand in
// the plan. Codes as Deploy's, but a deployment under way is no conflict: the plan says what it waits
// for.
func (d *Deployer) Plan(ctx context.Context, r paas.DeployRequest) (paas.Plan, error) {
	r, err := d.admit(r)
	if err != nil {
		return paas.Plan{}, err
	}
	ref := paas.AppRef{Team: r.Team, App: r.App}
	if err := d.free(ctx, ref, r.Spec, r.Sight); err != nil {
		return paas.Plan{}, err
	}
	if err := d.admitServices(ctx, ref, r.Spec, r.By); err != nil {
		return paas.Plan{}, err
	}
	snap, err := d.store.Snapshot(ctx, ref)
	if err != nil && paas.CodeOf(err) != paas.NotFound {
		return paas.Plan{}, err
	}
	if !r.Reconfigured && r.RollbackTo == 0 {
		if r.Config, err = d.pinned(ctx, ref, r.Config); err != nil {
			return paas.Plan{}, err
		}
		if err := d.unset(ctx, ref, r.Spec, r.Config); err != nil {
			return paas.Plan{}, err
		}
	}
	p, err := d.predict(snap, r)
	if err != nil {
		return paas.Plan{}, err
	}
	plan := p.plan(r.Force)
	plan.Waits, plan.Deployment = waits(snap, r)
	if plan.Base, err = d.base(ctx, snap, r); err != nil {
		return paas.Plan{}, err
	}
	if err := d.bounds(ctx, snap, p, &plan); err != nil {
		return paas.Plan{}, err
	}
	d.secrets(ctx, snap, p, &plan)
	d.check(ctx, p, &plan)
	return plan, nil
}

// plan puts a prediction into words and numbers.
func (p prediction) plan(forced bool) paas.Plan {
	changes := p.changed()
	plan := paas.Plan{
		App: p.next.App, Team: p.next.Team, Release: p.next.Number, From: p.old.Number, Nothing: !p.changes(),
		FromSlot: p.before.App.Live, ToSlot: p.before.App.Live, Strategy: p.strategy(),
		Why: p.why(changes, forced), Changes: changes, Processes: p.processes(), Steps: []paas.Step{},
		Placement: paas.PlacementPlan{Blockers: []paas.PlacementBlock{}},
		Routes:    p.routes(), Capacity: p.capacity(), Tasks: p.tasks(), Crons: p.crons(changes),
		Fragments: fragments(p.next.Spec), Warnings: []string{},
	}
	if !p.changes() {
		return plan
	}
	plan.Walk, plan.ToSlot, plan.Steps = !p.walk.InPlace(), p.walk.Slot, p.walk.Steps
	if p.before.App.Stopped {
		plan.Warnings = append(plan.Warnings, fmt.Sprintf("app %q is stopped: a push starts it", p.next.App))
	}
	for _, process := range p.next.Spec.Processes {
		before, _ := p.old.Spec.Process(process.Name)
		n := p.walk.Wanted[process.Name]
		if p.old.Number > 0 && n != process.Instances && before.Instances == process.Instances {
			plan.Warnings = append(plan.Warnings, fmt.Sprintf("%s was scaled to %d and keeps that number; the spec says %d", process.Name, n, process.Instances))
		}
	}
	plan.Warnings = append(plan.Warnings, p.gaps()...)
	return plan
}
