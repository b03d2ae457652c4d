package sched

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/devstack/nomad/state"
)

// Reconcile computes the plan for one evaluation of one job.
func Reconcile(in Input) *Plan {
	r := &reconciler{
		Input: in,
		plan: &Plan{
			Desired: map[string]*nomadapi.DesiredUpdates{},
			Queued:  map[string]int{},
		},
		gone:       map[string]bool{},
		groupFails: map[string]bool{},
	}
	groups := map[string][]*state.Alloc{}
	for _, a := range in.Allocs {
		groups[a.TaskGroup] = append(groups[a.TaskGroup], a)
	}
	if in.Job == nil || (in.Job.Stop != nil && *in.Job.Stop) {
		for _, name := range slices.Sorted(maps.Keys(groups)) {
			r.desire(name)
			for _, a := range groups[name] {
				switch {
				case a.Terminal():
					r.mourn(a)
				case r.lost(a):
					r.lose(a)
					r.plan.Desired[name].Stop++
				default:
					r.stop(a, descNotNeeded)
					r.plan.Desired[name].Stop++
				}
			}
			r.plan.Queued[name] = 0
		}
		return r.plan
	}
	for _, tg := range in.Job.TaskGroups {
		if _, known := groups[*tg.Name]; !known {
			groups[*tg.Name] = nil
		}
	}
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		r.group(name, groups[name])
	}
	return r.plan
}

type reconciler struct {
	Input
	plan *Plan
	gone map[string]bool // allocations the plan stops: their room is free

	classFails bool            // the job can't run on nodes like these
	groupFails map[string]bool // groups that can't
}

func (r *reconciler) desire(group string) *nomadapi.DesiredUpdates {
	d := &nomadapi.DesiredUpdates{}
	r.plan.Desired[group] = d
	return d
}

// group follows computeGroup of Nomad's reconciler.
func (r *reconciler) group(name string, all []*state.Alloc) {
	desired := r.desire(name)
	r.plan.Queued[name] = 0
	tg := r.Job.LookupTaskGroup(name)
	for _, a := range all {
		r.mourn(a)
	}
	all = slices.DeleteFunc(slices.Clone(all), r.past)
	if r.batch() {
		var now []*state.Alloc
		for _, a := range all {
			if a.Terminal() && *a.Job.Version < *r.Job.Version {
				desired.Ignore++ // run by an older version: the new one runs again
			} else {
				now = append(now, a)
			}
		}
		all = now
	}

	if tg == nil || *tg.Count == 0 {
		for _, a := range all {
			if r.lost(a) {
				r.lose(a)
			} else {
				r.stop(a, descNotNeeded)
			}
			desired.Stop++
		}
		return
	}

	var keep, migrate, now, lost []*state.Alloc
	for _, a := range all {
		switch {
		case r.lost(a):
			lost = append(lost, a)
		case !a.ClientTerminal() && wants(a.DesiredTransition.Migrate):
			migrate = append(migrate, a)
		case r.batch() && a.ClientStatus != nomadapi.AllocClientStatusFailed:
			keep = append(keep, a) // one that is complete as well: it is not run again
		case a.ClientStatus == nomadapi.AllocClientStatusComplete || a.ClientStatus == nomadapi.AllocClientStatusLost:
			// Its place is free again.
		case a.NextAllocation != "" && a.ClientTerminal():
		default:
			due, at := r.reschedule(a)
			if due {
				now = append(now, a)
				continue
			}
			if !at.IsZero() && a.FollowupEvalID == "" {
				r.plan.Later = append(r.plan.Later, Later{At: at, Alloc: a.Copy()})
				desired.RescheduleLater++
			}
			keep = append(keep, a)
		}
	}

	names := namesOf(keep, migrate, now, lost)
	keep, migrate = r.shrink(tg, names, keep, migrate, desired)

	var destructive []*state.Alloc
	for _, a := range keep {
		switch r.update(a, tg) {
		case ignore:
			desired.Ignore++
		case inPlace:
			desired.InPlaceUpdate++
		case replace:
			destructive = append(destructive, a)
			desired.DestructiveUpdate++
		}
	}

	if n := min(len(destructive), r.atOnce(tg, name)); n < len(destructive) { // the lowest numbers first
		desired.DestructiveUpdate, desired.Ignore = uint64(n), desired.Ignore+uint64(len(destructive)-n)
		destructive = destructive[:n]
	}
	// Destructive updates first: what they free is room for the others.
	for _, a := range destructive {
		r.gone[a.ID] = true
		if r.place(tg, a.Name, a, false) {
			r.stop(a, descUpdating)
		} else {
			delete(r.gone, a.ID) // nothing takes its place: it stays
		}
	}
	for _, a := range now {
		desired.Place++
		desired.Stop++
		desired.RescheduleNow++
		if r.place(tg, a.Name, a, true) {
			r.stop(a, descRescheduled)
		}
	}
	missing := *tg.Count - len(keep) - len(migrate) - len(now)
	for _, a := range lost {
		desired.Stop++
		if missing > 0 {
			missing--
			desired.Place++
			r.place(tg, a.Name, a, false)
		}
		r.lose(a)
	}
	for _, free := range names.lowestFree(missing, *tg.Count) {
		desired.Place++
		r.place(tg, allocName(*r.Job.ID, name, free), nil, false)
	}
	for _, a := range migrate {
		desired.Migrate++
		r.stop(a, descMigrating)
		r.place(tg, a.Name, a, false)
	}
}

