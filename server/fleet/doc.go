// Package fleet says what a cluster of machines is to be: cluster.hcl, read and checked.
//
//	cluster.hcl -> Parse -> Fleet -> Validate -> faults, each with file, line and column, or key path
//
// A Fleet holds no secret: it names the files that do, and the public keys of those who may read.
//
// Invariant: pure; whoever makes a fleet so is package bootstrap.
package fleet
