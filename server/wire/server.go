package wire

import "time"

// Token tells a bearer who it is.
type Token struct {
	Name      string    `json:"name"`
	CreatedAt time.Time `json:"created_at"`
}

// Health is the answer of /healthz: the server runs.
type Health struct {
	Status  string `json:"status"`
	Version string `json:"version"`
}

// Ready is the answer of /readyz: each backend that does not answer, with why.
type Ready struct {
	Ready    bool              `json:"ready"`
	Backends map[string]string `json:"backends"` // "ok", or a sentence
}
