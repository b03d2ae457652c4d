// Package server is the composition root: it opens the store and the adapters, hands them to the use
// cases, and runs the API beside the loops that only the leader may run.
//
//	Open   everything that can fail at once: folders, the store, the first token, the platform keys
//	Run    the API, and on the leader the converger, the watcher and the builds, until ctx ends
//	Close  the store
//
// With PostgreSQL several servers share a store (docs/servers.md): each is a service in Consul, the one
// that holds a lock there leads, and all of them serve.
//
// Invariants: it is the only package that knows all others, and it never imports devstack.
package server
