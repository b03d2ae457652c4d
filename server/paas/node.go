package paas

import "time"

// NodeStatus is whether a node of the cluster can be reached.
type NodeStatus string

// The statuses, after Nomad's.
const (
	NodeInitializing NodeStatus = "initializing"
	NodeReady        NodeStatus = "ready"
	NodeDisconnected NodeStatus = "disconnected" // does not answer, and its instances are waited for
	NodeDown         NodeStatus = "down"         // does not answer, and its instances are given up
)

// Node is what was seen of one machine that runs instances.
type Node struct {
	ID         string     `json:"id"`
	Name       string     `json:"name"`
	Datacenter string     `json:"datacenter"`
	Pool       string     `json:"pool"`
	Address    string     `json:"address"`
	Status     NodeStatus `json:"status"`
	Eligible   bool       `json:"eligible"` // Nomad may place instances on it
	Draining   bool       `json:"draining"` // Nomad moves its instances away
	Since      time.Time  `json:"since"`    // when Status, Eligible or Draining last changed
}

// Backend is what was seen of one of the programs that Crumpet works with.
type Backend struct {
	Name   string    `json:"name"` // nomad, consul, vault or fabio
	OK     bool      `json:"ok"`
	Reason string    `json:"reason,omitempty"` // why it is not, a sentence
	Since  time.Time `json:"since"`            // when OK or Reason last changed
}

// The names of backends.
const (
	BackendNomad  = "nomad"
	BackendConsul = "consul"
	BackendVault  = "vault"
	BackendFabio  = "fabio"
)
