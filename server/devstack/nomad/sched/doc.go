// Package sched decides, as Nomad's scheduler does for a service job on one
// node, which allocations start, stop or are updated in place.
//
//	job + its allocations + the node with all it holds -> Plan
//
// It follows Nomad's reconciler for jobs without deployments, which is what
// update { max_parallel = 0 } means: a count that grows fills the lowest free
// indexes, one that shrinks takes the highest, a destructive change replaces
// all instances at once, a failed instance is rescheduled after its delay.
// Of other update blocks only max_parallel is followed: so many instances are
// replaced, and the next when those are healthy; what is unhealthy ends it.
// An instance that asks for host volumes goes to a node that has them.
//
// Invariant: no clock, no ids and no I/O of its own; all come with the Input.
package sched
