package paas

import "time"

// Severity is how bad a finding about the platform is.
type Severity string

// The severities, worst first.
const (
	Critical Severity = "critical" // something is broken, or the next fault breaks it
	Warning  Severity = "warning"  // it works, and will not at some time
	NotKnown Severity = "unknown"  // it could not be found out, so nothing can be promised
)

// Severities are all of them, worst first.
var Severities = []Severity{Critical, Warning, NotKnown}

// Subject is what a finding about the platform is of.
type Subject string

// The subjects.
const (
	OfQuorum      Subject = "quorum"      // servers, leaders, seals
	OfVersion     Subject = "version"     // and how they differ
	OfCertificate Subject = "certificate" // of TLS, and its expiry
	OfLease       Subject = "lease"       // Crumpet's own tokens
	OfCapacity    Subject = "capacity"    // room on nodes
	OfDrift       Subject = "drift"       // of the store, Nomad, Consul, Vault and the routers from each other
	OfAgent       Subject = "agent"       // how a Nomad agent is set up
	OfRouter      Subject = "router"      // how a Fabio is set up, and its table
	OfClock       Subject = "clock"       // of machines
	OfMachine     Subject = "machine"     // that the answering Crumpet server runs on
)

// Subjects are all of them.
var Subjects = []Subject{OfQuorum, OfVersion, OfCertificate, OfLease, OfCapacity, OfDrift, OfAgent, OfRouter, OfClock, OfMachine}

// Checkup is how the cluster under all apps was found.
type Checkup struct {
	At           time.Time         `json:"at"`
	TookMS       int64             `json:"took_ms"`
	Worst        Severity          `json:"worst,omitempty"` // left out where nothing was found
	Quorums      []Quorum          `json:"quorums"`         // of those programs that said
	Agents       []NomadAgent      `json:"agents"`
	Certificates []Certificate     `json:"certificates"`
	Leases       []Lease           `json:"leases"`
	Findings     []PlatformFinding `json:"findings"` // worst first
}

// PlatformFinding is one thing about the machinery under all apps that somebody should look at.
type PlatformFinding struct {
	Severity Severity `json:"severity"`
	Subject  Subject  `json:"subject"`
	Thing    string   `json:"thing"`          // what it is about: a program, a machine, an address
	Found    string   `json:"found"`          // what is, a sentence
	Why      string   `json:"why"`            // why it matters, a sentence
	Next     string   `json:"next"`           // what to do: a command, or a setting
	Hint     string   `json:"hint,omitempty"` // where to do it, or what to look for
}

// Quorum is a group of servers of which a majority decides.
type Quorum struct {
	Program string         `json:"program"` // a backend's name
	Leader  string         `json:"leader"`  // name of the server that leads; "" for none
	Version string         `json:"version"` // of the server that was asked
	Servers []QuorumServer `json:"servers"`
	Members []QuorumServer `json:"members,omitempty"` // of Consul: client agents
	Seal    string         `json:"seal,omitempty"`    // of Vault: how it is unsealed, Vault's own word
	Alone   bool           `json:"alone"`             // its storage is of one server by its kind
	Skew    *time.Duration `json:"-"`                 // of the clock of the server that was asked from ours
}

// QuorumServer is one server of a quorum.
type QuorumServer struct {
	Name    string `json:"name"`
	Address string `json:"address"`
	Version string `json:"version"`
	Leader  bool   `json:"leader"`
	Voter   bool   `json:"voter"`
	Healthy bool   `json:"healthy"`
	Sealed  bool   `json:"sealed"`           // of Vault
	Reason  string `json:"reason,omitempty"` // why it could not be asked itself, a sentence
}

// Majority is how many voters a quorum needs.
func (q Quorum) Majority() int { return q.voters(false)/2 + 1 }

// Spare is how many healthy voters may be lost; below 0 there is no majority.
func (q Quorum) Spare() int { return q.voters(true) - q.Majority() }