func (r *reconciler) batch() bool { return r.Job != nil && *r.Job.Type == nomadapi.JobTypeBatch }

// past are allocations that count no more. What has ended well still counts in a
// batch job, until the job has another version.
func (r *reconciler) past(a *state.Alloc) bool {
	if !r.batch() {
		return a.ServerTerminal()
	}
	return a.ServerTerminal() && a.ClientStatus != nomadapi.AllocClientStatusComplete
}

// shrink stops what is more than the count: migrating ones first, then the
// highest indexes, whatever their health.
func (r *reconciler) shrink(tg *nomadapi.TaskGroup, names nameSet, keep, migrate []*state.Alloc, desired *nomadapi.DesiredUpdates) (kept, migrating []*state.Alloc) {
	remove := len(keep) + len(migrate) - *tg.Count
	highestFirst := func(a, b *state.Alloc) int { return cmp.Compare(indexOf(b), indexOf(a)) }
	for _, from := range []*[]*state.Alloc{&migrate, &keep} {
		slices.SortStableFunc(*from, highestFirst)
		for remove > 0 && len(*from) > 0 {
			a := (*from)[0]
			*from = (*from)[1:]
			r.stop(a, descNotNeeded)
			names.release(indexOf(a))
			desired.Stop++
			remove--
		}
	}
	slices.Reverse(keep)
	slices.Reverse(migrate)
	return keep, migrate
}

func (r *reconciler) stop(a *state.Alloc, description string) {
	c := a.Copy()
	c.DesiredStatus = nomadapi.AllocDesiredStatusStop
	c.DesiredDescription = description
	if description == descRescheduled {
		// Nomad leaves the description of a failed one empty (seen).
		c.DesiredDescription = ""
	}
	for _, p := range r.plan.Place {
		if p.PreviousAllocation == a.ID {
			c.NextAllocation = p.ID
		}
	}
	r.gone[a.ID] = true
	r.plan.Stop = append(r.plan.Stop, c)
}

func wants(b *bool) bool { return b != nil && *b }

func allocName(job, group string, index int) string {
	return fmt.Sprintf("%s.%s[%d]", job, group, index)
}

func indexOf(a *state.Alloc) int {
	open := strings.LastIndexByte(a.Name, '[')
	i, err := strconv.Atoi(strings.TrimSuffix(a.Name[open+1:], "]"))
	if err != nil {
		return 0
	}
	return i
}

// nameSet counts how many allocations hold each index.
type nameSet map[int]int

func namesOf(sets ...[]*state.Alloc) nameSet {
	n := nameSet{}
	for _, set := range sets {
		for _, a := range set {
			n[indexOf(a)]++
		}
	}
	return n
}

func (n nameSet) release(index int) { n[index]-- }

// lowestFree takes the lowest free indexes below count; when there are not
// enough, it goes on above, which only happens with duplicate names.
func (n nameSet) lowestFree(want, count int) []int {
	var free []int
	for i := 0; len(free) < want && i < count; i++ {
		if n[i] <= 0 {
			n[i]++
			free = append(free, i)
		}
	}
	for i := 0; len(free) < want; i++ {
		free = append(free, i)
	}
	return free
}
