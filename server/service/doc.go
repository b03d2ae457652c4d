// Package service is the use case of service instances and of the credentials that apps get of them. It
// turns wishes (rows of instances and bindings, service blocks of releases) into calls to engines, and
// their answers into rows:
//
//	Create, Update, Delete   a row of the instance, and one of the journal
//	Bind, Unbind, Rotate     a row of the binding, and one of the journal
//	Run                      the one loop, on the leader, that makes the calls: see operation.go
//	Admit                    what a push's service blocks can't be, before there is a release
//
// An Engine is what makes instances and credentials of one kind: broker.go, postgres.go, user.go, one file
// each. Engines hold no state. What follows from an answer (poll, try again, delete an orphan) is decided
// in package paas and by the pure functions of decide.go; nothing is called that the journal does not name,
// so that a server that is killed at any moment leaves no orphan that its successor doesn't know of.
//
// Bindings are level-triggered: the loop compares what the releases of an app and people wish with the rows
// there are, and makes, rotates or ends credentials. How they reach programs is package deploy's, which is
// called through an interface.
//
// Invariant: passwords, parameters and credentials are in Vault only: never in a row, an event, an error or
// a log. Nothing of a provider's words is kept that repeats one of them.
package service
