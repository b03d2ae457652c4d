// Package leader runs the loops of which there must be one only: the converger and the watcher.
//
//	Lock.Lead --epoch--> loops run side by side --first error, or ctx ends--> all end --> again
//
// The epoch grows with every leader. Each write of a leader carries it, and the store refuses a lower
// one, so that a leader that lost its lock without noticing can do no harm (a fencing token).
//
// Invariant: when Run returns, every loop has returned.
package leader
