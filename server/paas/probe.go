package paas

import "time"

// Probes are three separate questions about an instance. Each is a check in Consul.
type Probes struct {
	Startup   *Probe `json:"startup,omitempty"`   // has it started? Must pass once, and is not asked about again
	Readiness *Probe `json:"readiness,omitempty"` // may it get requests? Gates its routes
	Liveness  *Probe `json:"liveness,omitempty"`  // is it beyond help? After Failures in a row the program is restarted
}

// ProbeType is how a probe asks.
type ProbeType string

// The types.
const (
	ProbeHTTP ProbeType = "http" // 2xx passes
	ProbeTCP  ProbeType = "tcp"  // a connection passes
	ProbeGRPC ProbeType = "grpc" // grpc.health.v1 Check, SERVING passes
	ProbeExec ProbeType = "exec" // a program inside the instance, exit code 0 passes
)

// Probe is one check of an instance.
type Probe struct {
	Type     ProbeType     `json:"type"`
	Port     string        `json:"port,omitempty"`    // name of the port; not with exec
	Path     string        `json:"path,omitempty"`    // http
	Service  string        `json:"service,omitempty"` // grpc: the service asked about, "" for the server
	Command  []string      `json:"command,omitempty"` // exec
	Interval time.Duration `json:"interval"`
	Timeout  time.Duration `json:"timeout"`
	Failures int           `json:"failures,omitempty"` // in a row before it counts as failing; 0 is 1
}

// All gives the probes there are, in the order startup, readiness, liveness.
func (h Probes) All() []Probe {
	var some []Probe
	for _, p := range []*Probe{h.Startup, h.Readiness, h.Liveness} {
		if p != nil {
			some = append(some, *p)
		}
	}
	return some
}
