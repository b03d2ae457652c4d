package paas

import "time"

// DrainState is how far a node is on its way to be empty.
//
//	leaving --> draining --> drained
//
// Whoever ends a drain takes the row away.
type DrainState string

// The states.
const (
	DrainLeaving  DrainState = "leaving"  // it takes no new instances; apps that would have none left walk first
	DrainDraining DrainState = "draining" // Nomad moves what is left, one instance of each job at a time
	DrainDone     DrainState = "drained"  // nothing of ours is on it
)

// Drain is the wish for a node to be empty.
type Drain struct {
	NodeID    string     `json:"node_id"`
	Node      string     `json:"node"` // its name
	By        string     `json:"by"`   // name of the token
	State     DrainState `json:"status"`
	Reason    string     `json:"reason,omitempty"` // what it waits for, a sentence
	CreatedAt time.Time  `json:"created_at"`
	EndedAt   *time.Time `json:"ended_at,omitempty"`
}

// NodeView is a node with what Crumpet has on it and wants of it.
type NodeView struct {
	Node
	Instances int    `json:"instances"`       // of apps, which have not ended
	Drain     *Drain `json:"drain,omitempty"` // while it is to be empty
}
