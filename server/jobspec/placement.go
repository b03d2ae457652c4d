package jobspec

import (
	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// placed translates what a placement says of nodes. Nomad reads the attribute between ${ and }, and
// takes the value as it stands unless it begins with ${, which spec refuses.
func placed(p paas.Placement) ([]*nomadapi.Constraint, []*nomadapi.Affinity, []*nomadapi.Spread) {
	var constraints []*nomadapi.Constraint
	var affinities []*nomadapi.Affinity
	var spreads []*nomadapi.Spread
	if p.DistinctHosts {
		constraints = append(constraints, &nomadapi.Constraint{Operand: nomadapi.ConstraintDistinctHosts, RTarget: "true"})
	}
	for _, c := range p.Constraints {
		constraints = append(constraints, &nomadapi.Constraint{LTarget: attribute(c.Attribute), Operand: c.Operator, RTarget: c.Value})
	}
	for _, a := range p.Affinities {
		affinities = append(affinities, &nomadapi.Affinity{
			LTarget: attribute(a.Attribute), Operand: a.Operator, RTarget: a.Value, Weight: new(int8(a.Weight)),
		})
	}
	for _, s := range p.Spreads {
		spread := &nomadapi.Spread{Attribute: attribute(s.Attribute), Weight: new(int8(s.Weight))}
		for _, t := range s.Targets {
			spread.SpreadTarget = append(spread.SpreadTarget, &nomadapi.SpreadTarget{Value: t.Value, Percent: uint8(t.Percent)})
		}
		spreads = append(spreads, spread)
	}
	return constraints, affinities, spreads
}

func attribute(name string) string { return "${" + name + "}" }
