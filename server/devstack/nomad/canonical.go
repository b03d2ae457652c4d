package nomad

import (
	"net/http"
	"slices"
	"strings"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/devstack/nomad/valid"
)

// canonicalize fills in defaults as the official client does, and what Nomad's
// server adds to a job: the default identity and the implied constraints.
func canonicalize(job *nomadapi.Job) {
	job.Canonicalize()
	if job.NodePool == nil || *job.NodePool == "" {
		job.NodePool = new("default")
	}
	for _, tg := range job.TaskGroups {
		for _, t := range tg.Tasks {
			if t.Identity == nil {
				t.Identity = &nomadapi.WorkloadIdentity{Name: "default", Audience: []string{"nomadproject.io"}}
			}
			if len(t.Services) > 0 {
				imply(&t.Constraints, consulConstraint(), false)
			}
		}
		if signals := requiredSignals(tg); len(signals) > 0 {
			imply(&tg.Constraints, &nomadapi.Constraint{LTarget: "${attr.os.signals}", Operand: "set_contains", RTarget: strings.Join(signals, ",")}, true)
		}
		if len(tg.Services) > 0 {
			imply(&tg.Constraints, consulConstraint(), false)
		}
	}
}

func consulConstraint() *nomadapi.Constraint {
	return &nomadapi.Constraint{LTarget: "${attr.consul.version}", Operand: "semver", RTarget: ">= 1.8.0"}
}

// requiredSignals are those that the node must know, sorted.
func requiredSignals(tg *nomadapi.TaskGroup) []string {
	var names []string
	for _, t := range tg.Tasks {
		if t.KillSignal != "" {
			names = append(names, t.KillSignal)
		}
		for _, tmpl := range t.Templates {
			if *tmpl.ChangeMode == "signal" {
				names = append(names, *tmpl.ChangeSignal)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// imply adds a constraint once: a job read from the API has it already. Unless
// whole, one on the same attribute is enough.
func imply(constraints *[]*nomadapi.Constraint, c *nomadapi.Constraint, whole bool) {
	if !slices.ContainsFunc(*constraints, func(have *nomadapi.Constraint) bool {
		return *have == *c || (!whole && have.LTarget == c.LTarget)
	}) {
		*constraints = append(*constraints, c)
	}
}

// multi is the answer to a job with faults, nil without.
func multi(faults []string) error {
	if len(faults) == 0 {
		return nil
	}
	return fail(http.StatusInternalServerError, "%s", valid.List(faults))
}
