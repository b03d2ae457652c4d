// Package watch turns what the clusters show into facts in the store.
//
//	Nomad   allocations, evaluations   --+
//	Consul  health checks                +--> Inputs --Fold--> paas.Observation --> store
//	Fabio   route tables, probes       --+
//
// It is level-triggered: each source is read whole, by blocking queries with an index as the truth,
// and Fold compares what follows from all of it with the facts last written. So a list that comes
// twice, late or after a gap changes nothing but the time. Only what changed is written, with an
// event where a person would want to know.
//
// An instance is healthy when it has run, with all checks passing in Consul, for its process's
// min_healthy; without a check, when it has run for 5 s without a restart. The clock is ours, starts
// anew when the task does, and survives a restart of Crumpet in the instance's PassingAt.
//
// A run of a side job (a task, a cron's firing) is an allocation as well. It is kept when Nomad has
// forgotten it, the last twenty of each name.
//
// A route answers when it stands in the table of every router and a request through the router got
// another answer than 502, 503 or 504.
//
// Traffic is counted apart: the routers' counters by service, read every few seconds, add up to buckets
// of ten seconds by Count, whatever routers are started anew and whatever readings are lost.
//
// Fold, Reason and the other pure functions have no clock and do no I/O; Run owns all goroutines and
// is the only caller of the store.
//
// Invariant: never writes a wish and never changes a cluster.
package watch