func (q Quorum) voters(healthy bool) (n int) {
	for _, s := range q.Servers {
		if s.Voter && (!healthy || s.Healthy && !s.Sealed) {
			n++
		}
	}
	return n
}

// NomadAgent is one agent of Nomad, as far as it is known.
type NomadAgent struct {
	Name    string `json:"name"`
	Node    string `json:"node,omitempty"` // id of the client
	Address string `json:"address"`        // of its HTTP API
	Server  bool   `json:"server"`
	Client  bool   `json:"client"`
	Down    bool   `json:"down,omitempty"` // a client that does not answer Nomad: nothing else is looked at
	Version string `json:"version"`
	Consul  string `json:"consul,omitempty"` // name of the Consul agent that its client registers services with
	MinPort int    `json:"min_port,omitempty"`
	MaxPort int    `json:"max_port,omitempty"` // of dynamic ports, inclusive
	Exec    bool   `json:"exec,omitempty"`     // its client has the driver exec
	TLS     bool   `json:"tls"`

	Settings *AgentSettings `json:"settings,omitempty"` // left out where the agent could not be asked itself
	Reason   string         `json:"reason,omitempty"`   // and why
}

// AgentSettings is what an agent of Nomad says of its own configuration.
type AgentSettings struct {
	MaxKillTimeout  time.Duration  `json:"max_kill_timeout,omitempty"`  // of a client
	ChrootEnv       int            `json:"chroot_env"`                  // entries; 0 is Nomad's own long list
	HeartbeatGrace  time.Duration  `json:"heartbeat_grace,omitempty"`   // of a server
	EventBufferSize int            `json:"event_buffer_size,omitempty"` // of a server; 0 if it did not say
	Skew            *time.Duration `json:"-"`                           // of its clock from ours; nil if it did not say
}

// Certificate is one that an endpoint showed, or that lies in a file of Crumpet's.
type Certificate struct {
	Of      string     `json:"of"`    // a backend's name, or what the file is for
	Where   string     `json:"where"` // HOST:PORT; for a file what it is, on which server, and its path
	File    string     `json:"-"`     // its path; "" for an endpoint
	Subject string     `json:"subject,omitempty"`
	Ends    *time.Time `json:"ends,omitempty"` // the first of its chain to end
	Begins  *time.Time `json:"begins,omitempty"`
	Reason  string     `json:"reason,omitempty"` // why it is not known
}

// Lease is a token of Crumpet's own.
type Lease struct {
	Of        string     `json:"of"`             // a backend's name
	Ends      *time.Time `json:"ends,omitempty"` // left out for one that does not
	Renewable bool       `json:"renewable"`
	Warn      string     `json:"warn,omitempty"` // what an operator must do, a sentence
	Reason    string     `json:"reason,omitempty"`
}

// RouterSettings is how a Fabio is set up.
type RouterSettings struct {
	Address     string // of its admin API
	Version     string
	Access      string // ui.access: ro or rw
	Strategy    string // proxy.strategy: rnd or rr
	NoGlob      bool   // glob.matching.disabled
	KVPath      string // registry.consul.kvpath
	Monitors    int    // registry.consul.serviceMonitors
	Checks      string // registry.consul.checksRequired: one or all
	DialTimeout time.Duration
	Reason      string // why nothing of it is known, a sentence
}

// Serving is one instance of a service of an app that passes in Consul.
type Serving struct {
	Service string
	Address string // HOST:PORT
	Routed  bool   // has a tag by which routers find it
}

// StaleRow is a row of a router's table that Consul does not know, or one that the table lacks.
type StaleRow struct {
	Router  string
	Service string
	Address string
	Lacks   bool
}

// Machine is what a Crumpet server sees of the machine that it runs on.
type Machine struct {
	Name     string
	FirstEph int // of the range that the kernel takes local ports from
	LastEph  int
	Swap     int64 // bytes
}
