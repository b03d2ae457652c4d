package deploy

import (
	"fmt"
	"maps"
	"slices"

	nomadapi "github.com/hashicorp/nomad/api"
)

// guard gives the reason why a planned register must not be made, or "". With max_parallel = 0 Nomad
// replaces ALL instances at once for any change it calls destructive, and even a count can be one: a
// node whose attributes drifted, a renderer that changed a byte (slots.md A1). So the plan must show
// nothing destroyed, migrated or preempted, and no more stopped than wanted. It may place more than
// the difference of counts: those replace instances that died meanwhile.
func guard(plan *nomadapi.JobPlanResponse, before, after map[string]int) string {
	if plan.Annotations == nil {
		return "Nomad's plan has no annotations to judge it by"
	}
	updates := plan.Annotations.DesiredTGUpdates
	for _, group := range slices.Sorted(maps.Keys(updates)) {
		u := updates[group]
		stop := uint64(max(0, before[group]-after[group]))
		switch {
		case u.DestructiveUpdate > 0:
			return fmt.Sprintf("Nomad would replace %d serving instances of %s at once", u.DestructiveUpdate, group)
		case u.Migrate > 0:
			return fmt.Sprintf("Nomad would migrate %d instances of %s", u.Migrate, group)
		case u.Preemptions > 0 || len(plan.Annotations.PreemptedAllocs) > 0:
			return fmt.Sprintf("Nomad would preempt instances of other jobs to place %s", group)
		case u.Stop > stop && after[group] > 0:
			return fmt.Sprintf("Nomad would stop %d instances of %s where %d are to go", u.Stop, group, stop)
		}
	}
	return ""
}

// destroys says that registering the planned job would replace instances.
func destroys(plan *nomadapi.JobPlanResponse) bool {
	if plan.Annotations == nil {
		return false
	}
	for _, u := range plan.Annotations.DesiredTGUpdates {
		if u.DestructiveUpdate > 0 {
			return true
		}
	}
	return false
}

// unchanged says that registering the planned job would do nothing.
func unchanged(plan *nomadapi.JobPlanResponse) bool {
	return plan.Diff != nil && plan.Diff.Type == "None"
}

// countsOf gives the counts of a job by group.
func countsOf(job *nomadapi.Job) map[string]int {
	counts := map[string]int{}
	for _, g := range job.TaskGroups {
		if g.Name == nil || g.Count == nil {
			continue
		}
		counts[*g.Name] = *g.Count
	}
	return counts
}

func total(counts map[string]int) int {
	n := 0
	for _, c := range counts {
		n += c
	}
	return n
}
