package wire

import "github.com/crumpet-paas/crumpet/server/paas"

// Drift is what on the cluster is not as it is wished.
type Drift struct {
	Items []paas.Finding `json:"items"`
}

// Repair names the findings that are to be healed, as Drift gave them.
type Repair struct {
	Items []Faulty `json:"items" doc:"What to heal; anything that is no longer so is left alone." minItems:"1" maxItems:"1000"`
}

// Faulty names one finding.
type Faulty struct {
	Kind  paas.FindingKind `json:"kind"`
	Team  string           `json:"team,omitempty"`
	App   string           `json:"app,omitempty"`
	Thing string           `json:"thing"`
}
