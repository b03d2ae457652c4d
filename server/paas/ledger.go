package paas

import "time"

// Ledger is what is kept of an app's releases, as far as it bears on how long they are kept.
type Ledger struct {
	Releases []LedgerRelease // newest first
	Walks    []LedgerWalk    // deployments that have ended, newest first
}

// LedgerRelease is a release without what it holds.
type LedgerRelease struct {
	Number    int
	CreatedAt time.Time
}

// LedgerWalk is a deployment that has ended.
type LedgerWalk struct {
	ID      string
	Release int
	State   DeploymentState
	EndedAt time.Time
}
