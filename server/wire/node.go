package wire

import "github.com/crumpet-paas/crumpet/server/paas"

// Nodes are the machines that run instances, by name.
type Nodes struct {
	Items []paas.NodeView `json:"items"`
}
