// Package cluster empties nodes without costing a request, and has Nomad try routers again that it has given up.
//
//	Drain, Undo                edit the wish: a row of the store for each node
//	Run                        on the leader only, makes it so
//
//	the node takes no new instances
//	   |  apps of which a process with routes would have no healthy instance left walk to the other slot
//	   v  (Next (pure) says which, and what is waited for)
//	Nomad's own drain moves the rest, one instance of each job at a time
//	   |
//	   v
//	nothing of ours is on the node: drained
//
// Nomad's drain stops a single instance and starts its successor at once, which leaves a gap as long as
// the app takes to start (slots.md A5); a walk has none. Every turn begins from the facts of the store, so a
// crash anywhere is repaired by the next one.
//
// Reviver, on the leader only as well, is apart from it: RouterJob --lacks a router, tries so far--> due (pure) --> Nomad
// looks at the node again. It touches no job.
//
// Invariant: never decides how an app walks, and never writes a row of one; it asks package deploy.
package cluster
