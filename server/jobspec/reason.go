package jobspec

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	nomadapi "github.com/hashicorp/nomad/api"
)

// PlacementReason says in one sentence, without its full stop, why instances of a job could not be
// placed: from the FailedTGAllocs of a plan or an evaluation, "" if they hold none. The job tells how
// much was asked for; it may be nil.
func PlacementReason(failed map[string]*nomadapi.AllocationMetric, job *nomadapi.Job) string {
	for _, name := range slices.Sorted(maps.Keys(failed)) {
		if m := failed[name]; m != nil {
			return reason(name, m, taskOf(job, name))
		}
	}
	return ""
}

func taskOf(job *nomadapi.Job, group string) *nomadapi.Task {
	if job == nil {
		return nil
	}
	for _, g := range job.TaskGroups {
		if g.Name != nil && *g.Name == group && len(g.Tasks) > 0 {
			return g.Tasks[0]
		}
	}
	return nil
}

func reason(process string, m *nomadapi.AllocationMetric, t *nomadapi.Task) string {
	needs := ", which " + process + " needs"
	switch {
	case m.NodesEvaluated == 0:
		return "no node is ready to run " + process
	case m.DimensionExhausted["memory"] > 0:
		return "no node has " + megabytes(t) + "free memory" + needs + among(m)
	case m.DimensionExhausted["cpu"] > 0:
		return "no node has " + megahertz(t) + "free cpu" + needs + among(m)
	case len(m.DimensionExhausted) > 0:
		return "no node has room for " + process + ": " + listed(m.DimensionExhausted)
	case len(m.QuotaExhausted) > 0:
		return "the quota of the namespace is used up: " + strings.Join(m.QuotaExhausted, ", ")
	case m.ConstraintFiltered["missing drivers"] > 0 && t != nil:
		return fmt.Sprintf("no node can run tasks under the driver %q%s", t.Driver, needs)
	case len(m.ConstraintFiltered) > 0:
		return "no node fits " + process + ": " + listed(m.ConstraintFiltered)
	}
	return fmt.Sprintf("no node has room for %s: %d of %d nodes were left out and %d were full", process, m.NodesFiltered, m.NodesEvaluated, m.NodesExhausted)
}

func megabytes(t *nomadapi.Task) string {
	if t == nil || t.Resources == nil || t.Resources.MemoryMB == nil {
		return "enough "
	}
	return fmt.Sprintf("%d MB of ", *t.Resources.MemoryMB)
}

func megahertz(t *nomadapi.Task) string {
	if t == nil || t.Resources == nil || t.Resources.CPU == nil {
		return "enough "
	}
	return fmt.Sprintf("%d MHz of ", *t.Resources.CPU)
}

// among says how many nodes were full, where others were not even looked at for room.
func among(m *nomadapi.AllocationMetric) string {
	if m.NodesFiltered == 0 {
		return ""
	}
	return fmt.Sprintf(" (%d of %d nodes are full, %d do not fit otherwise)", m.NodesExhausted, m.NodesEvaluated, m.NodesFiltered)
}

// listed names what was short, and on how many nodes.
func listed(by map[string]int) string {
	var parts []string
	for _, what := range slices.Sorted(maps.Keys(by)) {
		unit := "nodes"
		if by[what] == 1 {
			unit = "node"
		}
		parts = append(parts, fmt.Sprintf("%s on %d %s", what, by[what], unit))
	}
	return strings.Join(parts, ", ")
}
