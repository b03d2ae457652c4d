package paas

import "time"

// Platform is how the machinery under all apps is.
type Platform struct {
	At       time.Time     `json:"at"`
	Version  string        `json:"version"` // of the Crumpet server that answers
	Backends []BackendView `json:"backends"`
	Routers  []Router      `json:"routers"`
	Nodes    []NodeRoom    `json:"nodes"`
	Servers  []Server      `json:"servers"` // of Crumpet
}

// BackendView is a backend with what to do about it.
type BackendView struct {
	Backend
	Version string `json:"version,omitempty"` // where it says one
	Next    string `json:"next,omitempty"`    // what to do, a sentence; "" while all is well
}

// Router is one Fabio.
type Router struct {
	Address string     `json:"address"` // of its admin API
	OK      bool       `json:"ok"`      // its table could be read just now
	Reason  string     `json:"reason,omitempty"`
	Routes  int        `json:"routes"`            // rows of its table when it was last read
	Apps    int        `json:"apps"`              // of how many apps those are
	ReadAt  *time.Time `json:"read_at,omitempty"` // when it last could be; left out if it never was
}

// Extent is how much there is of something, and how much of that is spoken for.
type Extent struct {
	Total    int `json:"total"`    // for instances: what the node keeps for itself is taken off
	Reserved int `json:"reserved"` // by instances, of apps and of anything else that Nomad runs there
}

// NodeRoom is a node with what it has and what of that is taken.
type NodeRoom struct {
	NodeView
	CPU     Extent   `json:"cpu_mhz"`
	Memory  Extent   `json:"memory_mb"`
	Known   bool     `json:"room_known"` // false where Nomad did not say: both are 0
	Tenants []Tenant `json:"tenants"`    // instances on it, by team, app and process
}

// Tenant is an instance on a node.
type Tenant struct {
	Team     string        `json:"team"`
	App      string        `json:"app"`
	Process  string        `json:"process"`
	Instance string        `json:"instance"`
	Slot     Slot          `json:"slot"`
	Index    int           `json:"index"`
	Release  int           `json:"release"`
	State    InstanceState `json:"state"`
	Health   Health        `json:"health"`
	CPU      int           `json:"cpu_mhz"`   // reserved for it
	Memory   int           `json:"memory_mb"` // reserved for it
}

// NodeCapacity is what a node has, and what of that is spoken for.
type NodeCapacity struct {
	CPU       Extent              // MHz
	Memory    Extent              // MiB
	Instances map[string]Reserved // by the id of the allocation, also of what is not ours
}

// Reserved is what the scheduler keeps for one allocation.
type Reserved struct {
	CPU    int // MHz
	Memory int // MiB
}
