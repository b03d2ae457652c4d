// Package server is the composition root: it opens the store and the adapters, hands them to the use
// cases, and runs the API beside the loops that only the leader may run.
//
//	Open   everything that can fail at once: folders, the store, the first token, the platform keys
//	Run    the API, the builds, and on the leader the converger and the watcher, until ctx ends
//	Close  the store
//
// Invariants: it is the only package that knows all others, and it never imports devstack.
package server
