package sched

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/devstack/nomad/state"
)

// feasible asks the node's drivers and all constraints of job, group and tasks.
// Without is the allocation whose place is asked for, if it has one.
func (r seat) feasible(tg *nomadapi.TaskGroup, without string, m *nomadapi.AllocationMetric) bool {
	filtered := func(why string) bool {
		m.NodesFiltered++
		if m.ConstraintFiltered == nil {
			m.ConstraintFiltered = map[string]int{}
		}
		m.ConstraintFiltered[why]++
		return false
	}
	// Nomad remembers of a class of nodes that the job, or a group of it, can't run there. All nodes of a
	// stand-in are of one class.
	if r.classFails || r.groupFails[*tg.Name] {
		return filtered("computed class ineligible")
	}
	if why := r.unmet(r.Job.Constraints); why != "" {
		r.classFails = !unique(r.Job.Constraints)
		return filtered(why)
	}
	constraints := slices.Clone(tg.Constraints)
	for _, t := range tg.Tasks {
		constraints = append(constraints, t.Constraints...)
	}
	for _, t := range tg.Tasks {
		if d := r.node.Drivers[t.Driver]; d == nil || !d.Healthy {
			r.groupFails[*tg.Name] = !unique(constraints)
			return filtered("missing drivers")
		}
	}
	if why := r.unmet(constraints); why != "" {
		r.groupFails[*tg.Name] = !unique(constraints)
		return filtered(why)
	}
	for _, t := range tg.Tasks {
		if len(t.Resources.Devices) > 0 {
			return filtered("missing devices")
		}
	}
	for _, n := range tg.Networks {
		if n.Mode != "" && n.Mode != "host" {
			return filtered("missing network")
		}
	}
	if why := r.indistinct(tg, without); why != "" {
		return filtered(why)
	}
	return true
}

// unique tells that constraints differ from node to node also within a class.
func unique(constraints []*nomadapi.Constraint) bool {
	return slices.ContainsFunc(constraints, func(c *nomadapi.Constraint) bool { return strings.Contains(c.LTarget+c.RTarget, "unique.") })
}

// unmet is the first constraint that the node does not meet, or "".
func (r seat) unmet(constraints []*nomadapi.Constraint) string {
	for _, c := range constraints {
		if c.Operand == nomadapi.ConstraintDistinctHosts || c.Operand == nomadapi.ConstraintDistinctProperty {
			continue
		}
		if !r.meets(c) {
			return fmt.Sprintf("%s %s %s", c.LTarget, c.Operand, c.RTarget)
		}
	}
	return ""
}

// indistinct says which constraint the instances already on the node violate.
func (r seat) indistinct(tg *nomadapi.TaskGroup, without string) string {
	var ofJob, ofGroup []*state.Alloc // on any node
	for _, a := range r.holding(without) {
		if a.JobID != *r.Job.ID || a.Namespace != *r.Job.Namespace || a.ServerTerminal() {
			continue
		}
		ofJob = append(ofJob, a)
		if a.TaskGroup == *tg.Name {
			ofGroup = append(ofGroup, a)
		}
	}
	for _, level := range []struct {
		constraints []*nomadapi.Constraint
		used        []*state.Alloc
	}{{r.Job.Constraints, ofJob}, {tg.Constraints, ofGroup}} {
		for _, c := range level.constraints {
			switch c.Operand {
			case nomadapi.ConstraintDistinctHosts:
				here := slices.ContainsFunc(level.used, func(a *state.Alloc) bool { return a.NodeID == r.node.ID })
				if here && c.RTarget != "false" {
					return nomadapi.ConstraintDistinctHosts
				}
			case nomadapi.ConstraintDistinctProperty:
				value, found := r.target(c.LTarget)
				if !found {
					return fmt.Sprintf("missing property %q", c.LTarget)
				}
				allowed, err := strconv.Atoi(c.RTarget)
				if err != nil {
					allowed = 1
				}
				if used := r.having(level.used, c.LTarget, value); used >= allowed {
					return fmt.Sprintf("distinct_property: %s=%s used by %d allocs", c.LTarget, value, used)
				}
			}
		}
	}
	return ""
}

