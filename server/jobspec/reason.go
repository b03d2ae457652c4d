package jobspec

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// PlacementReason says in one sentence, without its full stop, why instances of a job could not be
// placed: from the FailedTGAllocs of a plan or an evaluation, "" if they hold none. The job tells how
// much was asked for; it may be nil.
func PlacementReason(failed map[string]*nomadapi.AllocationMetric, job *nomadapi.Job) string {
	_, sentence := Placement(failed, job)
	return sentence
}

// Placement gives that sentence with the cause it tells of.
func Placement(failed map[string]*nomadapi.AllocationMetric, job *nomadapi.Job) (paas.Cause, string) {
	for _, name := range slices.Sorted(maps.Keys(failed)) {
		if m := failed[name]; m != nil {
			return reason(name, m, job, groupOf(job, name))
		}
	}
	return "", ""
}

func groupOf(job *nomadapi.Job, name string) *nomadapi.TaskGroup {
	if job == nil {
		return nil
	}
	for _, g := range job.TaskGroups {
		if g.Name != nil && *g.Name == name && len(g.Tasks) > 0 {
			return g
		}
	}
	return nil
}

func reason(process string, m *nomadapi.AllocationMetric, job *nomadapi.Job, g *nomadapi.TaskGroup) (paas.Cause, string) {
	needs := ", which " + process + " needs"
	switch {
	case m.NodesEvaluated == 0:
		return paas.CauseNoNode, "no node is ready to run " + process + where(m, job)
	case m.DimensionExhausted["memory"] > 0:
		return paas.CauseNoMemory, "no node has " + sum(g, "MB of ", memoryOf) + "free memory" + needs + among(m)
	case m.DimensionExhausted["cpu"] > 0:
		return paas.CauseNoCPU, "no node has " + sum(g, "MHz of ", cpuOf) + "free cpu" + needs + among(m)
	case m.DimensionExhausted["cores"] > 0:
		return paas.CauseNoCPU, "no node has " + sum(g, "whole ", coresOf) + "free cores" + needs + among(m)
	case m.DimensionExhausted["disk"] > 0:
		return paas.CauseNoDisk, "no node has " + diskOf(g) + "free disk" + needs + among(m)
	case portShort(m) != "":
		return paas.CauseNoPort, "no node has the port free" + needs + ": " + portShort(m)
	case len(m.DimensionExhausted) > 0:
		return paas.CauseNoRoom, "no node has room for " + process + ": " + listed(m.DimensionExhausted)
	case len(m.QuotaExhausted) > 0:
		return paas.CauseNoRoom, "the quota of the namespace is used up: " + strings.Join(m.QuotaExhausted, ", ")
	case m.ConstraintFiltered[nomadapi.ConstraintDistinctHosts] > 0:
		return paas.CauseDistinctHosts, fmt.Sprintf("every node that fits has an instance already, and %s wants distinct hosts (%s)", process, listed(m.ConstraintFiltered))
	case m.ConstraintFiltered["missing compatible host volumes"] > 0 && g != nil && len(g.Volumes) > 0:
		return paas.CauseNoVolume, volumeAway(process, m)
	case m.ConstraintFiltered["missing drivers"] > 0 && g != nil:
		return paas.CauseNoDriver, fmt.Sprintf("no node can run tasks under the driver %q%s", g.Tasks[0].Driver, needs)
	case len(m.ConstraintFiltered) > 0:
		return paas.CauseConstraint, "no node fits " + process + ": " + listed(m.ConstraintFiltered)
	}
	return paas.CauseNoRoom, fmt.Sprintf("no node has room for %s: %d of %d nodes were left out and %d were full", process, m.NodesFiltered, m.NodesEvaluated, m.NodesExhausted)
}

// portShort gives Nomad's words for a port that is taken on every node, "" if it spoke of none.
func portShort(m *nomadapi.AllocationMetric) string {
	for _, what := range slices.Sorted(maps.Keys(m.DimensionExhausted)) {
		if words, ok := strings.CutPrefix(what, "network: "); ok && (strings.Contains(words, "port selection") || strings.HasPrefix(words, "reserved port")) {
			return words
		}
	}
	return ""
}

// where says among which nodes none was ready, if the job does not take any.
func where(m *nomadapi.AllocationMetric, job *nomadapi.Job) string {
	if job == nil {
		return ""
	}
	var in []string
	if pool := cmp.Or(m.NodePool, nomadapi.NodePoolDefault); pool != nomadapi.NodePoolDefault {
		in = append(in, fmt.Sprintf("the node pool %q", pool))
	} else if job.NodePool != nil && *job.NodePool != nomadapi.NodePoolDefault {
		in = append(in, fmt.Sprintf("the node pool %q", *job.NodePool))
	}
	switch dcs := job.Datacenters; {
	case len(dcs) == 1 && dcs[0] != "*":
		in = append(in, "the datacenter "+dcs[0])
	case len(dcs) > 1:
		in = append(in, "the datacenters "+strings.Join(dcs, ", "))
	}
	if len(in) == 0 {
		return ""
	}
	return " in " + strings.Join(in, " and ")
}

func memoryOf(t *nomadapi.Task) *int { return t.Resources.MemoryMB }
func cpuOf(t *nomadapi.Task) *int    { return t.Resources.CPU }
func coresOf(t *nomadapi.Task) *int  { return t.Resources.Cores }

// sum is how much all programs of an instance need together.
func sum(g *nomadapi.TaskGroup, unit string, of func(*nomadapi.Task) *int) string {
	var all int
	if g != nil {
		for _, t := range g.Tasks {
			if t.Resources != nil && of(t) != nil {
				all += *of(t)
			}
		}
	}
	if all == 0 {
		return "enough "
	}
	return fmt.Sprintf("%d %s", all, unit)
}

func diskOf(g *nomadapi.TaskGroup) string {
	if g == nil || g.EphemeralDisk == nil || g.EphemeralDisk.SizeMB == nil {
		return "enough "
	}
	return fmt.Sprintf("%d MB of ", *g.EphemeralDisk.SizeMB)
}

// among says how many nodes were full, where others were not even looked at for room.
func among(m *nomadapi.AllocationMetric) string {
	if m.NodesFiltered == 0 {
		return ""
	}
	return fmt.Sprintf(" (%d of %d nodes are full, %d do not fit otherwise)", m.NodesExhausted, m.NodesEvaluated, m.NodesFiltered)
}

// listed lists what was short, and on how many nodes.
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
