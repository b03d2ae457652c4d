package valid

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	nomadapi "github.com/hashicorp/nomad/api"
)

// Operators by what they need on their right.
var (
	comparing  = []string{"=", "==", "is", "!=", "not", "<", "<=", ">", ">="}
	containing = []string{nomadapi.ConstraintSetContains, nomadapi.ConstraintSetContainsAll, nomadapi.ConstraintSetContainsAny}
	setness    = []string{nomadapi.ConstraintAttributeIsSet, nomadapi.ConstraintAttributeIsNotSet}
)

func (f *faults) placement(constraints []*nomadapi.Constraint, affinities []*nomadapi.Affinity, spreads []*nomadapi.Spread) {
	for i, c := range constraints {
		f.nest(constraint(c), "Constraint %d validation failed", i+1)
	}
	for i, a := range affinities {
		f.nest(affinity(a), "Affinity %d validation failed", i+1)
	}
	for i, s := range spreads {
		f.nest(spread(s), "Spread %d validation failed", i+1)
	}
}

var versions = regexp.MustCompile(`^\s*(=|!=|>|<|>=|<=|~>)?\s*v?[0-9]+(\.[0-9]+)*([-+][0-9A-Za-z.+~-]*)?\s*$`)

func validVersions(text string) bool {
	for one := range strings.SplitSeq(text, ",") {
		if !versions.MatchString(one) {
			return false
		}
	}
	return true
}

func constraint(c *nomadapi.Constraint) faults {
	var f faults
	if c.Operand == "" {
		f.add("Missing constraint operand")
	}
	switch op := c.Operand; {
	case op == nomadapi.ConstraintDistinctHosts:
		return f
	case slices.Contains(containing, op):
		if c.RTarget == "" {
			f.add("Set contains constraint requires an RTarget")
		}
	case op == nomadapi.ConstraintRegex:
		if _, err := regexp.Compile(c.RTarget); err != nil {
			f.add("Regular expression failed to compile: %v", err)
		}
	case op == nomadapi.ConstraintVersion:
		if !validVersions(c.RTarget) {
			f.add("Version constraint is invalid: malformed constraint: %s", c.RTarget)
		}
	case op == nomadapi.ConstraintSemver:
		if !validVersions(c.RTarget) {
			f.add("Semver constraint is invalid: Malformed constraint: %s", c.RTarget)
		}
	case op == nomadapi.ConstraintDistinctProperty:
		if c.RTarget != "" {
			if count, err := strconv.ParseUint(c.RTarget, 10, 64); err != nil {
				f.add("Failed to convert RTarget %q to uint64: %v", c.RTarget, err)
			} else if count < 1 {
				f.add("Distinct Property must have an allowed count of 1 or greater: %d < 1", count)
			}
		}
	case slices.Contains(setness, op):
		if c.RTarget != "" {
			f.add("Operator %q does not support an RTarget", op)
		}
	case slices.Contains(comparing, op):
		if c.RTarget == "" {
			f.add("Operator %q requires an RTarget", op)
		}
	default:
		f.add("Unknown constraint type %q", op)
	}
	switch target := c.LTarget; {
	case target == "":
		f.add("no attribute provided but is required by operator")
	case !strings.HasPrefix(target, "$"):
	case !strings.HasPrefix(target, "${"):
		f.add("attribute %q is missing an opening brace", target)
	case !strings.HasSuffix(target, "}"):
		f.add("attribute %q is missing a closing brace", target)
	case !known(target):
		f.add("unsupported attribute %q", target)
	}
	return f
}

// known tells whether a constraint may name an attribute of a node.
func known(target string) bool {
	name := strings.TrimSuffix(strings.TrimPrefix(target, "${"), "}")
	return slices.Contains([]string{"node.unique.id", "node.datacenter", "node.unique.name", "node.class", "node.pool"}, name) ||
		strings.HasPrefix(name, "attr.") || strings.HasPrefix(name, "device.") || strings.HasPrefix(name, "meta.")
}

func affinity(a *nomadapi.Affinity) faults {
	var f faults
	switch op := a.Operand; {
	case slices.Contains(containing, op):
		if a.RTarget == "" {
			f.add("Set contains operators require an RTarget")
		}
	case op == nomadapi.ConstraintRegex:
		if _, err := regexp.Compile(a.RTarget); err != nil {
			f.add("Regular expression failed to compile: %v", err)
		}
	case op == nomadapi.ConstraintVersion:
		if !validVersions(a.RTarget) {
			f.add("Version affinity is invalid: malformed constraint: %s", a.RTarget)
		}
	case op == nomadapi.ConstraintSemver:
		if !validVersions(a.RTarget) {
			f.add("Semver affinity is invalid: Malformed constraint: %s", a.RTarget)
		}
	case slices.Contains(comparing, op):
		if a.RTarget == "" {
			f.add("Operator %q requires an RTarget", op)
		}
	default:
		f.add("Unknown affinity operator %q", op)
	}
	if a.LTarget == "" {
		f.add("No LTarget provided but is required")
	}
	switch w := *a.Weight; {
	case w == 0:
		f.add("Affinity weight cannot be zero")
	case w > 100 || w < -100:
		f.add("Affinity weight must be within the range [-100,100]")
	}
	return f
}

func spread(s *nomadapi.Spread) faults {
	var f faults
	if s.Attribute == "" {
		f.add("Missing spread attribute")
	}
	if *s.Weight <= 0 || *s.Weight > 100 {
		f.add("Spread block must have a positive weight from 0 to 100")
	}
	seen, sum := map[string]bool{}, 0
	for _, t := range s.SpreadTarget {
		if seen[t.Value] {
			f.add("Spread target value %q already defined", t.Value)
		}
		seen[t.Value] = true
		if t.Percent > 100 {
			f.add("Spread target percentage for value %q must be between 0 and 100", t.Value)
		}
		sum += int(t.Percent)
	}
	if sum > 100 {
		f.add("Sum of spread target percentages must not be greater than 100%%; got %d%%", sum)
	}
	return f
}
