package spec

import (
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// operators are Nomad's, without its synonyms and those of which Crumpet has keys.
var operators = []string{
	"=", "!=", ">", ">=", "<", "<=", "regexp", "set_contains", "set_contains_any", "set_contains_all", "version", "semver", "is_set", "is_not_set",
}

// nodeAttributes are those of a node itself.
var nodeAttributes = []string{"node.class", "node.datacenter", "node.pool", "node.unique.id", "node.unique.name"}

// otherOperators are Nomad's others, and what to write for them.
var otherOperators = map[string]string{
	"==": `Write operator = "=".`, "is": `Write operator = "=".`, "not": `Write operator = "!=".`,
	"distinct_hosts":    "Write distinct_hosts = true in placement.",
	"distinct_property": `Write spread { attribute = "..." } in placement, or Nomad's own: nomad { group = { Constraints = [{ LTarget = "$${meta.rack}", Operand = "distinct_property" }] } }.`,
}

var (
	pools       = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)
	datacenters = regexp.MustCompile(`^[A-Za-z0-9_.*?\[\]-]{1,128}$`)
	attributes  = regexp.MustCompile(`^(attr|meta|device)(\.[^\s.${}"\x00]+)+$`)
	version     = `v?[0-9]+(\.[0-9]+)*(-[0-9A-Za-z.~-]+)?(\+[0-9A-Za-z.~-]+)?`
	versions    = regexp.MustCompile(`^\s*(=|!=|>|<|>=|<=|~>)?\s*` + version + `(\s*,\s*(=|!=|>|<|>=|<=|~>)?\s*` + version + `)*\s*$`)
	semvers     = regexp.MustCompile(`^\s*(=|!=|>|<|>=|<=)?\s*` + version + `(\s*,\s*(=|!=|>|<|>=|<=)?\s*` + version + `)*\s*$`)
)

func validatePlacement(at place, p paas.Placement, r report) {
	if p.Pool != "" && !pools.MatchString(p.Pool) {
		r.say(at.attr("pool"), "Bad name", "The node pool %q can't exist: its name has letters, digits, dashes and underscores, 128 at most.", p.Pool)
	}
	for i, dc := range p.Datacenters {
		here := at.attr("datacenters").item(i)
		switch {
		case !datacenters.MatchString(dc):
			r.say(here, "Bad name", "The datacenter %q can't exist: its name has letters, digits, dots, dashes and underscores; * stands for any of them.", dc)
		case slices.Contains(p.Datacenters[:i], dc):
			r.say(here, "Name repeated", "The datacenter %q is there twice. Keep one.", dc)
		}
	}
	for i, c := range p.Constraints {
		validateConstraint(at.block("constraint", i, ""), "constraint", c, r)
	}
	for i, a := range p.Affinities {
		here := at.block("affinity", i, "")
		validateConstraint(here, "affinity", a.Constraint, r)
		if a.Weight < -100 || a.Weight > 100 || a.Weight == 0 {
			r.say(here.attr("weight"), "Out of range", "The weight of the affinity is %d; it must be from 1 to 100, or from -100 to -1 to keep away from such nodes.", a.Weight)
		}
	}
	for i, s := range p.Spreads {
		validateSpread(at.block("spread", i, ""), s, r)
	}
}

