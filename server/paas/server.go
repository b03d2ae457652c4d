package paas

import "time"

// Server is one of the Crumpet servers that share a store.
type Server struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	Address   string     `json:"address"` // at which it serves the API itself, HOST:PORT
	Version   string     `json:"version"`
	Store     string     `json:"store"` // SQLite or PostgreSQL
	State     string     `json:"state"` // leader, follower, or lost: it has not been seen for a while
	Epoch     int64      `json:"epoch,omitempty"`
	LedAt     *time.Time `json:"leads_since,omitempty"`
	StartedAt time.Time  `json:"started_at"`
	SeenAt    time.Time  `json:"seen_at"`
}

// States of a Server.
const (
	ServerLeader   = "leader"
	ServerFollower = "follower"
	ServerLost     = "lost"
)
