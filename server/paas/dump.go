package paas

import "time"

// Dump says what a copy of the store holds.
type Dump struct {
	Version   int64            `json:"version"` // of its tables
	Engine    string           `json:"engine"`  // of the database that it is from, for a person
	At        time.Time        `json:"at"`      // all of it is of this moment
	Rows      map[string]int64 `json:"rows"`    // by table
	LastEvent int64            `json:"last_event"`
	LastAudit int64            `json:"last_audit"`
	// Artifacts are the digests that releases name: they are no part of the copy.
	Artifacts []string `json:"-"`
}
