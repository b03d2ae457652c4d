// Package leader runs the loops of which there must be one only: the converger, the watcher, the builds.
//
//	Lock.Acquire --held--> Epochs.Lead --epoch--> loops run side by side
//	      ^                                           | one fails, the lock is lost, or ctx ends
//	      '------------- again <-- release <-- all have returned
//
// The lock (a session of Consul's) keeps two servers from leading at once in all but bad moments; the
// epoch makes those harmless. It grows with every leader, each write of a leader carries it, and the store
// refuses a lower one: a server that was stopped, or cut off, and goes on without having noticed, can
// write nothing (a fencing token).
//
// Invariant: when Run returns, and before the lock is given back, every loop has returned.
package leader
