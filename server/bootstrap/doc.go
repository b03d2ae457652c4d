// Package bootstrap makes a fleet so: from empty machines to a serving cluster, in steps.
//
//	Fleet, Kept, Hosts -> Steps, in order
//	                        Plan:  what is not as wished yet; nothing says the step is done
//	                        Do:    makes it so
//	                        Undo:  takes it back, or says why it can't be
//
// A run asks each step for its plan, does it, and asks again: a second plan that is not empty is an error. So a
// run may end anywhere, by a signal or a lost connection, and the next one goes on from what it finds. What can't
// be found out twice (a token that a program gives once, a key) is kept, sealed, before it is used.
//
// One file per step: step_NAME.go.
//
// Invariant: no secret is an argument of a command, in an error, in a plan or in a file of this machine that is
// not sealed.
package bootstrap
