// Package retention lets go of what nobody needs any more, by count and by age.
//
//	Snapshot, Ledger --Stale (pure)--> Change --Save-->  releases and deployments of an app go
//	Runs             --StaleRuns (pure)------->          runs of tasks and crons go
//	events, builds older than a time                     go
//	content that no kept release and no build names,     goes, once nobody has sent it or asked for it
//	                                                     for a while
//
// In this order: what a release names is safe for as long as the release is there, and a release goes
// only by a compare-and-set on its app's version, so that a rollback that has just read it is told.
//
// A release never goes while it serves, stands in a slot, is named by a deployment that has not ended
// or by a job beside the slots, has an instance or a run that has not ended, or is one of the last that
// were healthy: those can be rolled back to. The newest one stays too, whatever became of it: its number
// is never used again.
//
// Invariant: Stale and StaleRuns know no clock and no store; everything they give may be dropped in any
// order, and a crash between two drops loses nothing but time.
package retention