// having counts the allocations on nodes whose property has a value.
func (r seat) having(allocs []*state.Alloc, property, value string) (count int) {
	for _, a := range allocs {
		node := r.byID(a.NodeID)
		if node == nil {
			continue
		}
		if has, found := (seat{r.reconciler, node}).target(property); found && has == value {
			count++
		}
	}
	return count
}

func (r seat) meets(c *nomadapi.Constraint) bool {
	left, leftOK := r.target(c.LTarget)
	right, rightOK := r.target(c.RTarget)
	switch c.Operand {
	case "is_set":
		return leftOK
	case "is_not_set":
		return !leftOK
	case "!=", "not":
		return left != right
	}
	if !leftOK || !rightOK {
		return false
	}
	switch c.Operand {
	case "=", "==", "is", "":
		return left == right
	case "<", "<=", ">", ">=":
		return ordered(c.Operand, left, right)
	case "regexp":
		re, err := regexp.Compile(right)
		return err == nil && re.MatchString(left)
	case "set_contains", "set_contains_all":
		return contains(left, right, true)
	case "set_contains_any":
		return contains(left, right, false)
	case "version", "semver":
		return versionMeets(left, right)
	}
	return false
}

// target reads what a constraint names; a plain text is itself.
func (r seat) target(s string) (string, bool) {
	name, isRef := strings.CutPrefix(s, "${")
	if !isRef {
		return s, true
	}
	return NodeValue(r.node, strings.TrimSuffix(name, "}"))
}

// NodeValue looks up node.*, attr.* and meta.* as interpolation names them.
func NodeValue(n *nomadapi.Node, name string) (string, bool) {
	switch name {
	case "node.unique.id":
		return n.ID, true
	case "node.unique.name":
		return n.Name, true
	case "node.datacenter":
		return n.Datacenter, true
	case "node.class":
		return n.NodeClass, true
	case "node.pool":
		return n.NodePool, true
	}
	if key, ok := strings.CutPrefix(name, "attr."); ok {
		v, found := n.Attributes[key]
		return v, found
	}
	if key, ok := strings.CutPrefix(name, "meta."); ok {
		v, found := n.Meta[key]
		return v, found
	}
	return "", false
}

func ordered(operand, left, right string) bool {
	l, lerr := strconv.ParseFloat(left, 64)
	r, rerr := strconv.ParseFloat(right, 64)
	order := strings.Compare(left, right)
	if lerr == nil && rerr == nil {
		order = 0
		if l < r {
			order = -1
		} else if l > r {
			order = 1
		}
	}
	return orderMeets(operand, order)
}

func orderMeets(operand string, order int) bool {
	switch operand {
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	case ">=":
		return order >= 0
	case "!=":
		return order != 0
	}
	return order == 0
}

func contains(set, wanted string, all bool) bool {
	have := map[string]bool{}
	for part := range strings.SplitSeq(set, ",") {
		have[strings.TrimSpace(part)] = true
	}
	for part := range strings.SplitSeq(wanted, ",") {
		if have[strings.TrimSpace(part)] != all {
			return !all
		}
	}
	return all
}

// versionMeets reads constraints like ">= 1.8.0, < 2".
func versionMeets(version, constraints string) bool {
	for c := range strings.SplitSeq(constraints, ",") {
		c = strings.TrimSpace(c)
		number := strings.TrimLeft(c, "<>=!~ ")
		operand := strings.TrimSpace(c[:len(c)-len(number)])
		order := compareVersions(version, number)
		if operand == "~>" {
			parts := strings.Split(number, ".")
			prefix := strings.Join(parts[:max(1, len(parts)-1)], ".")
			if order < 0 || !strings.HasPrefix(version+".", prefix+".") {
				return false
			}
			continue
		}
		if !orderMeets(operand, order) {
			return false
		}
	}
	return true
}

func compareVersions(a, b string) int {
	cut := func(v string) []string {
		v, _, _ = strings.Cut(strings.TrimPrefix(v, "v"), "-")
		v, _, _ = strings.Cut(v, "+")
		return strings.Split(v, ".")
	}
	as, bs := cut(a), cut(b)
	for i := range max(len(as), len(bs)) {
		var x, y int
		if i < len(as) {
			x, _ = strconv.Atoi(as[i]) // what is no number counts as 0
		}
		if i < len(bs) {
			y, _ = strconv.Atoi(bs[i])
		}
		if x != y {
			return x - y
		}
	}
	return 0
}
