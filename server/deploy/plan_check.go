package deploy

import (
	"context"
	"fmt"
	"maps"
	"slices"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/jobspec"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// check asks Nomad what it would do with each job that the prediction registers, and notes where it
// says otherwise. What Nomad does not answer is a warning: the prediction stands without it.
func (d *Deployer) check(ctx context.Context, p prediction, plan *paas.Plan) {
	plan.Placement.Possible = true
	if !p.changes() || (p.walk.InPlace() && !p.touched) {
		return
	}
	defer d.checkData(ctx, p, plan)
	if len(stateless(p.next.Spec).Processes) == 0 {
		return
	}
	if p.walk.InPlace() {
		answer, job, err := d.ask(ctx, p, p.walk.Wanted)
		if err != nil {
			plan.Warnings = append(plan.Warnings, unasked(err))
			return
		}
		plan.Placement.Checked = true
		plan.Warnings = append(plan.Warnings, differences(p, answer, job, inPlace(p))...)
		if why := guard(answer, p.standing, p.walk.Wanted); why != "" {
			plan.Warnings = append(plan.Warnings, fmt.Sprintf("%s: a push would walk to %s instead", why, p.walk.Slot.Other()))
		}
		block(plan, answer, job, p, p.walk.Wanted, false)
		return
	}
	for _, counts := range asked(p.walk) {
		answer, job, err := d.ask(ctx, p, counts)
		if err != nil {
			plan.Warnings = append(plan.Warnings, unasked(err))
			return
		}
		plan.Placement.Checked = true
		plan.Warnings = append(plan.Warnings, differences(p, answer, job, placed(counts))...)
		whole := maps.Equal(counts, p.walk.Wanted) && !first(p.walk, counts)
		if block(plan, answer, job, p, counts, whole) {
			return // more instances would only be blocked the more
		}
	}
}

// asked are the counts of the new slot that matter: those of the first step that has any, which are to
// stand beside all the old ones, and those of the last.
func asked(walk paas.Deployment) []map[string]int {
	var list []map[string]int
	for _, step := range walk.Steps {
		if total(step.New) > 0 {
			list = append(list, step.New)
			break
		}
	}
	if len(list) == 0 || maps.Equal(list[0], walk.Wanted) || total(walk.Wanted) == 0 {
		return list
	}
	return append(list, walk.Wanted)
}

// first says whether the counts are asked for while every old instance still stands.
func first(walk paas.Deployment, counts map[string]int) bool {
	for _, step := range walk.Steps {
		if total(step.New) > 0 {
			return maps.Equal(step.New, counts)
		}
	}
	return false
}

// ask plans the job of the slot walked to with the counts. A team that has no app yet has no namespace
// either; Nomad's own answers for it then.
func (d *Deployer) ask(ctx context.Context, p prediction, counts map[string]int) (*nomadapi.JobPlanResponse, *nomadapi.Job, error) {
	row := p.after.Slots[p.walk.Slot]
	job, err := d.amended(row, p.after, counts)
	if err != nil {
		return nil, nil, err
	}
	answer, err := d.scheduler.Plan(ctx, row.Team, job)
	if err != nil && p.old.Number == 0 && row.Team != paas.DefaultTeam {
		job.Namespace = new(paas.DefaultTeam)
		answer, err = d.scheduler.Plan(ctx, paas.DefaultTeam, job)
	}
	return answer, job, err
}

func unasked(err error) string {
	return "Nomad could not be asked whether there is room: " + paas.MessageOf(err)
}

// expected is what Nomad should say of one group.
type expected struct{ ignore, inPlace, place, stop int }

func inPlace(p prediction) map[string]expected {
	want := map[string]expected{}
	for _, process := range p.processes() {
		want[process.Name] = expected{ignore: process.Stay, inPlace: process.InPlace, place: process.Created, stop: process.Destroyed}
	}
	return want
}

func placed(counts map[string]int) map[string]expected {
	want := map[string]expected{}
	for name, n := range counts {
		want[name] = expected{place: n}
	}
	return want
}

// differences names every number of Nomad's that is not the predicted one. While a deployment is under way there
// is nothing to hold them against: Nomad counts its instances, which will have gone by the time of the push.
func differences(p prediction, answer *nomadapi.JobPlanResponse, job *nomadapi.Job, want map[string]expected) []string {
	if answer.Annotations == nil {
		return []string{"Nomad's plan of job " + *job.ID + " has no annotations, so the prediction could not be checked"}
	}
	if p.awaits {
		return nil
	}
	var list []string
	for _, group := range slices.Sorted(maps.Keys(want)) {
		if job.LookupTaskGroup(group) == nil {
			continue // it is in another job
		}
		says := answer.Annotations.DesiredTGUpdates[group]
		if says == nil {
			says = &nomadapi.DesiredUpdates{}
		}
		w := want[group]
		for _, n := range []struct {
			what        string
			mine, nomad int
		}{
			{"left alone", w.ignore, int(says.Ignore)},
			{"changed in place", w.inPlace, int(says.InPlaceUpdate)},
			{"placed", w.place, int(says.Place)},
			{"stopped", w.stop, int(says.Stop)},
			{"replaced at once", 0, int(says.DestructiveUpdate)},
			{"migrated", 0, int(says.Migrate)},
		} {
			if n.mine != n.nomad {
				list = append(list, fmt.Sprintf("job %s: %d of %s would be %s, Nomad says %d", *job.ID, n.mine, group, n.what, n.nomad))
			}
		}
	}
	return list
}

// block notes why new instances would find no node, and what the walk does then.
func block(plan *paas.Plan, answer *nomadapi.JobPlanResponse, job *nomadapi.Job, p prediction, counts map[string]int, whole bool) bool {
	reason := jobspec.PlacementReason(answer.FailedTGAllocs, job)
	if reason == "" {
		return false
	}
	plan.Placement.Possible = plan.Placement.Possible && whole
	plan.Placement.Blockers = append(plan.Placement.Blockers, paas.PlacementBlock{
		Counts: counts, Whole: whole, Reason: reason, Then: then(p, whole),
	})
	return true
}

func then(p prediction, whole bool) string {
	switch {
	case whole:
		return "old instances leave on the way and make room"
	case p.walk.InPlace():
		return "Nomad places the new instances once there is room"
	case p.next.Spec.Deploy.Room == paas.RoomStopFirst:
		return "old instances stop first, to make room"
	case p.next.Spec.Deploy.Room == paas.RoomAsk:
		return "the walk stays paused until somebody decides"
	default:
		return "the walk waits a little for room, then turns back"
	}
}
