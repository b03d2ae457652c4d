package wire

import (
	"github.com/crumpet-paas/crumpet/server/paas"
)

// Health is the answer of /healthz: the server runs.
type Health struct {
	Status  string `json:"status"`
	Version string `json:"version"`
}

// Ready is the answer of /readyz: each backend that does not answer, with why.
type Ready struct {
	Ready    bool              `json:"ready"`
	Role     string            `json:"role"`     // leader or follower: one of several servers runs the loops
	Backends map[string]string `json:"backends"` // "ok", or a sentence
}

// Servers are the Crumpet servers that share a store, by name.
type Servers struct {
	Items []paas.Server `json:"items"`
	Next  string        `json:"next"`
}
