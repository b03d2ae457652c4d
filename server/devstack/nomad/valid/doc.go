// Package valid says what is wrong with a job and what it warns of, in the words
// of Nomad's own validation.
//
//	canonical job -> faults, warnings
//
// It covers what Crumpet renders and what can come in by the escape hatch. What
// the stand-in can't run is a fault too, and says so.
//
// Invariant: pure; it never looks at a node or at another job.
package valid