func validateConstraint(at place, kind string, c paas.Constraint, r report) {
	value := at.attr("value")
	alone := c.Operator == "is_set" || c.Operator == "is_not_set"
	switch instead := otherOperators[c.Operator]; {
	case instead != "":
		r.say(at.attr("operator"), "Unknown operator", "There is no operator %q here. %s", c.Operator, instead)
		return
	case alone && kind == "affinity":
		r.say(at.attr("operator"), "Unknown operator", "Nomad has no operator %q for an affinity. Write a constraint, or operator = \"regexp\" with value = \".\".", c.Operator)
		return
	case !slices.Contains(operators, c.Operator):
		r.say(at.attr("operator"), "Unknown operator", "There is no operator %q.%s There are %s.", c.Operator, suggest(c.Operator, operators), list(operators))
		return
	}
	validateAttribute(at, kind, c.Attribute, r)
	switch {
	case alone && c.Value != "":
		r.say(value, "Impossible combination", "The operator %q compares with nothing. Leave value out.", c.Operator)
	case alone:
	case c.Value == "":
		r.missing(value, "Value missing", "The operator %q compares %s with a value, and there is none. Write value = \"...\".", c.Operator, c.Attribute)
	case strings.HasPrefix(c.Value, "${"):
		r.say(value, "Bad value", "The value %q is compared as it stands, and can't begin with ${. To compare two attributes of a node write Nomad's own: nomad { group = { Constraints = [ ... ] } }.", c.Value)
	case strings.ContainsFunc(c.Value, unicode.IsControl):
		r.say(value, "Bad value", "The value %q holds a character that no attribute of a node has. Leave it out.", c.Value)
	case c.Operator == "regexp":
		if _, err := regexp.Compile(c.Value); err != nil {
			r.say(value, "Bad value", "The regular expression %q can't be read: %s.", c.Value, err)
		}
	case c.Operator == "version" && !versions.MatchString(c.Value):
		r.say(value, "Bad value", "The version %q can't be read. Write an operator and a version, such as \">= 1.2, < 2.0\".", c.Value)
	case c.Operator == "semver" && !semvers.MatchString(c.Value):
		r.say(value, "Bad value", "The version %q can't be read. Write an operator and a version, such as \">= 1.2.0, < 2.0.0\".", c.Value)
	}
}

func validateAttribute(at place, kind, name string, r report) {
	here := at.attr("attribute")
	switch {
	case name == "":
		r.missing(here, "Attribute missing", "The %s does not say which attribute of a node is meant. Write attribute = \"node.class\", or one such as \"attr.kernel.name\", \"meta.rack\" or \"node.datacenter\".", kind)
	case strings.Contains(name, "${"):
		r.say(here, "Bad attribute", "The attribute %q is written without ${ and }. Write %q.", name, strings.NewReplacer("${", "", "}", "").Replace(name))
	case strings.HasPrefix(name, "node.") && !slices.Contains(nodeAttributes, name):
		r.say(here, "Bad attribute", "A node has no attribute %q.%s There are %s, and those that begin with attr. and meta.", name, suggest(name, nodeAttributes), list(nodeAttributes))
	case !strings.HasPrefix(name, "node.") && !attributes.MatchString(name):
		r.say(here, "Bad attribute", "A node has no attribute %q. Names begin with attr., meta. or node., such as \"attr.kernel.name\", \"meta.rack\" or \"node.class\".", name)
	}
}

func validateSpread(at place, s paas.Spread, r report) {
	validateAttribute(at, "spread", s.Attribute, r)
	count(r, at.attr("weight"), "weight of the spread", "", s.Weight, 1, 100)
	sum := 0
	for i, t := range s.Targets {
		here := at.block("target", i, t.Value)
		if t.Value == "" {
			r.say(here.label(), "Bad name", "A target of the spread names no value of the attribute. Write one, such as target \"dc1\" { percent = %d }.", t.Percent)
		}
		if slices.ContainsFunc(s.Targets[:i], func(other paas.Target) bool { return other.Value == t.Value }) {
			r.say(here.label(), "Name repeated", "There is a second target %q. Keep one.", t.Value)
		}
		if t.Percent < 0 || t.Percent > 100 {
			count(r, here.attr("percent"), "share of the target "+t.Value, "%", t.Percent, 0, 100)
			return
		}
		sum += t.Percent
	}
	if sum > 100 {
		r.say(at, "Impossible combination", "The targets of the spread get %d%% of the instances together; at most 100%% are there.", sum)
	}
}
