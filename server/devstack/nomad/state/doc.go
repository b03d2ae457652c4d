// Package state keeps what the embedded Nomad knows: jobs with their versions,
// evaluations, allocations, the one node and the namespaces.
//
//	transaction -> rows + index -> one line of the log -> readers, waiters, events
//
// Every transaction has one index, one higher than the last, and becomes one
// line of JSON in the log, so that a process killed at any moment comes back
// with whole transactions only. The log survives the death of the process, not
// of the machine: it is written without fsync, as a laptop's stack can be.
//
// Invariant: a row is never changed once it is put. Writers put changed copies;
// readers may keep and encode what they were given without any lock.
package state
