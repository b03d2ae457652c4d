// Package deploy turns the wish for an app into jobs and router rules, and walks it from the release
// in one slot to the release in the other.
//
//	Deploy, Scale, Restart, Stop, Start, Destroy, Pause, Resume,
//	Abort, Promote, Once, EndRun                              edit wishes: rows of the store, nothing else
//	Plan                                                      says what Deploy would do, and does nothing
//	Run                                                       the converger, on the leader only
//
// Each turn of the converger is for one app: read one paas.Snapshot; Next (pure) says step, hold,
// abort or done; World (pure) says what both slots and the rule should hold; converge makes it so,
// idempotently. A crash anywhere is repaired by computing the world again.
//
//	Snapshot --Next--> verdict --apply--> Change (store) --World--> jobs, rule --converge--> Nomad, Consul
//
// Beside the slots stand side jobs, one row each: crons, which belong to the live release; tasks of a
// deployment's phases, which hold it before its first step and before its end; runs on demand. Tasks and
// runs are registered once, whatever happens.
//
//	Snapshot --sides--> Change (store) --convergeSides--> Nomad
//
// Invariants: this package is the only writer of a deployment's step and state, the only caller of
// the scheduler's Register, and the only writer of fabio/config/crumpet/. It never reads a cluster to
// learn facts; those come from the store, where package watch put them.
package deploy
